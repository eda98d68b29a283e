r"""The sigmoid linear unit, or swish.

    y  = x σ(x)                                σ see nn.sigmoid
    ∂x = ∂y σ(x) (1 + x (1 - σ(x)))

It is not monotonic: the derivative is negative below x = -1.28, and a mask in its place, as for a rectifier, loses that
(tests/planted: silu_derivative_without_its_bend).

Shapes   x, y share one shape, any rank, 0 included.
Units    x and y are pure numbers.
Raises   nothing.
Source   Elfwing et al. 2018, eq. 5 and 6; torch/nn/modules/activation.py, derivatives.yaml, silu (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.nn.sigmoid import sigmoid_forward

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def silu_forward(x: np.ndarray) -> tuple[np.ndarray, Any]:
    s, _ = sigmoid_forward(x)
    return x * s, (x, s)


def silu_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    x, s = saved
    return (dy * (s * (1.0 + x * (1.0 - s))) if needs_input_grad[0] else None,)


silu_manual = Pair(silu_forward, silu_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def silu_raw(x: torch.Tensor) -> torch.Tensor:
    return x * x.sigmoid()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class SiLU(Module):
    """Drop-in for torch.nn.SiLU, bit for bit."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # x / (1 + exp(-x)), and not x times a rounded sigmoid: only silu has native's bits, and its derivative's.
        return torch.nn.functional.silu(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(silu_manual, silu_raw, SiLU, torch.nn.SiLU)
