r"""The cross entropy of logits.

    log p = z - max z - log Σ exp(z - max z)                          along the classes c = 1, …, C
    t     = the target: probabilities, or 1 for the target's class and 0 for the others
    q     = (1 - ε) t + ε/C                                           ε label_smoothing
    l     = -Σ w q log p,  or 0 in a row that is ignored              w weight of a class, else 1
    L     = l,  Σ l,  or  Σ l / n;   n = Σ w t over the rows that count;  of probabilities, the number of rows
    ∂z    = (p Σ w q - w q) ∂l,      ∂t = -(1 - ε) w log p ∂l

A mean over class indices is a weighted mean: n leaves ignored rows out and counts a row as often as its class weighs.
Divided by the number of rows, the loss and the learning rate depend on the padding (tests/planted:
cross_entropy_mean_over_rows).  ε is spread over all C classes, the right one included.  Without the maximum exp
overflows at z = 89 in float32.

Shapes   z (C,) or (N, C, …);  class indices like z without its classes, probabilities like z;  w (C,).
Units    z, p, t and l are pure numbers.
Raises   IndexError for a target that is neither a class nor ignored (raw: RuntimeError);  ValueError for another
         reduction;  custom: native's RuntimeErrors for smoothing > 1 and what does not go with probabilities.
Source   Szegedy et al. 2016, for ε; torch/nn/modules/loss.py and ATen/native/LossNLL.cpp (PyTorch 2.13).
"""

from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, count, reduce_backward, reduce_forward, reduce_raw
from impls.losses.nll import one_hot, spread

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Saved(NamedTuple):
    log_p: np.ndarray
    w: np.ndarray
    t: np.ndarray
    counts: np.ndarray | bool  # which rows are not ignored
    label_smoothing: float
    axis: int  # of the classes
    reduced: tuple


@np.errstate(invalid="ignore")  # n is 0 where no row counts
def cross_entropy_forward(
    logits: np.ndarray,
    target: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[np.ndarray, tuple]:
    """Return (loss, saved); a target of the shape of the logits holds probabilities, any other class indices."""
    axis = min(1, logits.ndim - 1)
    log_p = _log_softmax(logits, axis)
    w = spread(np.ones(logits.shape[axis], logits.dtype) if weight is None else weight, logits, axis)
    weighted = w * log_p
    if target.shape == logits.shape:
        t = target
        counts: np.ndarray | bool = True
        losses = -(t * weighted).sum(axis)
        n = count(losses)
    else:
        chosen, counts = one_hot(target, logits, axis, ignore_index)
        t = chosen.astype(logits.dtype)
        losses = -np.where(chosen, weighted, 0.0).sum(axis)  # where p = 0, t * weighted would be 0 times infinity
        n = (w * t).sum()
    if label_smoothing:
        uniform = -np.where(counts, weighted, 0.0).sum(axis)
        losses = (1 - label_smoothing) * losses + label_smoothing / logits.shape[axis] * uniform
    loss, reduced = reduce_forward(losses, n, reduction)
    return loss, Saved(log_p, w, t, counts, label_smoothing, axis, reduced)


@np.errstate(divide="ignore", invalid="ignore")
def cross_entropy_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    """Return (gradient of the logits, gradient of the target); of a target only probabilities have one."""
    log_p, w, t, counts, label_smoothing, axis, reduced = saved
    needs_logits, needs_target = needs_input_grad
    (dl,), (_, reduction) = reduce_backward(dy, reduced), reduced
    if reduction == "none":
        dl = dl.reshape(*log_p.shape[:axis], 1, *log_p.shape[axis + 1 :])
    p = np.exp(log_p)
    dz = _pull(p, w * t, axis)
    if label_smoothing:
        dz = (1 - label_smoothing) * dz + label_smoothing / log_p.shape[axis] * _pull(p, w, axis)
    dz = np.where(counts, dz * dl, 0.0)  # in rows that do not count dz is 0, and dl is 1/0 when none does
    dt = -(1 - label_smoothing) * (w * log_p) * dl if needs_target else None
    return dz if needs_logits else None, dt


def _log_softmax(z, axis):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def _pull(p, a, axis):
    """The gradient of -sum(a * log p) with respect to the logits."""
    return p * a.sum(axis=axis, keepdims=True) - a


cross_entropy_manual = Pair(cross_entropy_forward, cross_entropy_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def cross_entropy_raw(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    weight: torch.Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    axis = min(1, logits.dim() - 1)
    shifted = logits - logits.amax(axis, keepdim=True).detach()  # the shift cancels: it has no gradient
    log_p = shifted - shifted.exp().sum(axis, keepdim=True).log()
    w = logits.new_ones(logits.shape[axis]) if weight is None else weight
    weighted = log_p * w.view([-1 if i == axis else 1 for i in range(logits.dim())])
    if target.shape == logits.shape:
        losses, counts = -(target * weighted).sum(axis), target.new_ones(()).bool()
        n: torch.Tensor | int = losses.numel()
    else:
        counts = target != ignore_index
        index = target.where(counts, 0)
        losses = -weighted.gather(axis, index.unsqueeze(axis)).squeeze(axis)
        n = w[index].where(counts, 0).sum()
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing / logits.shape[axis] * weighted.sum(axis)
    return reduce_raw(losses.where(counts, 0), n, reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class CrossEntropyLoss(Loss):
    """Drop-in for torch.nn.CrossEntropyLoss, bit for bit on one CPU thread."""

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.label_smoothing > 1.0:
            raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {self.label_smoothing:g}")
        axis = 0 if input.dim() == 1 else 1
        if target.size() == input.size():
            return self._of_probabilities(input, target, axis)
        log_p = input.log_softmax(axis)
        # Summed by hand the losses round in another order: only nll_loss has native's bits.
        loss = torch.nn.functional.nll_loss(
            log_p, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )
        if not self.label_smoothing > 0.0:
            return loss
        uniform = self._uniform(log_p, target, axis)
        return (1 - self.label_smoothing) * loss + uniform * (self.label_smoothing / log_p.size(axis))

    def _uniform(self, log_p, target, axis):
        """The loss against all classes alike."""
        counts = target != self.ignore_index
        losses = -self._weighted(log_p, axis).sum(axis)
        n = counts.sum() if self.weight is None else self.weight.gather(0, target[counts]).sum()
        return reduce_raw(losses.masked_fill_(~counts, 0.0), n, self.reduction)

    def _of_probabilities(self, input, target, axis):
        if not target.is_floating_point():
            kind = target.type().removeprefix("torch.").removesuffix("Tensor")
            raise RuntimeError(f"Expected floating point type for target with class probabilities, got {kind}")
        if self.ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        classes = input.size(axis)
        if self.weight is not None and self.weight.shape != (classes,):
            raise RuntimeError(
                f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes "
                f"but got weight tensor of shape: {list(self.weight.shape)}"
            )
        if self.label_smoothing > 0.0:
            target = target * (1 - self.label_smoothing) + self.label_smoothing / classes
        terms = self._weighted(input.log_softmax(axis) * target, axis)
        if self.reduction == "none":
            return -terms.sum(axis)
        return -reduce_raw(terms, terms.numel() // classes, self.reduction)

    def _weighted(self, x, axis):
        return x if self.weight is None else x * self.weight.view([-1 if i == axis else 1 for i in range(x.dim())])


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(cross_entropy_manual, cross_entropy_raw, CrossEntropyLoss, torch.nn.CrossEntropyLoss)
