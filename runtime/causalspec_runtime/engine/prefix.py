"""What the short path needs of a base prompt: keys and values of the later layers, hidden states of the suffix.

In: prompts that were run once. Out: `PrefixBatch` for a batch of them.
Invariant: stored and recomputed prefixes hold the same values, up to the batch they were computed in.
"""

import os
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from causalspec_runtime.engine.forward import Change, Padded, call, watch
from causalspec_runtime.language_model.load import FrozenLm

Level = Literal["device", "host", "recompute"]


@dataclass(frozen=True, slots=True, eq=False)
class PrefixBatch:
    """B base prompts up to a layer and a token; P + S = T columns."""

    prompts: Padded
    hidden: Tensor | None  # [B, S, d], after the layer; None on the full path
    keys: dict[int, Tensor]  # later layer -> [B, heads, P, head width]
    values: dict[int, Tensor]


class Prefixes(Protocol):
    """Bases whose prefixes can be had."""

    def batch(self, rows: Tensor, layer: int, suffix: int) -> PrefixBatch:
        """The prefixes of prompts `rows` for an intervention after `layer`, `suffix` tokens from the end."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Prefixes kept from the pool pass, their columns aligned at the last token."""

    ids: Tensor  # int64 [N, T], all prompts
    lengths: Tensor  # int64 [N]
    slots: Tensor  # int64 [N], where a prompt's prefix is kept, −1 if it is not
    hidden: dict[int, Tensor]  # site layer -> [n, S, d]
    keys: dict[int, Tensor]  # later layer -> [n, heads, T, head width]
    values: dict[int, Tensor]
    homes: dict[int, torch.device]  # where a layer is computed

    def batch(self, rows: Tensor, layer: int, suffix: int) -> PrefixBatch:
        """See `Prefixes`."""
        prompts = pick(self.ids, self.lengths, rows)
        slots = self.slots[rows]
        assert int(slots.min()) >= 0, "the prefix of this prompt was not kept"
        hidden = self.hidden[layer]
        width, total = prompts.ids.shape[1], self.ids.shape[1]
        columns = slice(total - width, total - suffix)
        later = [key for key in self.keys if key > layer]
        return PrefixBatch(
            prompts,
            _take(hidden, slots)[:, hidden.shape[1] - suffix :].to(self.ids.device),
            {key: _take(self.keys[key], slots)[:, :, columns].to(self.homes[key]) for key in later},
            {key: _take(self.values[key], slots)[:, :, columns].to(self.homes[key]) for key in later},
        )

    def put(self, slots: Tensor, hidden: dict[int, Tensor], cache: list[tuple[Tensor, Tensor]]) -> None:
        """Keep a batch whose last columns are last tokens."""
        for layer, store in self.hidden.items():
            state = hidden[layer][:, -store.shape[1] :]
            store[slots, store.shape[1] - state.shape[1] :] = state.to(store.device, store.dtype)
        for layer in self.keys:
            keys, values = cache[layer]
            start = self.keys[layer].shape[2] - keys.shape[2]
            self.keys[layer][slots, :, start:] = keys.to(self.keys[layer].device)
            self.values[layer][slots, :, start:] = values.to(self.values[layer].device)


@dataclass(frozen=True, slots=True, eq=False)
class Recomputed:
    """Prefixes computed again, without gradients, for the batch at hand."""

    lm: FrozenLm
    ids: Tensor
    lengths: Tensor

    def batch(self, rows: Tensor, layer: int, suffix: int) -> PrefixBatch:
        """See `Prefixes`."""
        prompts = pick(self.ids, self.lengths, rows)
        seen: dict[int, Tensor] = {}
        _, cache = run_with_cache(self.lm, prompts, [layer], seen)
        before = prompts.ids.shape[1] - suffix
        later = range(layer + 1, self.lm.n_layers)
        return PrefixBatch(
            prompts,
            seen[layer][:, before:],
            {key: cache[key][0][:, :, :before] for key in later},
            {key: cache[key][1][:, :, :before] for key in later},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """No prefixes: the full path runs every layer and token."""

    ids: Tensor
    lengths: Tensor

    def batch(self, rows: Tensor, layer: int, suffix: int) -> PrefixBatch:
        """See `Prefixes`."""
        return PrefixBatch(pick(self.ids, self.lengths, rows), None, {}, {})


def _take(store: Tensor, slots: Tensor) -> Tensor:
    return store.index_select(0, slots.to(store.device))


def pick(ids: Tensor, lengths: Tensor, rows: Tensor) -> Padded:
    """Some prompts, padded no more than they need."""
    chosen = lengths[rows]
    return Padded(ids[rows, ids.shape[1] - int(chosen.max()) :], chosen)


def run_with_cache(
    lm: FrozenLm, prompts: Padded, layers: list[int], seen: dict[int, Tensor], keep: bool = True
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """A whole run without gradients: last logits, and each layer's keys and values; block outputs go into `seen`."""
    from transformers import DynamicCache

    cache = DynamicCache() if keep else None
    watched = [(lm.blocks[layer], _remember(seen, layer)) for layer in layers]
    with torch.no_grad(), watch(watched):
        logits = call(lm, prompts.ids, prompts.mask(), prompts.positions(), cache, use_cache=keep)
    return logits, [(layer.keys, layer.values) for layer in cache.layers] if cache is not None else []


def _remember(seen: dict[int, Tensor], layer: int) -> Change:
    def look(hidden: Tensor) -> None:
        seen[layer] = hidden

    return look


def choose_level(need: int, device: torch.device, budget: int | None) -> tuple[Level, str]:
    """Where prefixes of `need` bytes are kept, and why in words."""
    limit = budget if budget is not None else _free(device) // 3
    size = f"{need / 2**20:.0f} MiB of keys, values and hidden states"
    if need <= limit:
        return "device", f"{size} are kept on the device"
    if device.type != "cpu" and need <= _free(torch.device("cpu")) // 3:
        return "host", f"{size} are kept in host memory (over {limit / 2**20:.0f} MiB)"
    return "recompute", f"{size} are over {limit / 2**20:.0f} MiB: prefixes are computed again for every batch"


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return int(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"))
