"""Remember which claims were there before a run folder's test tuples were first looked at.

In: a folder, the claims of a run. Out: which of them are post hoc (meaning.md, Statistics), and whether it can know.
Invariant: a claim is recorded before the test tuples of its look are answered; what is recorded never changes. A look
is one draw of test tuples; a fresh one begins only after the one before was told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.hypothesis import Claim
from causalspec_runtime.plan import AlignmentRecord
from causalspec_runtime.store import write_durably

NAME = "claims.json"


class Look(BaseModel):
    """One draw of test tuples; `claims` says by a claim's hash whether it is post hoc, `told` whether a run finished."""

    model_config = ConfigDict(extra="forbid")

    claims: dict[str, bool]
    told: bool


class Looks(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid")

    looks: list[Look]


@dataclass(frozen=True, slots=True)
class History:
    """What a folder knows of earlier looks at its test tuples."""

    post_hoc: Mapping[str, bool]  # a claim's text -> whether it came after the first look
    first: bool  # whether no look before this run is known


def look(folder: Path, *, fresh: bool) -> int:
    """Which draw of test tuples is due: the folder's latest, or a new one if `fresh` and the latest was told."""
    looks = _read(folder / NAME).looks
    if not looks:
        return 0
    return len(looks) - (0 if fresh and looks[-1].told else 1)


def record(folder: Path, claims: Sequence[Claim], alignments: Sequence[AlignmentRecord], number: int = 0) -> History:
    """Note the claims of a run before it looks for the `number`-th time. Raises OSError."""
    kept = _read(folder / NAME)
    first = not any(one.claims for one in kept.looks)
    while len(kept.looks) <= number:
        kept.looks.append(Look(claims={}, told=False))
    known = kept.looks[number].claims
    begun = bool(known)
    for claim in claims:
        known.setdefault(_key(claim, alignments), begun)
    _write(folder, kept)
    return History({claim.text: known[_key(claim, alignments)] for claim in claims}, first)


def tell(folder: Path, number: int = 0) -> None:
    """Note that a look's scores were told. Raises OSError."""
    kept = _read(folder / NAME)
    kept.looks[number].told = True
    _write(folder, kept)


def _write(folder: Path, kept: Looks) -> None:
    write_durably(folder / NAME, (kept.model_dump_json(indent=2) + "\n").encode())


def _key(claim: Claim, alignments: Sequence[AlignmentRecord]) -> str:
    """A hash of a claim and of the placements that it asks about."""
    asked = {score.alignment for score in scores_of(claim.formula)}
    placed = [item.model_dump_json() for item in alignments if item.alignment in asked]
    return hashlib.sha256("\n".join([claim.text, *placed]).encode()).hexdigest()


def _read(path: Path) -> Looks:
    """What was recorded; after damage every claim is post hoc."""
    try:
        return Looks.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Looks(looks=[])
    except ValueError:
        return Looks(looks=[Look(claims={"damaged": True}, told=True)])
