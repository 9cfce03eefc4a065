"""A checked spec: every name resolved, every expression typed, every default filled in.

This is what the language hands to the runtime. Invariant: a `Hypothesis` exists only for a spec without errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from causalspec.record import record
from causalspec.semantics.claims import Formula
from causalspec.semantics.core import Apply, Core, Operation
from causalspec.semantics.types import Type, Words, values_of
from causalspec.span import Source, Span

if TYPE_CHECKING:
    import networkx


@record
class Input:
    """An input and its domain; `low` and `high` may depend on earlier inputs, None for bool and words."""

    name: str
    type: Type
    low: Core | None
    high: Core | None
    span: Span


@record
class Let:
    """A value of the task that every model may read."""

    name: str
    value: Core
    span: Span


@record
class Hole:
    """A part of the prompt that prints a value and names the span of text it fills."""

    name: str
    value: Core
    span: Span


@record
class Output:
    """The task's output; the LM's answers are its words.

    Where mechanisms give a number or a bool, `value` is its type, and the words are its values as they are printed.
    `among` is the list that an input's answer is one of, where the task names one.
    """

    name: str
    type: Words
    span: Span
    value: Type | None = None
    among: Core | None = None

    def said(self, core: Core) -> Core:
        """A mechanism's value as the word that is printed for it."""
        if self.value is None:
            return core
        table = tuple(zip(values_of(self.value), self.type.words, strict=True))
        return Apply(Operation.LOOKUP, (core,), self.type, core.span, table=table)


@record
class Task:
    """A task, or a variant of one. `prompt` alternates text and holes as written.

    A task with several templates has `others`, and `which` gives the number of an input's: 0 is `prompt`.
    """

    name: str
    doc: str
    inputs: tuple[Input, ...]
    lets: tuple[Let, ...]  # in an order in which each reads earlier ones only
    requires: tuple[Core, ...]
    prompt: tuple[str | Hole, ...]
    output: Output
    span: Span
    others: tuple[tuple[str | Hole, ...], ...] = ()
    which: Core | None = None

    @property
    def templates(self) -> tuple[tuple[str | Hole, ...], ...]:
        return (self.prompt, *self.others)

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for template in self.templates for part in template if isinstance(part, Hole))


@record
class Variable:
    """A variable of a causal model with its mechanism."""

    name: str
    type: Type
    mechanism: Core
    span: Span


@record
class Model:
    """A causal model; `variables` are in causal order, the output last and apart."""

    name: str
    task: str
    variables: tuple[Variable, ...]
    output: Core
    parents: Mapping[str, tuple[str, ...]]  # of each variable, of the output, and of each let and input used
    span: Span

    def variable(self, name: str) -> Variable:
        return next(variable for variable in self.variables if variable.name == name)

    def graph(self) -> networkx.DiGraph[str]:
        """The causal graph: an edge from each parent to what reads it."""
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        graph.add_nodes_from(self.parents)
        graph.add_edges_from((parent, child) for child, parents in self.parents.items() for parent in parents)
        return graph


LmKind = Literal["embedded", "hub", "path"]


@record
class LanguageModel:
    """Which LM: the name of an embedded one, of one on the hub, or a local folder."""

    name: str
    kind: LmKind
    reference: str
    revision: str | None
    dtype: str | None
    chat: bool
    span: Span


@record
class TokenPlace:
    """A token named through the prompt: the `hole`'s first (0), last (-1) or n-th token; hole None: of the prompt."""

    hole: str | None
    index: int
    span: Span

    def __str__(self) -> str:
        place = {0: ".first", -1: ".last"}.get(self.index, f"[{self.index}]")
        return "last" if self.hole is None and self.index == -1 else f"{self.hole}{place}"


@record
class LayerRange:
    """0-based blocks, both ends included; `high` None: to the last block."""

    low: int
    high: int | None
    step: int
    span: Span


@record
class Placement:
    """`place … on residual(layers, tokens)`: alternatives, each (layer, token) a site of its own."""

    variables: tuple[str, ...]
    kind: str
    layers: tuple[LayerRange, ...]
    tokens: tuple[TokenPlace, ...]
    span: Span


@record
class Alignment:
    """Which variables of which model at which sites, by which method."""

    name: str
    model: str
    placements: tuple[Placement, ...]
    method: str
    options: Mapping[str, int | str]
    span: Span
    balance: tuple[str, ...] = ()  # variables, inputs and lets whose values tuples have equally often


@record
class Variant:
    """A task with parts replaced."""

    name: str
    task: Task
    base: str
    models: Mapping[str, Model]  # the task's models over the variant's inputs


@record
class Training:
    """How the map is trained; a `temperature_start` of None is the method's own, fitted to its columns."""

    epochs: int = 3
    batch: int = 64
    rotation_rate: float = 3e-3
    boundary_rate: float = 1e-2
    temperature_start: float | None = None
    temperature_end: float = 0.1
    patience: int = 3


@record
class Experiment:
    """What to run, on which LM, with how much data."""

    name: str
    lm: str
    alignments: tuple[str, ...]
    train: int
    validation: int
    test: int  # tuples a subset
    seeds: tuple[int, ...]
    controls: tuple[str, ...]
    transfer: tuple[str, ...]
    training: Training
    span: Span


@record
class Claim:
    """What would count as success."""

    title: str
    text: str
    formula: Formula
    span: Span


@record
class Hypothesis:
    """A whole checked file."""

    source: Source
    tasks: Mapping[str, Task]
    models: Mapping[str, Model]
    lms: Mapping[str, LanguageModel]
    alignments: Mapping[str, Alignment]
    variants: Mapping[str, Variant]
    experiments: Mapping[str, Experiment]
    claims: tuple[Claim, ...]
    files: Mapping[str, str]  # the texts of the files that the spec names, by path

    def task_of(self, alignment: str) -> Task:
        return self.tasks[self.models[self.alignments[alignment].model].task]
