r"""The rate is a function's value of the step, as a factor.

    lr(t) = lr · f(t)                                    f lr_lambda, one for all groups or one for each

f multiplies the rate at the start, not the rate before, and is asked for t = 0 at construction; what multiplies the
rate before is schedules.multiplicative_lr (tests/planted: lambda_lr_multiplies_the_last).

Shapes   one rate per group.
Units    [lr] is the optimizer's;  f is a pure number.
Raises   custom as native: ValueError for another number of functions than of groups, also once a group is added.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import types
from collections.abc import Callable
from typing import Any

import torch

from impls.ladder import Absent, Ladder
from impls.schedules.lr_scheduler import LRScheduler, OptimizerLike, Rates, warn_outside_step

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def lambda_lr_manual(t: int, lr: float, *, lr_lambda: Callable[[int], float]) -> float:
    """The rate after t steps, in closed form."""
    return lr * lr_lambda(t)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LRSchedulerOfFunctions(LRScheduler):
    """What LambdaLR and MultiplicativeLR share: a function for each group, which only an object with a state saves."""

    def __init__(self, optimizer: OptimizerLike, lr_lambda: Any, last_epoch: int = -1):
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        self._check()
        super().__init__(optimizer, last_epoch)

    def _check(self):
        """Refuse functions before any is called."""

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        del state["lr_lambdas"]
        return state | {"lr_lambdas": [state_of(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, state in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=False):
            if state is not None:
                function.__dict__.update(state)


def state_of(function: Any) -> dict[str, Any] | None:
    """The attributes of a callable object, and None for a function, which is not saved."""
    return None if isinstance(function, types.FunctionType) else function.__dict__.copy()


class LambdaLR(LRSchedulerOfFunctions):
    """Drop-in for torch.optim.lr_scheduler.LambdaLR, bit for bit."""

    def get_lr(self) -> Rates:
        warn_outside_step(self)
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    lambda_lr_manual,
    Absent("no rate depends on the one before, so there is no chained form"),
    LambdaLR,
    torch.optim.lr_scheduler.LambdaLR,
)
