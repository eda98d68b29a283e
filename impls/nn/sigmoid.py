r"""The logistic function.

    y  = 1 / (1 + exp(-x)) = exp(min(x, 0)) / (1 + exp(-|x|))
    ∂x = ∂y (1 - y) y

Written as it stands it overflows for large negative x, and exp(x) / (1 + exp(x)) for large positive: exp is asked of
what is not positive, and is never above 1 (tests/planted: sigmoid_overflows).  Native overflows to 1/∞ = 0 where
y would be subnormal, below x = -88.7 in float32.  The derivative wants y, not x (tests/planted:
sigmoid_derivative_of_x).

Shapes   x, y share one shape, any rank, 0 included.
Units    x and y are pure numbers.
Raises   nothing.
Source   Verhulst 1845; torch/nn/modules/activation.py and derivatives.yaml, sigmoid (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, Any]:
    y = np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-abs(x)))
    return y, y


def sigmoid_backward(dy: np.ndarray, y: np.ndarray, needs_input_grad: Needs = (True,)) -> Grads:
    return (dy * ((1.0 - y) * y) if needs_input_grad[0] else None,)


sigmoid_manual = Pair(sigmoid_forward, sigmoid_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sigmoid_raw(x: torch.Tensor) -> torch.Tensor:
    return x.sigmoid()  # as exp is, a function with a derivative


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Sigmoid(Module):
    """Drop-in for torch.nn.Sigmoid, bit for bit."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(input)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(sigmoid_manual, sigmoid_raw, Sigmoid, torch.nn.Sigmoid)
