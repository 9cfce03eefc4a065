"""Test IIA beside pyvene's Boundless DAS: same LM, same cells, same training and test pairs, five seeds.

In: options. Out: a table on standard output, JSON to `--out`. Invariant: both tools see the same tokens and labels; ours
is scored with the hard mask, pyvene's with the mask its tutorial leaves and with a hard one; answers are the most likely
token of the whole vocabulary.

    python -m runtime.benchmarks.quality [--out FILE] [--seeds 0,1] [--cells 1:last,2:last] [--train N] [--test N]
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from causalspec_runtime.engine import Pool, ScoredCell, Site, evaluate, train
from causalspec_runtime.engine.train import intervene
from causalspec_runtime.methods import METHODS
from causalspec_runtime.plan import SiteRecord
from causalspec_runtime.statistics import t_quantile
from runtime.benchmarks.material import Material, Pairs, Sizes, material, pairs, sites
from runtime.benchmarks.pyvene_peer import PeerCell, PeerRecipe, fresh, train_peer

CELLS = ("0:last", "1:last", "2:last")
SEEDS = (0, 1, 2, 3, 4)
GOAL = -0.01  # of the mean difference
CLOSE = 1e-4  # of intervened logits
TEMPERATURES = (50.0, 5.0, 0.1)
REMARK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Score:
    """One tool's run at one cell with one seed."""

    iia: float
    width: int
    steps: int
    seconds: float  # training, and of ours the run's share of the pool pass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both tools at one cell with one seed."""

    cell: str
    seed: int
    ours: Score
    status: str  # of our training
    pyvene: Score
    pyvene_hard: float  # IIA with a hard mask

    @property
    def difference(self) -> float:
        """Ours less pyvene's."""
        return self.ours.iia - self.pyvene.iia


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of paired differences with its 95 % t-interval."""

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Difference":
        """Of one value the interval is unbounded."""
        mean = statistics.fmean(values)
        if len(values) < 2:
            return cls(mean, -math.inf, math.inf, len(values))
        arm = t_quantile(0.95, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
        return cls(mean, mean - arm, mean + arm, len(values))

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


class Clock:
    """Says now and then, on standard error, how much time is left; pyvene's steps are what takes time."""

    def __init__(self, runs: int) -> None:
        self.runs, self.finished = runs, 0
        self.begun = self.told = time.monotonic()

    def step(self, what: str, done: int, total: int) -> None:
        """A run of pyvene's is at `done` of `total`."""
        now = time.monotonic()
        if now - self.told < REMARK_SECONDS:
            return
        self.told = now
        share = (self.finished + done / total) / self.runs
        left = (now - self.begun) * (1 - share) / share
        print(f"{100 * share:3.0f} %, about {left / 60:.0f} min left: {what}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 if the goal is reached."""
    options = _options(arguments)
    cells = [_cell(text) for text in options.cells]
    data = material(Sizes(options.train, options.validation, options.test), cells)
    places = sites(cells)
    begun = time.perf_counter()
    pools = data.pools(places)
    pass_seconds = (time.perf_counter() - begun) / (len(cells) * len(options.seeds))
    peer = PeerRecipe(accumulate=options.accumulate)
    worst = max(_logit_difference(data, pools[0], site) for site in places)
    print(f"the same pyvene map in both engines: intervened logits differ by at most {worst:.1e}", flush=True)
    clock = Clock(len(cells) * len(options.seeds))
    found: list[Comparison] = []
    for text, site in zip(options.cells, places, strict=True):
        found += _compare(data, pools, text, site, options.seeds, peer, pass_seconds, clock)
        print(_table([item for item in found if item.cell == text]), flush=True)
    summary = Difference.of([item.difference for item in found])
    print(_conclusion(found, summary))
    if options.out is not None:
        options.out.write_text(json.dumps(_record(data, options, peer, worst, found, summary), indent=2) + "\n")
    return 0 if summary.mean >= GOAL and worst <= CLOSE else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quality", description="Test IIA beside pyvene's Boundless DAS.")
    sizes = Sizes()
    parser.add_argument("--seeds", type=lambda text: tuple(map(int, text.split(","))), default=SEEDS, metavar="0,1")
    parser.add_argument("--cells", type=lambda text: tuple(text.split(",")), default=CELLS, metavar="1:last,2:last")
    parser.add_argument("--train", type=int, default=sizes.train, metavar="N")
    parser.add_argument("--validation", type=int, default=sizes.validation, metavar="N")
    parser.add_argument("--test", type=int, default=sizes.test, metavar="N")
    parser.add_argument(
        "--accumulate", type=int, default=1, metavar="N", help="pyvene's forward passes a step; 4: its tutorial, literally"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything measured as JSON")
    return parser.parse_args(arguments)


def _cell(text: str) -> SiteRecord:
    layer, _, token = text.partition(":")
    return SiteRecord(kind="residual", layer=int(layer), token=token)


def _logit_difference(data: Material, pool: Pool, site: Site) -> float:
    """The most that intervened logits of a batch differ between the engines, given pyvene's map."""
    some = data.train.data.select(torch.arange(64))
    cell = fresh(data.lm.model, site.layer, data.column(site), 0)
    differences = []
    for temperature in TEMPERATURES:
        cell.model.set_temperature(torch.tensor(temperature))
        with torch.no_grad():
            ours = intervene(data.engine, pool, site, some, cell.soft())
        differences.append(float((ours - cell.logits(pairs(data.train.prompts, some))).abs().max()))
    return max(differences)


def _compare(
    data: Material,
    pools: tuple[Pool, Pool],
    name: str,
    site: Site,
    seeds: Sequence[int],
    recipe: PeerRecipe,
    pass_seconds: float,
    clock: Clock,
) -> list[Comparison]:
    """All seeds of one cell."""
    training, test = (pairs(part.prompts, part.data) for part in (data.train, data.test))
    ours, peers = [], []
    for seed in seeds:
        begun = time.perf_counter()
        cell = train(
            data.engine,
            site,
            pools[0],
            data.train.data,
            pools[1],
            data.validation.data,
            METHODS["boundless_das"],
            data.recipe,
            seed,
        )
        ours.append((cell, pass_seconds + time.perf_counter() - begun))
        peers.append(_peer(data, site, training, test, recipe, seed, clock, name))
    maps = [ScoredCell(site, cell.map) for cell, _ in ours] + [ScoredCell(site, peer.hard()) for peer, _ in peers]
    iia = evaluate(data.engine, data.test.prompts, data.test.data, maps).correct.double().mean(dim=1).tolist()
    return [
        Comparison(
            name,
            seed,
            Score(iia[index], sum(cell.widths), cell.steps, seconds),
            cell.status,
            peer,
            iia[len(seeds) + index],
        )
        for index, (seed, (cell, seconds), (_, peer)) in enumerate(zip(seeds, ours, peers, strict=True))
    ]


def _peer(
    data: Material, site: Site, training: Pairs, test: Pairs, recipe: PeerRecipe, seed: int, clock: Clock, name: str
) -> tuple[PeerCell, Score]:
    """pyvene's map, trained, and its score as the tutorial takes it."""

    def progress(done: int, total: int) -> None:
        clock.step(f"{name}, seed {seed}", done, total)

    begun = time.perf_counter()
    cell = train_peer(data.lm.model, site.layer, data.column(site), training, recipe, seed, progress)
    seconds = time.perf_counter() - begun
    iia = float((cell.answers(test) == test.label).double().mean())
    clock.finished += 1
    return cell, Score(iia, cell.soft().widths()[0], cell.steps, seconds)


def _table(found: Sequence[Comparison]) -> str:
    """One cell: a line a seed, and the means."""
    lines = [
        f"\nlayer {found[0].cell.replace(':', ', ')}",
        "   seed   ours  pyvene  (hard)    diff   width o/p   steps o/p      seconds o/p",
    ]
    for item in found:
        lines.append(
            f"   {item.seed:4d}  {item.ours.iia:.4f}  {item.pyvene.iia:.4f}  {item.pyvene_hard:.4f}  "
            f"{item.difference:+.4f}  {item.ours.width:4d} /{item.pyvene.width:3d}   "
            f"{item.ours.steps:4d} /{item.pyvene.steps:4d}   {item.ours.seconds:6.1f} /{item.pyvene.seconds:7.1f}"
        )
    means = _means(found)
    lines.append(
        f"   mean  {means['ours']:.4f}  {means['pyvene']:.4f}  {means['pyvene_hard']:.4f}  "
        f"{Difference.of([item.difference for item in found])}"
    )
    return "\n".join(lines)


def _means(found: Sequence[Comparison]) -> dict[str, float]:
    return {
        "ours": statistics.fmean(item.ours.iia for item in found),
        "pyvene": statistics.fmean(item.pyvene.iia for item in found),
        "pyvene_hard": statistics.fmean(item.pyvene_hard for item in found),
    }


def _conclusion(found: Sequence[Comparison], summary: Difference) -> str:
    means = _means(found)
    hard = Difference.of([item.ours.iia - item.pyvene_hard for item in found])
    ours, peer = (sum(score.seconds for score in scores) for scores in _scores(found))
    reached = "reached" if summary.mean >= GOAL else "missed"
    return (
        f"\n{summary.n} runs each: ours {means['ours']:.4f}, pyvene {means['pyvene']:.4f} "
        f"(hard mask {means['pyvene_hard']:.4f})"
        f"\nmean difference {summary}, 95 % t-interval, paired; with pyvene's mask hard {hard}"
        f"\ngoal: at least {GOAL:+.2f}: {reached}"
        f"\ntraining: ours {ours:.0f} s, pyvene {peer:.0f} s, ratio {peer / ours:.1f}"
    )


def _scores(found: Sequence[Comparison]) -> tuple[list[Score], list[Score]]:
    return [item.ours for item in found], [item.pyvene for item in found]


def _record(
    data: Material,
    options: argparse.Namespace,
    peer: PeerRecipe,
    worst: float,
    found: Sequence[Comparison],
    summary: Difference,
) -> dict[str, Any]:
    return {
        "lm": {"name": data.lm.name, "digest": data.lm.digest},
        "versions": {name: version(name) for name in ("torch", "transformers", "pyvene")},
        "threads": torch.get_num_threads(),
        "sizes": {"train": options.train, "validation": options.validation, "test": options.test},
        "recipe": asdict(data.recipe),
        "pyvene_recipe": asdict(peer),
        "logit_difference": worst,
        "runs": [asdict(item) | {"difference": item.difference} for item in found],
        "mean_difference": asdict(summary),
    }


if __name__ == "__main__":
    raise SystemExit(main())
