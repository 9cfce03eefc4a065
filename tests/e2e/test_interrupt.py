"""A run that is stopped in the middle loses no finished cell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, Call

SIZES = ("--seeds", "0", "--train", "512", "--validation", "60", "--test", "60")


def _start(spec: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "causalspec", "run", str(spec), "--out", str(out), *SIZES],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _cells(out: Path) -> dict[str, int]:
    folder = out / "cells"
    found = folder.glob("*.safetensors") if folder.is_dir() else ()
    return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_run_goes_on_where_it_was(call: Call, tmp_path: Path, stop: signal.Signals, status: int) -> None:
    """Ctrl-C ends with status 130; after it, and after kill −9, the same command finishes with the same bytes."""
    spec = tmp_path / "x.cspec"
    text = (ROOT / "specs" / "price_tagging.cspec").read_text(encoding="utf-8")
    text = text[: text.index('claim "')].replace("run left, both, mid, bracket", "run left")
    text = text.replace("  control random_weights, random_rotation\n", "").replace("  transfer narrow, game\n", "")
    spec.write_text(text, encoding="utf-8")
    process = _start(spec, tmp_path / "stopped")
    deadline = time.monotonic() + 300
    while len(_cells(tmp_path / "stopped")) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert not (tmp_path / "stopped" / "results.json").exists()
    finished = _cells(tmp_path / "stopped")
    assert len(finished) >= 3
    again = call("run", spec, "--out", tmp_path / "stopped", *SIZES)
    assert again.returncode == 0, again.stderr
    assert finished.items() <= _cells(tmp_path / "stopped").items()
    assert call("run", spec, "--out", tmp_path / "whole", *SIZES).returncode == 0
    assert (tmp_path / "stopped" / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
