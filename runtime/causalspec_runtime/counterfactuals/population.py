"""The assignments of a task, parted once and for all into training, validation and test.

In: a task (or a variant with the task it varies). Out: draws of one split, and exact keys of prompts.
Invariant: the split of an assignment is a keyed hash of what the base task's prompt prints, so that no prompt and no
assignment is in two splits, for any alignment, subset or variant, whatever else is drawn; editing one alignment leaves
the data of the others as they are. Prompts have the same key exactly where they have the same text.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import WIDEST, Array, Column, is_wide, length, take
from causalspec.semantics.hypothesis import Task
from causalspec.semantics.types import Number, Type
from causalspec_runtime.counterfactuals.faults import Words, evaluated
from causalspec_runtime.counterfactuals.inputs import Columns, Sampler
from causalspec_runtime.counterfactuals.printing import reads_back, texts

Keys = npt.NDArray[np.int64]


class Split(StrEnum):
    """What a draw is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


SHARES = {Split.TRAIN: (0.0, 0.3), Split.VALIDATION: (0.3, 0.5), Split.TEST: (0.5, 1.0)}  # of the hash's range


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A task to draw from. `base` is the task whose prompt decides the splits; for a variant, the task it varies."""

    task: Task
    words: Words
    seed: int = 0
    base: Task | None = None
    sampler: Sampler = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sampler", Sampler(self.task, self.words))

    def stream(self, *names: str) -> np.random.Generator:
        """A generator that depends on the seed, the task's name and `names` alone."""
        return stream(self.seed, self.task.name, *names)

    def draw(self, count: int, rng: np.random.Generator, split: Split) -> Columns:
        """What of `count` draws falls into a split."""
        columns = self.sampler.draw(count, rng)
        rows = np.flatnonzero(self.within(columns, split))
        return {name: take(column, rows) for name, column in columns.items()}

    def within(self, columns: Columns, split: Split) -> npt.NDArray[np.bool_]:
        """Which assignments are of a split."""
        base = self.base or self.task
        parts = _hashed(prompt_keys(base, columns, self.words), _salt(self.seed, base.name, "splits"))
        low, high = SHARES[split]
        return np.asarray((parts >= low) & (parts < high))

    def keys(self, columns: Columns) -> Keys:
        """One row a prompt; equal rows are equal prompts."""
        return prompt_keys(self.task, columns, self.words)


def stream(seed: int, *names: str) -> np.random.Generator:
    """A generator for a named purpose; no other name's draws change it."""
    digest = hashlib.sha256("\x00".join(names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def prompt_keys(task: Task, columns: Columns, words: Words) -> Keys:
    """One row of integers a prompt, equal for equal texts only: the values of its holes where the text tells them.

    Else a 128-bit digest of the text.
    """
    if not task.holes:
        return np.zeros((length(next(iter(columns.values()))), 1), dtype=np.int64)
    if not reads_back(task):
        digests = b"".join(
            hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts(task, columns, words)
        )
        return np.frombuffer(digests, dtype="<i8").astype(np.int64).reshape(-1, 2)
    parts: list[Array] = []
    for hole in task.holes:
        parts.extend(_limbs(evaluated(hole.value, columns, words, hole.name), hole.value.type))
    return np.stack([part.astype(np.int64) for part in parts], axis=1)


def first_occurrences(keys: Keys) -> npt.NDArray[np.bool_]:
    """Which rows are the first of their kind."""
    order = np.lexsort(keys.T[::-1])
    ordered = keys[order]
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.zeros(len(keys), dtype=np.bool_)
    first[order[new]] = True  # lexsort is stable: the first of equal rows comes first
    return first


def _limbs(column: Column, type_: Type) -> list[Array]:
    """A column as int64 columns, without loss."""
    if isinstance(column, tuple):
        types = getattr(type_, "items", ())
        return [limb for part, item in zip(column, types, strict=True) for limb in _limbs(part, item)]
    if not is_wide(type_):
        return [column]
    assert isinstance(type_, Number)
    limbs: list[Array] = []
    rest, most = column, max(abs(type_.low), abs(type_.high))
    while most >= WIDEST:
        limbs.append(rest % WIDEST)
        rest, most = rest // WIDEST, most // WIDEST
    return [*limbs, rest]


def _salt(seed: int, *names: str) -> np.uint64:
    digest = hashlib.sha256("\x00".join((str(seed), *names)).encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def _hashed(keys: Keys, salt: np.uint64) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each row: splitmix64 over its integers."""
    state = np.full(len(keys), salt, dtype=np.uint64)
    for column in keys.T:
        state = (state ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) / 2.0**53
