"""Elaborate syntax into typed `Core`: resolve names, infer types, align scales.

In: an `ast.Expr`, a scope, and the report. Out: a `Core`; after a mistake one of type `Unknown`, reported once.
Invariant: never raises on user input; a mistake in an operand is not told again for what contains it.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalspec import planned
from causalspec.diagnostics import Fix, Report
from causalspec.record import record
from causalspec.semantics import arithmetic
from causalspec.semantics.arithmetic import Ratio
from causalspec.semantics.core import Apply, Constant, Core, Operation, Reference
from causalspec.semantics.types import Bool, Number, Tuple, Type, Unknown, Words, family, unranged
from causalspec.semantics.world import World
from causalspec.span import Span
from causalspec.syntax import ast

NUMERIC = ("abs", "min", "max", "round", "floor")
LISTED = ("len", "sum", "count", "all", "any", "index_of", "all_different", "digit")
FUNCTIONS = (*NUMERIC, *LISTED)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a misspelt word most likely meant."""
    from difflib import get_close_matches

    matches = get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return matches[0] if matches else None


def report_unknown(report: Report, name: ast.Name, what: str, candidates: Iterable[str]) -> None:
    """E0201, with the nearest name or the list of names; E0208 for a name to come."""
    known = sorted(set(candidates))
    if name.text in planned.NAMES.get(what, ()):
        report.add("E0208", planned.not_yet(f"{what} `{name.text}`"), name.span,
                   help=f"supported: {', '.join(f'`{item}`' for item in known)}")  # fmt: skip
        return
    close = nearest(name.text, known)
    if close is not None:
        report.add("E0201", f"no {what} named `{name.text}`", name.span, f"did you mean `{close}`?",
                   fix=Fix(name.span, close))  # fmt: skip
    else:
        listed = ", ".join(f"`{item}`" for item in known) or "none"
        report.add("E0201", f"no {what} named `{name.text}`", name.span, "not defined", help=f"known here: {listed}")


def a(what: str) -> str:
    """`a model`, `an alignment`, `an LM`."""
    return f"{'an' if what[0] in 'aeiouL' else 'a'} {what}"


def unquoted(expression: ast.Expr) -> str:
    """What is said under a text where a name is wanted."""
    return "names stand without quotes" if isinstance(expression, ast.Text) else ""


def without_quotes(expression: ast.Expr) -> Fix | None:
    """The fix for a text where a name is wanted."""
    named = isinstance(expression, ast.Text) and expression.value.isidentifier()
    return Fix(expression.span, expression.value) if named and isinstance(expression, ast.Text) else None


def unknown(span: Span) -> Core:
    """What stands for an expression that was reported as wrong."""
    return Constant(False, Unknown(), span)


def defined(scope: dict[str, Core]) -> dict[str, Core]:
    """The part of a scope that was written; the rest was told as unknown."""
    return {name: core for name, core in scope.items() if isinstance(core, Reference)}


