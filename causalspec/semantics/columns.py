"""Evaluate core expressions on many assignments at once, as numpy columns.

In: a `Core` expression, a column for every name it reads, the codes of words. Out: its column.
Invariant: row by row equal to `core.evaluate`, its faults included; a fault in a branch that a row does not take is
none. Numbers are int64, or Python integers (dtype object) where the bounds of their type pass 2**62; `bool` is bool,
words are int32 codes, a tuple is a tuple of columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from causalspec.record import record
from causalspec.semantics.core import (
    ABSENT,
    OUTSIDE,
    UNLISTED,
    Apply,
    Constant,
    Core,
    NotRepresentable,
    Operation,
    Reference,
)
from causalspec.semantics.hypothesis import Model, Task
from causalspec.semantics.types import Bool, Number, Tuple, Type, Value, Words

Array = npt.NDArray[Any]
Column = Array | tuple["Column", ...]
WIDEST = 1 << 62  # bounds up to here leave int64 room for a sign and one addition
_UFUNCS: Mapping[Operation, Any] = {
    Operation.ADD: np.add,
    Operation.SUBTRACT: np.subtract,
    Operation.MULTIPLY: np.multiply,
    Operation.LESS: np.less,
    Operation.LESS_EQUAL: np.less_equal,
    Operation.EQUAL: np.equal,
    Operation.NEGATE: np.negative,
    Operation.ABS: np.absolute,
    Operation.MIN: np.minimum,
    Operation.MAX: np.maximum,
}
_PARTIAL = (
    Operation.FLOOR_DIVIDE,
    Operation.MODULO,
    Operation.RESCALE,
    Operation.SELECT,
    Operation.INDEX_OF,
    Operation.LOOKUP,
)


def evaluate_columns(expression: Core, environment: Mapping[str, Column], words: Mapping[str, int]) -> Column:
    """The column of an expression; as long as the environment's columns.

    Raises NotRepresentable and ZeroDivisionError where `evaluate` would for some row.
    """
    rows = next((length(column) for column in environment.values()), 1)
    return _spread(_Evaluator(environment, words).run(expression, None), expression.type, rows)


def vocabulary(tasks: Iterable[Task], models: Iterable[Model] = ()) -> dict[str, int]:
    """A code for every word in reach; the first task's outputs come first, so that their codes are 0, 1, …"""
    found: list[str] = []
    for task in tasks:
        found.extend(task.output.type.words)
        for item in task.inputs:
            found.extend(_words_of(item.type))
        which = () if task.which is None else (task.which,)
        for core in (*(let.value for let in task.lets), *task.requires, *(hole.value for hole in task.holes), *which):
            found.extend(_words_in(core))
    for model in models:
        for core in (*(variable.mechanism for variable in model.variables), model.output):
            found.extend(_words_in(core))
    return {word: code for code, word in enumerate(dict.fromkeys(found))}


def column_of(values: Sequence[Value], type_: Type, words: Mapping[str, int]) -> Column:
    """Values of one type as a column."""
    match type_:
        case Tuple(items=types):
            rows = [value for value in values if isinstance(value, tuple)]
            return tuple(column_of([row[i] for row in rows], item, words) for i, item in enumerate(types))
        case Words():
            return np.array([words[str(value)] for value in values], dtype=np.int32)
    return np.array(values, dtype=_dtype(type_))


def value_at(column: Column, row: int, type_: Type, names: Sequence[str]) -> Value:
    """The value in one row; `names` are the words in the order of their codes."""
    if isinstance(column, tuple):
        assert isinstance(type_, Tuple)
        return tuple(value_at(part, row, item, names) for part, item in zip(column, type_.items, strict=True))
    match type_:
        case Words():
            return names[int(column[row])]
        case Bool():
            return bool(column[row])
    return int(column[row])


def take(column: Column, rows: Array) -> Column:
    """The column at some rows (indices or a mask)."""
    return tuple(take(part, rows) for part in column) if isinstance(column, tuple) else column[rows]


def joined(columns: Sequence[Column]) -> Column:
    """Columns of one type, one after the other."""
    parts = [column for column in columns if isinstance(column, tuple)]
    if parts:
        return tuple(joined(items) for items in zip(*parts, strict=True))
    return np.concatenate([column for column in columns if not isinstance(column, tuple)])


