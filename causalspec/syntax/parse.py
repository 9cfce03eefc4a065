"""Parse a spec: text in, syntax tree and diagnostics out.

Invariant: never raises on user input; every syntax error is reported once, the rest of the file is still parsed, and
every span lies inside the text. A statement that could not be read is an `ast.Broken` in its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from causalspec.diagnostics import Fix, Report
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax.depth import without_deep
from causalspec.syntax.driver import Driver
from causalspec.syntax.lexer import blank_odd, tokenize

MOST_BYTES = 1 << 20
_STATEMENTS_OF: dict[type, tuple[str, ...]] = {
    ast.Task: ("input", "let", "require", "prompt", "output"),
    ast.Variant: ("input", "require", "prompt", "output"),
    ast.Model: ("var", "output", "example"),
    ast.Align: ("place", "method", "balance"),
    ast.Experiment: ("run", "tuples", "seeds", "control", "transfer", "training"),
}


def parse(source: Source, report: Report) -> ast.Spec:
    """The syntax tree of a spec; what could not be read is told in the report."""
    whole = Span(0, len(source.text))
    if len(source.text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        report.add("E0110", "a spec is at most 1 MiB of text", Span(0, 0), help="a spec is a text that people read")
        return ast.Spec(None, (), Span(0, 0))
    text = blank_odd(source.text, report)
    driver = Driver(text, tokenize(text, 0, len(text), report), report, "spec")
    spec = driver.run()
    if not isinstance(spec, ast.Spec):
        return ast.Spec(None, (), whole)
    _tell_misplaced_editions(spec, report)
    declarations = [without_deep(item, driver.tokens.unread, source, report) for item in spec.declarations]
    for broken in driver.broken:
        _put(broken, declarations)
    return ast.Spec(spec.edition or _intended_edition(driver.broken), tuple(declarations), whole)


def _tell_misplaced_editions(spec: ast.Spec, report: Report) -> None:
    for item in spec.declarations:
        if isinstance(item, ast.Broken):
            report.add("E0113", "the edition is said once, in the first line", item.span, "too late here",
                       fix=Fix(item.span, ""))  # fmt: skip


def _intended_edition(broken: list[ast.Broken]) -> ast.Number | None:
    """A number in place of an edition line that is wrong, which was told and need not be missed again."""
    return next((ast.Number(1, 0, item.span) for item in broken if item.keyword == "cspec"), None)


def _put(broken: ast.Broken, declarations: list[ast.Declaration]) -> None:
    """Add a broken statement to the declaration it stands in, or to the file.

    One that stands after a body was meant to stand in it: a `}` too early.
    """
    index = sum(item.span.start < broken.span.start for item in declarations) - 1
    if index >= 0:
        item = declarations[index]
        inside = broken.span.end <= item.span.end or broken.keyword in _STATEMENTS_OF.get(type(item), ())
        if inside and isinstance(item, ast.Task | ast.Variant | ast.Model | ast.Align | ast.Experiment):
            items: Any = tuple(sorted((*item.items, broken), key=lambda part: part.span.start))
            declarations[index] = replace(item, items=items)
            return
    declarations.append(broken)
    declarations.sort(key=lambda item: item.span.start)
