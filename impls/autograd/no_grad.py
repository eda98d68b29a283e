r"""Grad mode: whether what is computed is recorded.

    recorded(f, inputs)  =  enabled  and  any input requires grad

The mode belongs to the thread, and leaving the block restores the mode that was found, also after an exception:
a block inside a block turns nothing on again (tests/planted: no_grad_always_turns_on).

Shapes   any.
Units    any.
Raises   nothing.
Source   torch/autograd/grad_mode.py (PyTorch 2.13).
"""

import contextlib
import threading

import torch

from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class _Mode(threading.local):
    enabled = True


MODE = _Mode()


class Switch(contextlib.ContextDecorator):
    """Sets the mode for a block, or, as a decorator, with or without parentheses, for a function."""

    enabled = True
    _found: list[bool]  # the modes of the blocks that were entered

    def __new__(cls, orig_func=None):
        self = super().__new__(cls)
        self._found = []
        return self if orig_func is None else self(orig_func)

    def __enter__(self):
        self._found.append(MODE.enabled)
        MODE.enabled = self.enabled

    def __exit__(self, *exception):
        MODE.enabled = self._found.pop()


class no_grad(Switch):  # noqa: N801 (torch's name)
    """Drop-in for torch.no_grad, on the tape."""

    enabled = False

    def __init__(self) -> None:
        super().__init__()


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand nothing is recorded unless it is returned"),
    Absent("torch's graph has no switch below torch.no_grad"),
    no_grad,
    torch.no_grad,
)
