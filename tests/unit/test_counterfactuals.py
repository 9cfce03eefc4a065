"""Inputs follow the stated density; tuples are balanced, disjoint between splits, and the same every time."""

import operator
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalspec.semantics import arithmetic as a
from causalspec.semantics.columns import evaluate_columns, vocabulary
from causalspec.semantics.core import Constant, Core, Reference
from causalspec.semantics.hypothesis import Hole, Input, Let, Model, Output, Task
from causalspec.semantics.types import Bool, Number, Tuple, Words
from causalspec.span import Span
from causalspec_runtime import chance
from causalspec_runtime.counterfactuals import (
    Columns,
    Population,
    Sampler,
    Split,
    TupleSet,
    evaluation_set,
    inputs,
    interchange,
    outputs,
    training_pool,
    training_set,
    values,
)
from causalspec_runtime.counterfactuals import strata as strata_module
from causalspec_runtime.errors import SpecError
from tests.unit import _price as price

S = price.S
TASK = price.task()
WORDS = vocabulary([TASK], price.MODELS)
REQUIRE = Span(40, 50)


def whole(name: str, low: int, high: int, low_core: Core | None = None) -> tuple[Input, Reference]:
    type_ = Number(0, low, high)
    return Input(name, type_, low_core or price.num(low), price.num(high), S), price.ref(name, type_)


def small_task(
    *items: Input, requires: tuple[Core, ...] = (), lets: tuple[Let, ...] = (), words: Words = price.ANSWER
) -> Task:
    holes = tuple(
        Hole(item.name, price.ref(item.name, item.type), S) for item in items if not isinstance(item.type, Tuple)
    )
    return Task("small", "", items, lets, requires, holes, Output("answer", words, S), S)


X, x = whole("x", 0, 4)
Y, y = whole("y", 0, 6, low_core=x)  # drawn after x
Z, z = whole("z", 1, 3)
SUM = Let("total", a.add(y, z, S), S)
EVEN = a.equal(a.modulo(price.ref("total", SUM.value.type), price.num(2), S) or x, price.num(0), REQUIRE)
LINKED = small_task(X, Y, Z, requires=(EVEN,), lets=(SUM,))


def exact_density() -> dict[tuple[int, int, int], float]:
    """Of LINKED, from the definition."""
    density = {
        (i, j, k): 1 / 5 / (7 - i) / 3
        for i, j, k in product(range(5), range(7), range(1, 4))
        if j >= i and (j + k) % 2 == 0
    }
    total = sum(density.values())
    return {point: weight / total for point, weight in density.items()}


def chi_square(counts: Mapping[tuple[int, ...], int], density: Mapping[tuple[int, ...], float]) -> float:
    """Of counts against a density, in standard deviations above its mean."""
    assert counts.keys() <= density.keys()
    drawn = sum(counts.values())
    statistic = sum((counts.get(point, 0) - drawn * share) ** 2 / (drawn * share) for point, share in density.items())
    return float((statistic - (len(density) - 1)) / np.sqrt(2 * (len(density) - 1)))


def points_of(columns: Columns, *names: str) -> Counter[tuple[int, ...]]:
    return Counter(zip(*(np.asarray(columns[name]).tolist() for name in names), strict=True))


