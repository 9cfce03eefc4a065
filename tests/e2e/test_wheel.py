"""A wheel, used far from the checkout, does what the checkout does."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents installed in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder / "site"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return folder


def _call(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(installed / "site"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "causalspec", *arguments],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_the_wheel_holds_grammar_specs_and_embedded_lm(installed: Path) -> None:
    """And nothing of the tests, benchmarks or training scripts."""
    (wheel,) = (installed / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"causalspec", "causalspec_runtime", f"causalspec-{wheel.name.split('-')[1]}.dist-info"}
    for needed in (
        "causalspec/grammars/cspec.lark",
        "causalspec/grammars/hypothesis.schema.json",
        "causalspec/pages/E0101.md",
        "causalspec/specs/price_tagging.cspec",
        "causalspec_runtime/language_model/embedded/tiny/model.safetensors",
        "causalspec_runtime/language_model/embedded/tiny/README.md",
    ):
        assert needed in names


def test_the_installed_package_checks_and_runs(installed: Path) -> None:
    """`check` and `run` of the shipped example, from a folder that is no checkout."""
    site = installed / "site"
    where = subprocess.run(
        [sys.executable, "-c", "import causalspec, causalspec_runtime as r; print(causalspec.__file__, r.__file__)"],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(path.startswith(str(site)) for path in where.split())
    spec = str(site / "causalspec" / "specs" / "price_tagging.cspec")
    assert _call(installed, "check", spec).returncode == 0
    sizes = ("--train", "64", "--validation", "60", "--test", "60", "--seeds", "0")
    ran = _call(installed, "run", spec, "--out", "results", *sizes)
    assert ran.returncode in (0, 1), ran.stderr
    assert (installed / "results" / "results.json").is_file()
