r"""Constant: the same number everywhere.

    w = c

Nothing is drawn: the generator stays where it is (tests/planted: constant_draws).

Shapes   any, 0 included.
Units    [w] = [c].
Raises   nothing.
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def constant_manual(state, shape, val, dtype=np.float32):
    """Return (w, state)."""
    return np.full(shape, val, dtype), state


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def constant_raw(generator, shape, val, dtype=torch.float32):
    return torch.full(shape, val, dtype=dtype, device=generator.device), generator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def constant_(tensor, val):
    """Drop-in for torch.nn.init.constant_."""
    return tensor.fill_(val)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(constant_manual, constant_raw, constant_, torch.nn.init.constant_)
