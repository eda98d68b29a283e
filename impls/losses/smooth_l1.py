r"""The smooth absolute error: squared near 0, absolute beyond β.

    d  = x - y
    l  = d²/2β   if |d| < β,   else |d| - β/2          β beta;  then reduced, see losses.loss
    ∂x = d/β ∂l  if |d| < β,   else sign(d) ∂l,        ∂y = -∂x

Both pieces meet at β with slope 1, whatever β is; at β = 0 it is the absolute error.  It is Huber's loss divided by β:
who exchanges the two changes the learning rate (tests/planted: smooth_l1_is_hubers).  The piece depends on |d|: asked
of d itself, a large negative error is squared (tests/planted: smooth_l1_signed).

Shapes   x, y share one shape, any rank, 0 included.
Units    [l] = [x] = [y] = [β].
Raises   for β < 0 ValueError (manual, raw) or native's RuntimeError;  ValueError where shapes differ (manual, raw), or
         for another reduction;  native and custom warn of shapes.
Source   Girshick 2015, Fast R-CNN, eq. 3, where β = 1; ATen/native/cpu/BinaryOpsKernel.cpp (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


@np.errstate(divide="ignore", invalid="ignore")
def smooth_l1_forward(
    x: np.ndarray, y: np.ndarray, *, reduction: str = "mean", beta: float = 1.0
) -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    _check_beta(beta)
    d = x - y
    size = abs(d)
    losses = np.where(beta <= size, size - 0.5 * beta, 0.5 * size * size / beta)
    loss, reduced = reduce_forward(losses, count(d), reduction)
    return loss, (d, beta, reduced)


@np.errstate(divide="ignore", invalid="ignore")
def smooth_l1_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    d, beta, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dx = np.where(beta <= abs(d), np.sign(d), d / beta) * dl
    return dx if needs_x else None, -dx if needs_y else None


def _check_beta(beta):
    if beta < 0:
        raise ValueError(f"beta must not be negative, but is {beta}")


smooth_l1_manual = Pair(smooth_l1_forward, smooth_l1_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def smooth_l1_raw(x: torch.Tensor, y: torch.Tensor, *, reduction: str = "mean", beta: float = 1.0) -> torch.Tensor:
    check_shapes(x, y)
    _check_beta(beta)
    size = (x - y).abs()
    square = size * size * (0.5 / beta) if beta else 0.0
    return reduce_raw(torch.where(size >= beta, size - 0.5 * beta, square), x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class SmoothL1Loss(Loss):
    """Drop-in for torch.nn.SmoothL1Loss, bit for bit on one CPU thread."""

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0
    ):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Left to autograd, a mean scales the gradient elsewhere: only smooth_l1_loss has native's bits.
        return torch.nn.functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(smooth_l1_manual, smooth_l1_raw, SmoothL1Loss, torch.nn.SmoothL1Loss)
