"""Carry out `check` and `show`: read files, say what is wrong with them, mend what can be mended.

In: paths and how to show. Out: text on standard output and an exit status.
Invariant: a machine format, a diff or a mended standard input has standard output for itself; what is said beside it
goes to standard error. The status is that of the files as they are after the call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

from causalspec.diagnostics import Diagnostic, Severity
from causalspec.files import STANDARD_INPUT, Unusable, read_source
from causalspec.semantics.check import check
from causalspec.semantics.hypothesis import Hypothesis
from causalspec.span import Source

if TYPE_CHECKING:
    from causalspec.fixing import Applied

# a hypothesis and its diagnostics -> all diagnostics, a table for people, the same as data
Look = Callable[[Hypothesis, Sequence[Diagnostic]], tuple[Sequence[Diagnostic], str, Sequence[dict[str, Any]]]]
Format = Literal["terminal", "concise", "json", "sarif"]
Mending = Literal["no", "write", "diff"]


def check_files(
    paths: Sequence[str],
    *,
    format: Format,
    strict: bool,
    mending: Mending,
    color: bool,
    look: Look | None = None,
) -> int:
    """Check files; 0 clean, 1 errors, or warnings where `strict`. A `-` is standard input.

    `look` finds what only the models' data tell (`--data`). Raises Unusable.
    """
    if look is not None and mending != "no":
        raise Unusable("`--data` looks at a spec as it is: leave out `--fix` and `--diff`")
    if look is not None and format in ("concise", "sarif"):
        raise Unusable("`--data` has a table of chance levels: leave out `--format`, or take `--format json`")
    if paths.count("-") > 1:
        raise Unusable("`-` is standard input, which can be read once")
    if mending == "diff" and format != "terminal":
        raise Unusable("`--diff` shows a diff: leave out `--format`")
    if mending == "write" and "-" in paths and (len(paths) > 1 or format != "terminal"):
        raise Unusable("`--fix -` writes the mended text: give `-` alone, without `--format`")
    checked: list[tuple[Source, Sequence[Diagnostic]]] = []
    chance: list[dict[str, object]] | None = None if look is None else []
    failed = False
    for source in [read_source(path) for path in paths]:
        if mending == "no":
            hypothesis, found = check(source)
            diagnostics: Sequence[Diagnostic] = found
            shown = source
        else:
            shown, hypothesis, diagnostics = _mended(source, mending, format)
        table = ""
        if look is not None and chance is not None and hypothesis is not None:
            diagnostics, table, levels = look(hypothesis, diagnostics)
            chance.extend({"file": source.name, **level} for level in levels)
            if _fails(diagnostics, strict=False):
                hypothesis = None
        checked.append((shown, diagnostics))
        failed = failed or _fails(check(source)[1] if mending == "diff" else diagnostics, strict)
        if format == "terminal":
            beside = mending == "diff" or (mending == "write" and source.name == STANDARD_INPUT)
            stream = sys.stderr if beside else sys.stdout
            _tell(shown, hypothesis, diagnostics, strict, color and not beside, stream, table)
    if format != "terminal":
        _show(checked, format, chance)
    return int(failed)


def show_file(path: str, *, color: bool) -> int:
    """Print a hypothesis as JSON; where it has mistakes, these alone, to standard error. The status is that of `check`.

    Raises Unusable.
    """
    source = read_source(path)
    hypothesis, diagnostics = check(source)
    if diagnostics:
        from causalspec.render import render

        sys.stderr.write(render(diagnostics, source, color=color) + "\n")
    if hypothesis is None:
        return 1
    import json

    from causalspec.document import as_data

    sys.stdout.write(json.dumps(as_data(hypothesis), indent=2) + "\n")
    return 0


def _fails(diagnostics: Sequence[Diagnostic], strict: bool) -> bool:
    return any(strict or item.severity is Severity.ERROR for item in diagnostics)


def _tell(
    source: Source,
    hypothesis: Hypothesis | None,
    diagnostics: Sequence[Diagnostic],
    strict: bool,
    color: bool,
    stream: TextIO,
    table: str = "",
) -> None:
    name = source.name
    if diagnostics or not name.isprintable():  # a sound file is spared the renderer
        from causalspec.render import escaped, render, summary

        name = escaped(name)
    if diagnostics:
        stream.write(render(diagnostics, source, color=color) + "\n")
    if table:
        stream.write(("\n" if diagnostics else "") + table + "\n")
    if hypothesis is not None and not (strict and diagnostics):
        stream.write(f"{name}: {_contents(hypothesis)}\n")
    if diagnostics:
        stream.write(f"{name}: {summary(diagnostics)}\n")


def _contents(hypothesis: Hypothesis) -> str:
    parts = []
    for field, word in (
        ("tasks", "task"), ("models", "model"), ("lms", "LM"), ("alignments", "alignment"),
        ("variants", "variant"), ("experiments", "experiment"), ("claims", "claim"),
    ):  # fmt: skip
        count = len(getattr(hypothesis, field))
        if count:
            parts.append(f"{count} {word}{'s' if count > 1 else ''}")
    return "ok: " + ", ".join(parts) if parts else "ok, but it declares nothing"


def _show(
    checked: Sequence[tuple[Source, Sequence[Diagnostic]]], format: Format, chance: list[dict[str, object]] | None
) -> None:
    from causalspec import formats

    if format == "concise":
        for source, diagnostics in checked:
            sys.stdout.writelines(f"{line}\n" for line in formats.concise(diagnostics, source))
        return
    import json

    document = formats.as_json(checked) if format == "json" else formats.sarif(checked)
    if chance is not None:
        document = {**document, "chance": chance}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _mended(
    source: Source, mending: Mending, format: Format
) -> tuple[Source, Hypothesis | None, tuple[Diagnostic, ...]]:
    """Apply the fixes and write the file, or show the diff; the text after, and what is left."""
    from causalspec.files import write_source
    from causalspec.fixing import difference, fixed

    done = fixed(source)
    if mending == "diff":
        sys.stdout.write(difference(source, done.source))
    elif source.name == STANDARD_INPUT:
        sys.stdout.write(done.source.text)
    elif done.applied:
        write_source(done.source)
    quiet = format != "terminal" or mending == "diff" or source.name == STANDARD_INPUT
    _tell_applied(source.name, done.applied, sys.stderr if quiet else sys.stdout)
    return done.source, done.hypothesis, done.diagnostics


def _tell_applied(name: str, applied: Sequence[Applied], stream: TextIO) -> None:
    from causalspec.render import escaped

    stream.writelines(f"{escaped(name)}:{item.line}:{item.column}: {item}\n" for item in applied)
