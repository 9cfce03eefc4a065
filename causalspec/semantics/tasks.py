"""Check tasks and variants: inputs, lets, conditions, prompt and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import TypeVar

from causalspec.diagnostics import Label, Report
from causalspec.record import record
from causalspec.semantics import arithmetic
from causalspec.semantics.core import Core, Reference, references
from causalspec.semantics.domains import Domain, Witnesses, defined_everywhere, empty_range
from causalspec.semantics.expressions import Elaborator, report_unknown, type_of, unknown
from causalspec.semantics.hypothesis import Hole, Input, Let, Output, Task
from causalspec.semantics.types import Bool, Number, Tuple, Type, Unknown, Words, printed, value_text, values_of
from causalspec.semantics.world import World
from causalspec.span import Span
from causalspec.syntax import ast

MOST_ANSWERS = 1_000


def free_names(expression: ast.Expr) -> Iterator[ast.Name]:
    """The names an expression reads, functions and members apart."""
    match expression:
        case ast.Name():
            yield expression
        case ast.Unary(operand=operand):
            yield from free_names(operand)
        case ast.Binary(left=left, right=right):
            yield from free_names(left)
            yield from free_names(right)
        case ast.Compare(operands=items) | ast.TupleOf(items=items) | ast.ListOf(items=items) | ast.SetOf(items=items):
            for item in items:
                yield from free_names(item)
        case ast.Conditional(condition=condition, yes=yes, no=no):
            for item in (condition, yes, no):
                yield from free_names(item)
        case ast.RangeOf(low=low, high=high):
            yield from free_names(low)
            yield from free_names(high)
        case ast.Access(base=base) | ast.Index(base=base):
            yield from free_names(base)
        case ast.Call(arguments=arguments):
            for argument in arguments:
                yield from free_names(argument.value)
        case ast.Comprehension(value=value, name=bound, source=source, condition=condition):
            yield from free_names(source)
            inner = [value] if condition is None else [value, condition]
            yield from (name for item in inner for name in free_names(item) if name.text != bound.text)
        case ast.Match(subject=subject, arms=arms):
            yield from free_names(subject)
            for arm in arms:
                read = [item for item in arm.patterns if not (isinstance(item, ast.Name) and item.text == "_")]
                for item in (*read, arm.value):
                    yield from free_names(item)
        case ast.Number() | ast.Text() | ast.Truth():
            pass


def causal_order(mechanisms: dict[str, ast.Expr], report: Report, what: str) -> list[str]:
    """Names in an order in which each reads earlier ones only; a cycle is E0401 with its chain, told once."""
    order: list[str] = []
    done: set[str] = set()
    for root in mechanisms:
        path: list[str] = []
        stack: list[tuple[str, Iterator[ast.Name]]] = []
        if root not in done:
            stack.append((root, free_names(mechanisms[root])))
            path.append(root)
        while stack:
            name, rest = stack[-1]
            step = next((item for item in rest if item.text in mechanisms and item.text not in done), None)
            if step is None:
                stack.pop()
                path.pop()
                done.add(name)
                order.append(name)
            elif step.text in path:
                chain = [*path[path.index(step.text) :], step.text]
                report.add("E0401", f"a cycle in {what}: {' ← '.join(chain)}", step.span, "closes the cycle",
                           help="a mechanism reads inputs and variables that come before it")  # fmt: skip
            else:
                stack.append((step.text, free_names(mechanisms[step.text])))
                path.append(step.text)
    return order


@record
class CheckedTask:
    """A task with what checking its models needs."""

    task: Task
    scope: dict[str, Core]
    witnesses: Witnesses
    world: World
    sound: bool  # without errors: only then can it be computed with

    @property
    def answers(self) -> Type:
        """The output's domain; unknown where it was reported as wrong."""
        output = self.task.output
        return (output.value or output.type) if output.type.words else Unknown()

    def kind_of(self, name: str) -> str | None:
        """What a name is in the task, in words."""
        if any(item.name == name for item in self.task.inputs):
            return "an input"
        if any(item.name == name for item in self.task.lets):
            return "a `let`"
        return "the output" if name == self.task.output.name else None


def define(scope: dict[str, Core], spans: dict[str, Span], name: ast.Name, type_: Type, report: Report) -> None:
    """Bring a name into scope; a second definition is E0202."""
    if name.text in spans:
        report.add("E0202", f"`{name.text}` is defined twice", name.span, "again here",
                   labels=(Label(spans[name.text], "first here"),))  # fmt: skip
    spans.setdefault(name.text, name.span)
    scope[name.text] = Reference(name.text, type_, name.span)


_NEEDED = {
    "prompt": 'for example `prompt "Is {price} above {lower}?"`',
    "output": 'for example `output answer: "Yes" | "No"`',
}


