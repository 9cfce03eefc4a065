"""Whatever a file says, reading it gives diagnostics and never an exception; a planted mistake is told once, in place."""

from __future__ import annotations

import os
import random
import re
from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from causalspec.codes import CODES
from causalspec.diagnostics import Report, Severity
from causalspec.fixing import fixed
from causalspec.formats import as_json, concise
from causalspec.render import render
from causalspec.resources import data_text
from causalspec.semantics.check import check
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax.parse import parse
from tests.conftest import ROOT

NIGHTLY = os.environ.get("CAUSALSPEC_NIGHTLY") == "1"
MUTATIONS = 10_000 if NIGHTLY else 1_000
TEXT = data_text("specs", "price_tagging.cspec")
GOOD = [TEXT, *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "good").glob("*.cspec")))]
PIECES = [
    *re.findall(r"\w+|\"|[^\w\s]", TEXT), '"""', "'", "\\", "\n", "\r\n", "\t", "\0", "\x1b", "\u202e", "é", "数", "{{", "}}",
    "match", "for", "fn", "table", "one of", "_ ->", "[x for x in xs]", "xs[i]", "1e5", "9" * 50, "and", "not", "((((", "))))", "-" * 70, "# ", ";", "=>", "&&", "\ud800", "\ufeff",
]  # fmt: skip


def read(text: str) -> tuple[ast.Spec, Report]:
    """A text's tree and report."""
    report = Report(Source("x.cspec", text))
    return parse(report.source, report), report


def assert_sound(text: str) -> None:
    """Parse and render a text, and look at every place that comes out."""
    spec, report = read(text)
    spans = [item.span for item in report.items if item.span is not None]
    spans += [label.span for item in report.items for label in item.labels]
    spans += [item.fix.span for item in report.items if item.fix is not None]
    for span in [*spans, *spans_of(spec)]:
        assert 0 <= span.start <= span.end <= len(text)
    assert all(item.code in CODES for item in report.items)
    assert len(set(report.items)) == len(report.items)
    shown = render(report.items, report.source)
    assert "\x1b" not in shown and "\0" not in shown and "\u202e" not in shown
    assert not re.search(
        r"\b(?:NEWLINE|NAME|NUMBER|RBRACE|LPAR|LONG_STRING|__ANON)", re.sub(r"^ *\d+ \|.*", "", shown, flags=re.M)
    )
    lines = concise(report.items, report.source)
    data = as_json([(report.source, report.items)])
    assert len(lines) == len(report.items) == data["errors"] and all(line.splitlines() == [line] for line in lines)


def spans_of(node: Any) -> list[Span]:
    """Every place in a tree."""
    found: list[Span] = []
    rest = [node]
    while rest:
        item = rest.pop()
        if isinstance(item, Span):
            found.append(item)
        elif isinstance(item, tuple):
            rest.extend(item)
        elif is_dataclass(item):
            rest.extend(getattr(item, field.name) for field in fields(item))
    return found


def mutated(random_: random.Random) -> str:
    """A good spec with one to four random edits."""
    text = random_.choice(GOOD)
    for _ in range(random_.randint(1, 4)):
        start = random_.randrange(len(text) + 1)
        end = min(len(text), start + random_.choice((0, 0, 1, 1, 3, 10, 60)))
        text = text[:start] + random_.choice(("", *random_.choices(PIECES, k=3))) + text[end:]
    return text if random_.random() > 0.05 else text[: random_.randrange(len(text) + 1)]


def test_a_mutated_spec_gives_only_diagnostics() -> None:
    """Random edits of a whole spec never raise, and every place is inside the text."""
    random_ = random.Random(20_240_611)
    for _ in range(MUTATIONS):
        assert_sound(mutated(random_))


