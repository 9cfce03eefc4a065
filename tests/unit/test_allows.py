"""`# allow: CODE reason` silences a warning where it stands, and nothing else."""

from __future__ import annotations

import random

import pytest

from causalspec.diagnostics import Severity
from causalspec.semantics.check import check
from causalspec.span import Source
from tests.property.test_parse_fuzz import mutated

FRAME = """cspec 1
task t {{
  input shown: int in 0 .. 9
{lines}
  prompt "{{shown}} # allow: W0602 no comment"
  output answer: "Yes" | "No"
}}
"""


def told(lines: str) -> list[tuple[str, int]]:
    """Codes and lines; the given lines begin at 4."""
    source = Source("x.cspec", FRAME.format(lines=lines))
    return [(item.code, source.position(item.span.start)[0]) for item in check(source)[1] if item.span is not None]


@pytest.mark.parametrize(
    "lines",
    [
        "  input a: int in 0 .. 9  # allow: W0602 noise",
        "  # allow: W0602 noise\n  input a: int in 0 .. 9",
        "  # allow: W0602 noise\n  # more on that\n  input a: int in 0 .. 9",
        "  # allow W0602 noise\n  input a: int in 0 .. 9",
        "  input a: int in 0 .. 9  #allow:W0602: noise\r",
    ],
)
def test_a_warning_is_allowed_on_its_line_or_the_line_before(lines: str) -> None:
    """The reason may be anything; a colon may be left out before a code."""
    assert told(lines) == []


@pytest.mark.parametrize(
    "lines",
    [
        "  input a: int in 0 .. 9\n  # allow: W0602 too late",
        "  # allow: W0602 too early\n\n  input a: int in 0 .. 9",
        "  # allow: W0701 another code\n  input a: int in 0 .. 9",
    ],
)
def test_elsewhere_it_silences_nothing_and_is_told(lines: str) -> None:
    """The warning stays, and the comment is one more."""
    assert sorted(code for code, _ in told(lines)) == ["W0102", "W0602"]


def test_several_codes_are_one_comment() -> None:
    """What is not given among them is told, at the code."""
    assert told("  input a: int in 0 .. 9  # allow: W0602, W0701 noise") == [("W0102", 4)]


def test_the_missing_edition_can_be_allowed_in_the_first_line() -> None:
    """A comment that stands alone also speaks for its own line."""
    source = Source("x", '# allow: W0101 read by version 0.1 only\nlm tiny = embedded("tiny")\n')
    assert check(source)[1] == ()


def test_an_unused_allow_is_not_told_beside_an_error() -> None:
    """The error may hide what it allows."""
    assert told("  let x = y  # allow: W0701 y is to come") == [("E0201", 4)]


@pytest.mark.parametrize("comment", ["# allow any price here", "# we allow: W0602", "# allowed: W0602", "## allow"])
def test_other_comments_are_comments(comment: str) -> None:
    """Only a comment that begins with `allow:` is read."""
    assert told(f"  {comment}") == []


def test_comments_anywhere_hide_no_error() -> None:
    """Whatever a file says, with allow comments put into it at random: the errors are the same ones."""
    random_ = random.Random(20_240_614)
    for _ in range(100):
        lines = mutated(random_).split("\n")
        plain = "\n".join(f"{line}  # see: W0602 why" if random_.random() < 0.3 else line for line in lines)
        found = [check(Source("x", text))[1] for text in (plain, plain.replace("# see: ", "# allow: "))]
        codes = [[item.code for item in items if item.severity is Severity.ERROR] for items in found]
        assert codes[0] == codes[1], plain


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# allow:", "allows no warning"),
        ("# allow: W0602", "does not say why"),
        ("# allow: W0602 ---", "does not say why"),
        ("# allow: E0201 never mind", "errors cannot be allowed"),
        ("# allow: R0401 never mind", "errors cannot be allowed"),
        ("# allow: W9999 never mind", "is no warning"),
        ("# allow: W0103 never mind", "cannot be allowed"),
    ],
)
def test_an_allow_that_does_not_work_says_why(comment: str, said: str) -> None:
    """No code, no reason, an error, an unknown code, itself: W0103."""
    (item,) = check(Source("x", FRAME.format(lines=f"  {comment}")))[1]
    assert item.code == "W0103" and said in item.message
