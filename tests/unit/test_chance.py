"""Chance levels of price tagging are those of meaning.md, from the causal models alone."""

import numpy as np
import pytest

from causalspec.semantics import arithmetic as a
from causalspec.semantics.columns import vocabulary
from causalspec.semantics.hypothesis import Model
from causalspec.semantics.types import Bool
from causalspec_runtime import chance
from causalspec_runtime.counterfactuals import Population, Split, TupleSet, evaluation_set, interchange, outputs
from causalspec_runtime.statistics import Estimate
from tests.unit import _price as price

TASK = price.task()
WORDS = vocabulary([TASK], price.MODELS)
POPULATION = Population(TASK, WORDS)
ALIGNED = {
    "left_boundary": ("above",),
    "both_boundaries": ("above", "below"),
    "midpoint_distance": ("midpoint",),
    "bracket_identity": ("bracket",),
}


@pytest.fixture(scope="module")
def sets() -> dict[str, TupleSet]:
    return {m.name: evaluation_set(POPULATION, m, ALIGNED[m.name], Split.TEST, 2_002) for m in price.MODELS}


@pytest.mark.parametrize(
    ("name", "floor"),
    [("left_boundary", 4 / 7), ("both_boundaries", 4 / 7), ("midpoint_distance", 0.5), ("bracket_identity", 0.5)],
)
def test_answer_only_is_the_floor(sets: dict[str, TupleSet], name: str, floor: float) -> None:
    """4/7 for left.above, .50 for midpoint, and never under another floor."""
    found = chance.floors(sets[name].strata)
    assert found.answer_only == pytest.approx(floor, abs=1e-3)
    assert found.answer_only >= max(found.no_op, found.full_swap, found.majority)


def natural(model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Base outputs, source outputs and labels of independent natural draws."""
    rng = np.random.default_rng(0)
    base, source = (POPULATION.sampler.draw(200_000, rng) for _ in range(2))
    label = interchange(model, base, {ALIGNED[model.name][0]: source}, WORDS)
    return outputs(model, base, WORDS), outputs(model, source, WORDS), label


@pytest.mark.parametrize(("model", "share"), [(price.LEFT, 0.69), (price.MIDPOINT, 0.68), (price.BRACKET, 0.64)])
def test_doing_nothing_without_balance(model: Model, share: float) -> None:
    """Under natural draws a perfect LM left alone is right this often."""
    base, _, label = natural(model)
    assert np.mean(base == label) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("model", "score"), [(price.LEFT, 0.72), (price.MIDPOINT, 0.51)])
def test_with_half_of_the_tuples_changed_hypotheses_differ(model: Model, score: float) -> None:
    """The balance of earlier work leaves .72 for left.above and about .50 for midpoint."""
    base, source, label = natural(model)
    changed = base != label
    weights = np.where(changed, 0.5 / changed.sum(), 0.5 / (~changed).sum())
    cells = np.stack([base, source, label], axis=1)
    assert chance.best_guess(cells, weights) == pytest.approx(score, abs=0.01)


def test_a_model_with_the_same_variable_is_a_full_rival(sets: dict[str, TupleSet]) -> None:
    """`both` says the same of `above` as `left` does; the assignment is told."""
    found = chance.rivals(sets["left_boundary"], POPULATION, price.LEFT, [price.BOTH, price.MIDPOINT])
    both, midpoint, inputs = found
    assert both == chance.Rival("both_boundaries", 1.0, {"above": "source", "below": "base"})
    assert midpoint.agreement < 0.6
    assert inputs.model == "inputs" and inputs.agreement < 0.65


def test_the_inputs_are_always_a_rival(sets: dict[str, TupleSet]) -> None:
    """Swapping the bracket is swapping width and lower."""
    (inputs,) = chance.rivals(sets["bracket_identity"], POPULATION, price.BRACKET, [])
    assert inputs == chance.Rival("inputs", 1.0, {"width": "source", "lower": "source", "price": "base"})


def test_a_rival_of_two_sources_says_which(sets: dict[str, TupleSet]) -> None:
    """On the joint tuples the model itself needs both sources."""
    own, _ = chance.rivals(sets["both_boundaries"], POPULATION, price.LEFT, [price.BOTH])
    assert own.agreement == 1 and own.assignment == {"above": "source of above", "below": "source of below"}


def test_a_rival_with_many_variables_stands_by_its_aligned_ones(sets: dict[str, TupleSet]) -> None:
    """13 variables have 8,192 assignments: only those of the alignment are tried."""
    copies = {f"v{i}": price.ABOVE for i in range(12)} | {"above": price.ABOVE}
    many = price.model("many", copies, price.yes_if(price.both(price.ref("above", Bool()), price.BELOW)))
    rival, _ = chance.rivals(sets["left_boundary"], POPULATION, price.LEFT, [many], {"many": ("above",)})
    assert rival == chance.Rival("many", 1.0, {"above": "source"})


def test_inputs_that_a_model_cannot_compute_are_passed_over() -> None:
    """A mix of base and source inputs may have no value in the model; the other assignments count."""
    half = a.divide(price.UPPER_SUM_REF, price.num(2), price.S)
    assert half is not None and not isinstance(half, a.Ratio)
    even = a.equal(a.modulo(price.WIDTH, price.num(2, 2), price.S) or price.WIDTH, price.num(0, 2), price.S)
    coarse = price.model(
        "coarse",
        {"middle": a.to_scale(half, 2)},
        price.yes_if(price.compare("<=", price.PRICE, price.ref("middle", half.type))),
    )
    population = Population(price.task(requires=(even,)), WORDS)
    tuples = evaluation_set(population, price.LEFT, ("above",), Split.TEST, 200)
    (inputs,) = chance.rivals(tuples, population, coarse, [])
    assert 0 < inputs.agreement <= 1


def test_gain_runs_from_the_floor_to_the_top() -> None:
    """0 at answer_only, 1 at 1; nothing where the floor is the top."""
    assert chance.gain(4 / 7, 4 / 7) == 0 and chance.gain(1, 4 / 7) == 1
    assert chance.gain(0.5, 1.0) == 0
    found = chance.gain_estimate(Estimate(0.9, 0.88, 0.92, 1_000), 0.5)
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.76, 0.84)) and found.n == 1_000
    assert chance.gain_estimate(Estimate(0.9, 0.88, 0.92, 1_000), 1.0).low == -1


def test_expected_if_true_spreads_the_rest_over_the_answers() -> None:
    """An LM right on base and source 80 % of the time would score .90 with two answers."""
    assert chance.expected_if_true(0.8, 2) == pytest.approx(0.9)
