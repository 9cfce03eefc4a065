"""Lay a spec out for the parser: comments and line ends that mean nothing become blanks.

In: the text. Out: text of the same length, so that offsets stay true, and the structure of its braces.
A line end means nothing inside `(` or `[`, and before a line that starts with then, else, and, or. Invariant: never
raises; what cannot be laid out (an open string or bracket, too deep a nesting) is reported once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from causalspec.diagnostics import Report
from causalspec.span import Span

_DECLARATION = re.compile(
    r'(?:task[ \t]+\w+[ \t]*\{|(?:model|variant|align)[ \t]+\w+[ \t]+for\b|experiment[ \t]+\w+[ \t]*\{|claim[ \t]+"|lm[ \t]+\w+[ \t]*=)'
)
DEPTH = 64
PAIRS = {"(": ")", "[": "]", "{": "}"}
_TOKEN = re.compile(
    r'(?P<long>"""(?:[^"\\]|\\.|"(?!""))*"""(?!"))'
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<line>\n)"
    r"|(?P<bracket>[()\[\]{}])"
    r'|(?P<open>"(?:"")?)'
    r"|(?P<control>[\x00-\x08\x0b\x0e-\x1f\x7f])",
    re.DOTALL,
)
_CONTINUES = re.compile(r"(?:\s|\#[^\n]*\n)*(?:then|else|and|or)\b")
_STATEMENT = re.compile(
    r"[ \t]*(?:(?:task|model|variant|lm|align|experiment|input|let|require|var|output|place|method|lm)[ \t]+[A-Za-z_(]"
    r'|(?:claim|prompt)[ \t]+"|\})'
)


@dataclass(slots=True)
class Layout:
    """The laid-out text; `lines` are the offsets of line ends that separate statements, by brace depth."""

    text: str
    breaks: list[tuple[int, int]] = field(default_factory=list)  # (offset, depth of braces)
    braces: dict[int, int] = field(default_factory=dict)  # offset of "{" -> offset of its "}"


def lay_out(text: str, report: Report) -> Layout:
    """The layout of a spec's text."""
    pieces: list[str] = []
    layout = Layout("")
    stack: list[tuple[str, int]] = []
    at = 0
    for match in _TOKEN.finditer(text):
        kind, start = match.lastgroup, match.start()
        if start < at:
            continue
        pieces.append(text[at:start])
        at = match.end()
        replacement = match.group()
        if kind == "comment":
            replacement = " " * len(replacement)
        elif kind == "line":
            replacement = _line(text, start, stack, layout, report)
        elif kind == "bracket":
            _bracket(replacement, start, stack, layout, report)
        elif kind == "open":
            end = len(text) if len(replacement) == 3 else _line_end(text, start)
            report.add("E0104", "this string is not closed", Span(start, min(start + len(replacement), len(text))),
                       "opened here", help=f"end it with `{replacement}`")  # fmt: skip
            at = end
            replacement = "0".ljust(end - start)
        elif kind == "control":
            report.add(
                "E0105", f"a control character (U+{ord(replacement):04X}) cannot stand here", Span(start, start + 1)
            )
            replacement = " "
        pieces.append(replacement)
    pieces.append(text[at:])
    for bracket, start in stack:
        _unclosed(bracket, start, report)
        layout.braces.setdefault(start, len(text))
    layout.text = "".join(pieces)
    return layout


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _line(text: str, start: int, stack: list[tuple[str, int]], layout: Layout, report: Report) -> str:
    if stack and stack[-1][0] in "([":
        if not _STATEMENT.match(text, start + 1):
            return " "
        while stack and stack[-1][0] in "([":
            _unclosed(*stack.pop(), report)
    while stack and _DECLARATION.match(text, start + 1):
        bracket, opened = stack.pop()
        _unclosed(bracket, opened, report)
        layout.braces[opened] = start
    if _CONTINUES.match(text, start + 1):
        return " "
    layout.breaks.append((start, len(stack)))
    return "\n"


def _bracket(bracket: str, start: int, stack: list[tuple[str, int]], layout: Layout, report: Report) -> None:
    if bracket in PAIRS:
        stack.append((bracket, start))
        if len(stack) == DEPTH + 1:
            report.add("E0106", f"brackets are nested deeper than {DEPTH}", Span(start, start + 1))
        return
    while stack and PAIRS[stack[-1][0]] != bracket and bracket == "}" and any(item[0] == "{" for item in stack):
        _unclosed(*stack.pop(), report)
    if not stack or PAIRS[stack[-1][0]] != bracket:
        report.add("E0103", f"this `{bracket}` closes nothing", Span(start, start + 1))
        return
    opening, opened = stack.pop()
    if opening == "{":
        layout.braces[opened] = start


def _unclosed(bracket: str, start: int, report: Report) -> None:
    report.add("E0103", f"this `{bracket}` is not closed", Span(start, start + 1), f"no `{PAIRS[bracket]}` follows")
