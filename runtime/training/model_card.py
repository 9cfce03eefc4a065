"""Write the model card of the embedded LM.

In: the settings of a run and what was measured. Out: `README.md` in the LM's folder.
Invariant: every figure in the card is passed in, none is written by hand.
"""

from pathlib import Path

from measure import Measured
from run_settings import Settings
from sentences import PRICE_PROMPT

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [llama, interpretability, synthetic]
---

# tiny

A Llama of {parameters:,} parameters ({layers} layers, width {width}, {heads} heads, tied embeddings) that answers {tasks}.
It is small enough to search completely on a laptop and has learned what it does: nothing in it was built in by hand.

    {prompt}

The answer follows after one space: ` Yes` or ` No`.

## Tokenizer

Byte-level BPE with {vocabulary:,} entries: any text has tokens with exact offsets. Every digit is a token of its own, so
a number takes the same tokens wherever it stands. The words of all ten tasks of `sentences.py` are one token each,
whether this LM was trained on them or not. No token is put before a text; `<pad>` and `<eos>` are distinct.

## Training

Synthetic sentences only, from `runtime/training/sentences.py`: {price_share:.0%} price tagging{others}.
Bracket and price are drawn as in the task's own distribution for half of the sentences, and with a price near an end of
the bracket for the rest; one prompt in five begins with "Pricing tag game!". One assignment of lower, upper and price in
ten, chosen by a checksum, is held out. The loss is the cross entropy of the answer, and a tenth as much of every token in
one sentence of eight.

Seed {seed}, {steps:,} steps of {batch} sentences, {minutes:.0f} minutes on {threads} CPU threads:

    python runtime/training/train_tiny.py --out FOLDER --seed {seed} --steps {steps} --price-share {price_share:g} --threads {threads}

## Accuracy

An answer counts if each of its tokens is the most likely of the whole vocabulary. Price tagging is measured on held-out
assignments (10,000 of the task's own draw, 4,000 of each other kind); "hard" prices lie within five cents of an end,
balanced over ends and sides; "narrow" brackets are 3.00 wide.{others_measured}

| prompts | accuracy |
|---|---|
{table}

## Limits

It knows these sentence forms and little else; other wordings give arbitrary text. Amounts have one digit before the
point. It is a subject for experiments, not a source of facts.
"""


PRICES_ONLY = {
    "tasks": "price\ntagging prompts",
    "others": "",
    "others_measured": "",
}
EVERY_TASK = {
    "tasks": "price\ntagging prompts and other classic tasks of interpretability research",
    "others": ", the rest evenly from the other tasks",
    "others_measured": """ In `greater_than` any later year is right.
The other tasks are measured on 1,000 fresh draws, which for small domains training has seen too.""",
}


def write_card(
    out: Path, settings: Settings, measured: Measured, minutes: float, parameters: int, vocabulary: int
) -> None:
    """Write `README.md`; tasks that were not trained on are left out of it."""
    prices_only = settings.price_share == 1
    shown = {name: a for name, a in measured.items() if name.startswith("price_tagging") or not prices_only}
    card = CARD.format(
        **(PRICES_ONLY if prices_only else EVERY_TASK),
        parameters=parameters,
        layers=settings.layers,
        width=settings.width,
        heads=settings.heads,
        prompt=PRICE_PROMPT.format(lower="2.50", upper="7.50", price="3.75"),
        vocabulary=vocabulary,
        price_share=settings.price_share,
        seed=settings.seed,
        steps=settings.steps,
        batch=settings.batch,
        minutes=minutes,
        threads=settings.threads,
        table="\n".join(f"| {name} | {accuracy:.4f} |" for name, accuracy in shown.items()),
    )
    (out / "README.md").write_text(card, encoding="utf-8")
