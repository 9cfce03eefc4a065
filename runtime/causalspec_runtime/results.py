"""What a run found: the schema of `results.json`.

Invariant: every figure is measured or computed in this run; nothing depends on the clock, so that equal runs give equal
files. All intervals are 95 %, given as [low, high]. A number that could not be measured is null, never a guess.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from causalspec_runtime.plan import Record

SCHEMA: Literal["causalspec.results/1"] = "causalspec.results/1"
Interval = tuple[float, float]
Status = Literal["trained", "settled", "collapsed", "diverged"]
Verdict = Literal["supported", "refuted", "undecided"]


class SpecResult(Record):
    """The file that was run."""

    name: str
    sha256: str
    experiment: str


class LmResult(Record):
    """The LM that was run; `digest` is of its configuration, weights and tokenizer."""

    kind: str
    reference: str
    revision: str | None
    architecture: str
    layers: int
    width: int
    parameters: int
    dtype: str
    device: str
    digest: str
    prompt_tokens: tuple[str, ...] = Field(description="the first prompt of the first alignment, token by token")


class TaskResult(Record):
    """How well the LM does a task, on prompts drawn naturally; labels by the task's first model."""

    name: str
    accuracy: float
    ci: Interval
    n: int
    majority: float = Field(description="share of the most frequent label among the same prompts")
    per_model: dict[str, float] = Field(description="accuracy by each model's labels")


class FloorsResult(Record):
    """Chance levels from the causal models alone (meaning: docs/results.md)."""

    no_op: float
    full_swap: float
    majority: float
    answer_only: float


class RivalResult(Record):
    """The best agreement of another model's counterfactual output with the labels."""

    model: str
    agreement: float
    assignment: dict[str, str] = Field(description="where each variable of the rival is taken from: base or a source")


class StratumResult(Record):
    """One balanced cell of (base output, source outputs, label), and of what else the alignment balances."""

    base: str
    sources: tuple[str, ...]
    label: str
    balanced: tuple[str, ...] = Field(description="`name = value on the base, on each source`")
    n: int
    natural_share: float


class SubsetPlanResult(Record):
    """A set of variables that is swapped together, with its own test tuples."""

    variables: tuple[str, ...]
    n: int
    floors: FloorsResult
    expected_if_true: float
    rivals: tuple[RivalResult, ...]
    strata: tuple[StratumResult, ...]
    impossible: tuple[str, ...] = Field(description="cells that no tuple can have")
    not_hit: tuple[str, ...] = Field(description="cells that none of 10^6 draws had")


class SubsetResult(Record):
    """A cell's test IIA on the tuples of one subset of variables."""

    variables: tuple[str, ...]
    iia_test: float
    ci: Interval
    gain: float
    iia_among_answers: float
    iia_natural: float
    no_op: float = Field(description="IIA when nothing is swapped: the LM's own answers on the bases")
    whole_vector: float | None = Field(
        description="IIA when everything at the site is swapped; null for several sources"
    )
    strata: tuple[float | None, ...] = Field(description="IIA per stratum, in the order of the alignment's subset")


class CellResult(Record):
    """One (site, seed): trained on the training tuples, chosen on validation, reported on test."""

    site: str
    layer: int
    token: str
    seed: int
    status: Status
    iia_validation: float
    iia_test: float
    ci: Interval
    gain: float
    iia_among_answers: float
    width: int = Field(description="coordinates swapped, over all variables")
    widths: dict[str, int]
    steps: int
    subsets: tuple[SubsetResult, ...]
    map: str | None = Field(description="the learned rotation, a safetensors file beside results.json")


class RandomRotationResult(Record):
    """Random rotations of the chosen cell's widths, at the chosen site."""

    draws: int
    mean: float
    most: float
    iia: tuple[float, ...]
    ci: Interval = Field(description="of the draw with the most")
    principal_directions: float = Field(description="IIA of as many principal directions of the differences")


class RandomWeightsResult(Record):
    """The same search on the same architecture with fresh weights."""

    cells: tuple[CellResult, ...]
    best: int
    iia_test: float
    iia_among_answers: float
    ci: Interval = Field(description="of iia_among_answers")


class ControlsResult(Record):
    """What each control scored; null where the experiment does not ask for it."""

    random_weights: RandomWeightsResult | None
    random_rotation: RandomRotationResult | None


class TransferResult(Record):
    """The frozen best cell on a variant of the task."""

    variant: str
    accuracy: float
    iia_test: float
    ci: Interval
    gain: float
    floors: FloorsResult
    subsets: tuple[SubsetResult, ...]


class PositiveControlResult(Record):
    """Whether the method finds the output at the last layer's last token, where it must be."""

    iia_test: float
    whole_vector: float
    passed: bool


class SeedsResult(Record):
    """Test IIA over the seeds at the site of the best cell."""

    n: int
    least: float
    median: float
    most: float


class AlignmentResult(Record):
    """One placement of an alignment over its grid of sites."""

    name: str
    model: str
    variables: tuple[str, ...]
    method: str
    floors: FloorsResult = Field(description="of the subset with the highest answer_only")
    expected_if_true: float = Field(description="the least over subsets")
    rivals: tuple[RivalResult, ...] = Field(description="of the first subset; each subset has its own")
    subsets: tuple[SubsetPlanResult, ...]
    cells: tuple[CellResult, ...]
    best: int = Field(description="index into cells, chosen on validation")
    seeds: SeedsResult
    block_by_variable: dict[str, dict[str, float]] | None = Field(
        description="joint alignments: IIA of swapping one variable's block, scored by another variable's labels"
    )
    controls: ControlsResult
    transfer: tuple[TransferResult, ...]
    positive_control: PositiveControlResult


class TermResult(Record):
    """A score inside a claim, with its place in the text."""

    text: str
    value: float
    ci: Interval
    n: int | None = Field(description="test tuples behind it, the effective number; null for what is exact, as a width")


class ClaimResult(Record):
    """A claim and its verdict. `value` is left minus right of its (deciding) comparison, or left where right is a number."""

    title: str
    text: str
    verdict: Verdict
    value: float
    ci: Interval
    post_hoc: bool = Field(description="whether it came after this folder's first look at test tuples")
    terms: tuple[TermResult, ...]
    notes: tuple[str, ...]
    p: float = Field(description="the least error level at which the verdict stands; 1 for undecided at every level")
    holm: Verdict = Field(description="the verdict that stands when every claim of the file is counted (Holm 1979)")


class Results(Record):
    """The whole of `results.json`."""

    schema_: Literal["causalspec.results/1"] = Field(SCHEMA, alias="schema")
    spec: SpecResult
    lm: LmResult
    task_accuracy: float = Field(description="of the first alignment's task")
    tasks: tuple[TaskResult, ...]
    alignments: tuple[AlignmentResult, ...]
    claims: tuple[ClaimResult, ...]
    not_asked: tuple[str, ...] = Field(description="titles of the file's claims that this experiment does not answer")
    versions: dict[str, str]


def to_json(results: Record) -> str:
    """Stable JSON text; NaN and infinities are refused."""
    document = results.model_dump(mode="json", by_alias=True)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
