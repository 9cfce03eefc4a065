"""From answers to scores: IIA, gain, their intervals, and what a claim asks for.

In: which test tuples a cell got right. Out: `Estimate`s. Invariant: the score of a joint alignment is that of its worst
subset; a control never counts for less than what outputs alone tell (meaning.md, Controls).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.claims import Formula, Score
from causalspec_runtime.chance import gain_estimate
from causalspec_runtime.dataset import AlignmentData, TestSet
from causalspec_runtime.engine.evaluate import Evaluation
from causalspec_runtime.search import Trained
from causalspec_runtime.shares import iia
from causalspec_runtime.statistics import Estimate, bonferroni, mean, smallest, typical

Bools = npt.NDArray[np.bool_]
PASS = 0.95  # share of the whole vector's IIA that the positive control must reach


@dataclass(frozen=True, slots=True, eq=False)
class CellAnswers:
    """Which test tuples one map got right, per subset: over the whole vocabulary, and among the answers."""

    sets: tuple[TestSet, ...]
    right: tuple[Bools, ...]
    among: tuple[Bools, ...]
    idle: tuple[Bools, ...]  # where the LM left alone already says the label

    @classmethod
    def of(cls, sets: Sequence[TestSet], parts: Sequence[slice], evaluation: Evaluation, cell: int) -> CellAnswers:
        """The answers of the `cell`-th map of an evaluation."""
        answered = evaluation.correct[cell], evaluation.correct_among[cell], evaluation.correct_idle
        right, among, idle = (tuple(table.numpy()[part] for part in parts) for table in answered)
        return cls(tuple(sets), right, among, idle)

    def subset_iia(self, index: int, *, among_answers: bool = False, level: float = 0.95) -> Estimate:
        """Balanced IIA on the tuples of one subset."""
        right = (self.among if among_answers else self.right)[index]
        return iia(right, self.sets[index].tuples.stratum, level)

    def subset_gain(self, index: int, *, among_answers: bool = False, level: float = 0.95) -> Estimate:
        """Gain on the tuples of one subset."""
        estimate = self.subset_iia(index, among_answers=among_answers, level=level)
        return gain_estimate(estimate, self.sets[index].floors.answer_only)

    def iia(self, *, among_answers: bool = False, level: float = 0.95) -> Estimate:
        """The smallest IIA over subsets."""
        return self._smallest(self.subset_iia, among_answers, level)

    def gain(self, *, among_answers: bool = False, level: float = 0.95) -> Estimate:
        """The smallest gain over subsets."""
        return self._smallest(self.subset_gain, among_answers, level)

    def _smallest(self, score: Callable[..., Estimate], among_answers: bool, level: float) -> Estimate:
        indices = range(len(self.sets))
        plain = [score(index, among_answers=among_answers, level=level) for index in indices]
        adjusted = bonferroni(level, len(plain))
        return smallest(plain, [score(index, among_answers=among_answers, level=adjusted) for index in indices])


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """The cells of a grid with their test answers, and the one that validation chose."""

    cells: tuple[Trained, ...]
    answers: tuple[CellAnswers, ...]
    best: int

    @property
    def at_best_site(self) -> list[CellAnswers]:
        """The answers of every seed at the chosen site."""
        site = self.cells[self.best].site
        return [answers for cell, answers in zip(self.cells, self.answers, strict=True) if cell.site == site]


@dataclass(frozen=True, slots=True, eq=False)
class Transferred:
    """The chosen cell on a variant."""

    variant: str
    accuracy: float
    answers: CellAnswers


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """All that was measured of one alignment."""

    data: AlignmentData
    searched: Searched
    whole: Mapping[tuple[int, str], CellAnswers]  # (layer, token) -> everything at the site swapped
    all_right: tuple[float, ...]  # per subset: share of tuples on whose base and sources the LM is right
    random_weights: Searched | None
    random_rotations: tuple[CellAnswers, ...]
    principal: CellAnswers | None
    transfers: Mapping[str, Transferred]
    matrix: Mapping[str, Mapping[str, float]] | None
    positive: tuple[float, float]  # IIA of the output and of the whole vector at the last layer's last token

    @property
    def positive_passed(self) -> bool:
        found, whole = self.positive
        return whole > 0 and found >= PASS * whole


@dataclass(frozen=True, slots=True, eq=False)
class ScoreBoard:
    """The scores of a run, as claims ask for them."""

    outcomes: Mapping[tuple[str, int], Outcome]  # (alignment, placement)

    def answers(self, formula: Formula) -> bool:
        """Whether this run measured everything that a claim asks for."""
        return all(self._has(score) for score in scores_of(formula))

    def _has(self, score: Score) -> bool:
        outcome = self.outcomes.get((score.alignment, score.placement))
        if outcome is None or (score.on is not None and score.on not in outcome.transfers):
            return False
        if score.control == "random_weights":
            return outcome.random_weights is not None
        return score.control is None or bool(outcome.random_rotations)

    def refutable(self, score: Score) -> bool:
        """Whether the method finds what must be there, so that a failure to find says something."""
        return self.outcomes[score.alignment, score.placement].positive_passed

    def searched(self, score: Score) -> str:
        """See `claims.Board`."""
        record = self.outcomes[score.alignment, score.placement].data.record
        sites = len(record.sites)
        return f"{record.method} at {'this site' if sites == 1 else f'these {sites} sites'}"

    def score(self, score: Score, *, among_answers: bool, level: float) -> Estimate:
        """The estimate of one score."""
        outcome = self.outcomes[score.alignment, score.placement]
        if score.quantity == "width":
            return Estimate.exact(_width(outcome, score))

        def of(answers: CellAnswers) -> Estimate:
            measure = answers.gain if score.quantity == "gain" else answers.iia
            return measure(among_answers=among_answers, level=level)

        if score.on is not None:
            return of(outcome.transfers[score.on].answers)
        if score.control == "random_rotation":
            found = [of(answers) for answers in outcome.random_rotations]
            if score.selection == "best":
                return max(found, key=lambda item: item.value)
            return mean(found)
        if score.control == "random_weights":
            assert outcome.random_weights is not None
            return at_least(_selected(outcome.random_weights, score, of, level), _floor(outcome, score))
        return _selected(outcome.searched, score, of, level)


def _width(outcome: Outcome, score: Score) -> float:
    """Coordinates: of the chosen cell, or the mean over cells."""
    searched = outcome.searched
    if score.selection == "mean":
        return float(np.mean([sum(cell.widths) for cell in searched.cells]))
    return float(sum(searched.cells[searched.best].widths))


def _selected(searched: Searched, score: Score, of: Callable[[CellAnswers], Estimate], level: float) -> Estimate:
    match score.selection:
        case "best" | "single":
            return of(searched.answers[searched.best])
        case "mean":
            return mean([of(answers) for answers in searched.answers])
        case "typical":
            return typical([of(answers) for answers in searched.at_best_site], level)


def _floor(outcome: Outcome, score: Score) -> float:
    if score.quantity == "gain":
        return 0.0
    return max(item.floors.answer_only for item in outcome.data.test)


def at_least(estimate: Estimate, floor: float) -> Estimate:
    """The estimate, or the floor where it is under it."""
    return Estimate(max(estimate.value, floor), max(estimate.low, floor), max(estimate.high, floor), estimate.n)
