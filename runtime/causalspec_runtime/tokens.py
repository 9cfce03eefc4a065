"""How an LM's tokenizer cuts a task's prompts, and which tokens the sites' names mean.

In: a hypothesis, a task or variant of it, a `Printer`. Out: `Tokenized`.
Invariant: the prompts are the natural ones of a run; a name is given to a token exactly where a run would find it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from causalspec.semantics.columns import vocabulary
from causalspec.semantics.hypothesis import Hypothesis, Task
from causalspec_runtime.counterfactuals import Population
from causalspec_runtime.dataset import NATURAL
from causalspec_runtime.encoding import Printer
from causalspec_runtime.errors import SpecError
from causalspec_runtime.language_model.errors import TokenError
from causalspec_runtime.language_model.prompts import EncodedPrompts, RenderedPrompt, encode
from causalspec_runtime.plan import SiteRecord
from causalspec_runtime.rendering import chat, render


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a prompt: its text, the names of its place, and the alignments with a site there."""

    text: str
    names: tuple[str, ...]
    alignments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Some prompts of a task; `lengths` are the least and most tokens of each hole over all natural prompts."""

    task: str
    prompts: tuple[tuple[Token, ...], ...]
    answers: tuple[tuple[str, int], ...]  # word and token id; empty where a word is no token
    lengths: dict[str, tuple[int, int]]
    merged: dict[str, str]  # hole -> why it has no tokens of its own
    error: SpecError | None  # with which a run of the file's alignments on this task would stop


def tokenized(hypothesis: Hypothesis, task: Task, base: Task, printer: Printer, count: int) -> Tokenized:
    """`count` natural prompts of a task, or of a variant with the task it varies as `base`.

    Raises SpecError (E06, or R0201 where the LM has no chat template).
    """
    models = [model for model in hypothesis.models.values() if model.task == base.name]
    words = vocabulary(list(dict.fromkeys([base, task])), models)
    population = Population(task, words, base=base)
    natural = population.sampler.draw(NATURAL, population.stream("natural"))
    sites = _sites(hypothesis, base.name)
    error: SpecError | None = None
    try:
        printer.encode(task, natural, words, [SiteRecord(kind="residual", layer=0, token=name) for name in sites])
    except SpecError as found:
        error = found
    holes = [hole.name for hole in task.holes]
    prompts = render(task, natural, words, holes)
    if printer.chat:
        try:
            prompts = chat(prompts, printer.tokenizer)
        except TokenError:
            assert error is not None
            raise error from None
    places, merged = _places(printer.tokenizer, prompts, holes)
    return Tokenized(
        task.name,
        tuple(_tokens(printer.tokenizer, prompts[row], row, places, sites) for row in range(min(count, NATURAL))),
        _answers(printer, prompts, task.output.type.words),
        {hole: _lengths(found, hole) for hole, found in places.items()},
        merged,
        error,
    )


def _sites(hypothesis: Hypothesis, task: str) -> dict[str, tuple[str, ...]]:
    """The token names that alignments of a task use, with the alignments."""
    found: dict[str, dict[str, None]] = {}
    for alignment in hypothesis.alignments.values():
        if hypothesis.models[alignment.model].task == task:
            for placement in alignment.placements:
                for token in placement.tokens:
                    found.setdefault(str(token), {})[alignment.name] = None
    return {name: tuple(alignments) for name, alignments in found.items()}


def _places(
    tokenizer: Any, prompts: Sequence[RenderedPrompt], holes: Sequence[str]
) -> tuple[dict[str, EncodedPrompts], dict[str, str]]:
    """Every hole's tokens in all prompts, or why it has none of its own."""
    found: dict[str, EncodedPrompts] = {}
    merged: dict[str, str] = {}
    for hole in holes:
        try:
            found[hole] = encode(tokenizer, [replace(item, spans={hole: item.spans[hole]}) for item in prompts], ())
        except TokenError as error:
            merged[hole] = f"{error.message}, in: {error.prompt}"
    return found, merged


def _tokens(
    tokenizer: Any,
    prompt: RenderedPrompt,
    row: int,
    places: dict[str, EncodedPrompts],
    sites: dict[str, tuple[str, ...]],
) -> tuple[Token, ...]:
    shown = encode(tokenizer, [RenderedPrompt(prompt.text)], ()).shown
    names: list[list[str]] = [[] for _ in shown]
    for hole, found in places.items():
        first, last = (int(part[row]) for part in found.holes[hole])
        names[first].append(f"{hole}.first")
        names[last].append(f"{hole}.last")
        for index in range(first, last + 1):
            names[index].append(f"{hole}[{index - first}]")
    names[-1].append("last")
    return tuple(
        Token(text, tuple(own), tuple(dict.fromkeys(user for name in own for user in sites.get(name, ()))))
        for text, own in zip(shown, names, strict=True)
    )


def _answers(printer: Printer, prompts: Sequence[RenderedPrompt], words: Sequence[str]) -> tuple[tuple[str, int], ...]:
    try:
        found = encode(printer.tokenizer, [RenderedPrompt(prompt.text) for prompt in prompts], words, chat=printer.chat)
    except TokenError:  # told by the error of the run
        return ()
    return tuple(zip(words, found.answer_ids.tolist(), strict=True))


def _lengths(found: EncodedPrompts, hole: str) -> tuple[int, int]:
    first, last = found.holes[hole]
    sizes = last - first + 1
    return int(sizes.min()), int(sizes.max())
