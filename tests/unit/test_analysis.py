"""What a spec's text alone says: vacuous variables, variables that are one, rivals that nothing separates.

Truth is known by hand, or from `core.evaluate` on every pair of tiny domains.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from random import Random

import numpy as np
import pytest

from causalspec.diagnostics import Diagnostic
from causalspec.files import Unusable
from causalspec.render import render
from causalspec.semantics.check import check
from causalspec.semantics.core import evaluate
from causalspec.semantics.hypothesis import Hypothesis, Model
from causalspec.semantics.types import Value
from causalspec.span import Source
from causalspec_runtime.analysis import contrast as contrast_module
from causalspec_runtime.analysis import twins as twins_module
from causalspec_runtime.analysis import universe as universe_module
from causalspec_runtime.analysis.comparison import compare
from causalspec_runtime.analysis.contrast import Swap, contrast
from causalspec_runtime.analysis.cover import cover
from causalspec_runtime.analysis.findings import Findings, findings
from causalspec_runtime.analysis.rivals import closest
from causalspec_runtime.analysis.twins import twins
from causalspec_runtime.analysis.universe import Evidence, Universe
from causalspec_runtime.analysis.vacuous import vacuous
from causalspec_runtime.report import comparison as comparison_report
from causalspec_runtime.report import levels as levels_report
from tests.unit import _price as price

Assignment = dict[str, Value]
PRICE = Universe.of(price.task(), price.MODELS)
X9 = ("x: int in 0 .. 9", "y: int in 0 .. 9")
BIG = ("x: int in 0 .. 9_999", "y: int in 0 .. 9_999")


def spec(models: dict[str, tuple[Sequence[str], str]], inputs: Sequence[str] = X9, rest: str = "") -> Source:
    """A spec of one task: models by name, each with its variables and its output's condition."""
    names = [item.partition(":")[0] for item in inputs]
    lines = ["cspec 1", "task t {", *(f"  input {item}" for item in inputs)]
    lines += [f'  prompt "{" ".join(f"{{{name}}}" for name in names)}"', '  output answer: "Yes" | "No"', "}"]
    for name, (variables, condition) in models.items():
        lines += [f"model {name} for t {{", *(f"  var {item}" for item in variables)]
        lines += [f'  output answer = if {condition} then "Yes" else "No"', "}"]
    return Source("test.cspec", "\n".join([*lines, rest, ""]))


def checked(source: Source) -> tuple[Hypothesis, tuple[Diagnostic, ...]]:
    hypothesis, diagnostics = check(source)
    assert hypothesis is not None, render(diagnostics, source)
    return hypothesis, diagnostics


def universe(source: Source) -> tuple[Universe, dict[str, Model]]:
    hypothesis, _ = checked(source)
    return Universe.of(hypothesis.tasks["t"], list(hypothesis.models.values())), dict(hypothesis.models)


def found_in(source: Source) -> Findings:
    return findings(*checked(source))


def align(name: str, model: str, *places: str) -> str:
    lines = [f"  place {place} on residual(layers = all, tokens = last)" for place in places]
    return "\n".join([f"align {name} for {model} {{", *lines, "  method boundless_das", "}"])


def codes(found: Findings) -> list[str]:
    return [item.code for item in found.diagnostics]


# by hand


def test_rivals_that_share_a_mechanism_are_proved_alike_by_the_text() -> None:
    """125 million inputs need no draw where both models swap the same expression."""
    found = contrast(PRICE, Swap.of(price.LEFT, ["above"]), Swap.of(price.BOTH, ["above"]))
    assert (found.separated, found.evidence.kind) == (False, "text")


def test_rivals_that_differ_are_shown_a_pair() -> None:
    """The labels of a parting are the two counterfactual outputs."""
    found = contrast(PRICE, Swap.of(price.LEFT, ["above"]), Swap.of(price.BOTH, ["below"]))
    assert found.separated and found.share == pytest.approx(0.63, abs=0.01)
    for parting in found.partings:
        base, (source,) = parting.base, parting.sources
        above, below = source["price"] >= source["lower"], source["price"] <= source["upper"]
        left = above and base["price"] <= base["upper"]
        right = base["price"] >= base["lower"] and below
        assert parting.labels == tuple("Yes" if item else "No" for item in (left, right))