def length(column: Column) -> int:
    """The number of rows."""
    return length(column[0]) if isinstance(column, tuple) else len(column)


def is_wide(type_: Type) -> bool:
    """Whether numbers of the type are kept as Python integers."""
    return isinstance(type_, Number) and not (type_.low >= -WIDEST and type_.high <= WIDEST)


@record
class _Evaluator:
    """Columns while they are computed; constants stay scalars. `needed` marks the rows that count, None is all."""

    environment: Mapping[str, Column]
    words: Mapping[str, int]

    def run(self, node: Core, needed: Array | None) -> Any:
        match node:
            case Constant(value=value):
                return self._constant(value)
            case Reference(name=name, type=type_):
                return _fitted(self.environment[name], type_)
            case Apply(operation=Operation.IF):
                return self._if(node, needed)
            case Apply(operation=Operation.AND | Operation.OR):
                return self._connective(node, needed)
        values = [self.run(argument, needed) for argument in node.arguments]
        match node.operation:
            case Operation.TUPLE:
                return tuple(values)
            case Operation.ITEM:
                return values[0][node.parameter]
            case Operation.NOT:
                return np.logical_not(values[0])
            case Operation.EQUAL if isinstance(values[0], tuple):
                return _equal(values[0], values[1])
            case Operation.SELECT:
                return _select(node, values, needed)
            case Operation.INDEX_OF:
                return _index_of(values, needed)
            case Operation.LOOKUP:
                return self._lookup(node, values[0], needed)
        if _meets_wide(node):
            values = [_as_python(value) for value in values]
        return _fitted(_arithmetic(node, values, needed), node.type)

    def _constant(self, value: Value) -> Any:
        if isinstance(value, str):
            return np.int32(self.words[value])
        return tuple(self._constant(item) for item in value) if isinstance(value, tuple) else value

    def _lookup(self, node: Apply, keys: Any, needed: Array | None) -> Any:
        """The values beside the keys, which are found by search."""
        keys_known = [key for key, _ in node.table]
        wide = any(isinstance(key, int) and abs(key) >= WIDEST for key in keys_known)
        key_type = node.arguments[0].type
        known = np.array(keys_known, dtype=object) if wide else np.asarray(column_of(keys_known, key_type, self.words))
        order = np.argsort(known)
        places = order[np.minimum(np.searchsorted(known[order], keys), len(known) - 1)]
        _refuse(np.not_equal(known[places], keys), needed, NotRepresentable(UNLISTED))
        return take(column_of([value for _, value in node.table], node.type, self.words), places)

    def _if(self, node: Apply, needed: Array | None) -> Any:
        condition, yes, no = node.arguments
        chosen = self.run(condition, needed)
        if not (_is_partial(yes) or _is_partial(no)):
            return _where(chosen, self.run(yes, None), self.run(no, None), node.type)
        left = self.run(yes, _both(needed, chosen))
        return _where(chosen, left, self.run(no, _both(needed, np.logical_not(chosen))), node.type)

    def _connective(self, node: Apply, needed: Array | None) -> Any:
        """`and`, `or`: an argument counts only in rows that the ones before it leave open."""
        conjunction = node.operation is Operation.AND
        combine = np.logical_and if conjunction else np.logical_or
        result: Any = conjunction
        for argument in node.arguments:
            mask = needed
            if _is_partial(argument):
                mask = _both(needed, result if conjunction else np.logical_not(result))
            result = combine(result, self.run(argument, mask))
        return result


def _arithmetic(node: Apply, values: list[Any], needed: Array | None) -> Any:
    match node.operation:
        case Operation.FLOOR_DIVIDE:
            return values[0] // _divisor(node, values[1], needed)
        case Operation.MODULO:
            return values[0] % _divisor(node, values[1], needed)
        case Operation.RESCALE if node.parameter >= 0:
            return values[0] * 10**node.parameter
        case Operation.RESCALE:
            unit = 10**-node.parameter
            quotient = values[0] // unit
            _refuse(values[0] != quotient * unit, needed, NotRepresentable(f"a value is no multiple of {unit}"))
            return quotient
        case Operation.MIN | Operation.MAX:
            return reduce(_UFUNCS[node.operation], values)
    return _UFUNCS[node.operation](*values)


