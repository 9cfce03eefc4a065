"""Every file in tests/bad gives the diagnostics that its first line expects, and no others.

`# expect: E0202, E0301@5:9` expects two in this order, the second in line 5, column 9.
"""

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
    expected = [told.strip() for told in text.splitlines()[0].removeprefix("# expect:").split(",")]
    source = Source(path.name, text)
    hypothesis, diagnostics = check(source)
    places = ["{}:{}".format(*source.position(item.span.start)) for item in diagnostics if item.span is not None]
    found = [
        f"{item.code}@{place}" if "@" in told else item.code
        for item, place, told in zip(diagnostics, places, expected, strict=False)
    ]
    assert found == expected and len(diagnostics) == len(expected), render(diagnostics, source)
    assert all(item.code in CODES and item.span is not None for item in diagnostics)
    assert (hypothesis is None) == any(told.startswith("E") for told in expected)


def test_there_are_many_wrong_specs() -> None:
    """The folder is found, and most codes of the language have a file."""
    lines = [path.read_text(encoding="utf-8").splitlines()[0] for path in FILES]
    seen = {told.strip(",").partition("@")[0] for line in lines for told in line.split()[2:]}
    assert len(FILES) >= 200
    assert len(seen) >= 40
