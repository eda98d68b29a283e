r"""The leaky rectifier.

    y  = x if x > 0 else a x                   a negative_slope
    ∂x = ∂y if x > 0 else a ∂y

The derivative at 0 is a, the lower side's, where the rectifier's is 0 (tests/planted: leaky_relu_passes_at_zero).
max(x, a x) is the same while a ≤ 1, and only then (tests/planted: leaky_relu_is_a_maximum).

Shapes   x, y share one shape, any rank, 0 included.
Units    [y] = [x];  a is a pure number.
Raises   custom and native: RuntimeError in place with a ≤ 0, once the gradient is asked for.
Source   Maas et al. 2013, eq. 2; torch/nn/modules/activation.py, derivatives.yaml, leaky_relu (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def leaky_relu_forward(x: np.ndarray, *, negative_slope: float = 0.01) -> tuple[np.ndarray, Any]:
    return np.where(x <= 0.0, negative_slope * x, x), (x, negative_slope)


def leaky_relu_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    x, negative_slope = saved
    return (np.where(x <= 0.0, negative_slope * dy, dy) if needs_input_grad[0] else None,)


leaky_relu_manual = Pair(leaky_relu_forward, leaky_relu_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def leaky_relu_raw(x: torch.Tensor, *, negative_slope: float = 0.01) -> torch.Tensor:
    return torch.where(x > 0, x, negative_slope * x)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LeakyReLU(Module):
    """Drop-in for torch.nn.LeakyReLU, bit for bit."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # A selection adds the gradients of its branches, and so loses the sign of a zero.
        return torch.nn.functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{', inplace=True' if self.inplace else ''}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(leaky_relu_manual, leaky_relu_raw, LeakyReLU, torch.nn.LeakyReLU)
