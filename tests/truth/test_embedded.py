"""The embedded LM does price tagging; nightly, so does one that is trained anew."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NIGHTLY, ROOT

TINY = ROOT / "runtime" / "causalspec_runtime" / "language_model" / "embedded" / "tiny"
SCRIPT = ROOT / "runtime" / "training" / "train_tiny.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The LM that ships, or a new one of the same script."""
    if not NIGHTLY:
        return TINY
    out = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, str(SCRIPT), "--out", str(out)], check=True, capture_output=True)
    return out


def test_it_answers_held_out_prompts(folder: Path) -> None:
    """At least 99 % on assignments that training never drew, and on both variants."""
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(folder), "--check"], check=True, capture_output=True, text=True
    )
    found = dict(re.findall(r"^(price_tagging(?: \w+)?)\s+([\d.]+)$", ran.stdout, re.MULTILINE))
    assert all(float(found[name]) >= 0.99 for name in ("price_tagging", "price_tagging narrow", "price_tagging game"))


def test_it_is_small_and_has_a_card(folder: Path) -> None:
    """At most 6 MB in safetensors, no pickle, with data, seed, accuracy and limits in its card."""
    files = list(TINY.iterdir())
    assert sum(path.stat().st_size for path in files) <= 6 * 2**20
    assert {path.suffix for path in files} <= {".json", ".md", ".safetensors"}
    card = (TINY / "README.md").read_text(encoding="utf-8")
    assert all(word in card for word in ("Seed", "## Accuracy", "## Limits", "license: apache-2.0"))
