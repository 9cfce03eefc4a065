"""Train an LM whose causal structure is known, by interchange intervention training (arXiv 2112.00826).

In: nothing but a seed; price tagging prompts come from `runtime/training/sentences.py`. Out: `tests/truth/boundaries/`.
Invariant: after block `LAYER`, at the last prompt token, coordinates `ABOVE` hold price >= lower, `BELOW` hold
price <= upper, and the rest say nothing about the answer; `truth.json` tells how far that holds on held-out prompts.

    python tests/truth/train_boundaries.py
    python tests/truth/train_boundaries.py --check
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "runtime" / "training"))  # scripts, not a package

from run_settings import Settings  # noqa: E402
from sentences import GAME_PREFIX, Prices, draw_prices, draw_trained  # noqa: E402
from train_tiny import build_model, build_optimizers, build_tokenizer, rate_factor, save  # noqa: E402

LAYER = 2
ABOVE, BELOW, REST = slice(0, 16), slice(16, 32), slice(32, 64)
CANDIDATES = 8_192  # tuples drawn from a batch, of which the balanced ones are taken


@dataclass(frozen=True, slots=True)
class Swap:
    """Which of the three blocks of coordinates come from a source of their own."""

    name: str
    above: bool
    below: bool
    rest: bool


SWAPS = (
    Swap("above", above=True, below=False, rest=False),
    Swap("below", above=False, below=True, rest=False),
    Swap("both", above=True, below=True, rest=False),
    Swap("rest", above=False, below=False, rest=True),
    Swap("all", above=True, below=True, rest=True),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The causal model on a batch, one bool for each prompt."""

    above: Tensor
    below: Tensor

    @property
    def answer(self) -> Tensor:
        """Yes where both hold."""
        return self.above & self.below


@dataclass(frozen=True, slots=True)
class Tuples:
    """Interchanges within a batch: rows of the base and of each block's source, the label and its cell."""

    base: Tensor
    above: Tensor
    below: Tensor
    rest: Tensor
    label: Tensor
    cell: Tensor


def facts_of(prices: list[Prices]) -> Facts:
    """Evaluate the causal model."""
    return Facts(torch.tensor([p.above for p in prices]), torch.tensor([p.below for p in prices]))


def draw_tuples(facts: Facts, swap: Swap, count: int, generator: torch.Generator) -> Tuples:
    """Tuples of equal weight over the cells of (base output, source outputs, label) that occur."""
    rows = torch.randint(len(facts.above), (4, CANDIDATES), generator=generator)
    base = rows[0]
    above, below, rest = (rows[i] if on else base for i, on in enumerate((swap.above, swap.below, swap.rest), start=1))
    label = facts.above[above] & facts.below[below]
    outputs = torch.stack([facts.answer[base], facts.answer[above], facts.answer[below], facts.answer[rest], label])
    cell = (outputs * torch.tensor([[16], [8], [4], [2], [1]])).sum(0)
    sizes = torch.bincount(cell, minlength=32)
    taken = torch.multinomial(1 / sizes[cell], count, replacement=True, generator=generator)
    return Tuples(*(column[taken] for column in (base, above, below, rest, label, cell)))


def states_after_layer(model: LlamaForCausalLM, tokens: Tensor) -> Tensor:
    """The residual stream after block `LAYER`."""
    core = model.model
    return _run_blocks(model, core.embed_tokens(tokens), core.layers[: LAYER + 1])


def finish(model: LlamaForCausalLM, states: Tensor) -> Tensor:
    """Logits at the last token, from the residual stream after block `LAYER`."""
    states = _run_blocks(model, states, model.model.layers[LAYER + 1 :])
    return model.lm_head(model.model.norm(states[:, -1]))


def _run_blocks(model: LlamaForCausalLM, states: Tensor, blocks: torch.nn.ModuleList) -> Tensor:
    positions = torch.arange(states.shape[1])[None]
    rotary = model.model.rotary_emb(states, positions)
    for block in blocks:
        states = block(states, position_embeddings=rotary)
    return states


def interchange(states: Tensor, tuples: Tuples) -> Tensor:
    """The base's stream, with each block of the last token's coordinates from its own source."""
    last = states[:, -1]
    parts = [last[tuples.above, ABOVE], last[tuples.below, BELOW], last[tuples.rest, REST]]
    return torch.cat([states[tuples.base, :-1], torch.cat(parts, -1)[:, None]], 1)


@dataclass(frozen=True, slots=True)
class Answers:
    """The token of each answer."""

    yes: int
    no: int

    def targets(self, labels: Tensor) -> Tensor:
        """The answer token of each label."""
        return torch.where(labels, self.yes, self.no)


