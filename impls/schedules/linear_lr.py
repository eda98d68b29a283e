r"""The rate moves along a straight line from one part of what it should be to another: a warm-up.

    lr(t) = lr · (s + (e - s)·min(t, T)/T)               s start_factor, e end_factor, T total_iters

The line ends at t = T (tests/planted: linear_lr_one_step_longer); s may not be 0, since the chained form multiplies
the rate it finds, lr(t-1), by 1 + (e - s) / (Ts + (t-1)(e - s)).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  s and e are pure numbers, T a count.
Raises   custom as native: ValueError if s lies outside (0, 1] or e outside [0, 1].
Source   Goyal et al. 2017, section 2.2; torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def linear_lr_manual(
    t: int, lr: float, *, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5
) -> float:
    """The rate after t steps, in closed form."""
    return lr * (start_factor + (end_factor - start_factor) * min(t, total_iters) / total_iters)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def linear_lr_raw(
    t: int, lr: float, *, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5
) -> float:
    """The rate after t steps, given the one before."""
    if t == 0:
        return lr * start_factor
    if t > total_iters:
        return lr
    rise = end_factor - start_factor
    return lr * (1 + rise / (total_iters * start_factor + (t - 1) * rise))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LinearLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.LinearLR, bit for bit."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ):
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in lrs]
        if self._is_initial or self.last_epoch > self.total_iters:
            return lrs
        rise = self.end_factor - self.start_factor
        factor = 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [lr * factor for lr in lrs]

    def _get_closed_form_lr(self):
        rise, passed = self.end_factor - self.start_factor, min(self.total_iters, self.last_epoch)
        return [lr * (self.start_factor + rise * passed / self.total_iters) for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(linear_lr_manual, linear_lr_raw, LinearLR, torch.optim.lr_scheduler.LinearLR)
