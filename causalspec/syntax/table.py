"""Load the parser: from the table made ahead, or from the grammar.

The table is `grammars/cspec.lark.json`, made by `python -m causalspec.syntax.table`; building the parser from the
grammar takes ten times as long. The table holds data only: lark's own cache would be a pickle.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from causalspec.resources import data_folder

STARTS = ["start", "declaration", "task_item", "model_item", "align_item", "experiment_item", "expr"]
OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "contextual",
    "start": STARTS,
    "propagate_positions": True,
    "maybe_placeholders": False,
}


def build_parser() -> Lark:
    """The parser, from the grammar."""
    grammar = (data_folder("grammars") / "cspec.lark").read_text(encoding="utf-8")
    return Lark(grammar, **OPTIONS)


def dump() -> str:
    """The parser's table as JSON."""
    data, memo = build_parser().memo_serialize([TerminalDef, Rule])
    data["options"] = {key: value for key, value in data["options"].items() if _plain(value)}
    return json.dumps({"data": data, "memo": memo}, separators=(",", ":"), sort_keys=True) + "\n"


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | list)


@cache
def load_parser() -> Lark:
    """The parser, from the table that ships with the grammar."""
    document = json.loads((data_folder("grammars") / "cspec.lark.json").read_text(encoding="utf-8"))
    data, memo = document["data"], {int(key): value for key, value in document["memo"].items()}
    table = data["parser"]["parser"]
    table["states"] = {int(state): _actions(actions) for state, actions in table["states"].items()}
    lark: Lark = Lark.__new__(Lark)
    lark._load({"data": data, "memo": memo})
    return lark


def _actions(actions: dict[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
    return {token: tuple(action) for token, action in actions.items()}


if __name__ == "__main__":
    (data_folder("grammars") / "cspec.lark.json").write_text(dump(), encoding="utf-8")
