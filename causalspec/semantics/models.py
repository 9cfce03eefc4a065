"""Check causal models: variables, mechanisms, the output, and the examples that test them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalspec.diagnostics import Label, Report
from causalspec.record import record
from causalspec.semantics.arithmetic import tuple_of
from causalspec.semantics.core import Apply, Core, NotRepresentable, Reference, evaluate, references
from causalspec.semantics.domains import (
    Obligation,
    affordable,
    assign,
    bounded,
    defined_everywhere,
    discharge,
    substituted,
)
from causalspec.semantics.expressions import Elaborator, defined, report_unknown, type_of, unknown
from causalspec.semantics.hypothesis import Model, Task, Variable
from causalspec.semantics.tasks import CheckedTask, bring_broken, causal_order, define, is_broken
from causalspec.semantics.types import Type, Unknown, Value, value_text
from causalspec.span import Span
from causalspec.syntax import ast

COMPARED = 200  # inputs on which rival models' outputs are compared


@record
class CheckedModel:
    """A model with what checking its alignments needs."""

    model: Model
    doubtful: frozenset[str]  # names that were reported as wrong: what places them is not told again
    sound: bool  # without errors: only then can it be computed with


def check_model(written: ast.Model, checked: CheckedTask, report: Report) -> CheckedModel:
    """A model of a checked task; a missing output is reported, and of unknown type in the result."""
    where, errors = f"model `{written.name.text}`", report.errors
    scope = dict(checked.scope)
    spans = {name: core.span for name, core in defined(scope).items()}
    vars_ = [item for item in written.items if isinstance(item, ast.Var)]
    for item in written.items:
        if isinstance(item, ast.Let):
            report.add("E0206", "a `let` belongs in the task", item.span, help="or make it a `var` of the model")
    broken = bring_broken(written.items, scope, spans)
    obligations: list[Obligation] = []
    variables = _variables(vars_, checked, scope, spans, report, where, obligations)
    output = _output(written, checked, scope, report, where, obligations)
    grounded = [_grounded(item, variables) for item in obligations]
    discharge([item for item in grounded if item is not None], checked.witnesses, report)
    output = output or unknown(written.name.span)
    mechanisms = {variable.name: variable.mechanism for variable in variables}
    partial = checked.world.take_partial()
    if checked.sound and report.errors == errors:
        wholes = [*mechanisms.values(), output]
        defined_everywhere(partial, wholes, checked.witnesses.domain, mechanisms, checked.witnesses, report)
        if checked.task.output.among is not None:
            _one_of(output, checked, mechanisms, report)
    parents = {variable.name: _parents(variable.mechanism) for variable in variables}
    parents |= {let.name: _parents(let.value) for let in checked.task.lets}
    parents[checked.task.output.name] = _parents(output)
    model = Model(written.name.text, checked.task.name, tuple(variables), output, parents, written.name.span)
    sound = checked.sound and report.errors == errors and not broken
    for example in written.items:
        if isinstance(example, ast.Example):
            _example(example, model, checked, sound, report)
    doubtful = frozenset(name for name, core in scope.items() if isinstance(core.type, Unknown))
    return CheckedModel(model, doubtful, sound)


def _parents(core: Core) -> tuple[str, ...]:
    return tuple(dict.fromkeys(references(core)))


def _variables(
    vars_: Sequence[ast.Var],
    checked: CheckedTask,
    scope: dict[str, Core],
    spans: dict[str, Span],
    report: Report,
    where: str,
    obligations: list[Obligation],
) -> list[Variable]:
    written: dict[str, ast.Var] = {}
    for var in vars_:
        name, kind = var.name.text, checked.kind_of(var.name.text)
        if kind is not None:
            first = checked.task.output.span if kind == "the output" else spans[name]
            report.add("E0202", f"`{name}` is already {kind} of task `{checked.task.name}`", var.name.span,
                       "a variable needs a name of its own", labels=(Label(first, "defined here"),))  # fmt: skip
        else:
            define({}, spans, var.name, Unknown(), report)
            written.setdefault(name, var)
        scope[name] = Reference(name, Unknown(), var.name.span)
    variables: list[Variable] = []
    for name in causal_order({name: var.mechanism for name, var in written.items()}, report, where):
        var = written[name]
        elaborator = Elaborator(scope, report, where, checked.world)
        declared, _, _, ranged = type_of(Elaborator({}, report, f"the range of `{name}`", checked.world), var.type)
        found = elaborator.core(var.mechanism)
        type_: Type = declared if ranged else bounded(declared, found.type)
        core = assign(found, type_, name, report, obligations)
        scope[name] = Reference(name, type_, var.name.span)
        variables.append(Variable(name, type_, core, var.name.span))
    return variables


def _output(
    written: ast.Model,
    checked: CheckedTask,
    scope: dict[str, Core],
    report: Report,
    where: str,
    obligations: list[Obligation],
) -> Core | None:
    wanted = checked.task.output
    outputs = [item for item in written.items if isinstance(item, ast.OutputMechanism)]
    found: Core | None = None
    for item in outputs:
        core = Elaborator(scope, report, where, checked.world, wanted.type.words).core(item.mechanism)
        if not wanted.name:
            continue
        if item.name.text != wanted.name:
            report_unknown(report, item.name, f"output in task `{checked.task.name}`", [wanted.name])
        elif found is not None:
            report.add("E0202", f"{where} has a second mechanism for `{wanted.name}`", item.name.span)
            continue
        found = assign(core, checked.answers, wanted.name, report, obligations)
        if not isinstance(found.type, Unknown) and not isinstance(checked.answers, Unknown):
            found = wanted.said(found)
    if found is None and wanted.name and not is_broken(written.items, "output"):
        report.add("E0402", f"{where} has no mechanism for the output `{wanted.name}`", written.name.span,
                   help=f"write `output {wanted.name} = …`")  # fmt: skip
    return found


def _one_of(output: Core, checked: CheckedTask, mechanisms: dict[str, Core], report: Report) -> None:
    """E0308 where an input is known whose answer is not in the task's list."""
    wanted = checked.task.output
    assert wanted.among is not None
    found = output.arguments[0] if wanted.value is not None and isinstance(output, Apply) else output
    core = substituted(found, mechanisms)
    if core is None:
        return
    for assignment in checked.witnesses.up_to(affordable(core))[0]:
        try:
            value, allowed = evaluate(core, assignment), evaluate(wanted.among, assignment)
        except (NotRepresentable, ZeroDivisionError):
            continue
        assert isinstance(allowed, tuple)
        if value not in allowed:
            said = value_text(value, found.type)
            report.add("E0308", f"`{wanted.name}` need not be one of the task's list", found.span,
                       f"{said} for {checked.witnesses.text(assignment, tuple_of((core, wanted.among), core.span))}",
                       labels=(Label(wanted.among.span, "this list"),))  # fmt: skip
            return


