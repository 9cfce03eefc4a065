"""Evaluate a part of a spec on columns; a row without a value is told with its assignment.

In: a core expression and columns. Out: its column, or `SpecError` E0606 with the line of the spec and a witness.
Invariant: never raises for rows on which `core.evaluate` has a value.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import Array, Column, evaluate_columns, length, take, value_at
from causalspec.semantics.core import Apply, Core, NotRepresentable, Reference
from causalspec.semantics.types import Number, Tuple, Type, digits_text, value_text
from causalspec_runtime.errors import SpecError

Words = Mapping[str, int]


def evaluated(core: Core, columns: Mapping[str, Column], words: Words, name: str) -> Column:
    """The column of `core`, which gives `name` its value.

    Raises SpecError (E0606).
    """
    try:
        return evaluate_columns(core, columns, words)
    except (NotRepresentable, ZeroDivisionError) as error:
        reason = str(error)

    def fails(part: Mapping[str, Column]) -> bool:
        try:
            evaluate_columns(core, part, words)
        except (NotRepresentable, ZeroDivisionError):
            return True
        return False

    where = witness(core, columns, _first(fails, columns), words)
    raise SpecError(Diagnostic("E0606", f"`{name}` has no value for some inputs", core.span, f"{reason}: {where}"))


def inside(column: Column, type_: Type, core: Core, columns: Mapping[str, Column], words: Words, name: str) -> Column:
    """`column`, the value of `core`, if it keeps to the bounds of `type_`.

    Raises SpecError (E0606).
    """
    for part, declared, label in _unproved(column, type_, core.type, name):
        outside = np.flatnonzero(np.logical_or(part < declared.low, part > declared.high))
        if len(outside):
            row = int(outside[0])
            value = digits_text(int(part[row]), declared.scale)
            where = witness(core, columns, row, words)
            message = f"`{label}` leaves its domain {declared}"
            raise SpecError(Diagnostic("E0606", message, core.span, f"{value} for {where}"))
    return column


def _unproved(column: Column, declared: Type, found: Type, name: str) -> Iterator[tuple[Array, Number, str]]:
    """The numbers whose computed bounds do not prove the declared ones."""
    match declared, found:
        case Tuple(items=wanted), Tuple(items=given) if isinstance(column, tuple):
            for index, part in enumerate(column):
                yield from _unproved(part, wanted[index], given[index], f"{name}.{index}")
        case Number(), Number() if not isinstance(column, tuple):
            if found.low < declared.low or declared.high < found.high:
                yield column, declared, name


def witness(core: Core, columns: Mapping[str, Column], row: int, words: Words) -> str:
    """`width = 2.50, price = 7.00`: what an expression reads, in one row."""
    names = tuple(words)
    parts = [f"{name} = {value_text(value_at(columns[name], row, type_, names), type_)}" for name, type_ in _read(core)]
    return ", ".join(parts) or "every assignment"


def _read(core: Core) -> tuple[tuple[str, Type], ...]:
    found: dict[str, Type] = {}
    stack = [core]
    while stack:
        match stack.pop():
            case Reference(name=name, type=type_):
                found.setdefault(name, type_)
            case Apply(arguments=arguments):
                stack.extend(reversed(arguments))
    return tuple(found.items())


def _first(fails: Callable[[Mapping[str, Column]], bool], columns: Mapping[str, Column]) -> int:
    """A row on which `fails`, by halving."""
    low, high = 0, next((length(column) for column in columns.values()), 1)
    while high - low > 1:
        middle = (low + high) // 2
        rows = np.arange(low, middle)
        if fails({name: take(column, rows) for name, column in columns.items()}):
            high = middle
        else:
            low = middle
    return low
