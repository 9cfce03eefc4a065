"""What a causal model says: values, outputs, and counterfactual outputs under interchange.

In: a checked `Model`, columns of a task's inputs and lets. Out: columns of its variables, codes of its output.
Invariant: labels are computed from the mechanisms and from nothing else. An output's code is its place among the
words of the task's output where `words` comes from `columns.vocabulary` with that task first.
"""

from collections.abc import Iterable, Mapping

from causalspec.semantics.columns import Array, Column
from causalspec.semantics.core import references
from causalspec.semantics.hypothesis import Model, Variable
from causalspec_runtime.counterfactuals.faults import Words, evaluated, inside


def values(model: Model, columns: Mapping[str, Column], words: Words) -> dict[str, Column]:
    """Every variable of the model without an intervention."""
    return _run(model, columns, {}, words, [variable.name for variable in model.variables])


def outputs(model: Model, columns: Mapping[str, Column], words: Words) -> Array:
    """The model's output without an intervention, as codes."""
    return counterfactual(model, columns, {}, words)


def counterfactual(model: Model, base: Mapping[str, Column], held: Mapping[str, Column], words: Words) -> Array:
    """The model's output on `base` with each variable of `held` kept at its column and everything else recomputed."""
    environment = {**base, **_run(model, base, held, words, references(model.output))}
    column = evaluated(model.output, environment, words, "the output")
    assert not isinstance(column, tuple)
    return column


def interchange(
    model: Model, base: Mapping[str, Column], sources: Mapping[str, Mapping[str, Column]], words: Words
) -> Array:
    """The counterfactual output: each variable V of `sources` is held at its value on `sources[V]`.

    The value on a source is V's value without an intervention there (meaning.md, Interchange).
    """
    held = {name: _run(model, source, {}, words, [name])[name] for name, source in sources.items()}
    return counterfactual(model, base, held, words)


def value_of(model: Model, name: str, columns: Mapping[str, Column], words: Words) -> Column:
    """One variable without an intervention."""
    return _run(model, columns, {}, words, [name])[name]


def _run(
    model: Model, columns: Mapping[str, Column], held: Mapping[str, Column], words: Words, wanted: Iterable[str]
) -> dict[str, Column]:
    """The variables that `wanted` depends on, held ones as given."""
    found: dict[str, Column] = {}
    for variable in _needed(model, held, wanted):
        if variable.name in held:
            found[variable.name] = held[variable.name]
            continue
        environment = {**columns, **found}
        column = evaluated(variable.mechanism, environment, words, variable.name)
        found[variable.name] = inside(column, variable.type, variable.mechanism, environment, words, variable.name)
    return found


def _needed(model: Model, held: Mapping[str, Column], wanted: Iterable[str]) -> list[Variable]:
    """In causal order: `wanted` and its ancestors, not looking behind held variables."""
    names = set(wanted)
    needed: list[Variable] = []
    for variable in reversed(model.variables):
        if variable.name in names:
            needed.append(variable)
            if variable.name not in held:
                names.update(references(variable.mechanism))
    return needed[::-1]
