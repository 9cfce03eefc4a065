"""The syntax tree of a `.cspec` file: what was written, unresolved, every node with its span.

Invariant: nodes are frozen; names are strings with a place (`Name`); nothing here has a meaning yet.
"""

from __future__ import annotations

from causalspec.record import record
from causalspec.span import Span


@record
class Name:
    """An identifier where it was written; also an expression."""

    text: str
    span: Span


# --- expressions -----------------------------------------------------------------------------------------------------


@record
class Number:
    """`4_000` is digits=4000, scale=0; `2.50` is digits=250, scale=2."""

    digits: int
    scale: int
    span: Span


@record
class Text:
    """A string literal, escapes resolved."""

    value: str
    span: Span


@record
class Truth:
    """`true` or `false`."""

    value: bool
    span: Span


@record
class Unary:
    """`-x`, `not x`."""

    op: str
    operand: Expr
    span: Span


@record
class Binary:
    """`+ - * / // % and or`; also `|` between types is not an expression."""

    op: str
    left: Expr
    right: Expr
    span: Span


@record
class Compare:
    """A chain `a <= b < c`: `len(ops) == len(operands) - 1`, ops among `< <= > >= == != in`."""

    ops: tuple[str, ...]
    operands: tuple[Expr, ...]
    span: Span


@record
class Conditional:
    """`if condition then yes else no`."""

    condition: Expr
    yes: Expr
    no: Expr
    span: Span


@record
class TupleOf:
    """`(a, b)`, at least two items."""

    items: tuple[Expr, ...]
    span: Span


@record
class ListOf:
    """`[a, b]`."""

    items: tuple[Expr, ...]
    span: Span


@record
class SetOf:
    """`{a, b}`: several tokens swapped together."""

    items: tuple[Expr, ...]
    span: Span


@record
class RangeOf:
    """`a .. b` or `a .. b step c`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None
    span: Span


@record
class Access:
    """`bracket.0` (an int) or `price.last` (a string)."""

    base: Expr
    member: str | int
    member_span: Span
    span: Span


@record
class Index:
    """`price[1]`."""

    base: Expr
    index: Expr
    span: Span


@record
class Argument:
    """One argument of a call: positional where `name` is None."""

    name: Name | None
    value: Expr
    span: Span


@record
class Call:
    """`residual(layers = all, tokens = last)`, `abs(x)`, `best(gain(left), on = narrow)`."""

    function: Name
    arguments: tuple[Argument, ...]
    span: Span


@record
class Comprehension:
    """`x * x for x in xs if x > 0`; `condition` None where there is no `if`."""

    value: Expr
    name: Name
    source: Expr
    condition: Expr | None
    span: Span


@record
class Arm:
    """`"a" | "b" -> value`; a pattern is a value, a range, or the name `_`, which everything meets."""

    patterns: tuple[Expr, ...]
    value: Expr
    span: Span


@record
class Match:
    """`match x { 1 -> a  2 .. 4 -> b  _ -> c }`: the first arm that x meets."""

    subject: Expr
    arms: tuple[Arm, ...]
    span: Span


Expr = (
    Name
    | Number
    | Text
    | Truth
    | Unary
    | Binary
    | Compare
    | Conditional
    | TupleOf
    | ListOf
    | SetOf
    | RangeOf
    | Access
    | Index
    | Call
    | Comprehension
    | Match
)


# --- types -----------------------------------------------------------------------------------------------------------


@record
class SimpleType:
    """`bool`, `int in 0 .. 9`, `decimal(2) in 0.05 .. 9.95 - width`."""

    name: Name
    parameter: Expr | None
    range: RangeOf | None
    span: Span


@record
class ColumnWords:
    """`places.country`: the values of a table's column."""

    table: Name
    column: Name
    span: Span


@record
class WordsType:
    """`"Yes" | "No"`, `places.country | "none"`."""

    words: tuple[Text | ColumnWords, ...]
    span: Span


@record
class TupleType:
    """`(decimal(2), decimal(2))`."""

    items: tuple[Type, ...]
    span: Span


@record
class ListType:
    """`[int in 0 .. 9; 3]`."""

    item: Type
    size: Expr
    span: Span


Type = SimpleType | WordsType | TupleType | ListType


# --- task ------------------------------------------------------------------------------------------------------------


@record
class Input:
    """`input lower: decimal(2) in 0.05 .. 9.95 - width`."""

    name: Name
    type: Type
    span: Span


@record
class Let:
    """`let upper = lower + width`."""

    name: Name
    value: Expr
    span: Span


@record
class Require:
    """`require price != lower`."""

    condition: Expr
    span: Span


@record
class Literal:
    """Prompt text between holes, escapes and doubled braces resolved."""

    text: str
    span: Span


