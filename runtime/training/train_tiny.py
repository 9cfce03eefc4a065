"""Train the embedded LM `tiny`, or measure one that is there.

In: nothing but a seed; sentences come from `sentences.py`. Out: a folder that transformers' Auto classes load.
Invariant: without `--minutes`, the same seed, versions and thread count give the same weights; held-out
assignments of price tagging never enter training.

    python runtime/training/train_tiny.py --out runtime/causalspec_runtime/language_model/embedded/tiny
    python runtime/training/train_tiny.py --out runtime/causalspec_runtime/language_model/embedded/tiny --check
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from measure import Measured, measure_all
from model_card import write_card
from run_settings import Settings
from sentences import TASKS, Sentence, lexicon, price_tagging
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Muon
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

PAD, END = "<pad>", "<eos>"
EVERY_TOKEN_SHARE = 8  # one sentence in so many is also scored on all of its tokens
EVERY_TOKEN_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentences as tokens, padded on the right, and what of them is scored."""

    tokens: Tensor  # sentences x length
    row: Tensor  # of each scored token: its sentence
    place: Tensor  # the position before it, where it is predicted
    target: Tensor  # the token itself


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer on the text of every task: digits stand alone, each word of the lexicon is one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=2_048, special_tokens=[PAD, END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_tokenizer_text(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )


def _tokenizer_text() -> Iterator[str]:
    random = Random(0)
    for task in TASKS.values():
        for sentence in (task(random) for _ in range(1_500)):
            yield f"{sentence.prompt} {sentence.answer}"
    for word in lexicon():
        yield f" {word}" * 50


def build_model(tokenizer: PreTrainedTokenizerFast, settings: Settings) -> LlamaForCausalLM:
    """A Llama with fresh weights whose embeddings are tied."""
    torch.manual_seed(settings.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.width,
        intermediate_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def make_batch(tokenizer: PreTrainedTokenizerFast, sentences: list[Sentence]) -> Batch:
    """Tokenize; score the answer and the end token always, every token in one sentence of `EVERY_TOKEN_SHARE`."""
    ends = tokenizer([s.prompt for s in sentences])["input_ids"]
    whole = [
        [*ids, tokenizer.eos_token_id] for ids in tokenizer([f"{s.prompt} {s.answer}" for s in sentences])["input_ids"]
    ]
    length = max(map(len, whole))
    tokens = torch.tensor([ids + [tokenizer.pad_token_id] * (length - len(ids)) for ids in whole])
    spots = [(row, at) for row, ids in enumerate(whole) for at in range(len(ends[row]) - 1, len(ids) - 1)]
    row, place = torch.tensor(spots).T
    return Batch(tokens, row, place, tokens[row, place + 1])


def batch_loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Cross entropy of the answers, and a little of everything so that prompts are plausible to the LM."""
    states = model.model(input_ids=batch.tokens[:, :-1]).last_hidden_state
    answers = cross_entropy(model.lm_head(states[batch.row, batch.place]), batch.target)
    some = len(batch.tokens) // EVERY_TOKEN_SHARE
    logits = model.lm_head(states[:some]).flatten(0, 1)
    following = batch.tokens[:some, 1:].flatten()
    everything = cross_entropy(logits, following, ignore_index=model.config.pad_token_id)
    return answers + EVERY_TOKEN_WEIGHT * everything


def build_optimizers(model: LlamaForCausalLM, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, Adam for the rest: a sixth of the steps that Adam alone needs."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        Muon(matrices, lr=settings.matrix_rate, weight_decay=0.01),
        AdamW(others, lr=settings.other_rate, betas=(0.9, 0.98)),
    ]


def rate_factor(step: int, progress: float, settings: Settings) -> float:
    """Up in a line, flat, then down in a line to zero at the end of the run."""
    falling = (1 - progress) / (1 - settings.flat_share)
    return max(0.0, min(1.0, (step + 1) / settings.warm_up_steps, falling))


def draw_sentences(random: Random, settings: Settings) -> list[Sentence]:
    """One batch of text."""
    others = [task for name, task in TASKS.items() if name != "price_tagging"]
    prices = round(settings.batch * settings.price_share)
    drawn = [price_tagging(random) for _ in range(prices)]
    drawn += [random.choice(others)(random) for _ in range(settings.batch - prices)]
    random.shuffle(drawn)
    return drawn


def train(
    tokenizer: PreTrainedTokenizerFast, settings: Settings, minutes: float | None, tell: Callable[[str], None]
) -> LlamaForCausalLM:
    """Train for `steps`, or for `minutes` if that is sooner."""
    model = build_model(tokenizer, settings)
    optimizers = build_optimizers(model, settings)
    base_rates = (settings.matrix_rate, settings.other_rate)
    random, started, step, progress = Random(settings.seed), time.monotonic(), 0, 0.0
    while progress < 1:
        factor = rate_factor(step, progress, settings)
        loss = batch_loss(model, make_batch(tokenizer, draw_sentences(random, settings)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, rate in zip(optimizers, base_rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        elapsed = (time.monotonic() - started) / 60
        progress = max(step / settings.steps, elapsed / minutes if minutes else 0.0)
        if step % 100 == 0:
            tell(f"step {step}  loss {loss.item():.3f}  {elapsed * (1 / progress - 1):.1f} min left")
    return model.eval()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the folder that the Auto classes load."""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    named = out / "tokenizer_config.json"  # transformers 4 knows the class by its older name only
    named.write_text(named.read_text("utf-8").replace("TokenizersBackend", "PreTrainedTokenizerFast"), "utf-8")
    (out / "model.safetensors").chmod(0o644)


def check(out: Path) -> Measured:
    """The figures of the LM in a folder."""
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    return measure_all(model, AutoTokenizer.from_pretrained(out))


def main() -> None:
    """The command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the LM's folder")
    parser.add_argument("--check", action="store_true", help="only measure the LM that is in the folder")
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--minutes", type=float, help="end sooner, at this time; not reproducible to the bit")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--price-share", type=float, default=defaults.price_share, help="1 trains on nothing else")
    parser.add_argument("--threads", type=int, default=defaults.threads)
    given = parser.parse_args()
    disable_progress_bar()
    torch.set_num_threads(given.threads)
    if not given.check:
        settings = Settings(seed=given.seed, steps=given.steps, price_share=given.price_share, threads=given.threads)
        started = time.monotonic()
        tokenizer = build_tokenizer()
        model = train(tokenizer, settings, given.minutes, lambda line: print(line, flush=True))
        save(model, tokenizer, given.out)
        taken = (time.monotonic() - started) / 60
    measured = check(given.out)
    for name, accuracy in measured.items():
        print(f"{name:24} {accuracy:.4f}")
    if not given.check:
        write_card(given.out, settings, measured, taken, model.num_parameters(), len(tokenizer))


if __name__ == "__main__":
    main()
