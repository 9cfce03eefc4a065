"""From columns to tensors: prompts as tokens, tuples as rows of them.

In: tuple sets, a tokenizer. Out: `Encoded`. Invariant: the order of tuples and prompts is that of the sets.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import joined, length
from causalspec.semantics.hypothesis import Task
from causalspec_runtime.counterfactuals import Columns, TupleSet
from causalspec_runtime.counterfactuals.faults import Words
from causalspec_runtime.dataset import Dataset
from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.sites import Site
from causalspec_runtime.errors import SpecError
from causalspec_runtime.language_model.errors import TokenError
from causalspec_runtime.language_model.prompts import EncodedPrompts, Place, encode
from causalspec_runtime.plan import SiteRecord
from causalspec_runtime.rendering import chat, render

_PLACE = re.compile(r"(?P<hole>\w+)(?:\.(?P<end>first|last)|\[(?P<index>\d+)\])")


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The tuple sets of an alignment's subsets, one after the other; `parts` are their rows in `data`."""

    prompts: EncodedPrompts
    data: InterchangeData
    parts: tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Printer:
    """How prompts of an LM are made: its tokenizer, inside its chat template or not."""

    tokenizer: Any
    chat: bool

    def encode(self, task: Task, columns: Columns, words: Words, sites: Sequence[SiteRecord]) -> EncodedPrompts:
        """Tokens of one prompt a row. Raises SpecError (R0201)."""
        try:
            return self._encoded(task, columns, words, sites)
        except TokenError as error:
            raise SpecError(_told(error, task)) from None

    def _encoded(self, task: Task, columns: Columns, words: Words, sites: Sequence[SiteRecord]) -> EncodedPrompts:
        holes = {hole for site in sites if (hole := place_of(site.token).hole) is not None}
        prompts = render(task, columns, words, holes)
        shown = chat(prompts, self.tokenizer) if self.chat else prompts
        found = encode(self.tokenizer, shown, task.output.type.words, chat=self.chat)
        for site in sites:
            found.positions(place_of(site.token))
        return found

    def encode_sets(
        self,
        task: Task,
        words: Words,
        variables: Sequence[str],
        sites: Sequence[SiteRecord],
        sets: Sequence[TupleSet],
    ) -> Encoded:
        """Tokens and rows of the sets of every subset of `variables`. Raises SpecError (R0201)."""
        columns = {name: joined([item.columns[name] for item in sets]) for name in sets[0].columns}
        sizes = [length(next(iter(item.columns.values()))) for item in sets]
        shifts = [sum(sizes[:index]) for index in range(len(sizes))]
        return Encoded(
            self.encode(task, columns, words, sites), interchange_data(variables, sets, shifts), parts_of(sets)
        )


def _told(error: TokenError, task: Task) -> Diagnostic:
    """A token error at its place in the spec."""
    places = {hole.name: hole.span for hole in task.holes}
    place = places.get(error.about or "", task.output.span)
    notes = (f"in the prompt: {error.prompt}",) if error.prompt else ()
    return Diagnostic("R0201", error.message, place, "as this LM's tokenizer cuts it", notes=notes, help=error.hint)


def parts_of(sets: Sequence[TupleSet]) -> tuple[slice, ...]:
    """Where each set's tuples are when the sets stand one after the other."""
    ends = [0]
    for item in sets:
        ends.append(ends[-1] + len(item))
    return tuple(slice(start, end) for start, end in itertools.pairwise(ends))


def interchange_data(
    variables: Sequence[str], sets: Sequence[TupleSet], shifts: Sequence[int] | None = None
) -> InterchangeData:
    """Tuples of several subsets as one table; `shifts` are the sets' first prompts (None: they share prompts).

    A variable that is not swapped has the base as its source.
    """
    parts = []
    for index, item in enumerate(sets):
        shift = shifts[index] if shifts is not None else 0
        base = torch.from_numpy(item.base) + shift
        sources = base[:, None].repeat(1, len(variables))
        swapped = torch.zeros(len(item), len(variables), dtype=torch.bool)
        for place, name in enumerate(item.subset):
            column = list(variables).index(name)
            sources[:, column] = torch.from_numpy(item.sources[:, place]) + shift
            swapped[:, column] = True
        parts.append((base, sources, swapped, torch.from_numpy(item.label)))
    base, sources, swapped, label = (torch.cat(column) for column in zip(*parts, strict=True))
    return InterchangeData(base, sources, swapped, label)


def check_prompts(dataset: Dataset, printer: Printer) -> None:
    """Tokenize some prompts of every task and variant, so that mistakes are told before the LM is loaded.

    Raises SpecError (R0201).
    """
    for name, data in dataset.tasks.items():
        sites = [site for item in dataset.alignments if item.record.task == name for site in item.record.sites]
        printer.encode(data.task, data.natural, data.words, sites)
        for variant in dataset.variants.values():
            if variant.base == name:
                printer.encode(variant.task, variant.natural, variant.words, sites)


def place_of(token: str) -> Place:
    """The token that a plan names: `last`, `price.first`, `price.last`, `price[1]`."""
    if token == "last":
        return Place(None, -1)
    match = _PLACE.fullmatch(token)
    assert match is not None, f"a checked plan names no token {token!r}"
    index = {"first": 0, "last": -1}.get(match["end"] or "", int(match["index"] or 0))
    return Place(match["hole"], index)


def site_of(record: SiteRecord) -> Site:
    """The engine's name of a site."""
    return Site(record.layer, place_of(record.token), record.kind)
