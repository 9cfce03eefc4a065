"""Columns say, row by row, what `core.evaluate` says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalspec.semantics import arithmetic as a
from causalspec.semantics.columns import Column, column_of, evaluate_columns, joined, take, value_at
from causalspec.semantics.core import Apply, Constant, Core, NotRepresentable, Operation, Reference, evaluate
from causalspec.semantics.types import Bool, Number, Tuple, Type, Value, Words
from causalspec.span import Span

S = Span(0, 1)
WORDS = {"Yes": 0, "No": 1, "maybe": 2}
NAMES = tuple(WORDS)
TYPES: dict[str, Type] = {
    "m": Number(0, -3, 3),
    "x": Number(2, -900, 900),
    "huge": Number(0, -(10**25), 10**25),
    "flag": Bool(),
    "word": Words(NAMES),
    "pair": Tuple((Number(2, 0, 50), Bool())),
}
Draw = Callable[..., Any]


def rows_of(type_: Type) -> st.SearchStrategy[Value]:
    match type_:
        case Number(low=low, high=high):
            return st.integers(low, high)
        case Words(words=words):
            return st.sampled_from(words)
        case Tuple(items=items):
            return st.tuples(*map(rows_of, items))
    return st.booleans()


def apply(operation: Operation, type_: Type, *arguments: Core, parameter: int = 0) -> Core:
    return Apply(operation, arguments, type_, S, parameter)


@st.composite
def numbers(draw: Draw, depth: int) -> Core:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        leaves: list[Core] = [Reference(name, TYPES[name], S) for name in ("m", "x", "huge")]
        leaves.append(apply(Operation.ITEM, TYPES["pair"].items[0], Reference("pair", TYPES["pair"], S)))  # type: ignore[union-attr]
        return draw(st.sampled_from(leaves) | st.integers(-40, 40).map(lambda digits: a.constant(digits, 1, S)))
    left, right = draw(numbers(depth - 1)), draw(numbers(depth - 1))
    match draw(st.integers(0, 8)):
        case 0:
            return a.add(left, right, S)
        case 1:
            return a.subtract(left, right, S)
        case 2:
            return a.multiply(left, right, S)
        case 3:
            return a.absolute(a.negate(left, S), S)
        case 4:
            operation = draw(st.sampled_from([Operation.MIN, Operation.MAX]))
            return a.extremum(operation, (left, right), S)
        case 5:
            operation = draw(st.sampled_from([Operation.FLOOR_DIVIDE, Operation.MODULO]))
            left, right, scale = a.aligned(left, right)
            most = 1 + max(abs(bound) for side in (left, right) for bound in (a.number(side).low, a.number(side).high))
            return apply(operation, Number(scale if operation is Operation.MODULO else 0, -most, most), left, right)
        case 6:
            return a.to_scale(left, max(a.number(left).scale - draw(st.integers(1, 2)), 0))
        case 7:
            return a.round_to(left, draw(st.integers(0, 1)), S)
    return a.conditional(draw(conditions(depth - 1)), left, right, S)


@st.composite
def conditions(draw: Draw, depth: int) -> Core:
    if depth == 0:
        words = (Reference("word", TYPES["word"], S), Constant("No", Words(("No",)), S))
        pairs = (Reference("pair", TYPES["pair"], S), Constant((7, True), TYPES["pair"], S))
        same = [apply(Operation.EQUAL, Bool(), *sides) for sides in (words, pairs)]
        return draw(st.sampled_from([Reference("flag", Bool(), S), Constant(True, Bool(), S), *same]))
    match draw(st.integers(0, 3)):
        case 0:
            op = draw(st.sampled_from(["<", "<=", ">", ">="]))
            return a.compare(op, draw(numbers(depth - 1)), draw(numbers(depth - 1)), S)
        case 1:
            return a.equal(draw(numbers(depth - 1)), draw(numbers(depth - 1)), S)
        case 2:
            return apply(Operation.NOT, Bool(), draw(conditions(depth - 1)))
    operation = draw(st.sampled_from([Operation.AND, Operation.OR]))
    return apply(operation, Bool(), draw(conditions(depth - 1)), draw(conditions(depth - 1)))


@st.composite
def results(draw: Draw) -> Core:
    """An expression of any type."""
    match draw(st.integers(0, 3)):
        case 0:
            return draw(conditions(3))
        case 1:
            yes = Constant("maybe", Words(("maybe",)), S)
            return a.conditional(draw(conditions(2)), yes, Reference("word", TYPES["word"], S), S)
        case 2:
            left, right = (a.tuple_of((draw(numbers(1)), draw(conditions(1))), S) for _ in range(2))
            return a.conditional(draw(conditions(1)), left, right, S)
    return draw(numbers(3))


environments = st.integers(1, 12).flatmap(
    lambda rows: st.fixed_dictionaries(
        {name: st.lists(rows_of(type_), min_size=rows, max_size=rows) for name, type_ in TYPES.items()}
    )
)


def columns_of(environment: dict[str, list[Value]]) -> dict[str, Column]:
    return {name: column_of(values, TYPES[name], WORDS) for name, values in environment.items()}


@settings(max_examples=250, deadline=None)
@given(results(), environments)
def test_every_row_is_what_evaluate_says(expression: Core, environment: dict[str, list[Value]]) -> None:
    """Values agree row by row, and a fault comes exactly where some row has one."""
    rows = len(environment["m"])
    try:
        expected = [
            evaluate(expression, {name: values[row] for name, values in environment.items()}) for row in range(rows)
        ]
    except (NotRepresentable, ZeroDivisionError):
        with pytest.raises((NotRepresentable, ZeroDivisionError)):
            evaluate_columns(expression, columns_of(environment), WORDS)
        return
    found = evaluate_columns(expression, columns_of(environment), WORDS)
    assert [value_at(found, row, expression.type, NAMES) for row in range(rows)] == expected


def test_a_fault_in_the_other_branch_is_none() -> None:
    """`if m = 0 then 0 else x // m` has a value on every row."""
    m, x = (Reference(name, Number(0, -900, 900), S) for name in "mx")
    quotient = apply(Operation.FLOOR_DIVIDE, Number(0, -900, 900), x, m)
    zero = apply(Operation.EQUAL, Bool(), m, a.constant(0, 0, S))
    guarded = a.conditional(zero, a.constant(0, 0, S), quotient, S)
    environment: dict[str, Column] = {"m": np.array([0, 2, -2]), "x": np.array([5, 5, 5])}
    assert np.asarray(evaluate_columns(guarded, environment, {})).tolist() == [0, 2, -3]
    with pytest.raises(ZeroDivisionError):
        evaluate_columns(quotient, environment, {})


def test_wide_bounds_are_exact() -> None:
    """A product that passes 2**63 is computed with Python integers, and compared as such."""
    n = Reference("n", Number(0, -(10**15), 10**15), S)
    square = a.multiply(n, n, S)
    found = evaluate_columns(square, {"n": np.array([10**15, 3])}, {})
    assert np.asarray(found).dtype == object and np.asarray(found).tolist() == [10**30, 9]
    smaller = a.compare("<", square, a.constant(10**30, 0, S), S)
    assert np.asarray(evaluate_columns(smaller, {"n": np.array([10**15, 3])}, {})).tolist() == [False, True]


def test_a_constant_is_as_long_as_the_environment() -> None:
    """An expression without a name still gives one value a row."""
    found = evaluate_columns(a.constant(4, 0, S), {"n": np.arange(3)}, {})
    assert np.asarray(found).tolist() == [4, 4, 4]


def test_tuples_are_taken_and_joined_by_their_parts() -> None:
    """Rows of a tuple column stay together."""
    column = column_of([(1, True), (2, False), (3, True)], TYPES["pair"], WORDS)
    twice = joined([take(column, np.array([2])), column])
    assert [value_at(twice, row, TYPES["pair"], NAMES) for row in (0, 1)] == [(3, True), (1, True)]
