"""Elaborate lists, comprehensions, `match` and functions: written out into plain expressions.

In: syntax and the elaborator of the scope it stands in. Out: a `Core`. A list is a tuple of items of one family; what
runs over a list is written out item by item, so that every expression ends.
Invariant: never raises on user input; what is written out is at most `MOST_NODES` long; a mistake is told once, however
often its expression is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

from causalspec.record import record
from causalspec.semantics import arithmetic
from causalspec.semantics.core import MOST_DEPTH, MOST_NODES, Apply, Constant, Core, Operation, depth, nodes
from causalspec.semantics.expressions import Elaborator, a, type_of, unknown
from causalspec.semantics.types import Bool, Number, Tuple, Type, Unknown, Words, family, value_text
from causalspec.span import Span
from causalspec.syntax import ast

MOST_ITEMS = 64
MOST_LEAVES = 1_024  # of a list of lists
MOST_COVERED = 10_000  # numbers of a `match` that are looked through
USAGE = {
    "len": "`len(xs)` of one list",
    "sum": "`sum(xs)`, or `sum(x * x for x in xs if x > 0)`, of numbers",
    "count": "`count(x > 3 for x in xs)` of conditions",
    "all": "`all(x > 3 for x in xs)` of conditions",
    "any": "`any(x > 3 for x in xs)` of conditions",
    "index_of": "`index_of(xs, x)`: the first place of x in the list, from 0",
    "all_different": "`all_different(xs)` of one list",
    "min": "`min(xs)` of a list of numbers",
    "max": "`max(xs)` of a list of numbers",
    "digit": "`digit(n, 0)` of an int: its ones; `digit(n, 1)` its tens; the place is a literal from 0 to 17",
}
_WHOLE = ("sum", "count", "all", "any")  # functions that take a comprehension, its condition included


@record
class Item:
    """An item of a list, and the condition on which it counts (None: always)."""

    value: Core
    condition: Core | None


def type_of_list(elaborator: Elaborator, written: ast.ListType) -> tuple[Type, None, None, bool]:
    """`[T; n]`, the type of n values of one type."""
    size = written.size
    if not (isinstance(size, ast.Number) and size.scale == 0 and 1 <= size.digits <= MOST_ITEMS):
        _wrong(
            elaborator,
            f"a list's length is a literal from 1 to {MOST_ITEMS}",
            size.span,
            "for example `[bool; 3]`",
            "E0306",
        )
        return Unknown(), None, None, True
    item, *bounds, ranged = type_of(elaborator, written.item)
    if any(bound is not None and not isinstance(bound, Constant) for bound in bounds):
        elaborator.report.add("E0306", "a range inside a list cannot depend on other values", written.item.span)
        return Unknown(), None, None, True
    if not isinstance(item, Unknown) and leaves(item) * size.digits > MOST_LEAVES:
        _wrong(elaborator, f"a list has at most {MOST_LEAVES:,} values in all", written.span, "", "E0306")
        return Unknown(), None, None, True
    return (Unknown() if isinstance(item, Unknown) else Tuple((item,) * size.digits)), None, None, ranged


def leaves(type_: Type) -> int:
    """How many values that are no lists a value of a type holds."""
    return sum(map(leaves, type_.items)) if isinstance(type_, Tuple) else 1


def list_of(elaborator: Elaborator, written: ast.ListOf) -> Core:
    """`[a, b]`, or `[x + 1 for x in xs]`."""
    items = _items(elaborator, written.items, written.span)
    if items is None:
        return unknown(written.span)
    if any(item.condition is not None for item in items):
        return _wrong(elaborator, "a list whose length depends on values is not supported", written.span,
                      "count or add up what meets the condition: `sum(x for x in xs if x > 0)`")  # fmt: skip
    return _limited(elaborator, _joined(elaborator, [item.value for item in items], written.span))


def _joined(elaborator: Elaborator, values: Sequence[Core], span: Span) -> Core:
    if not values:
        return _wrong(elaborator, "an empty list has no type", span, "")
    if len(values) > MOST_ITEMS:
        return _wrong(elaborator, f"a list has at most {MOST_ITEMS} items", span, "")
    alike = _alike(elaborator, values, span)
    return arithmetic.tuple_of(alike, span) if alike is not None else unknown(span)


def _alike(elaborator: Elaborator, values: Sequence[Core], span: Span) -> tuple[Core, ...] | None:
    """The values at a type that holds each of them; None after a mistake."""
    if any(isinstance(value.type, Unknown) for value in values):
        return None
    first = values[0]
    for value in values[1:]:
        if not arithmetic.same_family(first.type, value.type):
            elaborator.report.add("E0301", f"a list holds values of one kind: {family(first.type)} and {family(value.type)}",
                                  value.span, f"this is {family(value.type)}")  # fmt: skip
            return None
    finest = reduce(lambda left, right: arithmetic.unified(left, right)[0], values)
    return tuple(arithmetic.unified(value, finest)[0] for value in values)


def _items(elaborator: Elaborator, written: Sequence[ast.Expr], span: Span) -> list[Item] | None:
    """The items of `a, b, c`, of a comprehension, or of one list; None after a mistake."""
    found: list[Item] = []
    for entry in written:
        if isinstance(entry, ast.Comprehension):
            inner = _comprehension(elaborator, entry)
            if inner is None:
                return None
            found += inner
        elif isinstance(entry, ast.RangeOf):
            inner = _range(elaborator, entry)
            if inner is None:
                return None
            found += inner
        else:
            found.append(Item(elaborator.core(entry), None))
    return found


def _range(elaborator: Elaborator, written: ast.RangeOf) -> list[Item] | None:
    """`0 .. 5` in a list, with literal ends: the ints of it."""
    ends = [elaborator.core(end) for end in (written.low, written.high, written.step or ast.Number(1, 0, written.span))]
    numbers = [
        end.value
        for end in ends
        if isinstance(end, Constant)
        and isinstance(end.type, Number)
        and not end.type.scale
        and isinstance(end.value, int)
    ]
    if len(numbers) < len(ends) or numbers[2] < 1 or (numbers[1] - numbers[0]) // numbers[2] >= MOST_ITEMS:
        _wrong(elaborator, "a range in a list runs between literal ints", written.span,
               f"for example `[0 .. 9]`; a list has at most {MOST_ITEMS} items")  # fmt: skip
        return None
    low, high, step = numbers
    return [Item(arithmetic.constant(value, 0, written.span), None) for value in range(low, high + 1, step)]


def _comprehension(elaborator: Elaborator, written: ast.Comprehension) -> list[Item] | None:
    listed = written.source
    if isinstance(listed, ast.RangeOf):
        listed = ast.ListOf((listed,), listed.span)
    source = list_of(elaborator, listed) if isinstance(listed, ast.ListOf) else elaborator.core(listed)
    items = items_of(elaborator, source)
    if items is None:
        return None
    if written.name.text in elaborator.scope:
        elaborator.report.add("E0202", f"`{written.name.text}` already stands for a value here", written.name.span,
                              "choose another name")  # fmt: skip
        return None
    found: list[Item] = []
    for item in items:
        errors = elaborator.report.errors
        inner = replace(elaborator, scope={**elaborator.scope, written.name.text: item})
        condition = inner.condition(written.condition) if written.condition is not None else None
        value = inner.core(written.value)
        if elaborator.report.errors > errors or isinstance(value.type, Unknown):
            return None
        found.append(Item(value, condition))
    return found


def items_of(elaborator: Elaborator, core: Core) -> tuple[Core, ...] | None:
    """The items of a list; None, told, for what is none."""
    if isinstance(core.type, Tuple):
        items = arithmetic.items(core)
        if all(arithmetic.same_family(items[0].type, item.type) for item in items):
            return items
    if not isinstance(core.type, Unknown):
        elaborator.report.add("E0301", f"expected a list, found {family(core.type)}", core.span,
                              help="a list holds values of one kind: `[1, 2, 3]`, or an input `[int in 0 .. 9; 3]`")  # fmt: skip
    return None


def index(elaborator: Elaborator, written: ast.Index) -> Core:
    """`xs[i]`, or a character of a word."""
    base, place = elaborator.core(written.base), elaborator.core(written.index)
    if isinstance(base.type, Unknown) or isinstance(place.type, Unknown):
        return unknown(written.span)
    if not isinstance(place.type, Number) or place.type.scale:
        return _wrong(elaborator, f"a place in a list is an int, found {family(place.type)}", written.index.span, "")
    if isinstance(base.type, Words):
        return _character(elaborator, base, place, written)
    items = items_of(elaborator, base)
    if items is None:
        return unknown(written.span)
    if isinstance(place, Constant) and isinstance(place.value, int):
        if 0 <= place.value < len(items):
            return replace(items[place.value], span=written.span)
        return _wrong(elaborator, f"the list has no item {place.value}", written.index.span, _places(len(items)))
    alike = _alike(elaborator, items, written.span)
    if alike is None:
        return unknown(written.span)
    if place.type.low >= len(items) or place.type.high < 0:
        return _wrong(elaborator, f"the list has no item {place.type}", written.index.span, _places(len(items)))
    found = Apply(
        Operation.SELECT, (place, *alike), reduce(arithmetic.hull, (item.type for item in alike)), written.span
    )
    if place.type.low < 0 or place.type.high >= len(items):
        elaborator.world.partial.append(found)
    return found


def _places(count: int) -> str:
    return f"its items are 0 to {count - 1}"


def _character(elaborator: Elaborator, base: Core, place: Core, written: ast.Index) -> Core:
    assert isinstance(base.type, Words)
    if not (isinstance(place, Constant) and isinstance(place.value, int)):
        return _wrong(elaborator, "the place of a character is a literal", written.index.span, "for example `word[0]`")
    at = place.value
    short = [word for word in base.type.words if not 0 <= at < len(word)]
    if short:
        return _wrong(elaborator, f'"{short[0]}" has no character {at}', written.span, _places(len(short[0])))
    table = tuple((word, word[at]) for word in base.type.words)
    return lookup(base, table, Words(tuple(dict.fromkeys(word[at] for word in base.type.words))), written.span)


def lookup(key: Core, table: tuple[tuple[str | int, str | int], ...], type_: Type, span: Span) -> Core:
    """The value beside a key; the table has every value that the key can have."""
    return Apply(Operation.LOOKUP, (key,), type_, span, table=table)


def call(elaborator: Elaborator, written: ast.Call) -> Core:
    """A function over a list, `digit`, or one of the file's."""
    name, span = written.function.text, written.span
    if name in elaborator.world.functions:
        return _written_out(elaborator, written)
    entries = [argument.value for argument in written.arguments]
    if name == "digit" and len(entries) == 2:
        return _digit(elaborator, entries[0], entries[1], span)
    if name == "index_of" and len(entries) == 2:
        return _index_of(elaborator, entries[0], entries[1], span)
    if len(entries) != 1 or name in ("digit", "index_of"):
        return _wrong(elaborator, f"`{name}` cannot be called this way", span, USAGE[name], "E0205")
    items = _counted(elaborator, entries[0])
    if items is None:
        return unknown(span)
    filtered = any(item.condition is not None for item in items)
    if filtered and name not in _WHOLE:
        return _wrong(elaborator, f"`{name}` takes a whole list", span, USAGE[name], "E0205")
    return _limited(elaborator, _REDUCE[name](elaborator, items, span))


