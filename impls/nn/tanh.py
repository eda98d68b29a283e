r"""The hyperbolic tangent.

    y  = tanh x
    ∂x = ∂y (1 - y²)

The derivative wants y: 1 - x² is the derivative of something else, and the most frequent mistake in a network written
by hand (tests/planted: tanh_derivative_of_x).

Shapes   x, y share one shape, any rank, 0 included.
Units    x and y are pure numbers.
Raises   nothing.
Source   LeCun et al. 1998, Efficient BackProp; torch/nn/modules/activation.py, derivatives.yaml, tanh (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, Any]:
    y = np.tanh(x)
    return y, y


def tanh_backward(dy: np.ndarray, y: np.ndarray, needs_input_grad: Needs = (True,)) -> Grads:
    return (dy * (1.0 - y * y) if needs_input_grad[0] else None,)


tanh_manual = Pair(tanh_forward, tanh_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def tanh_raw(x: torch.Tensor) -> torch.Tensor:
    return x.tanh()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Tanh(Module):
    """Drop-in for torch.nn.Tanh, bit for bit."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return torch.tanh(input)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(tanh_manual, tanh_raw, Tanh, torch.nn.Tanh)
