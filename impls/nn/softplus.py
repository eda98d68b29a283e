r"""The smooth rectifier.

    y  = x if βx > τ else log(1 + exp(βx)) / β           β beta, τ threshold
    ∂x = ∂y if βx > τ else ∂y z / (1 + z),               z = exp(βx)

Beyond the threshold it is the identity by definition, not to the rounding: at τ = 20 the difference is 2 · 10⁻⁹, which
float64 sees (tests/planted: softplus_without_its_threshold).  The threshold is one of βx, not of x (tests/planted:
softplus_threshold_of_x).

Shapes   x, y share one shape, any rank, 0 included.
Units    [y] = [x] = 1 / [β];  τ is a pure number.
Raises   nothing.
Source   Dugas et al. 2001, eq. 6; torch/nn/modules/activation.py, ATen/native/cpu/Activation.cpp (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def softplus_forward(x: np.ndarray, *, beta: float = 1.0, threshold: float = 20.0) -> tuple[np.ndarray, Any]:
    scaled = beta * x
    z = np.exp(np.minimum(scaled, threshold))
    curved = scaled <= threshold
    return np.where(curved, np.log1p(z) / beta, x), (curved, z)


def softplus_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    curved, z = saved
    return (np.where(curved, dy * (z / (1.0 + z)), dy) if needs_input_grad[0] else None,)


softplus_manual = Pair(softplus_forward, softplus_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def softplus_raw(x: torch.Tensor, *, beta: float = 1.0, threshold: float = 20.0) -> torch.Tensor:
    scaled = x * beta
    curved = scaled <= threshold
    return torch.where(curved, scaled.where(curved, 0).exp().log1p() / beta, x)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Softplus(Module):
    """Drop-in for torch.nn.Softplus, bit for bit."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # Autograd divides by β what native has never multiplied: only softplus has native's bits.
        return torch.nn.functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(softplus_manual, softplus_raw, Softplus, torch.nn.Softplus)
