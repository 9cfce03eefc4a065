"""The compiled experiment: what will run, before it runs.

In: a checked `Hypothesis`, an experiment, an LM's shape. Out: a `Plan`, which is JSON and alone repeats the run.
Invariant: a plan depends on the spec, the options and the LM's configuration only; equal plans draw equal data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, combinations
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.hypothesis import Experiment, Hypothesis, LayerRange, Placement
from causalspec_runtime.errors import SpecError

SCHEMA: Literal["causalspec.plan/1"] = "causalspec.plan/1"
PAIRS_ABOVE = 4  # variables at one site above which only singles, pairs and the whole are swapped


class Record(BaseModel):
    """A frozen part of a plan; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SpecRecord(Record):
    """The text that the plan was compiled from, and those of the files that it names; `sha256` is of all of them."""

    name: str
    sha256: str
    text: str
    files: dict[str, str] = Field(default_factory=dict)


class LmRecord(Record):
    """Which LM, as named; `layers` and `width` are its shape."""

    kind: Literal["embedded", "hub", "path"]
    reference: str
    revision: str | None
    dtype: str | None
    chat: bool
    layers: int
    width: int


class SiteRecord(Record):
    """An activation of the LM: `layer` is a 0-based block, `token` as written in the spec."""

    kind: str
    layer: int
    token: str


class AlignmentRecord(Record):
    """One placement: variables that are swapped at one of several sites."""

    name: str
    alignment: str
    placement: int
    task: str
    model: str
    variables: tuple[str, ...]
    method: str
    sites: tuple[SiteRecord, ...]
    subsets: tuple[tuple[str, ...], ...]
    balance: tuple[str, ...] = Field(description="whose values tuples have equally often, besides outputs")


class TrainingRecord(Record):
    """How maps are trained; rates per step, temperatures of the mask.

    `temperature_start` null is 10, or .15 of a variable's columns where they are few.
    """

    epochs: int
    batch: int
    rotation_rate: float
    boundary_rate: float
    temperature_start: float | None
    temperature_end: float
    patience: int


class Plan(Record):
    """Everything a run needs to know."""

    schema_: Literal["causalspec.plan/1"] = Field(SCHEMA, alias="schema")
    spec: SpecRecord
    experiment: str
    lm: LmRecord
    alignments: tuple[AlignmentRecord, ...]
    train: int
    validation: int
    test: int
    look: int = Field(description="which draw of test tuples, from 0; looks of otherwise equal plans share no prompt")
    seeds: tuple[int, ...]
    controls: tuple[str, ...]
    transfer: tuple[str, ...]
    training: TrainingRecord

    @property
    def cells(self) -> int:
        """How many cells are trained, controls apart."""
        return len(self.seeds) * sum(len(alignment.sites) for alignment in self.alignments)


@dataclass(frozen=True, slots=True)
class LmShape:
    """Which LM was chosen, with what its configuration says."""

    kind: Literal["embedded", "hub", "path"]
    reference: str
    revision: str | None
    dtype: str | None
    chat: bool
    layers: int
    width: int


def make_plan(hypothesis: Hypothesis, experiment: Experiment, lm: LmShape, look: int = 0) -> Plan:
    """The plan of an experiment.

    Raises SpecError (E0506) where a layer is not in the LM.
    """
    text = hypothesis.source.text
    alignments = [
        _alignment(hypothesis, name, index, lm.layers)
        for name in experiment.alignments
        for index in range(len(hypothesis.alignments[name].placements))
    ]
    return Plan(
        schema=SCHEMA,
        spec=SpecRecord(
            name=hypothesis.source.name.replace("\\", "/").rsplit("/", 1)[-1],
            sha256=_digest(text, hypothesis.files),
            text=text,
            files=dict(hypothesis.files),
        ),
        experiment=experiment.name,
        lm=LmRecord(**asdict(lm)),
        alignments=tuple(alignments),
        train=experiment.train,
        validation=experiment.validation,
        test=experiment.test,
        look=look,
        seeds=experiment.seeds,
        controls=experiment.controls,
        transfer=experiment.transfer,
        training=TrainingRecord(**asdict(experiment.training)),
    )


def _digest(text: str, files: Mapping[str, str]) -> str:
    """SHA-256 of the spec, and of each file's name and text where it names files."""
    parts = [text, *(part for name in sorted(files) for part in (name, files[name]))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _alignment(hypothesis: Hypothesis, name: str, index: int, n_layers: int) -> AlignmentRecord:
    alignment = hypothesis.alignments[name]
    placement = alignment.placements[index]
    alone = len(alignment.placements) == 1
    model = hypothesis.models[alignment.model]
    return AlignmentRecord(
        name=name if alone else f"{name}.{'+'.join(placement.variables)}",
        alignment=name,
        placement=index,
        task=model.task,
        model=model.name,
        variables=placement.variables,
        method=alignment.method,
        sites=sites(placement, n_layers),
        subsets=subsets(placement.variables),
        balance=alignment.balance,
    )


def sites(placement: Placement, n_layers: int) -> tuple[SiteRecord, ...]:
    """The grid of a placement, layer by layer.

    Raises SpecError (E0506).
    """
    layers = sorted(set(chain.from_iterable(_layers(item, n_layers) for item in placement.layers)))
    return tuple(
        SiteRecord(kind=placement.kind, layer=layer, token=str(token)) for layer in layers for token in placement.tokens
    )


def _layers(written: LayerRange, n_layers: int) -> range:
    high = n_layers - 1 if written.high is None else written.high
    if high >= n_layers:
        raise SpecError(
            Diagnostic(
                "E0506",
                f"the LM has no layer {high}",
                written.span,
                f"its {n_layers} layers are 0 to {n_layers - 1}",
                help="write `all` for every layer",
            )
        )
    return range(written.low, high + 1, written.step)


def subsets(variables: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Which variables are swapped together: every non-empty subset, above four singles, pairs and the whole."""
    sizes = range(1, len(variables) + 1) if len(variables) <= PAIRS_ABOVE else (1, 2, len(variables))
    return tuple(chain.from_iterable(combinations(variables, size) for size in sizes))
