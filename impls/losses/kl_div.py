r"""The Kullback-Leibler divergence of a target distribution from a prediction given as log-probabilities.

    l  = y log y - y x                     x = log q, the prediction;  y = p, and 0 log 0 = 0
    l  = eᵗ (t - x)                        log_target: t = log p
    L  = as in losses.loss, or batchmean:  Σ l / N, N the length of the first dimension, 1 if there is none
    ∂x = -y ∂l,        ∂y = (log y + 1 - x) ∂l
    ∂x = -eᵗ ∂l,       ∂t = (eᵗ (t - x) + eᵗ) ∂l

The divergence of a batch is batchmean: mean divides by the number of classes too, and native warns of it.  A class
that the target excludes costs nothing: 0 log 0 computed as a product is NaN (tests/planted: kl_div_zero_is_nan).  x is
a logarithm: of plain probabilities the result is a number like any other.

Shapes   x, y share one shape, any rank, 0 included.
Units    x, y and l are pure numbers.
Raises   ValueError where shapes differ (manual, raw; native broadcasts), or for another reduction;  custom and native
         warn of mean.
Source   Kullback and Leibler 1951, eq. 2.6; torch/nn/functional.py and ATen/native/Loss.cpp, kl_div (PyTorch 2.13).
"""

import functools
import warnings

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


@np.errstate(divide="ignore", invalid="ignore")
def kl_div_forward(
    x: np.ndarray, y: np.ndarray, *, reduction: str = "mean", log_target: bool = False
) -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    losses = np.exp(y) * (y - x) if log_target else np.where(y <= 0.0, 0.0, y * np.log(y)) - y * x
    n, reduction = _divisor(x, reduction)
    loss, reduced = reduce_forward(losses, x.dtype.type(n), reduction)
    return loss, (x, y, log_target, reduced)


@np.errstate(divide="ignore", invalid="ignore")
def kl_div_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    x, y, log_target, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    p = np.exp(y) if log_target else y
    dx = -p * dl if needs_x else None
    if not needs_y:
        return dx, None
    return dx, ((p * (y - x) + p) if log_target else (np.log(y) + 1.0 - x)) * dl


def _divisor(x, reduction):
    """What the sum is divided by, and the reduction that does it."""
    if reduction == "batchmean":
        return (x.shape[0] if x.ndim else 1), "mean"
    return x.size, reduction


kl_div_manual = Pair(kl_div_forward, kl_div_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def kl_div_raw(x: torch.Tensor, y: torch.Tensor, *, reduction: str = "mean", log_target: bool = False) -> torch.Tensor:
    check_shapes(x, y)
    losses = y.exp() * (y - x) if log_target else torch.xlogy(y, y) - y * x
    if reduction == "batchmean":
        return reduce_raw(losses, x.shape[0] if x.dim() else 1, "mean")
    return reduce_raw(losses, x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class KLDivLoss(Loss):
    """Drop-in for torch.nn.KLDivLoss, bit for bit on one CPU thread."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                stacklevel=2,
            )
        for refused, name in ((torch.is_complex, "Complex"), (_is_integral, "Integral")):
            if refused(input) or refused(target):
                raise RuntimeError(f"kl_div: {name} inputs not supported.")
        losses = target.exp() * (target - input) if self.log_target else _in_order(input, target, _takes_cross_first())
        if self.reduction == "batchmean":
            return losses.sum() / input.size(0) if input.dim() else losses.sum()
        return reduce_raw(losses, losses.numel(), self.reduction)


def _in_order(x, y, cross_first):
    """y log y - y x; the gradient of y is summed in the order in which the two are computed."""
    if cross_first:
        cross = y * x
        return torch.xlogy(y, y) - cross
    return torch.xlogy(y, y) - y * x


@functools.cache
def _takes_cross_first():
    """The order is not in torch's source but its compiler's choice: y x first on x86, last on Arm."""
    x, y, dy = (torch.tensor(number, dtype=torch.float64) for number in (2.0**-11, 0.5, 0.7))  # which tell them apart
    with torch.enable_grad():
        y.requires_grad_()
        ways = (torch.nn.functional.kl_div(x, y, reduction="sum"), _in_order(x, y, True))
        native, cross_first = (torch.autograd.grad(way, y, dy)[0] for way in ways)
    return torch.equal(native, cross_first)


def _is_integral(x):
    return not x.is_floating_point()


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(kl_div_manual, kl_div_raw, KLDivLoss, torch.nn.KLDivLoss)
