r"""The rate falls by one factor when a measure has not improved for long enough.

    better(m)  m < best·(1 - θ) (rel)  or  m < best - θ (abs);  in mode max  m > best·(1 + θ)  or  m > best + θ
    at a measure m:   best, bad ← m, 0  if better(m) else  bad ← bad + 1              θ threshold
                      if cooling:       cooling ← cooling - 1;  bad ← 0
                      if bad > P:       lr ← max(lr·f, lower), unless that is less than ε below;  bad ← 0;
                                        cooling ← cooldown                            P patience, f factor, ε eps

P bad measures are borne, the next one is not: a strict inequality (pytorch#2545, #7151; tests/planted:
reduce_lr_on_plateau_one_less_patience).  A NaN is never better, so it counts as bad.  With a negative best and a
relative threshold what is no better counts as better, since best·(1 - θ) lies above best (pytorch#47513).

Shapes   one rate per group, one lower bound min_lr for all groups or one for each; a measure is a number.
Units    [ε] = [lower] = [lr], the optimizer's;  θ is a pure number (rel) or has the measure's unit (abs).
Raises   custom as native: ValueError for f ≥ 1, an unknown mode, another number of bounds than of groups; RuntimeError
         when a group was added and the bounds were given as a list.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, SupportsFloat

import numpy as np
import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, check_optimizer, set_value, values, warn_of_epoch

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def reduce_lr_on_plateau_manual(
    metrics: Iterable[float],
    lr: float,
    *,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0,
    eps: float = 1e-8,
) -> float:
    """The rate after all measures so far."""
    sign = 1 if mode == "min" else -1  # a maximum is the minimum of the negative
    best, bad, cooling = np.inf, 0, 0
    for metric in metrics:
        m = sign * metric
        needed = best * (1 - sign * threshold) if threshold_mode == "rel" else best - threshold
        best, bad = (m, 0) if m < needed else (best, bad + 1)
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad > patience:
            lower = lr * factor if lr * factor > min_lr else min_lr
            lr, bad, cooling = lower if lr - lower > eps else lr, 0, cooldown
    return lr


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    best: float | None = None  # of the measures, None before the first
    bad: int = 0
    cooling: int = 0


def reduce_lr_on_plateau_raw(
    metric: float,
    lr: float,
    state: State = State(),
    *,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0,
    eps: float = 1e-8,
) -> tuple[float, State]:
    """Return (rate, state) after one more measure."""
    best, bad, cooling = state
    way = -1 if mode == "min" else 1
    best = -way * np.inf if best is None else best
    needed = best * (1 + way * threshold) if threshold_mode == "rel" else best + way * threshold
    better = metric > needed if mode == "max" else metric < needed
    best, bad = (metric, 0) if better else (best, bad + 1)
    if cooling > 0:
        cooling, bad = cooling - 1, 0
    if bad > patience:
        new = max(lr * factor, min_lr)
        lr, bad, cooling = new if lr - new > eps else lr, 0, cooldown
    return lr, State(best, bad, cooling)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ReduceLROnPlateau(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.ReduceLROnPlateau, bit for bit."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ):
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.factor = factor
        check_optimizer(optimizer)
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        listed = isinstance(min_lr, list | tuple)
        if listed and len(min_lr) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        self.default_min_lr = None if listed else min_lr
        self.min_lrs = list(min_lr) if listed else [min_lr] * groups
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = values(optimizer, "lr")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = torch.inf if mode == "min" else -torch.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:
        metric = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(metric):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = values(self.optimizer, "lr")

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, metric):
        relative, maximum = self.threshold_mode == "rel", self.mode == "max"
        if maximum:
            return metric > (self.best * (self.threshold + 1.0) if relative else self.best + self.threshold)
        return metric < (self.best * (1.0 - self.threshold) if relative else self.best - self.threshold)

    def _reduce(self):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due to a new param group "
                    "being added to the optimizer. Please modify the `min_lrs` field to match the length of the "
                    "`optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                set_value(group, "lr", new)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    reduce_lr_on_plateau_manual,
    reduce_lr_on_plateau_raw,
    ReduceLROnPlateau,
    torch.optim.lr_scheduler.ReduceLROnPlateau,
)
