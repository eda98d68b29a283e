r"""The rate falls by one factor at each of some steps.

    lr(t) = lr · γ^n,   n the number of milestones m ≤ t              γ gamma

A milestone that is listed twice counts twice, so milestones are a multiset; the closed form counts those that have
passed, not all of them (pytorch#31828; tests/planted: multi_step_lr_all_at_once).

Shapes   one rate per group; milestones in any order.
Units    [lr] is the optimizer's;  γ is a pure number, milestones are counts.
Raises   nothing; a milestone that is never reached is never applied.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def multi_step_lr_manual(t: int, lr: float, *, milestones: Sequence[int], gamma: float = 0.1) -> float:
    """The rate after t steps, in closed form."""
    return lr * gamma ** sum(m <= t for m in milestones)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def multi_step_lr_raw(t: int, lr: float, *, milestones: Sequence[int], gamma: float = 0.1) -> float:
    """The rate after t steps, given the one before."""
    return lr * gamma ** milestones.count(t) if t in milestones else lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class MultiStepLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.MultiStepLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1):
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        if self.last_epoch not in self.milestones:
            return lrs
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in lrs]

    def _get_closed_form_lr(self):
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(multi_step_lr_manual, multi_step_lr_raw, MultiStepLR, torch.optim.lr_scheduler.MultiStepLR)
