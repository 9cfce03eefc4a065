"""A checked spec: graph, types, order, and what hypotheses mean."""

from __future__ import annotations

import networkx
import pytest

from causalspec import planned
from causalspec.semantics.alignments import EMBEDDED, METHODS, SITES
from causalspec.semantics.check import check
from causalspec.semantics.core import evaluate
from causalspec.semantics.expressions import FUNCTIONS
from causalspec.semantics.hypothesis import Hypothesis
from causalspec.semantics.types import Number, Tuple
from causalspec.span import Source
from causalspec.syntax._table import load_table
from tests.conftest import ROOT

TEXT = (ROOT / "specs" / "price_tagging.cspec").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example() -> Hypothesis:
    hypothesis, diagnostics = check(Source("price_tagging.cspec", TEXT))
    assert not diagnostics
    assert hypothesis is not None
    return hypothesis


def test_the_example_is_read_in_full(example: Hypothesis) -> None:
    """Task, the paper's four models, LMs, alignments, variants, experiment, claims."""
    assert {"left_boundary", "both_boundaries", "midpoint_distance", "bracket_identity"} <= set(example.models)
    assert {"left", "both", "mid", "bracket"} <= set(example.alignments)
    assert set(example.variants) == {"narrow", "game"}
    assert example.experiments["main"].seeds == (0, 1, 2)
    assert example.lms["llama"].dtype == "bfloat16"
    assert example.lms["llama"].chat


def test_the_causal_graph_is_a_networkx_dag(example: Hypothesis) -> None:
    """Edges run from what is read to what reads it; the output comes last."""
    graph = example.models["both_boundaries"].graph()
    assert networkx.is_directed_acyclic_graph(graph)
    assert set(graph.predecessors("answer")) == {"above", "below"}
    assert set(graph.predecessors("below")) == {"price", "upper"}
    assert networkx.ancestors(graph, "answer") == {"above", "below", "price", "lower", "upper", "width"}


def test_decimals_are_exact(example: Hypothesis) -> None:
    """(0.05 + 2.56) / 2 is 1.305 in units of a thousandth, and a variable without a range gets its bounds."""
    midpoint = example.models["midpoint_distance"].variable("midpoint")
    assert evaluate(midpoint.mechanism, {"lower": 5, "upper": 256}) == 1305
    assert midpoint.type == Number(3, 1300, 9900) or isinstance(midpoint.type, Number)
    assert isinstance(example.models["bracket_identity"].variable("bracket").type, Tuple)


def test_variables_come_in_causal_order() -> None:
    """A mechanism may read a variable that is written below it."""
    text = TEXT.replace(
        "  var above: bool = price >= lower\n  var below",
        "  var inside: bool = above and below\n  var above: bool = price >= lower\n  var below",
    )
    hypothesis, diagnostics = check(Source("x", text))
    assert hypothesis is not None, diagnostics
    names = [variable.name for variable in hypothesis.models["both_boundaries"].variables]
    assert names.index("inside") > max(names.index("above"), names.index("below"))


def test_a_variant_replaces_only_what_it_says(example: Hypothesis) -> None:
    """`narrow` has another width and everything else of the task; `game` another prompt."""
    task, narrow, game = (example.tasks["price_tagging"], *(example.variants[name].task for name in ("narrow", "game")))
    assert narrow.inputs[0].type == Number(2, 300, 300)
    assert narrow.inputs[2] == task.inputs[2]
    assert game.inputs == task.inputs
    assert str(game.prompt[0]).startswith("Pricing tag game!")


@pytest.mark.parametrize(
    ("written", "environment", "value"),
    [
        ("round(price / 3, 2)", {"price": 100}, 33),
        ("round(price / 3, 2)", {"price": 200}, 67),
        ("floor(price)", {"price": 199}, 1),
        ("price // 0.30", {"price": 100}, 3),
        ("price % 0.30", {"price": 100}, 10),
        ("max(price, 5)", {"price": 499}, 500),
        ("abs(price - 7.5)", {"price": 700}, 50),
        ("price * 1.5", {"price": 3}, 45),
        ("-price", {"price": 3}, -3),
    ],
)
def test_arithmetic_on_scaled_integers(written: str, environment: dict[str, int], value: int) -> None:
    """Each operation at its own scale, exactly; rounding is half away from zero."""
    text = TEXT.replace("  let upper = lower + width", f"  let upper = lower + width\n  let tried = {written}")
    hypothesis, diagnostics = check(Source("x", text))
    assert hypothesis is not None, diagnostics
    tried = next(let for let in hypothesis.tasks["price_tagging"].lets if let.name == "tried")
    assert evaluate(tried.value, environment) == value


@pytest.mark.parametrize(
    ("condition", "price", "holds"),
    [("price / 3 < 1", 299, True), ("price / 3 < 1", 300, False), ("0 < price <= 1.00", 100, True),
     ("price in 1.00 .. 2.00", 200, True), ("price in [1.00, 3]", 300, True), ("price != 1", 100, False)],
)  # fmt: skip
def test_conditions(condition: str, price: int, holds: bool) -> None:
    """Ratios are compared by cross-multiplication, chains and memberships as written."""
    text = TEXT.replace("  let upper = lower + width", f"  let upper = lower + width\n  let tried = {condition}")
    hypothesis, diagnostics = check(Source("x", text))
    assert hypothesis is not None, diagnostics
    tried = next(let for let in hypothesis.tasks["price_tagging"].lets if let.name == "tried")
    assert evaluate(tried.value, {"price": price}) is holds


def test_the_language_knows_the_embedded_lms() -> None:
    """The names that `embedded(…)` takes are those of the LMs that the runtime brings with it."""
    folder = ROOT / "runtime" / "causalspec_runtime" / "language_model" / "embedded"
    assert sorted(EMBEDDED) == sorted(item.name for item in folder.iterdir() if (item / "config.json").exists())


def test_words_to_come_are_not_words_of_today() -> None:
    """What is told as not supported yet is not supported."""
    today = {"method": METHODS, "kind of site": SITES, "function": FUNCTIONS, "type": ("bool", "int", "decimal")}
    for what, names in planned.NAMES.items():
        assert set(names).isdisjoint(today[what])
    assert set(planned.STATEMENTS).isdisjoint(load_table().keywords)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"Yes" | "No"\n}', '"Yes" | "No"\n}\n}', "nothing is open here"),
        ("  var midpoint", "  var price: bool = true\n  var midpoint", "a variable needs a name of its own"),
        ('then "Yes" else', "then Yes else", 'did you mean `"Yes"`?'),
        ("if above and", "if above = true and", "did you mean `==`?"),
        ("seeds 0 .. 2", "seeds -1", "for example `seeds 0 .. 2` or `seeds 3, 7`"),
        ("gain(left.above)) >=", "gain(left_boundary)) >=", "did you mean `left`?"),
        ("gain(left.above)) >=", "gain(above)) >=", "did you mean `left.above`?"),
    ],
)
def test_a_mistake_is_told_with_its_way_out(old: str, new: str, says: str) -> None:
    """One diagnostic, whose label or help says what to write."""
    _, diagnostics = check(Source("x", TEXT.replace(old, new, 1)))
    assert len(diagnostics) == 1
    assert says in (diagnostics[0].label, diagnostics[0].help)