def is_broken(items: Sequence[object], keyword: str) -> bool:
    """Whether a statement of a kind has a syntax error, or one of which nobody knows what it was to be."""
    return any(isinstance(item, ast.Broken) and item.keyword in (keyword, "") for item in items)


def bring_broken(
    items: Sequence[ast.TaskItem] | Sequence[ast.ModelItem], scope: dict[str, Core], spans: dict[str, Span]
) -> set[str]:
    """Define what statements with a syntax error meant to define; the keywords of those statements."""
    broken = [item for item in items if isinstance(item, ast.Broken)]
    for item in broken:
        if item.name is not None and item.name.text not in scope and item.keyword != "output":
            spans.setdefault(item.name.text, item.name.span)
            scope[item.name.text] = Reference(item.name.text, Unknown(), item.name.span)
    return {item.keyword for item in broken}


def check_task(
    written: ast.Task | ast.Variant,
    items: Sequence[ast.TaskItem],
    report: Report,
    world: World,
    told: Mapping[str, Core] = MappingProxyType({}),
) -> CheckedTask:
    """A task or variant from its items; what it lacks is reported, and empty in the result.

    `told` are names that were reported as unknown.
    """
    name, span, errors = written.name.text, written.name.span, report.errors
    where = f"{'task' if isinstance(written, ast.Task) else 'variant'} `{name}`"
    scope = dict(told)
    spans: dict[str, Span] = {}
    bring_broken([item for item in items if getattr(item, "keyword", None) in ("input", "")], scope, spans)
    inputs = [_input(item, scope, spans, report, where, world) for item in items if isinstance(item, ast.Input)]
    lets = _lets([item for item in items if isinstance(item, ast.Let)], scope, spans, report, where, world)
    broken = bring_broken(items, scope, spans)
    elaborator = Elaborator(scope, report, where, world)
    requires = tuple(elaborator.condition(item.condition) for item in items if isinstance(item, ast.Require))
    holes_of = _single(items, ast.Prompt, "prompt", where, span, report)
    output_of = _single(items, ast.OutputType, "output", where, span, report)
    if not inputs and not is_broken(items, "input"):
        report.add("E0204", f"{where} has no input", span, help="for example `input price: decimal(2) in 0.01 .. 9.99`")
    templates, which = _prompt(holes_of, elaborator) if holes_of is not None else ([()], None)
    output = _output(output_of, spans, elaborator) if output_of is not None else Output("", Words(()), span)
    doc = next((item.text for item in items if isinstance(item, ast.Doc)), "")
    parts = (tuple(inputs), tuple(lets), requires, templates[0])
    task = Task(name, doc, *parts, output, span, tuple(templates[1:]), which)
    domain = Domain(
        [(item.name, item.type, item.low, item.high) for item in inputs],
        [(let.name, let.value) for let in lets],
        requires,
    )
    types = {key: core.type for key, core in scope.items()}
    sound = report.errors == errors and not broken and not any(hole.value.type == Unknown() for hole in task.holes)
    checked = CheckedTask(task, scope, Witnesses(domain, types), world, sound)
    if sound:
        wholes = [
            *(let.value for let in lets),
            *(hole.value for hole in task.holes),
            *([which] if which else []),
        ]
        defined_everywhere(world.take_partial(), wholes, domain, {}, checked.witnesses, report)
        _satisfiable(checked, report)
        _hole_text(task, report)
    return replace(checked, sound=sound and report.errors == errors)


def _input(
    item: ast.Input, scope: dict[str, Core], spans: dict[str, Span], report: Report, where: str, world: World
) -> Input:
    before = Elaborator(scope, report, f"{where}, before `{item.name.text}`", world)
    type_, low, high, ranged = type_of(before, item.type)
    if not ranged:
        report.add("E0305", f"input `{item.name.text}` has no range", item.type.span,
                   help="an input is drawn from its domain: write `in 0.00 .. 9.99`")  # fmt: skip
        type_ = Unknown()
    define(scope, spans, item.name, type_, report)
    return Input(item.name.text, type_, low, high, item.name.span)


def _lets(
    items: list[ast.Let], scope: dict[str, Core], spans: dict[str, Span], report: Report, where: str, world: World
) -> list[Let]:
    written: dict[str, ast.Let] = {}
    lets: dict[str, Let] = {}
    for item in items:
        if item.name.text not in spans:
            written[item.name.text] = item
        define({}, spans, item.name, Unknown(), report)
    for name in causal_order({key: item.value for key, item in written.items()}, report, where):
        item = written[name]
        core = Elaborator(scope, report, where, world).core(item.value)
        scope[name] = Reference(name, core.type, item.name.span)
        lets[name] = Let(name, core, item.name.span)
    return list(lets.values())


_Item = TypeVar("_Item", ast.Prompt, ast.OutputType)


