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
from typing import Any, Literal, TextIO, cast

from causalspec import __version__

HELP = """\
usage: causalspec COMMAND …

Test hypotheses about what a language model computes.

  check FILE …            tell every mistake in a spec, before anything runs; --fix mends some
  compile FILE --out DIR  write the plan and the counterfactual data
  run FILE                train, test and judge: one verdict a claim
  compare FILE A B        which inputs tell two models or alignments apart, or a proof that none does
  tokens FILE             prompts as the LM's tokenizer cuts them, with the names of the tokens
  fmt FILE …              lay out specs in the one style; comments stay
  graph FILE              draw the causal models: text, SVG, DOT or Mermaid
  show --json FILE        the checked hypothesis as JSON, for other tools
  explain [CODE]          what a diagnostic means, with an example; all of them

  causalspec COMMAND --help   says more     causalspec --version

Exit status: check 0 clean, 1 errors, 2 an unusable call; fmt and graph 0 done, 2 your mistake, and
fmt --check 1 if a file would change; run 0 all claims supported, 1 some refuted or undecided,
2 your mistake, 3 a failure while running, 130 interrupted; compare 0 told apart, 1 not.
"""
RUNTIME = ("compile", "run", "compare", "tokens")
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
    if command == "show":
        return _show(rest)
    if command in TOOLS:
        from causalspec.tools import COMMANDS

        return COMMANDS[command](rest)
    if command in RUNTIME:
        return cast(int, _runtime(command)(rest))
    from difflib import get_close_matches

    close = get_close_matches(command, ("check", "explain", "show", *TOOLS, *RUNTIME), n=1)
    hint = f"; did you mean `{close[0]}`?" if close else "; `causalspec --help` lists them"
    _say(f"no command `{command}`{hint}", sys.stderr)
    return UNUSABLE


def _runtime(command: str) -> Callable[..., Any]:
    """A command of the runtime, or what it adds to one of the language's own (`check-data`)."""
    from importlib.metadata import entry_points

    found = list(entry_points(group="causalspec.commands", name=command))
    if not found:
        raise SystemExit(f"`{command.replace('-', ' --')}` needs the runtime: install causalspec with pip")
    return cast(Callable[..., Any], found[0].load())


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
    parser.add_argument("files", nargs="+", metavar="FILE", help="a spec; `-` is standard input")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument("--format", choices=("terminal", "concise", "json", "sarif"), default="terminal",
                        help="how to show: for people (the default), a line each, JSON, SARIF 2.1.0")  # fmt: skip
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--fix", action="store_true", help="mend in the files what can be mended")
    parser.add_argument("--diff", action="store_true", help="show what --fix would change, and write nothing")
    parser.add_argument("--data", action="store_true", help="chance levels, and what no data could separate")
    options = parser.parse_args(rest)
    from causalspec.checking import check_files
    from causalspec.files import Unusable

    mending: Literal["no", "write", "diff"] = "diff" if options.diff else "write" if options.fix else "no"
    try:
        return check_files(
            options.files,
            format=options.format,
            strict=options.strict,
            mending=mending,
            color=wants_color(sys.stdout),
            look=_runtime("check-data") if options.data else None,
        )
    except Unusable as error:
        _say(str(error), sys.stderr)
        return UNUSABLE


def _show(rest: list[str]) -> int:
    parser = _parser("show", "Print a checked hypothesis as JSON; its mistakes, if it has some, to standard error.")
    parser.add_argument("file", metavar="FILE", help="a spec; `-` is standard input")
    parser.add_argument("--json", action="store_true", help="as JSON, which is the only form there is")
    options = parser.parse_args(rest)
    from causalspec.checking import show_file
    from causalspec.files import Unusable

    try:
        return show_file(options.file, color=wants_color(sys.stderr))
    except Unusable as error:
        _say(str(error), sys.stderr)
        return UNUSABLE


def _explain(rest: list[str]) -> int:
    parser = _parser("explain", "What a diagnostic means, with an example; without CODE, all that there are.")
    parser.add_argument("code", metavar="CODE", nargs="?", default="", help="such as E0201; a family such as E02")
    options = parser.parse_args(rest)
    from causalspec.explain import explained

    text = explained(options.code.upper())
    if text is None:
        _say(f"no diagnostic `{options.code}`; `causalspec explain` lists them", sys.stderr)
        return UNUSABLE
    _say(text, sys.stdout)
    return 0