def answers_of(tokenizer: PreTrainedTokenizerFast) -> Answers:
    """Look the two tokens up."""
    (yes,), (no,) = tokenizer([" Yes", " No"])["input_ids"]
    return Answers(yes, no)


def encode(tokenizer: PreTrainedTokenizerFast, prices: list[Prices], prefix: str = "") -> Tensor:
    """The prompts; all have one length."""
    return torch.tensor(tokenizer([p.sentence(prefix).prompt for p in prices])["input_ids"])


def train(tokenizer: PreTrainedTokenizerFast, settings: Settings) -> LlamaForCausalLM:
    """Task loss plus the mean of the interchange losses."""
    model = build_model(tokenizer, settings)
    optimizers, answers = build_optimizers(model, settings), answers_of(tokenizer)
    rates = (settings.matrix_rate, settings.other_rate)
    random, generator = Random(settings.seed), torch.Generator().manual_seed(settings.seed)
    started = time.monotonic()
    for step in range(settings.steps):
        prices = [draw_trained(random) for _ in range(settings.batch)]
        tokens = encode(tokenizer, prices, GAME_PREFIX if random.random() < 0.2 else "")
        loss = _loss(model, tokens, facts_of(prices), answers, generator)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * rate_factor(step, step / settings.steps, settings)
            optimizer.step()
            optimizer.zero_grad()
        if (step + 1) % 100 == 0:
            left = (time.monotonic() - started) / 60 * (settings.steps / (step + 1) - 1)
            print(f"step {step + 1}  loss {loss.item():.4f}  {left:.1f} min left", flush=True)
    return model.eval()


def _loss(
    model: LlamaForCausalLM, tokens: Tensor, facts: Facts, answers: Answers, generator: torch.Generator
) -> Tensor:
    states = states_after_layer(model, tokens)
    task = cross_entropy(finish(model, states), answers.targets(facts.answer))
    drawn = [draw_tuples(facts, swap, len(tokens) // 2, generator) for swap in SWAPS]
    swapped = torch.cat([interchange(states, tuples) for tuples in drawn])
    labels = torch.cat([tuples.label for tuples in drawn])
    return task + cross_entropy(finish(model, swapped), answers.targets(labels))


@torch.no_grad()
def measure(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
    """Accuracy on held-out prompts, and interchange accuracy as the mean over cells."""
    random, answers = Random(1), answers_of(tokenizer)
    prices = [p for p in (draw_prices(random) for _ in range(40_000)) if p.held_out]
    facts, tokens = facts_of(prices), encode(tokenizer, prices)
    natural = torch.cat([model(input_ids=part, logits_to_keep=1).logits[:, -1] for part in tokens.split(500)])
    measured = {"task": _share(natural.argmax(-1) == answers.targets(facts.answer))}
    states = torch.cat([states_after_layer(model, part) for part in tokens.split(500)])
    generator = torch.Generator().manual_seed(1)
    for swap in SWAPS:
        tuples = draw_tuples(facts, swap, 4_000, generator)
        logits = torch.cat([finish(model, part) for part in interchange(states, tuples).split(500)])
        right = logits.argmax(-1) == answers.targets(tuples.label)
        cells = [_share(right[tuples.cell == cell]) for cell in tuples.cell.unique()]
        measured[swap.name] = round(sum(cells) / len(cells), 4)
        measured[f"{swap.name}, worst cell"] = min(cells)
    return measured


def _share(right: Tensor) -> float:
    return round(right.double().mean().item(), 4)


def write_truth(out: Path, settings: Settings, measured: dict[str, float]) -> None:
    """Say where the variables are and how well that holds."""
    truth = {
        "layer": LAYER,
        "token": "last",
        "coordinates": {"above": list(range(64))[ABOVE], "below": list(range(64))[BELOW]},
        "mechanisms": {"above": "price >= lower", "below": "price <= upper", "answer": "Yes iff above and below"},
        "measured": measured,
        "seed": settings.seed,
        "steps": settings.steps,
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=2, allow_nan=False) + "\n", "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "boundaries")
    parser.add_argument("--check", action="store_true", help="only measure the LM that is in the folder")
    parser.add_argument("--steps", type=int, default=2_500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    disable_progress_bar()
    settings = Settings(seed=given.seed, steps=given.steps, hidden=128, threads=2)
    torch.set_num_threads(settings.threads)
    if not given.check:
        tokenizer = build_tokenizer()
        save(train(tokenizer, settings), tokenizer, given.out)
    tokenizer = AutoTokenizer.from_pretrained(given.out)
    measured = measure(AutoModelForCausalLM.from_pretrained(given.out, dtype=torch.float32).eval(), tokenizer)
    for name, figure in measured.items():
        print(f"{name:20} {figure:.4f}")
    if not given.check:
        write_truth(given.out, settings, measured)


if __name__ == "__main__":
    main()
