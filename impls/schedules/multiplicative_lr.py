r"""The rate before, times a function's value of the step.

    lr(t) = lr · f(1) · f(2) · … · f(t)                  f lr_lambda, one for all groups or one for each

f(0) does not occur: construction leaves the rate alone (tests/planted: multiplicative_lr_starts_at_zero).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  f is a pure number.
Raises   custom as native: ValueError for another number of functions than of groups, also once a group is added;
         TypeError for what cannot be called.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

from collections.abc import Callable

import torch

from impls.ladder import Ladder
from impls.schedules.lambda_lr import LRSchedulerOfFunctions
from impls.schedules.lr_scheduler import Rates, values, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def multiplicative_lr_manual(t: int, lr: float, *, lr_lambda: Callable[[int], float]) -> float:
    """The rate after t steps, in closed form."""
    for i in range(1, t + 1):
        lr = lr * lr_lambda(i)
    return lr


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def multiplicative_lr_raw(t: int, lr: float, *, lr_lambda: Callable[[int], float]) -> float:
    """The rate after t steps, given the one before."""
    return lr * lr_lambda(t) if t > 0 else lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class MultiplicativeLR(LRSchedulerOfFunctions):
    """Drop-in for torch.optim.lr_scheduler.MultiplicativeLR, bit for bit."""

    def _check(self):
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        lrs = values(self.optimizer, "lr")
        if self._is_initial:
            return lrs
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, lrs, strict=True)]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    multiplicative_lr_manual, multiplicative_lr_raw, MultiplicativeLR, torch.optim.lr_scheduler.MultiplicativeLR
)
