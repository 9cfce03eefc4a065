"""Turn the grammar into the parser tables that are shipped: `python -m causalspec.syntax._generate`.

In: grammars/cspec.lark. Out: grammars/cspec.lark.json, the same bytes from every run and platform.
Lark's own way to store a parser is a pickle, which may run code when it is loaded; these tables are numbers and names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from causalspec.resources import data_file, data_text

STARTS = ("spec", "hole")
_KEYWORD = re.compile(r"([a-z]+)\\b")


class NoLexer:
    """Stands where Lark builds its lexers: causalspec has its own."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass


def build_lark(transformer: object = None) -> Any:
    """Lark's parser of the grammar; an error where the grammar has a conflict."""
    from lark import Lark

    return Lark(
        data_text("grammars", "cspec.lark"),
        parser="lalr",
        lexer="contextual",
        start=list(STARTS),
        strict=True,
        keep_all_tokens=True,
        maybe_placeholders=True,
        transformer=transformer,
        _plugins={"ContextualLexer": NoLexer},
    )


def table() -> str:
    """The parser tables of the grammar, as JSON."""
    lark = build_lark()
    parse_table = lark.parser.parser._parse_table
    rules = sorted(lark.rules, key=lambda rule: (rule.origin.name, rule.order, str(rule)))
    rule_numbers = {rule: number for number, rule in enumerate(rules)}
    symbols = sorted({symbol for actions in parse_table.states.values() for symbol in actions})
    order = _state_order(parse_table)
    states = [
        [
            number
            for symbol in sorted(actions)
            for number in (symbols.index(symbol), _code(actions[symbol][1], order, rule_numbers))
        ]
        for actions in (parse_table.states[state] for state in order)
    ]
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in lark.terminals}
    keywords = {match.group(1): name for name, pattern in patterns.items() if (match := _KEYWORD.fullmatch(pattern))}
    stored = {
        "symbols": symbols,
        "rules": [_rule(rule) for rule in rules],
        "states": states,
        "start_states": {start: order[parse_table.start_states[start]] for start in STARTS},
        "end_states": {start: order[parse_table.end_states[start]] for start in STARTS},
        "keywords": keywords,
        "patterns": {name: pattern for name, pattern in patterns.items() if name not in keywords.values()},
    }
    return json.dumps(stored, separators=(",", ":"), sort_keys=True) + "\n"


def _rule(rule: Any) -> list[Any]:
    """Origin, number of parts, name of what builds the node (None: the part stays), and the parts with gaps."""
    size = len(rule.expansion)
    if rule.options.expand1 and not rule.alias and size == 1:
        return [rule.origin.name, size, None, None]
    shape: list[int | None] = []
    part = 0
    for empty in rule.options.empty_indices:
        shape.append(None if empty else part)
        part += not empty
    return [rule.origin.name, size, rule.alias or rule.origin.name, shape if None in shape else None]


def _code(target: Any, order: dict[int, int], rule_numbers: dict[Any, int]) -> int:
    return order[target] if isinstance(target, int) else -1 - rule_numbers[target]


def _state_order(parse_table: Any) -> dict[int, int]:
    """States numbered as they are met from the start states: Lark's own numbers differ from run to run."""
    order: dict[int, int] = {}
    queue = [parse_table.start_states[start] for start in STARTS]
    while queue:
        state = queue.pop(0)
        if state not in order:
            order[state] = len(order)
            actions = parse_table.states[state]
            queue += [actions[symbol][1] for symbol in sorted(actions) if isinstance(actions[symbol][1], int)]
    return order


if __name__ == "__main__":
    Path(data_file("grammars", "cspec.lark.json")).write_text(table(), encoding="utf-8", newline="\n")
