"""Build the syntax tree from lark's.

In: a lark `Tree` of `grammars/cspec.lark`. Out: `causalspec.syntax.ast` nodes. Invariant: total on every tree that the
grammar gives; what the grammar cannot forbid (an escape, a number of 5,000 digits) is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from lark import Token, Tree

from causalspec.diagnostics import Report
from causalspec.span import Span
from causalspec.syntax import ast
from causalspec.syntax.prompt import Parse, parts, unquoted

MOST_DIGITS = 30
Node: TypeAlias = "Tree[Token]"


class Builder:
    """Builds nodes; one a parse."""

    def __init__(self, report: Report, parse_expression: Parse) -> None:
        self._report = report
        self._parse = parse_expression

    def build(self, tree: Node) -> Any:
        """The node of a tree, by the name of its rule."""
        method: Callable[[Node], Any] = getattr(self, f"_{tree.data}")
        return method(tree)

    def _expr(self, tree: Node) -> ast.Expr:
        return cast(ast.Expr, self.build(tree))

    # --- declarations ------------------------------------------------------------------------------------------------

    def _start(self, tree: Node) -> ast.Spec:
        edition: ast.Number | None = None
        declarations = []
        for child in _trees(tree):
            if child.data == "edition":
                edition = self.build(child)
            else:
                declarations.append(self.build(child))
        return ast.Spec(edition, tuple(declarations), _span(tree) if tree.children else Span(0, 0))

    def _edition(self, tree: Node) -> ast.Number:
        return self._digits(next(item for item in _tokens(tree) if item.type == "NUMBER"))

    def _task(self, tree: Node) -> ast.Task:
        name, *items = map(self.build, _trees(tree))
        return ast.Task(name, tuple(items), _span(tree))

    def _variant(self, tree: Node) -> ast.Variant:
        name, task, *items = map(self.build, _trees(tree))
        return ast.Variant(name, task, tuple(items), _span(tree))

    def _model(self, tree: Node) -> ast.Model:
        name, task, *items = map(self.build, _trees(tree))
        return ast.Model(name, task, tuple(items), _span(tree))

    def _align(self, tree: Node) -> ast.Align:
        name, model, *items = map(self.build, _trees(tree))
        return ast.Align(name, model, tuple(items), _span(tree))

    def _lm(self, tree: Node) -> ast.Lm:
        name, call = map(self.build, _trees(tree))
        return ast.Lm(name, call, _span(tree))

    def _experiment(self, tree: Node) -> ast.Experiment:
        name, *items = map(self.build, _trees(tree))
        return ast.Experiment(name, tuple(items), _span(tree))

    def _claim(self, tree: Node) -> ast.Claim:
        title, value = map(self.build, _trees(tree))
        return ast.Claim(title, value, _span(tree))

    # --- items -------------------------------------------------------------------------------------------------------

    def _doc(self, tree: Node) -> ast.Doc:
        (token,) = _tokens(tree)
        return ast.Doc(self._string(token), _span(tree))

    def _input(self, tree: Node) -> ast.Input:
        name, type_ = map(self.build, _trees(tree))
        return ast.Input(name, type_, _span(tree))

    def _let(self, tree: Node) -> ast.Let:
        name, value = map(self.build, _trees(tree))
        return ast.Let(name, value, _span(tree))

    def _require(self, tree: Node) -> ast.Require:
        (condition,) = map(self.build, _trees(tree))
        return ast.Require(condition, _span(tree))

    def _prompt(self, tree: Node) -> ast.Prompt:
        token = _tokens(tree)[-1]
        start = token.start_pos or 0
        return ast.Prompt(parts(str(token), start, self._report, self._parse), _span(tree))

    def _output_type(self, tree: Node) -> ast.OutputType:
        name, type_ = map(self.build, _trees(tree))
        return ast.OutputType(name, type_, _span(tree))

    def _var(self, tree: Node) -> ast.Var:
        name, type_, mechanism = map(self.build, _trees(tree))
        return ast.Var(name, type_, mechanism, _span(tree))

    def _output_mechanism(self, tree: Node) -> ast.OutputMechanism:
        name, mechanism = map(self.build, _trees(tree))
        return ast.OutputMechanism(name, mechanism, _span(tree))

    def _example(self, tree: Node) -> ast.Example:
        *bindings, expected = map(self.build, _trees(tree))
        return ast.Example(tuple(bindings), expected, _span(tree))

    def _binding(self, tree: Node) -> tuple[ast.Name, ast.Expr]:
        name, value = map(self.build, _trees(tree))
        return name, value

    def _place(self, tree: Node) -> ast.Place:
        *variables, site = map(self.build, _trees(tree))
        return ast.Place(tuple(variables), site, _span(tree))

    def _method(self, tree: Node) -> ast.Method:
        (value,) = map(self.build, _trees(tree))
        call = ast.Call(value, (), value.span) if isinstance(value, ast.Name) else value
        return ast.Method(call, _span(tree))

    def _setting(self, tree: Node) -> ast.Setting:
        keyword = _tokens(tree)[0]
        values = tuple(map(self.build, _trees(tree)))
        return ast.Setting(ast.Name(str(keyword), _token_span(keyword)), values, _span(tree))

    # --- types -------------------------------------------------------------------------------------------------------

    def _simple_type(self, tree: Node) -> ast.SimpleType:
        name = next(item for item in _tokens(tree) if item.type == "NAME")
        parameter: ast.Expr | None = None
        range_: ast.RangeOf | None = None
        for child in _trees(tree):
            if child.data == "range":
                range_ = self.build(child)
            else:
                parameter = self.build(child)
        return ast.SimpleType(ast.Name(str(name), _token_span(name)), parameter, range_, _span(tree))

    def _words_type(self, tree: Node) -> ast.WordsType:
        return ast.WordsType(tuple(map(self.build, _trees(tree))), _span(tree))

    def _tuple_type(self, tree: Node) -> ast.TupleType:
        return ast.TupleType(tuple(map(self.build, _trees(tree))), _span(tree))

    def _range(self, tree: Node) -> ast.RangeOf:
        low, high, *step = map(self.build, _trees(tree))
        return ast.RangeOf(low, high, step[0] if step else None, _span(tree))

    # --- expressions -------------------------------------------------------------------------------------------------

    def _conditional(self, tree: Node) -> ast.Conditional:
        condition, yes, no = map(self.build, _trees(tree))
        return ast.Conditional(condition, yes, no, _span(tree))

    def _binary(self, tree: Node) -> ast.Binary:
        left, right = map(self.build, _trees(tree))
        return ast.Binary(str(_tokens(tree)[0]), left, right, _span(tree))

    def _unary(self, tree: Node) -> ast.Unary:
        (operand,) = map(self.build, _trees(tree))
        return ast.Unary(str(_tokens(tree)[0]), operand, _span(tree))

    def _compare(self, tree: Node) -> ast.Compare:
        children = _trees(tree)
        ops = tuple(str(_tokens(child)[0]) for child in children if child.data == "comparator")
        operands = tuple(self.build(child) for child in children if child.data != "comparator")
        if len(ops) < len(operands) - 1:
            ops = (*ops, "in")
        return ast.Compare(ops, operands, _span(tree))

    _membership = _compare

    def _access(self, tree: Node) -> ast.Access:
        (base,) = map(self.build, _trees(tree))
        token = _tokens(tree)[0]
        written = str(token)[1:]
        member = int(written[:MOST_DIGITS]) if written.isdigit() else written
        span = _token_span(token)
        return ast.Access(base, member, Span(span.start + 1, span.end), _span(tree))

    def _index(self, tree: Node) -> ast.Index:
        base, index = map(self.build, _trees(tree))
        return ast.Index(base, index, _span(tree))

    def _number(self, tree: Node) -> ast.Number:
        return self._digits(_tokens(tree)[0])

    def _digits(self, token: Token) -> ast.Number:
        whole, _, rest = str(token).replace("_", "").partition(".")
        if len(whole) + len(rest) > MOST_DIGITS:
            self._report.add("E0109", f"a number has at most {MOST_DIGITS} digits", _token_span(token))
            whole, rest = "0", ""
        return ast.Number(int(whole + rest), len(rest), _token_span(token))

    def _truth(self, tree: Node) -> ast.Truth:
        return ast.Truth(str(_tokens(tree)[0]) == "true", _span(tree))

    def _text(self, tree: Node) -> ast.Text:
        return ast.Text(self._string(_tokens(tree)[0]), _span(tree))

    def _string(self, token: Token) -> str:
        return unquoted(str(token), token.start_pos or 0, self._report)

    def _parenthesis(self, tree: Node) -> ast.Expr:
        (inner,) = _trees(tree)
        return self._expr(inner)

    def _tuple_of(self, tree: Node) -> ast.TupleOf:
        return ast.TupleOf(tuple(map(self.build, _trees(tree))), _span(tree))

    def _list_of(self, tree: Node) -> ast.ListOf:
        return ast.ListOf(tuple(map(self.build, _trees(tree))), _span(tree))

    def _set_of(self, tree: Node) -> ast.SetOf:
        return ast.SetOf(tuple(map(self.build, _trees(tree))), _span(tree))

    def _call(self, tree: Node) -> ast.Call:
        name = _tokens(tree)[0]
        arguments = tuple(map(self.build, _trees(tree)))
        return ast.Call(ast.Name(str(name), _token_span(name)), arguments, _span(tree))

    def _argument(self, tree: Node) -> ast.Argument:
        *name, value = map(self.build, _trees(tree))
        return ast.Argument(name[0] if name else None, value, _span(tree))

    def _name(self, tree: Node) -> ast.Name:
        token = _tokens(tree)[0]
        return ast.Name(str(token), _token_span(token))


def _trees(tree: Node) -> list[Node]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _tokens(tree: Node) -> list[Token]:
    return [child for child in tree.children if isinstance(child, Token)]


def _token_span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


def _span(tree: Node) -> Span:
    meta = tree.meta
    return Span(0, 0) if meta.empty else Span(meta.start_pos, meta.end_pos)
