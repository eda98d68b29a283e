r"""One everywhere: how a normalization begins its scale.

    w = 1

It is for what multiplies: where it begins with 0 instead, nothing that passes it ever learns (tests/planted:
ones_are_zeros).

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


def ones_manual(state: rng.State, shape: tuple[int, ...], dtype: type = np.float32) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return constant_manual(state, shape, 1, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def ones_raw(
    generator: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return constant_raw(generator, shape, 1, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def ones_(tensor: torch.Tensor) -> torch.Tensor:
    """Drop-in for torch.nn.init.ones_."""
    return constant_(tensor, 1)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(ones_manual, ones_raw, ones_, torch.nn.init.ones_)
