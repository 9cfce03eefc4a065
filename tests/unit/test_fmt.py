"""`causalspec fmt`: what the style looks like, and what the command writes and says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from causalspec.diagnostics import Report
from causalspec.files import Unusable, write_text
from causalspec.span import Source
from causalspec.syntax.format import format_spec, one_line
from causalspec.syntax.parse import parse
from tests.conftest import ROOT, Call

GOLDEN = sorted((ROOT / "tests" / "fmt").glob("*.in.cspec"))
MESSY = 'cspec 1\nlm   tiny=embedded( "tiny" ) # small\n'
TIDY = 'cspec 1\nlm tiny = embedded("tiny")  # small\n'
WRONG = "cspec 1\ntask t { inpt x int\n"


def formatted(text: str) -> str:
    result, diagnostics = format_spec(Source("x.cspec", text))
    assert result is not None, diagnostics
    return result


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_golden_files(path: Path) -> None:
    """Each NAME.in.cspec becomes NAME.out.cspec, which stays as it is."""
    expected = path.with_name(path.name.replace(".in.", ".out.")).read_text(encoding="utf-8")
    assert formatted(path.read_text(encoding="utf-8")) == expected
    assert formatted(expected) == expected


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.cspec")), ids=lambda path: path.name)
def test_the_specs_that_ship_are_in_the_style(path: Path) -> None:
    """Formatting changes no spec of the library."""
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


def test_bad_specs_are_left_alone_where_their_syntax_is_wrong() -> None:
    """Each spec in tests/bad is formatted, or told to have the syntax errors that the parser tells."""
    for path in sorted((ROOT / "tests" / "bad").glob("*.cspec")):
        source = Source(path.name, path.read_text(encoding="utf-8"))
        report = Report(source)
        parse(source, report)
        result, diagnostics = format_spec(source)
        assert (result is None) == report.failed, path
        assert diagnostics == (report.sorted() if report.failed else ())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("let x=-a+ - b*( - c )", "let x = -a + -b * (-c)"),
        ("let x = a . 0 . 1", "let x = a.0.1"),
        ("let x = 2 .0", "let x = 2 .0"),  # `2.0` is a number
        ("let x = f ( a ) [ 0 ]", "let x = f(a)[0]"),
        ("require(a or b)", "require (a or b)"),
        ("require not( a )", "require not (a)"),
        ("require x in{ 1,2 , 3 }", "require x in {1, 2, 3}"),
        ("input x:int in 0..9", "input x: int in 0 .. 9"),
        ('output answer:"Yes"|"No"', 'output answer: "Yes" | "No"'),
        ("place(a,b)on residual(layers=0 ..lm step(2))", "place (a, b) on residual(layers = 0 .. lm step (2))"),
    ],
)
def test_blanks_between_tokens(written: str, expected: str) -> None:
    """Operators have a space on both sides, brackets none inside, a call none before."""
    assert one_line(written) == expected


@pytest.mark.parametrize(
    "text", ["key city: text", "fn f(x) = x + 1", 'import "x.cspec" as x', "output answer: one of options",
             "sum(x for x in digits)", "[T; 1 .. 4]", 'match t { "a" -> b }', "table t = csv(\"c.csv\") { key a: b }"],
)  # fmt: skip
def test_forms_to_come_need_nothing_here(text: str) -> None:
    """Forms that the language does not have yet are spaced as its design writes them."""
    assert one_line(text.replace(" ", "  ")) == text


def test_windows_line_ends_and_a_byte_order_mark_are_dropped() -> None:
    """The style has one kind of line end; strings keep their values."""
    assert formatted("\ufeff" + MESSY.replace("\n", "\r\n")) == TIDY
    text = 'cspec 1\ntask t {\n  prompt """\n    a\n    b"""\n}\n'
    assert formatted(text.replace("\n", "\r\n")) == text


def test_an_empty_file_stays_empty() -> None:
    """Nothing in, nothing out; a comment alone ends its line."""
    assert formatted("") == formatted("\n \n") == ""
    assert formatted("  # only this") == "# only this\n"


def test_neighbours_that_would_become_too_wide_are_not_aligned() -> None:
    """A run of declarations is aligned only where every line of it stays within 120 columns."""
    long = 'lm x = hub("' + "n" * 100 + '")\n'
    assert formatted('lm named_long = embedded("a")\n' + long) == 'lm named_long = embedded("a")\n' + long


def test_files_are_formatted_in_place(call: Call, tmp_path: Path) -> None:
    """A file is rewritten with its permissions, a link's target is, and one in the style is not touched."""
    messy, tidy, link = tmp_path / "messy.cspec", tmp_path / "tidy.cspec", tmp_path / "link.cspec"
    messy.write_text(MESSY, encoding="utf-8")
    messy.chmod(0o640)
    tidy.write_text(TIDY, encoding="utf-8")
    link.symlink_to(messy)
    before = tidy.stat()
    ran = call("fmt", link, tidy)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{link}: formatted\n1 file formatted, 1 unchanged\n"
    assert messy.read_text(encoding="utf-8") == TIDY
    assert messy.stat().st_mode & 0o777 == 0o640 and link.is_symlink()
    assert (tidy.stat().st_ino, tidy.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.cspec", "messy.cspec", "tidy.cspec"]


def test_check_and_diff_write_nothing(call: Call, tmp_path: Path) -> None:
    """--check is status 1 where a file would change, --diff shows how; neither touches the file."""
    path = tmp_path / "messy.cspec"
    path.write_text(MESSY, encoding="utf-8")
    ran = call("fmt", "--check", path)
    assert (ran.returncode, ran.stdout) == (1, f"{path}: would be formatted\n1 file would be formatted\n")
    ran = call("fmt", "--diff", path)
    assert ran.returncode == 0
    assert '-lm   tiny=embedded( "tiny" ) # small\n+lm tiny = embedded("tiny")  # small\n' in ran.stdout
    assert call("fmt", "--check", "--diff", path).returncode == 1
    assert path.read_text(encoding="utf-8") == MESSY
    path.write_text(TIDY, encoding="utf-8")
    assert call("fmt", "--check", path).returncode == 0


def test_a_diff_can_be_applied(call: Call, tmp_path: Path) -> None:
    """A file without a line end at its end gives the note that `patch` needs."""
    path = tmp_path / "messy.cspec"
    path.write_text(MESSY.rstrip(), encoding="utf-8")
    assert "# small\n\\ No newline at end of file\n+lm" in call("fmt", "--diff", path).stdout


def piped(text: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "causalspec", "fmt", *arguments, "-"],
        cwd=ROOT,
        input=text.encode(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )


def test_a_dash_reads_stdin_and_writes_stdout() -> None:
    """Editors pipe a spec through, in UTF-8 whatever the terminal's encoding; with errors nothing comes out."""
    ran = piped(MESSY + "# 数\n")
    assert (ran.returncode, ran.stdout.decode(), ran.stderr) == (0, TIDY + "# 数\n", b"")
    assert piped(TIDY, "--check").returncode == 0
    assert piped(MESSY, "--check").returncode == 1
    ran = piped(WRONG)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"error[E01" in ran.stderr and b"<stdin>:2" in ran.stderr


def test_a_file_with_syntax_errors_is_left_alone(call: Call, tmp_path: Path) -> None:
    """Its errors are told and the status is 2; the other files are formatted."""
    wrong, messy = tmp_path / "wrong.cspec", tmp_path / "messy.cspec"
    wrong.write_text(WRONG, encoding="utf-8")
    messy.write_text(MESSY, encoding="utf-8")
    ran = call("fmt", wrong, messy)
    assert ran.returncode == 2
    assert "error[E01" in ran.stderr
    assert "1 file formatted, 1 left alone for their errors" in ran.stdout
    assert wrong.read_text(encoding="utf-8") == WRONG
    assert messy.read_text(encoding="utf-8") == TIDY


def test_a_bad_call_is_status_2_and_changes_nothing(call: Call, tmp_path: Path) -> None:
    """No file, a missing file beside a good one, a folder, `-` beside a file: a sentence, no traceback, no change."""
    messy = tmp_path / "messy.cspec"
    messy.write_text(MESSY, encoding="utf-8")
    for arguments in ((), (messy, "nowhere.cspec"), (messy, tmp_path), (messy, "-"), ("--width", "80", messy)):
        ran = call("fmt", *arguments)
        assert ran.returncode == 2 and ran.stderr and "Traceback" not in ran.stderr, arguments
    assert messy.read_text(encoding="utf-8") == MESSY


def test_a_text_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder in the way, or none there, is told; no half file stays."""
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "nowhere" / "x.cspec"):
        with pytest.raises(Unusable):
            write_text(path, TIDY)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_fmt_loads_nothing_heavy() -> None:
    """Formatting loads neither lark nor numpy nor networkx nor torch."""
    program = (
        "import sys; from causalspec.cli import main; main(['fmt', '--check', 'specs/price_tagging.cspec']);"
        "print(sorted({'lark', 'numpy', 'networkx', 'torch', 'pydantic'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
