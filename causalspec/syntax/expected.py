"""Say in words what is wrong at a token: what was being written, and what may come next.

In: the tokens, the parser's values, and the terminals that fit. Out: one diagnostic.
Invariant: no grammar terminal is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from causalspec import planned
from causalspec.diagnostics import Fix, Label, Report
from causalspec.span import Span
from causalspec.syntax.lexer import DECLARATIONS, STATEMENTS
from causalspec.syntax.token import Token

CONDITIONAL = "write `if … then … else …`"
_VALUE = frozenset(
    ["NUMBER", "STRING", "QUOTED", "TRUE", "FALSE", "NOT", "IF", "MATCH", "LPAR", "LSQB", "LBRACE", "SIGN", "NAME"]
)
_OPERATORS = frozenset(["SIGN", "SCALE", "COMPARE", "IN", "AND", "OR", "DOT", "LSQB", "LPAR"])
_NAMED = DECLARATIONS | frozenset(["input", "let", "output", "var", "place", "method"]) - {"cspec", "claim"}
_SHOWN = {
    "EQUAL": "`=`", "SEMICOLON": "`;`", "COLON": "`:`", "COMMA": "`,`", "RPAR": "`)`", "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`",
    "ARROW": "`->`", "RANGE": "`..`", "LPAR": "`(`", "VBAR": "`|`", "DOT": "`.`", "LSQB": "`[`", "STRING": "a text in quotes",
    "LONG_STRING": 'a text in `"""`', "NAME": "a name", "NUMBER": "a number", "NEWLINE": "a new line",
    "$END": "the end", "SIGN": "`+` or `-`", "COMPARE": "a comparison", "SCALE": "`*` or `/`",
}  # fmt: skip
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_QUOTES = 'texts are written between straight quotes: "Yes"'
_POWER = "there is no power; write the product out"
_HABITS = {
    "“": _QUOTES, "”": _QUOTES, "‘": _QUOTES, "’": _QUOTES, "^": _POWER, "**": _POWER, "$": "write the number alone",
    ";": "a statement ends with its line", "?": CONDITIONAL, "if": CONDITIONAL, "elif": "write `else if … then …`",
    "//": "comments begin with `#`", "--": "comments begin with `#`", "-": "comments begin with `#`",
    "not": "`not` comes first: `not price in 1 .. 2`", "epochs": "write `training epochs = 3`", "balance": "it stands in an `align`",
    "batch": "write `training batch = 64`",
}  # fmt: skip
# what a statement looks like; of an output, in a task
_FORMS = {
    "cspec": "cspec 1", "fn": "fn same(x, y) = x == y",
    "table": 'table places = csv("cities.csv") { key city: text, country: text }', "task": "task prices { … }", "variant": "variant narrow for prices { … }",
    "model": "model left for prices { … }", "align": "align left for left_boundary { … }",
    "experiment": "experiment main { … }", "claim": 'claim "it is found" { best(gain(left)) >= 0.80 }',
    "input": "input price: decimal(2) in 0.00 .. 9.99", "let": "let upper = lower + width",
    "require": "require price != lower", "prompt": 'prompt "Is {price} above {lower}?"',
    "output": 'output answer: "Yes" | "No"', "var": "var above: bool = price >= lower",
    "example": 'example price = 3.75, lower = 2.50 -> "Yes"', "method": "method boundless_das", "balance": "balance above",
    "place": "place above on residual(layers = all, tokens = last)", "lm": 'lm tiny = embedded("tiny")',
    "run": "run left, both", "tuples": "tuples train = 4_000, test = 2_000", "seeds": "seeds 0 .. 2",
    "control": "control random_weights", "transfer": "transfer narrow, game", "training": "training epochs = 3, batch = 64",
}  # fmt: skip


