r"""The rate goes up once and down once, to far below where it began; momentum goes the other way.

    start ← max/div_factor;  end ← start/final_div_factor                         max max_lr
    e₁ ← pT - 1 steps from start to max,                                          p pct_start, T total_steps
    then to end at T - 1;  or, if three_phase, back to start at e₂ ← 2pT - 2, and then to end at T - 1
    between a and b, at a share s of the way:   a + (b - a)·s  (linear),   b + (a - b)·(1 + cos πs)/2  (cos)
    momentum goes from max_momentum to base_momentum and back, and in a third phase stays, if cycle_momentum

Counting starts at 0, so T steps end at T - 1 (pytorch#91853; tests/planted: one_cycle_lr_ends_one_step_later).  The
paper has three phases, the default two (pytorch#40362; tests/planted: one_cycle_lr_two_phases_always).

Shapes   one rate and one momentum per group.
Units    [max] = [lr], the optimizer's;  p and the factors are pure numbers, T is a count.
Raises   custom as native: ValueError for T, epochs, steps_per_epoch that are no positive ints or not given, for p that
         is no float in [0, 1], for an unknown strategy, for a momentum that the optimizer has not, after step T.
Source   Smith and Topin 2017; fastai's form of it; torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from impls.ladder import Absent, Ladder
from impls.schedules.cyclic_lr import set_momentum, start_momentum, uses_beta1
from impls.schedules.lr_scheduler import (
    LRScheduler,
    OptimizerLike,
    Rates,
    check_optimizer,
    per_group,
    warn_outside_step,
)

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def one_cycle_lr_manual(
    t: int,
    *,
    max_lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> tuple[float, float | None]:
    """Return (rate, momentum) after t steps; the momentum is None where it is not cycled."""
    start = max_lr / div_factor
    top, end = (pct_start * total_steps - 1, max_lr, base_momentum), total_steps - 1
    points = [(0, start, max_momentum), top, (end, start / final_div_factor, max_momentum)]
    if three_phase:
        points.insert(2, (2 * pct_start * total_steps - 2, start, max_momentum))
    i = next((i for i, (step, *_) in enumerate(points) if i > 0 and t <= step), len(points) - 1)
    (before, *low), (after, *high) = points[i - 1 : i + 1]
    s = (t - before) / (after - before)
    if anneal_strategy == "cos":
        lr, momentum = (b + (a - b) * (1 + np.cos(np.pi * s)) / 2 for a, b in zip(low, high, strict=True))
    else:
        lr, momentum = (a + (b - a) * s for a, b in zip(low, high, strict=True))
    return lr, momentum if cycle_momentum else None


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

UP = {"start_lr": "initial_lr", "end_lr": "max_lr", "start_momentum": "max_momentum", "end_momentum": "base_momentum"}
BACK = {"start_lr": "max_lr", "end_lr": "initial_lr", "start_momentum": "base_momentum", "end_momentum": "max_momentum"}
DOWN = BACK | {"end_lr": "min_lr"}
OUT = {"start_lr": "initial_lr", "end_lr": "min_lr", "start_momentum": "max_momentum", "end_momentum": "max_momentum"}


class OneCycleLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.OneCycleLR, bit for bit."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        kinds = [UP, BACK, OUT] if three_phase else [UP, DOWN]
        ends = [float(i * pct_start * self.total_steps) - i for i in range(1, len(kinds))] + [self.total_steps - 1]
        self._schedule_phases = [{"end_step": end} | kind for end, kind in zip(ends, kinds, strict=True)]
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer)
            max_momentums = per_group("max_momentum", optimizer, max_momentum)
            base_momentums = per_group("base_momentum", optimizer, base_momentum)
            if last_epoch == -1:
                start_momentum(optimizer, self.use_beta1, base_momentums, max_momentums)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        start, phase = self._phase()
        share = (self.last_epoch - start) / (phase["end_step"] - start)
        between = lambda group, what: self._between(group[phase[f"start_{what}"]], group[phase[f"end_{what}"]], share)
        lrs = []
        for group in self.optimizer.param_groups:
            lrs.append(between(group, "lr"))
            if self.cycle_momentum:
                set_momentum(group, self.use_beta1, between(group, "momentum"))
        return lrs

    def _phase(self):
        """Where the phase of `last_epoch` starts, and the phase; the last one holds what lies beyond it."""
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if self.last_epoch <= phase["end_step"]:
                return start, phase
            start = phase["end_step"]
        return start, self._schedule_phases[-1]

    def _between(self, start, end, share):
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _total(total_steps, epochs, steps_per_epoch):
    """The number of steps, given as such or as a product."""
    if total_steps is not None:
        _check_positive("total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    _check_positive("epochs", epochs)
    _check_positive("steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch


def _check_positive(name, count):
    if count <= 0 or not isinstance(count, int):
        raise ValueError(f"Expected positive integer {name}, but got {count}")


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    one_cycle_lr_manual,
    Absent("no rate depends on the one before, so there is no chained form"),
    OneCycleLR,
    torch.optim.lr_scheduler.OneCycleLR,
)
