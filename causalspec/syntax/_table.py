"""The parser's tables, loaded from the JSON that `_generate` makes of the grammar, and the stacks that run on them.

Invariant: loaded once a process, on first use; nothing in a table depends on the text that is parsed.
Lark makes the tables but does not run them: importing it takes five times as long as parsing a spec.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from causalspec.record import record
from causalspec.resources import data_text
from causalspec.syntax._build import Build
from causalspec.syntax.token import Token


@record
class Rule:
    """Replace the last `size` parts by what `build` makes of them; without `build` the part stays."""

    origin: str
    size: int
    build: Callable[[list[Any]], Any] | None
    shape: tuple[int | None, ...] | None  # the parts by number, None for an optional one that this rule lacks

    def value(self, parts: list[Any]) -> Any:
        """The value of the rule."""
        if self.build is None:
            return parts[0]
        if self.shape is None:
            return self.build(parts)
        return self.build([None if number is None else parts[number] for number in self.shape])


@record
class Table:
    """An LALR(1) parser: what each state does with a symbol, and the terminals that a lexer needs."""

    states: list[dict[str, int]]  # symbol -> n >= 0: shift, go to state n; n < 0: reduce by rule -1 - n
    rules: list[Rule]
    start_states: dict[str, int]
    end_states: dict[str, int]
    keywords: dict[str, str]  # "let" -> LET
    patterns: dict[str, str]  # terminal that is no keyword -> regular expression

    def shifts(self, state: int, symbol: str) -> bool:
        """Whether a state takes a symbol at once, without completing a rule first."""
        return self.states[state].get(symbol, -1) >= 0


@lru_cache(maxsize=1)
def load_table() -> Table:
    """The parser of `.cspec` files."""
    stored = json.loads(data_text("grammars", "cspec.lark.json"))
    symbols, build = stored["symbols"], Build()
    states = [{symbols[row[i]]: row[i + 1] for i in range(0, len(row), 2)} for row in stored["states"]]
    rules = [
        Rule(origin, size, getattr(build, name) if name else None, None if shape is None else tuple(shape))
        for origin, size, name, shape in stored["rules"]
    ]
    return Table(
        states, rules, stored["start_states"], stored["end_states"], stored["keywords"], stored["patterns"]
    )  # fmt: skip


@dataclass(slots=True)
class Stacks:
    """A run of the parser: the states passed, and the values built or tokens read between them."""

    table: Table
    start: str
    states: list[int] = field(default_factory=list)  # one more than values
    values: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.states.append(self.table.start_states[self.start])

    def feed(self, token: Token) -> bool:
        """Take a token; False where it does not fit. After `$END` the one value left is the result."""
        table, states, values, kind = self.table, self.states, self.values, token.type
        while True:
            action = table.states[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                values.append(token)
                return True
            rule = table.rules[-1 - action]
            parts = values[-rule.size :] if rule.size else []
            if rule.size:
                del states[-rule.size :], values[-rule.size :]
            states.append(table.states[states[-1]][rule.origin])
            values.append(rule.value(parts))
            if kind == "$END" and states[-1] == table.end_states[self.start]:
                return True

    def after(self, kind: str, states: list[int] | None = None) -> list[int] | None:
        """The states that a terminal would leave, beginning from some or from now; None where it does not fit."""
        stack = list(self.states if states is None else states)
        while True:
            action = self.table.states[stack[-1]].get(kind)
            if action is None:
                return None
            if action >= 0:
                return [*stack, action]
            rule = self.table.rules[-1 - action]
            if rule.size:
                del stack[-rule.size :]
            stack.append(self.table.states[stack[-1]][rule.origin])
            if kind == "$END" and stack[-1] == self.table.end_states[self.start]:
                return stack
