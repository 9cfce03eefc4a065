"""The tutorial does what it says: its spec is put together from the page, its commands give the output shown there.

Blocks are followed in order. A ```cspec block adds its declarations to `tag.cspec`; one of a name that is there takes its
place. A ```console block is a command and its output, where `…` stands for lines left out. A ```json block is the first
line of the test tuples.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from tests.conftest import ROOT, Call

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(cspec|console|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DECLARATION = re.compile(r'^(?:cspec|task|model|lm|align|experiment|claim)\b(?: \w+| ".*?")', re.MULTILINE)
FIGURE = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
NEAR = 0.15  # how far a score may lie from the page's on other hardware


def declarations(text: str) -> dict[str, str]:
    """The declarations of a text, by their first words."""
    starts = [*DECLARATION.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {match.group(): text[match.start() : end].rstrip() for match, end in zip(starts, ends, strict=True)}


def is_like(shown: str, line: str) -> bool:
    """Whether a line says the same as the page's: the same words, and scores near to its."""
    if FIGURE.sub("#", shown) != FIGURE.sub("#", line):
        return False
    pairs = zip(FIGURE.findall(shown), FIGURE.findall(line), strict=True)
    return all(abs(float(a) - float(b)) <= NEAR for a, b in pairs if re.fullmatch(r"-?[01]\.\d{3}", a))


def missing(shown: list[str], found: list[str]) -> str | None:
    """The first line of the page that the output lacks, or None; `…` takes any lines."""
    place = 0
    skips = False
    for line in shown:
        if line == "…":
            skips = True
            continue
        while skips and place < len(found) and not is_like(line, found[place]):
            place += 1
        if place == len(found) or not is_like(line, found[place]):
            return line
        place, skips = place + 1, False
    return None if skips or place == len(found) else f"nothing after {found[place]!r}"


def test_the_tutorial_can_be_followed(call: Call, tmp_path: Path) -> None:
    """Every block, in order, in an empty folder."""
    spec: dict[str, str] = {}
    runs = 0
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "cspec":
            spec |= declarations(text)
            (tmp_path / "tag.cspec").write_text("\n\n".join(spec.values()) + "\n", encoding="utf-8")
            continue
        if language == "json":
            first, _, _ = (tmp_path / "plan" / "data" / "upper.test.jsonl").read_text(encoding="utf-8").partition("\n")
            assert json.loads(first) == json.loads(text)
            continue
        command, *shown = text.splitlines()
        program, *arguments = shlex.split(command.removeprefix("$ "))
        assert program == "causalspec", command
        ran = call(*arguments, cwd=tmp_path)
        found = [line.rstrip() for line in ran.stdout.splitlines()]
        assert missing(shown, found) is None, f"{command}: {missing(shown, found)}\n{ran.stdout}\n{ran.stderr}"
        wrong = any(re.match(r"error\[|  (?:undecided|refuted) ", line) for line in found)
        assert ran.returncode == (1 if wrong else 0), ran.stderr
        runs += arguments[0] == "run"
    assert runs == 3
