"""The command line: exit statuses, and what a person reads."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import ROOT, Call

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"
BAD = ROOT / "tests" / "bad"


def test_a_clean_spec_is_status_0(call: Call) -> None:
    """The running example is clean, and says what it holds."""
    ran = call("check", EXAMPLE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "ok: 1 task" in ran.stdout


def test_errors_are_status_1_with_line_and_caret(call: Call) -> None:
    """A misspelt variable is shown where it stands, with the nearest name."""
    ran = call("check", BAD / "unknown_variable_in_place.cspec")
    assert ran.returncode == 1
    assert "error[E0201]: no variable in model `m` named `abvoe`" in ran.stdout
    assert "^^^^^ did you mean `above`?" in ran.stdout


def test_warnings_are_errors_when_strict(call: Call) -> None:
    """A missing edition is a warning: status 0, and 1 with --strict."""
    path = BAD / "edition_missing.cspec"
    assert call("check", path).returncode == 0
    assert call("check", path, "--strict").returncode == 1


def test_an_unusable_call_is_status_2(call: Call, tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no text, no command: status 2 and a sentence, never a traceback."""
    (tmp_path / "bytes.cspec").write_bytes(b"\xff\xfe\x00")
    calls = [
        ("check", "nowhere.cspec"),
        ("check", str(tmp_path)),
        ("check", str(tmp_path / "bytes.cspec")),
        ("chek", "x"),
        (),
    ]
    for arguments in calls:
        ran = call(*arguments)
        assert ran.returncode == 2, arguments
        assert ran.stderr
        assert "Traceback" not in ran.stderr


def test_help_says_what_there_is(call: Call) -> None:
    """`--help` is status 0 and names every command."""
    ran = call("--help")
    assert ran.returncode == 0
    assert all(command in ran.stdout for command in ("check", "compile", "run", "compare", "tokens", "explain"))
