"""The answer at a terminal: what was tested, what was found, and each claim's verdict.

In: `Results`. Out: text through rich. Invariant: a figure is shown with its interval or its floor beside it.
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from causalspec_runtime.results import AlignmentResult, CellResult, ClaimResult, Results, SubsetPlanResult

WORDS = {"supported": "bold green", "refuted": "bold red", "undecided": "bold yellow"}


def show(results: Results, console: Console, *, first_look: bool) -> None:
    """Print the whole answer; `first_look`: the folder knows of no earlier look at its test tuples."""
    lm = results.lm
    console.print(
        f"[bold]{escape(lm.reference)}[/] ({escape(lm.architecture)}, {lm.layers} layers, width {lm.width}, "
        f"{lm.parameters:,} parameters, {lm.dtype} on {lm.device})",
        highlight=False,
    )
    for task in results.tasks:
        console.print(
            f"task {escape(task.name)}: accuracy {task.accuracy:.3f} {_ci(task.ci)} on {task.n:,} prompts; "
            f"the most frequent answer scores {task.majority:.3f}",
            highlight=False,
        )
        if len(set(task.per_model.values())) > 1:
            by = ", ".join(f"{escape(model)} {accuracy:.3f}" for model, accuracy in task.per_model.items())
            console.print(f"  its models disagree; accuracy by each: {by}", highlight=False)
    for alignment in results.alignments:
        _alignment(alignment, console)
    _claims(results, console)
    if results.claims and first_look:
        console.print("  [dim]no earlier look at these test tuples is known to this folder; others it cannot know[/]")


def _ci(interval: tuple[float, float]) -> str:
    return f"\\[{interval[0]:.3f}, {interval[1]:.3f}]"


def _alignment(item: AlignmentResult, console: Console) -> None:
    best = item.cells[item.best]
    names = ", ".join(item.variables)
    console.print(
        f"\n[bold]{escape(item.name)}[/]: {escape(names)} of model {escape(item.model)}, {item.method}", highlight=False
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row(
        "best cell",
        f"layer {best.layer}, {escape(best.token)}, seed {best.seed} "
        f"(of {len(item.cells)}, chosen on validation: {best.iia_validation:.3f})",
    )
    table.add_row("IIA", f"[bold]{best.iia_test:.3f}[/] {_ci(best.ci)}{_expected(item)}")
    table.add_row("gain", f"{best.gain:.3f} over answer_only; natural mix {_natural(best)}")
    if item.seeds.n > 1:
        seeds = item.seeds
        table.add_row(
            "seeds",
            f"{seeds.n} at this site: least {seeds.least:.3f}, median {seeds.median:.3f}, most {seeds.most:.3f}",
        )
    table.add_row("width", _widths(best))
    if len(item.subsets) > 1:
        table.add_row("swapped", _swapped(item, best))
    table.add_row("measured", _measured(best))
    table.add_row("floors", _floors(item))
    table.add_row("rivals", _rivals(item))
    if _controls(item):
        table.add_row("controls", _controls(item))
    for transfer in item.transfer:
        table.add_row(
            f"on {escape(transfer.variant)}",
            f"IIA {transfer.iia_test:.3f} {_ci(transfer.ci)}, gain {transfer.gain:.3f}, "
            f"floor {transfer.floors.answer_only:.3f}, task accuracy {transfer.accuracy:.3f}",
        )
    console.print(table)
    console.print(_grid(item))


def _expected(item: AlignmentResult) -> str:
    return f"; a true hypothesis would score {item.expected_if_true:.3f} given the LM's own errors"


def _natural(cell: CellResult) -> str:
    return ", ".join(f"{subset.iia_natural:.3f}" for subset in cell.subsets)


def _widths(cell: CellResult) -> str:
    parts = ", ".join(f"{escape(name)} {width}" for name, width in cell.widths.items())
    return f"{parts} coordinates ({cell.status} after {cell.steps} steps)"


def _swapped(item: AlignmentResult, best: CellResult) -> str:
    return "\n".join(
        f"{escape(' and '.join(subset.variables))}: IIA {subset.iia_test:.3f} {_ci(subset.ci)}, "
        f"gain {subset.gain:.3f}, floor {plan.floors.answer_only:.3f}"
        for subset, plan in zip(best.subsets, item.subsets, strict=True)
    )


def _measured(cell: CellResult) -> str:
    """What the LM does when nothing, and when everything at the site, is swapped."""
    named = len(cell.subsets) > 1
    return "\n".join(
        (f"{escape(' and '.join(subset.variables))}: " if named else "")
        + f"no_op {subset.no_op:.3f}"
        + (f", whole vector {subset.whole_vector:.3f}" if subset.whole_vector is not None else "")
        for subset in cell.subsets
    )


def _floors(item: AlignmentResult) -> str:
    floors = item.floors
    return (
        f"answer_only {floors.answer_only:.3f}, no_op {floors.no_op:.3f}, full_swap {floors.full_swap:.3f}, "
        f"majority {floors.majority:.3f}"
    )


def _rivals(item: AlignmentResult) -> str:
    return "\n".join(_rivals_of(subset, len(item.subsets) > 1) for subset in item.subsets)


def _rivals_of(subset: SubsetPlanResult, named: bool) -> str:
    head = f"{escape(' and '.join(subset.variables))}: " if named else ""
    return head + ", ".join(f"{escape(rival.model)} {rival.agreement:.3f}" for rival in subset.rivals)


def _controls(item: AlignmentResult) -> str:
    lines = []
    weights, rotation = item.controls.random_weights, item.controls.random_rotation
    if weights is not None:
        lines.append(
            f"random weights {weights.iia_among_answers:.3f} {_ci(weights.ci)} among the answers "
            f"({weights.iia_test:.3f} over the vocabulary)"
        )
    if rotation is not None:
        lines.append(
            f"random rotation {rotation.mean:.3f} on average, {rotation.most:.3f} at most of {rotation.draws}; "
            f"principal directions {rotation.principal_directions:.3f}"
        )
    if not item.positive_control.passed:
        control = item.positive_control
        lines.append(
            f"[bold red]positive control failed[/]: output at the last token {control.iia_test:.3f}, "
            f"whole vector {control.whole_vector:.3f}"
        )
    return "\n".join(lines)


def _grid(item: AlignmentResult) -> Table:
    """Test IIA, the best seed on validation of each site."""
    layers = sorted({cell.layer for cell in item.cells})
    tokens = list(dict.fromkeys(cell.token for cell in item.cells))
    table = Table(title="test IIA (width)", title_justify="left", title_style="dim", box=None, padding=(0, 2))
    table.add_column("layer", justify="right", style="dim")
    for token in tokens:
        table.add_column(escape(token), justify="right")
    best = item.cells[item.best]
    for layer in layers:
        row = []
        for token in tokens:
            here = [cell for cell in item.cells if (cell.layer, cell.token) == (layer, token)]
            if not here:
                row.append("")
                continue
            cell = max(here, key=lambda one: one.iia_validation)
            text = f"{cell.iia_test:.3f} ({cell.width})"
            chosen = (cell.layer, cell.token) == (best.layer, best.token)
            row.append(f"[bold]{text}[/]" if chosen else text)
        table.add_row(str(layer), *row)
    return table


def _when(claim: ClaimResult) -> str:
    return " [yellow](post hoc: written after a look at these test tuples)[/]" if claim.post_hoc else ""


def _claims(results: Results, console: Console) -> None:
    if results.claims:
        console.print("\n[bold]Claims[/]")
    for claim in results.claims:
        tint = WORDS[claim.verdict]
        console.print(f"  [{tint}]{claim.verdict:<10}[/] {escape(claim.title)}{_when(claim)}", highlight=False)
        console.print(f"             [dim]{escape(claim.text)}[/]", highlight=False)
        for term in claim.terms:
            console.print(f"             {escape(term.text)} = {term.value:.3f} {_ci(term.ci)}", highlight=False)
        if len(claim.terms) > 1:
            console.print(f"             compared: {claim.value:.3f} {_ci(claim.ci)}", highlight=False)
        for note in claim.notes:
            console.print(f"             [dim]{escape(note)}[/]", highlight=False)
        if claim.holm != claim.verdict:
            count = len(results.claims) + len(results.not_asked)
            console.print(
                f"             [yellow]undecided when the file's {count} claims are counted (Holm)[/]", highlight=False
            )
    if results.not_asked:
        titles = ", ".join(escape(title) for title in results.not_asked)
        console.print(f"  [dim]not asked by experiment {escape(results.spec.experiment)}: {titles}[/]", highlight=False)