def test_models_that_agree_without_an_intervention_say_how_that_is_known() -> None:
    """Midpoint and bracket are the same function of the inputs: drawn, not proved."""
    found = contrast(PRICE, Swap(price.MIDPOINT, {}), Swap(price.BRACKET, {}))
    assert str(found.evidence) == "none of 1,000,000 drawn inputs" and not found.evidence.proved


WASTE = spec({
    "m": (
        ("big: bool = x >= 5", "unread: bool = y >= 3", "aside: bool = unread and big", "one: int = min(x, 0)",
         "idle: int = y % 2"),
        "big and one == 0 and (idle == 0 or idle == 1)",
    )
})  # fmt: skip


def test_a_vacuous_variable_has_its_reason() -> None:
    """Unread, also through another unread one; constant; read to no effect. The proof is over all pairs."""
    space, models = universe(WASTE)
    found = {item.variable.name: item for item in vacuous(space, models["m"])}
    assert {name: item.why for name, item in found.items()} == {
        "unread": "unread", "aside": "unread", "one": "constant", "idle": "idle",
    }  # fmt: skip
    assert str(found["idle"].evidence) == "proved over all 10,000 pairs of base and source"


def test_what_cannot_be_enumerated_is_said_to_be_drawn() -> None:
    """10^8 inputs: the same findings, resting on 10^6 draws."""
    space, models = universe(spec({"m": (("idle: int = y % 2",), "x >= 5 and (idle == 0 or idle == 1)")}, BIG))
    (found,) = vacuous(space, models["m"])
    assert str(found) == (
        "the output reads it, but none of 1,000,000 drawn pairs of base and source changes the output"
    )


def test_many_inputs_are_enumerated_by_what_is_read_of_them() -> None:
    """2 million inputs have 4 × 10^12 pairs; the output reads one bit of each."""
    items = ("x: int in 0 .. 1_999", "y: int in 0 .. 999")
    space, models = universe(spec({"m": (("low: bool = x < 1000", "idle: bool = low or not low"), "idle")}, items))
    (found,) = [item for item in vacuous(space, models["m"]) if item.variable.name == "low"]
    assert found.evidence.proved and found.evidence.count == 2_000_000**2


def test_a_rare_difference_of_a_small_domain_is_found() -> None:
    """One input in 90,000 tells the models apart: enumeration finds what draws of a block might not."""
    models = {"m": (("a: bool = x > 3",), "a"), "n": (("b: bool = x > 3 and not (x == 250 and y == 250)",), "b")}
    space, named = universe(spec(models, ("x: int in 0 .. 299", "y: int in 0 .. 299")))
    found = contrast(space, Swap.of(named["m"], ["a"]), Swap.of(named["n"], ["b"]))
    assert found.separated and found.share == pytest.approx(1 / 90_000)
    assert found.evidence.kind == "all" and found.evidence.count == 90_000**2


def test_variables_that_are_one_under_two_names() -> None:
    """Equal, negated, and by another expression; a coarser one is none."""
    variables = ("a: bool = x >= 5", "b: bool = not (x >= 5)", "c: int = x // 5", "d: int = x // 3", "e: int = x")
    space, models = universe(spec({"m": (variables, "a and b and c == d and e > 3")}))
    found = {
        (item.left[1].name, item.right[1].name)
        for item in twins(space, [(models["m"], v) for v in models["m"].variables])
    }
    assert found == {("a", "b"), ("a", "c"), ("b", "c")}


def test_draws_that_never_repeat_prove_no_renaming() -> None:
    """Two nearly injective values of 10^8 inputs look like a bijection in any sample; text and repeats decide."""
    variables = ("a: int = x * 10000 + y", "b: int = x * 10000 + y % 9999", "c: int = y + 10000 * x", "d: int = x % 7",
                 "e: int = 3 - x % 7")  # fmt: skip
    space, models = universe(spec({"m": (variables, "a == b and c > 3 and d > e")}, BIG))
    found = {
        (item.left[1].name, item.right[1].name): item.evidence.kind
        for item in twins(space, [(models["m"], v) for v in models["m"].variables])
    }
    assert found == {("a", "c"): "text", ("d", "e"): "drawn"}


