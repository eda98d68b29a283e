r"""The rate falls to zero along a power of the straight line.

    lr(t) = lr · (1 - min(t, T)/T)^p                     p power, T total_iters

After T steps the rate stays 0: without the minimum an odd power turns negative and an even one grows again
(tests/planted: polynomial_lr_never_ends).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  p is a pure number, T a count.
Raises   nothing; the closed form, which custom and native take at step(epoch), divides by T.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def polynomial_lr_manual(t: int, lr: float, *, total_iters: int = 5, power: float = 1.0) -> float:
    """The rate after t steps, in closed form."""
    return lr * (1 - min(t, total_iters) / total_iters) ** power


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def polynomial_lr_raw(t: int, lr: float, *, total_iters: int = 5, power: float = 1.0) -> float:
    """The rate after t steps, given the one before."""
    if t == 0 or t > total_iters:
        return lr
    return lr * ((1 - t / total_iters) / (1 - (t - 1) / total_iters)) ** power


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class PolynomialLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.PolynomialLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs, t, end = values(self.optimizer, "lr"), self.last_epoch, self.total_iters
        if self._is_initial or t > end:
            return lrs
        factor = ((1.0 - t / end) / (1.0 - (t - 1) / end)) ** self.power
        return [lr * factor for lr in lrs]

    def _get_closed_form_lr(self):
        passed = min(self.total_iters, self.last_epoch)
        return [lr * (1.0 - passed / self.total_iters) ** self.power for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(polynomial_lr_manual, polynomial_lr_raw, PolynomialLR, torch.optim.lr_scheduler.PolynomialLR)
