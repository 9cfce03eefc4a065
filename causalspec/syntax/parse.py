"""Parse a spec: text in, syntax tree out, every syntax error told in one go.

A sound file is parsed whole. In a file with mistakes each declaration and each of its items is parsed by itself, so
that one mistake hides no other. Invariant: never raises on user input; each mistake is reported once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.utils import TextSlice

from causalspec.diagnostics import Fix, Report
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax.build import Builder
from causalspec.syntax.expected import ITEMS, KEYWORDS, in_words
from causalspec.syntax.layout import Layout, lay_out
from causalspec.syntax.table import load_parser

_BODY = {"task": "task_item", "variant": "task_item", "model": "model_item", "align": "align_item",
         "experiment": "experiment_item"}  # fmt: skip
_EDITION = re.compile(r"\s*cspec\b[^\n]*")
_DEEP = "E0106"
MOST_CHARACTERS = 1 << 20


def parse(source: Source, report: Report) -> ast.Spec:
    """The syntax tree; after mistakes, of what could be read."""
    if len(source.text) > MOST_CHARACTERS:
        report.add("E0110", "a spec is at most 1 MiB of text", Span(0, 0))
        return ast.Spec(None, (), Span(0, 0))
    before = len(report.items)
    layout = lay_out(source.text, report)
    reader = _Reader(layout, report, load_parser())
    if any(item.code == _DEEP for item in report.items[before:]):
        return ast.Spec(None, (), Span(0, 0))
    if len(report.items) == before:
        try:
            tree = reader.lark.parse(layout.text, start="start")
        except UnexpectedInput:
            pass
        else:
            spec: ast.Spec = reader.builder.build(tree)
            return spec
    return reader.piecewise()


class _Reader:
    def __init__(self, layout: Layout, report: Report, lark: Lark) -> None:
        self.lark = lark
        self._layout = layout
        self._text = layout.text
        self._report = report
        self.builder = Builder(report, self._expression)

    def _expression(self, start: int, end: int) -> ast.Expr | None:
        """The expression of a prompt's hole."""
        found: ast.Expr | None = self._piece("expr", start, end)
        return found

    def _piece(self, rule: str, start: int, end: int) -> Any:
        """The node between two offsets, or None after its error was reported."""
        start, end = _trimmed(self._text, start, end)
        if start == end:
            return None
        try:
            tree = self.lark.parse(TextSlice(self._text, start, end), start=rule)
        except UnexpectedInput as error:
            self._error(error, rule, start, end)
            return None
        return self.builder.build(tree)

    def piecewise(self) -> ast.Spec:
        """Each declaration and item by itself."""
        edition = _EDITION.match(self._text)
        begin, number = 0, None
        if edition is not None:
            begin = edition.end()
            word, _, rest = edition.group().strip().partition(" ")
            number = self._piece("expr", edition.end() - len(rest), edition.end()) if rest.strip() else None
            if not isinstance(number, ast.Number):
                self._report.add(
                    "E0102", f"`{word}` is followed by the edition", Span(*edition.span()), help="write `cspec 1`"
                )
                number = ast.Number(1, 0, Span(*edition.span()))
        declarations: list[ast.Declaration] = []
        for start, end in self._statements(begin, len(self._text), 0):
            found = self._declaration(start, end)
            if found is not None:
                declarations.append(found)
        return ast.Spec(number, tuple(declarations), Span(0, len(self._text)))

    def _statements(self, start: int, end: int, depth: int) -> Iterable[tuple[int, int]]:
        """The non-empty stretches between the line ends of one depth."""
        at = start
        for offset, level in [*self._layout.breaks, (end, depth)]:
            if start <= offset <= end and level == depth and offset >= at:
                piece = _trimmed(self._text, at, offset)
                if piece[0] < piece[1]:
                    yield piece
                at = offset

    def _declaration(self, start: int, end: int) -> ast.Declaration | None:
        word = _word(self._text, start, end)
        brace = next((offset for offset in sorted(self._layout.braces) if start <= offset < end), None)
        if word not in _BODY or brace is None:
            found: ast.Declaration | None = self._piece("declaration", start, end)
            return found or self._broken("declaration", start, end)
        close = self._layout.braces[brace]
        head = self._head(word, start, brace)
        items = []
        for item_start, item_end in self._statements(brace + 1, close, self._depth(brace) + 1):
            item = self._piece(_BODY[word], item_start, item_end)
            items.append(item or self._broken(_BODY[word], item_start, item_end))
        if close + 1 < end and self._text[close + 1 : end].strip():
            rest = _trimmed(self._text, close + 1, end)
            self._report.add("E0102", "nothing may follow this `}` on its line", Span(*rest), "begin a new line here")
        if head is None:
            return self._broken("declaration", start, brace)
        from dataclasses import replace

        whole: ast.Declaration = replace(head, items=tuple(items), span=Span(start, min(close + 1, len(self._text))))
        return whole

    def _broken(self, rule: str, start: int, end: int) -> ast.Broken:
        """What is left of a statement with a syntax error."""
        word = _word(self._text, start, end)
        keyword = word if word in KEYWORDS[rule] else _nearest(word, KEYWORDS[rule]) or word
        match = re.compile(r"\w+\s+([A-Za-z_]\w*)").match(self._text, start, end)
        name = None if match is None else ast.Name(match.group(1), Span(*match.span(1)))
        return ast.Broken(keyword, name, Span(start, end))

    def _depth(self, brace: int) -> int:
        return sum(1 for opened, closed in self._layout.braces.items() if opened < brace < closed)

    def _head(self, word: str, start: int, brace: int) -> Any:
        """The declaration without its items."""
        text = self._text[start : brace + 1] + "}"
        try:
            tree = self.lark.parse(text, start="declaration")
        except UnexpectedInput as error:
            self._error(error, "declaration", start, brace, shift=start)
            return None
        return _shifted(self.builder.build(tree), start)

    def _error(self, error: UnexpectedInput, rule: str, start: int, end: int, *, shift: int = 0) -> None:
        """Report a syntax error of the piece from `start` to `end`."""
        word = _word(self._text, start, end)
        if self._misspelt(rule, word, start):
            return
        at, seen = end, ""
        expected: set[str] = set()
        if isinstance(error, UnexpectedToken):
            token: Token = error.token
            expected = set(error.accepts or error.expected)
            if token.type != "$END":
                at, seen = (token.start_pos or 0) + shift, str(token)
        elif isinstance(error, UnexpectedCharacters):
            at, expected = (error.pos_in_stream or 0) + shift, set(error.allowed or ())
            seen = re.match(r"\w+|.", self._text[at:] or " ", re.DOTALL).group()  # type: ignore[union-attr]
        what = ITEMS.get(word, "this")
        place = Span(at, min(at + max(len(seen.strip()), 1), len(self._text)))
        shown = f"`{seen.strip()}`" if seen.strip() else "the end of the line"
        self._report.add("E0101", f"in {what}: {shown} cannot stand here", place, in_words(expected))

    def _misspelt(self, rule: str, word: str, start: int) -> bool:
        """E0102 where a statement does not begin with one of its keywords."""
        known = KEYWORDS.get(rule)
        if known is None or word in known:
            return False
        span = Span(start, start + max(len(word), 1))
        where = {"declaration": "a declaration"}.get(rule, f"an item of {rule.removesuffix('_item')}")
        shown = word or self._text[start]
        elsewhere = [body for body, names in KEYWORDS.items() if word in names]
        close = None if elsewhere else _nearest(word, known)
        if close is not None:
            self._report.add("E0102", f"`{shown}` begins no statement", span, f"did you mean `{close}`?",
                             fix=Fix(span, close))  # fmt: skip
        else:
            self._report.add("E0102", f"`{shown}` does not begin {where}", span,
                             help="it may begin with " + ", ".join(f"`{name}`" for name in known))  # fmt: skip
        return True


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, max(start, end - (len(piece) - len(piece.rstrip())))


def _nearest(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return close[0] if close else None


def _word(text: str, start: int, end: int) -> str:
    match = re.compile(r"[A-Za-z_]\w*").match(text, start, end)
    return match.group() if match else ""


def _shifted(node: Any, by: int) -> Any:
    """A declaration's head parsed apart from the file, at its true place."""
    from dataclasses import fields, replace

    changes: dict[str, Any] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Span):
            changes[item.name] = Span(value.start + by, value.end + by)
        elif isinstance(value, ast.Name):
            changes[item.name] = ast.Name(value.text, Span(value.span.start + by, value.span.end + by))
    return replace(node, **changes)
