"""`check --fix` makes the fixes that diagnostics carry, and never makes a file worse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from causalspec import fixing
from causalspec.diagnostics import Diagnostic, Fix, Severity
from causalspec.files import Unusable, read_source, write_source
from causalspec.fixing import difference, fixed
from causalspec.semantics.check import check
from causalspec.span import Source, Span
from tests.conftest import ROOT, Call

BAD = ROOT / "tests" / "bad"
FILES = sorted(BAD.glob("*.cspec"))
MISSPELT = BAD / "unknown_variable_in_place.cspec"
FRAME = """cspec 1
task t {
  input lower: decimal(2) in 0.05 .. 4.95
  input price: decimal(2) in 0.01 .. 9.99
  prompt "{lower} {price}"
  output answer: "Yes" | "No"
}
model m for t {
  var above: bool = price >= lower
  output answer = if above then "Yes" else "No"
}
lm tiny = embedded("tiny")
align left for m {
  place above on residual(layers = all, tokens = last)
  method boundless_das
}
experiment main {
  lm tiny
  run left
}
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("cspec 1\n", ""),
        ("place above", "place abvoe"),
        ("lower\n  output", "lower && !(price < 0.00)\n  output"),
        ("if above then", "if !above || above == True then"),
        ("if above then", "if above = true then"),
        ('then "Yes" else', 'then "Yes" elif price <= 0.50 then "No" else'),
        ("layers = all, tokens", "layers = all tokens"),
        ("(layers = all, tokens = last)", "(layers: all, tokens: last)"),
        ("layers = all", 'layer = "all"'),
        ('output answer: "Yes" | "No"', "output answer: “Yes” | “No”"),
        ('output answer: "Yes" | "No"', "output answer: 'Yes' | 'No'"),
        ('output answer: "Yes" | "No"', 'output answer: "Yes", "No"'),
        ('prompt "', 'prompt f"'),
        ("0.01 .. 9.99", ".01 to 9.99"),
        ("run left", 'run ["left"]'),
        ("run left", "run left\n  tuples train = 4,000, tset = 1,000, validation = 1,000,000"),
        ("run left", "run left;"),
        ("model m for t {", 'model "m" of t {'),
        ("price >= lower", "price ≥ lower"),
        ("lm tiny =", "// the LM\nlm tiny ="),
        ("lm tiny = embedded", "cspec 1\nlm tiny := embeded"),
        ("  var above", "  above"),
        ("run left", "run left  # allow: W0602 nothing is hidden"),
    ],
)
def test_a_habit_from_elsewhere_is_mended(right: str, wrong: str) -> None:
    """What is unambiguous needs no hand: the file is clean afterwards."""
    assert FRAME.count(right) == 1 and check(Source("x.cspec", FRAME))[1] == ()
    source = Source("x.cspec", FRAME.replace(right, wrong))
    assert check(source)[1]
    done = fixed(source)
    assert done.diagnostics == () and done.applied and done.hypothesis is not None, done.source.text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_wrong_spec_gets_worse(path: Path) -> None:
    """Errors do not grow, and mending twice is mending once."""
    source = read_source(path)
    done = fixed(source)
    before, after = (
        sum(item.severity is Severity.ERROR for item in found) for found in (check(source)[1], done.diagnostics)
    )
    assert after <= before and (done.applied or done.source == source)
    assert fixed(done.source).applied == ()


def test_a_number_keeps_its_value() -> None:
    """`.01` becomes `0.01`: a fix never changes what was meant without being seen."""
    assert "in 0.01 .." in fixed(Source("x", FRAME.replace("0.01 ..", ".01 .."))).source.text


def test_line_ends_stay_what_they_are() -> None:
    """In a file with carriage returns, an added line has one too."""
    text = FRAME.replace("cspec 1\n", "").replace("\n", "\r\n")
    assert fixed(Source("x", text)).source.text == "cspec 1\r\n" + text