def _select(node: Apply, values: list[Any], needed: Array | None) -> Any:
    index, *items = values
    _refuse(np.logical_or(np.less(index, 0), np.greater_equal(index, len(items))), needed, NotRepresentable(OUTSIDE))
    found = items[-1]
    for place in range(len(items) - 1):
        found = _where(np.equal(index, place), items[place], found, node.type)
    return found


def _index_of(values: list[Any], needed: Array | None) -> Any:
    value, *items = values
    found: Any = len(items)
    for place in reversed(range(len(items))):
        found = np.where(_equal(value, items[place]), place, found)
    _refuse(np.equal(found, len(items)), needed, NotRepresentable(ABSENT))
    return found


def _divisor(node: Apply, divisor: Any, needed: Array | None) -> Any:
    """The divisor with 1 in place of a 0 in rows that do not count."""
    type_ = node.arguments[1].type
    if isinstance(type_, Number) and not type_.low <= 0 <= type_.high:
        return divisor
    zero = np.equal(divisor, 0)
    _refuse(zero, needed, ZeroDivisionError("a divisor is 0"))
    return np.where(zero, 1, divisor)


def _refuse(wrong: Any, needed: Array | None, error: ArithmeticError) -> None:
    if np.any(wrong if needed is None else np.logical_and(wrong, needed)):
        raise error


def _is_partial(node: Core) -> bool:
    """Whether some row could have no value."""
    if not isinstance(node, Apply):
        return False
    if node.operation in _PARTIAL and not (node.operation is Operation.RESCALE and node.parameter >= 0):
        return True
    return any(map(_is_partial, node.arguments))


def _both(needed: Array | None, chosen: Any) -> Array:
    return np.asarray(chosen if needed is None else np.logical_and(needed, chosen))


def _where(chosen: Any, yes: Any, no: Any, type_: Type) -> Any:
    if isinstance(type_, Tuple):
        return tuple(_where(chosen, a, b, item) for a, b, item in zip(yes, no, type_.items, strict=True))
    if is_wide(type_):
        yes, no = _as_python(yes), _as_python(no)
    return np.where(chosen, yes, no)


def _equal(left: Any, right: Any) -> Any:
    if isinstance(left, tuple):
        return reduce(np.logical_and, [_equal(a, b) for a, b in zip(left, right, strict=True)], True)
    return np.equal(left, right)


def _meets_wide(node: Apply) -> bool:
    far = node.operation is Operation.RESCALE and 10 ** abs(node.parameter) > WIDEST
    return far or is_wide(node.type) or any(is_wide(argument.type) for argument in node.arguments)


def _as_python(value: Any) -> Any:
    return np.asarray(value).astype(object)


def _dtype(type_: Type) -> Any:
    match type_:
        case Bool():
            return np.bool_
        case Words():
            return np.int32
    return object if is_wide(type_) else np.int64


def _fitted(value: Any, type_: Type) -> Any:
    """The column in the dtype of its type."""
    if isinstance(type_, Tuple):
        return tuple(_fitted(part, item) for part, item in zip(value, type_.items, strict=True))
    if not isinstance(type_, Number) or isinstance(value, int):
        return value
    array = np.asarray(value)
    return array if (array.dtype == object) == is_wide(type_) else array.astype(_dtype(type_))


def _spread(value: Any, type_: Type, rows: int) -> Column:
    if isinstance(type_, Tuple):
        return tuple(_spread(part, item, rows) for part, item in zip(value, type_.items, strict=True))
    array = np.asarray(value, dtype=_dtype(type_))
    return array if array.ndim else np.full(rows, array[()], dtype=array.dtype)


def _words_of(type_: Type) -> Iterator[str]:
    match type_:
        case Words(words=words):
            yield from words
        case Tuple(items=items):
            for item in items:
                yield from _words_of(item)


def _words_in(core: Core) -> Iterator[str]:
    yield from _words_of(core.type)
    match core:
        case Constant(value=str() as word):
            yield word
        case Apply(arguments=arguments, table=table):
            for argument in arguments:
                yield from _words_in(argument)
            yield from (item for pair in table for item in pair if isinstance(item, str))
