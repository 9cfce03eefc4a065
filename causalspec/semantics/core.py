"""The core language: typed expressions in which scales are already aligned.

Invariant: every `Apply` has arguments of the types its operation asks for; numbers that meet have the same scale; no
name is unresolved. Two evaluators read it: `evaluate` (one assignment) and `causalspec.semantics.columns` (many).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from causalspec.record import record
from causalspec.semantics.types import Type, Value
from causalspec.span import Span


class Operation(StrEnum):
    """What an `Apply` computes; numbers are scaled integers."""

    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    FLOOR_DIVIDE = "floor_divide"
    MODULO = "modulo"
    NEGATE = "negate"
    ABS = "abs"
    MIN = "min"
    MAX = "max"
    LESS = "less"
    LESS_EQUAL = "less_equal"
    EQUAL = "equal"
    AND = "and"
    OR = "or"
    NOT = "not"
    IF = "if"
    TUPLE = "tuple"
    ITEM = "item"  # parameter: the index
    SELECT = "select"  # an index, then the items it chooses from
    INDEX_OF = "index_of"  # a value, then the items among which it is looked for
    LOOKUP = "lookup"  # the value beside a key in `table`
    RESCALE = "rescale"  # parameter p: times 10**p, or exactly divided by 10**-p where p < 0


@record
class Constant:
    """A literal."""

    value: Value
    type: Type
    span: Span


@record
class Reference:
    """An input, let or variable, by name."""

    name: str
    type: Type
    span: Span


@record
class Apply:
    """An operation on arguments."""

    operation: Operation
    arguments: tuple[Core, ...]
    type: Type
    span: Span
    parameter: int = 0
    table: tuple[tuple[Value, Value], ...] = ()


Core = Constant | Reference | Apply
OUTSIDE = "an index is outside its list"
ABSENT = "a value is not in the list"
UNLISTED = "a value is outside its domain"


def references(expression: Core) -> Iterator[str]:
    """The names an expression reads, in order of appearance, repeats included."""
    stack: list[Core] = [expression]
    while stack:
        match stack.pop():
            case Reference(name=name):
                yield name
            case Apply(arguments=arguments):
                stack.extend(reversed(arguments))
            case Constant():
                pass


MOST_NODES, MOST_DEPTH = 20_000, 150  # of an expression that is written out


def depth(core: Core) -> int:
    """How deep operations nest."""
    known: dict[int, int] = {}

    def count(node: Core) -> int:
        if id(node) not in known:
            known[id(node)] = 1 + max(map(count, node.arguments), default=0) if isinstance(node, Apply) else 1
        return known[id(node)]

    return count(core)


def nodes(core: Core) -> int:
    """How many operations, names and literals an expression has, shared ones counted each time."""
    known: dict[int, int] = {}

    def count(node: Core) -> int:
        if id(node) not in known:
            known[id(node)] = 1 + sum(map(count, node.arguments)) if isinstance(node, Apply) else 1
        return known[id(node)]

    return count(core)


class NotRepresentable(ArithmeticError):
    """An operation has no value: a remainder where there is no room for one, an item that is not there."""


def evaluate(expression: Core, environment: Mapping[str, Value]) -> Value:
    """The value of an expression under one assignment.

    Raises NotRepresentable where an exact division by a power of ten leaves a remainder, an index is outside a list or
    a value is not in it, or has no entry in a table; and ZeroDivisionError.
    """
    match expression:
        case Constant(value=value):
            return value
        case Reference(name=name):
            return environment[name]
        case Apply(operation=Operation.IF, arguments=(condition, yes, no)):
            return evaluate(yes if evaluate(condition, environment) else no, environment)
        case Apply(operation=Operation.AND, arguments=arguments):
            return all(evaluate(item, environment) for item in arguments)
        case Apply(operation=Operation.OR, arguments=arguments):
            return any(evaluate(item, environment) for item in arguments)
        case Apply(operation=operation, arguments=arguments, parameter=parameter):
            values = tuple(evaluate(item, environment) for item in arguments)
            if operation is Operation.LOOKUP:
                table = dict(expression.table)
                if values[0] not in table:
                    raise NotRepresentable(UNLISTED)
                return table[values[0]]
            return _apply(operation, values, parameter)


def _apply(operation: Operation, values: tuple[Value, ...], parameter: int) -> Value:
    if operation is Operation.TUPLE:
        return values
    if operation is Operation.ITEM:
        (collection,) = values
        assert isinstance(collection, tuple)
        return collection[parameter]
    if operation is Operation.SELECT:
        index, *rest = values
        assert isinstance(index, int)
        if not 0 <= index < len(rest):
            raise NotRepresentable(OUTSIDE)
        return rest[index]
    if operation is Operation.INDEX_OF:
        if values[0] not in values[1:]:
            raise NotRepresentable(ABSENT)
        return values.index(values[0], 1) - 1
    if operation is Operation.EQUAL:
        return values[0] == values[1]
    if operation is Operation.NOT:
        return not values[0]
    numbers = tuple(value for value in values if isinstance(value, int))
    assert len(numbers) == len(values), f"{operation} takes numbers, got {values}"
    return _arithmetic(operation, numbers, parameter)


def _arithmetic(operation: Operation, numbers: tuple[int, ...], parameter: int) -> Value:
    match operation, numbers:
        case Operation.ADD, (left, right):
            return left + right
        case Operation.SUBTRACT, (left, right):
            return left - right
        case Operation.MULTIPLY, (left, right):
            return left * right
        case Operation.FLOOR_DIVIDE, (left, right):
            return left // right
        case Operation.MODULO, (left, right):
            return left % right
        case Operation.LESS, (left, right):
            return left < right
        case Operation.LESS_EQUAL, (left, right):
            return left <= right
        case Operation.NEGATE, (only,):
            return -only
        case Operation.ABS, (only,):
            return abs(only)
        case Operation.MIN, _:
            return min(numbers)
        case Operation.MAX, _:
            return max(numbers)
        case Operation.RESCALE, (only,):
            return rescale(only, parameter)
    raise AssertionError(f"no arithmetic for {operation}")


def rescale(digits: int, power: int) -> int:
    """digits · 10**power, exactly.

    Raises NotRepresentable where the result is no integer.
    """
    if power >= 0:
        return digits * int(10**power)
    quotient, remainder = divmod(digits, int(10**-power))
    if remainder:
        raise NotRepresentable(f"{digits} is no multiple of {10**-power}")
    return quotient