def _grounded(obligation: Obligation, variables: Sequence[Variable]) -> Obligation | None:
    """The obligation in terms of inputs and lets, so that an assignment of the inputs can witness it.

    None where that is too long to write out: a run tells of it.
    """
    value = substituted(obligation.value, {variable.name: variable.mechanism for variable in variables})
    return None if value is None else Obligation(value, obligation.target, obligation.name, obligation.span)


def with_lets(checked: CheckedTask, inputs: dict[str, Value]) -> dict[str, Value]:
    """An assignment of the inputs with the task's `let` values."""
    environment = dict(inputs)
    for let in checked.task.lets:
        environment[let.name] = evaluate(let.value, environment)
    return environment


def run(model: Model, assignment: Mapping[str, Value]) -> Value | None:
    """The model's output on an assignment of the inputs and lets; None where a value does not fit its variable."""
    environment = dict(assignment)
    try:
        for variable in model.variables:
            environment[variable.name] = evaluate(variable.mechanism, environment)
        return evaluate(model.output, environment)
    except (NotRepresentable, ZeroDivisionError):
        return None


def _example(written: ast.Example, model: Model, checked: CheckedTask, sound: bool, report: Report) -> None:
    """An example gives every input a value of its domain; that of a sound model is computed."""
    task, before, given = checked.task, len(report.items), dict[str, ast.Name]()
    inputs: dict[str, Value] = {}
    known, whole = {item.name: item for item in task.inputs}, True
    for name, expression in written.bindings:
        if name.text in given:
            report.add("E0202", f"`{name.text}` is given twice", name.span, "again here",
                       labels=(Label(given[name.text].span, "first here"),))  # fmt: skip
            continue
        given[name.text] = name
        if name.text not in known:
            whole = False
            if checked.kind_of(name.text) is not None or name.text not in checked.scope:
                report_unknown(report, name, f"input in task `{task.name}`", known)
            continue
        core = Elaborator({}, report, "an example", checked.world).core(expression)
        obligations: list[Obligation] = []
        core = assign(core, known[name.text].type, name.text, report, obligations)
        if obligations:
            report.add("E0309", f"`{name.text}` is {known[name.text].type}", expression.span, "this value is not in it")
        if len(report.items) == before:
            inputs[name.text] = evaluate(core, {})
    missing = [name for name in known if name not in given]
    if missing and whole:
        report.add("E0309", f"this example gives no value of `{'`, `'.join(missing)}`", written.span)
    expected = Elaborator({}, report, "an example", checked.world, task.output.type.words).core(written.expected)
    outside: list[Obligation] = []
    expected = assign(expected, checked.answers, task.output.name, report, outside)
    if outside:
        report.add(
            "E0309", f"`{task.output.name}` is {checked.answers}", written.expected.span, "this value is not in it"
        )
    if sound and whole and len(report.items) == before and _possible(written, checked, inputs, report):
        _compare(written, model, checked, inputs, evaluate(task.output.said(expected), {}), report)


