"""The map of Boundless DAS, and that the training loop finds a planted one."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from causalspec_runtime.engine import (
    Engine,
    InterchangeData,
    Recipe,
    ScoredCell,
    Site,
    TrainedCell,
    collect,
    evaluate,
    train,
)
from causalspec_runtime.engine.train import predict
from causalspec_runtime.language_model.architectures import find_blocks
from causalspec_runtime.language_model.load import FrozenLm
from causalspec_runtime.language_model.prompts import EncodedPrompts
from causalspec_runtime.methods import METHODS
from causalspec_runtime.methods.boundless_das import BoundlessDas, BoundlessMap
from causalspec_runtime.methods.fixed import FixedRotation, WholeVector, principal_rotation, random_rotation
from causalspec_runtime.methods.protocol import MapSettings, StartData
from causalspec_runtime.methods.rotation import cayley, interchange

D = 24
LONG = Recipe(epochs=16, validations=2)
TOKENS = 31


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def build(columns: int, variables: int = 2, seed: int = 0, d: int = D) -> BoundlessMap:
    """A map with a random first rotation."""
    return BoundlessDas().build(d, variables, MapSettings(columns=columns), seed, None)


def activations(n: int = 9, variables: int = 2, d: int = D) -> tuple[Tensor, Tensor, Tensor]:
    """Base, sources, swapped."""
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(n, d, generator=generator)
    sources = torch.randn(n, variables, d, generator=generator)
    return base, sources, torch.rand(n, variables, generator=generator) < 0.5


@pytest.mark.parametrize("columns", [3, 8, 12])
def test_rotation_is_orthonormal_after_every_step(columns: int) -> None:
    """Thin and full, with steps large enough to leave the neighbourhood of the first frame."""
    table, (base, sources, swapped) = build(columns), activations()
    optimizer = torch.optim.Adam(table.parameters(), lr=0.3)
    for _ in range(25):
        optimizer.zero_grad()
        (table(base, sources, swapped) - 1).square().sum().backward()
        optimizer.step()
        table.settle()
        rotation = table.rotation()
        assert (rotation.T @ rotation - torch.eye(2 * columns)).abs().max() < 2e-5
    assert (rotation - build(columns).rotation()).abs().max() > 0.1


@pytest.mark.parametrize("columns", [3, 12])
def test_gradient_of_a_thin_rotation_equals_that_of_finite_differences(columns: int) -> None:
    """Both forms of the Cayley transform are the same function."""
    table = build(columns).double()
    base, sources, swapped = (part.double() if part.is_floating_point() else part for part in activations())
    table.frame = torch.linalg.qr(table.frame)[0]

    def value(step: Tensor) -> Tensor:
        return interchange(base, sources, swapped, cayley(table.frame, step), table.mask().detach()).sin().sum()

    step = (0.1 * torch.randn(D, 2 * columns, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(value, (step,), nondet_tol=1e-9)


@pytest.mark.parametrize("hard", [False, True])
def test_map_equals_the_formula(hard: bool) -> None:
    """h_b + Σ_i Q_i M_i Q_iᵀ (h_si − h_b), written out with whole matrices, one row at a time."""
    table, (base, sources, swapped) = build(5), activations()
    with torch.no_grad():
        table.step.normal_(std=0.2)
        table.share.copy_(torch.tensor([0.3, 0.7]))
    table.anneal(0.9)
    if hard:
        table.harden()
    found = table(base, sources, swapped)
    rotation = table.rotation()
    for row in range(len(base)):
        expected = base[row].clone()
        for variable in range(2):
            block = rotation[:, 5 * variable : 5 * variable + 5]
            soft = torch.sigmoid((5 * table.share[variable] - torch.arange(5) - 0.5) / table.temperature)
            mask = torch.diag((soft > 0.5).float() if hard else soft)
            if swapped[row, variable]:
                expected = expected + block @ mask @ block.T @ (sources[row, variable] - base[row])
        assert torch.allclose(found[row], expected, atol=1e-5)


def test_variables_have_disjoint_blocks() -> None:
    """Swapping one variable leaves the other's coordinates as they were."""
    table, (base, sources, _) = build(6), activations()
    table.harden()
    first = torch.tensor([[True, False]]).expand(9, 2)
    changed = table(base, sources, first) - base
    assert (changed @ table.rotation()[:, 6:]).abs().max() < 1e-5
    assert (changed @ table.rotation()[:, :6]).abs().max() > 0.1


