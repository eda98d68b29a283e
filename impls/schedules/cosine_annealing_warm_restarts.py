r"""The rate falls along half a cosine, again and again, each time m times as slowly.

    Tᵢ = T₀ mⁱ                                           T₀ T_0, m T_mult
    i ← the cycle that t lies in;  c ← t - (T₀ + … + Tᵢ₋₁)
    lr(t) = η + (lr - η)·(1 + cos(πc/Tᵢ))/2              η eta_min

A restart is a step at which c = 0 and the rate is whole.  The cycle is found by counting: a logarithm, which native
takes at step(epoch), falls short of the restart itself, at t = 121 for T₀ = 1, m = 3, and there the rate is η
(tests/planted: cosine_annealing_warm_restarts_never_whole is the same fault at every restart).

Shapes   one rate per group.
Units    [η] = [lr], the optimizer's;  m is a whole number, T₀ and t are counts; t may have a fraction at step(epoch).
Raises   custom as native: ValueError unless T₀ > 0 and m ≥ 1 are ints, η is a number and epoch ≥ 0.
Source   Loshchilov and Hutter 2017, equation 5; torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import math

import numpy as np
import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def cosine_annealing_warm_restarts_manual(
    t: int, lr: float, *, T_0: int, T_mult: int = 1, eta_min: float = 0.0
) -> float:
    """The rate after t steps, in closed form."""
    while t >= T_0:
        t, T_0 = t - T_0, T_0 * T_mult
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * t / T_0)) / 2


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def cosine_annealing_warm_restarts_raw(
    t: int,
    initial_lr: float,
    state: tuple[float, float] | None = None,
    *,
    T_0: int,
    T_mult: int = 1,
    eta_min: float = 0.0,
) -> tuple[float, tuple[float, float]]:
    """Return (rate after t steps, state), given the state before: the place in the cycle, and the cycle's length."""
    place, length = (t, T_0) if state is None else (state[0] + 1, state[1])
    if place >= length:
        place, length = place % length, length * T_mult
    return eta_min + (initial_lr - eta_min) * (1 + np.cos(np.pi * place / length)) / 2, (place, length)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class CosineAnnealingWarmRestarts(LRScheduler):
    """Drop-in for torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)

    def _jump(self, epoch):
        """Native's way to the cycle of a step, by a logarithm; where m = 1 it leaves the length as it was."""
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            cycle = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**cycle


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    cosine_annealing_warm_restarts_manual,
    cosine_annealing_warm_restarts_raw,
    CosineAnnealingWarmRestarts,
    torch.optim.lr_scheduler.CosineAnnealingWarmRestarts,
)