def _possible(written: ast.Example, checked: CheckedTask, inputs: dict[str, Value], report: Report) -> bool:
    """Whether an example's inputs can be drawn: in domains that depend on each other, and as every `require` asks."""
    given = {name.text: expression for name, expression in written.bindings}
    for item in checked.task.inputs:
        for bound, wrong in ((item.low, int.__lt__), (item.high, int.__gt__)):
            value, limit = inputs[item.name], None if bound is None else evaluate(bound, inputs)
            if bound is not None and isinstance(value, int) and isinstance(limit, int) and wrong(value, limit):
                report.add("E0309", f"`{item.name} = {value_text(value, item.type)}` is outside its domain",
                           given[item.name].span, f"the bound is {value_text(limit, item.type)} in this example",
                           labels=(Label(bound.span, "this bound"),))  # fmt: skip
                return False
    environment = with_lets(checked, inputs)
    broken = [condition for condition in checked.task.requires if not evaluate(condition, environment)]
    for condition in broken:
        report.add("E0309", "this example is no input of the task: it does not meet a `require`",
                   Span(written.bindings[0][0].span.start, written.bindings[-1][1].span.end),
                   labels=(Label(condition.span, "false in this example"),))  # fmt: skip
    return not broken


def _compare(
    written: ast.Example, model: Model, checked: CheckedTask, inputs: dict[str, Value], expected: Value, report: Report
) -> None:
    found = run(model, with_lets(checked, inputs))
    if found is not None and found != expected:
        type_ = checked.task.output.type
        report.add("E0309", f"this example fails: the model says {value_text(found, type_)}", written.expected.span,
                   f"not {value_text(expected, type_)}")  # fmt: skip


@record
class Disagreement:
    """An input on which two models of a task differ without any intervention."""

    assignment: str
    left: str
    right: str


def warn_disagreements(models: Sequence[Model], checked: CheckedTask, report: Report) -> None:
    """W0401: two models of one task that differ without an intervention; rival hypotheses may, but should know."""
    assignments = checked.witnesses.few()[:COMPARED] if len(models) > 1 else []
    answers = [run(models[0], assignment) for assignment in assignments]
    for model in models[1:]:
        found = _disagreement(model, assignments, answers, checked.task)
        if found is not None:
            report.add(
                "W0401",
                f"`{model.name}` and `{models[0].name}` differ without any intervention",
                model.span,
                f"{found.right} instead of {found.left} for {found.assignment}",
                help=f"accuracy on the task follows the first model, `{models[0].name}`",
            )


def _disagreement(
    model: Model, assignments: Sequence[Mapping[str, Value]], answers: Sequence[Value | None], task: Task
) -> Disagreement | None:
    """Where a model differs from the answers of another one."""
    type_ = task.output.type
    for assignment, answer in zip(assignments, answers, strict=True):
        own = run(model, assignment)
        if answer is not None and own is not None and own != answer:
            given = (f"{item.name} = {value_text(assignment[item.name], item.type)}" for item in task.inputs)
            return Disagreement(", ".join(given), value_text(answer, type_), value_text(own, type_))
    return None