@pytest.mark.parametrize("listed_up_to", [0, 100_000], ids=["by rejection", "listed"])
def test_draws_follow_the_density(listed_up_to: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """∝ Π 1/|domain given earlier| × [require], with a dependent domain and a condition through a let."""
    monkeypatch.setattr(inputs, "SMALL", listed_up_to)
    columns = Sampler(LINKED, WORDS).draw(100_000, np.random.default_rng(0))
    assert abs(chi_square(points_of(columns, "x", "y", "z"), exact_density())) < 4
    assert (np.asarray(columns["total"]) == np.asarray(columns["y"]) + columns["z"]).all()


def test_the_list_of_points_is_the_density() -> None:
    """`listed` gives every point once with its exact weight, and None above its limit."""
    points = Sampler(LINKED, WORDS).listed()
    assert points is not None
    rows = zip(*(np.asarray(points.columns[name]).tolist() for name in "xyz"), points.weights.tolist(), strict=True)
    assert {row[:3]: row[3] for row in rows} == pytest.approx(exact_density())
    assert Sampler(TASK, WORDS).listed() is None


def test_inputs_of_every_type_are_uniform() -> None:
    """Bools, words, tuples, and numbers beyond 2**63."""
    letters = Words(("a", "b", "c"))
    pair = Tuple((Number(0, 1, 2), letters))
    wide = Number(0, 0, 10**20)
    task = small_task(
        Input("flag", Bool(), None, None, S),
        Input("letter", letters, None, None, S),
        Input("pair", pair, None, None, S),
        Input("wide", wide, price.num(0), price.num(10**20), S),
    )
    columns = Sampler(task, vocabulary([task])).draw(30_000, np.random.default_rng(0))
    first, second = columns["pair"]
    flat: Columns = {"flag": columns["flag"], "letter": columns["letter"], "first": first, "second": second}
    counts = points_of(flat, *flat)
    assert len(counts) == 36 and abs(chi_square(counts, dict.fromkeys(counts, 1 / 36))) < 4
    drawn = np.asarray(columns["wide"])
    assert drawn.dtype == object and 0.49 < np.mean(drawn > 5 * 10**19) < 0.51


def test_price_tagging_is_drawn_as_in_the_release() -> None:
    """Width first, then lower up to 9.95 − width, price apart: three moments."""
    columns = Sampler(TASK, WORDS).draw(200_000, np.random.default_rng(0))
    width, lower, cost = (np.asarray(columns[name]) for name in ("width", "lower", "price"))
    assert abs(width.mean() - 500) < 2 and abs(cost.mean() - 500) < 3
    assert lower.min() == 5 and (lower <= 995 - width).all()
    assert np.corrcoef(width, lower)[0, 1] < -0.3 and abs(np.corrcoef(width, cost)[0, 1]) < 0.01


def test_a_condition_that_nothing_meets_is_E0601() -> None:
    """The span is that of the condition that leaves nothing."""
    never = price.compare(">", price.ref("total", SUM.value.type), price.num(9))
    with pytest.raises(SpecError) as caught:
        Sampler(replace(LINKED, requires=(EVEN, replace(never, span=Span(60, 70)))), WORDS).draw(
            1, np.random.default_rng(0)
        )
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0601" and diagnostic.span == Span(60, 70)


def test_a_rare_condition_on_many_points_is_E0604(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither listed nor met within the bound: an error with the inputs' names, never an endless loop."""
    monkeypatch.setattr(inputs, "MOST_DRAWS", 200_000)
    (one, left), (two, right) = whole("one", 0, 10**8), whole("two", 0, 10**8)
    task = small_task(one, two, X, requires=(a.equal(a.multiply(left, left, S), right, REQUIRE),))
    with pytest.raises(SpecError) as caught:
        Sampler(task, WORDS).draw(10, np.random.default_rng(0))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0604" and diagnostic.span == REQUIRE and "`one`, `two`" in diagnostic.message


def test_a_rare_condition_on_few_points_is_listed() -> None:
    """One point of 640,000: rejection finds little, the list all."""
    (one, left), (two, right) = whole("one", 0, 799), whole("two", 0, 799)
    meets = price.both(a.equal(left, price.num(7), S), a.equal(right, price.num(9), S))
    columns = Sampler(small_task(one, two, requires=(meets,)), WORDS).draw(50, np.random.default_rng(0))
    assert points_of(columns, "one", "two") == {(7, 9): 50}


BIG = 10**6
ONE, one = whole("one", 0, BIG)
TWO, two = whole("two", 0, BIG)
THREE, three = whole("three", 0, BIG)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(a.equal(a.add(one, two, S), three, S), id="one in a million"),
        pytest.param(price.both(a.equal(one, two, S), a.equal(two, three, S)), id="one in 10^12"),
        pytest.param(price.compare(">=", a.add(a.add(one, two, S), three, S), price.num(3 * BIG - 300)), id="a corner"),
    ],
)
def test_thin_linear_conditions_are_met_at_once(condition: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equalities and corners of a cube are drawn without a search, evenly."""
    monkeypatch.setattr(inputs, "MOST_DRAWS", 100_000)
    columns = Sampler(small_task(ONE, TWO, THREE, requires=(condition,)), WORDS).draw(5_000, np.random.default_rng(0))
    assert np.asarray(evaluate_columns(condition, columns, WORDS)).all() and len(np.asarray(columns["one"])) == 5_000


def test_a_corner_is_drawn_evenly() -> None:
    """The points within 300 of the cube's corner: as far from it as those of a tetrahedron are."""
    corner = price.compare(">=", a.add(a.add(one, two, S), three, S), price.num(3 * BIG - 300))
    columns = Sampler(small_task(ONE, TWO, THREE, requires=(corner,)), WORDS).draw(20_000, np.random.default_rng(0))
    distances = [BIG - np.asarray(columns[name]) for name in ("one", "two", "three")]
    assert sum(distances).max() <= 300 and abs(sum(distances).mean() - 225) < 2  # type: ignore[union-attr]
    assert all(abs(distance.mean() - 75) < 2 for distance in distances)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.tuples(*[st.integers(-3, 3)] * 3), st.integers(-6, 12), st.sampled_from(["<", "<=", ">", "=="])),
        min_size=1,
        max_size=3,
    )
)
def test_draws_under_linear_conditions_follow_the_density(wanted: list[tuple[tuple[int, int, int], int, str]]) -> None:
    """Listed points have the weights of the definition; draws by rejection have their distribution."""
    requires = tuple(compare(op, sum_of([(i, x), (j, y), (k, z)]), price.num(bound)) for (i, j, k), bound, op in wanted)
    meets = {"<": operator.lt, "<=": operator.le, ">": operator.gt, "==": operator.eq}
    density = {
        (u, v, w): 1 / (7 - u)
        for u, v, w in product(range(5), range(7), range(1, 4))
        if v >= u and all(meets[op](i * u + j * v + k * w, bound) for (i, j, k), bound, op in wanted)
    }
    sampler = Sampler(small_task(X, Y, Z, requires=requires), WORDS)
    if not density:
        with pytest.raises(SpecError, match="E0601"):
            sampler.draw(1, np.random.default_rng(0))
        return
    total = sum(density.values())
    density = {point: weight / total for point, weight in density.items()}
    points = sampler.listed()
    assert points is not None
    rows = zip(*(np.asarray(points.columns[name]).tolist() for name in "xyz"), points.weights.tolist(), strict=True)
    assert {row[:3]: row[3] for row in rows} == pytest.approx(density)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inputs, "SMALL", 0)
        patched.setattr(inputs, "RARE", 0.0)
        counts = points_of(Sampler(sampler.task, WORDS).draw(20_000, np.random.default_rng(0)), "x", "y", "z")
    assert counts.keys() <= density.keys()
    assert len(density) == 1 or chi_square(counts, density) < 6


