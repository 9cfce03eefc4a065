"""Say in words what is wrong at a token: what was being written, and what may come next.

In: the tokens, the parser's values, and the terminals that fit. Out: one diagnostic.
Invariant: no grammar terminal is ever shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from causalspec.diagnostics import Fix, Label, Report
from causalspec.span import Span
from causalspec.syntax.lexer import DECLARATIONS, STATEMENTS
from causalspec.syntax.token import Token

_VALUE = frozenset(
    ["NUMBER", "STRING", "QUOTED", "TRUE", "FALSE", "NOT", "IF", "LPAR", "LSQB", "LBRACE", "SIGN", "NAME"]
)
_OPERATORS = frozenset(["SIGN", "SCALE", "COMPARE", "IN", "AND", "OR", "DOT", "LSQB", "LPAR"])
_NAMED = DECLARATIONS | frozenset(["input", "let", "output", "var", "place", "method"]) - {"cspec", "claim"}
_SHOWN = {
    "EQUAL": "`=`", "COLON": "`:`", "COMMA": "`,`", "RPAR": "`)`", "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`",
    "ARROW": "`->`", "RANGE": "`..`", "LPAR": "`(`", "VBAR": "`|`", "DOT": "`.`", "LSQB": "`[`", "STRING": "a text in quotes",
    "LONG_STRING": 'a text in `"""`', "NAME": "a name", "NUMBER": "a number", "NEWLINE": "a new line",
    "$END": "the end", "SIGN": "`+` or `-`", "COMPARE": "a comparison", "SCALE": "`*` or `/`",
}  # fmt: skip
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_HABITS = {
    "“": 'texts are written between straight quotes: "Yes"',
    "”": 'texts are written between straight quotes: "Yes"',
    ";": "a statement ends with its line",
    "^": "there is no power; write the product out",
    "?": "write `if … then … else …`",
    "@": "comments begin with `#`",
}


@dataclass(frozen=True)
class Problem:
    """A token that does not fit, and what surrounds it."""

    items: list[Token]
    position: int
    expected: frozenset[str]
    values: tuple[Any, ...]
    start: str

    @property
    def token(self) -> Token:
        return self.items[self.position]

    @cached_property
    def ends(self) -> bool:
        """Whether something ends too early: the line, the body, the file."""
        return self.token.type in ("NEWLINE", "$END", "RBRACE")

    @cached_property
    def place(self) -> Span:
        """Under the token; after the token before it where that one should have been followed."""
        if self.token.type in ("NEWLINE", "$END") or self.begins_line:
            end = self.before_end
            return Span(end, end)
        return self.token.span

    @cached_property
    def begins_line(self) -> bool:
        return self.position > 0 and self.items[self.position - 1].type == "NEWLINE"

    @cached_property
    def before_end(self) -> int:
        """Where the last token before this one ends, line ends aside."""
        index = self.position - 1
        while index > 0 and self.items[index].type == "NEWLINE":
            index -= 1
        return (self.items[index].end) if index >= 0 else (self.token.start)

    @cached_property
    def found(self) -> str:
        """The token, in words."""
        if self.token.type == "NEWLINE":
            return "the end of the line"
        if self.token.type == "$END":
            return "the end of the hole" if self.start == "hole" else "the end of the file"
        text = str(self.token).split("\n")[0]
        return f"`{text if len(text) <= 40 else text[:39] + '…'}`"

    @cached_property
    def written(self) -> str:
        """What was being written: `let upper`, the body of `task x`, the hole, the file."""
        for index in range(len(self.values) - 1, -1, -1):
            value = self.values[index]
            if isinstance(value, Token) and str(value) in STATEMENTS | DECLARATIONS and value.type != "NAME":
                return self._named(index)
        return "this hole of the prompt" if self.start == "hole" else "the file"

    def _named(self, index: int) -> str:
        following = self.values[index + 1] if index + 1 < len(self.values) else None
        named = str(self.values[index]) in _NAMED and isinstance(following, Token) and following.type == "NAME"
        name = f" {following}" if named else ""
        shown = f"`{self.values[index]}{name}`"
        inside = any(isinstance(value, Token) and value.value == "body" for value in self.values[index + 1 :])
        return f"the body of {shown}" if inside and self.values[index] != "claim" else shown

    def opener(self, bracket: str) -> Span | None:
        """Where the innermost open bracket of a kind stands."""
        for value in reversed(self.values):
            if isinstance(value, Token) and str(value) == bracket:
                return value.span
        return None


