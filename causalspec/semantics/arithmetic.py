"""Build typed arithmetic on scaled integers, with bounds by interval arithmetic.

In: `Core` operands of `Number` type. Out: `Core` whose type holds every value that the operation can give.
Invariant: bounds are sound, not tight; scales follow `language.md`, Decimals.
"""

from __future__ import annotations

from collections.abc import Callable

from causalspec.record import record
from causalspec.semantics.core import Apply, Constant, Core, Operation
from causalspec.semantics.types import Bool, Number, Tuple, Type, Unknown, Words
from causalspec.span import Span


@record
class Ratio:
    """A quotient that has no finite decimal: it may be compared, rounded or floored. The denominator is positive."""

    numerator: Core
    denominator: Core
    span: Span


def number(core: Core) -> Number:
    """The type of an operand that is known to be a number."""
    assert isinstance(core.type, Number)
    return core.type


def constant(digits: int, scale: int, span: Span) -> Constant:
    """A literal number."""
    return Constant(digits, Number(scale, digits, digits), span)


def to_scale(core: Core, scale: int) -> Core:
    """The same number at another scale; a coarser one is exact or fails at run time."""
    type_ = number(core)
    power = scale - type_.scale
    if power == 0:
        return core
    if isinstance(core, Constant) and isinstance(core.value, int) and power > 0:
        return constant(core.value * 10**power, scale, core.span)
    low, high = (_scaled(bound, power) for bound in (type_.low, type_.high))
    return Apply(Operation.RESCALE, (core,), Number(scale, low, high), core.span, power)


def _scaled(bound: int, power: int) -> int:
    return bound * int(10**power) if power >= 0 else bound // int(10**-power)


def aligned(left: Core, right: Core) -> tuple[Core, Core, int]:
    """Both numbers at the finer of their scales."""
    scale = max(number(left).scale, number(right).scale)
    return to_scale(left, scale), to_scale(right, scale), scale


def add(left: Core, right: Core, span: Span) -> Core:
    left, right, scale = aligned(left, right)
    a, b = number(left), number(right)
    return Apply(Operation.ADD, (left, right), Number(scale, a.low + b.low, a.high + b.high), span)


def subtract(left: Core, right: Core, span: Span) -> Core:
    left, right, scale = aligned(left, right)
    a, b = number(left), number(right)
    return Apply(Operation.SUBTRACT, (left, right), Number(scale, a.low - b.high, a.high - b.low), span)


def multiply(left: Core, right: Core, span: Span) -> Core:
    a, b = number(left), number(right)
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    type_ = Number(a.scale + b.scale, min(corners), max(corners))
    return Apply(Operation.MULTIPLY, (left, right), type_, span)


def negate(core: Core, span: Span) -> Core:
    type_ = number(core)
    if isinstance(core, Constant) and isinstance(core.value, int):
        return constant(-core.value, type_.scale, span)
    return Apply(Operation.NEGATE, (core,), Number(type_.scale, -type_.high, -type_.low), span)


def absolute(core: Core, span: Span) -> Core:
    type_ = number(core)
    least = 0 if type_.low <= 0 <= type_.high else min(abs(type_.low), abs(type_.high))
    return Apply(Operation.ABS, (core,), Number(type_.scale, least, max(abs(type_.low), abs(type_.high))), span)


def extremum(operation: Operation, items: tuple[Core, ...], span: Span) -> Core:
    """`min` or `max` of numbers."""
    scale = max(number(item).scale for item in items)
    scaled = tuple(to_scale(item, scale) for item in items)
    pick: Callable[[list[int]], int] = min if operation is Operation.MIN else max
    low = pick([number(item).low for item in scaled])
    high = pick([number(item).high for item in scaled])
    return Apply(operation, scaled, Number(scale, low, high), span)


def divide(left: Core, right: Core, span: Span) -> Core | Ratio | None:
    """`/`; None where the divisor can be 0."""
    divisor = number(right)
    if divisor.low <= 0 <= divisor.high:
        return None
    if isinstance(right, Constant) and isinstance(right.value, int):
        inverse = _finite_inverse(right.value)
        if inverse is not None:
            digits, places = inverse
            product = multiply(left, constant(digits, 0, right.span), span)
            return _shifted(product, places - divisor.scale, span)
    if divisor.high < 0:
        left, right = negate(left, left.span), negate(right, right.span)
    numerator, denominator, _ = aligned(left, right)
    return Ratio(numerator, denominator, span)


