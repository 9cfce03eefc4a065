"""Every file in tests/bad gives the diagnostics that its first line expects, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from causalspec.codes import CODES
from causalspec.render import render
from causalspec.semantics.check import check
from causalspec.span import Source

FILES = sorted((Path(__file__).parent.parent / "bad").glob("*.cspec"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_spec_gives_the_expected_codes(path: Path) -> None:
    """Codes as expected, each with an explanation; every error has a place; the text shows it."""
    text = path.read_text(encoding="utf-8")
    expected = [code.strip() for code in text.splitlines()[0].removeprefix("# expect:").split(",")]
    source = Source(path.name, text)
    hypothesis, diagnostics = check(source)
    shown = render(diagnostics, source)
    assert [item.code for item in diagnostics] == expected, shown
    assert all(item.code in CODES and item.span is not None for item in diagnostics)
    assert (hypothesis is None) == any(code.startswith("E") for code in expected)


def test_there_are_many_wrong_specs() -> None:
    """The folder is found, and most codes of the language have a file."""
    seen = {code for path in FILES for code in path.read_text(encoding="utf-8").splitlines()[0].split()[2:]}
    seen = {code.strip(",") for code in seen}
    assert len(FILES) >= 80
    assert len(seen) >= 30
