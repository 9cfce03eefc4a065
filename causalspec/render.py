"""Show diagnostics to people: with the source line and a caret. `formats` shows them to machines.

In: diagnostics and their source. Out: text; the caller decides on colour and where it goes.
Invariant: the user's text cannot steer the terminal (control characters are shown escaped), and carets stand under
what they mean whatever the width of the characters before them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from causalspec.diagnostics import Diagnostic, Severity
from causalspec.record import record
from causalspec.span import Source, Span

TAB = 4
WIDEST = 110  # columns of a source line that are shown; longer lines are cut around the caret
BEFORE = 50  # of these, at most so many before the caret where a line is cut
_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"
_JOINERS = "\u200c\u200d"


def render(diagnostics: Iterable[Diagnostic], source: Source, *, color: bool = False) -> str:
    """The diagnostics as text for people, one empty line between two."""
    return "\n\n".join(_Renderer(source, color).one(item) for item in diagnostics)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    counted = dict.fromkeys(Severity, 0)
    for item in diagnostics:
        counted[item.severity] += 1
    parts = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counted.items() if count]
    return ", ".join(parts) or "no errors"


def escaped(text: str) -> str:
    """A text whose control and format characters are shown as escapes, on one line."""
    return "".join(_cell(character, 0)[0] if character != "\t" else " " for character in text)


def _cell(character: str, column: int) -> tuple[str, int]:
    """What is shown for a character that begins at a column, and how many columns that takes."""
    if " " <= character <= "~":
        return character, 1
    if character == "\t":
        width = TAB - column % TAB
        return " " * width, width
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") and character not in _JOINERS:
        number = ord(character)
        shown = f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:X}}}"
        return shown, len(shown)
    if category in ("Mn", "Me") or character in _JOINERS:
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1


@record
class _Line:
    """A source line as it is shown: the pieces of text, and the column at which each character begins."""

    shown: tuple[str, ...]
    columns: tuple[int, ...]  # one more than characters: the last is the line's width

    @classmethod
    def of(cls, text: str) -> _Line:
        shown, columns = [], [0]
        for character in text:
            piece, width = _cell(character, columns[-1])
            shown.append(piece)
            columns.append(columns[-1] + width)
        return cls(tuple(shown), tuple(columns))

    def cut(self, first: int) -> tuple[str, int, int]:
        """The text shown, columns cut off on the left less the dots put there, and the last column shown."""
        if self.columns[-1] <= WIDEST:
            return "".join(self.shown), 0, self.columns[-1]
        begin = max(0, min(self.columns[first] - BEFORE, self.columns[-1] - WIDEST))
        kept = [i for i in range(len(self.shown)) if begin <= self.columns[i] and self.columns[i + 1] <= begin + WIDEST]
        left = "…" if kept[0] > 0 else ""
        right = "…" if kept[-1] + 1 < len(self.shown) else ""
        text = left + "".join(self.shown[kept[0] : kept[-1] + 1]) + right
        return text, self.columns[kept[0]] - len(left), self.columns[kept[-1] + 1]


@record
class _Mark:
    """An underline in a source line, with what is said beside it."""

    line: int
    start: int  # characters, 0-based
    end: int
    text: str
    primary: bool


@record
class _Renderer:
    source: Source
    color: bool

    def one(self, item: Diagnostic) -> str:
        tint = _RED if item.severity is Severity.ERROR else _YELLOW
        lines = [self._paint(f"{item.severity}[{item.code}]", tint) + self._paint(f": {escaped(item.message)}", _BOLD)]
        marks = self._marks(item)
        gutter = max((len(str(mark.line)) for mark in marks), default=1)
        if item.span is not None:
            line, column = self.source.position(item.span.start)
            lines.append(f"{' ' * gutter}{self._paint('-->', _BLUE)} {escaped(self.source.name)}:{line}:{column}")
        lines += self._excerpt(marks, gutter, tint)
        for word, texts in (("note", item.notes), ("help", (item.help,) if item.help else ())):
            lines += [
                f"{' ' * gutter} {self._paint('=', _BLUE)} {self._paint(word, _BOLD)}: {escaped(text)}"
                for text in texts
            ]
        return "\n".join(lines)

    def _paint(self, text: str, tint: str) -> str:
        return f"{tint}{text}{_PLAIN}" if self.color else text

    def _marks(self, item: Diagnostic) -> list[_Mark]:
        if item.span is None:
            return []
        marks = [self._mark(item.span, item.label, primary=True)]
        marks += [self._mark(label.span, label.text, primary=False) for label in item.labels]
        return sorted(marks, key=lambda mark: (mark.line, not mark.primary, mark.start))

    def _mark(self, span: Span, text: str, *, primary: bool) -> _Mark:
        line, column = self.source.position(span.start)
        length = len(self.source.line(line))
        start = min(column - 1, length)
        end = min(column - 1 + span.end - span.start, length)
        return _Mark(line, start, max(end, start), escaped(text), primary)

    def _excerpt(self, marks: Sequence[_Mark], gutter: int, tint: str) -> list[str]:
        lines: list[str] = []
        shown_line = 0
        for mark in marks:
            line = _Line.of(self.source.line(mark.line))
            first = next(other.start for other in marks if other.line == mark.line)
            text, shift, last = line.cut(first)
            if mark.line != shown_line:
                if shown_line and mark.line > shown_line + 1:
                    lines.append(self._paint("…".rjust(gutter), _BLUE))
                lines.append(f"{self._paint(f'{mark.line:>{gutter}} |', _BLUE)} {text}".rstrip())
                shown_line = mark.line
            lines.append(self._underline(mark, line, shift, last, gutter, tint))
        return lines

    def _underline(self, mark: _Mark, line: _Line, shift: int, last: int, gutter: int, tint: str) -> str:
        start = line.columns[mark.start]
        width = max(1, min(line.columns[mark.end], max(last, start)) - start)
        under = ("^" if mark.primary else "-") * width + (f" {mark.text}" if mark.text else "")
        gap = " " * max(0, start - shift)
        return f"{self._paint(' ' * gutter + ' |', _BLUE)} {gap}{self._paint(under, tint if mark.primary else _BLUE)}"
