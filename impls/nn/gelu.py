r"""The Gaussian error linear unit.

    y  = x Φ(x),                    Φ(x) = (1 + erf(x/√2)) / 2                        approximate "none"
    ∂x = ∂y (Φ(x) + x φ(x)),        φ(x) = exp(-x²/2) / √(2π)
    y  = x (1 + tanh u) / 2,        u = √(2/π) (x + 0.044715 x³)                      "tanh"
    ∂x = ∂y ((1 + tanh u) / 2 + x (1 - tanh² u) u' / 2),   u' = √(2/π) (1 + 3 · 0.044715 x²)

The two differ by up to 5 · 10⁻⁴: a model trained with the one and run with the other is another model, and many files
do not say which they mean (tests/planted: gelu_approximates).

Shapes   x, y share one shape, any rank, 0 included.
Units    x and y are pure numbers.
Raises   RuntimeError (manual and raw: ValueError) for another approximation.
Source   Hendrycks and Gimpel 2016; torch/nn/modules/activation.py, ATen/native/cpu/Activation.cpp (PyTorch 2.13).
"""

import math
from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────

_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none
ROOT_HALF, DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
SCALE, CUBE = math.sqrt(2 / math.pi), 0.044715


def gelu_forward(x: np.ndarray, *, approximate: str = "none") -> tuple[np.ndarray, Any]:
    _check(approximate)
    if approximate == "tanh":
        t = np.tanh(SCALE * (x + CUBE * (x * x * x)))
        return 0.5 * x * (1.0 + t), (x, t, approximate)
    z = ROOT_HALF * x
    cdf = normal_cdf(z)
    return x * cdf, (x, (z, cdf), approximate)


def gelu_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    x, kept, approximate = saved
    if not needs_input_grad[0]:
        return (None,)
    if approximate == "tanh":
        slope = SCALE * (1.0 + 3.0 * CUBE * (x * x))
        return (dy * (0.5 * (1.0 + kept) + 0.5 * x * (1.0 - kept * kept) * slope),)
    z, cdf = kept
    return (dy * (cdf + x * (DENSITY * np.exp(-z * z))),)


def normal_cdf(z: np.ndarray) -> np.ndarray:
    """The share of the normal distribution below z√2."""
    return 0.5 * (1.0 + erf(z))


def erf(x: np.ndarray) -> np.ndarray:
    """The error function of the standard library, element by element."""
    return _erf(x.reshape(-1)).astype(x.dtype).reshape(x.shape)


def _check(approximate):
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', but is {approximate!r}")


gelu_manual = Pair(gelu_forward, gelu_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def gelu_raw(x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    _check(approximate)
    if approximate == "tanh":
        return 0.5 * x * (1 + (SCALE * (x + CUBE * x * x * x)).tanh())
    return x * (0.5 * (1 + (x * ROOT_HALF).erf()))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class GELU(Module):
    """Drop-in for torch.nn.GELU, bit for bit."""

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # Autograd takes the factors of the derivative in another order: only gelu has native's bits.
        return torch.nn.functional.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(gelu_manual, gelu_raw, GELU, torch.nn.GELU)
