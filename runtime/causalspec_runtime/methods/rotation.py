"""Rotations: the interchange itself, a thin Cayley transform, first guesses, orthogonal completion.

Invariant: what is called a frame has orthonormal columns, up to rounding.
"""

import torch
from torch import Tensor

from causalspec_runtime.methods.protocol import StartData


def interchange(base: Tensor, sources: Tensor, swapped: Tensor, rotation: Tensor, mask: Tensor) -> Tensor:
    """h_b + Σ_i Q_i M_i Q_iᵀ (h_si − h_b) over swapped i (arXiv 2305.08809, eq. 4, for several variables).

    base [B, d], sources [B, v, d], swapped bool [B, v], rotation [d, v · k], mask [v, k] -> [B, d]
    """
    variables, columns = mask.shape
    blocks = rotation.reshape(-1, variables, columns)
    turned = torch.einsum("bvd,dvk->bvk", sources - base[:, None], blocks)
    kept = turned * mask * swapped[:, :, None]
    return base + kept.reshape(len(base), -1) @ rotation.T


def cayley(frame: Tensor, step: Tensor) -> Tensor:
    """The frame [d, K] turned by the skew matrix W = P Xᵀ − X Pᵀ, P = `step` [d, K]: (I − W/2)⁻¹ (I + W/2) X.

    Where 2K < d by Woodbury's identity, with U = [P, X], V = [X, −P]: X + U (I − VᵀU/2)⁻¹ VᵀX, O(dK²).
    """
    d, columns = frame.shape
    if 2 * columns >= d:
        skew = step @ frame.T
        skew = (skew - skew.T) / 2
        eye = torch.eye(d, dtype=frame.dtype, device=frame.device)
        turned: Tensor = torch.linalg.solve(eye - skew, frame + skew @ frame)
        return turned
    left, right = torch.cat([step, frame], dim=1), torch.cat([frame, -step], dim=1)
    inner = torch.eye(2 * columns, dtype=frame.dtype, device=frame.device) - right.T @ left / 2
    solved: Tensor = torch.linalg.solve(inner, right.T @ frame)
    return frame + left @ solved


def complete(directions: Tensor, columns: int, generator: torch.Generator) -> Tensor:
    """A frame [d, columns] whose first columns span `directions` in their order; the rest is random."""
    d = len(directions)
    random = torch.randn(d, columns, generator=generator, dtype=torch.float64)
    together = torch.cat([directions.double().cpu(), random], dim=1)[:, :columns]
    frame: Tensor = torch.linalg.qr(together)[0]
    return frame.to(torch.float32)


def interleave(directions: Tensor, generator: torch.Generator) -> Tensor:
    """Disjoint blocks from [variables, d, k]: the variables' directions, best first in turns, made orthonormal."""
    variables, d, k = directions.shape
    together = directions.permute(1, 2, 0).reshape(d, k * variables)
    frame = complete(_independent(together, generator), k * variables, generator)
    return frame.reshape(d, k, variables).permute(0, 2, 1).reshape(d, variables * k)


def _independent(directions: Tensor, generator: torch.Generator) -> Tensor:
    """A trace of noise, so that directions shared by variables do not leave QR without a choice."""
    noise = torch.randn(directions.shape, generator=generator, dtype=torch.float64)
    return directions.double().cpu() + 1e-6 * noise


def first_directions(start: StartData, columns: int) -> Tensor:
    """For each variable the top eigenvectors of E[g Δᵀ] + E[Δ gᵀ] over tuples that swap it: [variables, d, columns].

    To first order, swapping along v raises the label's log-probability by E[(g·v)(v·Δ)].
    """
    found = []
    for variable in range(start.swapped.shape[1]):
        rows = start.swapped[:, variable]
        outer = start.gradients[rows].double().T @ start.differences[rows, variable].double()
        vectors = torch.linalg.eigh(outer + outer.T)[1]
        found.append(vectors.flip(1)[:, :columns])
    return torch.stack(found)
