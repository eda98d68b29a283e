r"""Kaiming's uniform: the variance that a rectifier leaves as it is.

    w ~ U[-β, β)        β = √3 σ,   σ = g/√i,   g = √(2/(1 + a²)) for a leaky_relu of slope a

i is the fan in, or the fan out where the gradient is to be kept (tests/planted: kaiming_uniform_always_fan_in).
nn.Linear is born with a = √5, for which β is 1/√i.

Shapes   (n, m, …).
Units    a pure number.
Raises   ValueError for another mode or nonlinearity, and for fewer than two dimensions;  warns of a tensor without
         elements (custom and native).
Source   He et al. 2015; torch/nn/init.py (PyTorch 2.13).
"""

import math
import warnings

import numpy as np
import torch

from impls import rng
from impls.init.calculate_gain import calculate_gain
from impls.init.uniform import uniform_, uniform_manual, uniform_raw
from impls.init.xavier_uniform import fans
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_manual(
    state: rng.State,
    shape: tuple[int, ...],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: type = np.float32,
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    bound = math.sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
    return uniform_manual(state, shape, -bound, bound, dtype)


def kaiming_std(shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    if mode.lower() not in MODES:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {MODES}")
    fan = fans(shape)[MODES.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan or 1)  # without a fan there is nothing to draw


MODES = ["fan_in", "fan_out"]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    bound = math.sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
    return uniform_raw(generator, shape, -bound, bound, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Drop-in for torch.nn.init.kaiming_uniform_."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3) * kaiming_std(tensor.shape, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(kaiming_uniform_manual, kaiming_uniform_raw, kaiming_uniform_, torch.nn.init.kaiming_uniform_)
