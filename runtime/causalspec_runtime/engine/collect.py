"""The pool pass: every prompt through the LM once.

In: encoded prompts, the sites of all cells, the rows of bases. Out: `Pool`.
Invariant: no gradient; a prompt's activations do not depend on which sites were asked for; rows keep their order.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from causalspec_runtime.engine.batch import distinct
from causalspec_runtime.engine.forward import Padded
from causalspec_runtime.engine.prefix import (
    Level,
    Prefixes,
    Recomputed,
    Stored,
    Whole,
    choose_level,
    pick,
    run_with_cache,
)
from causalspec_runtime.engine.sites import Site, require
from causalspec_runtime.engine.suffix import Engine
from causalspec_runtime.language_model.prompts import EncodedPrompts

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What is known of N prompts after the pool pass."""

    activations: dict[Site, Tensor]  # site -> [N, d], in the type of the LM
    from_end: dict[Site, Tensor]  # site -> int64 [N]; 1 is the last token
    answered: Tensor  # int64 [N], the LM's own answer over the whole vocabulary, as an index into the answers, else −1
    chosen: Tensor  # int64 [N], its answer among the answers
    answer_ids: Tensor  # int64 [answers]
    prefixes: Prefixes
    level: Level | None  # where prefixes are; None if there are none
    note: str  # the level and the path, in words


def collect(
    engine: Engine,
    prompts: EncodedPrompts,
    sites: Sequence[Site],
    *,
    bases: Tensor | None = None,
    batch: int = 256,
    budget: int | None = None,
    progress: Progress | None = None,
) -> Pool:
    """Run all prompts; keep the activations at `sites`, and prefixes of the rows `bases` as the budget (bytes) allows."""
    require(sites, engine.lm.blocks)
    engine.check_lengths(prompts.lengths)
    device = engine.lm.device
    ids, lengths = prompts.ids.to(device), prompts.lengths.to(device)
    from_end = {site: lengths - prompts.positions(site.place).to(device) for site in sites}
    kept, level, note = _prefixes(engine, ids, lengths, from_end, bases, budget)
    store = kept if isinstance(kept, Stored) else None
    pool = Pool(
        {site: torch.empty(len(prompts), engine.lm.width, dtype=engine.lm.dtype, device=device) for site in sites},
        from_end,
        torch.empty(len(prompts), dtype=torch.int64, device=device),
        torch.empty(len(prompts), dtype=torch.int64, device=device),
        prompts.answer_ids.to(device),
        kept,
        level,
        note,
    )
    done = 0
    for rows, keep in _batches(lengths, store, batch):
        _shrinking(rows, partial(_run, engine, pool, ids, lengths, store if keep else None))
        done += len(rows)
        if progress is not None:
            progress(done, len(prompts))
    return pool


def answers(logits: Tensor, answer_ids: Tensor) -> tuple[Tensor, Tensor]:
    """The answer over the whole vocabulary (−1: none of the answers) and among the answers: int64 [B] each."""
    hits = logits.argmax(dim=-1)[:, None] == answer_ids[None, :]
    answered = torch.where(hits.any(dim=1), hits.long().argmax(dim=1), -1)
    return answered, logits[:, answer_ids].argmax(dim=-1)


def _run(engine: Engine, pool: Pool, ids: Tensor, lengths: Tensor, store: Stored | None, rows: Tensor) -> None:
    prompts = pick(ids, lengths, rows)
    seen: dict[int, Tensor] = {}
    layers = sorted({site.layer for site in pool.activations})
    logits, cache = run_with_cache(engine.lm, prompts, layers, seen, keep=store is not None)
    pool.answered[rows], pool.chosen[rows] = answers(logits, pool.answer_ids)
    every = torch.arange(len(rows), device=prompts.ids.device)
    for site, table in pool.activations.items():
        hidden = seen[site.layer]
        column = (prompts.ids.shape[1] - pool.from_end[site][rows]).to(hidden.device)
        table[rows] = hidden[every.to(hidden.device), column].to(table.device)
    if store is not None:
        store.put(store.slots[rows].cpu(), seen, cache)


def _batches(lengths: Tensor, store: Stored | None, size: int) -> Iterator[tuple[Tensor, bool]]:
    """Rows in batches of like length; those whose prefixes are kept come apart from the rest."""
    rows = torch.arange(len(lengths), device=lengths.device)
    kept = store.slots >= 0 if store is not None else torch.zeros(len(rows), dtype=torch.bool, device=lengths.device)
    for keep in (True, False):
        mine = rows[kept == keep]
        mine = mine[lengths[mine].argsort(stable=True)]
        for part in torch.split(mine, size) if len(mine) else ():
            yield part, keep


def _shrinking(rows: Tensor, run: Callable[[Tensor], None]) -> None:
    """Run a batch; where memory does not suffice, its halves."""
    try:
        run(rows)
        return
    except torch.OutOfMemoryError:
        if len(rows) == 1:
            raise
    torch.cuda.empty_cache()
    for half in torch.split(rows, (len(rows) + 1) // 2):
        _shrinking(half, run)


def _prefixes(
    engine: Engine,
    ids: Tensor,
    lengths: Tensor,
    from_end: dict[Site, Tensor],
    bases: Tensor | None,
    budget: int | None,
) -> tuple[Prefixes, Level | None, str]:
    if engine.path == "full":
        return Whole(ids, lengths), None, f"whole runs: {engine.reason}"
    if bases is None or not len(bases) or not from_end:
        return Recomputed(engine.lm, ids, lengths), None, "prefixes are computed again for every batch"
    rows = distinct(bases.to(ids.device))
    suffix = {site.layer: 0 for site in from_end}
    for site, distance in from_end.items():
        suffix[site.layer] = max(suffix[site.layer], int(distance[rows].max()))
    shapes = _shapes(engine, ids)
    need = sum(len(rows) * length * engine.lm.width * engine.lm.dtype.itemsize for length in suffix.values())
    later = [layer for layer in shapes if layer > min(suffix)]
    need += sum(len(rows) * ids.shape[1] * shapes[layer][1].numel() * 2 * engine.lm.dtype.itemsize for layer in later)
    level, note = choose_level(need, ids.device, budget)
    if level == "recompute":
        return Recomputed(engine.lm, ids, lengths), level, note
    host = torch.device("cpu") if level == "host" else None  # else where each layer is computed
    slots = torch.full((len(ids),), -1, dtype=torch.int64, device=ids.device)
    slots[rows] = torch.arange(len(rows), device=ids.device)
    hidden = {
        layer: torch.zeros(len(rows), length, engine.lm.width, dtype=engine.lm.dtype, device=host or ids.device)
        for layer, length in suffix.items()
    }
    keys = {layer: _like(shapes[layer][0], len(rows), ids.shape[1], host) for layer in later}
    values = {layer: _like(shapes[layer][1], len(rows), ids.shape[1], host) for layer in later}
    homes = {layer: shapes[layer][0].device for layer in later}
    return Stored(ids, lengths, slots, hidden, keys, values, homes), level, note


def _shapes(engine: Engine, ids: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
    """The keys and values of one token in every layer, [1, heads, 1, width], from a run of one token."""
    one = Padded(ids[:1, -1:], torch.ones(1, dtype=torch.int64, device=ids.device))
    _, cache = run_with_cache(engine.lm, one, [], {})
    return dict(enumerate(cache))


def _like(one: Tensor, rows: int, tokens: int, device: torch.device | None) -> Tensor:
    return torch.zeros(rows, one.shape[1], tokens, one.shape[3], dtype=one.dtype, device=device or one.device)
