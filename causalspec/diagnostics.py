"""What is wrong, where, and what to do about it: data only, renderers live elsewhere.

Invariant: a user's mistake is a `Diagnostic`; only a bug in causalspec is an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from causalspec.record import record
from causalspec.span import Source, Span


class Severity(StrEnum):
    """How bad: errors stop a run, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@record
class Label:
    """A second place that explains the first."""

    span: Span
    text: str


@record
class Fix:
    """Replace the text under `span` by `text`."""

    span: Span
    text: str


@record
class Diagnostic:
    """One mistake: a stable code, the place, the message, and a way out."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""  # said under the caret
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR


@dataclass(slots=True)
class Report:
    """Collects the diagnostics of one source while passes run over it."""

    source: Source
    items: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        label: str = "",
        *,
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        help: str = "",
        fix: Fix | None = None,
    ) -> None:
        self.items.append(Diagnostic(code, message, span, label, labels, notes, help, fix))

    @property
    def errors(self) -> int:
        return sum(item.severity is Severity.ERROR for item in self.items)

    @property
    def failed(self) -> bool:
        return self.errors > 0

    def sorted(self) -> tuple[Diagnostic, ...]:
        """In the order of the text, each once; what has no place comes last."""
        end = len(self.source.text) + 1

        def key(item: Diagnostic) -> tuple[int, int, str, str]:
            place = item.span or Span(end, end)
            return (place.start, place.end, item.code, item.message)

        return tuple(sorted(dict.fromkeys(self.items), key=key))
