r"""Kaiming's normal: the variance that a rectifier leaves as it is.

    w ~ N(0, σ²)        σ = g/√i;   see init.kaiming_uniform for g and i

Its default is for a rectifier, a = 0, and not nn.Linear's a = √5 (tests/planted: kaiming_normal_of_linear).

Shapes   (n, m, …).
Units    a pure number.
Raises   ValueError for another mode or nonlinearity, and for fewer than two dimensions;  warns of a tensor without
         elements (custom and native).
Source   He et al. 2015; torch/nn/init.py (PyTorch 2.13).
"""

import warnings

import numpy as np
import torch

from impls import rng
from impls.init.kaiming_uniform import kaiming_std
from impls.init.normal import normal_, normal_manual, normal_raw
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_normal_manual(
    state: rng.State,
    shape: tuple[int, ...],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: type = np.float32,
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return normal_manual(state, shape, 0.0, kaiming_std(shape, a, mode, nonlinearity), dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def kaiming_normal_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return normal_raw(generator, shape, 0.0, kaiming_std(shape, a, mode, nonlinearity), dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_normal_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Drop-in for torch.nn.init.kaiming_normal_."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor.shape, a, mode, nonlinearity), generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(kaiming_normal_manual, kaiming_normal_raw, kaiming_normal_, torch.nn.init.kaiming_normal_)
