"""What a text of the language becomes, and what is said where it is none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from causalspec.diagnostics import Report
from causalspec.resources import data_text
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax._build import Build
from causalspec.syntax._generate import build_lark, table
from causalspec.syntax._table import Stacks, load_table
from causalspec.syntax.driver import Driver
from causalspec.syntax.lexer import tokenize
from causalspec.syntax.parse import parse


def read(text: str) -> tuple[ast.Spec, Report]:
    """A text's tree and report."""
    report = Report(Source("x.cspec", text))
    return parse(report.source, report), report


def told(text: str) -> list[tuple[str, int]]:
    """The codes and lines of what a text gets told."""
    _, report = read(text)
    return [
        (item.code, report.source.position(item.span.start)[0]) for item in report.sorted() if item.span is not None
    ]


def sound(text: str) -> ast.Spec:
    """The tree of a text without mistakes."""
    spec, report = read(text)
    assert report.items == []
    return spec


def item(line: str, declaration: str = "task t") -> Any:
    """The one item of a body."""
    declared = sound(f"cspec 1\n{declaration} {{ {line} }}\n").declarations[0]
    assert not isinstance(declared, ast.Broken | ast.Lm | ast.Claim)
    return declared.items[0]


def expression(text: str) -> ast.Expr:
    """An expression as the value of a `let`."""
    value: ast.Expr = item(f"let x = {text}").value
    return value


def shape(node: ast.Expr) -> str:
    """An expression with all its parentheses."""
    match node:
        case ast.Name():
            return node.text
        case ast.Number():
            return str(node.digits)
        case ast.Binary():
            return f"({shape(node.left)} {node.op} {shape(node.right)})"
        case ast.Unary():
            return f"({node.op} {shape(node.operand)})"
        case ast.Compare():
            return f"({' '.join(map(shape, node.operands))} {' '.join(node.ops)})"
        case ast.Conditional():
            return f"(if {shape(node.condition)} {shape(node.yes)} {shape(node.no)})"
        case ast.RangeOf():
            return f"[{shape(node.low)}..{shape(node.high)}]"
        case ast.Access():
            return f"{shape(node.base)}.{node.member}"
        case ast.Index():
            return f"{shape(node.base)}[{shape(node.index)}]"
    raise AssertionError(node)


def test_the_running_example_has_no_mistakes() -> None:
    """The example of the language is read whole, each declaration in its place."""
    text = data_text("specs", "price_tagging.cspec")
    spec = sound(text)
    assert spec.edition is not None and spec.edition.digits == 1
    kinds = {type(declared) for declared in spec.declarations}
    assert kinds == {ast.Task, ast.Model, ast.Lm, ast.Align, ast.Variant, ast.Experiment, ast.Claim}
    task = spec.declarations[0]
    assert text[task.span.start : task.span.end].startswith("task price_tagging {")


def test_the_shipped_table_is_that_of_the_grammar() -> None:
    """The committed JSON equals a fresh generation from the grammar."""
    assert data_text("grammars", "cspec.lark.json") == table()


def test_the_tables_run_as_lark_runs_them() -> None:
    """Lark's own parser, given the same tokens and the same builder, gives the same tree."""
    text = data_text("specs", "price_tagging.cspec")
    report = Report(Source("x", text))
    tokens = tokenize(text, 0, len(text), report)
    driver, ours = Driver(text, tokens, report, "spec"), Stacks(load_table(), "spec")
    lark = build_lark(Build()).parse_interactive(start="spec")
    for token in tokens.items:
        typed = driver.typed(token, ours.states[-1])
        if ours.values and getattr(ours.values[-1], "type", "") == "PROMPT":
            typed.value = ()
        assert ours.feed(typed)
        result = lark.feed_token(typed)
    assert isinstance(result, ast.Spec) and result == ours.values[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and not c == d", "(a or (b and (not (c d ==))))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a.last + -b[1]", "((- a.last) + (- b[1]))"),
        ("a // b % c / d", "(((a // b) % c) / d)"),
        ("a.0 <= b < c.1", "(a.0 b c.1 <= <)"),
        ("a.0.1", "a.0.1"),
        ("a in 0 .. b + 1 and c", "((a [0..(b + 1)] in) and c)"),
        ("if a and b then c else d or e", "(if (a and b) c (d or e))"),
        ("(a or b) and c", "((a or b) and c)"),
        ("not a or b", "((not a) or b)"),
    ],
)
def test_precedence(text: str, expected: str) -> None:
    """or < and < not < comparison < range < sum < product < minus < access."""
    assert shape(expression(text)) == expected