def _counted(elaborator: Elaborator, entry: ast.Expr) -> list[Item] | None:
    """What a function runs over: a comprehension, or the items of a list."""
    if isinstance(entry, ast.Comprehension):
        return _comprehension(elaborator, entry)
    items = items_of(elaborator, elaborator.core(entry))
    return None if items is None else [Item(item, None) for item in items]


def _len(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    return arithmetic.constant(len(items), 0, span)


def _sum(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    zero = arithmetic.constant(0, 0, span)
    parts = []
    for item in items:
        if not isinstance(item.value.type, Number):
            return _mismatch(elaborator, item.value, "a number")
        parts.append(
            item.value if item.condition is None else arithmetic.conditional(item.condition, item.value, zero, span)
        )
    return reduce(lambda left, right: arithmetic.add(left, right, span), parts)


def _conditions(elaborator: Elaborator, items: Sequence[Item]) -> list[Core] | None:
    wrong = next((item.value for item in items if not isinstance(item.value.type, Bool)), None)
    if wrong is not None:
        _mismatch(elaborator, wrong, "a condition")
        return None
    return [item.value for item in items]


def _count(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    values = _conditions(elaborator, items)
    if values is None:
        return unknown(span)
    one, zero = arithmetic.constant(1, 0, span), arithmetic.constant(0, 0, span)
    meets = [_and(item.condition, value, span) for item, value in zip(items, values, strict=True)]
    return reduce(
        lambda left, right: arithmetic.add(left, right, span),
        [arithmetic.conditional(condition, one, zero, span) for condition in meets],
    )


def _all(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    values = _conditions(elaborator, items)
    if values is None:
        return unknown(span)
    parts = [_implied(item.condition, value, span) for item, value in zip(items, values, strict=True)]
    return parts[0] if len(parts) == 1 else Apply(Operation.AND, tuple(parts), Bool(), span)


def _any(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    values = _conditions(elaborator, items)
    if values is None:
        return unknown(span)
    parts = [_and(item.condition, value, span) for item, value in zip(items, values, strict=True)]
    return parts[0] if len(parts) == 1 else Apply(Operation.OR, tuple(parts), Bool(), span)


def _extremum(elaborator: Elaborator, items: Sequence[Item], span: Span, operation: Operation) -> Core:
    wrong = next((item.value for item in items if not isinstance(item.value.type, Number)), None)
    if wrong is not None:
        return _mismatch(elaborator, wrong, "a number")
    return arithmetic.extremum(operation, tuple(item.value for item in items), span)


def _all_different(elaborator: Elaborator, items: Sequence[Item], span: Span) -> Core:
    pairs = [(left.value, right.value) for i, left in enumerate(items) for right in items[i + 1 :]]
    parts = tuple(Apply(Operation.NOT, (arithmetic.equal(x, y, span),), Bool(), span) for x, y in pairs)
    if not parts:
        return Constant(True, Bool(), span)
    return parts[0] if len(parts) == 1 else Apply(Operation.AND, parts, Bool(), span)


_REDUCE: dict[str, Callable[[Elaborator, Sequence[Item], Span], Core]] = {
    "len": _len,
    "sum": _sum,
    "count": _count,
    "all": _all,
    "any": _any,
    "all_different": _all_different,
    "min": lambda elaborator, items, span: _extremum(elaborator, items, span, Operation.MIN),
    "max": lambda elaborator, items, span: _extremum(elaborator, items, span, Operation.MAX),
}


def _and(condition: Core | None, value: Core, span: Span) -> Core:
    return value if condition is None else Apply(Operation.AND, (condition, value), Bool(), span)


def _implied(condition: Core | None, value: Core, span: Span) -> Core:
    if condition is None:
        return value
    return Apply(Operation.OR, (Apply(Operation.NOT, (condition,), Bool(), span), value), Bool(), span)


def _index_of(elaborator: Elaborator, listed: ast.Expr, sought: ast.Expr, span: Span) -> Core:
    items, value = items_of(elaborator, elaborator.core(listed)), elaborator.core(sought)
    if items is None or isinstance(value.type, Unknown):
        return unknown(span)
    alike = _alike(elaborator, (*items, value), span)
    if alike is None:
        return unknown(span)
    found = Apply(Operation.INDEX_OF, (alike[-1], *alike[:-1]), Number(0, 0, len(items) - 1), span)
    if not _surely_among(value.type, [item.type for item in alike[:-1]]):
        elaborator.world.partial.append(found)
    return found


def _surely_among(type_: Type, items: Sequence[Type]) -> bool:
    """Whether items that are always the same take in every value of a type."""
    words = {item.words[0] for item in items if isinstance(item, Words) and len(item.words) == 1}
    numbers = {item.low for item in items if isinstance(item, Number) and item.low == item.high}
    match type_:
        case Words():
            return words >= set(type_.words)
        case Number(low=low, high=high) if high - low < MOST_ITEMS:
            return numbers >= set(range(low, high + 1))
    return False


def _digit(elaborator: Elaborator, number: ast.Expr, place: ast.Expr, span: Span) -> Core:
    value = elaborator.core(number)
    if isinstance(value.type, Unknown):
        return value
    literal = isinstance(place, ast.Number) and place.scale == 0 and place.digits < 18
    if not (isinstance(value.type, Number) and value.type.scale == 0 and literal):
        return _wrong(elaborator, "`digit` cannot be called this way", span, USAGE["digit"], "E0205")
    assert isinstance(place, ast.Number)
    positive = value if value.type.low >= 0 else arithmetic.absolute(value, span)
    shifted = arithmetic.floor_divide(positive, arithmetic.constant(10**place.digits, 0, span), span)
    assert shifted is not None
    found = arithmetic.modulo(shifted, arithmetic.constant(10, 0, span), span)
    assert found is not None
    return found


def _written_out(elaborator: Elaborator, written: ast.Call) -> Core:
    """A call of one of the file's functions: its body, with the arguments in the places of its parameters."""
    world, name, span = elaborator.world, written.function.text, written.span
    function = world.functions[name]
    parameters = [parameter.text for parameter in function.parameters]
    if len(written.arguments) != len(parameters) or any(argument.name is not None for argument in written.arguments):
        usage = f"{name}({', '.join(parameters)})"
        return _wrong(elaborator, f"`{name}` cannot be called this way", span, f"it is `{usage}`", "E0205")
    if name in world.called:
        chain = " → ".join([*world.called[world.called.index(name) :], name])
        return _wrong(elaborator, f"a function cannot call itself: {chain}", span, "", "E0401")
    values = [elaborator.core(argument.value) for argument in written.arguments]
    if name in world.wrong or any(isinstance(value.type, Unknown) for value in values):
        return unknown(span)
    errors = elaborator.report.errors
    world.called.append(name)
    inner = replace(elaborator, scope=dict(zip(parameters, values, strict=True)), where=f"function `{name}`", words=())
    found = inner.core(function.value)
    world.called.pop()
    if elaborator.report.errors > errors:
        world.wrong.add(name)
        return unknown(span)
    return _limited(elaborator, replace(found, span=span))


def _limited(elaborator: Elaborator, core: Core) -> Core:
    """The expression, unless it is too long when it is written out."""
    if depth(core) <= MOST_DEPTH and nodes(core) <= MOST_NODES:
        return core
    return _wrong(elaborator, "this is too long when it is written out", core.span,
                  f"at most {MOST_NODES:,} operations; name a part with `let` or `var`", "E0106")  # fmt: skip


def match(elaborator: Elaborator, written: ast.Match) -> Core:
    """The first arm that the subject meets; the arms must leave nothing out."""
    conditions = conditions_of(elaborator, written.subject, [(arm.patterns, arm.span) for arm in written.arms])
    values = [elaborator.core(arm.value) for arm in written.arms]
    if conditions is None or any(isinstance(value.type, Unknown) for value in values):
        return unknown(written.span)
    alike = _alike_arms(elaborator, values)
    return unknown(written.span) if alike is None else _limited(elaborator, chosen(conditions, alike, written.span))


def chosen(conditions: Sequence[Core], values: Sequence[Core], span: Span) -> Core:
    """The value of the first condition that holds; the last one's where none does."""
    found = values[-1]
    for condition, value in zip(reversed(conditions[:-1]), reversed(values[:-1]), strict=True):
        found = arithmetic.conditional(condition, value, found, span)
    return replace(found, span=span)


def conditions_of(
    elaborator: Elaborator, written: ast.Expr, arms: Sequence[tuple[tuple[ast.Expr, ...], Span]]
) -> list[Core] | None:
    """Whether a subject meets each arm's patterns; None after a mistake. Together they leave nothing out."""
    subject = elaborator.core(written)
    if isinstance(subject.type, Unknown):
        return None
    errors, conditions = elaborator.report.errors, list[Core]()
    covered = _Covered(subject.type)
    for patterns, span in arms:
        if covered.whole:
            _wrong(elaborator, "this arm is never reached", span, "those before it take everything", "E0310")
            return None
        meets = [_meets(elaborator, subject, pattern, covered) for pattern in patterns]
        conditions.append(meets[0] if len(meets) == 1 else Apply(Operation.OR, tuple(meets), Bool(), span))
    if elaborator.report.errors > errors:
        return None
    if not covered.whole:
        missing = covered.missing()
        what = f"{missing} is left out" if missing else "some values are left out"
        _wrong(elaborator, f"this `match` does not say what happens to every value: {what}", written.span,
               "end it with an arm `_ -> …` for the rest", "E0310")  # fmt: skip
        return None
    return conditions


def _alike_arms(elaborator: Elaborator, values: Sequence[Core]) -> tuple[Core, ...] | None:
    for value in values[1:]:
        if not arithmetic.same_family(values[0].type, value.type):
            elaborator.report.add(
                "E0301", f"the arms differ: {family(values[0].type)} and {family(value.type)}", value.span
            )
            return None
    return tuple(values)


def _meets(elaborator: Elaborator, subject: Core, pattern: ast.Expr, covered: _Covered) -> Core:
    if isinstance(pattern, ast.Name) and pattern.text == "_":
        covered.whole = True
        return Constant(True, Bool(), pattern.span)
    if isinstance(pattern, ast.RangeOf):
        errors = elaborator.report.errors
        found = elaborator.inside(subject, pattern, pattern.span)
        if elaborator.report.errors == errors:
            covered.add_range(elaborator.core(pattern.low), elaborator.core(pattern.high))
        return found
    value = elaborator.core(pattern)
    covered.add(value)
    return elaborator.compared("==", subject, value, pattern.span)


class _Covered:
    """Which values of a type some patterns meet, as far as they are literals."""

    def __init__(self, type_: Type) -> None:
        self.type = type_
        self.whole = False
        self.found: set[object] = set()

    def add(self, value: Core) -> None:
        if isinstance(value, Constant) and not isinstance(value.type, Unknown):
            scaled = value
            if isinstance(self.type, Number) and isinstance(value.type, Number):
                if value.type.scale > self.type.scale:
                    return
                found = arithmetic.to_scale(value, self.type.scale)
                scaled = found if isinstance(found, Constant) else value
            self.found.add(scaled.value)
            self._look()

    def add_range(self, low: Core, high: Core) -> None:
        if not (isinstance(self.type, Number) and isinstance(low, Constant) and isinstance(high, Constant)):
            return
        if not (isinstance(low.type, Number) and isinstance(high.type, Number)):
            return
        if max(low.type.scale, high.type.scale) > self.type.scale:
            return
        ends = [arithmetic.to_scale(end, self.type.scale) for end in (low, high)]
        first, last = (end.value for end in ends if isinstance(end, Constant) and isinstance(end.value, int))
        least, most = max(first, self.type.low), min(last, self.type.high)
        if most - least <= MOST_COVERED:
            self.found.update(range(least, most + 1))
        self._look()

    def _domain(self) -> Sequence[object] | None:
        match self.type:
            case Bool():
                return (False, True)
            case Words(words=words):
                return words
            case Number(low=low, high=high) if high - low <= MOST_COVERED:
                return range(low, high + 1)
        return None

    def _look(self) -> None:
        domain = self._domain()
        self.whole = self.whole or (domain is not None and all(value in self.found for value in domain))

    def missing(self) -> str | None:
        """A value that no pattern meets."""
        domain = self._domain()
        if domain is None:
            return None
        value = next(value for value in domain if value not in self.found)
        return value_text(value, self.type)  # type: ignore[arg-type]


def _mismatch(elaborator: Elaborator, core: Core, wanted: str) -> Core:
    if not isinstance(core.type, Unknown):
        elaborator.report.add(
            "E0301", f"expected {wanted}, found {family(core.type)}", core.span, f"this is {a(family(core.type))}"
        )
    return unknown(core.span)


def _wrong(elaborator: Elaborator, message: str, span: Span, help: str, code: str = "E0301") -> Core:
    elaborator.report.add(code, message, span, help=help)
    return unknown(span)
