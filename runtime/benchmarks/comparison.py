"""Scores of two tools side by side, and what follows from them.

In: scores of every run. Out: tables, mean differences, a record for JSON.
Invariant: differences are ours less the peer's, paired by cell and seed.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from causalspec_runtime.statistics import t_quantile

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """One run: a cell, a seed, a recipe."""

    iia: float  # on test pairs, as the tool evaluates
    iia_hard: float  # with a mask of zeros and ones
    width: int
    steps: int
    seconds: float  # training; of ours with the run's share of the pool pass
    status: str | None = None  # of our training


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cell with one seed."""

    cell: str
    seed: int
    ours: Score
    peers: dict[str, Score]  # recipe -> the peer's run

    def difference(self, peer: str, *, hard: bool = False) -> float:
        """Ours less the peer's."""
        other = self.peers[peer]
        return self.ours.iia - (other.iia_hard if hard else other.iia)


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of paired differences with its 95 % t-interval; None where one pair gives none."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Difference":
        """Of at least one value."""
        mean = statistics.fmean(values)
        if len(values) < 2:
            return cls(mean, None, None, len(values))
        arm = t_quantile(LEVEL, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
        return cls(mean, mean - arm, mean + arm, len(values))

    def __str__(self) -> str:
        if self.low is None:
            return f"{self.mean:+.4f}"
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def against(found: Sequence[Comparison], peer: str, *, hard: bool = False) -> Difference:
    """The mean difference from one of the peer's recipes."""
    return Difference.of([item.difference(peer, hard=hard) for item in found])


def cell_table(found: Sequence[Comparison]) -> str:
    """One cell: a line a seed and tool, and the mean differences."""
    peers = list(found[0].peers)
    longest = max(len(_peer_name(peer)) for peer in peers)
    layer, _, token = found[0].cell.partition(":")
    lines = [f"\nlayer {layer}, {token}", f"  seed  {'tool':{longest}}     IIA  (hard)  width  steps  seconds    diff"]
    for item in found:
        lines.append(f"  {item.seed:4d}  {_line('causalspec', item.ours, longest)}")
        for peer, score in item.peers.items():
            lines.append(f"        {_line(_peer_name(peer), score, longest)}  {item.difference(peer):+.4f}")
    lines.append(f"  mean  {'causalspec':{longest}}  {statistics.fmean(item.ours.iia for item in found):.4f}")
    for peer in peers:
        mean = statistics.fmean(item.peers[peer].iia for item in found)
        lines.append(f"        {_peer_name(peer):{longest}}  {mean:.4f}  difference {against(found, peer)}")
    return "\n".join(lines)


def conclusion(found: Sequence[Comparison], goal: float) -> str:
    """All cells: for each of the peer's recipes the mean difference, the goal, the ratio of training times."""
    ours = sum(item.ours.seconds for item in found)
    lines = [f"\n{len(found)} runs each; causalspec: mean IIA {statistics.fmean(item.ours.iia for item in found):.4f}"]
    for peer in found[0].peers:
        scores = [item.peers[peer] for item in found]
        mean = against(found, peer)
        lines += [
            f"{_peer_name(peer)}: mean IIA {statistics.fmean(score.iia for score in scores):.4f}",
            f"  mean difference {mean} (95 % t-interval, paired); with its mask hard {against(found, peer, hard=True)}",
            f"  at least {goal:+.2f}: {'yes' if mean.mean >= goal else 'no'}",
            f"  training {sum(score.seconds for score in scores):.0f} s, ours {ours:.0f} s: "
            f"{sum(score.seconds for score in scores) / ours:.1f} times as long",
        ]
    return "\n".join(lines)


def record(found: Sequence[Comparison]) -> dict[str, Any]:
    """Every run, and the mean differences."""
    peers = list(found[0].peers)
    return {
        "runs": [asdict(item) for item in found],
        "mean_difference": {peer: asdict(against(found, peer)) for peer in peers},
        "mean_difference_hard": {peer: asdict(against(found, peer, hard=True)) for peer in peers},
    }


def _peer_name(recipe: str) -> str:
    return f"pyvene, {recipe}"


def _line(name: str, score: Score, longest: int) -> str:
    return (
        f"{name:{longest}}  {score.iia:.4f}  {score.iia_hard:.4f}  {score.width:5d}  {score.steps:5d}  "
        f"{score.seconds:7.1f}"
    )
