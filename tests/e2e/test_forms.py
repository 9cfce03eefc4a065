"""Specs with lists, tables, templates and balance run to the end, whatever the LM makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, Call


@pytest.mark.parametrize("name", ["pointer", "cities"])
def test_a_spec_with_every_form_runs(name: str, tmp_path: Path, call: Call) -> None:
    """The embedded LM cannot do these tasks: it is refused, and on demand measured, which is honest about it."""
    spec, out = ROOT / "tests" / "good" / f"{name}.cspec", tmp_path / "out"
    refused = call("run", spec, "--out", out)
    assert refused.returncode == 2 and "R0401" in refused.stderr and not (out / "results.json").exists()
    found = call("run", spec, "--out", out, "--allow-low-accuracy")
    assert found.returncode == 0, found.stderr
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["task_accuracy"] < 0.05
    for alignment in results["alignments"]:
        best = alignment["cells"][alignment["best"]]
        assert best["iia_test"] <= alignment["floors"]["answer_only"] and not alignment["positive_control"]["passed"]
