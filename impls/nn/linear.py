r"""The linear layer.

    y  = x wᵀ + b
    ∂x = ∂y w        ∂w = Σ ∂yᵀ x        ∂b = Σ ∂y          Σ over all leading dimensions
    at first  w ~ U(-β, β),  then  b ~ U(-1/√k, 1/√k),      k in_features,  β = √3 · √(2/(1 + √5²)) / √k

w holds one row per output, Keras's and Flax's kernel one column.  β is 1/√k in exact arithmetic, but is computed the
long way round, see init.kaiming_uniform, and w is drawn before b: who draws b first has another model from the same
seed (tests/planted: linear_draws_bias_first).

Shapes   x (…, k), w (out, k), b (out,) or None, y (…, out);  … is any number of dimensions, none included.
Units    [y] = [x] [w] = [b].
Raises   what the product raises where shapes do not fit.
Source   LeCun et al. 1998, Efficient BackProp, for the scale; torch/nn/modules/linear.py (PyTorch 2.13).
"""

import math
from typing import Any

import numpy as np
import torch

from impls.init.kaiming_uniform import kaiming_uniform_, kaiming_uniform_manual, kaiming_uniform_raw
from impls.init.uniform import uniform_, uniform_manual, uniform_raw
from impls.init.xavier_uniform import fans
from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.nn.parameter import Parameter, parameter_raw
from impls.rng import State

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> tuple[np.ndarray, Any]:
    y = x @ w.T
    return (y if b is None else y + b), (x, w)


def linear_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True, True)) -> Grads:
    """Return (dx, dw, db); a layer without b is asked for two gradients, and db is None."""
    x, w = saved
    needs_x, needs_w, *needs_b = needs_input_grad
    rows = _rows(dy)
    dx = dy @ w if needs_x else None
    dw = rows.T @ _rows(x) if needs_w else None
    db = rows.sum(axis=0) if any(needs_b) else None
    return dx, dw, db


def _rows(a):
    """All leading dimensions as one."""
    return a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def linear_init(
    rng: State, in_features: int, out_features: int, bias: bool = True, dtype: type = np.float32
) -> tuple[dict[str, np.ndarray], State]:
    """Return ({"weight": w, "bias": b}, rng), torch's from the same seed."""
    w, rng = kaiming_uniform_manual(rng, (out_features, in_features), SLOPE, dtype=dtype)
    if not bias:
        return {"weight": w}, rng
    bound = bias_bound(w.shape)
    b, rng = uniform_manual(rng, (out_features,), -bound, bound, dtype)
    return {"weight": w, "bias": b}, rng


SLOPE = math.sqrt(5)  # of a rectifier that nobody has: it makes β 1/√k


def bias_bound(shape: tuple[int, ...]) -> float:
    inputs, _ = fans(shape)
    return 1 / math.sqrt(inputs) if inputs else 0


linear_manual = Pair(linear_forward, linear_backward, linear_init)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def linear_raw(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    y = x @ weight.T
    return y if bias is None else y + bias


def linear_init_raw(
    generator: torch.Generator,
    in_features: int,
    out_features: int,
    bias: bool = True,
    dtype: torch.dtype = torch.float32,
) -> tuple[dict[str, torch.Tensor], torch.Generator]:
    """Return ({"weight": w, "bias": b}, generator), two leaves."""
    w, generator = kaiming_uniform_raw(generator, (out_features, in_features), SLOPE, dtype=dtype)
    if not bias:
        return {"weight": parameter_raw(w)}, generator
    bound = bias_bound(w.shape)
    b, generator = uniform_raw(generator, (out_features,), -bound, bound, dtype)
    return {"weight": parameter_raw(w), "bias": parameter_raw(b)}, generator


linear_raw.init = linear_init_raw  # type: ignore[attr-defined]  # where the manual rung has it, in a Pair

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Linear(Module):
    """Drop-in for torch.nn.Linear, bit for bit on one CPU thread."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        kaiming_uniform_(self.weight, SLOPE)
        if self.bias is not None:
            bound = bias_bound(self.weight.shape)
            uniform_(self.bias, -bound, bound)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # x @ w.T + b rounds once more: only the fused product has native's bits.
        return torch.nn.functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(linear_manual, linear_raw, Linear, torch.nn.Linear)