def _single(
    items: Sequence[ast.TaskItem],
    kind: type[_Item],
    what: str,
    where: str,
    span: Span,
    report: Report,
) -> _Item | None:
    found = [item for item in items if isinstance(item, kind)]
    if not found:
        if not is_broken(items, what):
            report.add("E0204", f"{where} has no {what}", span, help=_NEEDED[what])
        return None
    for extra in found[1:]:
        report.add("E0202", f"{where} has a second {what}", extra.span, "again here",
                   labels=(Label(found[0].span, "first here"),))  # fmt: skip
    return found[0]


def _prompt(prompt: ast.Prompt, elaborator: Elaborator) -> tuple[list[tuple[str | Hole, ...]], Core | None]:
    """The templates, and which one an input has, where there are several."""
    if not isinstance(prompt.parts, ast.Templates):
        return [_template(prompt.parts, elaborator, 0)], None
    from causalspec.semantics import lists

    arms = prompt.parts.arms
    templates = [_template(arm.parts, elaborator, index) for index, arm in enumerate(arms)]
    conditions = lists.conditions_of(elaborator, prompt.parts.subject, [(arm.patterns, arm.span) for arm in arms])
    if conditions is None:
        return templates, unknown(prompt.span)
    numbers = [arithmetic.constant(index, 0, arm.span) for index, arm in enumerate(arms)]
    return templates, lists.chosen(conditions, numbers, prompt.span)


def _template(
    written: Sequence[ast.Literal | ast.Hole | ast.Broken], elaborator: Elaborator, number: int
) -> tuple[str | Hole, ...]:
    report, parts, seen = elaborator.report, list[str | Hole](), dict[str, Span]()
    for part in written:
        unnamed = f"#{number}.{len(parts)}"
        if isinstance(part, ast.Literal):
            parts.append(part.text)
            continue
        if isinstance(part, ast.Broken):
            parts.append(Hole(unnamed, unknown(part.span), part.span))
            continue
        name = part.name or (part.value if isinstance(part.value, ast.Name) else None)
        core = elaborator.core(part.value)
        if isinstance(core.type, Tuple):
            report.add(
                "E0301",
                "a prompt prints one value in a hole, not several",
                part.span,
                help="name one of them: `{bracket.0 as low}`, `{words[1] as second}`",
            )
        label = name.text if name is not None else unnamed
        if name is not None and label in seen:
            report.add("E0202", f"two holes are named `{label}`", part.span, "again here",
                       labels=(Label(seen[label], "first here"),), help=f"name one: `{{{label} as other}}`")  # fmt: skip
        seen.setdefault(label, part.span)
        parts.append(Hole(label, core, part.span))
    return tuple(parts)


def _output(written: ast.OutputType, spans: dict[str, Span], elaborator: Elaborator) -> Output:
    """The output; without words where its domain is wrong."""
    report, among = elaborator.report, None
    if written.name.text in spans:
        define({}, spans, written.name, Unknown(), report)
    errors, place = report.errors, written.type.span
    example = 'for example `"Yes" | "No"` or `int in 0 .. 9`'
    nothing = Output(written.name.text, Words(()), written.name.span)
    if isinstance(written.type, ast.OneOf):
        among, ranged = elaborator.core(written.type.source), True
        type_ = _item_type(among, elaborator)
    else:
        type_, _, _, ranged = type_of(Elaborator({}, report, "an output", elaborator.world), written.type)
    if report.errors > errors or isinstance(type_, Unknown):
        return nothing
    if isinstance(type_, Number) and not ranged:
        report.add("E0305", f"output `{written.name.text}` has no range", place, help="for example `int in 0 .. 9`")
        return nothing
    if not isinstance(type_, Words | Number | Bool):
        report.add("E0301", "an output is one of some words or numbers", place, "this is neither", help=example)
        return nothing
    count = type_.high - type_.low + 1 if isinstance(type_, Number) else len(values_of(type_))
    if count < 2:
        report.add("E0305", "an output needs at least two words", place, "this is one", help=example)
        return nothing
    if count > MOST_ANSWERS:
        report.add("E0305", f"an output has at most {MOST_ANSWERS:,} values", place, f"these are {count:,}",
                   help="narrow its range")  # fmt: skip
        return nothing
    if isinstance(type_, Words):
        return Output(written.name.text, type_, written.name.span, None, among)
    words = Words(tuple(printed(value, type_) for value in values_of(type_)))
    return Output(written.name.text, words, written.name.span, type_, among)


def _item_type(listed: Core, elaborator: Elaborator) -> Type:
    """What the items of a list are; unknown, told, where it is none."""
    from causalspec.semantics.lists import items_of

    items = items_of(elaborator, listed)
    return Unknown() if items is None else reduce(arithmetic.hull, (item.type for item in items))


