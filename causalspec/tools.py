"""The commands that lay out and draw specs: `fmt` and `graph`.

In: arguments. Out: files, text, an exit status. Invariant: a file is written whole or not at all, and one with
mistakes is not touched; a bad call says what is wrong with it, status 2.
"""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from causalspec.cli import UNUSABLE, _parser, _say, wants_color
from causalspec.files import STANDARD_INPUT, Unusable, read_source, write_source, write_text
from causalspec.span import Source

if TYPE_CHECKING:
    from causalspec.diagnostics import Diagnostic
    from causalspec.graph import CausalGraph
    from causalspec.semantics.hypothesis import Hypothesis

STDIN = "-"
CHANGED = 1
SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "text"}
FORMATS = ("text", "svg", "dot", "mermaid")


def fmt_command(rest: list[str]) -> int:
    """`causalspec fmt`: 0 done or nothing to do, 1 with --check if a file would change, 2 mistakes."""
    parser = _parser("fmt", "Lay out specs in the one style: there are no options of style. Comments are kept.")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a spec, changed in place; - reads stdin, writes stdout"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    options = parser.parse_args(rest)
    if STDIN in options.files and len(options.files) > 1:
        _say("`-` reads one spec from stdin: name it alone", sys.stderr)
        return UNUSABLE
    gc.disable()  # looking for cycles, of which there are none, takes a third of the time
    try:
        sources = [read_source(path) for path in dict.fromkeys(options.files)]
        return _format_all(sources, check=options.check, diff=options.diff)
    except Unusable as error:
        _say(str(error), sys.stderr)
        return UNUSABLE
    finally:
        gc.enable()


def _format_all(sources: list[Source], *, check: bool, diff: bool) -> int:
    from causalspec.syntax.format import format_spec

    counts = dict.fromkeys(("changed", "unchanged", "with errors"), 0)
    piped = sources[0].name == STANDARD_INPUT
    for source in sources:
        result, diagnostics = format_spec(source)
        outcome = "with errors" if result is None else "unchanged" if result == source.text else "changed"
        counts[outcome] += 1
        if result is None:
            _tell(diagnostics, source)
        elif diff:
            sys.stdout.writelines(_difference(source, result))
        elif piped and not check:
            sys.stdout.flush()
            sys.stdout.buffer.write(result.encode())
        elif outcome == "changed":
            if not check:
                write_source(Source(source.name, result))
            _say(f"{source.name}: {'would be formatted' if check else 'formatted'}", sys.stdout)
    if not piped and not diff:
        _say(_summary(counts, check=check), sys.stdout)
    if counts["with errors"]:
        return UNUSABLE
    return CHANGED if check and counts["changed"] else 0


def _summary(counts: Mapping[str, int], *, check: bool) -> str:
    """`1 file formatted, 2 unchanged`."""
    words = {"changed": "would be formatted" if check else "formatted", "with errors": "left alone for their errors"}
    parts = [(count, words.get(outcome, outcome)) for outcome, count in counts.items() if count]
    (first, word), *others = parts
    return ", ".join(
        [f"{first} file{'' if first == 1 else 's'} {word}", *(f"{count} {word}" for count, word in others)]
    )


def _difference(source: Source, result: str) -> Iterator[str]:
    """A unified diff, with the note that `patch` wants where a file does not end with a line end."""
    from difflib import unified_diff

    old, new = (io.StringIO(text, newline="\n").readlines() for text in (source.text, result))
    for line in unified_diff(old, new, fromfile=source.name, tofile=f"{source.name} (formatted)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def graph_command(rest: list[str]) -> int:
    """`causalspec graph`: 0 drawn, 2 mistakes."""
    parser = _parser("graph", "Draw causal models: what each mechanism reads, and where alignments look for variables.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--model", metavar="NAME", help="one model (default: all of the file)")
    parser.add_argument("--format", choices=FORMATS, help="default: as OUT is named, else text")
    parser.add_argument("-o", "--out", metavar="OUT", help="write to a file, such as graph.svg (default: stdout)")
    options = parser.parse_args(rest)
    try:
        form = options.format or _format_of(options.out)
        source = read_source(options.file)
        from causalspec.semantics.check import check

        hypothesis, diagnostics = check(source)
        if hypothesis is None:
            _tell(diagnostics, source)
            return UNUSABLE
        drawing = _draw(form, _graphs(hypothesis, options.model), source.name)
        if options.out is not None:
            write_text(options.out, drawing)
            return 0
    except Unusable as error:
        _say(str(error), sys.stderr)
        return UNUSABLE
    sys.stdout.flush()
    sys.stdout.buffer.write(drawing.encode("utf-8", "replace"))
    return 0


def _format_of(out: str | None) -> str:
    if out is None:
        return FORMATS[0]
    suffix = Path(out).suffix.lower()
    if suffix not in SUFFIXES:
        raise Unusable(f"{out}: which format is that? end the name in {', '.join(SUFFIXES)}, or say --format")
    return SUFFIXES[suffix]


def _graphs(hypothesis: Hypothesis, name: str | None) -> list[CausalGraph]:
    from causalspec.graph import causal_graph

    models = hypothesis.models
    if not models:
        raise Unusable(f"{hypothesis.source.name} has no model to draw")
    if name is not None and name not in models:
        from difflib import get_close_matches

        close = get_close_matches(name, models, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(models)}"
        raise Unusable(f"{hypothesis.source.name} has no model `{name}`; {hint}")
    return [causal_graph(hypothesis, item) for item in ([name] if name else models)]


def _draw(form: str, graphs: list[CausalGraph], path: str) -> str:
    name = Path(path).name
    if form == "svg":
        from causalspec.graph.svg import as_svg

        return as_svg(graphs, f"Causal graphs of {name}" if len(graphs) > 1 else f"Causal graph of {graphs[0].model}")
    if form == "dot":
        from causalspec.graph.dot import as_dot

        return as_dot(graphs, name)
    if form == "mermaid":
        from causalspec.graph.mermaid import as_mermaid

        return as_mermaid(graphs)
    from causalspec.graph.text import as_text

    return as_text(graphs)


COMMANDS: Mapping[str, Callable[[list[str]], int]] = {"fmt": fmt_command, "graph": graph_command}


def _tell(diagnostics: tuple[Diagnostic, ...], source: Source) -> None:
    from causalspec.render import render, summary

    _say(render(diagnostics, source, color=wants_color(sys.stderr)), sys.stderr)
    _say(f"{source.name}: {summary(diagnostics)}", sys.stderr)
