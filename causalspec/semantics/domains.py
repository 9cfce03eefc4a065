"""Fit a value to a declared domain, or show an assignment that leaves it.

In: a typed expression and the type it is assigned to. Out: the expression at that type, and `Obligation`s for what the
bounds do not prove. An obligation is then refuted by a witness, or told as unproved (W0301).
Invariant: an error shows an assignment on which the reader can repeat it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

from causalspec.diagnostics import Report
from causalspec.record import record
from causalspec.semantics import arithmetic
from causalspec.semantics.core import (
    MOST_DEPTH,
    MOST_NODES,
    Apply,
    Core,
    NotRepresentable,
    Operation,
    Reference,
    evaluate,
    nodes,
    references,
)
from causalspec.semantics.types import (
    Bool,
    Number,
    Tuple,
    Type,
    Unknown,
    Value,
    Words,
    count,
    digits_text,
    family,
    is_unranged,
    value_text,
    values_of,
)
from causalspec.span import Span

CORNERS = 6  # inputs whose extremes are combined
DRAWS = 200
HARD_DRAWS = 4_000
ENUMERABLE = 20_000  # points that are looked through one by one
MOST_WORK = 400_000  # operations that are evaluated in search of one counterexample


@record
class Obligation:
    """`value` (at its own scale) must be a multiple of 10**(own scale − scale) and lie in low .. high of `target`."""

    value: Core
    target: Number
    name: str
    span: Span


def assign(core: Core, target: Type, name: str, report: Report, obligations: list[Obligation]) -> Core:
    """`core` as a value of `target`; wrong families are reported, open questions go to `obligations`."""
    if isinstance(core.type, Unknown) or isinstance(target, Unknown):
        return core
    if not arithmetic.same_family(core.type, target):
        message = f"`{name}` is {family(target)}, but its value is {family(core.type)}"
        report.add("E0301", message, core.span, f"this is {family(core.type)}")
        return core
    match core.type, target:
        case Number() as type_, Number():
            free = is_unranged(target)
            inside = target.low * 10**type_.scale <= type_.low * 10**target.scale
            inside = free or (inside and type_.high * 10**target.scale <= target.high * 10**type_.scale)
            if not inside or type_.scale > target.scale:
                obligations.append(Obligation(core, target, name, core.span))
            return arithmetic.to_scale(core, target.scale)
        case Words(words=words), Words():
            extra = [word for word in words if word not in target.words]
            if extra:
                report.add("E0307", f"`{name}` cannot be {Words(tuple(extra))}", core.span, f"its values are {target}")
        case Tuple(), Tuple(items=types):
            parts = [
                assign(item, type_, f"{name}.{index}", report, obligations)
                for index, (item, type_) in enumerate(zip(arithmetic.items(core), types, strict=True))
            ]
            return arithmetic.tuple_of(tuple(parts), core.span)
    return core


def bounded(declared: Type, found: Type) -> Type:
    """A declared type without ranges, with the bounds of the value that it gets."""
    match declared, found:
        case Number(scale=scale) as number, Number() if is_unranged(number):
            low, high = (
                bound * 10**scale // 10**found.scale if scale < found.scale else bound * 10 ** (scale - found.scale)
                for bound in (found.low, found.high)
            )
            return Number(scale, low, high)
        case Tuple(items=a), Tuple(items=b) if len(a) == len(b):
            return Tuple(tuple(map(bounded, a, b)))
    return declared


@record
class Domain:
    """What assignments are drawn from: inputs in order with their bounds, lets, and conditions."""

    inputs: Sequence[tuple[str, Type, Core | None, Core | None]]
    lets: Sequence[tuple[str, Core]]
    requires: Sequence[Core]

    def draws(self, count: int) -> Iterator[dict[str, Value]]:
        """At most `count` assignments that meet every condition: extremes first, then uniform, always the same."""
        corners = product((False, True), repeat=min(len(self.inputs), CORNERS))
        random = Random(0)
        tries = [*corners, *(None for _ in range(count))]
        found = 0
        for corner in tries:
            assignment = self._assignment(random, corner)
            if assignment is not None and found < count:
                found += 1
                yield assignment

    @property
    def size(self) -> int:
        """The number of assignments of the inputs, or more where domains depend on each other."""
        return math.prod(count(type_) for _, type_, _, _ in self.inputs)

    def points(self) -> list[dict[str, Value]] | None:
        """Every assignment that meets every condition; None where there are too many to look through."""
        if self.size > ENUMERABLE:
            return None
        found: list[dict[str, Value]] = [{}]
        for name, type_, low, high in self.inputs:
            found = [{**point, name: value} for point in found for value in _values(type_, low, high, point)]
        return [whole for point in found if (whole := self._whole(point)) is not None]

    def _whole(self, assignment: dict[str, Value]) -> dict[str, Value] | None:
        """The assignment with its lets; None where a condition is not met or a value is missing."""
        try:
            for name, core in self.lets:
                assignment[name] = evaluate(core, assignment)
            return assignment if all(evaluate(condition, assignment) for condition in self.requires) else None
        except (NotRepresentable, ZeroDivisionError):
            return None

    def _assignment(self, random: Random, corner: tuple[bool, ...] | None) -> dict[str, Value] | None:
        assignment: dict[str, Value] = {}
        for index, (name, type_, low, high) in enumerate(self.inputs):
            end = corner[index] if corner is not None and index < len(corner) else None
            value = _draw(random, type_, low, high, assignment, end)
            if value is None:
                return None
            assignment[name] = value
        return self._whole(assignment)


def _values(type_: Type, low: Core | None, high: Core | None, assignment: Mapping[str, Value]) -> Iterable[Value]:
    """The values of an input, given the inputs before it."""
    if isinstance(type_, Number) and low is not None and high is not None:
        least, most = evaluate(low, assignment), evaluate(high, assignment)
        assert isinstance(least, int) and isinstance(most, int)
        return range(least, most + 1)
    if isinstance(type_, Tuple):
        return product(*(_values(item, None, None, assignment) for item in type_.items))
    return () if isinstance(type_, Unknown) else values_of(type_)


def _draw(
    random: Random, type_: Type, low: Core | None, high: Core | None, assignment: dict[str, Value], end: bool | None
) -> Value | None:
    match type_:
        case Bool():
            return random.random() < 0.5 if end is None else end
        case Words(words=words):
            return random.choice(words) if end is None else words[-1 if end else 0]
        case Number():
            assert low is not None and high is not None
            least, most = evaluate(low, assignment), evaluate(high, assignment)
            assert isinstance(least, int) and isinstance(most, int)
            if least > most:
                return None
            return random.randint(least, most) if end is None else (most if end else least)
        case Tuple(items=items):
            parts = [_draw(random, item, *_ends(item), assignment, end) for item in items]
            return None if None in parts else tuple(part for part in parts if part is not None)
        case Unknown():
            return None


def _ends(type_: Type) -> tuple[Core | None, Core | None]:
    if not isinstance(type_, Number):
        return None, None
    place = Span(0, 0)
    return arithmetic.constant(type_.low, type_.scale, place), arithmetic.constant(type_.high, type_.scale, place)


@dataclass(slots=True)
class Witnesses:
    """Assignments of a task, drawn once and shared by everything that looks for a counterexample."""

    domain: Domain
    types: Mapping[str, Type]
    _few: list[dict[str, Value]] | None = field(default=None, init=False)
    _points: list[dict[str, Value]] | None = field(default=None, init=False)
    _many: list[dict[str, Value]] | None = field(default=None, init=False)
    _listed: bool = field(default=False, init=False)

    def few(self) -> list[dict[str, Value]]:
        if self._few is None:
            self._few = list(self.domain.draws(DRAWS))
        return self._few

    def all(self) -> list[dict[str, Value]] | None:
        """Every assignment there is; None where there are too many to look through."""
        if not self._listed:
            self._points, self._listed = self.domain.points(), True
        return self._points

    def up_to(self, limit: int) -> tuple[Sequence[dict[str, Value]], bool]:
        """Every assignment, and true, if they are at most `limit`; else drawn ones, and false."""
        points = self.all()
        if points is not None and len(points) <= limit:
            return points, True
        if self._many is None:
            self._many = list(self.domain.draws(HARD_DRAWS))
        return self._many[:limit], False

    def text(self, assignment: Mapping[str, Value], core: Core) -> str:
        """The part of an assignment that an expression reads, as a person would write it."""
        names = [name for name in dict.fromkeys(references(core)) if name in self.types]
        return ", ".join(f"{name} = {value_text(assignment[name], self.types[name])}" for name in names)


def empty_range(domain: Domain) -> tuple[int, dict[str, Value]] | None:
    """An input whose range is empty for some values of earlier ones, with these values: extremes first, then draws."""
    for index, (_, _, low, high) in enumerate(domain.inputs):
        if low is None or high is None or not {*references(low), *references(high)}:
            continue
        for assignment in Domain(domain.inputs[:index], (), ()).draws(DRAWS):
            least, most = evaluate(low, assignment), evaluate(high, assignment)
            if isinstance(least, int) and isinstance(most, int) and least > most:
                return index, assignment
    return None


def substituted(core: Core, mechanisms: Mapping[str, Core]) -> Core | None:
    """The expression with each name that has a mechanism replaced by it; None where it gets too long or too deep."""
    try:
        return _replaced(core, mechanisms, [0], 0)
    except _TooLong:
        return None


class _TooLong(Exception):
    pass


def _replaced(core: Core, mechanisms: Mapping[str, Core], spent: list[int], depth: int) -> Core:
    spent[0] += 1
    if spent[0] > MOST_NODES or depth > MOST_DEPTH:
        raise _TooLong
    match core:
        case Reference(name=name) if name in mechanisms:
            return _replaced(mechanisms[name], mechanisms, spent, depth + 1)
        case Apply(arguments=arguments):
            return replace(core, arguments=tuple(_replaced(item, mechanisms, spent, depth + 1) for item in arguments))
    return core


def defined_everywhere(
    operations: Sequence[Apply],
    wholes: Sequence[Core],
    domain: Domain,
    mechanisms: Mapping[str, Core],
    witnesses: Witnesses,
    report: Report,
) -> None:
    """E0311 for an operation that leaves one of the whole expressions without a value on some input.

    `mechanisms` are those of the variables that the expressions may read.
    """
    if not operations:
        return
    inlined = {**mechanisms, **dict(domain.lets)}
    requires = [substituted(condition, inlined) or condition for condition in domain.requires]
    bare = Domain(domain.inputs, (), ())
    drawn = list(bare.draws(HARD_DRAWS))
    for written, condition in [*zip(domain.requires, requires, strict=True), *((whole, None) for whole in wholes)]:
        inside = [operation for operation in operations if _contains(written, operation)]
        whole = (substituted(written, inlined) if inside else None) or written
        inside = inside if whole is not written or not set(references(written)) & inlined.keys() else []
        for assignment in drawn[: affordable(whole)] if inside else ():
            if not _has_value(whole, assignment):
                grounded = [(operation, substituted(operation, inlined) or operation) for operation in inside]
                wrong, core = next((pair for pair in grounded if not _has_value(pair[1], assignment)), (None, None))
                if wrong is None or core is None:  # something else has no value
                    continue
                report.add("E0311", _PARTIAL_MESSAGE[wrong.operation], wrong.span,
                           witnesses.text(assignment, core), help=_PARTIAL_HELP[wrong.operation])  # fmt: skip
                break
        if condition is not None:  # what comes after a condition is asked only where it holds
            drawn = [assignment for assignment in drawn if _holds(condition, assignment)]


def affordable(core: Core) -> int:
    """On how many assignments an expression is evaluated in search of a counterexample."""
    return min(max(MOST_WORK // nodes(core), DRAWS), ENUMERABLE)


def _contains(core: Core, operation: Apply) -> bool:
    if not isinstance(core, Apply):
        return False
    same = core.operation is operation.operation and core.arguments == operation.arguments
    return same or any(_contains(argument, operation) for argument in core.arguments)


_PARTIAL_MESSAGE = {
    Operation.SELECT: "this place can be outside the list",
    Operation.INDEX_OF: "this value need not be in the list",
}
_PARTIAL_HELP = {
    Operation.SELECT: "give the place a range that fits, or add a `require`",
    Operation.INDEX_OF: "add a `require … in …`, or ask `in` before",
}


def _holds(condition: Core, assignment: Mapping[str, Value]) -> bool:
    try:
        return bool(evaluate(condition, assignment))
    except (NotRepresentable, ZeroDivisionError, KeyError):  # a name that would have been too long to write out
        return False


def _has_value(core: Core, assignment: Mapping[str, Value]) -> bool:
    try:
        evaluate(core, assignment)
    except (NotRepresentable, ZeroDivisionError):
        return False
    return True


def discharge(obligations: Sequence[Obligation], witnesses: Witnesses, report: Report) -> None:
    """Report each obligation that an assignment breaks, or that nothing proves."""
    for obligation in obligations:
        drawn, exact = witnesses.up_to(affordable(obligation.value))
        for assignment in drawn:
            if _breaks(obligation, assignment, witnesses, report):
                break
        else:
            if exact:
                continue
            report.add(
                "W0301",
                f"not proved that `{obligation.name}` stays in {obligation.target}",
                obligation.span,
                f"none of {len(drawn)} drawn assignments leaves it; a run stops at the first that does",
            )


def _breaks(obligation: Obligation, assignment: dict[str, Value], witnesses: Witnesses, report: Report) -> bool:
    type_, target = arithmetic.number(obligation.value), obligation.target
    try:
        digits = evaluate(obligation.value, assignment)
    except (NotRepresentable, ZeroDivisionError):
        return False
    assert isinstance(digits, int)
    value, where = digits_text(digits, type_.scale), witnesses.text(assignment, obligation.value)
    if type_.scale > target.scale and digits % 10 ** (type_.scale - target.scale):
        report.add(
            "E0302",
            f"`{obligation.name}` has {target.scale} decimal places, but its value can need more",
            obligation.span,
            f"{value} for {where}",
            help=f"declare it `decimal({type_.scale})`, or `round(…, {target.scale})`",
        )
        return True
    if is_unranged(target):
        return False
    if not target.low * 10**type_.scale <= digits * 10**target.scale <= target.high * 10**type_.scale:
        report.add(
            "E0308",
            f"`{obligation.name}` can leave its domain {target}",
            obligation.span,
            f"{value} for {where}" if where else f"it is {value}",
        )
        return True
    return False
