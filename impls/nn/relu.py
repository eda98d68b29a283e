r"""The rectifier.

    y  = max(x, 0)
    ∂x = 0 if x ≤ 0 else ∂y

The derivative at 0 is 0, though either side's would do.  torch.clamp(x, min=0) has the same values, but its derivative
at the bound is 1, as is that of a mask x ≥ 0: dead inputs are exactly 0, so it shows (tests/planted:
relu_lets_zero_through).  NaN is not ≤ 0: it passes, in both directions.

Shapes   x, y share one shape, any rank, 0 included.
Units    [y] = [x].
Raises   raw, custom and native: RuntimeError for booleans.
Source   Nair and Hinton 2010; torch/nn/modules/activation.py and derivatives.yaml, relu (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, Any]:
    return np.maximum(x, 0.0), x


def relu_backward(dy: np.ndarray, x: np.ndarray, needs_input_grad: Needs = (True,)) -> Grads:
    return (np.where(x <= 0.0, 0.0, dy) if needs_input_grad[0] else None,)


relu_manual = Pair(relu_forward, relu_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def relu_raw(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x <= 0, 0, x)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ReLU(Module):
    """Drop-in for torch.nn.ReLU, bit for bit."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # No other operation keeps the sign of -0.0 and has the derivative 0 there.
        return torch.relu_(input) if self.inplace else torch.relu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(relu_manual, relu_raw, ReLU, torch.nn.ReLU)
