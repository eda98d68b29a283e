r"""The negative log-likelihood of log-probabilities.

    l  = -w x  of the target's class,  or 0 in a row that is ignored      w weight of a class, else 1
    L  = l,  Σ l,  or  Σ l / n;        n = Σ w of the targets that count
    ∂x = -w ∂l at the target's class, else 0

It takes a logarithm, and does not look whether it was given one: behind a softmax instead of a log-softmax it trains,
and badly.  Its mean is a weighted one, as the cross entropy's, which is this after a log-softmax
(tests/planted: nll_mean_over_counted_rows).

Shapes   x (C,) or (N, C, …);  target like x without its classes;  w (C,).
Units    x and l are pure numbers.
Raises   IndexError for a target that is neither a class nor ignored (raw: RuntimeError);  ValueError for another
         reduction.
Source   Fisher 1912; torch/nn/modules/loss.py and ATen/native/LossNLL.cpp (PyTorch 2.13).
"""

from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Saved(NamedTuple):
    chosen: np.ndarray
    w: np.ndarray
    axis: int  # of the classes
    reduced: tuple


@np.errstate(invalid="ignore")  # n is 0 where no row counts
def nll_forward(
    x: np.ndarray,
    target: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[np.ndarray, tuple]:
    axis = min(1, x.ndim - 1)
    w = spread(np.ones(x.shape[axis], x.dtype) if weight is None else weight, x, axis)
    chosen, _ = one_hot(target, x, axis, ignore_index)
    losses = -np.where(chosen, w * x, 0.0).sum(axis)  # where x = -inf, a product with 0 would be NaN
    loss, reduced = reduce_forward(losses, (w * chosen.astype(x.dtype)).sum(), reduction)
    return loss, Saved(chosen, w, axis, reduced)


@np.errstate(divide="ignore", invalid="ignore")
def nll_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    chosen, w, axis, reduced = saved
    if not needs_input_grad[0]:
        return None, None
    (dl,), (_, reduction) = reduce_backward(dy, reduced), reduced
    if reduction == "none":
        dl = dl.reshape(*chosen.shape[:axis], 1, *chosen.shape[axis + 1 :])
    return np.where(chosen, -w * dl, 0.0), None


def spread(per_class: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """What there is one of for each class, along the axis of the classes."""
    return per_class.reshape(*[-1 if i == axis else 1 for i in range(x.ndim)])


def one_hot(target: np.ndarray, x: np.ndarray, axis: int, ignore_index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (where the target's class is, which rows count)."""
    target, classes = np.expand_dims(target, axis), x.shape[axis]
    counts = target != ignore_index
    wrong = target[counts & ((target < 0) | (target >= classes))]
    if wrong.size:
        raise IndexError(f"Target {wrong[0]} is out of bounds.")
    return counts & (target == spread(np.arange(classes), x, axis)), counts


nll_manual = Pair(nll_forward, nll_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def nll_raw(
    x: torch.Tensor,
    target: torch.Tensor,
    *,
    weight: torch.Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> torch.Tensor:
    axis = min(1, x.dim() - 1)
    counts = target != ignore_index
    index = target.where(counts, 0)
    w = (x.new_ones(x.shape[axis]) if weight is None else weight)[index]
    losses = -w * x.gather(axis, index.unsqueeze(axis)).squeeze(axis)
    return reduce_raw(losses.where(counts, 0), w.where(counts, 0).sum(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class NLLLoss(Loss):
    """Drop-in for torch.nn.NLLLoss, bit for bit on one CPU thread."""

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Summed by hand the losses round in another order: only nll_loss has native's bits.
        return torch.nn.functional.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(nll_manual, nll_raw, NLLLoss, torch.nn.NLLLoss)
