"""Call the LM on prompts padded on the left, and read or change what its blocks put out.

Invariant: positions count real tokens only, padding is never attended to, hooks are removed when their context ends.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from causalspec_runtime.language_model.load import FrozenLm

Change = Callable[[Tensor], Tensor | None]


@dataclass(frozen=True, slots=True, eq=False)
class Padded:
    """A batch of prompts, padded on the left: the last token of every prompt is in the last column."""

    ids: Tensor  # int64 [B, T]
    lengths: Tensor  # int64 [B]

    def mask(self) -> Tensor | None:
        """Which columns are real tokens: int64 [B, T]; None if all are."""
        width = self.ids.shape[1]
        if bool((self.lengths == width).all()):
            return None
        columns = torch.arange(width, device=self.ids.device)
        return (columns[None, :] >= (width - self.lengths)[:, None]).long()

    def positions(self) -> Tensor:
        """The position of every token in its prompt: int64 [B, T], 0 on padding."""
        width = self.ids.shape[1]
        columns = torch.arange(width, device=self.ids.device)
        return (columns[None, :] - (width - self.lengths)[:, None]).clamp(min=0)


def call(
    lm: FrozenLm, ids: Tensor, mask: Tensor | None, positions: Tensor, past: Any = None, use_cache: bool = False
) -> Tensor:
    """The logits at the last column, float32 [B, vocabulary]."""
    accepted = _accepted(lm.model.__class__)
    arguments: dict[str, Any] = {"attention_mask": mask, "use_cache": use_cache}
    if "position_ids" in accepted:
        arguments["position_ids"] = positions
    elif mask is None:
        before = past.get_seq_length() if past is not None else 0
        arguments["attention_mask"] = torch.ones(len(ids), before + ids.shape[1], dtype=torch.int64, device=ids.device)
    if "logits_to_keep" in accepted:
        arguments["logits_to_keep"] = 1
    if past is not None:
        arguments["past_key_values"] = past
    logits: Tensor = lm.model(input_ids=ids, **arguments).logits
    return logits[:, -1].float()


@cache
def _accepted(model: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)


@contextmanager
def watch(modules: list[tuple[nn.Module, Change]]) -> Iterator[None]:
    """Show every module's output [B, T, d] to a function; what it returns, if anything, goes on in its place."""
    with ExitStack() as stack:
        for module, change in modules:
            handle = module.register_forward_hook(_hook(change))
            stack.callback(handle.remove)
        yield


def _hook(change: Change) -> Callable[[nn.Module, Any, Any], Any]:
    def run(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        is_tuple = isinstance(output, tuple)
        changed = change(output[0] if is_tuple else output)
        if changed is None:
            return None
        return (changed, *output[1:]) if is_tuple else changed

    return run


def replace_at(hidden: Tensor, from_end: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`hidden` [B, S, d] with the token `from_end` [B] (1 is the last) of every row changed; computed in float32."""
    rows, columns = torch.arange(len(hidden), device=hidden.device), hidden.shape[1] - from_end.to(hidden.device)
    new = change(hidden[rows, columns].float()).to(hidden.device, hidden.dtype)
    if hidden.shape[1] == 1:
        return new[:, None]
    return hidden.index_put((rows, columns), new)
