"""Counterfactual labels are those of the paper's definitions, recomputed here in plain fractions."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from causalspec.semantics import arithmetic as a
from causalspec.semantics.check import check
from causalspec.semantics.columns import vocabulary
from causalspec.semantics.hypothesis import Model
from causalspec.semantics.types import Number, Tuple
from causalspec.span import Source
from causalspec_runtime.counterfactuals import Columns, Sampler, interchange, outputs, values
from causalspec_runtime.errors import SpecError
from tests.unit import _price as price

TASK = price.task()
WORDS = vocabulary([TASK], price.MODELS)
SAMPLER = Sampler(TASK, WORDS)


class Bracket:
    """One prompt's numbers in dollars."""

    def __init__(self, columns: Columns, row: int) -> None:
        self.width, self.lower, self.price = (
            Fraction(int(columns[name][row]), 100) for name in ("width", "lower", "price")
        )
        self.upper = self.lower + self.width


def left(base: Bracket, above: Bracket) -> bool:
    return above.price >= above.lower and base.price <= base.upper


def both(base: Bracket, above: Bracket, below: Bracket) -> bool:
    return above.price >= above.lower and below.price <= below.upper


def below_only(base: Bracket, below: Bracket) -> bool:
    return base.price >= base.lower and below.price <= below.upper


def midpoint(base: Bracket, middle: Bracket) -> bool:
    return abs(base.price - (middle.lower + middle.upper) / 2) <= (base.upper - base.lower) / 2


def bracket(base: Bracket, source: Bracket) -> bool:
    return source.lower <= base.price <= source.upper


@pytest.mark.parametrize(
    ("model", "subset", "by_hand"),
    [
        (price.LEFT, ("above",), left),
        (price.BOTH, ("above",), left),
        (price.BOTH, ("below",), below_only),
        (price.BOTH, ("above", "below"), both),
        (price.MIDPOINT, ("midpoint",), midpoint),
        (price.BRACKET, ("bracket",), bracket),
    ],
    ids=lambda part: getattr(part, "name", None),
)
def test_ten_thousand_labels_by_hand(model: Model, subset: tuple[str, ...], by_hand: Callable[..., bool]) -> None:
    """Each label is the model's output on the base with the variables held at their sources' values."""
    rng = np.random.default_rng(7)
    base, *sources = (SAMPLER.draw(10_000, rng) for _ in range(len(subset) + 1))
    found = interchange(model, base, dict(zip(subset, sources, strict=True)), WORDS)
    expected = [by_hand(Bracket(base, row), *(Bracket(source, row) for source in sources)) for row in range(10_000)]
    assert ["Yes" if code == 0 else "No" for code in found.tolist()] == ["Yes" if yes else "No" for yes in expected]


def test_all_models_agree_without_an_intervention() -> None:
    """The four hypotheses state the same task."""
    columns = SAMPLER.draw(20_000, np.random.default_rng(1))
    found = [outputs(model, columns, WORDS) for model in price.MODELS]
    assert all((column == found[0]).all() for column in found)


def test_a_variable_held_at_its_own_value_changes_nothing() -> None:
    """Base and source the same: the label is the base's output."""
    columns = SAMPLER.draw(5_000, np.random.default_rng(2))
    for model in price.MODELS:
        for variable in model.variables:
            held = interchange(model, columns, {variable.name: columns}, WORDS)
            assert (held == outputs(model, columns, WORDS)).all()


def test_descendants_are_recomputed_and_ancestors_are_not_looked_at() -> None:
    """With a → b → output, holding b hides a; holding a moves b."""
    doubled = a.multiply(price.ref("a", Number(2, 1, 999)), price.num(2), price.S)
    assert isinstance(doubled.type, Number)
    chain = price.model(
        "chain",
        {"a": price.PRICE, "b": doubled},
        price.yes_if(price.compare("<=", price.ref("b", doubled.type), price.LOWER)),
    )
    rng = np.random.default_rng(3)
    base, one, two = (SAMPLER.draw(2_000, rng) for _ in range(3))
    by_a = interchange(chain, base, {"a": one}, WORDS)
    assert (by_a == (2 * np.asarray(one["price"]) > base["lower"])).all()
    assert (interchange(chain, base, {"a": one, "b": two}, WORDS) == interchange(chain, base, {"b": two}, WORDS)).all()


def test_values_are_those_of_the_mechanisms() -> None:
    """The midpoint has three decimals."""
    columns = SAMPLER.draw(100, np.random.default_rng(4))
    found = np.asarray(values(price.MIDPOINT, columns, WORDS)["midpoint"])
    assert (found == (np.asarray(columns["lower"]) + columns["upper"]) * 5).all()


def test_a_value_that_does_not_fit_is_told_with_its_assignment() -> None:
    """`decimal(2) = (lower + upper) / 2` is E0606 with the first assignment that does not fit."""
    half = a.divide(price.UPPER_SUM_REF, price.num(2), price.S)
    assert half is not None and not isinstance(half, a.Ratio)
    coarse = price.model("coarse", {"middle": a.to_scale(half, 2)}, price.yes_if(price.ABOVE))
    columns: Columns = {"lower": np.array([10, 20, 5]), "upper": np.array([20, 30, 256]), "price": np.array([1, 1, 1])}
    with pytest.raises(SpecError) as caught:
        values(coarse, columns, WORDS)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0606" and "lower = 0.05, upper = 2.56" in diagnostic.label


def test_a_value_outside_its_domain_is_told_with_its_assignment() -> None:
    """Bounds that `check` could not prove are checked when values are computed, inside tuples too."""
    narrow = Tuple((Number(2, 0, 500), Number(2, 0, 999)))
    bracket = replace(price.BRACKET.variables[0], type=narrow)
    columns: Columns = {"lower": np.array([10, 600]), "upper": np.array([20, 900]), "price": np.array([1, 1])}
    with pytest.raises(SpecError) as caught:
        values(replace(price.BRACKET, variables=(bracket,)), columns, WORDS)
    (diagnostic,) = caught.value.diagnostics
    assert "`bracket.0` leaves its domain" in diagnostic.message
    assert "6.00 for lower = 6.00, upper = 9.00" in diagnostic.label


def test_the_shipped_spec_says_the_same() -> None:
    """The models of specs/price_tagging.cspec, through the checker, give the labels of those built by hand."""
    path = Path(__file__).parents[2] / "specs" / "price_tagging.cspec"
    hypothesis, _ = check(Source(path.name, path.read_text(encoding="utf-8")))
    assert hypothesis is not None
    rng = np.random.default_rng(6)
    base, source = SAMPLER.draw(5_000, rng), SAMPLER.draw(5_000, rng)
    for model in price.MODELS:
        checked, name = hypothesis.models[model.name], model.variables[0].name
        words = vocabulary([hypothesis.tasks["price_tagging"]], [checked])
        found = interchange(checked, base, {name: source}, words)
        assert (found == interchange(model, base, {name: source}, WORDS)).all()


def test_five_million_labels_a_second() -> None:
    """Labels cost less than drawing them; the best of five, and of the four models the slowest."""
    rng = np.random.default_rng(5)
    base, source = SAMPLER.draw(200_000, rng), SAMPLER.draw(200_000, rng)
    for model in price.MODELS:
        times = []
        for _ in range(5):
            start = perf_counter()
            interchange(model, base, {model.variables[0].name: source}, WORDS)
            times.append(perf_counter() - start)
        assert 200_000 / min(times) > 5e6
