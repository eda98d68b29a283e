r"""The rate falls along half a cosine.

    lr(t) = η + (lr - η)·(1 + cos(πt/T))/2               η eta_min, T T_max

Nothing ends at T: the cosine goes on, and after T steps more the rate is back where it began (tests/planted:
cosine_annealing_lr_stays_down).  The chained form divides by 1 + cos(π(t-1)/T), which is 0 at t = T + 1, so it leaves
the valley by another rule; it only finds back to the closed form while t counts on from 0.

Shapes   one rate per group.
Units    [η] = [lr], the optimizer's;  T is a count.
Raises   custom as native: ZeroDivisionError for T = 0, at the first step.
Source   Loshchilov and Hutter 2017, equation 5 (without its restarts); torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import math

import numpy as np
import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def cosine_annealing_lr_manual(t: int, lr: float, *, T_max: int, eta_min: float = 0.0) -> float:
    """The rate after t steps, in closed form."""
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * t / T_max)) / 2


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def cosine_annealing_lr_raw(t: int, lr: float, initial_lr: float, *, T_max: int, eta_min: float = 0.0) -> float:
    """The rate after t steps, given the one before."""
    if t == 0:
        return lr
    if (t - 1 - T_max) % (2 * T_max) == 0:
        return lr + (initial_lr - eta_min) * (1 - np.cos(np.pi / T_max)) / 2
    ratio = (1 + np.cos(np.pi * t / T_max)) / (1 + np.cos(np.pi * (t - 1) / T_max))
    return ratio * (lr - eta_min) + eta_min


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class CosineAnnealingLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.CosineAnnealingLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs, t = values(self.optimizer, "lr"), self.last_epoch
        if self._is_initial:
            return lrs
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            return [
                lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
                for base, lr in zip(self.base_lrs, lrs, strict=True)
            ]
        ratio = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [ratio * (lr - self.eta_min) + self.eta_min for lr in lrs]

    def _get_closed_form_lr(self):
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    cosine_annealing_lr_manual, cosine_annealing_lr_raw, CosineAnnealingLR, torch.optim.lr_scheduler.CosineAnnealingLR
)
