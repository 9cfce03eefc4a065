"""What a training run of the embedded LM depends on.

In: the command line or the defaults. Out: `Settings`.
Invariant: two runs with equal settings, versions and machine kind give equal weights.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run depends on."""

    seed: int = 0
    steps: int = 1_500
    batch: int = 256
    price_share: float = 1.0  # of each batch; the rest is drawn evenly from the other tasks
    matrix_rate: float = 2e-2  # Muon, for the matrices of the blocks
    other_rate: float = 3e-3  # Adam, for embeddings and norms
    warm_up_steps: int = 100
    flat_share: float = 0.4  # of the run before the rates fall to zero in a line
    width: int = 64
    hidden: int = 192
    layers: int = 4
    heads: int = 4
    threads: int = 2
