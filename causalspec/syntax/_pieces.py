"""A spec's tokens as the formatter sees them: nested by brackets, with the comments and line ends between them.

In: a text without syntax errors. Out: statements of leaves and groups; nothing here knows a declaration from another.
Invariant: every token and every comment of the text is in the tree once, in order, but for a comment before a comma,
which stands after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from causalspec.record import record
from causalspec.syntax.lexer import CLOSES, DECLARATIONS, RESERVED, STATEMENTS
from causalspec.syntax.token import Token

OPENERS = frozenset(CLOSES.values())
_INFIX = frozenset(["then", "else", "and", "or", "in", "for", "as"])  # reserved words that follow a value
_TIGHT_BEFORE = frozenset([")", "]", ",", ":", ";"])
_VALUES = frozenset(["NUMBER", "STRING", "LONG_STRING", "QUOTED"])
_KEYWORDS = STATEMENTS | DECLARATIONS
_TRIVIA = re.compile(r"\n|#[^\n]*")


@record
class Comment:
    """`# …`, without white space at its end."""

    text: str
    own_line: bool
    blank: bool  # an empty line stands before it


@record
class Gap:
    """What stands between two tokens."""

    broken: bool = False  # there is a line end
    separates: bool = False  # which ends a statement
    blank: bool = False  # an empty line stands right before the next token
    comments: tuple[Comment, ...] = ()


@dataclass(slots=True)
class Leaf:
    """A token."""

    text: str
    space: bool  # before it, on one line
    gap: Gap  # before it
    flat: str | None = field(init=False)  # the text where it fits one line

    def __post_init__(self) -> None:
        self.flat = None if "\n" in self.text else self.text


@dataclass(slots=True)
class Group:
    """A bracket with its contents: the statements of a body, or else items, each with its comma."""

    opener: Leaf
    items: list[list[Node]]
    closer: Leaf
    body: bool
    space: bool = field(init=False)
    gap: Gap = field(init=False)
    flat: str | None = field(init=False)  # on one line; None where it was opened with a line end, or must be

    def __post_init__(self) -> None:
        self.space, self.gap = self.opener.space, self.opener.gap
        self.flat = self._flat()

    @property
    def opened(self) -> bool:
        """Whether a line ends after the bracket, as written."""
        return bool(self.items) and self.items[0][0].gap.broken

    def _flat(self) -> str | None:
        if self.closer.gap.comments or self.opened or (self.body and self._over_lines()):
            return None
        nodes = [node for item in self.items for node in item]
        inside = flat(nodes)
        if inside is None or any(node.gap.comments for node in nodes):
            return None
        space = " " if self.body and inside else ""
        return f"{self.opener.text}{space}{inside}{space}{self.closer.text}"

    def _over_lines(self) -> bool:
        """Whether a body was written on several lines: one that was not is a single statement."""
        return bool(self.items) and (
            len(self.items) > 1 or self.closer.gap.broken or any(node.gap.broken for node in self.items[0])
        )


Node: TypeAlias = Leaf | Group


def flat(nodes: Sequence[Node]) -> str | None:
    """The nodes on one line; None where one of them takes several."""
    parts: list[str] = []
    for node in nodes:
        if node.flat is None:
            return None
        if node.space and parts:
            parts.append(" ")
        parts.append(node.flat)
    return "".join(parts)


def statements(text: str, tokens: Sequence[Token]) -> tuple[list[list[Node]], Gap]:
    """The file's statements, and what stands after the last one."""
    leaves = _leaves(text, tokens)
    items, end = _read(leaves, body=True)
    return items, end.gap


def joined(text: str, tokens: Sequence[Token]) -> str:
    """The tokens on one line, without what stands between them."""
    return "".join(f" {leaf.text}" if leaf.space else leaf.text for leaf, _ in _leaves(text, tokens)).strip()


