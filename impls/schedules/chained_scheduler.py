r"""Several schedules at once: each multiplies what the others have made of the rate.

    lr(t) = lr · f₁(t) · f₂(t) · …                       fᵢ(t) what schedule i makes of a rate of 1

A product only of schedules in chained form, and only of those whose rate is proportional to the initial one: a
schedule that computes its rate from the base forgets those before it (tests/planted:
chained_scheduler_only_the_last).

Shapes   one rate per group.
Units    those of the parts.
Raises   custom as native: ValueError for no part, a part on another optimizer or one that asks for a measure;
         TypeError for a part without an optimizer.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import OptimizerLike, values
from impls.schedules.sequential_lr import LRSchedulerOfSchedulers

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def chained_scheduler_manual(t: int, lr: float, *, schedulers: Sequence[Callable[..., float]]) -> float:
    """The rate after t steps, in closed form; a part is a function of (steps, initial rate), proportional to it."""
    for schedule in schedulers:
        lr = lr * schedule(t, 1)
    return lr


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def chained_scheduler_raw(t: int, lr: float, initial_lr: float, *, schedulers: Sequence[Callable[..., float]]) -> float:
    """The rate after t steps, given the one before; a part is a function of (steps, rate before, initial rate)."""
    for schedule in schedulers:
        lr = schedule(t, lr, initial_lr)
    return lr


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ChainedScheduler(LRSchedulerOfSchedulers):
    """Drop-in for torch.optim.lr_scheduler.ChainedScheduler, bit for bit."""

    def __init__(self, schedulers: list[Any], optimizer: OptimizerLike | None = None):
        if len(schedulers) < 1:
            raise ValueError(
                f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler."
            )
        optimizer = optimizer or schedulers[0].optimizer
        self._check_parts(optimizer, schedulers)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = values(optimizer, "lr")

    def step(self) -> None:
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values(self.optimizer, "lr")


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    chained_scheduler_manual, chained_scheduler_raw, ChainedScheduler, torch.optim.lr_scheduler.ChainedScheduler
)