@record
class Elaborator:
    """Elaborates expressions in one scope: name → what it stands for."""

    scope: dict[str, Core]  # a name that was told as unknown gets an `unknown` here, and is not told again
    report: Report
    where: str  # "task `price_tagging`", for messages
    world: World
    words: tuple[str, ...] = ()  # of the task's output, for whoever forgets their quotes

    def core(self, expression: ast.Expr) -> Core:
        """A complete value: a ratio is an error here."""
        value = self._value(expression)
        if isinstance(value, Ratio):
            self.report.add(
                "E0304",
                "this quotient has no finite decimal",
                value.span,
                "may only be compared, rounded or floored",
                help="write `round(x, 2)` or `floor(x)`, or compare it",
            )
            return unknown(value.span)
        return value

    def condition(self, expression: ast.Expr) -> Core:
        """A bool."""
        core = self.core(expression)
        if not isinstance(core.type, Bool | Unknown):
            self._mismatch(core, "bool")
            return unknown(core.span)
        return core

    def _mismatch(self, core: Core, wanted: str) -> None:
        self.report.add(
            "E0301", f"expected {wanted}, found {family(core.type)}", core.span, f"this is {family(core.type)}"
        )

    def _value(self, expression: ast.Expr) -> Core | Ratio:
        match expression:
            case ast.Name():
                return self._name(expression)
            case ast.Number(digits=digits, scale=scale, span=span):
                return arithmetic.constant(digits, scale, span)
            case ast.Text(value=value, span=span):
                return Constant(value, Words((value,)), span)
            case ast.Truth(value=value, span=span):
                return Constant(value, Bool(), span)
            case ast.Unary():
                return self._unary(expression)
            case ast.Binary(op="and" | "or" as op, left=left, right=right, span=span):
                operation = Operation.AND if op == "and" else Operation.OR
                return Apply(operation, (self.condition(left), self.condition(right)), Bool(), span)
            case ast.Binary():
                return self._arithmetic(expression)
            case ast.Compare():
                return self._comparison(expression)
            case ast.Conditional():
                return self._conditional(expression)
            case ast.TupleOf(items=items, span=span):
                return arithmetic.tuple_of(tuple(self.core(item) for item in items), span)
            case ast.Access():
                return self._access(expression)
            case ast.Call():
                return self._call(expression)
            case ast.ListOf() | ast.Index() | ast.Match():
                from causalspec.semantics import lists

                if isinstance(expression, ast.ListOf):
                    return lists.list_of(self, expression)
                return (
                    lists.index(self, expression)
                    if isinstance(expression, ast.Index)
                    else lists.match(self, expression)
                )
            case ast.Comprehension():
                self.report.add("E0301", "what runs over a list stands in `[…]` or in a function", expression.span,
                                help="for example `sum(x for x in xs)`")  # fmt: skip
                return unknown(expression.span)
            case ast.SetOf() | ast.RangeOf():
                self.report.add("E0301", "a set or range cannot be a value", expression.span,
                                help="it stands to the right of `in`")  # fmt: skip
                return unknown(expression.span)

    def _name(self, name: ast.Name) -> Core:
        found = self.scope.get(name.text)
        if found is None:
            known = [*defined(self.scope), *(f'"{word}"' for word in self.words)]
            if name.text in ("True", "False"):
                known.append(name.text.lower())
            report_unknown(self.report, name, f"value in {self.where}", known)
            self.scope[name.text] = unknown(name.span)
            return unknown(name.span)
        return _at(found, name.span)

    def _unary(self, expression: ast.Unary) -> Core:
        if expression.op == "not":
            return Apply(Operation.NOT, (self.condition(expression.operand),), Bool(), expression.span)
        operand = self._number(expression.operand)
        if expression.op == "+" or operand.type == Unknown():
            return operand
        return arithmetic.negate(operand, expression.span)

    def _number(self, expression: ast.Expr) -> Core:
        core = self.core(expression)
        if not isinstance(core.type, Number | Unknown):
            self._mismatch(core, "a number")
            return unknown(core.span)
        return core

    def _arithmetic(self, expression: ast.Binary) -> Core | Ratio:
        span = expression.span
        left, right = self._number(expression.left), self._number(expression.right)
        if Unknown() in (left.type, right.type):
            return unknown(span)
        match expression.op:
            case "+":
                return arithmetic.add(left, right, span)
            case "-":
                return arithmetic.subtract(left, right, span)
            case "*":
                return arithmetic.multiply(left, right, span)
            case "/":
                quotient: Core | Ratio | None = arithmetic.divide(left, right, span)
            case "//":
                quotient = arithmetic.floor_divide(left, right, span)
            case _:
                quotient = arithmetic.modulo(left, right, span)
        if quotient is None:
            self.report.add("E0303", "this divisor can be 0", right.span, f"its values: {right.type}",
                            help="give it a range without 0")  # fmt: skip
            return unknown(span)
        return quotient

    def _comparison(self, expression: ast.Compare) -> Core:
        before = ("in", *expression.ops)  # what stands before each operand; a list is a value, but not after `in`
        values = [
            None
            if isinstance(item, ast.SetOf | ast.RangeOf) or (isinstance(item, ast.ListOf) and op == "in" and index)
            else self._value(item)
            for index, (op, item) in enumerate(zip(before, expression.operands, strict=True))
        ]
        parts = []
        for index, op in enumerate(expression.ops):
            left, right = values[index], values[index + 1]
            written = expression.operands[index + 1]
            if left is None:
                self.report.add(
                    "E0301", "a list or range can only stand to the right of `in`", expression.operands[index].span
                )
                parts.append(unknown(expression.span))
            elif op == "in" or right is None:
                parts.append(self._membership(op, left, written, expression.span))
            else:
                parts.append(self._pair(op, left, right, expression.span))
        return parts[0] if len(parts) == 1 else Apply(Operation.AND, tuple(parts), Bool(), expression.span)

    def _membership(self, op: str, left: Core | Ratio, written: ast.Expr, span: Span) -> Core:
        if op != "in":
            self.report.add("E0301", f"`{op}` cannot compare with a list or range", written.span, help="use `in`")
            return unknown(span)
        match written:
            case ast.RangeOf():
                return self.inside(left, written, span)
            case ast.ListOf(items=items) | ast.SetOf(items=items) if items and not any(
                isinstance(item, ast.Comprehension) or (isinstance(item, ast.RangeOf) and item.step is not None)
                for item in items
            ):
                meets = tuple(
                    self.inside(left, item, span)
                    if isinstance(item, ast.RangeOf)
                    else self._pair("==", left, self._value(item), span)
                    for item in items
                )
                return meets[0] if len(meets) == 1 else Apply(Operation.OR, meets, Bool(), span)
        listed = self.core(written)
        if isinstance(listed.type, Unknown):
            return listed
        if not isinstance(listed.type, Tuple):
            self.report.add("E0301", "`in` needs a list or a range", written.span, help="for example `in 1 .. 5`")
            return unknown(span)
        equals = tuple(self._pair("==", left, item, span) for item in arithmetic.items(listed))
        return Apply(Operation.OR, equals, Bool(), span)

    def inside(self, value: Core | Ratio, written: ast.RangeOf, span: Span) -> Core:
        """`value in low .. high`."""
        if written.step is not None:
            self.report.add("E0301", "a `step` stands in a list or in `layers`", written.step.span,
                            help="write the values out: `in [0, 5, 10]`")  # fmt: skip
            return unknown(span)
        parts = (
            self._pair("<=", self._value(written.low), value, span),
            self._pair("<=", value, self._value(written.high), span),
        )
        if any(isinstance(part.type, Unknown) for part in parts):
            return unknown(span)
        return Apply(Operation.AND, parts, Bool(), span)

    def compared(self, op: str, left: Core, right: Core, span: Span) -> Core:
        """`left op right`, a mistake told."""
        return self._pair(op, left, right, span)

    def _pair(self, op: str, left: Core | Ratio, right: Core | Ratio, span: Span) -> Core:
        left_type = Number(0, 0, 0) if isinstance(left, Ratio) else left.type
        right_type = Number(0, 0, 0) if isinstance(right, Ratio) else right.type
        if Unknown() in (left_type, right_type):
            return unknown(span)
        ordered = op not in ("==", "!=")
        comparable = arithmetic.same_family(left_type, right_type) and (not ordered or isinstance(left_type, Number))
        if not comparable:
            self.report.add("E0301", f"`{op}` cannot compare {family(left_type)} with {family(right_type)}", span)
            return unknown(span)
        if ordered:
            return arithmetic.compare(op, left, right, span)
        if isinstance(left_type, Words) and isinstance(right_type, Words):
            self._overlap(left_type, right_type, span)
        same = arithmetic.equal(left, right, span)
        return same if op == "==" else Apply(Operation.NOT, (same,), Bool(), span)

    def _overlap(self, left: Words, right: Words, span: Span) -> None:
        if not set(left.words) & set(right.words):
            self.report.add("E0301", f"these can never be equal: {left} and {right}", span)

    def _conditional(self, expression: ast.Conditional) -> Core:
        condition = self.condition(expression.condition)
        yes, no = self.core(expression.yes), self.core(expression.no)
        if not arithmetic.same_family(yes.type, no.type):
            self.report.add("E0301", f"the branches differ: {family(yes.type)} and {family(no.type)}", expression.span)
            return unknown(expression.span)
        return arithmetic.conditional(condition, yes, no, expression.span)

    def _access(self, expression: ast.Access) -> Core:
        match expression.base:
            case ast.Index(base=ast.Name(text=name), index=key) if name not in self.scope:
                if name in self.world.doubtful:
                    return unknown(expression.span)
                if name in self.world.tables:
                    from causalspec.semantics.tables import lookup

                    return lookup(self, self.world.tables[name], key, expression)
        base = self.core(expression.base)
        if isinstance(base.type, Unknown):
            return base
        member = expression.member
        if not isinstance(base.type, Tuple) or not isinstance(member, int):
            self.report.add("E0301", f"{family(base.type)} has no part `{member}`", expression.member_span)
            return unknown(expression.span)
        if member >= len(base.type.items):
            last = len(base.type.items) - 1
            self.report.add("E0301", f"no item {member} in {family(base.type)}", expression.member_span,
                            f"items are 0 to {last}")  # fmt: skip
            return unknown(expression.span)
        return Apply(Operation.ITEM, (base,), base.type.items[member], expression.span, member)

    def _call(self, call: ast.Call) -> Core:
        name, span = call.function.text, call.span
        one_list = name in ("min", "max") and len(call.arguments) == 1
        if name in self.world.functions or name in LISTED or one_list:
            from causalspec.semantics import lists

            return lists.call(self, call)
        if name not in NUMERIC:
            report_unknown(self.report, call.function, "function", (*FUNCTIONS, *self.world.functions))
            return unknown(span)
        named = [argument for argument in call.arguments if argument.name is not None]
        if named:
            self.report.add("E0205", f"`{name}` takes no named arguments", named[0].span)
            return unknown(span)
        values = [self._value(argument.value) for argument in call.arguments]
        cores = tuple(value for value in values if not isinstance(value, Ratio))
        wrong = [core for core in cores if not isinstance(core.type, Number)]
        for core in wrong:
            if core.type != Unknown():
                self._mismatch(core, "a number")
        if wrong:
            return unknown(span)
        result = self._builtin(name, values, cores, span)
        if result is None:
            self.report.add("E0205", f"`{name}` cannot be called this way", span, help=_USAGE[name])
            return unknown(span)
        return result

    def _builtin(self, name: str, values: list[Core | Ratio], cores: tuple[Core, ...], span: Span) -> Core | None:
        complete = len(cores) == len(values)
        match name, values:
            case "abs", [only] if not isinstance(only, Ratio):
                return arithmetic.absolute(only, span)
            case "min" | "max", [_, _, *_] if complete:
                return arithmetic.extremum(Operation(name), cores, span)
            case "floor", [only]:
                return arithmetic.floor(only, span)
            case "round", [value, Constant(value=int() as places, type=Number(scale=0))] if 0 <= places <= 18:
                return arithmetic.round_to(value, places, span)
        return None