def compare(op: str, left: Core, right: Core) -> Core:
    return a.equal(left, right, S) if op == "==" else price.compare(op, left, right)


def sum_of(terms: list[tuple[int, Core]]) -> Core:
    first, *rest = [a.multiply(price.num(factor), term, S) for factor, term in terms]
    return reduce(lambda left, right: a.add(left, right, S), rest, first)


def test_an_empty_dependent_domain_is_E0603_with_the_assignment() -> None:
    """`y in x .. 3` has no value at x = 4; a condition on x that leaves 4 out mends it."""
    y_type = Number(0, 0, 3)
    narrow = Input("y", y_type, x, price.num(3), S)
    with pytest.raises(SpecError) as caught:
        Sampler(small_task(X, narrow), WORDS).draw(1_000, np.random.default_rng(0))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0603" and "x = 4" in diagnostic.label
    mended = small_task(X, narrow, requires=(price.compare("<", x, price.num(4)),))
    assert np.asarray(Sampler(mended, WORDS).draw(1_000, np.random.default_rng(0))["x"]).max() == 3


# Tuples


def prompts_of(population: Population, columns: Columns) -> set[tuple[int, ...]]:
    return set(map(tuple, population.keys(columns).tolist()))


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(TASK, WORDS, seed=3)


def test_tuples_are_balanced_and_labelled_by_the_model(population: Population) -> None:
    """Every feasible cell of (base output, source output, label) has as many tuples, with the model's own labels."""
    found = evaluation_set(population, price.LEFT, ("above",), Split.TEST, 2_000)
    assert len(found) == 2_000
    counts = np.bincount(found.stratum)
    assert len(counts) == 7 and counts.max() - counts.min() <= 1
    base, source = found.rows(found.base), found.rows(found.sources[:, 0])
    assert (interchange(price.LEFT, base, {"above": source}, WORDS) == found.label).all()
    assert (outputs(price.LEFT, base, WORDS) == found.base_output).all()
    assert (outputs(price.LEFT, source, WORDS) == found.source_outputs[:, 0]).all()
    assert found.strata.missing == ("base Yes, source Yes -> No",)
    assert not found.strata.exact and sum(found.strata.shares) == pytest.approx(1)


