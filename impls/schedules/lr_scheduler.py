r"""What every schedule shares: which rates it sets, when, and what it remembers.

    at construction    initial_lr ← lr, unless a schedule before has set it;  t ← 0;  lr ← lr(0)
    at a step          t ← t + 1;  lr ← lr(t), from lr(t-1) in a chained form, from initial_lr in a closed one
    at step(epoch)     t ← epoch;  lr ← lr(t) in the closed form, where there is one

A chained form multiplies the rate it finds, so that several schedules can act on one optimizer and a rate set by hand
is kept.  The optimizer steps first: a schedule that goes first skips its first rate, and says so; since construction
is a step of its own, it is the second step of the schedule that asks (tests/planted: lr_scheduler_never_warns).

Shapes   one rate per parameter group: a number, or a tensor of one element, which is then filled in place.
Units    [lr] is the optimizer's; t is a count.
Raises   TypeError for what has no parameter groups (native: for what is no torch.optim.Optimizer); KeyError for a
         last_epoch without an initial_lr; warnings, all in native's words.
Source   torch/optim/lr_scheduler.py (PyTorch 2.13).
"""

import contextlib
import functools
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import torch

from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

HOW_TO = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


Group: TypeAlias = dict[str, Any]  # the options of some parameters, the rate among them
Rates: TypeAlias = list[Any]  # one per group: a number, or a tensor of one element


class OptimizerLike(Protocol):
    """An optimizer, ours or torch's, as far as a schedule knows it."""

    defaults: dict[str, Any]
    param_groups: list[Group]


class LRScheduler:
    """Drop-in for torch.optim.lr_scheduler.LRScheduler; a child says in `get_lr` what the rates at `last_epoch` are."""

    _get_lr_called_within_step = False
    _is_initial = False
    _get_closed_form_lr: Callable[[], Rates]  # where a child has one

    def __init__(self, optimizer: OptimizerLike, last_epoch: int = -1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, values(optimizer, "lr"), strict=True):
                group.setdefault("initial_lr", lr)
        for i, group in enumerate(optimizer.param_groups):
            if "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0.\nThis typically happens when:\n"
                    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer "
                    "state\n2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _watch(optimizer)
        self._initial_step()

    def get_lr(self) -> Rates:
        """The rates at `last_epoch`, one per group, for `step` to set; whoever else asks wants `get_last_lr`."""
        raise NotImplementedError

    def get_last_lr(self) -> Rates:
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        if self._step_count == 1:
            _warn_of_the_order(self.optimizer)
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _initial_step(self):
        self._step_count = 0
        with _while(self, "_is_initial"):
            self.step()

    def _update_lr(self, epoch=None):
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        jump = epoch is not None and hasattr(self, "_get_closed_form_lr")
        self._set(self._get_closed_form_lr if jump else self.get_lr)

    def _set(self, get_lr):
        with _while(self, "_get_lr_called_within_step"):
            lrs = get_lr()
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_value(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    def state_dict(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The state is the attributes; the optimizer's rates are the optimizer's state."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: object) -> None:
    """Refuse, as native does, what has no parameter groups to set a rate in."""
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def values(optimizer: OptimizerLike, key: str) -> list[Any]:
    """An option of every group; a tensor as a copy, which a later change in place leaves alone."""
    found = [group[key] for group in optimizer.param_groups]
    return [value.clone() if isinstance(value, torch.Tensor) else value for value in found]


def set_value(group: Group, key: str, value: Any) -> None:
    """Set an option of a group; where it is a tensor, what is in it."""
    if isinstance(group[key], torch.Tensor):
        group[key].fill_(value.squeeze() if isinstance(value, torch.Tensor) else value)
    else:
        group[key] = value


def per_group(name: str, optimizer: OptimizerLike, value: Any) -> list[Any]:
    """An argument as one value for each group."""
    groups = optimizer.param_groups
    if not isinstance(value, list | tuple):
        value = [value] * len(groups)
    elif len(value) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {len(groups)}."
        )
    return [v.clone() if isinstance(v, torch.Tensor) else v for v in value]


def warn_outside_step(scheduler: LRScheduler) -> None:
    """Tell whoever calls get_lr what to call instead."""
    if not scheduler._get_lr_called_within_step:
        warnings.warn(
            "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=3
        )


def warn_of_epoch() -> None:
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the "
        "closed form is used instead of the new chainable form, where available. Please open an issue if you are "
        "unable to replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose.",
        stacklevel=3,
    )


def _watch(optimizer):
    """Let the optimizer's steps leave a mark; torch's schedules leave and look for the same one."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    step, reference = optimizer.step.__func__, weakref.ref(optimizer)  # a strong one would be a cycle

    @functools.wraps(step)
    def watched(*args, **kwargs):
        stepped = reference()
        assert stepped is not None  # whose method this is
        stepped._opt_called = True
        return step(stepped, *args, **kwargs)

    vars(watched)["_wrapped_by_lr_sched"] = True
    optimizer.step = watched


def _warn_of_the_order(optimizer):
    if not hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        warnings.warn(
            "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
            f"Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. {HOW_TO}",
            stacklevel=3,
        )
    elif not getattr(optimizer, "_opt_called", False):
        warnings.warn(
            "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should "
            "call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this "
            f"will result in PyTorch skipping the first value of the learning rate schedule. {HOW_TO}",
            stacklevel=3,
        )


@contextlib.contextmanager
def _while(scheduler, flag):
    setattr(scheduler, flag, True)
    try:
        yield
    finally:
        setattr(scheduler, flag, False)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a closed form is a function of the count of steps, and is called with it"),
    Absent("a chained form is a function of the rate before, and is called with it"),
    LRScheduler,
    torch.optim.lr_scheduler.LRScheduler,
)
