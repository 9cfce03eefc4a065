"""The short path equals the whole run with a hook, for several architectures, tokens and unequal lengths."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from causalspec_runtime.engine import Edit, Engine, InterchangeData, Pool, Site, collect
from causalspec_runtime.engine.prefix import Recomputed, Whole
from causalspec_runtime.engine.train import intervene
from causalspec_runtime.language_model.architectures import find_blocks
from causalspec_runtime.language_model.errors import LmError
from causalspec_runtime.language_model.load import FrozenLm
from causalspec_runtime.language_model.prompts import LAST, EncodedPrompts, Place
from causalspec_runtime.methods.boundless_das import BoundlessDas
from causalspec_runtime.methods.protocol import MapSettings

SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
MODELS: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "llama-eager": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, attn_implementation="eager")),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(vocab_size=97, n_embd=32, n_layer=3, n_head=4, n_positions=64)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=None)),
    "mistral-window": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=4)),
    "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**SHAPE, head_dim=8, sliding_window=4)),
    "neox": lambda: GPTNeoXForCausalLM(
        GPTNeoXConfig(**{key: value for key, value in SHAPE.items() if key != "num_key_value_heads"})
    ),
    "bloom": lambda: BloomForCausalLM(BloomConfig(vocab_size=97, hidden_size=32, n_layer=3, n_head=4)),
}
LENGTHS = (11, 7, 9, 11, 5, 8)
PLACES = {"first": Place(None, 0), "middle": Place(None, 2), "last": LAST}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def frozen(model: Any) -> FrozenLm:
    """A model of the tests, which has no tokenizer."""
    model.eval().requires_grad_(False)
    blocks = find_blocks(model)
    return FrozenLm(model, None, blocks, len(blocks), 32, torch.device("cpu"), "", "test")


def build(name: str) -> Engine:
    """A model with weights large enough for attention to matter."""
    torch.manual_seed(0)
    model = MODELS[name]()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(4)
    return Engine(frozen(model))


def prompts() -> EncodedPrompts:
    """Prompts of unequal length."""
    torch.manual_seed(1)
    lengths = torch.tensor(LENGTHS)
    ids = torch.randint(1, 97, (len(LENGTHS), max(LENGTHS)))
    return EncodedPrompts(ids, lengths, {}, torch.tensor([3, 5]), (), ("",) * len(LENGTHS))


def data() -> InterchangeData:
    """Every prompt a base, of two variables."""
    n = len(LENGTHS)
    sources = torch.stack([torch.arange(n).roll(1), torch.arange(n).roll(2)], dim=1)
    return InterchangeData(
        torch.arange(n), sources, torch.ones(n, 2, dtype=torch.bool), torch.zeros(n, dtype=torch.int64)
    )


def outcome(engine: Engine, pool: Pool, site: Site) -> tuple[Tensor, Tensor, Tensor]:
    """Logits and gradients of a fresh map."""
    table = BoundlessDas().build(32, 2, MapSettings(columns=6), 0, None)
    with torch.no_grad():
        table.step.normal_(std=0.05, generator=torch.Generator().manual_seed(5))
    logits = intervene(engine, pool, site, data(), table)
    logits.logsumexp(dim=-1).square().sum().backward()  # type: ignore[no-untyped-call]
    assert table.step.grad is not None and table.share.grad is not None
    return logits.detach(), table.step.grad, table.share.grad


def whole_pool(engine: Engine, pool: Pool) -> Pool:
    """The same pool without prefixes, so that every layer and token is run."""
    return replace(pool, prefixes=unabridged(prompts()))


def unabridged(encoded: EncodedPrompts) -> Whole:
    """All prompts, for runs of every layer and token."""
    return Whole(encoded.ids, encoded.lengths)


def close(found: Tensor, expected: Tensor) -> bool:
    """Equal within 1e-4 of the largest."""
    return float((found - expected).abs().max()) <= 1e-4 * float(expected.abs().max())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", MODELS)
def test_short_run_equals_whole_run(name: str, place: str) -> None:
    """Logits and gradients agree after first, middle and last layer, with prefixes kept and recomputed."""
    engine = build(name)
    assert engine.path == "suffix", engine.reason
    for layer in range(3):
        site = Site(layer, PLACES[place])
        kept = collect(engine, prompts(), [site, Site(0, LAST)], bases=torch.arange(6))
        again = collect(engine, prompts(), [site], bases=torch.arange(6), budget=0)
        assert (kept.level, again.level) == ("device", "recompute")
        expected = outcome(engine, whole_pool(engine, kept), site)
        if place == "last" or (layer < 2 and name not in ("mistral-window", "gemma2")):
            assert expected[1].abs().max() > 0
        for pool in (kept, again):
            for found, right in zip(outcome(engine, pool, site), expected, strict=True):
                assert close(found, right)


@pytest.mark.parametrize("name", MODELS)
def test_batch_of_prompts_equals_prompts_alone(name: str) -> None:
    """Padding changes neither activations nor logits."""
    engine, encoded = build(name), prompts()
    site = Site(1, LAST)
    pool = collect(engine, encoded, [site], batch=6)
    for row in range(6):
        alone = collect(engine, encoded.select(torch.tensor([row])), [site])
        assert close(pool.activations[site][row], alone.activations[site][0])


@pytest.mark.parametrize("name", MODELS)
def test_identity_reproduces_the_logits(name: str) -> None:
    """Putting an activation back where it was changes nothing."""
    engine, encoded = build(name), prompts()
    plain = [
        engine.lm.model(input_ids=encoded.ids[row : row + 1, 11 - length :]).logits[0, -1]
        for row, length in enumerate(LENGTHS)
    ]
    for place in PLACES.values():
        site = Site(1, place)
        pool = collect(engine, encoded, [site], bases=torch.arange(6))
        from_end = pool.from_end[site]
        batch = pool.prefixes.batch(torch.arange(6), 1, int(from_end.max()))
        found = engine.logits(batch, [Edit(1, from_end, lambda base: base)])
        assert close(found, torch.stack(plain).detach())


def test_edits_at_several_layers_equal_the_whole_run() -> None:
    """A second edit downstream sees what the first one did."""
    engine, encoded = build("llama"), prompts()
    here, there = torch.tensor([3, 2, 4, 1, 2, 5]), torch.tensor([1, 2, 1, 1, 2, 3])
    edits = [Edit(0, here, lambda base: base * 2), Edit(1, there, lambda base: base.flip(1))]
    rows = torch.arange(6)
    batch = Recomputed(engine.lm, encoded.ids, encoded.lengths).batch(rows, 0, 5)
    expected = engine.logits(unabridged(encoded).batch(rows, 0, 5), edits)
    assert close(engine.logits(batch, edits), expected)


def test_model_is_restored_after_an_exception() -> None:
    """A change that raises leaves blocks and hooks as they were; hooks of others stay and still fire."""
    engine, encoded = build("llama"), prompts()
    blocks = list(engine.lm.blocks)
    calls: list[int] = []
    handle = engine.lm.blocks[2].register_forward_hook(lambda *_: calls.append(1))

    def fail(_: Tensor) -> Tensor:
        raise ZeroDivisionError

    batch = Recomputed(engine.lm, encoded.ids, encoded.lengths).batch(torch.arange(6), 0, 3)
    edits = [Edit(0, torch.full((6,), 3), lambda base: base), Edit(1, torch.ones(6, dtype=torch.int64), fail)]
    with pytest.raises(ZeroDivisionError):
        engine.logits(batch, edits)
    assert list(engine.lm.blocks) == blocks
    assert [len(block._forward_hooks) for block in blocks] == [0, 0, 1]
    calls.clear()
    engine.logits(batch, edits[:1])
    assert calls == [1]
    handle.remove()


def test_state_space_model_takes_the_full_path_and_says_so() -> None:
    """An LM without keys and values runs whole."""
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=97, hidden_size=32, num_hidden_layers=3, state_size=4))
    engine = Engine(frozen(model))
    assert engine.path == "full" and engine.reason
    equal = prompts().select(torch.tensor([0, 3]))
    site = Site(1, LAST)
    pool = collect(engine, equal, [site], bases=torch.arange(2))
    from_end = pool.from_end[site]
    found = engine.logits(pool.prefixes.batch(torch.arange(2), 1, 1), [Edit(1, from_end, lambda base: base)])
    assert close(found, model(input_ids=equal.ids).logits[:, -1].detach())


def test_own_answers_come_with_the_pool_pass() -> None:
    """The LM's answer over the vocabulary is −1 where it is none of the answers."""
    engine, encoded = build("llama"), prompts()
    pool = collect(engine, encoded, [Site(0, LAST)])
    for row, length in enumerate(LENGTHS):
        logits = engine.lm.model(input_ids=encoded.ids[row : row + 1, 11 - length :]).logits[0, -1]
        top = int(logits.argmax())
        assert int(pool.answered[row]) == ({3: 0, 5: 1}.get(top, -1))
        assert int(pool.chosen[row]) == int(logits[[3, 5]].argmax())


def test_half_precision_takes_the_short_path() -> None:
    """Rounding is no reason to run the whole LM, and maps compute in float32."""
    torch.manual_seed(0)
    engine = Engine(frozen(MODELS["llama"]().to(torch.bfloat16)))
    assert engine.path == "suffix", engine.reason
    pool = collect(engine, prompts(), [Site(1, LAST)], bases=torch.arange(6))
    logits, gradient, _ = outcome(engine, pool, Site(1, LAST))
    assert pool.activations[Site(1, LAST)].dtype == torch.bfloat16
    assert logits.dtype == gradient.dtype == torch.float32


@pytest.mark.parametrize("site", [Site(3), Site(-1), Site(0, LAST, "mlp_hidden")])
def test_site_that_the_lm_lacks_is_told(site: Site) -> None:
    """Layers count from 0; kinds are those of the registry."""
    with pytest.raises(LmError, match=r"no layer|no kind"):
        collect(build("llama"), prompts(), [site])
