r"""The absolute error.

    d  = x - y
    l  = |d|                      then reduced, see losses.loss
    ∂x = sign(d) ∂l,   ∂y = -∂x

The derivative at 0 is 0: a prediction that is right is left alone.  A sign that is 1 or -1 there pushes it off again
(tests/planted: l1_pushes_what_is_right).  As of the squared error, x and y have one shape.

Shapes   x, y share one shape, any rank, 0 included.
Units    [l] = [x] = [y].
Raises   ValueError where shapes differ (manual, raw), or for another reduction;  native and custom warn of shapes.
Source   Laplace 1774; torch/nn/functional.py and ATen/native/Loss.cpp, l1_loss (PyTorch 2.13).
"""

import warnings

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def l1_forward(x: np.ndarray, y: np.ndarray, *, reduction: str = "mean") -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    d = x - y
    loss, reduced = reduce_forward(abs(d), count(d), reduction)
    return loss, (d, reduced)


def l1_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    d, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dx = np.sign(d) * dl
    return dx if needs_x else None, -dx if needs_y else None


l1_manual = Pair(l1_forward, l1_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def l1_raw(x: torch.Tensor, y: torch.Tensor, *, reduction: str = "mean") -> torch.Tensor:
    check_shapes(x, y)
    return reduce_raw((x - y).abs(), x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class L1Loss(Loss):
    """Drop-in for torch.nn.L1Loss, bit for bit on one CPU thread."""

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if target.size() != input.size():
            warnings.warn(
                f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
                "This will likely lead to incorrect results due to broadcasting. "
                "Please ensure they have the same size.",
                stacklevel=2,
            )
        losses = (input - target).abs()
        return reduce_raw(losses, losses.numel(), self.reduction)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(l1_manual, l1_raw, L1Loss, torch.nn.L1Loss)
