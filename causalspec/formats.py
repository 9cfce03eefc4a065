"""Show diagnostics to machines: one line each, as JSON, as SARIF.

In: sources with their diagnostics. Out: plain data or one-line texts; the caller writes them.
Invariant: lines, columns and offsets say the same in every format. Lines and columns count from 1, offsets from 0;
columns and offsets count code points of the text after a byte order mark; ends are exclusive.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from causalspec import __version__
from causalspec.diagnostics import Diagnostic, Fix, Severity
from causalspec.render import escaped
from causalspec.span import Source, Span

SCHEMA = "causalspec.diagnostics/1"  # docs/diagnostics.md; grows by new keys only
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
Checked = tuple[Source, Sequence[Diagnostic]]
Data = dict[str, object]


def concise(diagnostics: Iterable[Diagnostic], source: Source) -> list[str]:
    """`file:line:col: error[E0201]: message`, one line each; what has no place is at 1:1."""
    lines = []
    for item in diagnostics:
        line, column = source.position(item.span.start if item.span else 0)
        place = f"{escaped(source.name)}:{line}:{column}"
        lines.append(f"{place}: {item.severity}[{item.code}]: {escaped(item.message)}")
    return lines


# --- JSON ------------------------------------------------------------------------------------------------------------


def as_json(checked: Sequence[Checked]) -> Data:
    """The document `causalspec.diagnostics/1`; a range is null where there is no place."""
    found = [item for _, diagnostics in checked for item in diagnostics]
    return {
        "schema": SCHEMA,
        "files": [source.name for source, _ in checked],
        "errors": sum(item.severity is Severity.ERROR for item in found),
        "warnings": sum(item.severity is Severity.WARNING for item in found),
        "diagnostics": [_item(item, source) for source, diagnostics in checked for item in diagnostics],
    }


def _item(item: Diagnostic, source: Source) -> Data:
    return {
        "code": item.code,
        "severity": str(item.severity),
        "message": item.message,
        "file": source.name,
        "range": _range(item.span, source) if item.span else None,
        "label": item.label,
        "labels": [{"range": _range(label.span, source), "text": label.text} for label in item.labels],
        "notes": list(item.notes),
        "help": item.help,
        "fix": {"range": _range(item.fix.span, source), "text": item.fix.text} if item.fix else None,
    }


def _range(span: Span, source: Source) -> Data:
    ends = []
    for offset in (span.start, span.end):
        line, column = source.position(offset)
        ends.append({"line": line, "column": column, "offset": offset})
    return {"start": ends[0], "end": ends[1]}


# --- SARIF 2.1.0 -----------------------------------------------------------------------------------------------------


def sarif(checked: Sequence[Checked]) -> Data:
    """A SARIF log of one run, as GitHub code scanning reads it: every code a rule with its help."""
    from causalspec.codes import CODES

    rules = sorted(CODES)
    index = {code: number for number, code in enumerate(rules)}
    driver = {
        "name": "causalspec",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in rules],
    }
    results = [_result(item, source, index[item.code]) for source, diagnostics in checked for item in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> Data:
    from causalspec.codes import CODES, family
    from causalspec.explain import markdown, page

    code = CODES[name]
    level = "warning" if name.startswith("W") else "error"
    return {
        "id": name,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": page(name), "markdown": markdown(name)},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [family(name)], "precision": "very-high", "problem.severity": level},
    }


def _result(item: Diagnostic, source: Source, rule: int) -> Data:
    said = [item.message, item.label, *item.notes, f"help: {item.help}" if item.help else ""]
    found: Data = {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": str(item.severity),
        "message": {"text": "\n".join(text for text in said if text)},
        "locations": [{"physicalLocation": _location(item.span or Span(0, 0), source)}],
    }
    if item.labels:
        found["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(label.span, source), "message": {"text": label.text}}
            for number, label in enumerate(item.labels)
        ]
    if item.fix:
        found["fixes"] = [_fix(item.fix, source)]
    return found


def _fix(fix: Fix, source: Source) -> Data:
    replacement = {"deletedRegion": _region(fix.span, source), "insertedContent": {"text": fix.text}}
    before = source.slice(fix.span)
    done = (
        f"replace `{before}` by `{fix.text}`"
        if before and fix.text
        else f"delete `{before}`"
        if before
        else f"add `{fix.text}`"
    )
    change = {"artifactLocation": _artifact(source.name), "replacements": [replacement]}
    return {"description": {"text": done}, "artifactChanges": [change]}


def _location(span: Span, source: Source) -> Data:
    return {"artifactLocation": _artifact(source.name), "region": _region(span, source)}


def _region(span: Span, source: Source) -> Data:
    line, column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(name: str) -> Data:
    """A path below the working folder as a relative URI, any other as an absolute one."""
    from urllib.parse import quote

    path = os.path.relpath(os.path.abspath(name))
    if path.startswith(".."):
        return {"uri": "file://" + quote(os.path.abspath(name).replace(os.sep, "/"), errors="surrogateescape")}
    return {"uri": quote(path.replace(os.sep, "/"), errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
