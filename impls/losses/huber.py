r"""Huber's loss: squared near 0, and beyond δ as steep as it is there.

    d  = x - y
    l  = d²/2    if |d| ≤ δ,   else δ (|d| - δ/2)       δ delta;  then reduced, see losses.loss
    ∂x = d ∂l    if |d| ≤ δ,   else δ sign(d) ∂l,       ∂y = -∂x

The gradient is d cut off at ±δ.  It is δ times the smooth absolute error of β = δ: without the factor the two are
confused wherever δ is not 1 (tests/planted: huber_without_its_scale).

Shapes   x, y share one shape, any rank, 0 included.
Units    [l] = [x]², [x] = [y] = [δ].
Raises   for δ ≤ 0 ValueError (manual, raw) or native's RuntimeError;  TypeError for δ that is no number (custom);
         ValueError where shapes differ (manual, raw), or for another reduction;  native and custom warn of shapes.
Source   Huber 1964; ATen/native/cpu/BinaryOpsKernel.cpp, huber_kernel (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def huber_forward(
    x: np.ndarray, y: np.ndarray, *, reduction: str = "mean", delta: float = 1.0
) -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    _check_delta(delta)
    d = x - y
    size = abs(d)
    losses = np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    loss, reduced = reduce_forward(losses, count(d), reduction)
    return loss, (d, delta, reduced)


def huber_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    d, delta, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dx = np.where(abs(d) <= delta, d, delta * np.sign(d)) * dl
    return dx if needs_x else None, -dx if needs_y else None


def _check_delta(delta):
    if delta <= 0:
        raise ValueError(f"delta must be positive, but is {delta}")


huber_manual = Pair(huber_forward, huber_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def huber_raw(x: torch.Tensor, y: torch.Tensor, *, reduction: str = "mean", delta: float = 1.0) -> torch.Tensor:
    check_shapes(x, y)
    _check_delta(delta)
    size = (x - y).abs()
    return reduce_raw(torch.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta)), x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class HuberLoss(Loss):
    """Drop-in for torch.nn.HuberLoss, bit for bit on one CPU thread."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        if TORCH >= (2, 13) and not isinstance(delta, float | int):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Left to autograd, a mean scales the gradient elsewhere: only huber_loss has native's bits.
        return torch.nn.functional.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(huber_manual, huber_raw, HuberLoss, torch.nn.HuberLoss)
