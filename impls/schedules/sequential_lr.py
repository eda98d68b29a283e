r"""One schedule after another: each is started anew at its milestone.

    i ← the number of milestones m ≤ t
    lr(t) = lrᵢ(t - mᵢ)                                  m₀ = 0, mᵢ the milestone that i begins at

Every part starts from the rate at the very start, whatever the part before has made of it, and from its own step 0;
a milestone of 0 skips the first part altogether (pytorch#185872; tests/planted: sequential_lr_first_part_at_zero).
Since each part took a step at its own construction, the whole takes those steps back before it begins.  What restarts
a part is the closed form or a rate computed from the base, so a MultiplicativeLR, which has neither, goes on instead.

Shapes   one rate per group; milestones ascend, one fewer than parts.
Units    those of the parts.
Raises   custom as native: ValueError for no part, another number of milestones, a part on another optimizer or one
         that asks for a measure; TypeError for a part without an optimizer.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import torch

from impls.ladder import Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, set_value
from impls.schedules.reduce_lr_on_plateau import ReduceLROnPlateau
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def sequential_lr_manual(
    t: int, lr: float, *, schedulers: Sequence[Callable[..., float]], milestones: Sequence[int]
) -> float:
    """The rate after t steps, in closed form; a part is a function of (steps, initial rate)."""
    i = sum(m <= t for m in milestones)
    return schedulers[i](t - [0, *milestones][i], lr)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sequential_lr_raw(
    t: int, lr: float, initial_lr: float, *, schedulers: Sequence[Callable[..., float]], milestones: Sequence[int]
) -> float:
    """The rate after t steps, given the one before; a part is a function of (steps, rate before, initial rate)."""
    i = bisect_right(milestones, t)
    since = t - [0, *milestones][i]
    return schedulers[i](since, lr if since > 0 else initial_lr, initial_lr)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LRSchedulerOfSchedulers(LRScheduler):
    """What SequentialLR and ChainedScheduler share: parts on one optimizer, whose states are its own."""

    _schedulers: list

    def _check_parts(self, optimizer, schedulers):
        name = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be "
                    f"specified when calling `step`, but got one at index {i} in the given schedulers sequence."
                )
            if optimizer != scheduler.optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {i} has {scheduler.optimizer}, which is different from "
                    f"{type(optimizer).__name__}."
                )

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        return state | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=False):
            scheduler.load_state_dict(state)


class SequentialLR(LRSchedulerOfSchedulers):
    """Drop-in for torch.optim.lr_scheduler.SequentialLR, bit for bit."""

    def __init__(self, optimizer: OptimizerLike, schedulers: list[Any], milestones: list[int], last_epoch: int = -1):
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler, but got no scheduler.")
        self._check_parts(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0) if TORCH >= (2, 13) else 0]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: LRScheduler | None = None) -> None:
        """Take back the step that each part, and each part of a part, took at its construction."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for part in sched._schedulers:
                self.recursive_undo(part)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self) -> None:
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(sequential_lr_manual, sequential_lr_raw, SequentialLR, torch.optim.lr_scheduler.SequentialLR)
