r"""Identity: as many inputs as possible pass unchanged.

    wᵢⱼ = 1 if i = j else 0

The matrix need not be square: what has no partner is 0 (tests/planted: eye_reversed).

Shapes   (n, m).
Units    a pure number.
Raises   ValueError for other than two dimensions (custom and native).
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def eye_manual(state: rng.State, shape: tuple[int, ...], dtype: type = np.float32) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return np.eye(*shape, dtype=dtype), state


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def eye_raw(
    generator: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.eye(*shape, dtype=dtype, device=generator.device), generator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def eye_(tensor: torch.Tensor) -> torch.Tensor:
    """Drop-in for torch.nn.init.eye_."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with torch.no_grad():
        tensor.zero_().fill_diagonal_(1)
    return tensor


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(eye_manual, eye_raw, eye_, torch.nn.init.eye_)