_USAGE = {
    "abs": "`abs(x)` of one number",
    "min": "`min(x, y, …)` of at least two numbers, or `min(xs)`",
    "max": "`max(x, y, …)` of at least two numbers, or `max(xs)`",
    "floor": "`floor(x)` of one number",
    "round": "`round(x, 2)`: the places are a literal from 0 to 18",
}


def _at(core: Core, span: Span) -> Core:
    """The same expression as written elsewhere."""
    from dataclasses import replace

    return replace(core, span=span)


def type_of(elaborator: Elaborator, written: ast.Type) -> tuple[Type, Core | None, Core | None, bool]:
    """(type, low, high, ranged) of a written type; an unranged number is to be `bounded`."""
    match written:
        case ast.WordsType(words=words):
            return _words(elaborator, words), None, None, True
        case ast.TupleType(items=items):
            parts = [type_of(elaborator, item) for item in items]
            ranged = all(part[3] for part in parts)
            for item, (_, *bounds, _) in zip(items, parts, strict=True):
                if any(bound is not None and not isinstance(bound, Constant) for bound in bounds):
                    elaborator.report.add("E0306", "a range inside a tuple cannot depend on other values", item.span)
            return Tuple(tuple(part[0] for part in parts)), None, None, ranged
        case ast.ListType():
            from causalspec.semantics import lists

            return lists.type_of_list(elaborator, written)
        case ast.SimpleType():
            return _simple(elaborator, written)


