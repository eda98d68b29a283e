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

from impls import rng
from impls.init.constant import constant_, constant_manual, constant_raw
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def zeros_manual(state: rng.State, shape: tuple[int, ...], dtype: type = np.float32) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return constant_manual(state, shape, 0, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def zeros_raw(
    generator: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return constant_raw(generator, shape, 0, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def zeros_(tensor: torch.Tensor) -> torch.Tensor:
    """Drop-in for torch.nn.init.zeros_."""
    return constant_(tensor, 0)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(zeros_manual, zeros_raw, zeros_, torch.nn.init.zeros_)
