r"""The rate falls by one factor every so many steps.

    lr(t) = lr · γ^⌊t/s⌋                                 γ gamma, s step_size

The first fall is at t = s, not at s - 1 and not at 0, which is a multiple of s too: in the chained form the rate is
multiplied where s divides t > 0 (tests/planted: step_lr_falls_at_once).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  γ is a pure number, s a count.
Raises   custom as native: ZeroDivisionError for s = 0.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def step_lr_manual(t: int, lr: float, *, step_size: int, gamma: float = 0.1) -> float:
    """The rate after t steps, in closed form."""
    return lr * gamma ** (t // step_size)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def step_lr_raw(t: int, lr: float, *, step_size: int, gamma: float = 0.1) -> float:
    """The rate after t steps, given the one before."""
    return lr * gamma if t > 0 and t % step_size == 0 else lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class StepLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.StepLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return lrs
        return [lr * self.gamma for lr in lrs]

    def _get_closed_form_lr(self):
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(step_lr_manual, step_lr_raw, StepLR, torch.optim.lr_scheduler.StepLR)
