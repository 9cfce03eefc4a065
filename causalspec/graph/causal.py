"""What a drawing of a causal model shows.

In: a checked hypothesis. Out: vertices with what is said of them, and edges from what is read to what reads it.
Invariant: an edge for each name that a mechanism reads; parents stand before children.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalspec.record import record
from causalspec.semantics.core import Core
from causalspec.semantics.hypothesis import Alignment, Hypothesis, Input, LayerRange, Model, Placement
from causalspec.semantics.types import Type, Words, family
from causalspec.syntax.format import one_line


@record
class Mark:
    """Where an alignment looks for a variable."""

    alignment: str
    method: str
    together: tuple[str, ...]  # other variables at the same sites
    site: str
    layers: str
    tokens: str

    @property
    def title(self) -> str:
        return self.alignment + (f" with {', '.join(self.together)}" if self.together else "")

    @property
    def place(self) -> str:
        return f"{self.site}, layers {self.layers} × tokens {self.tokens}"


@record
class Vertex:
    """An input, let, variable or output."""

    name: str
    kind: str  # input, let, variable, output
    type: str  # of a let: empty, nobody wrote it
    mechanism: str  # of an input: empty
    marks: tuple[Mark, ...] = ()
    read: bool = True  # an input that the model does not read is shown, too


@record
class CausalGraph:
    """A causal model as a graph."""

    model: str
    task: str
    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[str, str], ...]

    def parents(self, name: str) -> tuple[str, ...]:
        return tuple(parent for parent, child in self.edges if child == name)


def causal_graph(hypothesis: Hypothesis, name: str) -> CausalGraph:
    """The causal graph of a model, with the placements of all alignments of it."""
    model = hypothesis.models[name]
    task = hypothesis.tasks[model.task]
    used = _ancestors(model, task.output.name)

    def written(core: Core) -> str:
        return one_line(hypothesis.source.slice(core.span))

    marks = _marks(name, hypothesis.alignments)
    vertices = [Vertex(item.name, "input", _domain(item, written(item.low), written(item.high))
                       if item.low and item.high else _kind(item.type), "", read=item.name in used)
                for item in task.inputs]  # fmt: skip
    vertices += [Vertex(item.name, "let", "", written(item.value)) for item in task.lets if item.name in used]
    vertices += [
        Vertex(item.name, "variable", _kind(item.type), written(item.mechanism), marks.get(item.name, ()))
        for item in model.variables
    ]
    vertices.append(Vertex(task.output.name, "output", str(task.output.type), written(model.output)))
    edges = [(parent, item.name) for item in vertices for parent in model.parents.get(item.name, ())]
    return CausalGraph(name, model.task, tuple(vertices), tuple(edges))


def _ancestors(model: Model, output: str) -> set[str]:
    """What the output and the variables are computed from, themselves included."""
    found: set[str] = set()
    rest = [output, *(variable.name for variable in model.variables)]
    while rest:
        name = rest.pop()
        if name not in found:
            found.add(name)
            rest.extend(model.parents.get(name, ()))
    return found


def _kind(type_: Type) -> str:
    return str(type_) if isinstance(type_, Words) else family(type_)


def _domain(item: Input, low: str, high: str) -> str:
    return f"{_kind(item.type)} in {low} .. {high}"


def _marks(model: str, alignments: Mapping[str, Alignment]) -> dict[str, tuple[Mark, ...]]:
    """The marks of each placed variable of a model."""
    found: dict[str, tuple[Mark, ...]] = {}
    for alignment in alignments.values():
        for placement in alignment.placements if alignment.model == model else ():
            for name in placement.variables:
                found[name] = (*found.get(name, ()), _mark(alignment, placement, name))
    return found


def _mark(alignment: Alignment, placement: Placement, name: str) -> Mark:
    together = tuple(other for other in placement.variables if other != name)
    tokens = ", ".join(map(str, placement.tokens))
    return Mark(alignment.name, alignment.method, together, placement.kind, _layers(placement.layers), tokens)


def _layers(ranges: Sequence[LayerRange]) -> str:
    return ", ".join(map(_range, ranges))


def _range(item: LayerRange) -> str:
    if item.high is None:
        return "all" if (item.low, item.step) == (0, 1) else f"{item.low} .. last" + _step(item)
    return str(item.low) if item.low == item.high else f"{item.low} .. {item.high}" + _step(item)


def _step(item: LayerRange) -> str:
    return f" step {item.step}" if item.step != 1 else ""
