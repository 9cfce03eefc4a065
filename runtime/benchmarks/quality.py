"""Test IIA beside pyvene's Boundless DAS: same LM, same cells, same training and test pairs, five seeds.

In: options. Out: a table on standard output, JSON to `--out`; status 0 if the goal is reached. Invariant: both tools see
the same tokens and labels; ours is scored with the hard mask, pyvene's with the mask that its tutorial leaves; answers
are the most likely token of the whole vocabulary.

    python -m runtime.benchmarks.quality [--out FILE] [--seeds 0,1] [--cells 1:last,2:last] [--train N] [--test N]

pyvene runs with its tutorial's recipe (`tutorial`) and once more with our rates and temperatures (`matched`).
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from causalspec_runtime.engine import Pool, Recipe, ScoredCell, Site, TrainedCell, evaluate, train
from causalspec_runtime.engine.train import intervene
from causalspec_runtime.methods import METHODS
from causalspec_runtime.plan import SiteRecord
from runtime.benchmarks.comparison import Comparison, Score, against, cell_table, conclusion, record
from runtime.benchmarks.material import Material, Sizes, material, pairs, sites
from runtime.benchmarks.pyvene_peer import PeerCell, PeerRecipe, fresh, train_peer

CELLS = ("0:price.first", "1:last", "2:last")  # where `above` is found; elsewhere there is little to compare
SEEDS = (0, 1, 2, 3, 4)
GOAL = -0.01  # of the mean difference
CLOSE = 1e-4  # of intervened logits
TEMPERATURES = (50.0, 5.0, 0.1)  # at which logits are compared
LOOKED_AT = 64  # pairs, for that
REMARK_SECONDS = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class PeerRun:
    """One of the peer's runs before it is scored with a hard mask."""

    cell: PeerCell
    iia: float
    seconds: float


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
    """Measure; 0 if the goal is reached against every recipe of the peer's."""
    options = _options(arguments)
    cells = [_cell(text) for text in options.cells]
    data = material(Sizes(options.train, options.validation, options.test), cells)
    recipes = {name: peer_recipes(data.recipe)[name] for name in options.peers}
    begun = time.perf_counter()
    places = sites(cells)
    pools = data.pools(places)
    share = (time.perf_counter() - begun) / (len(cells) * len(options.seeds))
    worst = max(_logit_difference(data, pools[0], site) for site in places)
    print(f"the same map of pyvene's in both engines: intervened logits differ by at most {worst:.1e}", flush=True)
    clock = Clock(len(cells) * len(options.seeds) * len(recipes))
    found: list[Comparison] = []
    for text, site in zip(options.cells, places, strict=True):
        found += _compare(data, pools, text, site, options.seeds, recipes, share, clock)
        print(cell_table([item for item in found if item.cell == text]), flush=True)
    print(conclusion(found, GOAL))
    if options.out is not None:
        told = _circumstances(data, options, recipes) | {"logit_difference": worst} | record(found)
        options.out.write_text(json.dumps(told, indent=2) + "\n")
    return 0 if worst <= CLOSE and all(against(found, peer).mean >= GOAL for peer in recipes) else 1


