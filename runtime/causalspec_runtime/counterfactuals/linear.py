"""What linear conditions leave of an input's domain, given the inputs before it.

In: conditions as core expressions, the ranges of the inputs. Out: `Linear`, which narrows domains.
Invariant: a value is left out only if no values of the later inputs could meet the conditions with it; a condition that
is not linear narrows nothing. Whoever draws from a narrowed domain must make up for the narrowing (`inputs.py`).
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from causalspec.semantics.columns import WIDEST, Array, Column
from causalspec.semantics.core import Apply, Constant, Core, Operation, Reference
from causalspec.semantics.types import Number

Form = tuple[dict[str, int], int]  # coefficients, constant
ROUNDS = 64  # of narrowing the ranges by each other; fewer leave them wider, never wrong


@dataclass(frozen=True, slots=True)
class _Bound:
    """at_zero + Σ slope · input."""

    at_zero: Fraction
    slopes: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Inequality:
    """Σ coefficient · input ≤ bound, over inputs as scaled integers."""

    coefficients: Mapping[str, int]
    bound: int

    def without(self, name: str, factor: int) -> _Bound:
        """What `name` (or its negative) is at most, `factor` being the size of its coefficient."""
        slopes = {other: Fraction(-own, factor) for other, own in self.coefficients.items() if other != name}
        return _Bound(Fraction(self.bound, factor), slopes)

    def rest(self, name: str, ranges: Mapping[str, tuple[int, int]]) -> int:
        """What `coefficient · name` is at most, the others being in their ranges."""
        others = ((factor, ranges[other]) for other, factor in self.coefficients.items() if other != name)
        return self.bound - sum(min(factor * low, factor * high) for factor, (low, high) in others)


@dataclass(frozen=True, slots=True)
class Linear:
    """Inequalities, and the ranges that they leave to each input by itself."""

    inequalities: tuple[Inequality, ...]
    ranges: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, requires: Iterable[Core], types: Mapping[str, Number]) -> "Linear":
        """The linear part of conditions (lets replaced by their values) on inputs of the given types."""
        found = [
            item for require in requires for item in _inequalities(require) if item.coefficients.keys() <= types.keys()
        ]
        ranges = {name: (type_.low, type_.high) for name, type_ in types.items()}
        for _ in range(ROUNDS):
            narrowed = dict(ranges)
            for item in found:
                for name, factor in item.coefficients.items():
                    low, high = narrowed[name]
                    most = item.rest(name, narrowed)
                    narrowed[name] = (
                        (low, min(high, most // factor)) if factor > 0 else (max(low, -(most // -factor)), high)
                    )
            if narrowed == ranges or any(low > high for low, high in narrowed.values()):
                break
            ranges = narrowed
        return cls(tuple(found), narrowed)

    def narrowed(self, name: str, columns: Mapping[str, Column], low: Array, sizes: Array) -> tuple[Array, Array]:
        """The least value and the number of values left in each row; `columns` are of the inputs drawn before."""
        if name not in self.ranges:
            return low, sizes
        least, most = self.ranges[name]
        if max(abs(least), abs(most)) >= WIDEST:
            low, sizes = low.astype(object), sizes.astype(object)
        high = np.minimum(low + sizes - 1, most)
        low = np.maximum(low, least)
        for item in self.inequalities:
            factor = item.coefficients.get(name, 0)
            if factor > 0:
                end = self._rest(item, name, columns) // factor
                high = np.minimum(high, _clipped(end, least - 1, most).astype(high.dtype))
            elif factor < 0:
                end = -(self._rest(item, name, columns) // -factor)
                low = np.maximum(low, _clipped(end, least, most + 1).astype(low.dtype))
        return low, np.maximum(high - low + 1, 0)

    def widest(self, name: str, before: Collection[str]) -> int:
        """The largest number of values that `narrowed` leaves; `before` are the inputs drawn before."""
        least, most = self.ranges[name]
        found = Fraction(most - least)
        for above, below in product(self.inequalities, repeat=2):
            up, down = above.coefficients.get(name, 0), -below.coefficients.get(name, 0)
            if up > 0 and down > 0:
                found = min(found, self._gap(above.without(name, up), below.without(name, down), before))
        return max(math.floor(found) + 1, 0)

    def _gap(self, above: _Bound, below: _Bound, before: Collection[str]) -> Fraction:
        """The most that x ≤ `above` and x ≥ −`below` leave between the ends, one value of the others for both."""
        shared = {
            name: above.slopes.get(name, Fraction(0)) + below.slopes.get(name, Fraction(0))
            for name in {*above.slopes, *below.slopes} & set(before)
        }
        later = [
            (name, slope) for bound in (above, below) for name, slope in bound.slopes.items() if name not in before
        ]
        slopes = [*shared.items(), *later]
        return (
            above.at_zero + below.at_zero + sum(max(slope * end for end in self.ranges[name]) for name, slope in slopes)
        )

    def fewest(self, low: Core, high: Core) -> int:
        """The least number of values of the domain low .. high, at least 1, where it has any."""
        form = _sum(_form(high), _form(low), -1)
        if form is None or not form[0].keys() <= self.ranges.keys():
            return 1
        least = form[1] + sum(min(factor * end for end in self.ranges[name]) for name, factor in form[0].items())
        return max(least + 1, 1)

    def _rest(self, item: Inequality, name: str, columns: Mapping[str, Column]) -> Array | int:
        known = [other for other in item.coefficients if other != name and other in columns]
        ranges = {other: self.ranges[other] for other in item.coefficients if other not in known}
        rest: Array | int = Inequality({other: item.coefficients[other] for other in ranges}, item.bound).rest(
            name, ranges
        )
        for other in known:
            rest = rest - item.coefficients[other] * _roomy(columns[other], item, self.ranges)
        return rest


def _clipped(value: Array | int, low: int, high: int) -> Array:
    return np.asarray(min(max(value, low), high)) if isinstance(value, int) else np.clip(value, low, high)


def _roomy(column: Column, item: Inequality, ranges: Mapping[str, tuple[int, int]]) -> Array:
    """The column as it is where sums of the inequality fit into int64, else as Python integers."""
    assert not isinstance(column, tuple)
    most = abs(item.bound) + sum(
        abs(factor) * max(map(abs, ranges[name])) for name, factor in item.coefficients.items()
    )
    return column if most < WIDEST else column.astype(object)


def _inequalities(condition: Core) -> Iterator[Inequality]:
    """What a condition says in linear inequalities; nothing where it says none."""
    match condition:
        case Apply(operation=Operation.AND, arguments=parts):
            for part in parts:
                yield from _inequalities(part)
        case Apply(operation=Operation.LESS, arguments=(left, right)):
            yield from _at_most(left, right, -1)
        case Apply(operation=Operation.LESS_EQUAL, arguments=(left, right)):
            yield from _at_most(left, right, 0)
        case Apply(operation=Operation.EQUAL, arguments=(left, right)):
            yield from _at_most(left, right, 0)
            yield from _at_most(right, left, 0)
        case Apply(operation=Operation.NOT, arguments=(Apply(operation=Operation.LESS, arguments=(left, right)),)):
            yield from _at_most(right, left, 0)
        case Apply(
            operation=Operation.NOT, arguments=(Apply(operation=Operation.LESS_EQUAL, arguments=(left, right)),)
        ):
            yield from _at_most(right, left, -1)


def _at_most(left: Core, right: Core, slack: int) -> Iterator[Inequality]:
    """left − right ≤ slack."""
    form = _sum(_form(left), _form(right), -1)
    if form is not None and form[0]:
        yield Inequality(form[0], slack - form[1])


def _form(core: Core) -> Form | None:
    """An expression as a linear form of inputs; None where it is none."""
    match core:
        case Constant(value=int() as value) if not isinstance(value, bool):
            return {}, value
        case Reference(name=name, type=Number()):
            return {name: 1}, 0
        case Apply(operation=Operation.ADD, arguments=(left, right)):
            return _sum(_form(left), _form(right), 1)
        case Apply(operation=Operation.SUBTRACT, arguments=(left, right)):
            return _sum(_form(left), _form(right), -1)
        case Apply(operation=Operation.NEGATE, arguments=(only,)):
            return _sum(({}, 0), _form(only), -1)
        case Apply(operation=Operation.RESCALE, arguments=(only,), parameter=power) if power >= 0:
            return _sum(({}, 0), _form(only), 10**power)
        case Apply(operation=Operation.MULTIPLY, arguments=(left, right)):
            a, b = _form(left), _form(right)
            if a is not None and b is not None and not (a[0] and b[0]):
                return _sum(({}, 0), b, a[1]) if not a[0] else _sum(({}, 0), a, b[1])
    return None


def _sum(left: Form | None, right: Form | None, factor: int) -> Form | None:
    """left + factor · right."""
    if left is None or right is None:
        return None
    names = dict.fromkeys([*left[0], *right[0]])
    found = {name: left[0].get(name, 0) + factor * right[0].get(name, 0) for name in names}
    return {name: value for name, value in found.items() if value}, left[1] + factor * right[1]
