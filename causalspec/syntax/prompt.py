"""Split the text of a prompt into literal pieces and holes.

In: the place of a string literal's inside. Out: literals and holes, each with its place in the file; `ast.Broken` for
a hole that was reported as wrong.
Invariant: never raises; the literals' texts are what the reader of the prompt sees, escapes and `{{` resolved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from causalspec.diagnostics import Fix, Report
from causalspec.span import Span
from causalspec.syntax import ast
from causalspec.syntax.strings import ESCAPE, indentation, unescape

Part = ast.Literal | ast.Hole | ast.Broken
ParseHole = Callable[[int, int], ast.Hole | None]
_PIECE = re.compile(r"\{\{|\}\}|\{|\}|\\|\r?\n")
_FORMAT = re.compile(r"(\s*\w+)\s*((?::|!(?!=))[^']*)")  # as in Python: {price:.2f}
_HOLE = re.compile(r"\{((?:[^{}'\\\r\n]|'(?:[^'\\\r\n]|\\.)*')*)\}")


def split_prompt(text: str, inside: Span, report: Report, parse_hole: ParseHole) -> tuple[Part, ...]:
    """The parts of a prompt whose literal's inside (between the quotes) is given."""
    splitter = _Splitter(text, report, parse_hole)
    splitter.run(inside)
    return tuple(splitter.parts)


@dataclass(slots=True)
class _Splitter:
    text: str
    report: Report
    parse_hole: ParseHole
    parts: list[Part] = field(default_factory=list)
    literal: list[str] = field(default_factory=list)
    literal_start: int = 0

    def run(self, inside: Span) -> None:
        start, end, width = self._trimmed(inside)
        position = self.literal_start = start
        while position < end:
            match = _PIECE.search(self.text, position, end)
            if match is None:
                break
            self.literal.append(self.text[position : match.start()])
            position = self._piece(match, end, width)
        self.literal.append(self.text[position:end])
        self._finish_literal(end)

    def _trimmed(self, inside: Span) -> tuple[int, int, int]:
        """Start, end and common indentation: a text over lines loses a blank first and a blank last line."""
        lines = self.text[inside.start : inside.end].split("\n")
        if len(lines) == 1:
            return inside.start, inside.end, 0
        start, end = inside.start, inside.end
        width = indentation(lines)
        if not lines[0].strip():
            start += len(lines[0]) + 1
            start = self._line_start(start, end, width)
        if not lines[-1].strip() and len(lines) > 2:
            end -= len(lines[-1]) + 1
            end -= self.text[end - 1 : end] == "\r"
        return start, max(start, end), width

    def _line_start(self, position: int, end: int, width: int) -> int:
        """The offset after a line's indentation."""
        stop = min(position + width, end)
        while position < stop and self.text[position] in " \t":
            position += 1
        return position

    def _piece(self, match: re.Match[str], end: int, width: int) -> int:
        found = match.group()
        if found in ("{{", "}}"):
            self.literal.append(found[0])
        elif found[-1] == "\n":
            self.literal.append("\n")
            return self._line_start(match.end(), end, width)
        elif found == "\\":
            escape = ESCAPE.match(self.text, match.start(), end)
            if escape is not None:  # the lexer told of an escape that is none
                self.literal.append(unescape(escape) or "")
                return escape.end()
        elif found == "{":
            return self._hole(match.start(), end)
        else:
            self._stray(match.start(), "}", "this `}` closes no hole", "for a brace in the text write `}}`")
        return match.end()

    def _hole(self, start: int, end: int) -> int:
        match = _HOLE.match(self.text, start, end)
        if match is None:
            self._stray(
                start, "{", "this hole is not closed", "a hole ends with `}`; for a brace in the text write `{{`"
            )
            self.parts.append(ast.Broken("", None, Span(start, start + 1)))
            return start + 1
        place = Span(start, match.end())
        self._finish_literal(start)
        hole = None
        formatted = _FORMAT.fullmatch(match.group(1))
        if formatted:
            self.report.add("E0108", "a hole takes no format", Span(match.start(1) + formatted.start(2), match.end(1)),
                            help="a value is printed as its type writes it: decimal(2) with 2 decimal places",
                            fix=Fix(place, f"{{{formatted.group(1)}}}"))  # fmt: skip
            hole = self.parse_hole(match.start(1), match.start(1) + formatted.end(1))
        elif match.group(1).strip():
            hole = self.parse_hole(match.start(1), match.end(1))
        else:
            self.report.add("E0108", "this hole is empty", place, "expected a value",
                            help="name what it prints, such as `{price}`")  # fmt: skip
        self.parts.append(ast.Broken("", None, place) if hole is None else replace(hole, span=place))
        self.literal_start = match.end()
        return match.end()

    def _stray(self, at: int, brace: str, message: str, help: str) -> None:
        place = Span(at, at + 1)
        fix = Fix(place, "}}") if brace == "}" else None  # a `{` may as well begin a hole
        self.report.add("E0108", message, place, help=help, fix=fix)

    def _finish_literal(self, end: int) -> None:
        value = "".join(self.literal)
        if value:
            self.parts.append(ast.Literal(value, Span(self.literal_start, end)))
        self.literal.clear()
