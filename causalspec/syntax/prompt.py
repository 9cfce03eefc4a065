"""Strings: escapes, triple-quoted text, and the holes of a prompt.

Invariant: every part knows its characters in the file, so that a mistake in a hole is shown where it stands.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from causalspec.diagnostics import Report
from causalspec.span import Span
from causalspec.syntax import ast

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
Parse = Callable[[int, int], ast.Expr | None]  # parses an expression between two offsets


def unquoted(raw: str, start: int, report: Report) -> str:
    """The value of a string literal with its quotes; unknown escapes are E0107."""
    quotes = 3 if raw.startswith('"""') else 1
    value = "".join(character for character, _ in _characters(raw[quotes:-quotes], start + quotes, report))
    return dedented(value) if quotes == 3 else value


def dedented(value: str) -> str:
    """Common indentation removed; the first line does not count, and blank ends go."""
    first, newline, rest = value.partition("\n")
    return (first.strip() + newline + textwrap.dedent(rest)).strip() if newline else value.strip()


def _characters(raw: str, start: int, report: Report) -> Iterator[tuple[str, int]]:
    """(character, offset of what wrote it in the file)."""
    index = 0
    while index < len(raw):
        if raw[index] != "\\" or index + 1 == len(raw):
            yield raw[index], start + index
            index += 1
            continue
        escape = raw[index + 1]
        if escape not in ESCAPES:
            report.add("E0107", f"`\\{escape}` is not an escape", Span(start + index, start + index + 2),
                       help='escapes are \\n \\t \\" \\\\')  # fmt: skip
        yield ESCAPES.get(escape, escape), start + index
        index += 2


def parts(raw: str, start: int, report: Report, parse: Parse) -> tuple[ast.Literal | ast.Hole, ...]:
    """The literals and holes of a prompt string."""
    quotes = 3 if raw.startswith('"""') else 1
    found: list[ast.Literal | ast.Hole] = []
    text, text_start = "", start + quotes
    characters = list(_characters(raw[quotes:-quotes], start + quotes, report))
    index = 0
    while index < len(characters):
        character, offset = characters[index]
        doubled = index + 1 < len(characters) and characters[index + 1][0] == character
        if character in "{}" and doubled:
            text, index = text + character, index + 2
        elif character == "{":
            end = next((i for i in range(index, len(characters)) if characters[i][0] == "}"), None)
            if end is None:
                report.add("E0108", "this hole is not closed", Span(offset, offset + 1),
                           help="close it with `}`; a brace itself is written `{{`")  # fmt: skip
                break
            if text:
                found.append(ast.Literal(text, Span(text_start, offset)))
            hole = _hole(
                offset, characters[end][1] + 1, raw[offset - start : characters[end][1] - start + 1], report, parse
            )
            if hole is not None:
                found.append(hole)
            text, text_start, index = "", characters[end][1] + 1, end + 1
        else:
            if character == "}":
                report.add(
                    "E0108", "this `}` closes no hole", Span(offset, offset + 1), help="a brace itself is written `}}`"
                )
            text, index = text + character, index + 1
    if text:
        found.append(ast.Literal(text, Span(text_start, start + len(raw) - quotes)))
    if quotes == 3:
        found = _dedented_parts(found)
    return tuple(found)


def _hole(start: int, end: int, raw: str, report: Report, parse: Parse) -> ast.Hole | None:
    """A hole from its text with braces."""
    before, separator, after = raw[1:-1].rpartition(" as ")
    name: ast.Name | None = None
    value_end = end - 1
    if separator:
        word = after.strip()
        name_start = start + 1 + len(before) + len(separator) + (len(after) - len(after.lstrip()))
        if not word.isidentifier():
            report.add("E0108", "a span's name is a word", Span(start, end), help="for example `{lower + 1 as next}`")
            return None
        name = ast.Name(word, Span(name_start, name_start + len(word)))
        value_end = start + 1 + len(before)
    written = raw[1 : value_end - start].strip()
    if not written:
        report.add("E0108", "this hole is empty", Span(start, end), help="name a value: `{price}`")
        return None
    if written[0] == "'" and written[-1] == "'" and len(written) > 2:
        value: ast.Expr | None = ast.Text(written[1:-1], Span(start + 1, value_end))
    else:
        value = parse(start + 1, value_end)
    return None if value is None else ast.Hole(value, name, Span(start, end))


def _dedented_parts(found: list[ast.Literal | ast.Hole]) -> list[ast.Literal | ast.Hole]:
    """`dedented` over parts: holes stand for themselves."""
    marked = "".join(part.text if isinstance(part, ast.Literal) else "\0" for part in found)
    pieces = dedented(marked).split("\0")
    literals = [part for part in found if isinstance(part, ast.Literal)]
    place = literals[0].span if literals else Span(0, 0)
    holes = [part for part in found if isinstance(part, ast.Hole)]
    result: list[ast.Literal | ast.Hole] = []
    for index, piece in enumerate(pieces):
        if piece:
            result.append(ast.Literal(piece, place))
        if index < len(holes):
            result.append(holes[index])
    return result
