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

import numpy as np
import torch

from impls.ladder import Ladder, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def leaky_relu_forward(x, *, negative_slope=0.01):
    return np.where(x <= 0.0, negative_slope * x, x), (x, negative_slope)


def leaky_relu_backward(dy, saved, needs_input_grad=(True,)):
    x, negative_slope = saved
    return (np.where(x <= 0.0, negative_slope * dy, dy) if needs_input_grad[0] else None,)


leaky_relu_manual = Pair(leaky_relu_forward, leaky_relu_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def leaky_relu_raw(x, *, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope * x)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LeakyReLU(Module):
    """Drop-in for torch.nn.LeakyReLU, bit for bit."""

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input):
        # A selection adds the gradients of its branches, and so loses the sign of a zero.
        return torch.nn.functional.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}{', inplace=True' if self.inplace else ''}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(leaky_relu_manual, leaky_relu_raw, LeakyReLU, torch.nn.LeakyReLU)
