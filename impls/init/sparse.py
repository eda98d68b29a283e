r"""Sparse: a normal matrix, of which as much of each column is 0.

    w ~ N(0, σ²),   then in each column ⌈s n⌉ of its n rows, drawn anew, are 0        s sparsity, σ std

The number of zeros is rounded up (tests/planted: sparse_rounds_down).  Native draws the rows from the global generator,
also where it is given another one.

Shapes   (n, m).
Units    [w] = [σ];  s is a pure number.
Raises   ValueError for other than two dimensions (custom and native).
Source   Martens 2010; torch/nn/init.py (PyTorch 2.13).
"""

import math

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def sparse_manual(
    state: rng.State, shape: tuple[int, ...], sparsity: float, std: float = 0.01, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    rows, columns = shape
    w, state = rng.normal_manual(state, shape, 0.0, std, dtype)
    kept = np.ones(shape, bool)
    for j in range(columns):
        order, state = rng.randperm_manual(state, rows)
        kept[order[: math.ceil(sparsity * rows)], j] = False
    return np.where(kept, w, 0.0), state


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sparse_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    sparsity: float,
    std: float = 0.01,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    rows, columns = shape
    w, generator = rng.normal_raw(generator, shape, 0.0, std, dtype)
    for j in range(columns):
        order, generator = rng.randperm_raw(generator, rows)
        w[order[: math.ceil(sparsity * rows)], j] = 0
    return w, generator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def sparse_(
    tensor: torch.Tensor, sparsity: float, std: float = 0.01, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Drop-in for torch.nn.init.sparse_."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if tensor.is_meta and TORCH >= (2, 12):  # it has no memory to draw into
        return tensor
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with torch.no_grad():
        tensor.normal_(0, std, generator=generator)
        for j in range(columns):
            tensor[torch.randperm(rows)[:zeros], j] = 0  # not from `generator`: native's
    return tensor


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(sparse_manual, sparse_raw, sparse_, torch.nn.init.sparse_)
