"""What a method may know before its first step: differences and gradients of some training tuples.

Invariant: one backward pass a tuple along the short path, at the unchanged base.
"""

import torch
from torch import Tensor

from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.collect import Pool
from causalspec_runtime.engine.sites import Site
from causalspec_runtime.engine.suffix import Edit, Engine
from causalspec_runtime.methods.protocol import StartData


def start_data(engine: Engine, pool: Pool, site: Site, data: InterchangeData, batch: int) -> StartData:
    """Differences and gradients of all tuples of `data`."""
    gradients = torch.cat([_gradient(engine, pool, site, part) for part in data.chunks(batch)])
    table = pool.activations[site]
    differences = table[data.sources].float() - table[data.base].float()[:, None]
    return StartData(differences, gradients, data.swapped)


def _gradient(engine: Engine, pool: Pool, site: Site, data: InterchangeData) -> Tensor:
    """∂ log p(label) / ∂ h at the base's own activation: float32 [B, d]."""
    from_end = pool.from_end[site][data.base]
    prefix = pool.prefixes.batch(data.base, site.layer, int(from_end.max()))
    point = pool.activations[site][data.base].float().requires_grad_()
    logits = engine.logits(prefix, [Edit(site.layer, from_end, lambda _: point)])
    label = torch.log_softmax(logits, dim=-1).gather(1, pool.answer_ids[data.label][:, None])
    return torch.autograd.grad(label.sum(), point)[0]
