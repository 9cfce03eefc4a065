"""Silence warnings where a comment allows them: `# allow: W0602 reason`.

In: a source and its diagnostics. Out: the diagnostics that are left, and those of the comments themselves.
Invariant: an error is never silenced; a warning is only silenced by a comment that gives a reason, on its line or alone
on the line before; a comment that silences nothing is told, unless an error hides what it might silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from causalspec.diagnostics import Diagnostic, Fix, Report, Severity
from causalspec.record import record
from causalspec.span import Source, Span
from causalspec.syntax.lexer import blank_odd, tokenize

_ALLOW = re.compile(r"#\s*allow(?::|\s+(?=[EWR]\d{4}\b))\s*(?P<codes>\w+(?:\s*,\s*[EWR]\d{4}\b)*)?\s*(?P<reason>.*)")
OWN = ("W0102", "W0103")  # told of such comments; these cannot be allowed
HELP = "write `# allow: W0602 reason`"


@record
class _Allow:
    code: str
    span: Span  # of the code
    comment: Span
    lines: tuple[int, int]  # the first and the last of the lines on which it silences the code
    alone: bool  # whether it is the only code of its comment


def allowed(source: Source, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics of a source whose comments allow some."""
    report = Report(source)
    allows = [allow for comment in _comments(source) for allow in _read(comment, report)]
    used: set[_Allow] = set()
    for item in diagnostics:
        silencing = [allow for allow in allows if _covers(allow, item, source)]
        used.update(silencing)
        if not silencing:
            report.items.append(item)
    if not any(item.severity is Severity.ERROR for item in diagnostics):
        for allow in allows:
            if allow not in used:
                fix = Fix(_whole(allow.comment, source), "") if allow.alone else None
                report.add(
                    "W0102",
                    f"this allows `{allow.code}`, which is not given here",
                    allow.span,
                    "silences nothing",
                    fix=fix,
                )
    return report.sorted()


def _comments(source: Source) -> Iterator[Span]:
    """The comments of a text: what begins with `#` between two tokens."""
    text = blank_odd(source.text, Report(source))
    position = 0
    for token in tokenize(text, 0, len(text), Report(source)).items:
        for match in re.finditer(r"#[^\r\n]*", text[position : token.start]):
            yield Span(position + match.start(), position + match.end())
        position = max(position, token.end)


def _read(comment: Span, report: Report) -> Iterator[_Allow]:
    """What one comment allows; W0103 for what it cannot."""
    source = report.source
    match = _ALLOW.fullmatch(source.slice(comment))
    if match is None:
        return
    written, at = match.group("codes") or "", comment.start + match.start("codes")
    codes = list(re.finditer(r"\w+", written))
    if not codes:
        report.add("W0103", "this allows no warning", comment, "expected a code", help=HELP)
    elif not re.search(r"\w", match.group("reason")):
        report.add(
            "W0103",
            f"this does not say why `{written}` is allowed",
            comment,
            "expected a reason after the code",
            help=HELP,
        )
    else:
        for code in codes:
            span = Span(at + code.start(), at + code.end())
            if _is_warning(code.group(), span, report):
                yield _Allow(code.group(), span, comment, _lines(comment, source), len(codes) == 1)


def _is_warning(code: str, span: Span, report: Report) -> bool:
    """Whether a code is one that can be allowed; else told why not."""
    from causalspec.codes import CODES

    warnings = [item for item in CODES if item.startswith("W") and item not in OWN]
    if code in warnings:
        return True
    if code in OWN:
        why = "is about such comments and cannot be allowed"
    elif code in CODES:
        why = "is an error: errors cannot be allowed"
    else:
        why = "is no warning"
    report.add("W0103", f"`{code}` {why}", span, help=f"the warnings are {', '.join(sorted(warnings))}")
    return False


def _lines(comment: Span, source: Source) -> tuple[int, int]:
    """The comment's line; where it stands alone, to the next line that is no comment."""
    line, column = source.position(comment.start)
    last, end = line, source.position(len(source.text))[0]
    if not source.line(line)[: column - 1].strip():
        last = min(last + 1, end)
        while last < end and source.line(last).lstrip().startswith("#"):
            last += 1
    return line, last


def _covers(allow: _Allow, item: Diagnostic, source: Source) -> bool:
    """Whether a comment silences a diagnostic: one of its code that shares a line with it."""
    if item.code != allow.code or item.span is None or item.severity is Severity.ERROR:
        return False
    first, last = (source.position(offset)[0] for offset in (item.span.start, item.span.end))
    return first <= allow.lines[1] and allow.lines[0] <= last


def _whole(comment: Span, source: Source) -> Span:
    """A comment with the blanks before it; with its line end where it stands alone."""
    line, column = source.position(comment.start)
    before = source.line(line)[: column - 1]
    start = comment.start - (len(before) - len(before.rstrip()))
    end = comment.end
    if not before.strip():
        while end < len(source.text) and source.text[end - 1] != "\n":
            end += 1
    return Span(start, end)
