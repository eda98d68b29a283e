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


@contextlib.contextmanager
def grad_mode(enabled):
    found, MODE.enabled = MODE.enabled, enabled
    try:
        yield
    finally:
        MODE.enabled = found


class no_grad(contextlib.ContextDecorator):
    """Drop-in for torch.no_grad, on the tape; a block or a decorator."""

    def __enter__(self):
        self._block = grad_mode(False)
        self._block.__enter__()

    def __exit__(self, *exception):
        return self._block.__exit__(*exception)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand nothing is recorded unless it is returned"),
    Absent("torch's graph has no switch below torch.no_grad"),
    no_grad,
    torch.no_grad,
)
