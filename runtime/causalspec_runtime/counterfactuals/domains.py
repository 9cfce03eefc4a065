"""The values of one input, given the inputs before it.

In: an `Input` and columns of earlier inputs. Out: for each row the least value and the number of values, and columns
of chosen values.
Invariant: a row's values are numbered 0 … size − 1 and each has the same chance.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import Array, Column, column_of, is_wide
from causalspec.semantics.core import Core, evaluate, references
from causalspec.semantics.hypothesis import Input
from causalspec.semantics.types import Bool, Number, Tuple, Type, Value, Words, count
from causalspec_runtime.counterfactuals.faults import evaluated, witness
from causalspec_runtime.errors import SpecError


def bounds(item: Input, columns: Mapping[str, Column], rows: int, words: Mapping[str, int]) -> tuple[Array, Array]:
    """The least value and the number of values, one each a row; `low` is 0 where the type has no order.

    Raises SpecError (E0603) where a row has no value.
    """
    if not isinstance(item.type, Number) or item.low is None or item.high is None:
        return _constant(0, rows), _constant(count(item.type), rows)
    low, high = (_bound(core, columns, rows, words, item) for core in (item.low, item.high))
    sizes = high - low + 1
    empty = np.flatnonzero(sizes <= 0)
    if len(empty):
        raise SpecError(_empty(item, columns, int(empty[0]), words))
    return low, sizes


def drawn(
    item: Input, low: Array, sizes: Array, rows: int, words: Mapping[str, int], rng: np.random.Generator
) -> Column:
    """A uniform value for each row."""
    if sizes.dtype == object:
        source = Random(int(rng.integers(1 << 62)))
        offsets: Array = np.array([source.randrange(size) for size in sizes.tolist()], dtype=object)
    elif rows and sizes[0] == sizes[-1] and (sizes == sizes[0]).all():
        offsets = rng.integers(int(sizes[0]), size=rows)
    else:
        offsets = rng.integers(sizes)
    return chosen(item, low, offsets, words)


def chosen(item: Input, low: Array, offsets: Array, words: Mapping[str, int]) -> Column:
    """The values with the given numbers."""
    if isinstance(item.type, Number) and item.low is not None:
        found = low + offsets
        return found.astype(object) if is_wide(item.type) and found.dtype != object else found
    return _numbered(item.type, offsets, words)


def _numbered(type_: Type, numbers: Array, words: Mapping[str, int]) -> Column:
    if isinstance(type_, Tuple):
        parts: list[Column] = []
        for item in reversed(type_.items):
            parts.append(_numbered(item, numbers % count(item), words))
            numbers = numbers // count(item)
        return tuple(reversed(parts))
    if isinstance(type_, Number):
        found = numbers.astype(object) + type_.low if is_wide(type_) else numbers.astype(np.int64) + type_.low
        return np.asarray(found)
    table: Sequence[Value] = (False, True) if isinstance(type_, Bool) else _words(type_)
    values = column_of(table, type_, words)
    assert not isinstance(values, tuple)
    return values[numbers.astype(np.int64)]


def _words(type_: Type) -> tuple[str, ...]:
    assert isinstance(type_, Words)
    return type_.words


def _bound(core: Core, columns: Mapping[str, Column], rows: int, words: Mapping[str, int], item: Input) -> Array:
    if next(references(core), None) is None:
        value = evaluate(core, {})
        assert isinstance(value, int)
        return _constant(value, rows)
    column: Any = evaluated(core, columns, words, item.name)
    return np.asarray(column)


def _constant(value: int, rows: int) -> Array:
    return np.full(rows, value, dtype=np.int64 if abs(value) < 1 << 61 else object)


def _empty(item: Input, columns: Mapping[str, Column], row: int, words: Mapping[str, int]) -> Diagnostic:
    assert item.low is not None and item.high is not None
    cores = [core for core in (item.low, item.high) if next(references(core), None) is not None]
    where = " and ".join(witness(core, columns, row, words) for core in cores) or "every assignment"
    return Diagnostic(
        "E0603",
        f"`{item.name}` has no value left for some earlier inputs",
        item.span,
        f"its lower end is above its upper end for {where}",
        help="narrow the earlier inputs' domains, or add a `require` on them that leaves these values out",
    )
