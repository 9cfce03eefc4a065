"""The short path: run only the layers after an intervention, only from its token on.

In: prefixes of base prompts and edits. Out: the logits at the last token.
Invariant: logits and gradients equal those of a whole run with hooks; the model is the same object graph afterwards,
whatever happens; hooks of others on it are never touched. Where the short path is wrong for an architecture, which is
found out by trying, the whole run is made instead and `reason` says why.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from causalspec_runtime.engine.forward import Change, Padded, call, replace_at, watch
from causalspec_runtime.engine.prefix import PrefixBatch, Recomputed
from causalspec_runtime.language_model.errors import LmError
from causalspec_runtime.language_model.load import FrozenLm

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}  # relative; else
COARSE = 5e-2


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Change the output of one block at one token of every row."""

    layer: int
    from_end: Tensor  # int64 [B]; 1 is the last token
    change: Callable[[Tensor], Tensor]  # [B, d] -> [B, d], float32


class Engine:
    """An LM that can be intervened on."""

    def __init__(self, lm: FrozenLm, *, path: Literal["auto", "full"] = "auto") -> None:
        self.lm = lm
        self.path: Literal["suffix", "full"] = "full"
        self.reason = "asked for"
        self._extras: int | None = _block_extras(lm)
        self._pads = _can_pad(lm)
        if path == "auto":
            self.reason = self._why_full()
            self.path = "full" if self.reason else "suffix"

    def logits(self, batch: PrefixBatch, edits: Sequence[Edit]) -> Tensor:
        """The logits at the last token after all edits: float32 [B, vocabulary]."""
        if batch.hidden is None:
            return self._full(batch.prompts, edits)
        return self._suffix(batch, edits)

    def check_lengths(self, lengths: Tensor) -> None:
        """Refuse prompts of unequal length where the architecture cannot be padded."""
        if not self._pads and int(lengths.min()) != int(lengths.max()):
            raise LmError(
                f"{type(self.lm.model).__name__} gives other results when a prompt is padded",
                "make all prompts of the task equally long in tokens",
            )

    def _full(self, prompts: Padded, edits: Sequence[Edit]) -> Tensor:
        with watch([(self.lm.blocks[edit.layer], _changer(edit)) for edit in edits]):
            return call(self.lm, prompts.ids, prompts.mask(), prompts.positions())

    def _suffix(self, batch: PrefixBatch, edits: Sequence[Edit]) -> Tensor:
        assert batch.hidden is not None
        first = min(edit.layer for edit in edits)
        hidden, length = batch.hidden, batch.hidden.shape[1]
        for edit in edits:
            if edit.layer == first:
                hidden = replace_at(hidden, edit.from_end, edit.change)
        later = [(self.lm.blocks[edit.layer], _changer(edit)) for edit in edits if edit.layer > first]
        prompts = batch.prompts
        with _given(self.lm.blocks, first, hidden, self._extras), watch(later):
            return call(
                self.lm,
                prompts.ids[:, -length:],
                prompts.mask(),
                prompts.positions()[:, -length:],
                _cache(batch, first, self.lm.n_layers),
                use_cache=True,
            )

    def _why_full(self) -> str:
        """Why the short path is wrong here, or nothing: both are tried on a few tokens."""
        config = self.lm.model.config.get_text_config(decoder=True)
        if getattr(config, "is_encoder_decoder", False) or not getattr(config, "is_causal", True):
            return "its attention is not causal"
        prompts = _trial(self.lm, unequal=self._pads)
        try:
            worst = max(self._difference(prompts, layer) for layer in {0, self.lm.n_layers // 2})
        except (
            RuntimeError,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
            IndexError,
            NotImplementedError,
        ) as error:
            return f"its cache cannot be given from outside ({type(error).__name__}: {str(error).splitlines()[0]})"
        if not worst <= TOLERANCE.get(self.lm.dtype, COARSE):
            return f"its short run differs from its whole run by {worst:.1e}"
        return ""

    @torch.no_grad()
    def _difference(self, prompts: Padded, layer: int) -> float:
        rows, from_end = torch.arange(2), torch.tensor([1, 2], device=self.lm.device)
        edits = [Edit(layer, from_end, lambda hidden: hidden.roll(1, 0) * 1.5)]
        batch = Recomputed(self.lm, prompts.ids, prompts.lengths).batch(rows, layer, 2)
        short, whole = self._suffix(batch, edits), self._full(prompts, edits)
        return float((short - whole).abs().max() / whole.abs().max())


class _Given(nn.Module):
    """Stands for a block that need not be run: passes its input on, or puts out what it was given."""

    def __init__(self, block: nn.Module, output: Tensor | None, extras: int | None) -> None:
        super().__init__()
        object.__setattr__(self, "block", block)  # not a child: its parameters stay where they are
        object.__setattr__(self, "output", output)
        self.extras = extras

    def forward(self, hidden_states: Tensor, *_args: Any, **_kwargs: Any) -> Any:
        output = hidden_states if self.output is None else self.output
        return output if self.extras is None else (output, *[None] * self.extras)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(object.__getattribute__(self, "block"), name)


@contextmanager
def _given(blocks: nn.ModuleList, layer: int, hidden: Tensor, extras: int | None) -> Iterator[None]:
    """Replace blocks 0 … layer by their known output."""
    table = blocks._modules
    kept = {str(index): table[str(index)] for index in range(layer + 1)}
    try:
        for name, block in kept.items():
            table[name] = _Given(block, hidden if name == str(layer) else None, extras)
        yield
    finally:
        table.update(kept)


def _cache(batch: PrefixBatch, layer: int, n_layers: int) -> Any:
    """transformers' cache with the prefix; layers that are not run only know its length."""
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache()
    for index in range(n_layers):
        entry = DynamicLayer()
        like = batch.keys[layer + 1 if index <= layer else index] if batch.keys else None
        if like is not None and like.shape[2]:
            keys = (
                batch.keys[index]
                if index > layer
                else like.new_zeros(1, 1, 1, 1).expand(len(like), 1, like.shape[2], 1)
            )
            values = batch.values[index] if index > layer else keys
            entry.keys, entry.values, entry.dtype, entry.device = keys, values, keys.dtype, keys.device
            entry.is_initialized = True
        cache.layers.append(entry)
    if not batch.keys and batch.hidden is not None:
        _know_length(cache, batch)
    return cache


def _know_length(cache: Any, batch: PrefixBatch) -> None:
    """After the last layer nothing attends any more, but masks are still made for the prefix's length."""
    assert batch.hidden is not None
    past = batch.prompts.ids.shape[1] - batch.hidden.shape[1]
    if past:
        for entry in cache.layers:
            entry.keys = entry.values = batch.hidden.new_zeros(1, 1, 1, 1).expand(len(batch.hidden), 1, past, 1)
            entry.dtype, entry.device, entry.is_initialized = batch.hidden.dtype, batch.hidden.device, True


def _changer(edit: Edit) -> Change:
    return lambda hidden: replace_at(hidden, edit.from_end, edit.change)


def _trial(lm: FrozenLm, *, unequal: bool) -> Padded:
    """Two prompts of arbitrary tokens, longer than a small sliding window."""
    config = lm.model.config.get_text_config(decoder=True)
    window = getattr(config, "sliding_window", None) or 0
    length = window + 4 if 0 < window <= 128 else 8
    ids = torch.arange(2 * length).reshape(2, length) % max(int(config.vocab_size) - 8, 1) + 4
    lengths = torch.tensor([length, length - 3 if unequal else length])
    return Padded((ids % int(config.vocab_size)).to(lm.device), lengths.to(lm.device))


@torch.no_grad()
def _can_pad(lm: FrozenLm) -> bool:
    prompts = _trial(lm, unequal=True)
    padded = call(lm, prompts.ids, prompts.mask(), prompts.positions())[1]
    short = Padded(prompts.ids[1:, 3:], prompts.lengths[1:])
    alone = call(lm, short.ids, short.mask(), short.positions())[0]
    return bool((padded - alone).abs().max() <= TOLERANCE.get(lm.dtype, COARSE) * alone.abs().max())


@torch.no_grad()
def _block_extras(lm: FrozenLm) -> int | None:
    """How many values a block puts out beside its hidden state; None if it puts out a bare tensor."""
    found: list[int | None] = []
    handle = lm.blocks[0].register_forward_hook(
        lambda _module, _inputs, output: found.append(len(output) - 1 if isinstance(output, tuple) else None)
    )
    try:
        prompts = _trial(lm, unequal=False)
        call(lm, prompts.ids, prompts.mask(), prompts.positions())
    finally:
        handle.remove()
    return found[0]
