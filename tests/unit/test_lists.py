"""Lists, comprehensions, `match`, digits and functions mean what Python's own say, one by one and in columns."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from causalspec.semantics.check import check
from causalspec.semantics.columns import column_of, evaluate_columns, value_at, vocabulary
from causalspec.semantics.core import evaluate
from causalspec.semantics.hypothesis import Let, Task
from causalspec.semantics.types import Value
from causalspec.span import Source

DAYS = ("Mon", "Tue", "Wed", "Thu")
TEXT = """cspec 1
fn same(a, b) = a == b
fn clamp(x, low, high) = max(low, min(high, x))
task t {{
  input xs: [int in 0 .. 9; 4]
  input k: int in 0 .. 3
  input n: int in -250 .. 1_250
  input p: decimal(2) in 0.00 .. 9.99
  input day: "Mon" | "Tue" | "Wed" | "Thu"
  input flags: [bool; 3]
  input pairs: [(int in 0 .. 3, "a" | "b"); 2]
  let days = ["Mon", "Tue", "Wed", "Thu"]
  let found = {expression}
  prompt "{{xs[0] as a}} {{xs[1] as b}} {{xs[2] as c}} {{xs[3] as d}} {{k}} {{n}} {{p}} {{day}}"
  output answer: "Yes" | "No"
}}
"""


def hypothesis_of(expression: str) -> tuple[Any, list[str]]:
    found, diagnostics = check(Source("t", TEXT.format(expression=expression)))
    return found, [f"{item.code}: {item.message}" for item in diagnostics if item.code != "W0602"]


def draw(random: Random) -> dict[str, Value]:
    return {
        "xs": tuple(random.randint(0, 9) for _ in range(4)),
        "k": random.randint(0, 3),
        "n": random.randint(-250, 1_250),
        "p": random.randint(0, 999),
        "day": random.choice(DAYS),
        "flags": tuple(random.random() < 0.5 for _ in range(3)),
        "pairs": tuple((random.randint(0, 3), random.choice("ab")) for _ in range(2)),
    }


def values_of(expression: str, rows: int = 200) -> tuple[list[dict[str, Value]], list[Value]]:
    """Assignments, and the expression's value on each: the same by both evaluators."""
    hypothesis, told = hypothesis_of(expression)
    assert hypothesis is not None, told
    task: Task = hypothesis.tasks["t"]
    assignments = [draw(Random(seed)) for seed in range(rows)]
    for assignment in assignments:
        for let in task.lets:
            assignment[let.name] = evaluate(let.value, assignment)
    words = vocabulary([task])
    columns = {item.name: column_of([row[item.name] for row in assignments], item.type, words) for item in task.inputs}
    for let in task.lets:
        columns[let.name] = evaluate_columns(let.value, columns, words)
    found: Let = next(let for let in task.lets if let.name == "found")
    names = tuple(words)
    by_column = [value_at(columns["found"], row, found.value.type, names) for row in range(rows)]
    assert by_column == [row["found"] for row in assignments]
    return assignments, by_column


