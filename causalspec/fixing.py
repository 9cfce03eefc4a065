"""Apply the fixes that diagnostics carry.

In: a source. Out: the text after the fixes, which were applied, and what `check` says of the new text.
Invariant: the number of errors never grows; the same text gives the same result; it ends after MOST_ROUNDS rounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from causalspec.diagnostics import Diagnostic, Fix, Severity
from causalspec.record import record
from causalspec.render import escaped
from causalspec.semantics.check import check
from causalspec.semantics.hypothesis import Hypothesis
from causalspec.span import Source

MOST_ROUNDS = 10
MOST_CHECKS = 60  # after these, a round's fixes are made together or not at all


@record
class Applied:
    """A fix that was made; `line` and `column` are those of the text it was made in."""

    code: str
    line: int
    column: int
    before: str
    after: str

    def __str__(self) -> str:
        before, after = (f"`{escaped(text.strip() or text)}`" for text in (self.before, self.after))
        if not self.before.strip():
            what = f"added {after}" if self.after.strip() else "added a line end"
        else:
            what = f"{before} → {after}" if self.after else f"deleted {before}"
        return f"fixed[{self.code}]: {what}"


@record
class Fixed:
    """A source after the fixes, and what `check` says of it."""

    source: Source
    applied: tuple[Applied, ...]
    hypothesis: Hypothesis | None
    diagnostics: tuple[Diagnostic, ...]


def fixed(source: Source) -> Fixed:
    """Apply fixes until none is left that helps."""
    applied: list[Applied] = []
    mender = _Mender(source, *check(source))
    seen = {source.text}
    for _ in range(MOST_ROUNDS):
        applied += mender.round()
        if mender.source.text in seen:
            break
        seen.add(mender.source.text)
    return Fixed(mender.source, tuple(applied), mender.hypothesis, mender.diagnostics)


@dataclass(slots=True)
class _Mender:
    """A source that is being mended, with what `check` says of it."""

    source: Source
    hypothesis: Hypothesis | None
    diagnostics: tuple[Diagnostic, ...]
    checks: int = 0

    def round(self) -> list[Applied]:
        """Make the fixes of the diagnostics that there are.

        All at once where each then mends its error; else half by half, at last each that adds no error.
        """
        source, kept = self.source, list[Diagnostic]()
        rest = [_apart(self.diagnostics, source)]
        while rest and rest[-1]:
            trial = rest.pop()
            text = _edited(source.text, [*kept, *trial])
            hypothesis, found = check(Source(source.name, text))
            self.checks += 1
            splits = len(trial) > 1 and self.checks <= MOST_CHECKS
            if _errors(found) <= _errors(self.diagnostics) - (_errors(trial) if splits else 0):
                kept += trial
                self.source, self.hypothesis, self.diagnostics = Source(source.name, text), hypothesis, found
            elif splits:
                rest += [trial[len(trial) // 2 :], trial[: len(trial) // 2]]
        return [_applied(item, source) for item in sorted(kept, key=_place)]


def _apart(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """The first diagnostics whose fixes change something and do not touch each other."""
    found: list[Diagnostic] = []
    end = -1
    for item in sorted((item for item in diagnostics if item.fix), key=_place):
        assert item.fix is not None
        if item.fix.span.start > end and source.slice(item.fix.span) != item.fix.text:
            found.append(item)
            end = item.fix.span.end
    return found


def _place(item: Diagnostic) -> tuple[int, int]:
    assert item.fix is not None
    return (item.fix.span.start, item.fix.span.end)


def _edited(text: str, items: Iterable[Diagnostic]) -> str:
    """The text with fixes made, from the last to the first; line ends are those of the text."""
    ends = "\r\n" if "\r\n" in text else "\n"
    for item in sorted(items, key=_place, reverse=True):
        assert item.fix is not None
        fix: Fix = item.fix
        text = text[: fix.span.start] + fix.text.replace("\n", ends) + text[fix.span.end :]
    return text


def _errors(diagnostics: Iterable[Diagnostic]) -> int:
    return sum(item.severity is Severity.ERROR for item in diagnostics)


def _applied(item: Diagnostic, source: Source) -> Applied:
    assert item.fix is not None
    line, column = source.position(item.fix.span.start)
    return Applied(item.code, line, column, source.slice(item.fix.span), item.fix.text)


def difference(before: Source, after: Source) -> str:
    """The unified diff of two texts of one file; empty where they are the same."""
    from difflib import unified_diff

    name = escaped(before.name)
    old, new = before.text.splitlines(keepends=True), after.text.splitlines(keepends=True)
    lines = unified_diff(old, new, name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
