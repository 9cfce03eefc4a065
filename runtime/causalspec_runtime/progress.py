"""Tell how far a run is and what is left.

In: what the run says it does. Out: a live line at a terminal, plain lines elsewhere, on standard error.
Invariant: progress never changes a result; it may be silent.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from causalspec_runtime.plan import SiteRecord

REMARK_SECONDS = 20.0


class Watch:
    """Says nothing; the base of those that do. Work is counted in cells: a test of an alignment counts as one."""

    def start(self, total: float) -> None:
        """The whole run is `total` units of work."""

    def step(self, what: str, site: SiteRecord, step: int, total: int) -> None:
        """A cell is `step` of at most `total` steps on."""

    def cell(self, what: str, site: SiteRecord, validation: float) -> None:
        """A cell is finished."""

    def test(self, what: str, done: int, total: int) -> None:
        """`done` of `total` test tuples are answered."""

    def say(self, text: str) -> None:
        """A sentence for the user."""


class TerminalWatch(Watch):
    """A progress bar with the time left at a terminal; a line now and then where there is none."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._bar: Any = None
        self._task: Any = None
        self._units, self._total = 0.0, 1.0
        self._part = 0.0
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> TerminalWatch:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def start(self, total: float) -> None:
        self._total = total
        self._begun = time.monotonic()
        if self._bar is not None:
            self._task = self._bar.add_task("starting", total=total)

    def step(self, what: str, site: SiteRecord, step: int, total: int) -> None:
        self._part = step / total
        self._show(f"{what}: layer {site.layer}, {site.token}, step {step}")

    def cell(self, what: str, site: SiteRecord, validation: float) -> None:
        self._advance()
        self._show(f"{what}: layer {site.layer}, {site.token}: validation IIA {validation:.3f}")

    def test(self, what: str, done: int, total: int) -> None:
        self._part = done / total
        if done >= total:
            self._advance()
        self._show(f"{what}: {done:,} of {total:,} test tuples")

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _advance(self) -> None:
        self._units, self._part = self._units + 1, 0.0

    def _show(self, text: str) -> None:
        done = min(self._units + self._part, self._total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=text)
            return
        now = time.monotonic()
        if now - self._told < REMARK_SECONDS:
            return
        self._told = now
        left = (now - self._begun) * (self._total - done) / done if done else 0.0
        sys.stderr.write(f"{100 * done / self._total:3.0f} %, about {left:.0f} s left: {text}\n")
        sys.stderr.flush()
