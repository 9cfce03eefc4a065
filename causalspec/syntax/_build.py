"""Build syntax nodes while the parser runs: one method a grammar rule, called with the rule's parts.

In: tokens and finished nodes, in the order of the rule, None for an optional part that is missing.
Invariant: pure and stateless; reports nothing and refuses nothing, since a rule is only completed on good syntax.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from causalspec.span import Span
from causalspec.syntax import ast
from causalspec.syntax.token import Token

Part = Any  # a Token or a node, as the grammar rule says
Parts = list[Part]


def _span(first: Part, last: Part) -> Span:
    """From one part to another, whether tokens or nodes."""
    return Span(first.span.start, last.span.end)


def _name(token: Token) -> ast.Name:
    return ast.Name(str(token), token.span)


def _text(token: Token) -> ast.Text:
    return ast.Text(token.value, token.span)


def _number(token: Token) -> ast.Number:
    digits, scale = token.value
    return ast.Number(digits, scale, token.span)


class Build:
    """What each rule builds: the method named after the rule or its alias."""

    # --- lists ---

    @staticmethod
    def _first(parts: Parts) -> Parts:
        return [parts[0]]

    declarations = task_items = model_items = align_items = experiment_items = _first
    bindings = names = words = entries = arguments = arms = prompt_arms = patterns = columns = _first

    @staticmethod
    def more(parts: Parts) -> Parts:
        items: Parts = parts[0]
        items.append(parts[2])
        return items

    more_lines = more

    @staticmethod
    def pair(parts: Parts) -> Parts:
        return [parts[0], parts[2]]

    # --- file ---

    def spec(self, parts: Parts) -> ast.Spec:
        """The file; an edition that is not its first line becomes a broken statement."""
        items = parts[1] or []
        edition = next((item for item in items if isinstance(item, ast.Number)), None)
        declared = [item for item in items if item is not edition]
        if edition is not None and items[0] is not edition:
            declared.append(edition)
        misplaced = (
            ast.Broken("cspec", None, item.span) if isinstance(item, ast.Number) else item for item in declared
        )
        return ast.Spec(edition, tuple(misplaced), Span(0, 0))

    def edition(self, parts: Parts) -> ast.Number:
        return replace(_number(parts[1]), span=_span(parts[0], parts[1]))

    def table(self, parts: Parts) -> ast.Table:
        return ast.Table(_name(parts[1]), parts[3], tuple(parts[6]), _span(parts[0], parts[-1]))

    def column(self, parts: Parts) -> ast.Column:
        key, name, _, type_ = parts
        return ast.Column(key is not None, _name(name), type_, _span(key or name, type_))

    def fn(self, parts: Parts) -> ast.Fn:
        names = tuple(_name(token) for token in parts[3])
        return ast.Fn(_name(parts[1]), names, parts[-1], _span(parts[0], parts[-1]))

    # --- task ---

    def task(self, parts: Parts) -> ast.Task:
        return ast.Task(_name(parts[1]), _body(parts), _span(parts[0], parts[-1]))

    def variant(self, parts: Parts) -> ast.Variant:
        return ast.Variant(_name(parts[1]), _name(parts[3]), _body(parts), _span(parts[0], parts[-1]))

    def doc(self, parts: Parts) -> ast.Doc:
        return ast.Doc(parts[0].value, parts[0].span)

    def input(self, parts: Parts) -> ast.Input:
        return ast.Input(_name(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def let(self, parts: Parts) -> ast.Let:
        return ast.Let(_name(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def require(self, parts: Parts) -> ast.Require:
        return ast.Require(parts[1], _span(parts[0], parts[1]))

    def prompt(self, parts: Parts) -> ast.Prompt:
        return ast.Prompt(parts[1].value, _span(parts[0], parts[1]))

    def prompts(self, parts: Parts) -> ast.Prompt:
        templates = ast.Templates(parts[2], tuple(parts[5]), _span(parts[1], parts[-1]))
        return ast.Prompt(templates, _span(parts[0], parts[-1]))

    def prompt_arm(self, parts: Parts) -> ast.Template:
        return ast.Template(tuple(parts[0]), parts[2].value, _span(parts[0][0], parts[2]))

    def output_type(self, parts: Parts) -> ast.OutputType:
        return ast.OutputType(_name(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def one_of(self, parts: Parts) -> ast.OneOf:
        return ast.OneOf(parts[2], _span(parts[0], parts[2]))

    # --- model ---

    def model(self, parts: Parts) -> ast.Model:
        return ast.Model(_name(parts[1]), _name(parts[3]), _body(parts), _span(parts[0], parts[-1]))

    def var(self, parts: Parts) -> ast.Var:
        return ast.Var(_name(parts[1]), parts[3], parts[5], _span(parts[0], parts[-1]))

    def output_mechanism(self, parts: Parts) -> ast.OutputMechanism:
        return ast.OutputMechanism(_name(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def example(self, parts: Parts) -> ast.Example:
        return ast.Example(tuple(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def binding(self, parts: Parts) -> tuple[ast.Name, ast.Expr]:
        return _name(parts[0]), parts[2]

    # --- language model, alignment, experiment, claim ---

    def lm(self, parts: Parts) -> ast.Lm:
        return ast.Lm(_name(parts[1]), parts[3], _span(parts[0], parts[-1]))

    def align(self, parts: Parts) -> ast.Align:
        return ast.Align(_name(parts[1]), _name(parts[3]), _body(parts), _span(parts[0], parts[-1]))

    def place(self, parts: Parts) -> ast.Place:
        return ast.Place((_name(parts[1]),), parts[3], _span(parts[0], parts[-1]))

    def place_jointly(self, parts: Parts) -> ast.Place:
        return ast.Place(tuple(_name(token) for token in parts[2]), parts[-1], _span(parts[0], parts[-1]))

    def method(self, parts: Parts) -> ast.Method:
        return ast.Method(parts[1], _span(parts[0], parts[1]))

    def balance(self, parts: Parts) -> ast.Balance:
        return ast.Balance(tuple(_name(token) for token in parts[1]), _span(parts[0], parts[1][-1]))

    def plain_method(self, parts: Parts) -> ast.Method:
        return ast.Method(ast.Call(_name(parts[1]), (), parts[1].span), _span(parts[0], parts[1]))

    def experiment(self, parts: Parts) -> ast.Experiment:
        return ast.Experiment(_name(parts[1]), _body(parts), _span(parts[0], parts[-1]))

    def setting(self, parts: Parts) -> ast.Setting:
        return ast.Setting(_name(parts[0]), tuple(parts[1]), _span(parts[0], parts[1][-1]))

    def claim(self, parts: Parts) -> ast.Claim:
        return ast.Claim(_text(parts[1]), parts[4], _span(parts[0], parts[-1]))

    # --- types ---

    def simple_type(self, parts: Parts) -> ast.SimpleType:
        name, _, parameter, closing, _, limits = parts
        last = limits or closing or name
        return ast.SimpleType(_name(name), parameter, limits, _span(name, last))

    def words_type(self, parts: Parts) -> ast.WordsType:
        words = parts[0]
        return ast.WordsType(tuple(words), _span(words[0], words[-1]))

    def column_words(self, parts: Parts) -> ast.ColumnWords:
        return ast.ColumnWords(_name(parts[0]), _name(parts[2]), _span(parts[0], parts[2]))

    def tuple_type(self, parts: Parts) -> ast.TupleType:
        return ast.TupleType(tuple(parts[1]), _span(parts[0], parts[-1]))

    def list_type(self, parts: Parts) -> ast.ListType:
        return ast.ListType(parts[1], parts[3], _span(parts[0], parts[-1]))

    # --- expressions ---

    def hole(self, parts: Parts) -> ast.Hole:
        return ast.Hole(parts[0], _name(parts[2]) if parts[1] else None, _span(parts[0], parts[2] or parts[0]))

    def conditional(self, parts: Parts) -> ast.Conditional:
        return ast.Conditional(parts[1], parts[3], parts[5], _span(parts[0], parts[-1]))

    def binary(self, parts: Parts) -> ast.Binary:
        return ast.Binary(str(parts[1]), parts[0], parts[2], _span(parts[0], parts[2]))

    def unary(self, parts: Parts) -> ast.Unary:
        return ast.Unary(str(parts[0]), parts[1], _span(parts[0], parts[1]))

    def chain(self, parts: Parts) -> ast.Compare:
        return ast.Compare((str(parts[1]),), (parts[0], parts[2]), _span(parts[0], parts[2]))

    def more_chain(self, parts: Parts) -> ast.Compare:
        chain = parts[0]
        return ast.Compare((*chain.ops, str(parts[1])), (*chain.operands, parts[2]), _span(chain, parts[2]))

    def range(self, parts: Parts) -> ast.RangeOf:
        return ast.RangeOf(parts[0], parts[2], parts[4], _span(parts[0], parts[4] or parts[2]))

    def access(self, parts: Parts) -> ast.Access:
        base, _, member = parts
        value = member.value[0] if member.type == "NUMBER" else str(member)
        return ast.Access(base, value, member.span, _span(base, member))

    def index(self, parts: Parts) -> ast.Index:
        return ast.Index(parts[0], parts[2], _span(parts[0], parts[-1]))

    def name(self, parts: Parts) -> ast.Name:
        return _name(parts[0])

    def number(self, parts: Parts) -> ast.Number:
        return _number(parts[0])

    def string(self, parts: Parts) -> ast.Text:
        return _text(parts[0])

    def truth(self, parts: Parts) -> ast.Truth:
        return ast.Truth(parts[0].type == "TRUE", parts[0].span)

    def grouped(self, parts: Parts) -> ast.Expr:
        """The inner expression, its place widened to the parentheses."""
        return cast(ast.Expr, replace(parts[1], span=_span(parts[0], parts[2])))

    def tuple(self, parts: Parts) -> ast.TupleOf:
        return ast.TupleOf((parts[1], *(parts[3] or ())), _span(parts[0], parts[-1]))

    def list(self, parts: Parts) -> ast.ListOf:
        return ast.ListOf((*(parts[1] or ()),), _span(parts[0], parts[-1]))

    def set(self, parts: Parts) -> ast.SetOf:
        return ast.SetOf((*parts[1],), _span(parts[0], parts[-1]))

    def comprehension(self, parts: Parts) -> ast.Comprehension:
        value, _, name, _, source, _, condition = parts
        return ast.Comprehension(value, _name(name), source, condition, _span(value, condition or source))

    def match(self, parts: Parts) -> ast.Match:
        return ast.Match(parts[1], tuple(parts[4]), _span(parts[0], parts[-1]))

    def arm(self, parts: Parts) -> ast.Arm:
        return ast.Arm(tuple(parts[0]), parts[2], _span(parts[0][0], parts[2]))

    def call(self, parts: Parts) -> ast.Call:
        return ast.Call(_name(parts[0]), (*(parts[2] or ()),), _span(parts[0], parts[-1]))

    def argument(self, parts: Parts) -> ast.Argument:
        return ast.Argument(None, parts[0], parts[0].span)

    def named_argument(self, parts: Parts) -> ast.Argument:
        return ast.Argument(_name(parts[0]), parts[2], _span(parts[0], parts[2]))


def _body(parts: Parts) -> tuple[Any, ...]:
    """The items between the braces: `{`, line end, items, line end, `}` close every declaration with a body."""
    return tuple(parts[-3] or ())