def test_hard_mask_swaps_whole_columns() -> None:
    """Column j is in where j + ½ < w, and the first column counts as much as the others."""
    table = build(10, variables=1)
    for width, expected in ((0.0, 0), (0.4, 0), (0.6, 1), (3.49, 3), (3.51, 4), (10.0, 10)):
        table.share.data.fill_(width / 10)
        table.harden()
        assert table.mask().sum() == expected and table.widths() == (expected,)
        assert set(table.mask().unique().tolist()) <= {0.0, 1.0}
        table.soften()
        assert (table.mask() > 0.5).sum() == expected


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_width_at_its_limit_still_has_a_gradient(end: float) -> None:
    """There is no dead zone; a step out of range is taken back."""
    table, (base, sources, swapped) = build(6), activations()
    table.share.data.fill_(end)
    table.anneal(0.95)
    table(base, sources, swapped).square().sum().backward()
    assert table.share.grad is not None and table.share.grad.abs().min() > 0
    table.share.data.add_(2 * end - 1)
    table.settle()
    assert table.share.tolist() == [end, end]


def test_map_grows_when_its_room_runs_out() -> None:
    """The rotation found so far and its width are kept; new columns are orthogonal to it."""
    table, (base, sources, swapped) = build(4), activations()
    table.step.data.normal_(std=0.2)
    table.share.data.copy_(torch.tensor([0.5, 0.8]))
    table.harden()
    before, blocks = table(base, sources, swapped), table.rotation().reshape(D, 2, 4)
    assert table.grow()
    assert table.columns == 8
    assert torch.allclose(table.rotation().reshape(D, 2, 8)[:, :, :4], blocks, atol=1e-5)
    assert torch.allclose(table(base, sources, swapped), before, atol=1e-4)
    table.share.data.fill_(0.9)
    assert table.grow() and table.columns == 12
    table.share.data.fill_(0.9)
    assert not table.grow()


def test_saved_map_computes_the_same() -> None:
    """The hard map read back from its tensors, and no column more than the width is saved."""
    table, (base, sources, swapped) = build(7), activations()
    table.share.data.copy_(torch.tensor([0.2, 0.5]))
    table.harden()
    state = table.state()
    assert state["rotation"].shape == (D, 2, max(table.widths()))
    again = METHODS["boundless_das"].load(state)
    assert again.widths() == table.widths()
    assert torch.allclose(again(base, sources, swapped), table(base, sources, swapped), atol=1e-6)
    assert torch.equal(again.state()["rotation"], state["rotation"])


def test_random_and_principal_rotations_have_the_widths_asked_for() -> None:
    """Controls swap as many coordinates as the map they stand beside."""
    _, sources, _ = activations()
    for table in (random_rotation(D, (3, 5), 0), principal_rotation(sources[:, 0], (3, 5))):
        assert table.widths() == (3, 5)
        used = torch.cat([table.rotation[:, 0, :3], table.rotation[:, 1, :5]], dim=1)
        assert (used.T @ used - torch.eye(8)).abs().max() < 1e-5
    assert not torch.equal(random_rotation(D, (3,), 0).rotation, random_rotation(D, (3,), 1).rotation)


def test_whole_vector_puts_the_source_in_place_of_the_base() -> None:
    """Nothing is left of the base where a variable is swapped."""
    base, sources, swapped = activations()
    found = WholeVector(D, 2)(base, sources, swapped)
    for row in range(len(base)):
        chosen = swapped[row].nonzero()
        assert torch.equal(found[row], sources[row, int(chosen[0])] if len(chosen) else base[row])


def test_first_rotation_lies_where_gradients_and_differences_meet() -> None:
    """Each variable's block begins with its own direction."""
    generator = torch.Generator().manual_seed(0)
    differences = torch.randn(400, 2, D, generator=generator)
    swapped = torch.eye(2, dtype=torch.bool).repeat(200, 1)
    gradients = torch.zeros(400, D)
    for variable, coordinate in ((0, 5), (1, 11)):
        rows = swapped[:, variable]
        gradients[rows, coordinate] = differences[rows, variable, coordinate].sign()
    table = BoundlessDas().build(D, 2, MapSettings(columns=4), 0, StartData(differences, gradients, swapped))
    assert table.frame[5, 0].abs() > 0.95 and table.frame[11, 4].abs() > 0.95