def _read(leaves: Iterator[tuple[Leaf, bool]], *, body: bool) -> tuple[list[list[Node]], Leaf]:
    """The contents of a bracket, and the leaf that closes it."""
    items: list[list[Node]] = []
    nodes: list[Node] = []
    for leaf, opens_body in leaves:
        if leaf.text in CLOSES or not leaf.text:
            return [*items, nodes] if nodes else items, leaf
        if body and nodes and leaf.gap.separates:
            items.append(nodes)
            nodes = []
        if leaf.text in OPENERS:
            nodes.append(Group(leaf, *_read(leaves, body=opens_body), opens_body))
            continue
        nodes.append(leaf)
        if leaf.text == "," and not body:
            items.append(nodes)
            nodes = []
    raise AssertionError("a text without syntax errors ends with $END and closes its brackets")


def _leaves(text: str, tokens: Sequence[Token]) -> Iterator[tuple[Leaf, bool]]:
    """Each token but line ends, and whether it opens a body; the last one is empty."""
    words = [token for token in tokens if token.type != "NEWLINE"]
    separating = {after.start for before, after in pairwise(tokens) if before.type == "NEWLINE"}
    separating.add(words[0].start)
    position, held = 0, Gap()
    for token, space in zip(words, _spaces(words, separating), strict=True):
        gap = _gap(text, position, token.start, token.start in separating)
        if held.comments:
            gap, held = _after(held, gap), Gap()
        if token == "," and gap.comments:
            gap, held = Gap(), gap
        position = token.end
        yield Leaf(str(token), space, gap), token.value == "body" and token == "{"


def _gap(text: str, start: int, end: int, separates: bool) -> Gap:
    if end - start <= 1 and not separates:
        return _BROKEN if text[start:end] == "\n" else _NOTHING
    comments: list[Comment] = []
    lines, broken = 0, start == 0
    for match in _TRIVIA.finditer(text, start, end):
        if match.group() == "\n":
            lines, broken = lines + 1, True
        else:
            comments.append(Comment(match.group().rstrip(" \t\r"), broken, lines > 1))
            lines = 0
    return Gap(broken, separates and broken, lines > 1, tuple(comments))


_NOTHING, _BROKEN = Gap(), Gap(broken=True)


def _after(held: Gap, gap: Gap) -> Gap:
    """The gap after a comma, with the comments that stood before it."""
    own = [replace(comment, own_line=True) for comment in gap.comments]
    return replace(gap, broken=True, comments=(*held.comments, *own))


def _spaces(tokens: Sequence[Token], starts: set[int]) -> list[bool]:
    """Whether a space stands before each token, where it does not begin a line.

    A word is a keyword after a value (`place above on`) and where a statement begins with it; `(` after another word
    calls it. A sign is unary where no value stands before it.
    """
    spaces: list[bool] = []
    previous, before_that = "", ""
    value = unary = begins = False  # of the previous token: ends a value, is a sign of one, begins a body
    opened: list[bool] = []  # for each brace, whether it is a body
    for index, token in enumerate(tokens):
        kind, text = token.type, str(token)
        first = begins or token.start in starts
        value = value and not first
        begins = text == "{" and token.value == "body"
        spaces.append(_space(text, kind, previous, before_that, value, unary, begins, opened))
        unary = kind == "SIGN" and not value
        if text == "{":
            opened.append(begins)
        elif text == "}":
            opened.pop()
        if kind == "NAME":
            value = text in ("true", "false") or not (
                text in RESERVED or value or (first and _is_keyword(text, tokens[index + 1]))
            )
        else:
            value = kind in _VALUES or text in CLOSES
        previous, before_that = text, previous
    return spaces


def _space(
    text: str, kind: str, previous: str, before_that: str, value: bool, unary: bool, begins: bool, opened: list[bool]
) -> bool:
    if text in _TIGHT_BEFORE or previous in ("(", "[", ".") or unary:
        return False
    if text == ".":
        return previous[:1].isdigit() and before_that != "."  # `2.0` would be a number
    if text == "}" or previous == "{":
        return opened[-1] and previous + text != "{}"
    if text in ("(", "["):
        return not value
    return kind != "$END"


def _is_keyword(word: str, following: Token) -> bool:
    """Whether a word that begins a statement is its keyword: a value, or an expression of its own, follows it."""
    if following.type == "NAME":
        return str(following) not in _INFIX
    return following.type in _VALUES or (word in _KEYWORDS and str(following) in ("(", "[", "{", "+", "-"))