def planned_at(items: list[Token], position: int, values: Sequence[Any]) -> tuple[Span, str, str] | None:
    """A form to come that stands at a token that does not fit: its place, what it is, and a way to do without."""
    token, before = items[position], items[position - 1] if position else None
    word = str(token)
    if word in planned.STATEMENTS and token.type == "NAME" and (before is None or before.type == "NEWLINE"):
        return token.span, f"`{word}`", planned.STATEMENTS[word]
    if before == "together" and before is not None and "place" in values:
        return before.span, "`place together`", "write `place (above, below) on …`, or one `place` a line"
    return None


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
    def closes_nothing(self) -> bool:
        """Whether this is a `}` where no `{` is open."""
        return self.token.type == "RBRACE" and self.opener("{") is None

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

    @cached_property
    def opener_made(self) -> bool:
        """Whether the innermost `{` was put in by a repair."""
        opened = self.opener("{")
        return opened is not None and opened.start == opened.end

    @cached_property
    def keyword(self) -> str:
        """The keyword of the statement that is being written; none in an expression that is well begun."""
        for value in reversed(self.values):
            if isinstance(value, Token) and value.value == "body" and "claim" not in self.values:
                return ""
            if isinstance(value, Token) and str(value) in _FORMS and value.type != "NAME":
                return str(value)
        return ""

    @cached_property
    def help(self) -> str:
        """A way out that does not depend on the rest of the line."""
        text, last = str(self.token), str(self.values[-1]) if self.values else ""
        following = self.items[min(self.position + 1, len(self.items) - 1)]
        if text == "." and following.type == "NUMBER" and "NUMBER" in self.expected:
            return f"write `0.{following}`"
        if text == "," and following.type == "NEWLINE":
            return "a statement ends with its line"
        if text == "-" and self.keyword in DECLARATIONS and self.before_end == self.token.start:
            return "a name is letters, digits and `_`"
        if last == "%":
            return "write `0.80` for 80 %"
        if self.token.type == "STRING" and "NAME" in self.expected and "STRING" not in self.expected:
            return "names stand without quotes"
        if "THEN" in self.expected or "ELSE" in self.expected:
            return CONDITIONAL
        habit = _HABITS.get(text) or (_HABITS.get(text[0], "") if self.token.type == "UNKNOWN" else "")
        if habit and (self.begins_line or habit != _HABITS["//"]):
            return habit
        if self.begins_line and self.start == "spec" and "NEWLINE" not in self.expected and "claim" in self.values:
            return "a claim is one comparison, or several joined by `and`"
        return self._form()

    def _form(self) -> str:
        in_expression = "SCALE" in self.expected and not self.expected & {"RANGE", "ARROW"}
        if not self.keyword or in_expression or ("NUMBER" in self.expected and self.ends):
            return ""
        form = _FORMS[self.keyword]
        if self.keyword == "output" and "model" in self.values:
            form = 'output answer = if above then "Yes" else "No"'
        if self.keyword == "lm" and "experiment" in self.values:
            form = "lm tiny"
        return f"for example `{form}`"


def tell(report: Report, problem: Problem, kind: str, text: str, close: tuple[str, ...]) -> None:
    """Report one problem; `kind` and `text` are the repair that was found, `close` the keywords spelt nearly so."""
    to_come = planned_at(problem.items, problem.position, problem.values)
    if to_come is not None:
        place, what, help = to_come
        report.add("E0208", planned.not_yet(what), place, help=help)
    elif kind == "insert":
        _tell_missing(report, problem, text)
    elif kind == "swap" or close:
        meant = text or close[0]
        _tell_swap(report, problem, meant, certain=kind == "swap" or meant.isalpha())
    elif problem.token.type == "UNKNOWN":
        report.add(
            "E0112", f"{problem.found} means nothing in a spec", problem.place, _label(problem), help=problem.help,
            fix=_mend(report, problem, kind),
        )  # fmt: skip
    elif problem.ends and not problem.closes_nothing and not problem.expected <= {"NEWLINE", "$END"}:
        _tell_unfinished(report, problem)
    else:
        _tell_misplaced(report, problem, kind)


