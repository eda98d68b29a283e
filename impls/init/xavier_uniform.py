r"""Xavier's uniform: the variance that keeps signals alike forward and back.

    w ~ U[-β, β)        β = √3 σ,   σ = g √(2/(i + o))
    i = m k,  o = n k   for w of shape (n, m, …), k the product of the rest;   g gain

The fans are added under the fraction: 2/i + o is no variance (tests/planted: xavier_uniform_missing_parentheses).  β is
computed by way of σ, which rounds otherwise than g √(6/(i + o)).

Shapes   (n, m, …).
Units    [w] = [g].
Raises   ValueError for fewer than two dimensions.
Source   Glorot and Bengio 2010; torch/nn/init.py (PyTorch 2.13).
"""

import math

import numpy as np
import torch

from impls import rng
from impls.init.uniform import uniform_, uniform_manual, uniform_raw
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def xavier_uniform_manual(
    state: rng.State, shape: tuple[int, ...], gain: float = 1.0, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    bound = math.sqrt(3) * xavier_std(shape, gain)
    return uniform_manual(state, shape, -bound, bound, dtype)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (how many inputs an output sees, how many outputs an input reaches)."""
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *kernel = shape
    field = math.prod(kernel)
    return inputs * field, outputs * field


def xavier_std(shape: tuple[int, ...], gain: float) -> float:
    return gain * math.sqrt(2 / sum(fans(shape)))


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def xavier_uniform_raw(
    generator: torch.Generator, shape: tuple[int, ...], gain: float = 1.0, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    bound = math.sqrt(3) * xavier_std(shape, gain)
    return uniform_raw(generator, shape, -bound, bound, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def xavier_uniform_(tensor: torch.Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> torch.Tensor:
    """Drop-in for torch.nn.init.xavier_uniform_."""
    bound = math.sqrt(3) * xavier_std(tensor.shape, gain)
    return uniform_(tensor, -bound, bound, generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(xavier_uniform_manual, xavier_uniform_raw, xavier_uniform_, torch.nn.init.xavier_uniform_)
