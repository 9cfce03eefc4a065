"""Every code has a page, and its examples are true: the wrong one gives the code, the right one is clean."""

from __future__ import annotations

import numpy as np
import pytest

from causalspec.codes import CODES, FAMILIES, family
from causalspec.explain import examples, explained, markdown, page
from causalspec.resources import data_file, data_text
from causalspec.semantics.check import check
from causalspec.semantics.columns import vocabulary
from causalspec.span import Source
from causalspec_runtime.analysis.findings import findings
from causalspec_runtime.counterfactuals import Population, Sampler, inputs, training_pool, training_set
from causalspec_runtime.errors import SpecError
from tests.conftest import ROOT, Call

DRAWING = ("E0604", "E0605")  # told when inputs are drawn
DATA = ("W0801", "W0802")  # told by `check --data`
NO_EXAMPLE = {
    "E0110": "no page shows a mebibyte",
    "E0312": "needs a file beside the spec",
    "W0803": "said in a sentence",
    "W0804": "needs two models and their alignments: see `compare`",
    "W0805": "said in a sentence",
    "E0606": "needs what `check` cannot prove and no draw of `check` finds",
}
CHECKED = sorted(code for code in CODES if code[0] != "R" and code not in {*NO_EXAMPLE, *DRAWING, *DATA})


def told(text: str) -> set[str]:
    """The codes that `check` gives for a text, in which ‹U+200B› stands for that character."""
    return {item.code for item in check(Source("example.cspec", text.replace("‹U+200B›", "\u200b")))[1]}


@pytest.mark.parametrize("code", CHECKED)
def test_the_wrong_example_gives_the_code_and_the_right_one_nothing(code: str) -> None:
    """In the frame, or as a file of its own."""
    found = examples(code)
    assert told(found["wrong"]) == {code}, found["wrong"]
    assert told(found["right"]) == set(), found["right"]


@pytest.mark.parametrize("code", DATA)
def test_the_wrong_example_gives_the_code_where_data_are_looked_at(code: str) -> None:
    """`check` finds nothing; looking at what the models say does."""
    for kind in ("wrong", "right"):
        hypothesis, diagnostics = check(Source("example.cspec", examples(code)[kind]))
        assert hypothesis is not None and not [item for item in diagnostics if item.code == code]
        found = {item.code for item in findings(hypothesis, diagnostics).diagnostics}
        assert (code in found) == (kind == "wrong")


@pytest.mark.parametrize("code", DRAWING)
def test_the_wrong_example_gives_the_code_when_drawn(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` finds nothing; drawing inputs and tuples does, and does not for the right example."""
    monkeypatch.setattr(inputs, "MOST_DRAWS", 200_000)
    for kind, expected in (("wrong", code), ("right", None)):
        hypothesis, diagnostics = check(Source("example.cspec", examples(code)[kind]))
        assert hypothesis is not None and diagnostics == ()
        task, model = hypothesis.tasks["prices"], hypothesis.models["bracket"]
        words = vocabulary([task], [model])
        found = None
        try:
            Sampler(task, words).draw(1_000, np.random.default_rng(0))
            training_set(training_pool(Population(task, words)), model, ("above",), 1_000)
        except SpecError as error:
            found = error.diagnostics[0].code
        assert found == expected


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    """With examples, but for what cannot be shown in a file."""
    pages = {path.stem for path in (ROOT / "causalspec" / "pages").glob("*.md")}
    assert pages == set(CODES)
    for code in CODES:
        assert CODES[code].title in markdown(code) and CODES[code].explanation in page(code)
        assert len(data_text("pages", f"{code}.md").split()) >= 4
        assert set(examples(code)) == (set() if code[0] == "R" or code in NO_EXAMPLE else {"wrong", "right"})
    assert len({code.title for code in CODES.values()}) == len(CODES)


def test_the_frame_is_clean() -> None:
    """What the examples stand in has no mistakes of its own."""
    assert told(data_text("pages", "frame.cspec")) == set()
    assert data_file("pages", "frame.cspec").endswith("frame.cspec")


def test_a_code_is_explained_with_its_examples(call: Call) -> None:
    """In small letters too; an unknown one is an unusable call."""
    ran = call("explain", "e0201")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("E0201: an unknown name\n\n")
    assert "Wrong:\n\n    align left" in ran.stdout and "Right:" in ran.stdout and "```" not in ran.stdout
    unknown = call("explain", "E9999")
    assert unknown.returncode == 2 and unknown.stdout == "" and "E9999" in unknown.stderr


def test_without_a_code_all_are_listed_by_family() -> None:
    """Each code once, under its family; a family alone with its name."""
    text = explained("")
    assert text is not None
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(CODES)
    assert all(f"{prefix} {name}" in text for prefix, name in FAMILIES.items())
    assert (explained("E04") or "").startswith("E04 graph\n  E0401  a cycle\n")
    assert {family(code) for code in CODES} == set(FAMILIES.values())