def test_parentheses_belong_to_the_place_of_what_they_hold() -> None:
    """The place of `(a + b) * c` begins at its parenthesis."""
    text = "cspec 1\ntask t { let x = (a + b) * c }\n"
    task = sound(text).declarations[0]
    assert isinstance(task, ast.Task) and isinstance(task.items[0], ast.Let)
    span = task.items[0].value.span
    assert text[span.start : span.end] == "(a + b) * c"


def test_numbers_keep_their_digits() -> None:
    """`4_000` has no places and `2.50` has two."""
    assert expression("4_000") == ast.Number(4000, 0, Span(25, 30))
    assert expression("2.50") == ast.Number(250, 2, Span(25, 29))


def test_keywords_are_names_where_no_keyword_fits() -> None:
    """`step`, `on`, `model` and most other keywords may name a value."""
    assert shape(expression("step + on * model - method")) == "((step + (on * model)) - method)"
    call = expression("best(x, on = narrow)")
    assert isinstance(call, ast.Call) and call.arguments[1].name is not None and call.arguments[1].name.text == "on"


def test_lines_go_on_inside_brackets_and_before_then_and_or() -> None:
    """A line end means nothing inside ( [ and a set's {, and before then, else, and, or."""
    assert isinstance(expression("f(\n a,\n b, # why\n)"), ast.Call)
    assert isinstance(expression("if a\n and b\n\n # why\n then c\n else d"), ast.Conditional)
    assert isinstance(expression("a in {\n 1,\n 2\n}"), ast.Compare)


def test_every_setting_keeps_its_values() -> None:
    """Names are positional, `train = 4_000` is named, `0 .. 2` is one range, `step` is its step."""
    seeds = item("seeds 0 .. 30 step 5", "experiment e")
    assert seeds.keyword.text == "seeds" and isinstance(seeds.values[0].value, ast.RangeOf)
    assert seeds.values[0].value.step is not None
    assert [value.name.text for value in item("training epochs = 3, batch = 64", "experiment e").values] == [
        "epochs",
        "batch",
    ]
    assert [value.value.text for value in item("run left, both", "experiment e").values] == ["left", "both"]


def test_places_and_methods() -> None:
    """One variable or several jointly; a method with or without arguments; sites of lists, sets, ranges."""
    one = item("place a on residual(layers = all, tokens = [price.last, last])", "align x for m")
    two = item("place (a, b) on head(3, layers = 0 .. 30 step 5, tokens = {price[1], last})", "align x for m")
    assert [name.text for name in one.variables] == ["a"] and [name.text for name in two.variables] == ["a", "b"]
    assert item("method das(dims = 4)", "align x for m").value.arguments[0].name.text == "dims"
    assert item("method boundless_das", "align x for m").value.arguments == ()


def test_types() -> None:
    """Simple types with a parameter and a range, words, tuples."""
    assert item("input a: decimal(2) in 0.05 .. 9.95 - width").type.range is not None
    assert [word.value for word in item('output a: "Yes" | "No"').type.words] == ["Yes", "No"]
    assert len(item("input a: (decimal(2), (bool, int in 0 .. 3))").type.items) == 2


# --- prompts and texts -----------------------------------------------------------------------------------------------


def parts(literal: str) -> list[str]:
    """The parts of a prompt, holes as <name>."""
    found = item(f"prompt {literal}").parts
    return [part.text if isinstance(part, ast.Literal) else f"<{hole(part)}>" for part in found]


def hole(part: ast.Hole) -> str:
    """A hole's value, and its name if it has one."""
    value = part.value.value if isinstance(part.value, ast.Text) else shape(part.value)
    return f"{value} as {part.name.text}" if part.name else str(value)


def test_a_prompt_is_its_literals_and_holes() -> None:
    """Holes hold expressions, names and single-quoted texts; doubled braces and escapes are resolved."""
    assert parts(r'"{{a}} {low + 1 as next}\n{price}{' + "'dollars' as unit}" + r' \u{41}"') == [
        "{a} ", "<(low + 1) as next>", "\n", "<price>", "<dollars as unit>", " A",
    ]  # fmt: skip


