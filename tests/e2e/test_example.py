"""The running example, end to end in small: every promised figure is there and hangs together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from causalspec_runtime.results import Results
from tests.conftest import ROOT, Call, results_in

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"


@pytest.fixture(scope="module")
def folder(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small run of the example."""
    out = tmp_path_factory.mktemp("example")
    sizes = ("--train", "600", "--validation", "200", "--test", "300", "--seeds", "0")
    ran = call("run", EXAMPLE, "--out", out, *sizes)
    assert ran.returncode in (0, 1), ran.stderr
    (out / "stdout").write_text(ran.stdout, encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    return results_in(folder)


def test_results_follow_their_schema(results: dict[str, Any]) -> None:
    """`results.json` is what `Results` says it is, with no key more."""
    assert Results.model_validate(results).model_dump(mode="json", by_alias=True) == results


def test_the_embedded_lm_does_the_task(results: dict[str, Any]) -> None:
    """At least 99 % of natural prompts."""
    assert results["task_accuracy"] >= 0.99


def test_each_alignment_has_its_cells_and_figures(results: dict[str, Any]) -> None:
    """At least six cells each, the best one chosen on validation, every score inside its interval."""
    assert {"left", "both", "mid", "bracket"} <= {item["name"] for item in results["alignments"]}
    for item in results["alignments"]:
        assert len(item["cells"]) >= 6
        best = item["cells"][item["best"]]
        assert best["iia_validation"] == max(cell["iia_validation"] for cell in item["cells"])
        for cell in item["cells"]:
            assert 0 <= cell["ci"][0] <= cell["iia_test"] <= cell["ci"][1] <= 1
            assert cell["iia_test"] == min(subset["iia_test"] for subset in cell["subsets"])
            assert cell["width"] == sum(cell["widths"].values())
        assert item["floors"]["answer_only"] >= max(item["floors"].values()) - 1e-12
        assert {"inputs"} < {rival["model"] for rival in item["rivals"]}
        assert item["controls"]["random_weights"] and item["controls"]["random_rotation"]
        assert {transfer["variant"] for transfer in item["transfer"]} == {"narrow", "game"}


def test_chance_levels_are_those_of_the_models(results: dict[str, Any]) -> None:
    """With balanced cells `answer_only` is 4/7 for left and 1/2 for midpoint and bracket, up to rounding of quotas."""
    floors = {item["name"]: item["floors"]["answer_only"] for item in results["alignments"]}
    assert floors["left"] == pytest.approx(4 / 7, abs=0.01)
    assert floors["mid"] == pytest.approx(0.5, abs=0.01)
    assert floors["bracket"] == pytest.approx(0.5, abs=0.01)


def test_learned_rotations_are_orthonormal(results: dict[str, Any], folder: Path) -> None:
    """The columns of all blocks of a cell form one orthonormal frame."""
    for item in results["alignments"]:
        cell = item["cells"][item["best"]]
        state = load_file(folder / cell["map"])
        frame = state["rotation"].flatten(1)
        used = frame[:, frame.norm(dim=0) > 0]
        assert (used.T @ used).sub_(_eye(used.shape[1])).abs().max() < 1e-4
        assert state["widths"].tolist() == list(cell["widths"].values())


def _eye(size: int) -> Any:
    import torch

    return torch.eye(size)


def test_the_terminal_says_what_the_file_says(results: dict[str, Any], folder: Path) -> None:
    """Each claim's verdict and each best IIA stand in the output."""
    shown = (folder / "stdout").read_text(encoding="utf-8")
    for claim in results["claims"]:
        assert f"{claim['verdict']:<10} {claim['title']}" in shown
    for item in results["alignments"]:
        assert f"{item['cells'][item['best']]['iia_test']:.3f}" in shown