def test_checking_a_mutated_spec_gives_only_diagnostics() -> None:
    """Random edits of a whole spec never raise in `check`; without an error there is a hypothesis, with one there is none."""
    random_ = random.Random(20_240_612)
    for _ in range(MUTATIONS // 10):
        text = mutated(random_)
        hypothesis, diagnostics = check(Source("x.cspec", text))
        assert (hypothesis is None) == any(item.code.startswith("E") for item in diagnostics), text
        assert len(set(diagnostics)) == len(diagnostics)


def test_fixing_a_mutated_spec_never_makes_it_worse() -> None:
    """Errors do not grow, and mending what was mended changes nothing more."""
    random_ = random.Random(20_240_613)
    for _ in range(MUTATIONS // 25):
        source = Source("x.cspec", mutated(random_))
        before = sum(item.severity is Severity.ERROR for item in check(source)[1])
        done = fixed(source)
        assert sum(item.severity is Severity.ERROR for item in done.diagnostics) <= before, source.text
        assert done.diagnostics == check(done.source)[1]
        if len(done.applied) < 5:  # not cut off by the number of rounds
            assert not fixed(done.source).applied, source.text


def test_one_misspelt_word_is_told_once() -> None:
    """A word misspelt anywhere, where it is defined or where it is used, gives one diagnostic and no follow-up.

    But the output's name: it is the interface of the task, and each model that uses it is told.
    """
    words = list(re.finditer(r"[a-z_]{3,}", re.sub(r"#.*", lambda m: " " * len(m.group()), TEXT)))
    for match in words if NIGHTLY else random.Random(3).sample(words, 60):
        if match.group() != "answer":
            text = TEXT[: match.end() - 1] + "q" + TEXT[match.end() :]
            _, diagnostics = check(Source("x.cspec", text))
            assert len(diagnostics) <= 1, render(diagnostics, Source("x.cspec", text))


@settings(max_examples=1_000 if NIGHTLY else 150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join)))
def test_any_text_gives_only_diagnostics(text: str) -> None:
    """Arbitrary characters, and arbitrary words of the language, never raise."""
    assert_sound(text)


def planted(random_: random.Random) -> tuple[str, str, int] | None:
    """The example with one mistake: (kind, text, 1-based line), None where the draw fits nowhere."""
    lines = TEXT.split("\n")
    number = random_.randrange(2, len(lines))
    line = lines[number].partition("  #")[0]
    kind = random_.choice(("misspelt", "no mark", "no value", "no bracket", "stray", "no quote", "no brace"))
    word = re.match(r"\s*([a-z]{3,})\b(?!\()", line)  # a keyword
    if kind == "misspelt" and word:
        letters = word.group(1)
        at = random_.randrange(1, len(letters))
        changed = line.replace(letters, letters[:at] + "qz"[at % 2] + letters[at:], 1)
    elif kind == "no mark" and re.match(r"\s*(?:let|var|input|lm \w+ +=|output)", line):
        changed = re.sub(r"[:=]", "", line, count=1)
    elif kind == "no value" and re.match(r"\s*(?:let|var)\b.*= ", line):
        changed = line[: line.rindex("= ") + 2]
    elif kind == "no bracket" and line.count("(") and not re.match(r"\s*prompt|align|claim|\s*\"", line):
        changed = line[: line.rindex(")")] + line[line.rindex(")") + 1 :]
    elif kind == "stray" and line.strip().startswith(("let", "require", "var", "run", "seeds", "tuples")):
        changed = line + random_.choice((" )", " ;", " ]", " 3"))
    elif kind == "no quote" and line.count('"') == 2 and "claim" not in line:
        changed = line[: line.rindex('"')] + line[line.rindex('"') + 1 :]
    elif kind == "no brace" and line == "}":
        return kind, "\n".join([*lines[:number], *lines[number + 1 :]]), number
    else:
        return None
    if changed == line:
        return None
    return kind, "\n".join([*lines[:number], changed, *lines[number + 1 :]]), number + 1


def test_one_mistake_is_told_once_in_its_line() -> None:
    """A single planted mistake gives exactly one error, in the line where it was planted."""
    random_ = random.Random(7)
    count = 0
    while count < (2_000 if NIGHTLY else 300):
        drawn = planted(random_)
        if drawn is None:
            continue
        count += 1
        kind, text, line = drawn
        _, report = read(text)
        assert len(report.items) == 1, (kind, line, text.split("\n")[line - 1], report.items)
        place = report.items[0].span
        assert place is not None
        assert report.source.position(place.start)[0] == line, (kind, line, report.items)


def test_two_mistakes_are_both_told() -> None:
    """Mistakes in two different statements are told in one go, each in its line and no others."""
    random_ = random.Random(11)
    lines = re.sub(r" +#.*", "", TEXT).split("\n")
    spots = [
        n for n, line in enumerate(lines) if re.match(r"\s*(?:input|let|var|place|lm \w+ +=|output|claim)\b", line)
    ]
    for _ in range(2_000 if NIGHTLY else 150):
        chosen = sorted(random_.sample(spots, 2))
        _, report = read("\n".join(line + " %" if n in chosen else line for n, line in enumerate(lines)))
        told = [report.source.position(item.span.start)[0] for item in report.items if item.span is not None]
        assert told == [n + 1 for n in chosen]
