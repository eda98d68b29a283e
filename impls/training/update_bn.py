r"""The running statistics of averaged weights: none that was trained with, so one more pass over the data.

    μ, v ← 0, 1;   at the t-th batch:   μ ← μ + (mean - μ)/t,   v ← v + (variance - v)/t       momentum None

The model is in training mode for the pass, since in evaluation nothing is remembered, and is put back afterwards
(tests/planted: update_bn_in_evaluation_mode).  The mean is over batches, so rows of a short batch count more.

Shapes   those of the model's inputs;  of a batch that is a list or a tuple the first is the input.
Units    those of nn.batch_norm1d.
Raises   what the model raises;  a model without batch normalization is left alone, and its data unread.
Source   Izmailov et al. 2018, section 3.2; torch/optim/swa_utils.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from impls.ladder import Ladder
from impls.nn.batch_norm1d import BatchNorm1d, Stats, batch_norm1d_manual, batch_norm1d_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def update_bn_manual(batches: Iterable[np.ndarray]) -> Stats:
    """Return the statistics of one layer, given the batches that reach it."""
    stats = Stats(0.0, 1.0)
    for x in batches:
        _, _, stats = batch_norm1d_manual.forward(x, stats=stats, momentum=None)
    return stats


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def update_bn_raw(batches: Iterable[torch.Tensor]) -> Stats:
    """Return the statistics of one layer, given the batches that reach it."""
    stats = Stats(0.0, 1.0)
    for x in batches:
        _, stats = batch_norm1d_raw(x, stats=stats, momentum=None)
    return stats


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: int | torch.device | None = None) -> None:
    """Drop-in for torch.optim.swa_utils.update_bn on custom's models, bit for bit."""
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, BatchNorm1d)}
    if not momenta:
        return
    training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None
    for batch in loader:
        x = batch[0] if isinstance(batch, list | tuple) else batch
        model(x if device is None else x.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(training)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(update_bn_manual, update_bn_raw, update_bn, torch.optim.swa_utils.update_bn)