def test_two_variables_have_a_source_each(population: Population) -> None:
    """The joint subset has three prompts a tuple and 14 cells, one count each."""
    found = evaluation_set(population, price.BOTH, ("above", "below"), Split.VALIDATION, 1_000)
    held = {name: found.rows(found.sources[:, i]) for i, name in enumerate(("above", "below"))}
    assert (interchange(price.BOTH, found.rows(found.base), held, WORDS) == found.label).all()
    counts = np.bincount(found.stratum)
    assert len(counts) == 14 and counts.max() - counts.min() <= 1


def test_named_variables_are_balanced_too(population: Population) -> None:
    """Every feasible combination of outputs and of `below` on base and source has as many tuples; labels stay."""
    found = evaluation_set(population, price.BOTH, ("above",), Split.TEST, 1_200, balance=("below",))
    base, source = found.rows(found.base), found.rows(found.sources[:, 0])
    sides = [np.asarray(values(price.BOTH, rows, WORDS)["below"]) for rows in (base, source)]
    cells = Counter(
        zip(
            *(part.tolist() for part in (found.base_output, found.source_outputs[:, 0], found.label, *sides)),
            strict=True,
        )
    )
    assert len(cells) == len(found.strata) and max(cells.values()) - min(cells.values()) <= 1
    assert (interchange(price.BOTH, base, {"above": source}, WORDS) == found.label).all()
    told = {item.balanced for item in found.strata.items}
    assert told <= {(f"below = {x}, {y}",) for x in ("true", "false") for y in ("true", "false")} and len(told) == 4
    train = training_set(training_pool(population), price.BOTH, ("above",), 1_200, ("below",))
    counts = np.bincount(train.stratum)
    assert len(counts) == len(found.strata) and counts.max() - counts.min() <= 1


def test_fewer_tuples_than_kinds_are_refused(population: Population) -> None:
    """No kind is left out in silence: floors are those of all of them."""
    with pytest.raises(SpecError, match="E0605"):
        evaluation_set(population, price.LEFT, ("above",), Split.TEST, 6)
    with pytest.raises(SpecError, match="E0605"):
        training_set(training_pool(population), price.LEFT, ("above",), 6)


def test_a_condition_beyond_int64_narrows(population: Population) -> None:
    """Python's integers where numpy's end."""
    (item, n) = whole("n", 0, 10**20)
    task = small_task(item, requires=(price.compare(">", n, price.num(9 * 10**19)),))
    drawn = np.asarray(Sampler(task, vocabulary([task])).draw(500, np.random.default_rng(0))["n"])
    assert (drawn > 9 * 10**19).all() and (drawn <= 10**20).all()


