"""The data that both tools of a benchmark get: price tagging, alignment `left`, on the embedded LM.

In: sizes, cells. Out: `Material`. Invariant: pairs come from the one pipeline that `causalspec run` uses; all prompts
are equally long in tokens, so that neither tool has to pad, and a cell's token is in the same column of every prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from causalspec.files import read_source
from causalspec.resources import data_file
from causalspec.semantics.check import check
from causalspec_runtime.dataset import draw
from causalspec_runtime.encoding import Encoded, Printer, interchange_data, site_of
from causalspec_runtime.engine import Engine, InterchangeData, Pool, Recipe, Site, collect
from causalspec_runtime.engine.batch import distinct
from causalspec_runtime.language_model.load import FrozenLm, load
from causalspec_runtime.language_model.prompts import EncodedPrompts
from causalspec_runtime.plan import LmShape, SiteRecord, make_plan
from causalspec_runtime.search import recipe_of

SPEC, ALIGNMENT = "price_tagging.cspec", "left"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many tuples."""

    train: int = 8_000
    validation: int = 1_000
    test: int = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """n pairs as tokens, all prompts T long."""

    base: Tensor  # int64 [n, T]
    source: Tensor  # int64 [n, T]
    label: Tensor  # int64 [n], the token of the counterfactual output

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """An LM with the pairs of all splits."""

    lm: FrozenLm
    engine: Engine
    recipe: Recipe  # as the spec has it
    train: Encoded
    validation: Encoded
    test: Encoded

    def column(self, site: Site) -> int:
        """Where the site's token is in every prompt."""
        parts = (self.train, self.validation, self.test)
        found = distinct(torch.cat([part.prompts.positions(site.place) for part in parts]))
        assert len(found) == 1, f"{site.place} is in several columns: {found.tolist()}"
        return int(found)

    def pools(self, sites: Sequence[Site]) -> tuple[Pool, Pool]:
        """What our training needs of the training and the validation prompts."""
        train, validation = self.train, self.validation
        return (
            collect(self.engine, train.prompts, sites, bases=train.data.base),
            collect(self.engine, validation.prompts, sites, bases=validation.data.base),
        )


def material(sizes: Sizes, cells: Sequence[SiteRecord]) -> Material:
    """Draw and encode everything; one drawing serves every cell."""
    hypothesis, diagnostics = check(read_source(data_file("specs", SPEC)))
    assert hypothesis is not None, diagnostics
    experiment = next(iter(hypothesis.experiments.values()))
    experiment = replace(
        experiment,
        alignments=(ALIGNMENT,),
        train=sizes.train,
        validation=sizes.validation,
        test=sizes.test,
        transfer=(),
        controls=(),
    )
    named = hypothesis.lms[experiment.lm]
    lm = load(named.kind, named.reference, device="cpu")
    shape = LmShape(named.kind, named.reference, None, None, named.chat, lm.n_layers, lm.width)
    plan = make_plan(hypothesis, experiment, shape)
    dataset = draw(plan, hypothesis)
    (data,) = dataset.alignments
    task = dataset.tasks[data.record.task]
    printer = Printer(lm.tokenizer, named.chat)
    prompts = printer.encode(task.task, task.pool.columns, task.words, cells)
    variables = data.record.variables
    train = interchange_data(variables, data.train)
    found = Material(
        lm,
        Engine(lm),
        recipe_of(plan.training),
        Encoded(prompts, train, (slice(0, len(train)),)),
        printer.encode_sets(task.task, task.words, variables, cells, data.validation),
        printer.encode_sets(task.task, task.words, variables, cells, [item.tuples for item in data.test]),
    )
    _require_equal_lengths([part.prompts for part in (found.train, found.validation, found.test)])
    return found


def pairs(prompts: EncodedPrompts, data: InterchangeData) -> Pairs:
    """The tuples of one variable, as tokens."""
    assert data.variables == 1 and bool(data.swapped.all())
    return Pairs(prompts.ids[data.base], prompts.ids[data.sources[:, 0]], prompts.answer_ids[data.label])


def sites(cells: Sequence[SiteRecord]) -> list[Site]:
    """The engine's names of cells."""
    return [site_of(cell) for cell in cells]


def _require_equal_lengths(sets: Sequence[EncodedPrompts]) -> None:
    lengths = distinct(torch.cat([prompts.lengths for prompts in sets]))
    assert len(lengths) == 1, f"prompts are {lengths.tolist()} tokens long; the peer would have to pad"