def test_joint_interchanges_need_sources_of_their_own() -> None:
    """One source cannot tell (a, b) from (a xor b, b) …; two sources can."""
    models = {
        "m": (("a: bool = x >= 5", "b: bool = y >= 5"), "a == b"),
        "n": (("same: bool = (x >= 5) == (y >= 5)", "b: bool = y >= 5"), "same and (b or not b)"),
    }
    space, named = universe(spec(models))
    one, two = ["a", "b"], ["same", "b"]
    assert not contrast(space, Swap.of(named["m"], one), Swap.of(named["n"], two)).separated
    found = closest(space, named["m"], one, named["n"], two)
    assert found.separated and found.sources == 2 and len(found.partings[0].sources) == 2


def test_a_cover_is_the_smallest() -> None:
    """Greedy takes the wide row first and needs three; two are enough."""
    rows = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=bool)
    assert (cover(rows).rows, cover(rows).fewest) == ((1, 2), True)
    assert cover(rows[3:]).rows == ()
    assert cover(np.ones((5, 3), dtype=bool)).rows == (0,)


# by brute force


def assignments(hypothesis: Hypothesis) -> list[Assignment]:
    task = hypothesis.tasks["t"]
    ranges = [range(int(evaluate(item.low, {})), int(evaluate(item.high, {})) + 1) for item in task.inputs]  # type: ignore[arg-type]
    names = [item.name for item in task.inputs]
    every = [dict(zip(names, values, strict=True)) for values in product(*ranges)]
    return [item for item in every if all(evaluate(require, item) for require in task.requires)]


def run(model: Model, base: Assignment, held: Assignment) -> tuple[Value, Assignment]:
    environment = dict(base)
    for variable in model.variables:
        name = variable.name
        environment[name] = held[name] if name in held else evaluate(variable.mechanism, environment)
    return evaluate(model.output, environment), environment


def label(swap: Swap, base: Assignment, source: Assignment) -> Value:
    values = run(swap.model, source, {})[1]
    return run(swap.model, base, {name: values[name] for name in swap.origins})[0]


def expression(random: Random, names: Sequence[str]) -> str:
    """A random bool over numbers x, y and some bools."""
    atoms = [f"x >= {random.randint(0, 3)}", f"y > {random.randint(0, 2)}", "x == y", "x % 2 == 0", *names, *names]
    left, right = random.choice(atoms), random.choice(atoms)
    return random.choice(
        [f"({left})", f"not ({left})", f"({left}) and ({right})", f"({left}) or ({right})", f"({left}) == ({right})"]
    )


def random_spec(seed: int) -> Source:
    random = Random(seed)
    models = {}
    for model in ("m", "n"):
        names: list[str] = []
        variables = []
        for index in range(3):
            variables.append(f"{model}{index}: bool = {expression(random, names)}")
            names.append(f"{model}{index}")
        models[model] = (variables, expression(random, names))
    return spec(models, ("x: int in 0 .. 3", "y: int in 0 .. 2"))


