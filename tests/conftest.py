"""What tests share: sizes, and running the command as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NIGHTLY = os.environ.get("CAUSALSPEC_NIGHTLY") == "1"
Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def call() -> Call:
    """`causalspec ARGUMENTS`, in a process of its own: one thread, no network."""

    def run(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "causalspec", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )

    return run


def results_in(folder: Path) -> dict[str, Any]:
    """The results of a run."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found