def peer_recipes(ours: Recipe) -> dict[str, PeerRecipe]:
    """pyvene's recipes by name; `literal` is the tutorial with its way of counting steps."""
    return {
        "tutorial": PeerRecipe(),
        "matched": PeerRecipe.matched(ours),
        "literal": PeerRecipe(accumulate=4),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quality", description="Test IIA beside pyvene's Boundless DAS.")
    sizes = Sizes()
    parser.add_argument("--seeds", type=lambda text: tuple(map(int, text.split(","))), default=SEEDS, metavar="0,1")
    parser.add_argument("--cells", type=_words, default=CELLS, metavar="1:last,2:last")
    parser.add_argument("--peers", type=_words, default=("tutorial", "matched"), metavar="tutorial,matched,literal")
    parser.add_argument("--train", type=int, default=sizes.train, metavar="N")
    parser.add_argument("--validation", type=int, default=sizes.validation, metavar="N")
    parser.add_argument("--test", type=int, default=sizes.test, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything measured as JSON")
    return parser.parse_args(arguments)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _cell(text: str) -> SiteRecord:
    layer, _, token = text.partition(":")
    return SiteRecord(kind="residual", layer=int(layer), token=token)


def _logit_difference(data: Material, pool: Pool, site: Site) -> float:
    """The most that intervened logits of a batch differ between the engines, given pyvene's map."""
    some = data.train.data.select(torch.arange(LOOKED_AT))
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
    recipes: dict[str, PeerRecipe],
    pass_seconds: float,
    clock: Clock,
) -> list[Comparison]:
    """All seeds of one cell."""
    ours: list[tuple[TrainedCell, float]] = []
    peers: list[PeerRun] = []
    for seed in seeds:
        ours.append(_train(data, pools, site, seed))
        for peer, recipe in recipes.items():
            peers.append(_train_peer(data, site, recipe, seed, clock, f"{name}, seed {seed}, pyvene {peer}"))
    iia = _hard([cell.map for cell, _ in ours] + [run.cell.hard() for run in peers], data, site)
    found = []
    for index, (seed, (cell, seconds)) in enumerate(zip(seeds, ours, strict=True)):
        mine = Score(iia[index], iia[index], sum(cell.widths), cell.steps, pass_seconds + seconds, cell.status)
        first = index * len(recipes)
        theirs = {
            peer: _score(peers[first + place], iia[len(seeds) + first + place]) for place, peer in enumerate(recipes)
        }
        found.append(Comparison(name, seed, mine, theirs))
    return found


def _train(data: Material, pools: tuple[Pool, Pool], site: Site, seed: int) -> tuple[TrainedCell, float]:
    """Our map and the seconds it took."""
    begun = time.perf_counter()
    method = METHODS["boundless_das"]
    cell = train(
        data.engine, site, pools[0], data.train.data, pools[1], data.validation.data, method, data.recipe, seed
    )
    return cell, time.perf_counter() - begun


def _train_peer(data: Material, site: Site, recipe: PeerRecipe, seed: int, clock: Clock, what: str) -> PeerRun:
    """pyvene's map, and its IIA as the tutorial takes it."""
    training, test = (pairs(part.prompts, part.data) for part in (data.train, data.test))
    begun = time.perf_counter()
    cell = train_peer(
        data.lm.model,
        site.layer,
        data.column(site),
        training,
        recipe,
        seed,
        lambda done, total: clock.step(what, done, total),
    )
    seconds = time.perf_counter() - begun
    iia = float((cell.answers(test) == test.label).double().mean())
    clock.finished += 1
    return PeerRun(cell, iia, seconds)


def _hard(maps: Sequence[Any], data: Material, site: Site) -> list[float]:
    """Test IIA of hard maps."""
    cells = [ScoredCell(site, table) for table in maps]
    found: list[float] = (
        evaluate(data.engine, data.test.prompts, data.test.data, cells).correct.double().mean(1).tolist()
    )
    return found


def _score(run: PeerRun, hard: float) -> Score:
    (width,) = run.cell.soft().widths()
    return Score(run.iia, hard, width, run.cell.steps, run.seconds)


def _circumstances(data: Material, options: argparse.Namespace, recipes: dict[str, PeerRecipe]) -> dict[str, Any]:
    return {
        "lm": {"name": data.lm.name, "digest": data.lm.digest},
        "versions": {name: version(name) for name in ("torch", "transformers", "pyvene")},
        "threads": torch.get_num_threads(),
        "sizes": {"train": options.train, "validation": options.validation, "test": options.test},
        "recipe": asdict(data.recipe),
        "pyvene_recipes": {name: asdict(recipe) for name, recipe in recipes.items()},
    }


if __name__ == "__main__":
    raise SystemExit(main())
