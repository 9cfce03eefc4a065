"""Sites: where in the LM an intervention reads and writes.

Invariant: a kind of site is one entry of `KINDS`, which says where a block keeps its activation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn

from causalspec_runtime.language_model.errors import LmError
from causalspec_runtime.language_model.prompts import LAST, Place


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One activation of the LM: a kind, after which block, at which token."""

    layer: int  # 0-based; the residual stream after this block
    place: Place = LAST
    kind: str = "residual"

    def __str__(self) -> str:
        return f"{self.kind}, layer {self.layer}, {self.place}"


KINDS: dict[str, Callable[[nn.Module], nn.Module]] = {"residual": lambda block: block}  # block -> whose output it is


def require(sites: Iterable[Site], blocks: nn.ModuleList) -> None:
    """Refuse sites that the LM does not have."""
    for site in sites:
        if site.kind not in KINDS:
            raise LmError(f"no kind of site named `{site.kind}`", f"there are: {', '.join(KINDS)}")
        if not 0 <= site.layer < len(blocks):
            raise LmError(f"no layer {site.layer}", f"the LM has layers 0 to {len(blocks) - 1}")
