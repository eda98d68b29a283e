r"""Xavier's normal: the variance that keeps signals alike forward and back.

    w ~ N(0, σ²)        σ = g √(2/(i + o)),   i, o the fans, g gain;  see init.xavier_uniform

It has the variance of Xavier's uniform, whose bound is √3 times as large (tests/planted: xavier_normal_of_the_bound).

Shapes   (n, m, …).
Units    [w] = [g].
Raises   ValueError for fewer than two dimensions.
Source   Glorot and Bengio 2010; torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls import rng
from impls.init.normal import normal_, normal_manual, normal_raw
from impls.init.xavier_uniform import xavier_std
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def xavier_normal_manual(
    state: rng.State, shape: tuple[int, ...], gain: float = 1.0, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return normal_manual(state, shape, 0.0, xavier_std(shape, gain), dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def xavier_normal_raw(
    generator: torch.Generator, shape: tuple[int, ...], gain: float = 1.0, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return normal_raw(generator, shape, 0.0, xavier_std(shape, gain), dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def xavier_normal_(tensor: torch.Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> torch.Tensor:
    """Drop-in for torch.nn.init.xavier_normal_."""
    return normal_(tensor, 0.0, xavier_std(tensor.shape, gain), generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(xavier_normal_manual, xavier_normal_raw, xavier_normal_, torch.nn.init.xavier_normal_)