def _finite_inverse(value: int) -> tuple[int, int] | None:
    """(m, j) with 1/value == m / 10**j, or None where no such pair exists."""
    rest, twos, fives = abs(value), 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    return (10**places // value if value > 0 else -(10**places // -value)), places


def _shifted(core: Core, places: int, span: Span) -> Core:
    """The value divided by 10**places: the digits stay, the scale moves; a negative scale is made 0."""
    type_ = number(core)
    scale = type_.scale + places
    if scale < 0:
        core = multiply(core, constant(10**-scale, 0, span), span)
        type_, scale = number(core), 0
    assert isinstance(core, Apply)
    return Apply(core.operation, core.arguments, Number(scale, type_.low, type_.high), span, core.parameter)


def floor_divide(left: Core, right: Core, span: Span) -> Core | None:
    """`//`, an int; None where the divisor can be 0."""
    left, right, _ = aligned(left, right)
    a, b = number(left), number(right)
    if b.low <= 0 <= b.high:
        return None
    corners = [x // y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Apply(Operation.FLOOR_DIVIDE, (left, right), Number(0, min(corners), max(corners)), span)


def modulo(left: Core, right: Core, span: Span) -> Core | None:
    """`%` with the sign of the divisor; None where the divisor can be 0."""
    left, right, scale = aligned(left, right)
    b = number(right)
    if b.low <= 0 <= b.high:
        return None
    low, high = (0, b.high - 1) if b.low > 0 else (b.low + 1, 0)
    return Apply(Operation.MODULO, (left, right), Number(scale, low, high), span)


def floor(value: Core | Ratio, span: Span) -> Core:
    """The greatest int that is not above the value."""
    if isinstance(value, Ratio):
        quotient = floor_divide(value.numerator, value.denominator, span)
    else:
        quotient = floor_divide(value, constant(1, 0, span), span)
    assert quotient is not None
    return quotient


def round_to(value: Core | Ratio, places: int, span: Span) -> Core:
    """`round(x, k)`, half away from zero: sign(x) · floor(|x| · 10^k + ½)."""
    numerator = value.numerator if isinstance(value, Ratio) else value
    unit = constant(1, 0, span)
    denominator = value.denominator if isinstance(value, Ratio) else unit
    doubled = multiply(absolute(numerator, span), constant(2 * 10**places, 0, span), span)
    halves = floor_divide(add(doubled, denominator, span), multiply(denominator, constant(2, 0, span), span), span)
    assert halves is not None
    type_ = number(halves)
    magnitude = _retyped(halves, Number(places, type_.low, type_.high))
    positive = compare("<=", constant(0, 0, span), numerator, span)
    return conditional(positive, magnitude, negate(magnitude, span), span)


def _retyped(core: Core, type_: Type) -> Core:
    assert isinstance(core, Apply)
    return Apply(core.operation, core.arguments, type_, core.span, core.parameter)


def compare(op: str, left: Core | Ratio, right: Core | Ratio, span: Span) -> Core:
    """`< <= > >=` of numbers or ratios, by cross-multiplication."""
    if isinstance(left, Ratio) or isinstance(right, Ratio):
        left, right = _crossed(left, right, span)
    if op in (">", ">="):
        return compare("<" if op == ">" else "<=", right, left, span)
    low, high, _ = aligned(left, right)
    return Apply(Operation.LESS if op == "<" else Operation.LESS_EQUAL, (low, high), Bool(), span)


def _crossed(left: Core | Ratio, right: Core | Ratio, span: Span) -> tuple[Core, Core]:
    one = constant(1, 0, span)
    a, b = (left.numerator, left.denominator) if isinstance(left, Ratio) else (left, one)
    c, d = (right.numerator, right.denominator) if isinstance(right, Ratio) else (right, one)
    return multiply(a, d, span), multiply(c, b, span)


def equal(left: Core | Ratio, right: Core | Ratio, span: Span) -> Core:
    """Equality of values of one family; ratios by cross-multiplication, tuples item by item."""
    if isinstance(left, Ratio) or isinstance(right, Ratio):
        left, right = _crossed(left, right, span)
    if isinstance(left.type, Number):
        left, right, _ = aligned(left, right)
    if isinstance(left.type, Tuple):
        pairs = zip(items(left), items(right), strict=True)
        return Apply(Operation.AND, tuple(equal(a, b, span) for a, b in pairs), Bool(), span)
    return Apply(Operation.EQUAL, (left, right), Bool(), span)


def items(core: Core) -> tuple[Core, ...]:
    """The items of a tuple-typed expression."""
    assert isinstance(core.type, Tuple)
    if isinstance(core, Apply) and core.operation is Operation.TUPLE:
        return core.arguments
    return tuple(Apply(Operation.ITEM, (core,), type_, core.span, index) for index, type_ in enumerate(core.type.items))


def tuple_of(parts: tuple[Core, ...], span: Span) -> Core:
    return Apply(Operation.TUPLE, parts, Tuple(tuple(part.type for part in parts)), span)


def conditional(condition: Core, yes: Core, no: Core, span: Span) -> Core:
    """`if`; both branches are of one family."""
    yes, no, type_ = unified(yes, no)
    return Apply(Operation.IF, (condition, yes, no), type_, span)


def unified(left: Core, right: Core) -> tuple[Core, Core, Type]:
    """Both at a common type that holds either's values."""
    match left.type, right.type:
        case Number(), Number():
            left, right, _ = aligned(left, right)
        case Tuple(), Tuple():
            parts = [unified(a, b) for a, b in zip(items(left), items(right), strict=True)]
            left = tuple_of(tuple(part[0] for part in parts), left.span)
            right = tuple_of(tuple(part[1] for part in parts), right.span)
    return left, right, hull(left.type, right.type)


def hull(left: Type, right: Type) -> Type:
    """The least type that holds the values of two types of one family, numbers at one scale."""
    match left, right:
        case Number(scale=scale, low=a, high=b), Number(low=c, high=d):
            return Number(scale, min(a, c), max(b, d))
        case Words(words=a_words), Words(words=b_words):
            return Words(tuple(dict.fromkeys(a_words + b_words)))
        case Tuple(items=a_items), Tuple(items=b_items):
            return Tuple(tuple(map(hull, a_items, b_items)))
        case Unknown(), other:
            return other
    return left


def same_family(left: Type, right: Type) -> bool:
    """Whether values of the two types can be compared or stand in for one another."""
    match left, right:
        case (Unknown(), _) | (_, Unknown()):
            return True
        case Tuple(items=a), Tuple(items=b):
            return len(a) == len(b) and all(map(same_family, a, b))
        case _:
            return type(left) is type(right)


def truth(core: Core) -> bool | None:
    """What a condition is on every assignment, as far as the bounds tell; None where they do not."""
    match core:
        case Constant(value=bool() as value):
            return value
        case Apply(operation=Operation.NOT, arguments=(only,)):
            inner = truth(only)
            return None if inner is None else not inner
        case Apply(operation=Operation.AND, arguments=parts):
            return _kleene([truth(part) for part in parts], absorbing=False)
        case Apply(operation=Operation.OR, arguments=parts):
            return _kleene([truth(part) for part in parts], absorbing=True)
        case Apply(operation=Operation.LESS | Operation.LESS_EQUAL as operation, arguments=(left, right)):
            return _ordered(operation, number(left), number(right))
        case Apply(operation=Operation.EQUAL, arguments=(left, right)):
            a, b = left.type, right.type
            apart = isinstance(a, Number) and isinstance(b, Number) and (a.high < b.low or b.high < a.low)
            return False if apart else None
    return None


def _kleene(parts: list[bool | None], *, absorbing: bool) -> bool | None:
    if absorbing in parts:
        return absorbing
    return None if None in parts else not absorbing


def _ordered(operation: Operation, left: Number, right: Number) -> bool | None:
    strict = operation is Operation.LESS
    if left.high < right.low or (not strict and left.high == right.low):
        return True
    if left.low > right.high or (strict and left.low == right.high):
        return False
    return None
