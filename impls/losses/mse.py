r"""The mean squared error.

    d  = x - y
    l  = d²                       then reduced, see losses.loss
    ∂x = 2d ∂l,   ∂y = -∂x

The derivative keeps its 2: there is no ½ in front.  And x and y have one shape: a column minus a row is a square, whose
mean is small only when all predictions are alike, the commonest reason why a model "does not learn".  Native and custom
warn of it, manual and raw refuse (tests/planted: mse_broadcasts).

Shapes   x, y share one shape, any rank, 0 included.
Units    [l] = [x]², [x] = [y].
Raises   ValueError where shapes differ (manual, raw), or for another reduction.
Source   Gauss 1809; torch/nn/modules/loss.py and ATen/native/cpu/PointwiseOpsKernel.cpp (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def mse_forward(x: np.ndarray, y: np.ndarray, *, reduction: str = "mean") -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    d = x - y
    loss, reduced = reduce_forward(d * d, count(d), reduction)
    return loss, (d, reduced)


def mse_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    d, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dx = 2.0 * dl * d
    return dx if needs_x else None, -dx if needs_y else None


mse_manual = Pair(mse_forward, mse_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def mse_raw(x: torch.Tensor, y: torch.Tensor, *, reduction: str = "mean") -> torch.Tensor:
    check_shapes(x, y)
    return reduce_raw((x - y) ** 2, x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class MSELoss(Loss):
    """Drop-in for torch.nn.MSELoss, bit for bit on one CPU thread."""

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Left to autograd, a mean scales the gradient by 1/n before the 2d, and that rounds elsewhere: only mse_loss
        # has native's bits for any gradient that arrives.  It also warns where the shapes differ.
        return torch.nn.functional.mse_loss(input, target, reduction=self.reduction)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(mse_manual, mse_raw, MSELoss, torch.nn.MSELoss)
