r"""Dirac: a convolution that passes as many channels as possible unchanged.

    w[g n + d, d, c₁, c₂, …] = 1,   else 0        d < min(n, m),  cᵢ = ⌊kᵢ/2⌋,  n = out/groups

The centre of an even kernel is right of the middle.  Each group of outputs starts anew with the first input
(tests/planted: dirac_one_group).

Shapes   (out, m, k₁[, k₂[, k₃]]), out a multiple of groups.
Units    a pure number.
Raises   ValueError for other than 3, 4 or 5 dimensions, and for out that is no multiple of groups (custom and native).
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def dirac_manual(
    state: rng.State, shape: tuple[int, ...], groups: int = 1, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    w: np.ndarray = np.zeros(shape, dtype)
    for place in _ones(shape, groups):
        w[place] = 1
    return w, state


def _ones(shape, groups):
    out, channels, *kernel = shape
    n = out // groups
    centre = tuple(k // 2 for k in kernel)
    return [(g * n + d, d, *centre) for g in range(groups) for d in range(min(n, channels))]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def dirac_raw(
    generator: torch.Generator, shape: tuple[int, ...], groups: int = 1, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    w = torch.zeros(shape, dtype=dtype, device=generator.device)
    for place in _ones(shape, groups):
        w[place] = 1
    return w, generator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def dirac_(tensor: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """Drop-in for torch.nn.init.dirac_."""
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    with torch.no_grad():
        tensor.zero_()
        for place in _ones(tensor.shape, groups):
            tensor[place] = 1
    return tensor


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(dirac_manual, dirac_raw, dirac_, torch.nn.init.dirac_)
