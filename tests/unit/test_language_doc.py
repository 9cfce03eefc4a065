"""Every example of docs/language.md is executed: it gives what the page says, in the line where it says so.

A block's first word after `cspec` says where it stands: `file` and `values` are whole files, `expr` is one expression a
line, the others are parts of the page's first file. `# E0302` in a line is the code expected there, `# = 3.50` the value;
blocks ```csv NAME are files beside the specs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from causalspec.codes import CODES
from causalspec.render import render
from causalspec.semantics import experiments, lists, tables, tasks
from causalspec.semantics.alignments import JOINT, METHODS
from causalspec.semantics.check import check
from causalspec.semantics.core import evaluate
from causalspec.semantics.expressions import FUNCTIONS
from causalspec.semantics.types import Value, value_text
from causalspec.span import Source
from causalspec.syntax import lexer
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "language.md"
BLOCK = re.compile(r"^```(cspec|csv) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"\b[EW]\d{4}\b")
WANTED = re.compile(r"(?P<code>.*?)\s+# = (?P<value>.*)")
ANSWER = 'if lower <= price <= upper then "Yes" else "No"'


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the page: `frame` says what it is, `line` where it begins."""

    language: str
    frame: str
    text: str
    line: int


def blocks_of(page: str) -> Iterator[Block]:
    for match in BLOCK.finditer(page):
        yield Block(match[1], match[2], match[3], page.count("\n", 0, match.start()) + 1)


TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [block for block in blocks_of(TEXT) if block.language == "cspec"]
STANDARD = next(block.text for block in BLOCKS if block.frame == "file")
VALUES = next(block.text for block in BLOCKS if block.frame == "values")
EXPRESSIONS = [
    pytest.param(line, id=f"{block.line + number}")
    for block in BLOCKS
    if block.frame == "expr"
    for number, line in enumerate(block.text.splitlines(), 1)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's tables lie."""
    found = tmp_path_factory.mktemp("page")
    for block in blocks_of(TEXT):
        if block.language == "csv":
            (found / block.frame).write_text(block.text, encoding="utf-8")
    return found


def framed(block: Block) -> tuple[str, str]:
    """What stands before and after a block to make it a file."""
    lines = [line.split() for line in block.text.splitlines() if line.split()]
    first = {words[0] for words in lines}
    match block.frame:
        case "file" | "values":
            return "", ""
        case "top":
            return STANDARD, ""
        case "task":
            names = [(words[1].rstrip(":"), words[2][0]) for words in lines if words[0] == "input"]
            shown = "".join(
                {"(": f"{{{name}.0 as {name}}} ", "[": f"{{{name}[0] as {name}}} "}.get(kind, f"{{{name}}} ")
                for name, kind in names
            )
            prompt = "" if "prompt" in first else f'prompt "{shown.strip()}"\n'
            return "cspec 1\ntask t {\n", prompt + (
                "" if "output" in first else 'output answer: "Yes" | "No"\n'
            ) + "}\n"
        case "model":
            return f"{STANDARD}model m for price_tagging {{\n", (
                "}\n" if "output" in first else f"output answer = {ANSWER}\n}}\n"
            )
        case "align":
            return f"{STANDARD}align a for both_boundaries {{\n", "}\n"
        case "experiment":
            return f"{STANDARD}experiment e {{\n", "}\n"
    raise AssertionError(f"no frame {block.frame} (line {block.line})")


def told_in(text: str, folder: Path) -> tuple[list[tuple[int, str]], str]:
    """(line, code) of every diagnostic of a text, and all of them as a person sees them."""
    source = Source(str(folder / "page.cspec"), text)
    _, diagnostics = check(source)
    found = [(source.position(item.span.start)[0] if item.span else 0, item.code) for item in diagnostics]
    return sorted(found), render(diagnostics, source)


@pytest.mark.parametrize(
    "block",
    [pytest.param(block, id=f"{block.frame}-{block.line}") for block in BLOCKS if block.frame != "expr"],
)
def test_a_block_gives_the_codes_it_names_and_no_others(block: Block, folder: Path) -> None:
    """Each in its line; a block that names none is clean."""
    before, after = framed(block)
    found, shown = told_in(before + block.text + after, folder)
    start = before.count("\n")
    expected = [
        (start + number, code)
        for number, line in enumerate(block.text.splitlines(), 1)
        for code in CODE.findall(line.partition("#")[2])
    ]
    assert found == sorted(expected), shown


def value_of(expression: str) -> tuple[str, list[str]]:
    """An expression's value as a spec would write it, lists as tuples, and the codes it gives."""
    text = VALUES.replace("  prompt", f"  let it = {expression}\n  prompt", 1)
    hypothesis, diagnostics = check(Source("page", text))
    if hypothesis is None:
        return "", [item.code for item in diagnostics]
    inputs: dict[str, Value] = {}
    for item, line in zip(hypothesis.tasks["examples"].inputs, re.findall(r"input .*# (.*)", VALUES), strict=True):
        literal, _ = check(Source("page", VALUES.replace("  prompt", f"  let it = {line.strip()}\n  prompt", 1)))
        assert literal is not None, line
        inputs[item.name] = evaluate(literal.tasks["examples"].lets[0].value, {})
    found = hypothesis.tasks["examples"].lets[0].value
    return value_text(evaluate(found, inputs), found.type), [item.code for item in diagnostics]


@pytest.mark.parametrize("line", EXPRESSIONS)
def test_an_expression_has_the_value_or_the_code_beside_it(line: str) -> None:
    """Exactly as it is printed, places included."""
    wanted = WANTED.fullmatch(line)
    if wanted is None:
        expression, _, comment = line.partition("#")
        assert value_of(expression.strip()) == ("", CODE.findall(comment)) and CODE.search(comment)
    else:
        value = wanted["value"].replace("[", "(").replace("]", ")")
        assert value_of(wanted["code"]) == (value, [])


def test_the_page_leaves_nothing_out() -> None:
    """Every keyword, function, method, control and planned name of the language is in an example or a list."""
    examples = "".join(block.text for block in BLOCKS)
    for word in lexer.DECLARATIONS | lexer.STATEMENTS | lexer.RESERVED - {"as"} | {"step", "key"}:
        assert re.search(rf"\b{word}\b", examples), word
    for name in (*FUNCTIONS, *METHODS, *experiments.CONTROLS):
        assert re.search(rf"\b{name}\b", examples), name


def test_what_is_planned_is_listed_and_no_more() -> None:
    """The lists under Not yet are those of causalspec/planned.py."""
    from causalspec import planned

    closing = TEXT.partition("## Not yet")[2]
    for kind, names in planned.NAMES.items():
        word = {"method": "methods", "kind of site": "sites"}[kind]
        listed = re.search(rf"^- {word} (.*)$", closing, re.MULTILINE)
        assert listed is not None and re.findall(r"`(\w+)`", listed[1]) == list(names)
    for statement in planned.STATEMENTS:
        assert re.search(rf"^{statement}\b.*# E0208$", closing, re.MULTILINE), statement


def test_codes_that_the_page_names_exist() -> None:
    """In the text too."""
    assert set(re.findall(r"\b[EWR]\d{4}\b", TEXT)) <= CODES.keys()


def test_the_training_settings_are_those_of_the_code() -> None:
    """Names, defaults and recipe, row by row."""
    rows = re.findall(r"^\| `(\w+)` \| \w.*\| (.+?) \| (.+?) \|$", TEXT.partition("**Training.**")[2], re.MULTILINE)
    default, paper = (experiments.RECIPES[name] for name in ("default", "paper"))
    assert [name for name, *_ in rows] == [*experiments._WHOLE, *experiments._REAL]
    for name, *shown in rows:
        wanted = [getattr(recipe, name) for recipe in (default, paper)]
        assert [None if text == "the method's own" else float(text) for text in shown] == wanted, name
    assert f"| {experiments.SIZES['train']:,} | {experiments.PAPER_TUPLES:,} |" in TEXT


def test_the_limits_are_those_of_the_code() -> None:
    """Row by row."""
    rows = re.findall(r"^\| ([a-z].*?) +\| ([\d,]+) \|$", TEXT.partition("## Limits")[2], re.MULTILINE)
    assert {name: int(number.replace(",", "")) for name, number in rows} == {
        "items of a list": lists.MOST_ITEMS,
        "nesting of brackets and expressions": lexer.MOST_NESTING,
        "operations of one expression, functions and comprehensions written out": lists.MOST_NODES,
        "digits of a written number": lexer.MOST_DIGITS,
        "values of an output": tasks.MOST_ANSWERS,
        "variables at one site": JOINT,
        "rows of a table": tables.MOST_ROWS,
        "seeds": experiments.MOST_SEEDS,
    }