def test_a_fix_that_adds_errors_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixes beside it are made all the same."""
    text = FRAME.replace("above then", "abov then").replace("run left", "run lefd").replace("lm tiny\n", "lm tony\n")

    def checked(source: Source) -> tuple[None, tuple[Diagnostic, ...]]:
        wrong = Diagnostic("E0101", "the fix is wrong", Span(0, 0), fix=Fix(Span(0, 5), "task a {} task a {}"))
        return None, (wrong, *check(source)[1])

    monkeypatch.setattr(fixing, "check", checked)
    done = fixed(Source("x", text))
    assert [item.after for item in done.applied] == ["above", "tiny", "left"]
    assert [item.message for item in done.diagnostics] == ["the fix is wrong"]


def test_the_file_is_written_and_told(call: Call, tmp_path: Path) -> None:
    """Each fix with its place, then what is left; status 0 when nothing is."""
    path = tmp_path / "x.cspec"
    path.write_text(MISSPELT.read_text(encoding="utf-8"), encoding="utf-8")
    path.chmod(0o640)
    ran = call("check", "--fix", path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{path}:21:9: fixed[E0201]: `abvoe` → `above`" in ran.stdout and "ok: 1 task" in ran.stdout
    assert "place above" in path.read_text(encoding="utf-8") and path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in tmp_path.iterdir()] == ["x.cspec"]


def test_what_cannot_be_mended_is_left_and_told(call: Call, tmp_path: Path) -> None:
    """Status 1, and the file as it was."""
    path = tmp_path / "x.cspec"
    path.write_bytes((BAD / "cycle_of_two.cspec").read_bytes())
    ran = call("check", "--fix", path)
    assert ran.returncode == 1 and "error[E0401]" in ran.stdout and "fixed[" not in ran.stdout
    assert path.read_bytes() == (BAD / "cycle_of_two.cspec").read_bytes()


def test_a_diff_writes_nothing_and_can_be_applied(call: Call, tmp_path: Path) -> None:
    """The diff alone on standard output; the status is that of the file as it is."""
    path = tmp_path / "x.cspec"
    path.write_text(MISSPELT.read_text(encoding="utf-8"), encoding="utf-8")
    ran = call("check", "--diff", path)
    assert ran.returncode == 1 and path.read_bytes() == MISSPELT.read_bytes()
    assert ran.stdout.startswith(f"--- {path}\n+++ {path}\n@@ ")
    assert "-  place abvoe on" in ran.stdout and "+  place above on" in ran.stdout
    assert "fixed[E0201]" in ran.stderr and "fixed" not in ran.stdout
    assert call("check", "--diff", ROOT / "specs" / "price_tagging.cspec").stdout == ""


def test_a_diff_shows_a_missing_line_end() -> None:
    """As `patch` reads it."""
    assert difference(Source("f", "a"), Source("f", "b")).endswith(
        "-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
    )


def test_a_machine_format_stays_alone_with_fixes(call: Call, tmp_path: Path) -> None:
    """What was fixed goes to standard error; the document tells what is left."""
    path = tmp_path / "x.cspec"
    path.write_text(MISSPELT.read_text(encoding="utf-8"), encoding="utf-8")
    ran = call("check", "--fix", "--format", "concise", path)
    assert (ran.returncode, ran.stdout) == (0, "") and "fixed[E0201]" in ran.stderr
    assert call("check", "--diff", "--json", path).returncode == 2


def test_standard_input_is_mended_to_standard_output() -> None:
    """As a filter for editors."""
    ran = subprocess.run(
        [sys.executable, "-m", "causalspec", "check", "--fix", "-"],
        input=MISSPELT.read_text(encoding="utf-8"), capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert ran.returncode == 0 and "fixed[E0201]" in ran.stderr
    assert ran.stdout == MISSPELT.read_text(encoding="utf-8").replace("abvoe", "above")


def test_a_file_is_written_whole_through_its_link(tmp_path: Path) -> None:
    """A byte order mark and a symbolic link stay; a file that cannot be written is told."""
    path, link = tmp_path / "x.cspec", tmp_path / "link.cspec"
    path.write_bytes(b"\xef\xbb\xbfcspec 1\n")
    link.symlink_to(path)
    write_source(Source(str(link), read_source(link).text + "# é\n"))
    assert link.is_symlink() and path.read_bytes() == b"\xef\xbb\xbfcspec 1\n# \xc3\xa9\n"
    with pytest.raises(Unusable, match="cannot write"):
        write_source(Source(str(tmp_path / "no" / "x.cspec"), ""))
