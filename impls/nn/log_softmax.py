r"""The logarithm of the softmax.

    y  = x - max x - log Σ exp(x - max x)                along one dimension
    ∂x = ∂y - exp(y) Σ ∂y

In one piece it has every logarithm; log of a softmax has -∞ where a probability has become 0, from a distance of 104 on
in float32 (tests/planted: log_softmax_in_two_pieces).

Shapes   x, y share one shape, any rank, 0 included;  dim one of its dimensions.
Units    x and y are pure numbers.
Raises   IndexError for a dimension that is not there (NumPy: AxisError, which is one).  custom and native choose a
         dimension for None, and warn of it.
Source   Bridle 1990; torch/nn/modules/activation.py and ATen/native/SoftMax.cpp (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.nn.softmax import check_dim, chosen_dim

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def log_softmax_forward(x: np.ndarray, *, dim: int) -> tuple[np.ndarray, Any]:
    z = x - x.max(axis=dim, keepdims=True)
    y = z - np.log(np.exp(z).sum(axis=dim, keepdims=True))
    return y, (y, dim)


def log_softmax_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    y, dim = saved
    return (dy - np.exp(y) * dy.sum(axis=dim, keepdims=True) if needs_input_grad[0] else None,)


log_softmax_manual = Pair(log_softmax_forward, log_softmax_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def log_softmax_raw(x: torch.Tensor, *, dim: int) -> torch.Tensor:
    z = x - x.amax(dim, keepdim=True).detach()  # the shift cancels: it has no gradient
    return z - z.exp().sum(dim, keepdim=True).log()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LogSoftmax(Module):
    """Drop-in for torch.nn.LogSoftmax, bit for bit."""

    def __init__(self, dim: int | None = None):
        check_dim(dim)
        super().__init__()
        self.dim = dim

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.log_softmax(chosen_dim(self.dim, input, "log_softmax"))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(log_softmax_manual, log_softmax_raw, LogSoftmax, torch.nn.LogSoftmax)
