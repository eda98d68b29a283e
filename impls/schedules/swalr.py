r"""The rate moves from where it is to the one at which weights are averaged, and stays there.

    a(t) = s, or (1 - cos πs)/2;   s ← min(t, T)/T,  1 if T = 0       T anneal_epochs; linear, or cos
    lr(t) = swa_lr·a(t) + lr·(1 - a(t))

Steps count from the schedule's own construction, whenever that is, and T = 0 moves the rate at once (tests/planted:
swalr_waits_for_a_step).  The chained form works out from the last rate where the way began, so what is set by hand on
the way is taken for a beginning; at the end of the way, where 1 - a is 0, nothing of it is left.

Shapes   one rate per group, one swa_lr for all groups or one for each.
Units    [swa_lr] = [lr], the optimizer's;  T is a count.
Raises   custom as native: ValueError for another number of rates than of groups, an unknown strategy, and T that is no
         int or below 0.
Source   Izmailov et al. 2018; torch/optim/swa_utils.py (PyTorch 2.13).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, per_group, values, warn_outside_step
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def swalr_manual(t: int, lr: float, *, swa_lr: float, anneal_epochs: int = 10, anneal_strategy: str = "cos") -> float:
    """The rate after t steps, in closed form."""
    s = min(t, anneal_epochs) / anneal_epochs if anneal_epochs > 0 else 1
    a = (1 - np.cos(np.pi * s)) / 2 if anneal_strategy == "cos" else s
    return swa_lr * a + lr * (1 - a)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def swalr_raw(t: int, lr: float, *, swa_lr: float, anneal_epochs: int = 10, anneal_strategy: str = "cos") -> float:
    """The rate after t steps, given the one before."""
    if t > anneal_epochs or anneal_epochs == 0:
        return swa_lr
    shares = max(t - 1, 0) / anneal_epochs, t / anneal_epochs
    before, now = ((1 - np.cos(np.pi * s)) / 2 for s in shares) if anneal_strategy == "cos" else shares
    return swa_lr * now + (lr - before * swa_lr) / (1 - before) * (1 - now)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class SWALR(LRScheduler):
    """Drop-in for torch.optim.swa_utils.SWALR, bit for bit."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ):
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            be = "be" if TORCH >= (2, 13) else "by"
            raise ValueError(f"anneal_strategy must {be} one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        lrs, ends = values(self.optimizer, "lr"), [group["swa_lr"] for group in self.optimizer.param_groups]
        starts = [end if before == 1 else (lr - before * end) / (1 - before) for lr, end in zip(lrs, ends, strict=True)]
        return [end * now + start * (1 - now) for start, end in zip(starts, ends, strict=True)]

    def _share(self, step):
        """How much of the way has been gone."""
        share = max(0, min(1, step / max(1, self.anneal_epochs)))
        return share if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * share)) / 2


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(swalr_manual, swalr_raw, SWALR, torch.optim.swa_utils.SWALR)