@record
class Hole:
    """`{lower}` (name None) or `{lower + width as upper}`."""

    value: Expr
    name: Name | None
    span: Span


@record
class Prompt:
    """`prompt "… {lower} …"`; a hole that was reported as wrong is `Broken`."""

    parts: tuple[Literal | Hole | Broken, ...] | Templates
    span: Span


@record
class Template:
    """`0 | 1 -> "… {lower} …"`; patterns as those of an `Arm`."""

    patterns: tuple[Expr, ...]
    parts: tuple[Literal | Hole | Broken, ...]
    span: Span


@record
class Templates:
    """`match form { … }` of a prompt: the text depends on a value."""

    subject: Expr
    arms: tuple[Template, ...]
    span: Span


@record
class OneOf:
    """`one of options`: the items of a list."""

    source: Expr
    span: Span


@record
class OutputType:
    """In a task: `output answer: "Yes" | "No"`, `output answer: one of options`."""

    name: Name
    type: Type | OneOf
    span: Span


@record
class Doc:
    """A docstring in a body."""

    text: str
    span: Span


@record
class Broken:
    """A statement that was reported as wrong: what follows need not complain about its name again.

    `keyword` is what the statement most likely begins with, empty where nobody knows; `name` what it most likely defines.
    """

    keyword: str
    name: Name | None
    span: Span


TaskItem = Broken | Doc | Input | Let | Require | Prompt | OutputType


@record
class Task:
    """`task name { … }`."""

    name: Name
    items: tuple[TaskItem, ...]
    span: Span


@record
class Variant:
    """`variant name for task { … }`: the same task with some items replaced."""

    name: Name
    task: Name
    items: tuple[TaskItem, ...]
    span: Span


# --- model -----------------------------------------------------------------------------------------------------------


@record
class Var:
    """`var above: bool = price >= lower`."""

    name: Name
    type: Type
    mechanism: Expr
    span: Span


@record
class OutputMechanism:
    """In a model: `output answer = …`."""

    name: Name
    mechanism: Expr
    span: Span


@record
class Example:
    """`example width = 5.00, lower = 2.50, price = 3.75 -> "Yes"`."""

    bindings: tuple[tuple[Name, Expr], ...]
    expected: Expr
    span: Span


ModelItem = Broken | Doc | Var | OutputMechanism | Let | Example


@record
class Model:
    """`model name for task { … }`."""

    name: Name
    task: Name
    items: tuple[ModelItem, ...]
    span: Span


# --- language model, alignment, experiment, claim --------------------------------------------------------------------


@record
class Lm:
    """`lm tiny = embedded("tiny")`."""

    name: Name
    value: Call
    span: Span


@record
class Place:
    """`place above on …` (joint False) or `place (above, below) on …` (joint True)."""

    variables: tuple[Name, ...]
    site: Call
    span: Span


@record
class Method:
    """`method das(dims = 4)`; without parentheses the call has no arguments."""

    value: Call
    span: Span


@record
class Balance:
    """`balance same, equal`: tuples have their values equally often."""

    names: tuple[Name, ...]
    span: Span


@record
class Align:
    """`align name for model { … }`."""

    name: Name
    model: Name
    items: tuple[Broken | Doc | Place | Method | Balance, ...]
    span: Span


@record
class Setting:
    """A line of an experiment.

    `keyword` is one of lm, run, tuples, seeds, control, transfer, training. `values` holds the comma-separated
    entries: names (`run left, both`) as positional arguments, `train = 4_000` as named ones, and `seeds 0 .. 2` as one
    positional range.
    """

    keyword: Name
    values: tuple[Argument, ...]
    span: Span


@record
class Experiment:
    """`experiment main { … }`."""

    name: Name
    items: tuple[Broken | Doc | Setting, ...]
    span: Span


@record
class Claim:
    """`claim "title" { expression }`."""

    title: Text
    value: Expr
    span: Span


@record
class Fn:
    """`fn same(a, b) = a == b`."""

    name: Name
    parameters: tuple[Name, ...]
    value: Expr
    span: Span


@record
class Column:
    """`key city: text`, `country: text`."""

    is_key: bool
    name: Name
    type: Type
    span: Span


@record
class Table:
    """`table places = csv("cities.csv") { key city: text, country: text }`."""

    name: Name
    source: Call
    columns: tuple[Column, ...]
    span: Span


Declaration = Broken | Table | Fn | Task | Variant | Model | Lm | Align | Experiment | Claim


@record
class Spec:
    """A whole file. `edition` is None where the first line lacks `cspec N`."""

    edition: Number | None
    declarations: tuple[Declaration, ...]
    span: Span
