"""Measure what an LM answers on the tasks of `sentences.py`.

In: a model and its tokenizer. Out: accuracy by name; an answer counts if each of its tokens is the most likely of the
whole vocabulary after the tokens before it (for `greater_than`, if what the LM writes is a later year).
Invariant: the price tagging prompts are assignments that training leaves out; the same ones are drawn at every call.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

import torch
from sentences import GAME_PREFIX, TASKS, Prices, Sentence, draw_near, draw_prices
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

NARROW_WIDTH_CENTS = 300
HARD_REACH_CENTS = 5
BATCH = 500

Measured = dict[str, float]


def measure_all(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Measured:
    """Price tagging four ways, then every other task."""
    sets = price_sets()
    for name, task in TASKS.items():
        if name != "price_tagging":
            random = Random(name)
            sets[name] = [task(random) for _ in range(1_000)]
    judges = dict.fromkeys(sets, accuracy) | {"greater_than": later_years}
    return {name: judges[name](model, tokenizer, sentences) for name, sentences in sets.items()}


def price_sets() -> dict[str, list[Sentence]]:
    """Held-out prompts: the task's own draw, prices within five cents of an end, the narrow and the game variant."""
    return {
        "price_tagging": list(_held_out(draw_prices, 10_000)),
        "price_tagging hard": list(_held_out(lambda random: draw_near(random, HARD_REACH_CENTS), 4_000)),
        "price_tagging narrow": list(_held_out(lambda random: draw_prices(random, NARROW_WIDTH_CENTS), 4_000)),
        "price_tagging game": list(_held_out(draw_prices, 4_000, GAME_PREFIX)),
    }


def _held_out(draw: Callable[[Random], Prices], count: int, prefix: str = "") -> Iterator[Sentence]:
    random = Random(1)
    held_out = (prices for prices in iter(lambda: draw(random), None) if prices.held_out)
    return (prices.sentence(prefix) for prices in islice(held_out, count))


def accuracy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, sentences: list[Sentence]) -> float:
    """The share of sentences whose answer the LM gives."""
    in_order = sorted(sentences, key=lambda sentence: len(sentence.prompt))
    batches = (in_order[start : start + BATCH] for start in range(0, len(in_order), BATCH))
    return sum(int(_right(model, tokenizer, batch).sum()) for batch in batches) / len(sentences)


@torch.no_grad()
def later_years(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, sentences: list[Sentence]) -> float:
    """The share of `greater_than` prompts that the LM continues with a later year of the same century."""
    prompts = torch.tensor(tokenizer([s.prompt for s in sentences])["input_ids"])
    tokens = prompts
    for _ in range(len(" 1999")):
        tokens = torch.cat([tokens, model(input_ids=tokens).logits[:, -1:].argmax(-1)], 1)
    years = tokenizer.batch_decode(tokens[:, prompts.shape[1] :])
    starts = [next(word for word in s.prompt.split() if word.isdigit()) for s in sentences]
    later = (
        year[1:3] == start[:2] and year[1:].isdigit() and year[1:] > start
        for year, start in zip(years, starts, strict=True)
    )
    return sum(later) / len(sentences)


@torch.no_grad()
def _right(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, sentences: list[Sentence]) -> Tensor:
    prompts = tokenizer([s.prompt for s in sentences])["input_ids"]
    whole = tokenizer([f"{s.prompt} {s.answer}" for s in sentences])["input_ids"]
    length = max(map(len, whole))
    tokens = torch.tensor([ids + [tokenizer.pad_token_id] * (length - len(ids)) for ids in whole])
    best = model(input_ids=tokens[:, :-1]).logits.argmax(-1)
    position = torch.arange(length - 1)
    first = torch.tensor([[len(ids) - 1] for ids in prompts])
    last = torch.tensor([[len(ids) - 2] for ids in whole])
    scored = (position >= first) & (position <= last)
    return ((best == tokens[:, 1:]) | ~scored).all(-1)
