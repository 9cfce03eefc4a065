"""Put what was measured into the form of `results.json`.

In: `Measured` and the claims. Out: `Results`. Invariant: figures are copied, never computed anew from rounded ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

from causalspec import __version__
from causalspec.semantics.hypothesis import Hypothesis
from causalspec_runtime.chance import Floors, Rival, expected_if_true
from causalspec_runtime.claims import judge
from causalspec_runtime.dataset import TestSet
from causalspec_runtime.language_model.load import FrozenLm
from causalspec_runtime.pipeline import Accuracy, Measured
from causalspec_runtime.plan import Plan
from causalspec_runtime.results import (
    AlignmentResult,
    CellResult,
    ClaimResult,
    ControlsResult,
    FloorsResult,
    LmResult,
    PositiveControlResult,
    RandomRotationResult,
    RandomWeightsResult,
    Results,
    RivalResult,
    SeedsResult,
    SpecResult,
    StratumResult,
    SubsetPlanResult,
    SubsetResult,
    TaskResult,
    TransferResult,
)
from causalspec_runtime.scoring import CellAnswers, Outcome, ScoreBoard, Searched
from causalspec_runtime.search import Trained
from causalspec_runtime.shares import iia, iia_natural, iia_per_stratum, median
from causalspec_runtime.statistics import Estimate

FOLDER = "cells"


def results_of(
    plan: Plan, hypothesis: Hypothesis, lm: FrozenLm, measured: Measured, post_hoc: Mapping[str, bool]
) -> Results:
    """The whole answer of a run."""
    tasks = tuple(_task(name, item) for name, item in measured.accuracies.items())
    first = measured.accuracies[plan.alignments[0].task]
    claims = claims_of(hypothesis, measured, post_hoc)
    return Results(
        schema="causalspec.results/1",
        spec=SpecResult(name=plan.spec.name, sha256=plan.spec.sha256, experiment=plan.experiment),
        lm=_lm(plan, lm, measured),
        task_accuracy=first.estimate.value,
        tasks=tasks,
        alignments=tuple(_alignment(outcome) for outcome in measured.outcomes),
        claims=claims,
        not_asked=tuple(claim.title for claim in hypothesis.claims if claim.text not in {one.text for one in claims}),
        versions={"causalspec": __version__} | {name: version(name) for name in ("torch", "transformers")},
    )


def claims_of(hypothesis: Hypothesis, measured: Measured, post_hoc: Mapping[str, bool]) -> tuple[ClaimResult, ...]:
    """Verdicts of the claims that this run's alignments answer; `post_hoc` by a claim's text."""
    board = ScoreBoard({(item.data.record.alignment, item.data.record.placement): item for item in measured.outcomes})
    asked = [claim for claim in hypothesis.claims if board.answers(claim.formula)]
    return judge(asked, hypothesis.source, board, post_hoc=post_hoc, of=len(hypothesis.claims))


def _interval(estimate: Estimate) -> tuple[float, float]:
    return (estimate.low, estimate.high)


def _task(name: str, accuracy: Accuracy) -> TaskResult:
    return TaskResult(
        name=name,
        accuracy=accuracy.estimate.value,
        ci=_interval(accuracy.estimate),
        n=accuracy.n,
        majority=accuracy.majority,
        per_model=dict(accuracy.per_model),
    )


def _lm(plan: Plan, lm: FrozenLm, measured: Measured) -> LmResult:
    reference = Path(plan.lm.reference).name if plan.lm.kind == "path" else plan.lm.reference
    return LmResult(
        kind=plan.lm.kind,
        reference=reference,
        revision=plan.lm.revision,
        architecture=type(lm.model).__name__,
        layers=lm.n_layers,
        width=lm.width,
        parameters=sum(parameter.numel() for parameter in lm.model.parameters()),
        dtype=str(lm.dtype).removeprefix("torch."),
        device=lm.device.type,
        digest=lm.digest,
        prompt_tokens=measured.prompt_tokens,
    )


def _floors(floors: Floors) -> FloorsResult:
    return FloorsResult(
        no_op=floors.no_op, full_swap=floors.full_swap, majority=floors.majority, answer_only=floors.answer_only
    )


def _rivals(rivals: tuple[Rival, ...]) -> tuple[RivalResult, ...]:
    return tuple(
        RivalResult(model=item.model, agreement=item.agreement, assignment=dict(item.assignment)) for item in rivals
    )


def _subset_plan(item: TestSet, all_right: float) -> SubsetPlanResult:
    tuples = item.tuples
    counts = np.bincount(tuples.stratum, minlength=len(tuples.strata))
    return SubsetPlanResult(
        variables=tuples.subset,
        n=len(tuples),
        floors=_floors(item.floors),
        expected_if_true=expected_if_true(all_right, tuples.strata.answers),
        rivals=_rivals(item.rivals),
        strata=tuple(
            StratumResult(
                base=stratum.base,
                sources=stratum.sources,
                label=stratum.label,
                balanced=stratum.balanced,
                n=int(n),
                natural_share=stratum.share,
            )
            for stratum, n in zip(tuples.strata.items, counts, strict=True)
        ),
        impossible=tuples.strata.missing if tuples.strata.exact else (),
        not_hit=() if tuples.strata.exact else tuples.strata.missing,
    )


def _alignment(outcome: Outcome) -> AlignmentResult:
    record, sets = outcome.data.record, outcome.data.test
    subsets = tuple(_subset_plan(item, right) for item, right in zip(sets, outcome.all_right, strict=True))
    highest = max(subsets, key=lambda item: item.floors.answer_only)
    found, whole = outcome.positive
    return AlignmentResult(
        name=record.name,
        model=record.model,
        variables=record.variables,
        method=record.method,
        floors=highest.floors,
        expected_if_true=min(item.expected_if_true for item in subsets),
        rivals=subsets[0].rivals,
        subsets=subsets,
        cells=_cells(outcome, outcome.searched),
        best=outcome.searched.best,
        seeds=_seeds(outcome.searched),
        block_by_variable=None if outcome.matrix is None else {key: dict(row) for key, row in outcome.matrix.items()},
        controls=ControlsResult(random_weights=_random_weights(outcome), random_rotation=_random_rotation(outcome)),
        transfer=tuple(
            TransferResult(
                variant=item.variant,
                accuracy=item.accuracy,
                iia_test=item.answers.iia().value,
                ci=_interval(item.answers.iia()),
                gain=item.answers.gain().value,
                floors=_floors(max((one.floors for one in item.answers.sets), key=lambda floors: floors.answer_only)),
                subsets=_subsets(item.answers, None),
            )
            for item in outcome.transfers.values()
        ),
        positive_control=PositiveControlResult(iia_test=found, whole_vector=whole, passed=outcome.positive_passed),
    )


def _seeds(searched: Searched) -> SeedsResult:
    """Test IIA of the seeds at the chosen site."""
    found = [answers.iia().value for answers in searched.at_best_site]
    return SeedsResult(n=len(found), least=min(found), median=median(found), most=max(found))


def _cells(outcome: Outcome, searched: Searched) -> tuple[CellResult, ...]:
    pairs = zip(searched.cells, searched.answers, strict=True)
    return tuple(_cell(outcome, cell, answers, searched is outcome.searched) for cell, answers in pairs)


def _cell(outcome: Outcome, cell: Trained, answers: CellAnswers, own_weights: bool) -> CellResult:
    whole = outcome.whole[cell.site.layer, cell.site.token] if own_weights else None
    score = answers.iia()
    return CellResult(
        site=cell.site.kind,
        layer=cell.site.layer,
        token=cell.site.token,
        seed=cell.seed,
        status=cell.status,
        iia_validation=cell.validation,
        iia_test=score.value,
        ci=_interval(score),
        gain=answers.gain().value,
        iia_among_answers=answers.iia(among_answers=True).value,
        width=sum(cell.widths),
        widths=dict(zip(outcome.data.record.variables, cell.widths, strict=True)),
        steps=cell.steps,
        subsets=_subsets(answers, whole),
        map=f"{FOLDER}/{cell.key}.safetensors",
    )


def _subsets(answers: CellAnswers, whole: CellAnswers | None) -> tuple[SubsetResult, ...]:
    found = []
    for index, item in enumerate(answers.sets):
        tuples, right = item.tuples, answers.right[index]
        score = answers.subset_iia(index)
        one_source = whole is not None and len(tuples.subset) == 1
        found.append(
            SubsetResult(
                variables=tuples.subset,
                iia_test=score.value,
                ci=_interval(score),
                gain=answers.subset_gain(index).value,
                iia_among_answers=answers.subset_iia(index, among_answers=True).value,
                iia_natural=iia_natural(right, tuples.stratum, tuples.strata.shares).value,
                no_op=iia(answers.idle[index], tuples.stratum).value,
                whole_vector=whole.subset_iia(index).value if whole is not None and one_source else None,
                strata=tuple(
                    None if part is None else part.value
                    for part in iia_per_stratum(right, tuples.stratum, len(tuples.strata))
                ),
            )
        )
    return tuple(found)


def _random_weights(outcome: Outcome) -> RandomWeightsResult | None:
    searched = outcome.random_weights
    if searched is None:
        return None
    best = searched.answers[searched.best]
    among = best.iia(among_answers=True)
    return RandomWeightsResult(
        cells=_cells(outcome, searched),
        best=searched.best,
        iia_test=best.iia().value,
        iia_among_answers=among.value,
        ci=_interval(among),
    )


def _random_rotation(outcome: Outcome) -> RandomRotationResult | None:
    if outcome.principal is None:
        return None
    scores = [answers.iia() for answers in outcome.random_rotations]
    most = max(scores, key=lambda item: item.value)
    return RandomRotationResult(
        draws=len(scores),
        mean=float(np.mean([item.value for item in scores])),
        most=most.value,
        iia=tuple(item.value for item in scores),
        ci=_interval(most),
        principal_directions=outcome.principal.iia().value,
    )