def test_too_many_kinds_of_tuples_are_refused() -> None:
    """What cannot be numbered is an error with a way out, before anything is drawn."""
    words = Words(tuple(f"w{i}" for i in range(1_000)))
    task, model = equality_model(words)
    copies = {f"v{i}": price.ref("word", words) for i in range(5)}
    many = price.model("many", copies, model.output, "small")
    with pytest.raises(SpecError, match="E0605"):
        strata_module.survey(Population(task, vocabulary([task], [many])), many, tuple(copies))


def test_no_prompt_occurs_twice_in_a_set(population: Population) -> None:
    """2,000 tuples have 4,000 different prompts."""
    found = evaluation_set(population, price.MIDPOINT, ("midpoint",), Split.TEST, 2_000)
    assert len(prompts_of(population, found.columns)) == 4_000 == len(np.unique(found.prompts))


def test_a_later_look_has_other_prompts(population: Population) -> None:
    """Three looks of 500 tuples have 3,000 prompts, all of the test split."""
    looks = [evaluation_set(population, price.LEFT, ("above",), Split.TEST, 500, look) for look in range(3)]
    assert len(set().union(*(prompts_of(population, found.columns) for found in looks))) == 3_000
    assert all(population.within(found.columns, Split.TEST).all() for found in looks)


def test_splits_share_no_input_across_alignments_and_variants(population: Population) -> None:
    """Training, validation and test of any two models, and of a variant, have no prompt in common."""
    narrow = Population(price.task(width=(300, 300), name="narrow"), WORDS, seed=3, base=TASK)
    train = training_pool(population).columns
    sets = {
        Split.TRAIN: [train],
        Split.VALIDATION: [evaluation_set(population, price.LEFT, ("above",), Split.VALIDATION, 1_000).columns],
        Split.TEST: [
            evaluation_set(population, price.BRACKET, ("bracket",), Split.TEST, 2_000).columns,
            evaluation_set(narrow, price.LEFT, ("above",), Split.TEST, 1_000).columns,
        ],
    }
    seen = {split: set().union(*(prompts_of(population, part) for part in parts)) for split, parts in sets.items()}
    assert not seen[Split.TRAIN] & (seen[Split.VALIDATION] | seen[Split.TEST])
    assert not seen[Split.VALIDATION] & seen[Split.TEST]
    assert set(np.asarray(sets[Split.TEST][1]["width"]).tolist()) == {300}


@pytest.mark.parametrize("between", ["", "3", " 3"], ids=["nothing", "a digit", "a space"])
def test_prompts_of_equal_text_are_one_prompt(between: str) -> None:
    """`{i}{j}` prints 1 and 11 as it prints 11 and 1: one split, one prompt; what can be told apart stays two."""
    (i_input, _), (j_input, _) = whole("i", 0, 399), whole("j", 0, 399)
    task = small_task(i_input, j_input)
    first, second = task.holes
    task = replace(task, prompt=(first, between, second) if between else (first, second))
    population = Population(task, WORDS)
    columns = population.sampler.draw(20_000, np.random.default_rng(0))
    texts = [f"{i}{between}{j}" for i, j in zip(*(np.asarray(columns[name]).tolist() for name in "ij"), strict=True)]
    keys = list(map(tuple, population.keys(columns).tolist()))
    assert len(set(keys)) == len(set(texts)) == len(set(zip(keys, texts, strict=True)))
    of: dict[str, set[Split]] = {text: set() for text in texts}
    for split in Split:
        for row in np.flatnonzero(population.within(columns, split)):
            of[texts[row]].add(split)
    assert all(len(splits) == 1 for splits in of.values())
    assert (len(set(texts)) < len(points_of(columns, "i", "j"))) == (between != " 3")


