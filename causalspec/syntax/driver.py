"""Run the LALR parser over tokens, and go on after an error.

In: tokens. Out: what the start rule builds, and E01 diagnostics.
Invariant: never raises on user input; each step moves on in the tokens or shortens the stack, so it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from causalspec.diagnostics import Report
from causalspec.span import Span
from causalspec.syntax import ast
from causalspec.syntax._table import Stacks, Table, load_table
from causalspec.syntax.lexer import RESERVED, Tokens, tokenize
from causalspec.syntax.prompt import split_prompt
from causalspec.syntax.token import Token

ARM = 9  # values on the stack from `prompt match x {` to an arm's `->`
MOST_STATES = 1_000  # on the stack: 64 levels of any kind take far less


@dataclass(slots=True)
class Driver:
    """One run of the parser over the tokens of a file or of a hole in a prompt."""

    text: str
    tokens: Tokens
    report: Report
    start: str
    table: Table = field(default_factory=load_table)
    broken: list[ast.Broken] = field(default_factory=list)  # the statements that were dropped

    def run(self) -> Any:
        """What the start rule builds; None where nothing could be built."""
        stacks = Stacks(self.table, self.start)
        position = 0
        while True:
            token = self.typed(self.tokens.items[position], stacks.states[-1])
            if token.type in ("STRING", "LONG_STRING") and self._after_prompt(stacks.values):
                token = self._prompt(token)
            if stacks.feed(token):
                if token.type == "$END":
                    return stacks.values[-1]
                position += 1
                if len(stacks.states) <= MOST_STATES:
                    continue
            from causalspec.syntax.recover import Recovery  # 5 ms that a sound file is spared

            recovery = Recovery(self.tokens, self.report, stacks, self.broken)
            deep = len(stacks.states) > MOST_STATES
            position = recovery.too_deep(position) if deep else recovery.recover(position)
            if self.start != "spec":
                return None

    def typed(self, token: Token, state: int) -> Token:
        """A word as the keyword it is in a parser state, or as the name it is there."""
        if token.type == "NAME":
            keyword = self.table.keywords.get(str(token))
            if keyword is not None and (keyword in self.table.states[state] or str(token) in RESERVED):
                return token.retyped(keyword, str(token))
        return token

    @staticmethod
    def _after_prompt(values: list[Any]) -> bool:
        """Whether a text here is a prompt's: after `prompt`, or in an arm of `prompt match`."""
        last = values[-1] if values else None
        if not isinstance(last, Token) or last.type not in ("PROMPT", "ARROW"):
            return False
        recent = reversed(values[-ARM:])
        return last.type == "PROMPT" or any(isinstance(one, Token) and one.type == "PROMPT" for one in recent)

    def _prompt(self, token: Token) -> Token:
        quotes = 3 if token.type == "LONG_STRING" else 1
        start, end = token.start, token.end
        if start in self.tokens.reported:  # not closed: its holes are read, their faults may come of that
            inside, report = Span(start + quotes, end), Report(self.report.source)
        else:
            inside, report = Span(start + quotes, end - quotes), self.report
        token.value = split_prompt(self.text, inside, report, partial(self._hole, report))
        return token

    def _hole(self, report: Report, start: int, end: int) -> ast.Hole | None:
        tokens = tokenize(self.text, start, end, report, in_hole=True)
        hole = Driver(self.text, tokens, report, "hole").run()
        return hole if isinstance(hole, ast.Hole) and not tokens.unread else None
