"""Check experiments: which LM, which alignments, how much data, which controls and variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from causalspec.diagnostics import Fix, Label, Report
from causalspec.record import record
from causalspec.semantics.alignments import arguments
from causalspec.semantics.expressions import a, report_unknown, unquoted, without_quotes
from causalspec.semantics.hypothesis import Alignment, Experiment, Training, Variant
from causalspec.semantics.tasks import is_broken
from causalspec.span import Span
from causalspec.syntax import ast

CONTROLS = ("random_weights", "random_rotation")
SIZES = {"train": 4_000, "validation": 1_000, "test": 2_000}  # tuples; test is per subset
LEAST = 30  # tuples below which no claim is decided (meaning.md, Statistics)
MOST = 10_000_000
MOST_SEEDS = 100
MOST_SEED = 2**31 - 1
RECIPES: Mapping[str, Training] = {
    "default": Training(),
    "paper": Training(rotation_rate=1e-3, temperature_start=50.0, patience=0),
}
PAPER_TUPLES = 20_000
_WHOLE = ("epochs", "batch", "patience")
_REAL = ("rotation_rate", "boundary_rate", "temperature_start", "temperature_end")


@record
class Known:
    """What an experiment may name; `task_of` gives an alignment's or a variant's task."""

    lms: Sequence[str]
    alignments: Mapping[str, Alignment]
    variants: Mapping[str, Variant]
    task_of: Mapping[str, str]


def check_experiment(written: ast.Experiment, known: Known, report: Report) -> Experiment | None:
    """An experiment with every default filled in; None where its LM or alignments are not known."""
    settings: dict[str, list[ast.Setting]] = {}
    for item in written.items:
        if isinstance(item, ast.Setting):
            settings.setdefault(item.keyword.text, []).append(item)
    for repeated in settings.values():
        for extra in repeated[1:]:
            report.add("E0202", f"a second `{extra.keyword.text}` in experiment `{written.name.text}`", extra.span,
                       "again here", labels=(Label(repeated[0].span, "first here"),))  # fmt: skip
    lm = _names(settings.get("lm"), "LM", known.lms, report)
    runs = _names(settings.get("run"), "alignment", known.alignments, report)
    for needed in ("lm", "run"):
        if needed not in settings and not is_broken(written.items, needed):
            report.add("E0204", f"experiment `{written.name.text}` has no `{needed}`", written.name.span,
                       help=f"for example `{'lm tiny' if needed == 'lm' else 'run left, both'}`")  # fmt: skip
    transfer = _names(settings.get("transfer"), "variant", known.variants, report)
    _same_tasks(settings.get("transfer"), transfer, runs, known, report)
    controls = _names(settings.get("control"), "control", CONTROLS, report)
    training, paper = _training(settings.get("training"), report)
    sizes = _sizes(settings.get("tuples"), SIZES | ({"train": PAPER_TUPLES} if paper else {}), report)
    seeds = _seeds(settings.get("seeds"), report)
    if len(lm) != 1 or not runs:
        if len(lm) > 1:
            report.add(
                "E0205", "an experiment runs on one LM", settings["lm"][0].span, help="write one experiment an LM"
            )
        return None
    return Experiment(
        written.name.text, lm[0], tuple(runs), sizes["train"], sizes["validation"], sizes["test"], seeds,
        tuple(controls), tuple(transfer), training, written.name.span,
    )  # fmt: skip


def _names(settings: list[ast.Setting] | None, what: str, known: Any, report: Report) -> list[str]:
    found: list[str] = []
    for argument in settings[0].values if settings else ():
        if argument.name is not None or not isinstance(argument.value, ast.Name):
            listed = isinstance(argument.value, ast.ListOf)
            report.add("E0205", f"this is not the name of {a(what)}", argument.span,
                       "names stand without brackets" if listed else unquoted(argument.value),
                       fix=Fix(argument.span, report.source.slice(argument.span)[1:-1]) if listed
                       else without_quotes(argument.value))  # fmt: skip
        elif argument.value.text not in known:
            report_unknown(report, argument.value, what, known)
        elif argument.value.text in found:
            report.add("E0202", f"`{argument.value.text}` stands here twice", argument.span)
        else:
            found.append(argument.value.text)
    return found


def _same_tasks(
    settings: list[ast.Setting] | None, transfer: Sequence[str], runs: Sequence[str], known: Known, report: Report
) -> None:
    tasks = {known.task_of[name] for name in runs if name in known.task_of}
    for name in transfer:
        task = known.variants[name].base
        if tasks and task not in tasks and settings:
            report.add(
                "E0203", f"variant `{name}` is of task `{task}`, which no alignment here runs on", settings[0].span
            )


def _sizes(settings: list[ast.Setting] | None, defaults: Mapping[str, int], report: Report) -> dict[str, int]:
    sizes = dict(defaults)
    for name, value, span in _numbers(settings, tuple(SIZES), report):
        if not isinstance(value, int) or not LEAST <= value <= MOST:
            report.add("E0602", f"`{name}` is a number of tuples, {LEAST} to {MOST:,}", span,
                       help="an interval over fewer decides nothing")  # fmt: skip
        else:
            sizes[name] = value
    return sizes


def _numbers(
    settings: list[ast.Setting] | None, names: Sequence[str], report: Report
) -> list[tuple[str, int | float, Span]]:
    if not settings:
        return []
    found: list[tuple[str, int | float, Span]] = []
    values: list[ast.Argument] = []
    before: ast.Expr | None = None
    for argument in settings[0].values:
        after = argument.value
        if argument.name is None and isinstance(after, ast.Number) and isinstance(before, ast.Number):
            report.add("E0205", "thousands are not separated by `,`", before.span.to(after.span), help="write 4_000",
                       fix=Fix(Span(before.span.end, after.span.start), "_"))  # fmt: skip
            if values and values[-1].value is before:  # its value is not known
                values.pop()
        else:
            values.append(argument)
        before = after
    call = ast.Call(settings[0].keyword, tuple(values), settings[0].span)
    for name, value in arguments(call, (), names, report).items():
        if isinstance(value, ast.Number):
            digits = value.digits if value.scale == 0 else value.digits / 10**value.scale
            found.append((name, digits, value.span))
        else:
            report.add("E0301", f"`{name}` is a number", value.span)
    return found


def _seeds(settings: list[ast.Setting] | None, report: Report) -> tuple[int, ...]:
    if not settings:
        return (0, 1, 2)
    seeds: list[int] = []
    for argument in settings[0].values:
        found = _seeds_of(argument)
        if isinstance(found, str):
            report.add("E0205", found, argument.span, help="for example `seeds 0 .. 2` or `seeds 3, 7`")
        elif not set(found).isdisjoint(seeds):
            report.add("E0202", "a seed stands here twice", argument.span)
        else:
            seeds.extend(found)
    if len(seeds) > MOST_SEEDS:
        report.add(
            "E0205", f"more than {MOST_SEEDS} seeds", settings[0].span, help="an interval over 3 to 10 says enough"
        )
    return tuple(seeds)


def _seeds_of(argument: ast.Argument) -> Sequence[int] | str:
    """The seeds that one entry names, at most one more than may be; or what is wrong with it."""
    match argument:
        case ast.Argument(name=None, value=ast.Number(digits=low, scale=0)):
            high = low
        case ast.Argument(name=None, value=ast.RangeOf(ast.Number(low, 0), ast.Number(high, 0), None)):
            pass
        case _:
            return "seeds are whole numbers of at least 0"
    if low > high:
        return "this range of seeds is empty"
    return range(low, min(high, low + MOST_SEEDS) + 1) if high <= MOST_SEED else f"a seed is at most {MOST_SEED}"


def _training(settings: list[ast.Setting] | None, report: Report) -> tuple[Training, bool]:
    if not settings:
        return Training(), False
    training, paper, rest = Training(), False, []
    for argument in settings[0].values:
        if argument.name is not None and argument.name.text == "recipe":
            if isinstance(argument.value, ast.Name) and argument.value.text in RECIPES:
                training, paper = RECIPES[argument.value.text], argument.value.text == "paper"
            elif isinstance(argument.value, ast.Name):
                report_unknown(report, argument.value, "recipe", RECIPES)
            else:
                report.add("E0205", "a recipe is a name", argument.value.span, unquoted(argument.value), fix=without_quotes(argument.value),
                           help="for example `recipe = paper`")  # fmt: skip
        else:
            rest.append(argument)
    reduced = [ast.Setting(settings[0].keyword, tuple(rest), settings[0].span)]
    for name, value, span in _numbers(reduced, (*_WHOLE, *_REAL), report):
        if name in _WHOLE and not (isinstance(value, int) and (value > 0 or name == "patience")):
            report.add("E0205", f"`{name}` is a whole number above 0", span)
        elif value <= 0 and name in _REAL:
            report.add("E0205", f"`{name}` is above 0", span)
        else:
            training = replace(training, **{name: value})  # type: ignore[arg-type]
    return training, paper
