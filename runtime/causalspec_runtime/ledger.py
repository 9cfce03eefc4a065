"""Remember which claims were there before a run folder's test tuples were first looked at.

In: a folder, the claims of a run. Out: which of them are post hoc (meaning.md, Statistics).
Invariant: a claim is recorded before the test tuples of this run are answered; what is recorded never changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from causalspec.semantics.hypothesis import Claim
from causalspec_runtime.store import write_durably

NAME = "claims.json"


def record(folder: Path, claims: Sequence[Claim]) -> dict[str, bool]:
    """Each claim's text, and whether it came after the folder's first look. Raises OSError."""
    path = folder / NAME
    known = _read(path)
    first = known is None
    known = known or {}
    for claim in claims:
        known.setdefault(_key(claim), not first)
    write_durably(path, (json.dumps(known, indent=2, sort_keys=True) + "\n").encode())
    return {claim.text: known[_key(claim)] for claim in claims}


def _key(claim: Claim) -> str:
    return hashlib.sha256(claim.text.encode()).hexdigest()


def _read(path: Path) -> dict[str, bool] | None:
    """Hash of a claim -> whether it is post hoc; None before the first run. After damage every claim is post hoc."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return {str(key): bool(value) for key, value in found.items()} if isinstance(found, dict) else {}