def test_the_places_of_a_prompt_are_those_of_the_file() -> None:
    """Each part's place covers what wrote it, in a text over several lines too."""
    text = 'cspec 1\ntask t {\n  prompt """\n    One {{ {low}\n      two {low + price as x}.\n  """\n}\n'
    task = sound(text).declarations[0]
    assert isinstance(task, ast.Task) and isinstance(task.items[0], ast.Prompt)
    found = task.items[0].parts
    assert [text[part.span.start : part.span.end] for part in found] == [
        "One {{ ", "{low}", "\n      two ", "{low + price as x}", ".",
    ]  # fmt: skip
    assert [part.text for part in found if isinstance(part, ast.Literal)] == ["One { ", "\n  two ", "."]


def test_a_docstring_loses_its_common_indentation() -> None:
    """Texts in triple quotes are dedented, with either kind of line end."""
    assert item('"""\n    Say yes\n      only if\n    """').text == "Say yes\n  only if"
    assert item('"""\r\n    Say yes\r\n      only if\r\n    """').text == "Say yes\n  only if"


def test_line_ends_tabs_and_a_byte_order_mark_are_fine() -> None:
    """CRLF, tabs and a BOM change nothing."""
    text = "cspec 1\ntask t {\n\tlet x = 1 # one\n}\n"
    plain = sound(text).declarations[0]
    marked = sound("\ufeff" + text.replace("\n", "\r\n")).declarations[0]
    assert isinstance(plain, ast.Task) and isinstance(marked, ast.Task) and len(plain.items) == len(marked.items) == 1


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("lte x = 1", "E0102", "did you mean `let`?"),
        ("let x = if a thn b else c", "E0102", "did you mean `then`?"),
        ("let x == 1", "E0101", "did you mean `=`?"),
        ("let x = a && b", "E0101", "did you mean `and`?"),
        ("let x = a => b", "E0101", "did you mean `>=`?"),
        ("let x =", "E0111", "expected a value"),
        ("let x 1", "E0111", "expected `=` before `1`"),
        ("input x decimal(2)", "E0111", "expected `:` before `decimal`"),
        ('output x: "Yes" "No"', "E0111", 'expected `|` before `"No"`'),
        ("let x = (a + b", "E0103", "expected `)`"),
        ("let x = f(a, [b, c)", "E0103", "expected `]`"),
        ("let x = a)", "E0103", "the end of the line"),
        ("let x = 1 let y = 2", "E0111", ""),
        ('prompt "abc', "E0104", "opened here"),
        ("output x: 'Yes'", "E0104", "single quotes"),
        (r'prompt "a\d"', "E0107", "unknown"),
        (r'prompt "a\u{D800}"', "E0107", "unknown"),
        ("let x = 1e5", "E0109", "malformed"),
        ("let x = " + "9" * 5_000, "E0109", "too long"),
        ('prompt "{low"', "E0108", ""),
        ('prompt "low}"', "E0108", ""),
        ('prompt "{}"', "E0108", "expected a value"),
        ('prompt "{low +}"', "E0111", "expected a value"),
        ("let x = a ^ b", "E0112", "expected an operator"),
        ("let x = a\0", "E0105", "delete it"),
        ("let x\u202e = a", "E0105", "delete it"),
        ("let x = " + "(" * 65 + "a" + ")" * 65, "E0106", "too deep"),
        ("let x = " + "-" * 65 + "a", "E0106", "too deep"),
        ("let x = " + "a + " * 65 + "a", "E0106", "too deep"),
        ("var x: bool = a", "E0101", ""),
    ],
)
def test_a_mistake_in_a_statement(line: str, code: str, says: str) -> None:
    """One mistake is one error with its code, in its line, and the statements around it are read."""
    text = f"cspec 1\ntask t {{\n  let first = 1\n  {line}\n  require first == 2\n}}\n"
    spec, report = read(text)
    assert told(text) == [(code, 4)]
    assert says in report.items[0].label
    task = spec.declarations[0]
    assert isinstance(task, ast.Task)
    assert {type(part) for part in (task.items[0], task.items[-1])} == {ast.Let, ast.Require}


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("modle m for t {", "E0102"),
        ("model m t {", "E0111"),
        ("model m for t", "E0111"),
        ("model m fro t {", "E0102"),
        ("model for t {", "E0101"),
    ],
)
def test_a_mistake_in_a_head(head: str, code: str) -> None:
    """A wrong head is one error, and the declarations around it are read."""
    text = f'cspec 1\ntask t {{ let x = 1 }}\n{head}\n  var a: bool = x == 1\n}}\nlm tiny = embedded("tiny")\n'
    assert told(text) == [(code, 3)]
    spec, _ = read(text)
    assert isinstance(spec.declarations[0], ast.Task) and isinstance(spec.declarations[-1], ast.Lm)