CASES: list[tuple[str, Callable[[Any], Value]]] = [
    ("sum(xs)", lambda r: sum(r["xs"])),
    ("sum(x * x for x in xs if x > 3)", lambda r: sum(x * x for x in r["xs"] if x > 3)),
    ("count(x > k for x in xs)", lambda r: sum(x > r["k"] for x in r["xs"])),
    ("count(x > k for x in xs if x < 7)", lambda r: sum(r["k"] < x < 7 for x in r["xs"])),
    ("count(flags)", lambda r: sum(r["flags"])),
    ("all(x > 2 for x in xs)", lambda r: all(x > 2 for x in r["xs"])),
    ("all(x > 2 for x in xs if x != k)", lambda r: all(x > 2 for x in r["xs"] if x != r["k"])),
    ("any(flags)", lambda r: any(r["flags"])),
    ("any(x > 7 for x in xs if x > k)", lambda r: any(x > 7 for x in r["xs"] if x > r["k"])),
    ("len(xs)", lambda r: 4),
    ("min(xs)", lambda r: min(r["xs"])),
    ("max(x - k for x in xs)", lambda r: max(x - r["k"] for x in r["xs"])),
    ("xs[k]", lambda r: r["xs"][r["k"]]),
    ("xs[2]", lambda r: r["xs"][2]),
    ("[x + 1 for x in xs][k]", lambda r: r["xs"][r["k"]] + 1),
    ("[p, 1, 0.5][k % 3]", lambda r: (r["p"], 100, 50)[r["k"] % 3]),
    ("days[(index_of(days, day) + k) % 4]", lambda r: DAYS[(DAYS.index(r["day"]) + r["k"]) % 4]),
    ("index_of(days, day)", lambda r: DAYS.index(r["day"])),
    ("index_of([3, 1, 2, 0], k)", lambda r: (3, 1, 2, 0).index(r["k"])),
    ("all_different(xs)", lambda r: len(set(r["xs"])) == 4),
    ("k in xs", lambda r: r["k"] in r["xs"]),
    ("k in [x - 1 for x in xs]", lambda r: r["k"] in [x - 1 for x in r["xs"]]),
    ("digit(n, 0)", lambda r: abs(r["n"]) % 10),
    ("digit(n, 2)", lambda r: abs(r["n"]) // 100 % 10),
    ("day[0]", lambda r: r["day"][0]),
    ("match k { 0 -> 7, 1 | 2 -> 8, 3 -> 9 }", lambda r: (7, 8, 8, 9)[r["k"]]),
    ('match xs[0] { 0 .. 3 -> "low", 4 -> "mid", _ -> "high" }',
     lambda r: "low" if r["xs"][0] < 4 else "mid" if r["xs"][0] == 4 else "high"),
    ("match p { 0.00 .. 4.99 -> k, _ -> p }", lambda r: r["k"] * 100 if r["p"] <= 499 else r["p"]),
    ("match flags[0] { true -> 1, false -> 0 }", lambda r: int(r["flags"][0])),
    ('match day { "Mon" | "Tue" -> true, _ -> false }', lambda r: r["day"] in ("Mon", "Tue")),
    ("clamp(n, k, 100)", lambda r: max(r["k"], min(100, r["n"]))),
    ('same(day, "Mon") or same(k, 1)', lambda r: r["day"] == "Mon" or r["k"] == 1),
    ("sum(pair.0 for pair in pairs)", lambda r: sum(pair[0] for pair in r["pairs"])),
    ("pairs[k % 2].1", lambda r: r["pairs"][r["k"] % 2][1]),
    ("pairs[0] == pairs[1]", lambda r: r["pairs"][0] == r["pairs"][1]),
    ("sum([1 .. 4])", lambda r: 10),
    ("sum([-1 .. 3])", lambda r: 5),
    ("sum(x * k for x in 0 .. 3)", lambda r: 6 * r["k"]),
    ("any(xs[i] > xs[i + 1] for i in 0 .. 2)", lambda r: any(r["xs"][i] > r["xs"][i + 1] for i in range(3))),
    ("sum([0 .. 10 step 5])", lambda r: 15),
    ("+k - -k", lambda r: 2 * r["k"]),
    ("k in [0 .. 1, 3]", lambda r: r["k"] in (0, 1, 3)),
    ("k in {1 .. 2, 3}", lambda r: r["k"] in (1, 2, 3)),
    ("xs[0] in [0 .. 9 step 3]", lambda r: r["xs"][0] in (0, 3, 6, 9)),
    ("xs == [3, k, 4, 1]", lambda r: r["xs"] == (3, r["k"], 4, 1)),
    ("[k, 1] != [1, k]", lambda r: r["k"] != 1),
    ("sum(x * xs[i] for x in [2, 3])".replace("xs[i]", "xs[1]"), lambda r: 5 * r["xs"][1]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_expressions_over_lists(expression: str, expected: Callable[[Any], Value]) -> None:
    """The value on 200 assignments is Python's."""
    assignments, found = values_of(expression)
    assert found == [expected(row) for row in assignments]


WRONG = [
    ("xs[4]", "E0301: the list has no item 4"),
    ("xs[k + 1]", "E0311: this place can be outside the list"),
    ("index_of([1, 2], k)", "E0311: this value need not be in the list"),
    ("xs[p]", "E0301: a place in a list is an int, found decimal(2)"),
    ("4 in 0 .. 10 step 5", "E0301: a `step` stands in a list or in `layers`"),
    ("match k { 0 .. 2 step 2 -> 1, _ -> 2 }", "E0301: a `step` stands in a list or in `layers`"),
    ("sum(day)", 'E0301: expected a list, found one of "Mon" | "Tue" | "Wed" | "Thu"'),
    ("sum(flags)", "E0301: expected a number, found bool"),
    ("count(xs)", "E0301: expected a condition, found int"),
    ('[1, "a"]', 'E0301: a list holds values of one kind: int and the word "a"'),
    ("[]", "E0301: an empty list has no type"),
    ("match k { 0 -> 1, 1 -> 2, 3 -> 3 }", "E0310: this `match` does not say what happens to every value: 2 is left out"),
    ("match k { _ -> 1, 1 -> 2 }", "E0310: this arm is never reached"),
    ('match k { 0 -> 1, _ -> "a" }', 'E0301: the arms differ: int and the word "a"'),
    ('match day { "Fri" -> 1, _ -> 2 }',
     'E0301: these can never be equal: "Mon" | "Tue" | "Wed" | "Thu" and "Fri"'),
    ("sum(k for k in xs)", "E0202: `k` already stands for a value here"),
    ("clamp(n, 1)", "E0205: `clamp` cannot be called this way"),
    ("digit(p, 0)", "E0205: `digit` cannot be called this way"),
    ("day[3]", 'E0301: "Mon" has no character 3'),
    ("sum(y for x in xs)", "E0201: no value in task `t` named `y`"),
    ("[x for x in xs if x > 2]", "E0301: a list whose length depends on values is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_mistakes_over_lists_are_told_once(expression: str, message: str) -> None:
    """However often the expression is written out."""
    hypothesis, told = hypothesis_of(expression)
    assert hypothesis is None and told == [message]


def functions(*lines: str, use: str = "true") -> list[str]:
    text = TEXT.format(expression=use).replace("cspec 1\n", "cspec 1\n" + "\n".join(lines) + "\n", 1)
    return [f"{item.code}: {item.message}" for item in check(Source("t", text))[1] if item.code != "W0602"]


def test_functions_that_cannot_be_written_out_are_refused() -> None:
    """Recursion, direct or not; a body that would be millions of operations long; names that are no parameters."""
    assert functions("fn f(x) = f(x)", use="f(k)") == ["E0401: a function cannot call itself: f → f"]
    assert functions("fn f(x) = g(x)", "fn g(x) = f(x)", use="f(k)") == [
        "E0401: a function cannot call itself: f → g → f"
    ]
    doubled = functions("fn f(x) = x + x", use="f(" * 30 + "k" + ")" * 30)
    assert doubled == ["E0106: this is too long when it is written out"]
    chained = functions("fn f(x) = x + 1", "fn g(x) = " + "f(" * 20 + "x" + ")" * 20, use="g(" * 20 + "k" + ")" * 20)
    assert chained == ["E0106: this is too long when it is written out"]
    nested = "[[[[0 for a in 0 .. 63] for b in 0 .. 63] for c in 0 .. 63] for d in 0 .. 63]"
    assert functions(use=nested) == ["E0106: this is too long when it is written out"]
    assert functions("fn f(x) = x + k", use="f(1)") == ["E0201: no parameter of `f` named `k`"]
    assert functions("fn sum(x) = x", use="k") == ["E0202: `sum` is a function of the language"]


def test_values_that_double_thirty_times_do_not_hang() -> None:
    """Names stay names where writing them out would be 2^30 operations long."""
    lets = "\n".join(f"  let v{i} = v{i - 1} + v{i - 1}" for i in range(1, 31))
    text = TEXT.format(expression="k").replace(
        "  prompt", f"  let v0 = k\n{lets}\n  require v30 < 9_999_999_999\n  prompt", 1
    )
    hypothesis, diagnostics = check(Source("t", text))
    assert hypothesis is not None, diagnostics


def test_a_mistake_in_a_function_is_told_where_it_stands_and_once() -> None:
    """Two calls, one message, at the body."""
    told = functions("fn f(x) = x + true", use="f(k) + f(n)")
    assert told == ["E0301: expected a number, found bool"]


def test_a_place_outside_the_list_is_shown_with_an_input_even_inside_a_function() -> None:
    """The place in the function's body, the input that leads there."""
    text = TEXT.format(expression="at(xs, k + 1)").replace("cspec 1", "cspec 1\nfn at(list, place) = list[place]", 1)
    (found,) = [item for item in check(Source("t", text))[1] if item.code != "W0602"]
    assert found.code == "E0311" and "k = 3" in found.label


def test_a_column_that_has_no_value_in_a_row_that_is_not_needed_is_no_fault() -> None:
    """`if` guards an index as it does when one row is evaluated."""
    assignments, found = values_of("if k < 3 then xs[k + 1] else 0")
    assert found == [row["xs"][row["k"] + 1] if row["k"] < 3 else 0 for row in assignments]  # type: ignore[index, operator]
    assert np.asarray(found).dtype.kind == "i"


POINTER = """cspec 1
task pointer {
  input options: ["red" | "blue" | "green"; 2]
  input k: int in 0 .. 1
  require all_different(options)
  prompt "{options[0] as a} or {options[1] as b}? Take number {k}:"
  output answer: one of options
}
model copy for pointer {
  output answer = options[k]
}
"""


def told_of(text: str) -> list[str]:
    return [f"{item.code}: {item.label or item.message}" for item in check(Source("t", text))[1]]


def test_an_answer_is_one_of_an_inputs_items() -> None:
    """The words are those of the items; a model that says another one is shown an input."""
    hypothesis, diagnostics = check(Source("t", POINTER))
    assert hypothesis is not None, diagnostics
    assert hypothesis.tasks["pointer"].output.type.words == ("red", "blue", "green")
    wrong = told_of(POINTER.replace("= options[k]", '= "red"'))
    assert wrong == ['E0308: "red" for options = ("blue", "green")']
    assert told_of(POINTER.replace("one of options", "one of k")) == ["E0301: expected a list, found int"]


def test_an_output_of_numbers_is_said_as_it_is_printed() -> None:
    """The mechanism computes a number, the answer is its word."""
    text = POINTER.replace("one of options", "int in 0 .. 9").replace("= options[k]", "= k + 3")
    hypothesis, diagnostics = check(Source("t", text))
    assert hypothesis is not None, diagnostics
    task, model = hypothesis.tasks["pointer"], hypothesis.models["copy"]
    assert task.output.type.words == tuple("0123456789")
    assert [evaluate(model.output, {"k": k}) for k in (0, 1)] == ["3", "4"]
    assert told_of(text.replace("k + 3", "k + 9")) == ["E0308: 10 for k = 1"]
    assert told_of(text.replace("int in 0 .. 9", "int in 0 .. 99_999")) == ["E0305: these are 100,000"]