def _satisfiable(checked: CheckedTask, report: Report) -> None:
    """E0601 where no input can meet a `require`: by the bounds, or by looking through a small domain."""
    task = checked.task
    empty = empty_range(checked.witnesses.domain) if not task.requires else None
    if empty is not None:
        index, assignment = empty
        where = ", ".join(
            f"{item.name} = {value_text(assignment[item.name], item.type)}" for item in task.inputs[:index]
        )
        report.add("E0603", f"`{task.inputs[index].name}` has no value left for some earlier inputs",
                   task.inputs[index].span, f"its lower end is above its upper end for {where}",
                   help="narrow the earlier inputs' domains, or add a `require` on them that leaves these values out")  # fmt: skip
        return
    for condition in task.requires:
        if arithmetic.truth(condition) is False:
            report.add("E0601", "no input can meet this `require`", condition.span, "false for every assignment",
                       help="widen an input's domain, or change the condition")  # fmt: skip
            return
    if not task.requires or next(checked.witnesses.domain.draws(1), None) is not None:
        return
    if checked.witnesses.all() == []:
        report.add("E0601", "no input can meet these `require`s", task.requires[0].span,
                   f"false for each of the {checked.witnesses.domain.size} assignments")  # fmt: skip


def _hole_text(task: Task, report: Report) -> None:
    """W0602: an input that the prompt does not show, directly or through a value."""
    reach = {let.name: set(references(let.value)) for let in task.lets}
    chosen_by = set(references(task.which)) if task.which is not None else set()
    for template in task.templates:
        shown: set[str] = set()
        frontier = [name for hole in template if isinstance(hole, Hole) for name in references(hole.value)]
        frontier.extend(chosen_by)
        while frontier:
            name = frontier.pop()
            if name not in shown:
                shown.add(name)
                frontier.extend(reach.get(name, ()))
        hidden = [item for item in task.inputs if item.name not in shown]
        for item in hidden:
            what = "the prompt does" if not task.others else "one of the templates does"
            report.add("W0602", f"{what} not show input `{item.name}`", item.span,
                       "the LM cannot know its value")  # fmt: skip
        if hidden:
            return


def replaced(base: ast.Task, variant: ast.Variant, told: Set[str], report: Report) -> tuple[ast.TaskItem, ...]:
    """The items of a task with those of a variant in their place; a name the task lacks, and was not told, is reported."""
    names = {
        item.name.text for item in base.items if isinstance(item, ast.Input | ast.Broken) and item.name is not None
    }
    new_inputs: dict[str, ast.Input] = {}
    for item in variant.items:
        if isinstance(item, ast.Input):
            if item.name.text not in names and item.name.text not in told:
                report_unknown(report, item.name, f"input in task `{base.name.text}`", names)
            elif item.name.text in new_inputs:
                report.add("E0202", f"input `{item.name.text}` is replaced twice", item.span, "again here",
                           labels=(Label(new_inputs[item.name.text].span, "first here"),))  # fmt: skip
            new_inputs.setdefault(item.name.text, item)
        if isinstance(item, ast.Let):
            report.add("E0206", "a variant cannot replace a `let`", item.span, help=_REPLACES)
    if all(isinstance(item, ast.Doc) for item in variant.items):
        report.add("W0201", f"variant `{variant.name.text}` replaces nothing", variant.name.span,
                   f"it is task `{base.name.text}` itself", help=_REPLACES)  # fmt: skip
    kept: list[ast.TaskItem] = []
    replaces = {type(item) for item in variant.items}
    for item in base.items:
        if isinstance(item, ast.Input):
            kept.append(new_inputs.get(item.name.text, item))
        elif type(item) not in replaces or isinstance(item, ast.Let):
            kept.append(item)
    kept.extend(item for item in variant.items if not isinstance(item, ast.Input | ast.Let))
    return tuple(kept)


_REPLACES = "a variant replaces inputs' domains, all of `require`, the prompt, or the output's words"


def same_words(base: Output, variant: Output, report: Report) -> None:
    """A variant's output words stand for the task's by position: as many, and none that changes its place."""
    old, new = base.type.words, variant.type.words
    if not (old and new):
        return
    if len(old) != len(new) or base.name != variant.name:
        report.add("E0206", "a variant's output has the task's name and as many words", variant.span,
                   f"in the task: `{base.name}: {base.type}`")  # fmt: skip
    elif any(a != b and b in old for a, b in zip(old, new, strict=True)):
        pairs = ", ".join(f'"{b}" for "{a}"' for a, b in zip(old, new, strict=True))
        report.add("W0302", "a word of the task stands for another one in this variant", variant.span,
                   f"by position: {pairs}", help=f"in the task's order: {base.type}")  # fmt: skip
