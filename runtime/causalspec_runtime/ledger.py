"""Remember which claims were there before a run folder's test tuples were first looked at.

In: a folder, the claims of a run. Out: which of them are post hoc (meaning.md, Statistics), and whether it can know.
Invariant: a claim is recorded before the test tuples of this run are answered; what is recorded never changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.hypothesis import Claim
from causalspec_runtime.plan import AlignmentRecord
from causalspec_runtime.store import write_durably

NAME = "claims.json"


@dataclass(frozen=True, slots=True)
class History:
    """What a folder knows of earlier looks at its test tuples."""

    post_hoc: Mapping[str, bool]  # a claim's text -> whether it came after the first look
    first: bool  # whether no look before this run is known


def record(folder: Path, claims: Sequence[Claim], alignments: Sequence[AlignmentRecord]) -> History:
    """Note the claims of a run before it looks. Raises OSError."""
    path = folder / NAME
    known = _read(path)
    first = known is None
    known = known or {}
    for claim in claims:
        known.setdefault(_key(claim, alignments), not first)
    write_durably(path, (json.dumps(known, indent=2, sort_keys=True) + "\n").encode())
    return History({claim.text: known[_key(claim, alignments)] for claim in claims}, first)


def _key(claim: Claim, alignments: Sequence[AlignmentRecord]) -> str:
    """A hash of a claim and of the placements that it asks about."""
    asked = {score.alignment for score in scores_of(claim.formula)}
    placed = [item.model_dump_json() for item in alignments if item.alignment in asked]
    return hashlib.sha256("\n".join([claim.text, *placed]).encode()).hexdigest()


def _read(path: Path) -> dict[str, bool] | None:
    """Hash of a claim -> whether it is post hoc; None before the first run. After damage every claim is post hoc."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return {str(key): bool(value) for key, value in found.items()} if isinstance(found, dict) else {}
