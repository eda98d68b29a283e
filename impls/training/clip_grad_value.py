r"""Clipping by value: every element of every gradient is brought into an interval around zero.

    g ← min(max(g, -v), v)           v clip_value

Each element is clipped alone, so the gradient's direction turns; what keeps the direction is the norm's
clipping, training.clip_grad_norm.  Both ends count: a large negative gradient is clipped as well
(tests/planted: clip_grad_value_one_sided).

Shapes   any; a missing gradient is skipped.
Units    [v] = [g].
Raises   nothing, and a NaN stays NaN; native fails where there is no gradient at all (RuntimeError), custom does not.
Source   torch/nn/utils/clip_grad.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def clip_grad_value_manual(grads: Any, clip_value: float) -> Any:
    """Return the clipped gradients, given a nested dictionary of gradients."""
    if grads is None:
        return None
    if isinstance(grads, dict):
        return {name: clip_grad_value_manual(g, clip_value) for name, g in grads.items()}
    return np.minimum(np.maximum(grads, -clip_value), clip_value)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def clip_grad_value_raw(params: Iterable[torch.Tensor], clip_value: float) -> None:
    """Clip the gradients of the leaves `params` in place."""
    for p in params:
        if p.grad is not None:
            p.grad.copy_(torch.clamp(p.grad, -clip_value, clip_value))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def clip_grad_value_(
    parameters: torch.Tensor | Iterable[torch.Tensor],
    clip_value: float,
    foreach: bool | None = None,  # noqa: ARG001 (native has it)
) -> None:
    """Drop-in for torch.nn.utils.clip_grad_value_, bit for bit; `foreach` changes nothing."""
    params = [parameters] if isinstance(parameters, torch.Tensor) else parameters
    clip_value = float(clip_value)
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.grad.clamp_min_(-clip_value).clamp_max_(clip_value)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(clip_grad_value_manual, clip_grad_value_raw, clip_grad_value_, torch.nn.utils.clip_grad_value_)
