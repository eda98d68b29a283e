r"""Zero everywhere: how a normalization begins its shift.

    w = 0

It is for what is added.  Of weights it is no beginning: those that are alike get like gradients, and stay alike
(tests/planted: zeros_are_ones).

Shapes   any, 0 included.
Units    those of the parameter.
Raises   nothing.
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.init.constant import constant_, constant_manual, constant_raw
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def zeros_manual(state, shape, dtype=np.float32):
    """Return (w, state)."""
    return constant_manual(state, shape, 0, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def zeros_raw(generator, shape, dtype=torch.float32):
    return constant_raw(generator, shape, 0, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def zeros_(tensor):
    """Drop-in for torch.nn.init.zeros_."""
    return constant_(tensor, 0)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(zeros_manual, zeros_raw, zeros_, torch.nn.init.zeros_)
