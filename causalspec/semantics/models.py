"""Check causal models: variables, mechanisms, the output, and the examples that test them."""

from __future__ import annotations

from collections.abc import Sequence

from causalspec.diagnostics import Report
from causalspec.record import record
from causalspec.semantics.core import Core, NotRepresentable, Reference, evaluate, references
from causalspec.semantics.domains import Obligation, assign, bounded, discharge
from causalspec.semantics.expressions import Elaborator, report_unknown, type_of, unknown
from causalspec.semantics.hypothesis import Model, Variable
from causalspec.semantics.tasks import CheckedTask, bring_broken, causal_order, define
from causalspec.semantics.types import Type, Unknown, Value, value_text
from causalspec.span import Span
from causalspec.syntax import ast

COMPARED = 200  # inputs on which rival models' outputs are compared


def check_model(written: ast.Model, checked: CheckedTask, report: Report) -> Model:
    """A model of a checked task; a missing output is reported, and of unknown type in the result."""
    where = f"model `{written.name.text}`"
    scope = dict(checked.scope)
    spans = {name: core.span for name, core in scope.items()}
    vars_ = [item for item in written.items if isinstance(item, ast.Var)]
    for item in written.items:
        if isinstance(item, ast.Let):
            report.add("E0206", "a `let` belongs in the task", item.span, help="or make it a `var` of the model")
    bring_broken(written.items, scope, spans)
    obligations: list[Obligation] = []
    variables = _variables(vars_, scope, spans, report, where, obligations)
    output = _output(written, checked, scope, report, where, obligations)
    discharge([_grounded(item, variables) for item in obligations], checked.witnesses, report)
    output = output or unknown(written.name.span)
    parents = {variable.name: _parents(variable.mechanism) for variable in variables}
    parents |= {let.name: _parents(let.value) for let in checked.task.lets}
    parents[checked.task.output.name] = _parents(output)
    model = Model(written.name.text, checked.task.name, tuple(variables), output, parents, written.name.span)
    for example in written.items:
        if isinstance(example, ast.Example):
            _example(example, model, checked, report)
    return model


def _parents(core: Core) -> tuple[str, ...]:
    return tuple(dict.fromkeys(references(core)))


def _variables(
    vars_: Sequence[ast.Var],
    scope: dict[str, Core],
    spans: dict[str, Span],
    report: Report,
    where: str,
    obligations: list[Obligation],
) -> list[Variable]:
    written: dict[str, ast.Var] = {}
    for var in vars_:
        define({}, spans, var.name, Unknown(), report)
        written.setdefault(var.name.text, var)
    variables: list[Variable] = []
    order = causal_order({name: var.mechanism for name, var in written.items()}, report, where)
    taken = set(scope)
    for name in written.keys() - taken:
        scope[name] = Reference(name, Unknown(), written[name].name.span)
    for name in order:
        var = written[name]
        elaborator = Elaborator(scope, report, where)
        declared, _, _, ranged = type_of(Elaborator({}, report, f"the range of `{name}`"), var.type)
        found = elaborator.core(var.mechanism)
        type_: Type = declared if ranged else bounded(declared, found.type)
        core = assign(found, type_, name, report, obligations)
        if name not in taken:
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
        core = Elaborator(scope, report, where).core(item.mechanism)
        if not wanted.name:
            continue
        if item.name.text != wanted.name:
            report_unknown(report, item.name, f"output in task `{checked.task.name}`", [wanted.name])
        elif found is not None:
            report.add("E0202", f"{where} has a second mechanism for `{wanted.name}`", item.name.span)
            continue
        found = assign(core, wanted.type, wanted.name, report, obligations)
    if (
        found is None
        and wanted.name
        and not any(isinstance(item, ast.Broken) and item.keyword == "output" for item in written.items)
    ):
        report.add("E0402", f"{where} has no mechanism for the output `{wanted.name}`", written.name.span,
                   help=f"write `output {wanted.name} = …`")  # fmt: skip
    return found


def _grounded(obligation: Obligation, variables: Sequence[Variable]) -> Obligation:
    """The obligation in terms of inputs and lets, so that an assignment of the inputs can witness it."""
    return Obligation(
        substituted(obligation.value, {variable.name: variable.mechanism for variable in variables}),
        obligation.target,
        obligation.name,
        obligation.span,
    )


