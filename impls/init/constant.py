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

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def constant_manual(
    state: rng.State, shape: tuple[int, ...], val: float, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return np.full(shape, val, dtype), state


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def constant_raw(
    generator: torch.Generator, shape: tuple[int, ...], val: float, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.full(shape, val, dtype=dtype, device=generator.device), generator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def constant_(tensor: torch.Tensor, val: float) -> torch.Tensor:
    """Drop-in for torch.nn.init.constant_."""
    return tensor.fill_(val)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(constant_manual, constant_raw, constant_, torch.nn.init.constant_)
