"""Show diagnostics: to a person at a terminal, or to a program as JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from causalspec.diagnostics import Diagnostic, Severity
from causalspec.span import Source, Span

WIDEST = 140  # characters of a source line that are shown around the caret
_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\033[31m", "\033[33m", "\033[34m", "\033[1m", "\033[0m"


def render(diagnostics: Sequence[Diagnostic], source: Source, *, color: bool = False) -> str:
    """All diagnostics, a blank line between them."""
    return "\n\n".join(_one(item, source, color) for item in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    parts = []
    for severity in Severity:
        count = sum(item.severity is severity for item in diagnostics)
        if count:
            parts.append(f"{count} {severity}{'s' if count > 1 else ''}")
    return ", ".join(parts) or "nothing to report"


def _one(item: Diagnostic, source: Source, color: bool) -> str:
    tint = _RED if item.severity is Severity.ERROR else _YELLOW
    head = f"{item.severity}[{item.code}]"
    lines = [f"{_paint(head, tint + _BOLD, color)}{_paint(f': {_visible(item.message)}', _BOLD, color)}"]
    gutter = ""
    if item.span is not None:
        gutter = " " * len(str(source.position(item.span.start)[0]))
        lines += _place(item.span, item.label, source, "^", tint, color, "-->")
    for label in item.labels:
        lines += _place(label.span, label.text, source, "-", _BLUE, color, ":::")
    lines += [f"{gutter} = note: {_visible(note)}" for note in item.notes]
    if item.help:
        lines.append(f"{gutter} = help: {_visible(item.help)}")
    return "\n".join(lines)


def _paint(text: str, tint: str, color: bool) -> str:
    return f"{tint}{text}{_OFF}" if color else text


def _place(span: Span, label: str, source: Source, mark: str, tint: str, color: bool, arrow: str) -> list[str]:
    """The line of a span with carets under it."""
    number, column = source.position(min(span.start, len(source.text)))
    text = source.line(number)
    first = column - 1
    last = min(max(first + span.end - span.start, first + 1), max(len(text), first + 1))
    text, first, last = _window(text, first, last)
    before, under = _width(text[:first]), max(_width(text[first:last]), 1)
    gutter = f"{number} | "
    carets = " " * (len(gutter) + before) + _paint(mark * under + (f" {_visible(label)}" if label else ""), tint, color)
    return [f"  {arrow} {_visible(source.name)}:{number}:{column}", gutter + _visible(text), carets]


def _window(text: str, first: int, last: int) -> tuple[str, int, int]:
    """A long line, cut around the caret."""
    if len(text) <= WIDEST:
        return text, first, last
    start = max(0, first - WIDEST // 3)
    end = start + WIDEST
    cut = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    shift = start - (1 if start else 0)
    return cut, first - shift, min(last, end) - shift


def _visible(text: str) -> str:
    """Text that cannot steer a terminal: control characters escaped, a tab as four blanks."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "    "
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
        return f"\\u{{{ord(character):04x}}}"
    return character


def _width(text: str) -> int:
    """Columns that a text takes at a terminal."""
    columns = 0
    for character in text:
        shown = _shown(character)
        if len(shown) > 1:
            columns += len(shown)
        elif unicodedata.combining(character):
            continue
        else:
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns


def as_json(diagnostics: Sequence[Diagnostic], source: Source) -> list[dict[str, object]]:
    """Diagnostics as plain data; lines and columns are 1-based, the end is exclusive."""
    return [
        {
            "code": item.code,
            "severity": str(item.severity),
            "file": source.name,
            "message": item.message,
            **_range(item.span, source),
            "label": item.label,
            "labels": [{"text": label.text, **_range(label.span, source)} for label in item.labels],
            "notes": list(item.notes),
            "help": item.help,
            "fix": None if item.fix is None else {"text": item.fix.text, **_range(item.fix.span, source)},
        }
        for item in diagnostics
    ]


def _range(span: Span | None, source: Source) -> dict[str, int | None]:
    if span is None:
        return {"line": None, "column": None, "end_line": None, "end_column": None}
    (line, column), (end_line, end_column) = source.position(span.start), source.position(span.end)
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}