def planted() -> tuple[Engine, EncodedPrompts, InterchangeData]:
    """A random LM, and labels that swapping 4 planted coordinates after block 1 at the last token gives."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=TOKENS,
        hidden_size=D,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        initializer_range=0.3,
    )
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    blocks = find_blocks(model)
    engine = Engine(FrozenLm(model, None, blocks, 3, D, torch.device("cpu"), "", "test"))
    ids = torch.randint(1, TOKENS, (900, 7))
    lengths = torch.randint(4, 8, (900,))
    prompts = EncodedPrompts(ids, lengths, {}, torch.arange(TOKENS), (), ("",) * 900)
    base, sources = torch.randint(0, 300, (2400,)), torch.randint(300, 900, (2400, 1))
    data = InterchangeData(base, sources, torch.ones(2400, 1, dtype=torch.bool), torch.zeros(2400, dtype=torch.int64))
    pool = collect(engine, prompts, [Site(1)], bases=torch.arange(300))
    label, _ = predict(engine, pool, Site(1), data, random_rotation(D, (4,), 7))
    changed = (label != pool.answered[data.base]).nonzero()[:, 0]
    rows = torch.cat([changed, torch.arange(400)])[torch.randperm(len(changed) + 400)]
    return engine, prompts, replace(data, label=label).select(rows)


def learn(seed: int = 0, recipe: Recipe = LONG) -> tuple[TrainedCell, float]:
    """Train on planted labels; the cell and its IIA on tuples kept aside."""
    engine, prompts, data = planted()
    held, learned = data.select(torch.arange(300)), data.select(torch.arange(300, len(data)))
    pool = collect(engine, prompts, [Site(1)], bases=torch.arange(300))
    cell = train(engine, Site(1), pool, learned, pool, held, METHODS["boundless_das"], recipe, seed)
    scored = evaluate(engine, prompts, held, [ScoredCell(Site(1), cell.map)])
    return cell, float(scored.correct.float().mean())


def test_training_finds_a_planted_subspace() -> None:
    """Labels that came from swapping four coordinates are reproduced, far above what a random map does."""
    engine, prompts, data = planted()
    cell, iia = learn()
    scored = evaluate(engine, prompts, data, [ScoredCell(Site(1), random_rotation(D, (4,), 8))])
    assert iia > 0.8 > 0.6 > float(scored.correct.float().mean())
    assert 3 <= cell.widths[0] <= 10
    assert cell.status in ("trained", "settled") and len(cell.history) > 3


def test_same_seed_gives_the_same_bits() -> None:
    """And another seed another map."""
    short = Recipe(epochs=1)
    first, again, other = learn(0, short)[0], learn(0, short)[0], learn(1, short)[0]
    assert torch.equal(first.state["rotation"], again.state["rotation"]) and first.history == again.history
    assert not torch.equal(first.state["rotation"], other.state["rotation"])


def test_loss_that_is_no_number_is_a_status() -> None:
    """A NaN ends the cell as diverged."""
    engine, prompts, data = planted()
    pool = collect(engine, prompts, [Site(1)], bases=torch.arange(300))
    pool.activations[Site(1)][300:] = float("nan")
    recipe = Recipe(start_tuples=0)
    cell = train(engine, Site(1), pool, data, pool, data, METHODS["boundless_das"], recipe, 0)
    assert (cell.status, cell.steps) == ("diverged", 0)


def test_cell_that_gains_nothing_collapses() -> None:
    """Where the label is the base's own output, nothing is worth swapping."""
    engine, prompts, data = planted()
    pool = collect(engine, prompts, [Site(1)], bases=torch.arange(300))
    unchanged = replace(data, label=pool.answered[data.base])
    recipe = Recipe(epochs=6, map=MapSettings(boundary_lr=3e-2))
    cell = train(engine, Site(1), pool, unchanged, pool, unchanged, METHODS["boundless_das"], recipe, 0)
    assert cell.status == "collapsed" and cell.widths == (0,)
    assert isinstance(cell.map, FixedRotation)


def test_tuples_may_come_through_the_stream_in_any_batch() -> None:
    """Evaluation in small batches gives what one batch gives, and the LM's own answers beside it."""
    engine, prompts, data = planted()
    cells = [ScoredCell(Site(1), random_rotation(D, (4,), 7)), ScoredCell(Site(0), WholeVector(D, 1))]
    large, small = (evaluate(engine, prompts, data.select(torch.arange(150)), cells, batch=size) for size in (150, 32))
    assert torch.equal(large.answered, small.answered) and torch.equal(large.base_answer, small.base_answer)
    assert large.correct[0].all() and not large.correct[1].all()
    assert large.source_answer.shape == (150, 1)