def tell(report: Report, problem: Problem, kind: str, text: str, close: tuple[str, ...]) -> None:
    """Report one problem; `kind` and `text` are the repair that was found, `close` the keywords spelt nearly so."""
    if kind == "insert":
        _tell_missing(report, problem, text)
    elif kind == "swap" or (close and problem.token.type == "NAME"):
        _tell_swap(report, problem, text or close[0])
    elif problem.token.type == "UNKNOWN":
        help = _HABITS.get(str(problem.token)[0], "")
        report.add("E0112", f"{problem.found} means nothing in a spec", problem.place, _label(problem), help=help)
    elif problem.ends and not problem.expected <= {"NEWLINE", "$END"}:
        _tell_unfinished(report, problem)
    else:
        _tell_misplaced(report, problem)


def _tell_swap(report: Report, problem: Problem, text: str) -> None:
    place = problem.token.span
    shown = "a new line" if text == "\n" else f"`{text}`"
    label, fix = f"did you mean {shown}?", Fix(place, text)
    if text.isalpha() and problem.token.type == "NAME":
        what = "begins no statement" if problem.begins_line else "is no keyword"
        report.add("E0102", f"{problem.found} {what} in {problem.written}", place, label, fix=fix)
    else:
        report.add("E0101", f"{problem.found} cannot stand here in {problem.written}", place, label, fix=fix)


def _tell_missing(report: Report, problem: Problem, text: str) -> None:
    opened = problem.opener(_CLOSERS[text]) if text in _CLOSERS else None
    labels = (Label(opened, "opened here"),) if opened is not None else ()
    if text == "\n":
        place = problem.token.span
        report.add("E0111", f"{problem.found} needs a line of its own", place, f"expected {_words(problem.expected)}",
                   fix=Fix(Span(place.start, place.start), text))  # fmt: skip
        return
    code = "E0103" if opened is not None else "E0111"
    before = "" if problem.place.start == problem.place.end else f" before {problem.found}"
    spaced = f" {text}" if text.isalpha() or text in ("{", "->", "=", "..") else text
    spaced = spaced + " " if text.isalpha() and before else spaced
    at = problem.before_end
    report.add(code, f"`{text}` is missing in {problem.written}", problem.place, f"expected `{text}`{before}",
               labels=labels, fix=Fix(Span(at, at), spaced if text != "}" else "\n}"))  # fmt: skip


def _tell_unfinished(report: Report, problem: Problem) -> None:
    unclosed = problem.token.value if isinstance(problem.token.value, Token) else None
    label = f"expected {_words(problem.expected)}"
    if unclosed is not None:
        place = unclosed.span
        report.add("E0103", f"this `{unclosed}` is not closed in {problem.written}", place, "opened here",
                   labels=(Label(problem.place, label),))  # fmt: skip
        return
    report.add("E0111", f"{problem.written} is not finished", problem.place, label)


def _tell_misplaced(report: Report, problem: Problem) -> None:
    token = problem.token
    place = token.span
    if str(token) in _CLOSERS:
        report.add("E0103", f"{problem.found} closes nothing", place, _label(problem), fix=Fix(place, ""))
        return
    report.add("E0101", f"{problem.found} cannot stand here in {problem.written}", place, _label(problem))


def _label(problem: Problem) -> str:
    return f"expected {_words(problem.expected)}" if problem.expected else ""


def _words(expected: Iterable[str]) -> str:
    """What may come next, in words: values and operators as one each."""
    left = set(expected)
    said: list[str] = []
    if {"NUMBER", "NAME", "LPAR"} <= left:
        said.append("a value")
        left -= _VALUE
    elif left & {"SCALE", "SIGN", "COMPARE", "AND", "OR"}:
        said.append("an operator")
        left -= _OPERATORS
    said += sorted(_SHOWN.get(name, f"`{name.lower()}`") for name in left if name not in ("NEWLINE", "$END"))
    if "NEWLINE" in left or "$END" in left:
        said.append("the end of the line" if "NEWLINE" in left else "the end")
    if not said:
        return "nothing more"
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " or " + said[-1]
