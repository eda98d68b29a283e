r"""Root mean square normalization: each row on its own, to mean square 1.

    r  = 1/√(mean x² + ε)        over the last dimensions, normalized_shape
    n  = x r
    y  = n w
    ∂x = g - n mean(g n),        g = r w ∂y
    ∂w = Σ ∂y n                  Σ over the dimensions before them

It is layer normalization without its mean: a row of equal numbers is scaled, not wiped out (tests/planted:
rms_norm_centred).  There is no shift, and ε, where none is given, is the machine epsilon of the type and not layer
normalization's 10⁻⁵ (tests/planted: rms_norm_epsilon_of_layer_norm).

Shapes   x (…, *normalized_shape);  w normalized_shape, or None;  y like x.
Units    [y] = [w];  n is a pure number;  [ε] = [x]².
Raises   custom: native's RuntimeError and ValueError for an x of another shape.
Source   Zhang and Sennrich 2019, eq. 4; torch/nn/modules/normalization.py, ATen/native/layer_norm.cpp (PyTorch 2.13).
"""

import numbers
from typing import Any

import numpy as np
import torch

from impls.init.ones import ones_
from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.layer_norm import last_axes, rsqrt
from impls.nn.module import Module
from impls.nn.parameter import Parameter

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def rms_norm_forward(
    x: np.ndarray, w: np.ndarray | None = None, *, normalized_shape: Any, eps: float | None = None
) -> tuple[np.ndarray, Any]:
    axes = last_axes(normalized_shape)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    r = rsqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    normal = x * r
    return (normal if w is None else normal * w), (r, normal, w, axes)


def rms_norm_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True)) -> Grads:
    """Return (dx, dw); a layer without w is asked for one gradient."""
    r, normal, w, axes = saved
    needs_x, *needs_w = needs_input_grad
    dw = (dy * normal).sum(axis=tuple(range(dy.ndim - len(axes)))) if any(needs_w) else None
    if not needs_x:
        return None, dw
    g = dy * r if w is None else dy * w * r
    return g - normal * (g * normal).mean(axis=axes, keepdims=True), dw


rms_norm_manual = Pair(rms_norm_forward, rms_norm_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def rms_norm_raw(
    x: torch.Tensor, weight: torch.Tensor | None = None, *, normalized_shape: Any, eps: float | None = None
) -> torch.Tensor:
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    y = x / ((x * x).mean(last_axes(normalized_shape), keepdim=True) + eps).sqrt()
    return y if weight is None else y * weight


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class RMSNorm(Module):
    """Drop-in for torch.nn.RMSNorm, bit for bit on one CPU thread."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        is_one = isinstance(normalized_shape, numbers.Integral)
        self.normalized_shape = (normalized_shape,) if is_one else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = torch.empty(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", Parameter(weight) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.elementwise_affine:
            ones_(self.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # In half precision, and on a card, it is not composed of what it seems to be: only rms_norm has its bits.
        return torch.nn.functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(rms_norm_manual, rms_norm_raw, RMSNorm, torch.nn.RMSNorm)
