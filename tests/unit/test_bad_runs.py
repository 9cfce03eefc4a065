"""Mistakes that only the data or the LM show: told before anything expensive, with a place and a way out."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import ROOT, Call

GOOD = """cspec 1

task t {
  input lower: decimal(2) in 0.05 .. 4.95
  input price: decimal(2) in 0.01 .. 9.99
  let upper = lower + 5.00
  prompt "Please say yes only if it costs between {lower} and {upper} dollars, otherwise no. {price} dollars"
  output answer: "Yes" | "No"
}

model m for t {
  var above: bool = price >= lower
  var below: bool = price <= upper
  output answer = if above and below then "Yes" else "No"
}

lm tiny = embedded("tiny")

align left for m {
  place above on residual(layers = 1, tokens = last)
  method boundless_das
}

experiment main {
  lm tiny
  run left
  tuples train = 64, validation = 64, test = 64
  seeds 0
}
"""


def _spec(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in GOOD
    path = folder / "x.cspec"
    path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
    return path


def _refused(call: Call, tmp_path: Path, *arguments: str | Path, says: str) -> None:
    """Status 2, the sentence, no traceback, no results."""
    ran = call("run", *arguments, "--out", tmp_path / "out")
    assert ran.returncode == 2, ran.stderr
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_span_that_the_tokenizer_merges_away(call: Call, tmp_path: Path) -> None:
    """A hole glued to a word has no token of its own: the prompt and the token are shown."""
    path = _spec(tmp_path, "otherwise no. {price} dollars", "otherwise n{'o' as glued}. {price} dollars")
    path.write_text(path.read_text().replace("tokens = last", "tokens = glued.last"), encoding="utf-8")
    _refused(call, tmp_path, path, says="glued")


def test_a_token_beyond_the_span(call: Call, tmp_path: Path) -> None:
    """`price[9]` of a span of four tokens is told, not clamped."""
    _refused(call, tmp_path, _spec(tmp_path, "tokens = last", "tokens = price[9]"), says="price")


def test_a_layer_that_the_lm_lacks(call: Call, tmp_path: Path) -> None:
    """Layers are checked against the LM's configuration, with the line of the spec."""
    _refused(call, tmp_path, _spec(tmp_path, "layers = 1", "layers = 40"), says="the LM has no layer 40")


def test_an_lm_that_cannot_do_the_task(call: Call, tmp_path: Path) -> None:
    """An LM near the most frequent answer is refused before training, unless asked to go on."""
    path = _spec(tmp_path, "Please say yes only if it costs between", "Is it odd that green ideas sleep near")
    path.write_text(path.read_text().replace("otherwise no. {price} dollars", "or {price}, my dear"), encoding="utf-8")
    _refused(call, tmp_path, path, says="--allow-low-accuracy")


def test_a_folder_that_is_no_lm(call: Call, tmp_path: Path) -> None:
    """An empty folder, a missing folder and an unknown embedded name are told apart from LMs."""
    (tmp_path / "empty").mkdir()
    for lm in (f"path:{tmp_path / 'empty'}", f"path:{tmp_path / 'missing'}", "embedded:huge"):
        _refused(call, tmp_path, _spec(tmp_path), "--lm", lm, says=lm.partition(":")[2].rsplit("/", 1)[-1])


def test_an_unsatisfiable_require_over_a_large_domain(call: Call, tmp_path: Path) -> None:
    """A condition that no input meets, which bounds do not show, ends in E0601 or E0604, never in a hang."""
    path = _spec(tmp_path, "  let upper", "  require (price * 100) % 2 == 1 and (price * 100) % 4 == 2\n  let upper")
    _refused(call, tmp_path, path, says="E060")


def test_an_output_path_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    """A file where the folder should be, and a read-only system folder: status 2 before the LM loads."""
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/causalspec")):
        ran = call("run", _spec(tmp_path), "--out", out)
        assert ran.returncode == 2, ran.stderr
        assert "--out" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_compile_writes_plan_and_data(call: Call, tmp_path: Path) -> None:
    """A line a tuple, each with prompts, label and what is swapped; the plan repeats the spec."""
    path = _spec(tmp_path)
    ran = call("compile", path, "--out", tmp_path / "plan")
    assert ran.returncode == 0, ran.stderr
    plan = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert plan["spec"]["text"] == path.read_text()
    lines = (tmp_path / "plan" / "data" / "left.test.jsonl").read_text().splitlines()
    assert len(lines) == 64
    tuples = [json.loads(line) for line in lines]
    prompts = [side["prompt"] for item in tuples for side in (item["base"], *item["sources"].values())]
    assert len(set(prompts)) == len(prompts) == 128
    assert {item["label"] for item in tuples} == {"Yes", "No"}


def test_a_run_is_repeated_from_its_plan_alone(call: Call, tmp_path: Path) -> None:
    """`run plan.json` needs no spec file and gives the same bytes; a plan that was changed is refused."""
    path = _spec(tmp_path)
    assert call("run", path, "--out", tmp_path / "first", "--seeds", "3").returncode == 0
    path.unlink()
    plan = tmp_path / "first" / "plan.json"
    ran = call("run", plan, "--out", tmp_path / "again")
    assert ran.returncode == 0, ran.stderr
    results = [(tmp_path / name / "results.json").read_bytes() for name in ("first", "again")]
    assert results[0] == results[1]
    plan.write_text(plan.read_text().replace('"layer": 1', '"layer": 2'), encoding="utf-8")
    _refused(call, tmp_path, plan, says="does not fit its own spec")
    plan.write_text("{}", encoding="utf-8")
    _refused(call, tmp_path, plan, says="no plan of this version")


def test_an_interrupted_run_goes_on(call: Call, tmp_path: Path) -> None:
    """A run repeated in the same folder trains nothing again and gives the same bytes."""
    path = _spec(tmp_path)
    first = call("run", path, "--out", tmp_path / "out")
    assert first.returncode == 0, first.stderr
    before = (tmp_path / "out" / "results.json").read_bytes()
    cells = {item: item.stat().st_mtime_ns for item in (tmp_path / "out" / "cells").iterdir()}
    (tmp_path / "out" / "results.json").unlink()
    assert call("run", path, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == before
    assert {item: item.stat().st_mtime_ns for item in (tmp_path / "out" / "cells").iterdir()} == cells


def test_a_damaged_cell_is_done_again(call: Call, tmp_path: Path) -> None:
    """A flipped byte in a cell's file is noticed, and the results are those of an undisturbed run."""
    path = _spec(tmp_path)
    call("run", path, "--out", tmp_path / "out")
    before = (tmp_path / "out" / "results.json").read_bytes()
    for cell in (tmp_path / "out" / "cells").iterdir():
        content = bytearray(cell.read_bytes())
        content[-3] ^= 0xFF
        cell.write_bytes(content)
    assert call("run", path, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == before


def test_the_example_names_only_what_ships() -> None:
    """The demo's spec needs no network: its experiment runs on the embedded LM."""
    text = (ROOT / "specs" / "price_tagging.cspec").read_text(encoding="utf-8")
    assert 'lm tiny  = embedded("tiny")' in text