def substituted(core: Core, mechanisms: dict[str, Core]) -> Core:
    """The expression with each variable replaced by its mechanism."""
    from dataclasses import replace

    from causalspec.semantics.core import Apply

    match core:
        case Reference(name=name) if name in mechanisms:
            return substituted(mechanisms[name], mechanisms)
        case Apply(arguments=arguments):
            return replace(core, arguments=tuple(substituted(item, mechanisms) for item in arguments))
    return core


def run(model: Model, checked: CheckedTask, inputs: dict[str, Value]) -> Value:
    """The model's output on an assignment of the inputs.

    Raises NotRepresentable where a value does not fit its variable, and ZeroDivisionError.
    """
    environment = dict(inputs)
    for let in checked.task.lets:
        environment[let.name] = evaluate(let.value, environment)
    for variable in model.variables:
        environment[variable.name] = evaluate(variable.mechanism, environment)
    return evaluate(model.output, environment)


def _example(written: ast.Example, model: Model, checked: CheckedTask, report: Report) -> None:
    task = checked.task
    inputs: dict[str, Value] = {}
    known = {item.name: item for item in task.inputs}
    before = len(report.items)
    for name, expression in written.bindings:
        if name.text not in known:
            report_unknown(report, name, f"input in task `{task.name}`", known)
            continue
        if name.text in inputs:
            report.add("E0202", f"`{name.text}` is given twice", name.span)
        core = Elaborator({}, report, "an example").core(expression)
        obligations: list[Obligation] = []
        core = assign(core, known[name.text].type, name.text, report, obligations)
        if obligations:
            report.add("E0309", f"`{name.text}` is {known[name.text].type}", expression.span, "this value is not in it")
        if len(report.items) == before:
            inputs[name.text] = evaluate(core, {})
    missing = [name for name in known if name not in {binding.text for binding, _ in written.bindings}]
    if missing:
        report.add("E0309", f"this example gives no value of `{'`, `'.join(missing)}`", written.span)
    expected = Elaborator({}, report, "an example").core(written.expected)
    assign(expected, task.output.type, task.output.name, report, [])
    if report.failed or len(report.items) > before:
        return
    _compare(written, model, checked, inputs, evaluate(expected, {}), report)


def _compare(
    written: ast.Example, model: Model, checked: CheckedTask, inputs: dict[str, Value], expected: Value, report: Report
) -> None:
    for item in checked.task.inputs:
        for bound, wrong in ((item.low, int.__lt__), (item.high, int.__gt__)):
            value, limit = inputs[item.name], None if bound is None else evaluate(bound, inputs)
            if isinstance(value, int) and isinstance(limit, int) and wrong(value, limit):
                report.add("E0309", f"`{item.name} = {value_text(value, item.type)}` is outside its domain", written.span,
                           f"the bound here is {value_text(limit, item.type)}")  # fmt: skip
                return
    try:
        found = run(model, checked, inputs)
    except (NotRepresentable, ZeroDivisionError):
        return
    if found != expected:
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
    for model in models[1:]:
        found = _disagreement(models[0], model, checked)
        if found is not None:
            report.add(
                "W0401",
                f"`{model.name}` and `{models[0].name}` differ without any intervention",
                model.span,
                f"{found.right} instead of {found.left} for {found.assignment}",
                help=f"accuracy on the task follows the first model, `{models[0].name}`",
            )


def _disagreement(left: Model, right: Model, checked: CheckedTask) -> Disagreement | None:
    type_ = checked.task.output.type
    for index, assignment in enumerate(checked.witnesses.few()):
        if index == COMPARED:
            break
        inputs = {item.name: assignment[item.name] for item in checked.task.inputs}
        try:
            a, b = run(left, checked, inputs), run(right, checked, inputs)
        except (NotRepresentable, ZeroDivisionError):
            continue
        if a != b:
            where = ", ".join(
                f"{item.name} = {value_text(inputs[item.name], item.type)}" for item in checked.task.inputs
            )
            return Disagreement(where, value_text(a, type_), value_text(b, type_))
    return None