def test_every_mistake_of_a_file_is_told_in_one_go() -> None:
    """Mistakes in heads, items, texts, brackets and holes of one file are each told once."""
    text = (
        'cspec 1\ntaks t {\n  input a decimal(2)\n  let b = (1 + 2\n  prompt "{a} {b"\n}\n'
        'model m for t {\n  output o = if a thn "Yes" else "No"\nlm tiny embedded("tiny")\nclaim "x" { best(a) => 1 }\n'
    )
    assert told(text) == [
        ("E0102", 2), ("E0111", 3), ("E0103", 4), ("E0108", 5), ("E0102", 8), ("E0103", 8), ("E0111", 9), ("E0101", 10),
    ]  # fmt: skip


def test_a_fix_makes_the_text_good() -> None:
    """Applying the offered fix gives a text without mistakes."""
    body = ("lte x = 1", "let x 1", "let x = (a", "let x == 1", "let x = a)", "let x = 1 let y = 2", 'prompt "a}"')
    for line in body:
        text = f"cspec 1\ntask t {{\n  {line}\n}}\n"
        _, report = read(text)
        fix = report.items[0].fix
        assert fix is not None
        sound(text[: fix.span.start] + fix.text + text[fix.span.end :])


def test_what_could_not_be_read_is_left_as_broken() -> None:
    """A dropped statement keeps its keyword and name, so that later passes need not miss it."""
    spec, _ = read("cspec 1\ntask t {\n  let upper =\n  let b = 1\n}\nmodel m { }\n")
    task, model = spec.declarations
    assert isinstance(task, ast.Task) and isinstance(task.items[0], ast.Broken)
    assert task.items[0].keyword == "let" and task.items[0].name is not None and task.items[0].name.text == "upper"
    assert isinstance(model, ast.Broken) and model.name is not None and model.name.text == "m"


def test_the_edition_is_the_first_line() -> None:
    """An edition further down is E0113; none at all is left to the checks."""
    assert told("lm a = f()\ncspec 1\n") == [("E0113", 2)]
    assert read("lm a = f()\n")[0].edition is None and told("lm a = f()\n") == []


def test_a_file_of_more_than_a_mebibyte_is_refused() -> None:
    """1 MiB of bytes is the most, however many characters that is."""
    assert told("#" + "é" * (1 << 19)) == [("E0110", 1)]
    assert told("#" + "a" * ((1 << 20) - 1)) == []


def test_empty_files_are_empty_specs() -> None:
    """Nothing, blanks and comments alone have no mistakes of syntax."""
    for text in ("", "\n", " \t\n# nothing\n", "\ufeff"):
        assert sound(text).declarations == ()


def test_parsing_loads_nothing_heavy() -> None:
    """Neither networkx, pydantic, numpy, torch nor transformers is imported."""
    program = (
        "import sys, causalspec.syntax.parse, causalspec.render, causalspec.codes;"
        "print(sorted({'networkx', 'pydantic', 'numpy', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_texts_far_over_a_limit_are_told_quickly() -> None:
    """Ten times the nesting, and thousands of mistakes, end in seconds with few diagnostics."""
    assert told("cspec 1\ntask t { let x = " + "-" * 20_000 + "a }\n")[0][0] == "E0106"
    assert told("cspec 1\ntask t { let x = " + "(" * 640 + "a }\n")[0][0] == "E0106"
    assert 100 < len(told("cspec 1\ntask t {\n" + "let x = = 3\n" * 2_000 + "}\n")) <= 500


@pytest.mark.parametrize("written", ["-", "not", "- -", "(", "x -", "if"])
def test_a_hole_that_ends_too_early_is_told_once(written: str) -> None:
    """A hole that holds only the beginning of an expression is one error, and nothing is raised."""
    assert [line for _, line in told(f'cspec 1\ntask t {{\n  prompt "a {{{written}}} b"\n}}\n')] == [3]