def test_every_split_is_drawn_like_the_whole(population: Population) -> None:
    """The keyed hash takes no side: each split has its share, and the whole's mean price."""
    columns = population.sampler.draw(200_000, np.random.default_rng(0))
    parts = [population.within(columns, split) for split in Split]
    assert (np.sum(parts, axis=0) == 1).all()
    assert [part.mean() for part in parts] == pytest.approx([0.3, 0.2, 0.5], abs=0.005)
    assert all(abs(np.asarray(columns["price"])[part].mean() - 500) < 6 for part in parts)


def test_data_are_a_function_of_seed_and_names(population: Population) -> None:
    """The same again after other draws; other with another seed."""

    def draw(again: Population) -> TupleSet:
        return evaluation_set(again, price.LEFT, ("above",), Split.TEST, 200)

    first = draw(population)
    evaluation_set(population, price.BRACKET, ("bracket",), Split.TEST, 100)
    same, other = draw(Population(TASK, WORDS, seed=3)), draw(Population(TASK, WORDS, seed=4))
    assert all(
        np.array_equal(np.asarray(first.columns[name]), np.asarray(same.columns[name])) for name in first.columns
    )
    assert np.array_equal(first.label, same.label)
    assert not np.array_equal(np.asarray(first.columns["price"]), np.asarray(other.columns["price"]))


def test_training_reuses_a_pool(population: Population) -> None:
    """4,000 balanced tuples over 1,000 bases and 3,000 sources, the same pool for every alignment."""
    pool = training_pool(population)
    assert (len(pool.bases), len(pool.sources)) == (1_000, 3_000)
    assert len(prompts_of(population, pool.columns)) == 4_000
    for model, subset in ((price.LEFT, ("above",)), (price.BOTH, ("above", "below"))):
        found = training_set(pool, model, subset, 4_000)
        counts = np.bincount(found.stratum)
        assert len(found) == 4_000 and counts.max() - counts.min() <= 1
        assert np.isin(found.base, pool.bases).all() and np.isin(found.sources, pool.sources).all()
        held = {name: found.rows(found.sources[:, i]) for i, name in enumerate(subset)}
        assert (interchange(model, found.rows(found.base), held, WORDS) == found.label).all()


FEW, few = whole("n", 0, 5_999)
LIMIT, limit = whole("limit", 10, 11)
FEW_TASK = small_task(FEW, LIMIT)
FEW_MODEL = price.model("few", {"over": price.compare(">=", few, limit)}, price.yes_if(price.ref("over", Bool())))


def test_shares_of_a_small_task_are_exact() -> None:
    """The survey combines all points; the four cells that the label cannot have are impossible."""
    found = strata_module.survey(Population(FEW_TASK, WORDS), FEW_MODEL, ("over",))
    yes = 1 - 10.5 / 6_000
    assert found.exact and len(found.missing) == 4
    assert found.shares == pytest.approx([yes * yes, yes * (1 - yes), (1 - yes) * yes, (1 - yes) ** 2])


def test_a_cell_too_thin_to_fill_is_E0605_with_the_numbers() -> None:
    """Of 12,000 prompts, 21 are below the limit: few tuples have them, and the error says how many can be had."""
    with pytest.raises(SpecError) as caught:
        evaluation_set(Population(FEW_TASK, WORDS), FEW_MODEL, ("over",), Split.TEST, 400)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0605" and "of 100 with base No, source No -> No" in diagnostic.label
    assert "tuples can be had" in diagnostic.notes[0]


def test_too_few_inputs_to_train_on_is_E0605() -> None:
    """A task of ten prompts has no training pool."""
    with pytest.raises(SpecError, match="E0605"):
        training_pool(Population(small_task(X, LIMIT), WORDS))


def equality_model(words: Words) -> tuple[Task, Model]:
    """The output is the input's word; with many words there are more than 64 cells."""
    (number, n) = whole("n", 0, 9_999)
    task = small_task(Input("word", words, None, None, S), number, words=words)
    word: Core = price.ref("word", words)
    small = price.compare("<", n, price.num(1_000))
    output = a.conditional(small, Constant("w0", Words(("w0",)), S), price.ref("shown", words), S)
    return task, price.model("copy", {"shown": word}, output, "small")