@pytest.fixture(params=["enumerated", "drawn"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of looking; 4,096 draws hit every pair of 12 inputs."""
    if request.param == "drawn":
        monkeypatch.setattr(universe_module, "BLOCK", 4_096)
        monkeypatch.setattr(universe_module, "MOST_POINTS", 1)
        monkeypatch.setattr(contrast_module, "BLOCKS", range(1))
        monkeypatch.setattr(twins_module, "BLOCKS", range(1))
    return str(request.param)


@pytest.mark.parametrize("seed", range(25))
def test_random_models_are_told_apart_as_by_brute_force(seed: int, mode: str) -> None:
    """Every interchange of up to two variables of two random models, and each against doing nothing."""
    hypothesis, _ = checked(random_spec(seed))
    space = Universe.of(hypothesis.tasks["t"], list(hypothesis.models.values()))
    assert (space.points is None) == (mode == "drawn")
    every = assignments(hypothesis)
    swaps = [
        Swap.of(model, names)
        for model in hypothesis.models.values()
        for size in range(3)
        for names in combinations([variable.name for variable in model.variables], size)
    ]
    for left, right in combinations(swaps, 2):
        differing = [label(left, base, source) != label(right, base, source) for base in every for source in every]
        found = contrast(space, left, right)
        assert found.separated == any(differing)
        if mode == "enumerated":
            assert found.share == pytest.approx(sum(differing) / len(differing)) and found.evidence.proved


@pytest.mark.parametrize("seed", range(25))
def test_random_variables_are_one_as_by_brute_force(seed: int, mode: str) -> None:
    """A bijection of bools on all inputs; constants are not told."""
    hypothesis, _ = checked(random_spec(seed))
    space = Universe.of(hypothesis.tasks["t"], list(hypothesis.models.values()))
    named = [(model, variable) for model in hypothesis.models.values() for variable in model.variables]
    columns = [[run(model, base, {})[1][v.name] for base in assignments(hypothesis)] for model, v in named]
    expected = {
        (named[i][1].name, named[j][1].name)
        for i, j in combinations(range(len(named)), 2)
        if len(set(columns[i])) == len(set(columns[j])) == len(set(zip(columns[i], columns[j], strict=True))) == 2
    }
    assert {(item.left[1].name, item.right[1].name) for item in twins(space, named)} == expected


@pytest.mark.parametrize("seed", range(8))
def test_sources_of_their_own_are_told_apart_as_by_brute_force(seed: int) -> None:
    """Two variables of each model from two sources: every base with every two sources."""
    hypothesis, _ = checked(random_spec(seed))
    space = Universe.of(hypothesis.tasks["t"], list(hypothesis.models.values()))
    every = assignments(hypothesis)
    m, n = hypothesis.models["m"], hypothesis.models["n"]
    for left, right in product(
        (Swap.apart(m, ["m0", "m2"]), Swap.apart(m, ["m1", "m2"])), (Swap.apart(n, ["n2", "n1"]),)
    ):
        outputs = []
        for swap in (left, right):
            values = [run(swap.model, source, {})[1] for source in every]
            first, second = swap.variables
            outputs.append([
                run(swap.model, base, {first: one[first], second: two[second]})[0]
                for base, one, two in product(every, values, values)
            ])  # fmt: skip
        found = contrast(space, left, right)
        differing = [one != two for one, two in zip(*outputs, strict=True)]
        assert found.separated == any(differing) and found.share == pytest.approx(sum(differing) / len(differing))


def test_shares_follow_the_density_of_the_inputs() -> None:
    """`y` is drawn after `x`, so that pairs are not equally likely; a condition and words besides."""
    items = ("x: int in 0 .. 3", "y: int in 0 .. x", 'kind: "low" | "high"\n  require x + y != 3')
    models = {
        "m": (("a: (int, bool) = (x // 2, y > 0)",), 'a.0 == 1 and (a.1 or kind == "low")'),
        "n": (("b: int = y",), 'x > 1 and (b > 0 or kind == "low")'),
    }
    space, named = universe(spec(models, items))
    points = [(x, y, kind) for x in range(4) for y in range(x + 1) for kind in ("low", "high") if x + y != 3]
    weight = {point: 1 / (point[0] + 1) for point in points}
    total = sum(weight.values())
    share = sum(
        weight[base] * weight[source] / total**2
        for base, source in product(points, points)
        if (source[0] > 1 and (source[1] > 0 or base[2] == "low"))
        != (base[0] > 1 and (source[1] > 0 or base[2] == "low"))
    )
    found = contrast(space, Swap.of(named["m"], ["a"]), Swap.of(named["n"], ["b"]))
    assert found.evidence == Evidence("all", len(points) ** 2, "pairs of base and source")
    assert found.share == pytest.approx(share)


# `check --data`

RIVALS = spec(
    {"m": (("a: bool = x >= 5",), "a and y > 2"), "n": (("b: bool = 5 <= x", "c: bool = y > 2"), "b and c")},
    ("x: int in 0 .. 99", "y: int in 0 .. 99"),
    "\n".join([align("one", "m", "a"), align("two", "n", "(b, c)")]),
)


def test_findings_have_places_and_levels() -> None:
    """Rivals that share a variable are told at the later placement; levels are those of each subset."""
    found = found_in(RIVALS)
    assert codes(found) == ["W0804"]
    (item,) = found.diagnostics
    assert RIVALS.slice(item.span).startswith("place (b, c)") if item.span else False
    assert item.notes == ("`a` of `m`, `b` of `n`: proved by the text alone: both are the same expression",)
    assert [(level.alignment, level.subset) for level in found.levels] == [
        ("one", ("a",)), ("two", ("b",)), ("two", ("c",)), ("two", ("b", "c")),
    ]  # fmt: skip
    assert found.levels[0].rivals[0].agreement == 1 and found.levels[0].strata.exact
    assert "answer_only" in levels_report.text(found.levels)


def test_an_aligned_variable_beside_the_output_is_told_at_its_placement() -> None:
    """W0803 where it is placed; one that is only read in vain is W0801 at the variable."""
    text = WASTE.text + align("one", "m", "big", "unread", "idle")
    found = [item for item in found_in(Source("test.cspec", text)).diagnostics if item.code.startswith("W08")]
    told = {item.code + ": " + text[item.span.start : item.span.end].split(" on ")[0] for item in found if item.span}
    assert {"W0803: place unread", "W0801: idle", "W0801: one", "W0801: aside"} == told


DOMAIN = "half: int in 0 .. {top} = (x * x - x) // 5"


def _domain(top: int, output: str = "half > 3", rest: str = "") -> Source:
    return spec({"m": ((DOMAIN.format(top=top),), output)}, ("x: int in 0 .. 99",), rest)


def test_a_domain_is_proved_by_looking() -> None:
    """Bounds reach 1,980 and no further than −20, values 0 … 1,940: a small domain needs no `--data`."""
    source = _domain(1_960)
    assert "W0301" not in [item.code for item in checked(source)[1]]
    assert "W0301" not in codes(found_in(source))


def test_an_interchange_that_leaves_a_domain_is_an_error() -> None:
    """`sum` is 48 or 49 on every input, where a is x, and up to 98 with an a from elsewhere."""
    variables = ("a: int = x", "sum: int in 0 .. 60 = a // 2 + (98 - x) // 2")
    source = spec({"m": (variables, "sum > 48 and a > 3")}, ("x: int in 0 .. 98",), align("one", "m", "a"))
    assert not checked(source)[1]
    (item,) = found_in(source).diagnostics
    assert item.code == "E0606" and "`sum` leaves its domain" in item.message


def test_a_domain_that_one_input_leaves_is_an_error() -> None:
    """One input of 10^5, which check's draws miss."""
    source = spec({"m": (("z: int in 0 .. 1 = if x == 54321 then x else 1",), "z > 0")}, ("x: int in 0 .. 99_999",))
    assert [item.code for item in checked(source)[1]] == ["W0301"]
    (item,) = found_in(source).diagnostics
    assert (item.code, item.label) == ("E0606", "54321 for x = 54321")


def test_a_domain_is_proved_on_variants_too() -> None:
    """What the task keeps to, a variant with other inputs may leave: the warning becomes an error."""
    model = {"m": ((DOMAIN.format(top=1_960),), "half > 3")}
    fine = spec(model, ("x: int in 0 .. 99",), "variant v for t { input x: int in 0 .. 50 }")
    assert "W0301" not in codes(found_in(fine))
    model = {"m": (("z: int in 0 .. 1 = if x == 54321 then x else x % 2",), "z > 0")}
    wrong = spec(model, ("x: int in 0 .. 50_000",), "variant v for t { input x: int in 0 .. 99_999 }")
    (item,) = found_in(wrong).diagnostics
    assert (item.code, item.label, item.notes) == ("E0606", "54321 for x = 54321", ("on variant `v`",))


CONTROLLED = 'experiment e {{\n lm tiny\n run one\n tuples train = 40, validation = 40, test = 40\n{control}\n}}\nclaim "c" {{ {claim} }}'


@pytest.mark.parametrize(
    ("control", "claim", "told"),
    [
        ("", "best(gain(one.a)) >= 0.5", True),
        ("", "0.5 < best(iia(one.a))", True),
        ("", "best(gain(one.a)) <= 0.5", False),
        ("", "not best(gain(one.a)) >= 0.5", False),
        (" control random_rotation", "best(gain(one.a)) >= 0.5", False),
        (" control random_weights", "best(gain(one.a)) - best(gain(one.a), control = random_weights) > 0.1", False),
    ],
)
def test_a_claim_of_a_high_score_needs_a_control(control: str, claim: str, told: bool) -> None:
    """W0805 unless the experiment or a claim measures one; a claim of a low score needs none."""
    rest = "\n".join(
        ['lm tiny = embedded("tiny")', align("one", "m", "a"), CONTROLLED.format(control=control, claim=claim)]
    )
    source = spec({"m": (("a: bool = x >= 50",), "a")}, ("x: int in 0 .. 9_999",), rest)
    assert ("W0805" in codes(found_in(source))) == told


def test_levels_need_no_more_inputs_than_there_are() -> None:
    """Where no experiment asks for a number of tuples, few inputs are no mistake."""
    text = RIVALS.text.replace("0 .. 99", "0 .. 7")
    found = found_in(Source("test.cspec", text))
    assert codes(found) == ["W0804"] and len(found.levels) == 4
    assert all(level.tuples in (0, 30) for level in found.levels)


def test_tuples_that_an_experiment_cannot_have_are_an_error() -> None:
    """Where a run would stop, `check --data` does, with the diagnostic of the run."""
    claim = CONTROLLED.format(control=" control random_weights", claim="best(gain(one.a)) >= 0.5")
    rest = "\n".join(['lm tiny = embedded("tiny")', align("one", "m", "a"), claim])
    source = spec({"m": (("a: bool = x >= 5",), "a and y > 2")}, ("x: int in 0 .. 7", "y: int in 0 .. 7"), rest)
    assert codes(found_in(source)) == ["E0605"]


# `compare`


def test_a_comparison_shows_pairs_that_separate_the_most() -> None:
    """What is separated, is separated by the examples; labels of an example are right."""
    hypothesis, _ = checked(RIVALS)
    found = compare(hypothesis, "m", "n")
    rows = {(item.left.variables, item.right.variables): item.separated for item in found.contrasts}
    assert rows == {(("a",), ("b",)): False, (("a",), ("c",)): True, (("a",), ("b", "c")): True}
    assert not found.separated and found.fewest
    covered = {item.right.variables for example in found.examples for item in example.separates}
    assert covered == {("c",), ("b", "c")}
    for example in found.examples:
        base, source = (
            {name: int(column[0]) for name, column in part.items()} for part in (example.base, example.source)
        )  # type: ignore[arg-type]
        assert example.left[("a",)] == ("Yes" if source["x"] >= 5 and base["y"] > 2 else "No")
        assert example.right[("c",)] == ("Yes" if base["x"] >= 5 and source["y"] > 2 else "No")
    text = comparison_report.text(found)
    assert "not separable:\n  a of m and b of n" in text and "pair 1  base    x = " in text


@pytest.mark.parametrize(
    ("names", "told"),
    [(("m", "k"), "there are: m, n, one, two"), (("m", "m"), "with itself"), (("onee", "m"), "did you mean `one`?")],
)
def test_names_that_do_not_fit_are_refused(names: tuple[str, str], told: str) -> None:
    """A sentence for the user."""
    with pytest.raises(Unusable) as raised:
        compare(checked(RIVALS)[0], *names)
    assert told in str(raised.value)
