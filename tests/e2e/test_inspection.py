"""`check --data`, `compare` and `tokens` as a user calls them: what is read, and exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, Call

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"
MERGED = """\
cspec 1
task t {
  input size: "small" | "large"
  input x: int in 0 .. 99
  prompt "{size}est of {x}"
  output answer: "Yes" | "No"
}
model m for t {
  var big: bool = x > 50
  output answer = if big and size == "large" then "Yes" else "No"
}
align a for m {
  place big on residual(layers = all, tokens = [x.first, TOKEN])
  method boundless_das
}
lm tiny = embedded("tiny")
experiment e {
  lm tiny
  run a
}
"""


def test_check_data_adds_levels_and_findings(call: Call) -> None:
    """The example: chance of every alignment and subset, and the variable that two rivals share."""
    ran = call("check", "--data", EXAMPLE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "warning[W0804]" in ran.stdout and "proved by the text alone" in ran.stdout
    assert "answer_only" in ran.stdout and "both_boundaries 1.000" in ran.stdout
    assert call("check", "--data", "--strict", EXAMPLE).returncode == 1
    assert "W08" not in call("check", EXAMPLE).stdout


def test_check_data_is_data_too(call: Call) -> None:
    """--json: diagnostics, and one entry a subset."""
    found = json.loads(call("check", "--data", "--json", EXAMPLE).stdout)
    assert [item["code"] for item in found["diagnostics"]] == ["W0804"]
    entries = {(item["alignment"], *item["variables"]): item["floors"]["answer_only"] for item in found["chance"]}
    assert abs(entries["left", "above"] - 4 / 7) < 1e-3 and abs(entries["bracket", "bracket"] - 0.5) < 1e-3
    assert ("both", "above", "below") in entries


def test_rivals_that_nothing_separates_are_status_1(call: Call) -> None:
    """`left` and `both` say the same of `above`; the rest is separated by a pair that is shown."""
    ran = call("compare", EXAMPLE, "left_boundary", "both_boundaries")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "above          above            the same output: proved by the text alone" in ran.stdout
    assert "not separable:\n  above of left_boundary and above of both_boundaries" in ran.stdout
    assert "pair 1  base    width = " in ran.stdout


def test_rivals_that_are_separated_are_status_0(call: Call) -> None:
    """Two alignments, as text and as data: the labels on the pair shown differ."""
    ran = call("compare", EXAMPLE, "mid", "bracket")
    assert ran.returncode == 0 and "none of 1,000,000 drawn inputs separates them" in ran.stdout
    found = json.loads(call("compare", EXAMPLE, "mid", "bracket", "--json").stdout)
    (pair,) = found["examples"]
    assert found["separated"] and pair["left"][0]["label"] != pair["right"][0]["label"]
    assert set(pair["base"]) == {"width", "lower", "price"}


def test_comparing_loads_no_tensors() -> None:
    """Neither torch nor transformers."""
    program = (
        "import sys; from causalspec_runtime.inspection import compare_command as c;"
        "c(['specs/price_tagging.cspec', 'mid', 'bracket']); print(set(sys.modules) & {'torch', 'transformers'})"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"


def test_tokens_are_named(call: Call) -> None:
    """Each hole's tokens, the last one, which alignments look there, and the answers' tokens."""
    ran = call("tokens", EXAMPLE, "--n", "1", "--task", "game")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "price.first, price[0]  <- left, both, mid, bracket" in ran.stdout
    assert "last  <- left, both, mid, bracket" in ran.stdout
    assert "task game, as tiny cuts it" in ran.stdout and "answer Yes: ' Yes' (token " in ran.stdout
    assert ran.stdout.count("prompt ") == 1


def test_a_span_that_merges_is_told_as_in_a_run(call: Call, tmp_path: Path) -> None:
    """A note where nothing looks at it; the error of a run, status 2, where an alignment does."""
    path = tmp_path / "merged.cspec"
    path.write_text(MERGED.replace("TOKEN", "last"), encoding="utf-8")
    ran = call("tokens", path)
    assert ran.returncode == 0 and "size: `size` has no token of its own" in ran.stdout
    path.write_text(MERGED.replace("TOKEN", "size.last"), encoding="utf-8")
    ran = call("tokens", path)
    assert ran.returncode == 2 and "error[R0201]: `size` has no token of its own" in ran.stderr
    assert "x.first" in ran.stdout


def test_bad_calls_are_status_2(call: Call) -> None:
    """A sentence on stderr, never a traceback."""
    for arguments, told in (
        (("compare", EXAMPLE, "left", "wright"), "no model or alignment `wright`"),
        (("compare", EXAMPLE, "left", "left"), "compared with itself"),
        (("compare", "nowhere.cspec", "a", "b"), "no file nowhere.cspec"),
        (("compare", ROOT / "tests" / "bad" / "unknown_variable_in_place.cspec", "a", "b"), "E0201"),
        (("tokens", EXAMPLE, "--task", "none"), "no task or variant `none`"),
        (("tokens", EXAMPLE, "--lm", "path:nowhere"), "no folder at `nowhere`"),
        (("tokens", EXAMPLE, "--n", "0"), "must be a number from 1"),
    ):
        ran = call(*arguments)
        assert ran.returncode == 2 and told in ran.stderr and "Traceback" not in ran.stderr, arguments