def _words(elaborator: Elaborator, words: tuple[ast.Text | ast.ColumnWords, ...]) -> Type:
    report, seen = elaborator.report, dict[str, ast.Text]()
    for word in words:
        if isinstance(word, ast.ColumnWords):
            from causalspec.semantics.tables import column_words

            found = column_words(elaborator, word, elaborator.world.tables)
            if not found:
                return Unknown()
            seen.update({text: ast.Text(text, word.span) for text in found if text not in seen})
            continue
        if word.value in seen:
            report.add("E0202", f'"{word.value}" stands here twice', word.span)
        if not word.value.strip():
            report.add("E0305", "an empty word cannot be an answer", word.span)
        seen.setdefault(word.value, word)
    return Words(tuple(seen))


def _simple(elaborator: Elaborator, written: ast.SimpleType) -> tuple[Type, Core | None, Core | None, bool]:
    report, name = elaborator.report, written.name.text
    scale = _scale(report, written)
    if scale is None:
        return Unknown(), None, None, True
    if name == "bool":
        if written.range is not None:
            report.add("E0306", "bool has no range", written.range.span)
        return Bool(), None, None, True
    if written.range is None:
        return unranged(scale), None, None, False
    if written.range.step is not None:
        report.add("E0306", "the range of a type has no `step`", written.range.step.span,
                   help="declare the number of steps, and multiply: `let x = 5 * steps`")  # fmt: skip
        return Unknown(), None, None, True
    low, high = (_bound(elaborator, item, scale) for item in (written.range.low, written.range.high))
    if low is None or high is None:
        return Unknown(), None, None, True
    low_type, high_type = arithmetic.number(low), arithmetic.number(high)
    if low_type.low > high_type.high:
        report.add(
            "E0305",
            "this range is empty",
            written.range.span,
            "its lower end is above its upper end",
            help="write the smaller end first",
        )
        return Unknown(), None, None, True
    return Number(scale, low_type.low, high_type.high), low, high, True


def _scale(report: Report, written: ast.SimpleType) -> int | None:
    name, parameter = written.name.text, written.parameter
    if name in ("bool", "int"):
        if parameter is not None:
            report.add("E0306", f"`{name}` takes no parameter", parameter.span)
        return 0
    if name == "decimal":
        if isinstance(parameter, ast.Number) and parameter.scale == 0 and 1 <= parameter.digits <= 18:
            return parameter.digits
        place = written.span if parameter is None else parameter.span
        report.add("E0306", "`decimal` needs its number of places, 1 to 18", place, help="for example `decimal(2)`")
        return None
    report_unknown(report, written.name, "type", ("bool", "int", "decimal"))
    return None


def _bound(elaborator: Elaborator, written: ast.Expr, scale: int) -> Core | None:
    core = elaborator._number(written)
    if not isinstance(core.type, Number):
        return None
    if core.type.scale > scale:
        elaborator.report.add("E0306", f"this bound has more than {scale} decimal places", core.span,
                              help=f"declare it `decimal({core.type.scale})`")  # fmt: skip
        return None
    return arithmetic.to_scale(core, scale)
