r"""The rate goes up and down between two bounds, and momentum down and up.

    n ← ⌊t / (u + d)⌋ + 1;  c ← t mod (u + d)            u step_size_up, d step_size_down, else u;  n counts cycles
    x ← c/u while c ≤ u, else (u + d - c)/d
    k ← 1 (triangular), 1/2ⁿ⁻¹ (triangular2), γᵗ (exp_range), or scale_fn of n or of t
    lr(t) = base + (max - base)·x·k                      base base_lr, max max_lr
    momentum(t) = max - (max - base)·x·k                 of base_momentum and max_momentum, if cycle_momentum

The momentum is β₁ where the optimizer has betas; without cycle_momentum it is left alone, and the optimizer need not
have one (pytorch#19003; tests/planted: cyclic_lr_touches_the_momentum).

Shapes   one rate and one momentum per group.
Units    [base] = [max] = [lr], the optimizer's;  k is a pure number, u and d are counts, which may have fractions.
Raises   custom as native: ValueError for another number of bounds than of groups, for a mode that is not one of the
         three without scale_fn, and for cycle_momentum where the optimizer has none.
Source   Smith 2017, section 3; torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from impls.ladder import Ladder
from impls.schedules.lambda_lr import state_of
from impls.schedules.lr_scheduler import (
    Group,
    LRScheduler,
    OptimizerLike,
    Rates,
    check_optimizer,
    per_group,
    set_value,
    warn_outside_step,
)

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def cyclic_lr_manual(
    t: int,
    *,
    base_lr: float,
    max_lr: float,
    step_size_up: float = 2000,
    step_size_down: float | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[Any], float] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> tuple[float, float | None]:
    """Return (rate, momentum) after t steps; the momentum is None where it is not cycled."""
    up = step_size_up
    down = up if step_size_down is None else step_size_down
    cycle, place = t // (up + down) + 1, t % (up + down)
    x = place / up if place <= up else (up + down - place) / down
    if scale_fn is not None:
        k = scale_fn(cycle if scale_mode == "cycle" else t)
    else:
        k = {"triangular": 1, "triangular2": 1 / 2 ** (cycle - 1), "exp_range": gamma**t}[mode]
    momentum = max_momentum - (max_momentum - base_momentum) * x * k if cycle_momentum else None
    return base_lr + (max_lr - base_lr) * x * k, momentum


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def cyclic_lr_raw(
    t: int,
    *,
    base_lr: float,
    max_lr: float,
    step_size_up: float = 2000,
    step_size_down: float | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[Any], float] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> tuple[float, float | None]:
    """Return (rate, momentum) after t steps, by shares of the cycle instead of by counts."""
    total = step_size_up + (step_size_up if step_size_down is None else step_size_down)
    top = step_size_up / total
    cycle = t // total + 1
    share = 1 + t / total - cycle
    height = share / top if t % total <= step_size_up else (share - 1) / (top - 1)
    if scale_fn is not None:
        height = height * scale_fn(t if scale_mode == "iterations" else cycle)
    elif mode == "triangular2":
        height = height / 2 ** (cycle - 1)
    elif mode == "exp_range":
        height = height * gamma**t
    lr = base_lr + height * (max_lr - base_lr)
    return lr, max_momentum - height * (max_momentum - base_momentum) if cycle_momentum else None


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

MODES = {"triangular": "cycle", "triangular2": "cycle", "exp_range": "iterations"}  # what the scale is a function of


class CyclicLR(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.CyclicLR, bit for bit."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[Any], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = float(step_size_down) if step_size_down is not None else up
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in MODES and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else MODES[mode]
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer)
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
            if last_epoch == -1:
                start_momentum(optimizer, self.use_beta1, self.base_momentums, self.max_momentums)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        share = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        at = cycle if self.scale_mode == "cycle" else self.last_epoch
        bounds = zip(self.base_lrs, self.max_lrs, strict=True)
        lrs = [low + (high - low) * share * self.scale_fn(at) for low, high in bounds]
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            momentums = [high - (high - low) * share * self.scale_fn(at) for low, high in bounds]
            for group, momentum in zip(self.optimizer.param_groups, momentums, strict=True):
                set_momentum(group, self.use_beta1, momentum)
        return lrs

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        scale_fn = state.pop("_scale_fn_custom")
        return state | {"_scale_fn_custom": None if scale_fn is None else state_of(scale_fn)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


def uses_beta1(optimizer: OptimizerLike) -> bool:
    """Whether the optimizer's momentum is the first of its betas; it is an error to have none at all."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    return "betas" in optimizer.defaults


def start_momentum(
    optimizer: OptimizerLike, use_beta1: bool, base_momentums: list[Any], max_momentums: list[Any]
) -> None:
    """Every group starts at its largest momentum, and keeps both bounds."""
    for low, high, group in zip(base_momentums, max_momentums, optimizer.param_groups, strict=True):
        set_momentum(group, use_beta1, high)
        group["max_momentum"] = high
        group["base_momentum"] = low


def set_momentum(group: Group, use_beta1: bool, momentum: Any) -> None:
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(cyclic_lr_manual, cyclic_lr_raw, CyclicLR, torch.optim.lr_scheduler.CyclicLR)
