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

from impls.init.calculate_gain import calculate_gain
from impls.init.uniform import uniform_, uniform_manual, uniform_raw
from impls.init.xavier_uniform import fans
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_manual(state, shape, a=0, mode="fan_in", nonlinearity="leaky_relu", dtype=np.float32):
    """Return (w, state)."""
    bound = math.sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
    return uniform_manual(state, shape, -bound, bound, dtype)


def kaiming_std(shape, a, mode, nonlinearity):
    if mode.lower() not in MODES:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {MODES}")
    fan = fans(shape)[MODES.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan or 1)  # without a fan there is nothing to draw


MODES = ["fan_in", "fan_out"]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_raw(generator, shape, a=0, mode="fan_in", nonlinearity="leaky_relu", dtype=torch.float32):
    bound = math.sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
    return uniform_raw(generator, shape, -bound, bound, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Drop-in for torch.nn.init.kaiming_uniform_."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3) * kaiming_std(tensor.shape, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(kaiming_uniform_manual, kaiming_uniform_raw, kaiming_uniform_, torch.nn.init.kaiming_uniform_)
