"""How a diagnostic looks, as text."""

from __future__ import annotations

import re

from causalspec.diagnostics import Diagnostic, Fix, Label
from causalspec.render import render, summary
from causalspec.span import Source, Span

SOURCE = Source("price_tagging.cspec", "align left for m {\n  place abvoe on residual(tokens = last)\n}\n")
MISSPELT = Diagnostic(
    "E0201", "no variable named `abvoe`", Span(27, 32), "did you mean `above`?", fix=Fix(Span(27, 32), "above")
)


def shown(text: str, target: str, label: str = "here") -> list[str]:
    """The rendered lines of a diagnostic on a piece of a text."""
    start = text.index(target)
    return render([Diagnostic("E0101", "m", Span(start, start + len(target)), label)], Source("f", text)).split("\n")


def caret_column(lines: list[str]) -> int:
    """The column of the first caret."""
    return next(line for line in lines if "^" in line).index("^")


def test_a_mistake_reads_like_the_house_style() -> None:
    """Code, message, place, source line, caret and label."""
    assert render([MISSPELT], SOURCE) == (
        "error[E0201]: no variable named `abvoe`\n"
        " --> price_tagging.cspec:2:9\n"
        "2 |   place abvoe on residual(tokens = last)\n"
        "  |         ^^^^^ did you mean `above`?"
    )


def test_labels_notes_and_help_follow() -> None:
    """A second place is underlined apart, notes and help come last."""
    item = Diagnostic(
        "W0101", "m", Span(27, 32), labels=(Label(Span(0, 5), "first here"),), notes=("a note",), help="do this"
    )
    assert render([item], SOURCE).split("\n") == [
        "warning[W0101]: m",
        " --> price_tagging.cspec:2:9",
        "1 | align left for m {",
        "  | ----- first here",
        "2 |   place abvoe on residual(tokens = last)",
        "  |         ^^^^^",
        "  = note: a note",
        "  = help: do this",
    ]


def test_the_caret_stands_under_what_it_means() -> None:
    """Tabs, wide and combining characters before the caret are counted as they are shown."""
    assert caret_column(shown("ab x", "x")) == 4 + 3
    assert caret_column(shown("\tx", "x")) == 4 + 4
    assert caret_column(shown("a\tx", "x")) == 4 + 4
    assert caret_column(shown("数字x", "x")) == 4 + 4
    assert caret_column(shown("e\u0301x", "x")) == 4 + 1
    assert "^^^^ here" in shown("a 数字", "数字")[-1]


def test_the_users_text_cannot_steer_the_terminal() -> None:
    """Control and format characters are shown as escapes, in messages and names too."""
    text = "a\x1b[31m\u202e\x00x"
    lines = shown(text, "x", "\x1b[2J")
    assert "\\x1b[31m\\u{202E}\\x00x" in lines[2]
    assert lines[3].index("^") == lines[2].index("x", lines[2].index("\\x00") + 4)
    hostile = render([Diagnostic("E0101", "m\x1b\n", Span(0, 1))], Source("f\x07", text))
    assert "\x1b" not in hostile and "\x07" not in hostile and hostile.count("\n") == 3


def test_long_lines_are_cut_around_the_caret() -> None:
    """A line of any length is shown in part, with the caret in it."""
    for before, after in ((10_000, 10_000), (0, 10_000), (10_000, 0)):
        lines = shown("a" * before + "XY" + "b" * after, "XY")
        assert all(len(line) < 130 for line in lines)
        caret = caret_column(lines)
        assert lines[2][caret : caret + 2] == "XY"
    whole = shown("c" * 5_000, "c" * 5_000)
    assert all(len(line) < 130 for line in whole)


def test_a_place_over_several_lines_shows_the_first() -> None:
    """The caret stops at the end of the first line."""
    assert shown("let x = [\n1\n]", "[\n1\n]")[2:] == ["1 | let x = [", "  |         ^ here"]


def test_the_end_of_a_file_and_no_place_at_all() -> None:
    """An empty place has one caret; without a place there is the message alone."""
    assert caret_column(render([Diagnostic("E0101", "m", Span(3, 3))], Source("f", "abc")).split("\n")) == 4 + 3
    assert render([Diagnostic("E0110", "too long")], SOURCE) == "error[E0110]: too long"
    assert "^" in render([Diagnostic("E0101", "m", Span(0, 0))], Source("f", ""))


def test_colour_adds_nothing_but_colour() -> None:
    """Without its escapes the coloured text is the plain one."""
    coloured = render([MISSPELT], SOURCE, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render([MISSPELT], SOURCE)


def test_the_summary_counts() -> None:
    """`2 errors, 1 warning`."""
    warning = Diagnostic("W0101", "w")
    assert summary([MISSPELT, warning, MISSPELT]) == "2 errors, 1 warning"
    assert summary([warning]) == "1 warning"
    assert summary([]) == "no errors"