@pytest.mark.parametrize(("words", "patterns"), [(3, False), (12, True)])
def test_above_64_cells_the_pattern_of_equalities_is_balanced(words: int, patterns: bool) -> None:
    """With 12 words a stratum says which of base output, source output and label are the same."""
    task, model = equality_model(Words(tuple(f"w{i}" for i in range(words))))
    found = evaluation_set(Population(task, vocabulary([task], [model])), model, ("shown",), Split.TEST, 400)
    counts = np.bincount(found.stratum)
    assert found.strata.patterns is patterns and counts.max() - counts.min() <= 1
    if patterns:
        rows = np.stack([found.base_output, found.source_outputs[:, 0], found.label], axis=1)
        assert {(item.base, *item.sources, item.label) for item in found.strata.items} <= {
            ("a", "a", "a"), ("a", "a", "b"), ("a", "b", "a"), ("a", "b", "b"), ("a", "b", "c"),
        }  # fmt: skip
        same = [item.sources[0] == item.label for item in found.strata.items]
        assert ((rows[:, 1] == rows[:, 2]) == np.array(same)[found.stratum]).all()


@pytest.mark.parametrize("words", [3, 20])
def test_floors_are_of_all_balanced_tuples(words: int) -> None:
    """With many answers a guess fitted to the drawn tuples would score too high; the floor is that of the definition."""
    task, model = equality_model(Words(tuple(f"w{i}" for i in range(words))))
    strata = strata_module.survey(Population(task, vocabulary([task], [model])), model, ("shown",))
    natural: dict[tuple[int, int, int], float] = {}
    for (base, source), (small, small_too) in product(
        product(range(words), repeat=2), product((True, False), repeat=2)
    ):
        cell = (0 if small else base, 0 if small_too else source, 0 if small else source)
        share = (0.1 if small else 0.9) * (0.1 if small_too else 0.9) / words**2
        natural[cell] = natural.get(cell, 0.0) + share
    kind = {cell: tuple(map(cell.index, cell)) if words > 3 else cell for cell in natural}
    kinds = {group: sum(share for cell, share in natural.items() if kind[cell] == group) for group in kind.values()}
    weight = {cell: share / kinds[kind[cell]] / len(kinds) for cell, share in natural.items()}
    best: dict[tuple[int, int], float] = {}
    for cell, share in weight.items():
        best[cell[:2]] = max(best.get(cell[:2], 0.0), share)
    found = chance.floors(strata)
    assert found.answer_only == pytest.approx(sum(best.values()))
    assert found.no_op == pytest.approx(sum(share for cell, share in weight.items() if cell[0] == cell[2]))
    assert found.full_swap == pytest.approx(sum(share for cell, share in weight.items() if cell[1] == cell[2]))
    assert found.answer_only >= max(found.no_op, found.full_swap, found.majority)


def test_estimated_shares_are_near_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the list of points out of reach the survey draws."""
    task, model = equality_model(Words(("w0", "w1", "w2")))
    population = Population(task, vocabulary([task], [model]))
    exact = strata_module.survey(population, model, ("shown",))
    monkeypatch.setattr(strata_module, "MOST_COMBINATIONS", 100)
    estimated = strata_module.survey(population, model, ("shown",))
    assert exact.exact and not estimated.exact
    assert estimated.shares == pytest.approx(exact.shares, abs=0.002)


def test_a_prompt_is_known_by_what_it_prints() -> None:
    """Assignments that differ only in what the prompt does not show are one prompt, in one split."""
    hidden = replace(FEW_TASK, prompt=(Hole("n", few, S),))
    population = Population(hidden, WORDS)
    columns: Columns = {"n": np.arange(1_000), "limit": np.full(1_000, 10)}
    other: Columns = {**columns, "limit": np.full(1_000, 11)}
    assert (population.keys(columns) == population.keys(other)).all()
    assert (population.within(columns, Split.TEST) == population.within(other, Split.TEST)).all()
