"""The command line: arguments in, text and an exit status out.

`check` and `explain` are the language's own and load nothing heavy; the other commands come from the runtime through
the entry-point group `causalspec.commands`, loaded when one is called.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TextIO, cast

from causalspec import __version__

HELP = """\
usage: causalspec COMMAND …

Test hypotheses about what a language model computes.

  check FILE …            tell every mistake in a spec, before anything runs
  compile FILE --out DIR  write the plan and the counterfactual data
  run FILE                train, test and judge: one verdict a claim
  explain CODE            what a diagnostic means, with an example
  fmt FILE …              lay out specs in the one style; comments stay
  graph FILE              draw the causal models: text, SVG, DOT or Mermaid

  causalspec COMMAND --help   says more     causalspec --version

Exit status: check 0 clean, 1 errors, 2 an unusable call; fmt and graph 0 done, 2 your mistake, and
fmt --check 1 if a file would change; run 0 all claims supported, 1 some refuted or
undecided, 2 your mistake, 3 a failure while running, 130 interrupted.
"""
RUNTIME = ("compile", "run")
TOOLS = ("fmt", "graph")
UNUSABLE = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        _say("interrupted", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        _say(HELP.rstrip(), sys.stdout if arguments else sys.stderr)
        return 0 if arguments else UNUSABLE
    command, rest = arguments[0], arguments[1:]
    if command in ("-V", "--version"):
        _say(f"causalspec {__version__}", sys.stdout)
        return 0
    if command == "check":
        return _check(rest)
    if command == "explain":
        return _explain(rest)
    if command in TOOLS:
        from causalspec.tools import COMMANDS

        return COMMANDS[command](rest)
    if command in RUNTIME:
        return _runtime(command)(rest)
    from difflib import get_close_matches

    close = get_close_matches(command, ("check", "explain", *TOOLS, *RUNTIME), n=1)
    hint = f"; did you mean `{close[0]}`?" if close else "; `causalspec --help` lists them"
    _say(f"no command `{command}`{hint}", sys.stderr)
    return UNUSABLE


def _runtime(command: str) -> Callable[[list[str]], int]:
    from importlib.metadata import entry_points

    found = list(entry_points(group="causalspec.commands", name=command))
    if not found:
        raise SystemExit(f"`{command}` needs the runtime: install causalspec with pip")
    return cast(Callable[[list[str]], int], found[0].load())


def _say(text: str, stream: TextIO) -> None:
    stream.write(text + "\n")


def wants_color(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: a terminal, unless NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser of fixed width: asking the terminal for its width costs as much as parsing a spec."""
    shape = partial(argparse.HelpFormatter, width=100)
    return argparse.ArgumentParser(prog=f"causalspec {name}", description=description, formatter_class=shape)


def _check(rest: list[str]) -> int:
    parser = _parser("check", "Tell every mistake in a spec.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument("--json", action="store_true", help="diagnostics as JSON")
    options = parser.parse_args(rest)
    from causalspec.files import Unusable, read_source

    try:
        sources = [read_source(path) for path in options.files]
    except Unusable as error:
        _say(str(error), sys.stderr)
        return UNUSABLE
    from causalspec.diagnostics import Severity
    from causalspec.render import as_json, render, summary
    from causalspec.semantics.check import check

    status = 0
    documents: list[dict[str, object]] = []
    for source in sources:
        hypothesis, diagnostics = check(source)
        if any(options.strict or item.severity is Severity.ERROR for item in diagnostics):
            status = 1
        if options.json:
            documents.extend(as_json(diagnostics, source))
            continue
        if diagnostics:
            _say(render(diagnostics, source, color=wants_color(sys.stdout)), sys.stdout)
        if hypothesis is not None and not (options.strict and diagnostics):
            _say(f"{source.name}: {_contents(hypothesis)}", sys.stdout)
        if diagnostics:
            _say(f"{source.name}: {summary(diagnostics)}", sys.stdout)
    if options.json:
        import json

        _say(json.dumps(documents, indent=2, ensure_ascii=False), sys.stdout)
    return status


def _contents(hypothesis: object) -> str:
    parts = []
    for field, word in (
        ("tasks", "task"), ("models", "model"), ("lms", "LM"), ("alignments", "alignment"),
        ("variants", "variant"), ("experiments", "experiment"), ("claims", "claim"),
    ):  # fmt: skip
        count = len(getattr(hypothesis, field))
        if count:
            parts.append(f"{count} {word}{'s' if count > 1 else ''}")
    return "ok: " + ", ".join(parts) if parts else "ok, but it declares nothing"


def _explain(rest: list[str]) -> int:
    parser = _parser("explain", "What a diagnostic means.")
    parser.add_argument("code", metavar="CODE")
    options = parser.parse_args(rest)
    from causalspec.codes import CODES

    code = CODES.get(options.code.upper())
    if code is None:
        _say(f"no diagnostic `{options.code}`; the codes are {', '.join(sorted(CODES))}", sys.stderr)
        return UNUSABLE
    _say(f"{code.code}: {code.title}\n\n{code.explanation}", sys.stdout)
    if code.bad_example:
        _say("\nFor example:\n\n" + "\n".join("    " + line for line in code.bad_example.splitlines()), sys.stdout)
    return 0
