r"""The rate is a part of what it should be, for some steps.

    lr(t) = lr · (f if t < T else 1)                     f factor, T total_iters

The full rate is back at t = T, not after it (tests/planted: constant_lr_one_step_too_long).  The chained form takes
the part away by dividing by f, which rounds, so the rate it comes back to need not be lr to the last bit; and with
T = 0 it never does, because it has lowered the rate at construction.

Shapes   one rate per group.
Units    [lr] is the optimizer's;  f is a pure number, T a count.
Raises   custom as native: ValueError if f lies outside [0, 1]; ZeroDivisionError at step T for f = 0.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def constant_lr_manual(t: int, lr: float, *, factor: float = 1.0 / 3, total_iters: int = 5) -> float:
    """The rate after t steps, in closed form."""
    return lr * factor if t < total_iters else lr


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def constant_lr_raw(t: int, lr: float, *, factor: float = 1.0 / 3, total_iters: int = 5) -> float:
    """The rate after t steps, given the one before."""
    if t == 0:
        return lr * factor
    return lr * (1 / factor) if t == total_iters else lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ConstantLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.ConstantLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1):
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        if self.last_epoch == 0:
            return [lr * self.factor for lr in lrs]
        if self.last_epoch != self.total_iters:
            return lrs
        return [lr * (1.0 / self.factor) for lr in lrs]

    def _get_closed_form_lr(self):
        share = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [lr * share for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(constant_lr_manual, constant_lr_raw, ConstantLR, torch.optim.lr_scheduler.ConstantLR)
