"""However a spec is spaced, formatting keeps what it says and its comments, and formatting twice is formatting once."""

from __future__ import annotations

import os
import random
import re
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalspec.diagnostics import Report
from causalspec.resources import data_text
from causalspec.span import Source, Span
from causalspec.syntax import format as formatter
from causalspec.syntax.format import format_spec
from causalspec.syntax.lexer import JOINS, tokenize
from causalspec.syntax.parse import parse
from causalspec.syntax.token import Token
from tests.conftest import ROOT

NIGHTLY = os.environ.get("CAUSALSPEC_NIGHTLY") == "1"
EXAMPLES = 2_000 if NIGHTLY else 60
SPECS = [
    data_text("specs", "price_tagging.cspec"),
    *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "fmt").glob("*.in.cspec"))),
]
COMMENTS = ["# why", "#!", "#", '# an "open', "# { [ (", "# } ] )", "#   let x = 1", "# é 数 # twice"]
TIGHT = ("(", ")", "[", "]", "{", "}", ",", ":")


def formatted(text: str) -> str:
    """The text in the style; it must have no syntax errors."""
    result, diagnostics = format_spec(Source("x.cspec", text))
    assert result is not None, (text, diagnostics)
    return result


def tokens_of(text: str) -> list[Token]:
    return tokenize(text, 0, len(text), Report(Source("x.cspec", text))).items


def tree(text: str) -> Any:
    """A text's tree without its spans."""
    report = Report(Source("x.cspec", text))
    spec = parse(report.source, report)
    assert not report.failed, (text, report.items)
    return without_spans(spec)


def without_spans(node: Any) -> Any:
    if isinstance(node, tuple):
        return tuple(without_spans(item) for item in node if not isinstance(item, Span))
    if is_dataclass(node):
        values = [getattr(node, field.name) for field in fields(node)]
        return (type(node).__name__, *(without_spans(value) for value in values if not isinstance(value, Span)))
    return node


def comments_of(text: str) -> list[str]:
    """The comments of a text, in order."""
    found: list[str] = []
    position = 0
    for token in tokens_of(text):
        found += re.findall(r"#[^\n]*", text[position : token.start])
        position = token.end
    return [comment.rstrip() for comment in found]


def respaced(text: str, random_: random.Random, *, lines: bool = True) -> str:
    """The same program with other blanks between its tokens and, if `lines`, other line ends and new comments."""
    pieces: list[str] = []
    opened: list[str] = []  # "body" or "bracket"
    previous: Token | None = None
    kept = 0
    for token in tokens_of(text):
        before = text[kept : token.start]
        kept = token.end
        inside = bool(opened) and opened[-1] == "bracket"
        if token.type == "NEWLINE":
            pieces.append(line_end(before, random_) if lines else before + str(token))
            previous = None
            continue
        after_brace = previous is not None and previous == "{" and previous.value == "body"
        legal = inside or str(token) in JOINS or after_brace or (token == "}" and not inside)
        if not lines and "\n" in before:
            pieces.append(re.sub(r"[ \t]+(?=#)|(?<=\n)[ \t]*", lambda _: blanks(random_), before))
        elif lines and "#" in before:
            pieces.append(line_end(before, random_))
        elif lines and legal and random_.random() < 0.2:
            pieces.append(line_end("", random_))
        else:
            pieces.append(blanks(random_) or ("" if fits_tightly(previous, token) else " "))
        if token in ("(", "[", "{"):
            opened.append(token.value)
        elif token in (")", "]", "}"):
            opened.pop()
        pieces.append(str(token))
        previous = token
    return "".join(pieces)


def fits_tightly(previous: Token | None, token: Token) -> bool:
    return previous is None or str(previous) in TIGHT or str(token) in TIGHT


def blanks(random_: random.Random) -> str:
    return random_.choice(("", "", " ", "   ", "\t", " \r "))


def line_end(before: str, random_: random.Random) -> str:
    """One line end at least, the comments that were there, and perhaps others."""
    kept = [part.strip() for part in re.findall(r"#[^\n]*", before)]
    new = [random_.choice(COMMENTS) for _ in range(random_.choice((0, 0, 0, 0, 1, 2)))]
    parts = [blanks(random_)]
    for comment in [*kept, *new]:
        parts += [blanks(random_), "\n" * random_.choice((0, 1, 3)), blanks(random_), comment, "\n"]
    return "".join([*parts, "\n" * random_.choice((1, 1, 2, 4)), blanks(random_)])


@pytest.mark.parametrize("width", [120, 60, 24])
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(SPECS), st.integers(0, 2**32))
def test_respaced_specs_keep_tree_and_comments(width: int, text: str, seed: int) -> None:
    """Formatting keeps the tree and the comments in order, and is idempotent, whatever fits a line."""
    given_text = respaced(text, random.Random(seed))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(formatter, "WIDTH", width)
        result = formatted(given_text)
        assert formatted(result) == result
    assert tree(result) == tree(given_text) == tree(text)
    assert comments_of(result) == comments_of(given_text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(SPECS), st.integers(0, 2**32))
def test_blanks_alone_make_no_difference(text: str, seed: int) -> None:
    """Two texts that differ only in blanks between tokens and before lines are formatted alike."""
    assert formatted(respaced(text, random.Random(seed), lines=False)) == formatted(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(SPECS), st.integers(0, 2**32))
def test_the_result_is_tidy(text: str, seed: int) -> None:
    """No tabs, no blanks at line ends, no two empty lines, one line end at the end."""
    result = re.sub(r'"""(?:[^"]|"(?!""))*"""', "-", formatted(respaced(text, random.Random(seed))))
    assert not re.search(r"[ \t\r]$", result, re.MULTILINE)
    assert "\t" not in result and "\r" not in result
    assert "\n\n\n" not in result and not result.startswith("\n")
    assert result.endswith("\n") and not result.endswith("\n\n")