def _tell_swap(report: Report, problem: Problem, text: str, *, certain: bool) -> None:
    place = problem.token.span
    shown = "a new line" if text == "\n" else f"`{text}`"
    label, around = f"did you mean {shown}?", report.source.text
    if text.isalpha():  # `!x` is `not x`
        left, right = around[max(0, place.start - 1) : place.start], around[place.end : place.end + 1]
        text = " " * _in_word(left) + text + " " * _in_word(right)
    fix = Fix(place, text) if certain else None
    text = text.strip()
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
    if text in STATEMENTS:
        place = problem.token.span
        report.add("E0111", f"{problem.found} begins no statement in {problem.written}", place, f"expected `{text}` before it",
                   fix=Fix(Span(place.start, place.start), f"{text} "))  # fmt: skip
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
    label = f"expected {_words(problem.expected - {'NEWLINE'} or problem.expected)}"
    if unclosed is not None:
        place = unclosed.span
        report.add("E0103", f"this `{unclosed}` is not closed in {problem.written}", place, "opened here",
                   labels=(Label(problem.place, label),))  # fmt: skip
        return
    report.add("E0111", f"{problem.written} is not finished", problem.place, label, help=problem.help)


def _tell_misplaced(report: Report, problem: Problem, kind: str) -> None:
    token = problem.token
    place = token.span
    if str(token) in _CLOSERS:
        label = "nothing is open here" if problem.closes_nothing else _label(problem)
        report.add("E0103", f"{problem.found} closes nothing", place, label, fix=Fix(place, ""))
        return
    fix = _mend(report, problem, kind)
    if problem.written == "the file" and str(token) in STATEMENTS:
        report.add("E0101", f"`{token}` stands outside of any body", place, "the body before it has ended",
                   help="is there a `}` too many above?")  # fmt: skip
        return
    report.add("E0101", f"{problem.found} cannot stand here in {problem.written}", place, _label(problem),
               help=problem.help, fix=fix)  # fmt: skip


_SMART_QUOTES = re.compile('[“„][^"\n]*”|‘[^"’\n]*’')
_NEEDLESS = ";$€£"  # of what means nothing, this says nothing either


def _mend(report: Report, problem: Problem, kind: str) -> Fix | None:
    """The certain way out of a habit from elsewhere."""
    token, place, text = problem.token, problem.token.span, str(problem.token)
    following = problem.items[min(problem.position + 1, len(problem.items) - 1)]
    adjoins = following.start == place.end
    quotes = _SMART_QUOTES.match(report.source.text, place.start)
    if quotes:
        return Fix(Span(*quotes.span()), re.sub("[“„”‘’]", '"', quotes.group()))
    if text == "." and following.type == "NUMBER" and "NUMBER" in problem.expected and adjoins:
        return Fix(place, " " * _in_word(report.source.text[max(0, place.start - 1) : place.start]) + "0.")
    if text == "elif":
        return Fix(place, "else if")
    if text == "//" and problem.begins_line:
        return Fix(place, "#")
    if text == "f" and following.type in ("STRING", "LONG_STRING") and adjoins:
        return Fix(place, "")
    if token.type == "STRING" and "NAME" in problem.expected and "STRING" not in problem.expected:
        return Fix(place, text[1:-1]) if text[1:-1].isidentifier() else None
    if text == "," and following.type == "STRING" and "output" in problem.values:
        return Fix(Span(problem.before_end, place.end), " |")
    needless = text in _NEEDLESS if token.type == "UNKNOWN" else not text.isalnum()
    return Fix(place, "") if kind == "delete" and needless else None


def _in_word(text: str) -> bool:
    return text.isalnum() or text == "_"


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
    if {"STRING", "LONG_STRING"} <= left:
        left.remove("LONG_STRING")
    said += sorted(_SHOWN.get(name, f"`{name.lower()}`") for name in left if name not in ("NEWLINE", "$END"))
    if "NEWLINE" in left or "$END" in left:
        said.append("the end of the line" if "NEWLINE" in left else "the end")
    if not said:
        return "nothing more"
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " or " + said[-1]
