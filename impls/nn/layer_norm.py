r"""Layer normalization: each row on its own, to mean 0 and variance 1.

    μ  = mean x,   v = mean (x - μ)²,   r = 1/√(v + ε)        over the last dimensions, normalized_shape
    n  = (x - μ) r
    y  = n w + b
    ∂x = g - mean g - n mean(g n),   g = r w ∂y
    ∂w = Σ ∂y n,    ∂b = Σ ∂y              Σ over the dimensions before them

The variance is the biased one, divided by the number of elements, and ε stands under the root: added to √v it is
another layer wherever v is small (tests/planted: layer_norm_epsilon_outside_the_root).  Whatever is normalized the
gradient has mean 0 and is orthogonal to n, for neither a shift nor a scale of x is seen.

Shapes   x (…, *normalized_shape);  w, b normalized_shape, or None;  y like x.
Units    [y] = [w] = [b];  n is a pure number;  [ε] = [x]².
Raises   native's RuntimeError for an x of another shape.
Source   Ba et al. 2016, eq. 3 and 4; torch/nn/modules/normalization.py, ATen/native/cpu/layer_norm_kernel.cpp (PyTorch
         2.13), where ε is 10⁻⁵; TensorFlow's is 10⁻³.
"""

import numbers
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.nn.parameter import Parameter
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Saved(NamedTuple):
    x: np.ndarray
    r: np.ndarray
    normal: np.ndarray
    w: np.ndarray | None
    axes: tuple[int, ...]


def layer_norm_forward(
    x: np.ndarray, w: np.ndarray | None = None, b: np.ndarray | None = None, *, normalized_shape: Any, eps: float = 1e-5
) -> tuple[np.ndarray, Any]:
    axes = last_axes(normalized_shape)
    mean = x.mean(axis=axes, keepdims=True)
    d = x - mean
    r = rsqrt((d * d).mean(axis=axes, keepdims=True) + eps)
    normal = d * r
    y = normal if w is None else normal * w
    return (y if b is None else y + b), Saved(x, r, normal, w, axes)


def layer_norm_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True, True)) -> Grads:
    """Return (dx, dw, db); a layer without w or b is asked for fewer gradients."""
    x, r, normal, w, axes = saved
    needs_x, *needs = needs_input_grad
    needs_w, needs_b = [*needs, False, False][:2]
    rows = tuple(range(x.ndim - len(axes)))
    dw = (dy * normal).sum(axis=rows) if needs_w else None
    db = dy.sum(axis=rows) if needs_b else None
    if not needs_x:
        return None, dw, db
    g = dy * r if w is None else dy * w * r
    mean = lambda a: a.mean(axis=axes, keepdims=True)
    return g - mean(g) - normal * mean(g * normal), dw, db


def rsqrt(x: np.ndarray) -> np.ndarray:
    return 1.0 / np.sqrt(x)


def last_axes(normalized_shape: Any) -> tuple[int, ...]:
    """The last dimensions, as many as the shape has; an integer is a shape of one."""
    n = 1 if isinstance(normalized_shape, numbers.Integral) else len(normalized_shape)
    return tuple(range(-n, 0))


layer_norm_manual = Pair(layer_norm_forward, layer_norm_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def layer_norm_raw(
    x: torch.Tensor,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    normalized_shape: Any,
    eps: float = 1e-5,
) -> torch.Tensor:
    axes = last_axes(normalized_shape)
    d = x - x.mean(axes, keepdim=True)
    y = d / ((d * d).mean(axes, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LayerNorm(Module):
    """Drop-in for torch.nn.LayerNorm, bit for bit on one CPU thread."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        is_one = isinstance(normalized_shape, numbers.Integral)
        self.normalized_shape = (normalized_shape,) if is_one else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, there in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            values = torch.empty(self.normalized_shape, device=device, dtype=dtype) if there else None
            self.register_parameter(name, Parameter(values) if there else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        with torch.no_grad():
            if self.weight is not None:
                self.weight.fill_(1.0)
            if self.bias is not None:
                self.bias.fill_(0.0)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # Its mean and variance come out of one pass, and the row is scaled and shifted: only layer_norm has its bits.
        return torch.nn.functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        bias = f", bias={self.bias is not None}" if TORCH >= (2, 12) else ""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}{bias}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(layer_norm_manual, layer_norm_raw, LayerNorm, torch.nn.LayerNorm)
