r"""The rate falls by one factor at every step.

    lr(t) = lr · γᵗ                                      γ gamma

Construction is no step of the decay, not even with a last_epoch, where the optimizer's rate has decayed already
(pytorch#102261; tests/planted: exponential_lr_decays_on_construction).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  γ is a pure number.
Raises   nothing.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def exponential_lr_manual(t: int, lr: float, *, gamma: float) -> float:
    """The rate after t steps, in closed form."""
    return lr * gamma**t


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def exponential_lr_raw(t: int, lr: float, *, gamma: float) -> float:
    """The rate after t steps, given the one before."""
    return lr * gamma if t > 0 else lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ExponentialLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.ExponentialLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        return lrs if self._is_initial else [lr * self.gamma for lr in lrs]

    def _get_closed_form_lr(self):
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(exponential_lr_manual, exponential_lr_raw, ExponentialLR, torch.optim.lr_scheduler.ExponentialLR)
