"""Boundless DAS finds variables where they are known to be, and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NIGHTLY, Call, results_in

HERE = Path(__file__).parent
MARGIN = 0.05


@pytest.fixture(scope="module")
def results(call: Call, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run on the LM whose `above` and `below` are known; nightly, the LM is trained anew first."""
    folder = tmp_path_factory.mktemp("truth")
    shutil.copy(HERE / "boundaries.cspec", folder)
    if NIGHTLY:
        script = HERE / "train_boundaries.py"
        subprocess.run([sys.executable, str(script), "--out", str(folder / "boundaries")], check=True)
    else:
        shutil.copytree(HERE / "boundaries", folder / "boundaries")
    ran = call("run", folder / "boundaries.cspec", "--out", folder / "out")
    assert ran.returncode == 0, ran.stderr
    return results_in(folder / "out")


def _cells(results: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["name"], cell["token"]): cell for item in results["alignments"] for cell in item["cells"]}


@pytest.mark.parametrize("name", ["above", "below", "both"])
def test_variables_are_found_at_their_site(results: dict[str, Any], name: str) -> None:
    """Test IIA is at least .97 at layer 2's last token, on every subset of swapped variables."""
    cell = _cells(results)[name, "last"]
    assert all(subset["iia_test"] >= 0.97 for subset in cell["subsets"])


@pytest.mark.parametrize("name", ["above", "below", "both"])
def test_nothing_is_found_before_the_price(results: dict[str, Any], name: str) -> None:
    """A token before the price cannot know `above` or `below`: at most the floor plus .05, on every subset."""
    item = next(item for item in results["alignments"] if item["name"] == name)
    cell = _cells(results)[name, "upper.last"]
    for subset, plan in zip(cell["subsets"], item["subsets"], strict=True):
        assert subset["iia_test"] <= plan["floors"]["answer_only"] + MARGIN


@pytest.mark.parametrize("name", ["above", "below", "both"])
def test_random_weights_and_rotations_find_nothing(results: dict[str, Any], name: str) -> None:
    """Neither an LM with fresh weights nor random rotations of the learned width pass the floor plus .05."""
    item = next(item for item in results["alignments"] if item["name"] == name)
    floors = [subset["floors"]["answer_only"] + MARGIN for subset in item["subsets"]]
    controls = item["controls"]
    assert controls["random_rotation"]["most"] <= min(floors)
    for cell in controls["random_weights"]["cells"]:
        for subset, floor in zip(cell["subsets"], floors, strict=True):
            assert subset["iia_test"] <= floor
            assert subset["iia_among_answers"] <= floor


def test_blocks_hold_their_own_variable(results: dict[str, Any]) -> None:
    """Swapping the block of `above` follows the labels of `above`, not those of `below`."""
    joint = next(item for item in results["alignments"] if item["name"] == "both")
    matrix = joint["block_by_variable"]
    for name, other in (("above", "below"), ("below", "above")):
        assert matrix[name][name] >= 0.97
        assert matrix[name][other] <= 0.75


def test_positive_control_and_claims(results: dict[str, Any]) -> None:
    """The positive control passes, and every claim of the spec is supported."""
    assert all(item["positive_control"]["passed"] for item in results["alignments"])
    assert [claim["verdict"] for claim in results["claims"]] == ["supported"] * 4
