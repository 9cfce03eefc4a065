"""Diagnostics for machines: one line each, JSON, SARIF; what goes to which stream."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from causalspec.codes import CODES
from causalspec.diagnostics import Diagnostic, Fix, Label
from causalspec.formats import as_json, concise, sarif
from causalspec.span import Source, Span
from tests._schema import mistakes
from tests.conftest import ROOT, Call

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"
BAD = ROOT / "tests" / "bad"
SOURCE = Source("price_tagging.cspec", "align left for m {\n  place abvoe on residual(tokens = last)\n}\n")
MISSPELT = Diagnostic(
    "E0201",
    "no variable named `abvoe`",
    Span(27, 32),
    "did you mean `above`?",
    labels=(Label(Span(0, 5), "in this one"),),
    notes=("a note",),
    help="do this",
    fix=Fix(Span(27, 32), "above"),
)
NOWHERE = Diagnostic("W0101", "no place")


def test_one_line_each() -> None:
    """`file:line:col: error[E0201]: message`; nothing of the file can break the line or steer the terminal."""
    assert concise([MISSPELT], SOURCE) == ["price_tagging.cspec:2:9: error[E0201]: no variable named `abvoe`"]
    assert concise([NOWHERE], Source("a\nb\x1b", "")) == ["a\\x0ab\\x1b:1:1: warning[W0101]: no place"]


def test_json_says_all_that_is_known() -> None:
    """Lines and columns from 1, offsets from 0, ends exclusive; null where there is no place and no fix."""
    data = json.loads(json.dumps(as_json([(SOURCE, [MISSPELT, NOWHERE])])))
    place = {"start": {"line": 2, "column": 9, "offset": 27}, "end": {"line": 2, "column": 14, "offset": 32}}
    keyword = {"start": {"line": 1, "column": 1, "offset": 0}, "end": {"line": 1, "column": 6, "offset": 5}}
    first, second = data.pop("diagnostics")
    assert data == {"schema": "causalspec.diagnostics/1", "files": ["price_tagging.cspec"], "errors": 1, "warnings": 1}
    assert first == {
        "code": "E0201", "severity": "error", "message": "no variable named `abvoe`", "file": "price_tagging.cspec",
        "range": place, "label": "did you mean `above`?", "labels": [{"range": keyword, "text": "in this one"}],
        "notes": ["a note"], "help": "do this", "fix": {"range": place, "text": "above"},
    }  # fmt: skip
    assert (second["severity"], second["range"], second["fix"]) == ("warning", None, None)


def test_columns_count_code_points() -> None:
    """A character beyond the basic plane is one column, and one offset."""
    source = Source("x", "😀é x")
    (item,) = json.loads(json.dumps(as_json([(source, [Diagnostic("E0101", "m", Span(3, 4))])])))["diagnostics"]
    assert item["range"]["start"] == {"line": 1, "column": 4, "offset": 3}
    assert sarif([(source, [])])["runs"][0]["columnKind"] == "unicodeCodePoints"  # type: ignore[index]


def test_every_wrong_spec_fits_the_schema_of_the_json(call: Call) -> None:
    """The document of all of them, read from standard output, is what grammars/diagnostics.schema.json says."""
    files = sorted(BAD.glob("*.cspec"))
    ran = call("check", "--json", *files)
    data = json.loads(ran.stdout)
    schema = json.loads((ROOT / "grammars" / "diagnostics.schema.json").read_text(encoding="utf-8"))
    assert mistakes(data, schema) == []
    assert data["files"] == [str(path) for path in files] and len(data["diagnostics"]) >= len(files)
    assert ran.stderr == "" and ran.returncode == 1
    for item in data["diagnostics"]:
        text = Path(item["file"]).read_text(encoding="utf-8")
        start = item["range"]["start"]
        assert text.split("\n")[start["line"] - 1][start["column"] - 1 :] == text[start["offset"] :].split("\n")[0]


def log_of(*diagnostics: Diagnostic, source: Source = SOURCE) -> dict[str, Any]:
    """A SARIF log, as it is read."""
    data: dict[str, Any] = json.loads(json.dumps(sarif([(source, diagnostics)])))
    return data


def test_sarif_has_every_code_as_a_rule_with_help() -> None:
    """What GitHub code scanning shows of a rule: id, descriptions, help as text and Markdown, level, severity."""
    log = log_of(MISSPELT)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["name"] == "causalspec" and [rule["id"] for rule in driver["rules"]] == sorted(CODES)
    for rule in driver["rules"]:
        level = "warning" if rule["id"].startswith("W") else "error"
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        assert rule["help"]["text"] and rule["help"]["markdown"].startswith(f"# {rule['id']}: ")
        assert rule["defaultConfiguration"]["level"] == rule["properties"]["problem.severity"] == level


def test_a_sarif_result_has_place_labels_and_fix() -> None:
    """Regions count from 1, ends exclusive; what has no place is told at the first line, as GitHub needs one."""
    (misspelt, nowhere) = log_of(MISSPELT, NOWHERE)["runs"][0]["results"]
    artifact = {"uri": "price_tagging.cspec", "uriBaseId": "%SRCROOT%"}
    region = {"startLine": 2, "startColumn": 9, "endLine": 2, "endColumn": 14}
    assert (misspelt["ruleId"], misspelt["level"]) == ("E0201", "error")
    assert sorted(CODES)[misspelt["ruleIndex"]] == "E0201"
    assert misspelt["message"]["text"] == "no variable named `abvoe`\ndid you mean `above`?\na note\nhelp: do this"
    assert misspelt["locations"] == [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    assert misspelt["relatedLocations"][0]["message"]["text"] == "in this one"
    (change,) = misspelt["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"] == artifact
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": "above"}}]
    first = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    assert nowhere["locations"][0]["physicalLocation"]["region"] == first


def test_a_path_is_a_uri(tmp_path: Path) -> None:
    """Blanks and letters beyond ASCII are escaped; a file outside of the working folder has an absolute address."""

    def uri(name: str) -> str:
        (result,) = log_of(NOWHERE, source=Source(name, ""))["runs"][0]["results"]
        return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])

    assert uri("./my specs/é.cspec") == "my%20specs/%C3%A9.cspec"
    assert uri(str(tmp_path / "x.cspec")) == (tmp_path / "x.cspec").as_uri()


@pytest.mark.parametrize("form", ["concise", "json", "sarif"])
def test_a_machine_format_has_standard_output_for_itself(call: Call, form: str) -> None:
    """No `ok`, no summary, status as ever: 0 clean, 1 errors, 2 where a file cannot be read."""
    clean = call("check", "--format", form, EXAMPLE)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == "" if form == "concise" else json.loads(clean.stdout)
    wrong = call("check", "--format", form, EXAMPLE, BAD / "cycle_of_two.cspec")
    assert wrong.returncode == 1 and "E0401" in wrong.stdout and "ok:" not in wrong.stdout
    if form == "concise":
        assert re.fullmatch(r"\S+cycle_of_two\.cspec:\d+:\d+: error\[E0401\]: .+\n", wrong.stdout)
    missing = call("check", "--format", form, "nowhere.cspec")
    assert (missing.returncode, missing.stdout) == (2, "")


def test_standard_input_is_read_for_a_dash() -> None:
    """Once; its name in messages is <stdin>."""

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "causalspec", "check", *arguments]
        return subprocess.run(command, input="cspec 2\n", capture_output=True, text=True, cwd=ROOT, check=False)

    ran = check("-", "--format", "concise")
    assert ran.returncode == 1 and ran.stdout.startswith("<stdin>:1:1: error[E0207]: ")
    assert check("-", "-").returncode == 2


def test_checking_loads_no_machine_format() -> None:
    """`check` of a clean file imports neither formats, codes, pages nor fixes."""
    late = [f"causalspec.{name}" for name in ("formats", "codes", "explain", "fixing", "allows", "render")]
    program = (
        "import sys; from causalspec.cli import main; status = main(['check', 'specs/price_tagging.cspec']);"
        f"print(status, sorted(set(sys.modules) & set({late!r})))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []"
