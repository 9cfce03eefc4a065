"""Set aside statements that later passes cannot walk: nested too deep, or with a number that could not be read.

Invariant: walks without recursion, so that any depth is told; what remains is at most MOST_NESTING deep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from causalspec.diagnostics import Report
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax.lexer import DEEP_HELP, MOST_NESTING

_Node = TypeVar("_Node", bound=ast.Declaration | ast.TaskItem | ast.ModelItem | ast.Place | ast.Method | ast.Setting)


def depth(node: Any) -> int:
    """How deep a node nests, itself included; tuples of nodes do not count."""
    deepest = 0
    rest = [(node, 1)]
    while rest:
        item, level = rest.pop()
        if isinstance(item, tuple):
            rest.extend((part, level) for part in item)
        elif is_dataclass(item) and not isinstance(item, Span):
            deepest = max(deepest, level)
            rest.extend((getattr(item, field.name), level + 1) for field in fields(item))
    return deepest


def without_deep(
    declaration: ast.Declaration, unread: Sequence[int], source: Source, report: Report
) -> ast.Declaration:
    """A declaration with its items that nest too deep broken, each reported; itself broken if it has no items.

    So are, unreported, items with a token at an offset in `unread`: the lexer told of it.
    """
    if isinstance(declaration, ast.Claim | ast.Lm | ast.Fn | ast.Table):
        return _usable(declaration, unread, source, report)
    if isinstance(declaration, ast.Broken):
        return declaration
    items: Any = tuple(_usable(item, unread, source, report) for item in declaration.items)
    same = all(new is old for new, old in zip(items, declaration.items, strict=True))
    return declaration if same else replace(declaration, items=items)


def _usable(item: _Node, unread: Sequence[int], source: Source, report: Report) -> _Node | ast.Broken:
    told = any(item.span.start <= offset < item.span.end for offset in unread)
    # a level takes a character at least, so that short items need no walk
    if not told and (item.span.end - item.span.start <= MOST_NESTING or depth(item) <= MOST_NESTING):
        return item
    keyword = source.slice(item.span).split(maxsplit=1)[0]
    if not told:
        report.add("E0106", f"this `{keyword}` is nested more than {MOST_NESTING} deep",
                   Span(item.span.start, item.span.start + len(keyword)), "too deep",
                   help=DEEP_HELP)  # fmt: skip
    name = getattr(item, "name", None)
    return ast.Broken(keyword, name if isinstance(name, ast.Name) else None, item.span)
