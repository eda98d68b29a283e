r"""The softmax.

    y  = exp(x - max x) / Σ exp(x - max x)               along one dimension
    ∂x = y (∂y - Σ ∂y y)

The maximum cancels, and without it exp overflows at x = 89 in float32 (tests/planted: softmax_overflows); it is one for
each row, not one for all.  Its derivative is no diagonal: each probability pulls at every logit (tests/planted:
softmax_derivative_is_diagonal).

Shapes   x, y share one shape, any rank, 0 included;  dim one of its dimensions.
Units    x and y are pure numbers.
Raises   IndexError for a dimension that is not there (NumPy: AxisError, which is one).  custom and native choose a
         dimension for None, and warn of it.
Source   Bridle 1990; torch/nn/modules/activation.py and ATen/native/SoftMax.cpp (PyTorch 2.13).
"""

import warnings
from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def softmax_forward(x: np.ndarray, *, dim: int) -> tuple[np.ndarray, Any]:
    e = np.exp(x - x.max(axis=dim, keepdims=True))
    y = e / e.sum(axis=dim, keepdims=True)
    return y, (y, dim)


def softmax_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    y, dim = saved
    return (y * (dy - (dy * y).sum(axis=dim, keepdims=True)) if needs_input_grad[0] else None,)


softmax_manual = Pair(softmax_forward, softmax_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def softmax_raw(x: torch.Tensor, *, dim: int) -> torch.Tensor:
    e = (x - x.amax(dim, keepdim=True).detach()).exp()
    return e / e.sum(dim, keepdim=True)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Softmax(Module):
    """Drop-in for torch.nn.Softmax, bit for bit."""

    def __init__(self, dim: int | None = None):
        check_dim(dim)
        super().__init__()
        self.dim = dim

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.softmax(chosen_dim(self.dim, input, "softmax"))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


def check_dim(dim: int | None) -> None:
    """Since torch 2.14 what is no dimension is refused at construction, True and False too."""
    if TORCH >= (2, 14) and dim is not None and (not isinstance(dim, int) or isinstance(dim, bool)):
        raise TypeError(f"dim must be an int or None, got {type(dim)}")


def chosen_dim(dim: int | None, input: torch.Tensor, name: str) -> int:
    """The dimension, or, with a warning, the one that torch chose when it was young."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=4,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(softmax_manual, softmax_raw, Softmax, torch.nn.Softmax)
