r"""What every loss shares: how many losses become one number.

    none   L = l              ∂l = ∂L
    sum    L = Σ l            ∂l = ∂L
    mean   L = Σ l / n        ∂l = ∂L / n

n counts elements, not rows: the mean over a batch of 64 rows of 10 divides by 640.  Where elements have weights, n is
their sum, and a mean over nothing is 0/0, NaN, never 0 (tests/planted: mse_mean_over_rows).

Shapes   l any, 0 included;  L of the shape of l for none, else ().
Units    [L] = [l];  n is a pure number, or has the unit of the weights.
Raises   ValueError for another reduction;  check_shapes, for manual and raw: ValueError where shapes differ.
Source   torch/nn/_reduction.py, torch/nn/modules/loss.py (PyTorch 2.13).
"""

import numpy as np
from torch.nn import _reduction  # private: who passes the flags that `reduction` replaced is warned in torch's words

from impls.ladder import Absent, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def reduce_forward(losses: np.ndarray, n: np.floating, reduction: str = "mean") -> tuple[np.ndarray, tuple]:
    """Return (loss, saved)."""
    return _reduced(losses, n, reduction), (n, reduction)


def reduce_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True,)) -> tuple:
    """Return (gradient of the losses,), or (number,) where it is the same for all."""
    n, reduction = saved
    if not needs_input_grad[0]:
        return (None,)
    return (dy / n if reduction == "mean" else dy,)


def count(losses: np.ndarray) -> np.floating:
    """How many there are, in their dtype; of none, NaN, to which 0/0 comes without a warning."""
    return losses.dtype.type(losses.size or np.nan)


def check_shapes(x, y):
    """Refuse what native would broadcast."""
    if x.shape != y.shape:
        raise ValueError(f"Target has shape {tuple(y.shape)}, input {tuple(x.shape)}: they would be broadcast")


def _reduced(losses, n, reduction="mean"):
    if reduction == "mean":
        return losses.sum() / n
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"{reduction} is not a valid value for reduction")


reduce_manual = Pair(reduce_forward, reduce_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────

reduce_raw = _reduced  # arrays and tensors are summed and divided by the same words

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Loss(Module):
    """Drop-in for the constructor that torch's losses share."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"):
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = _reduction.legacy_get_string(size_average, reduce)
        self.reduction = reduction


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(reduce_manual, reduce_raw, Loss, Absent("the base class of torch's losses is private"))
