r"""Truncated normal: the bell between two bounds.

    w ~ N(μ, σ²)  given  a ≤ w ≤ b        μ mean, σ std
    where more than 0.3 of the bell is inside:  draw all, and draw all again for those outside, until none is
    elsewhere:  draw v ~ U[a, b), keep it if  log u ≤ log p(v) - log p(peak),  u ~ U[0, 1)
    up to torch 2.11, of one draw:  w = μ + σ √2 erf⁻¹ v,  v ~ U[2Φ(a) - 1, 2Φ(b) - 1),  and no further than a and b

The bounds are numbers and not multiples of σ: at σ = 0.02 the default of ±2 cuts nothing (tests/planted:
trunc_normal_bounds_in_deviations).  Its standard deviation is below σ, and nothing makes up for that.

Shapes   any.
Units    [w] = [μ] = [σ] = [a] = [b].
Raises   warns where μ is more than 2σ outside (custom and native).
Source   torch/nn/init.py (PyTorch 2.13, and 2.11 for the inverse of the distribution, which is no rung by hand).
"""

import math
import warnings

import numpy as np
import torch

from impls import rng
from impls.ladder import Absent, Ladder
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def trunc_normal_manual(
    state: rng.State,
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    dtype: type = np.float32,
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    if _inside(mean, std, a, b) > 0.3:
        return _redrawn(state, shape, mean, std, dtype(a), dtype(b), dtype)
    return _accepted(state, shape, mean, std, a, b, dtype)


def _inside(mean, std, a, b):
    """How much of the bell lies between the bounds."""
    return _below((b - mean) / std) - _below((a - mean) / std)


def _below(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _redrawn(state, shape, mean, std, a, b, dtype):
    w, state = rng.normal_manual(state, shape, mean, std, dtype)
    while (outside := (w < a) | (w > b)).any():
        again, state = rng.normal_manual(state, shape, mean, std, dtype)
        w = np.where(outside, again, w)
    return w, state


def _accepted(state, shape, mean, std, a, b, dtype):
    w, pending, peak = np.zeros(shape, dtype), np.ones(shape, bool), _log_density(max(a, min(mean, b)), mean, std)
    while pending.any():
        drawn, state = rng.uniform_manual(state, shape, a, b, dtype)
        u, state = rng.uniform_manual(state, shape, 0.0, 1.0, dtype)
        w = np.where(pending, drawn, w)
        with np.errstate(divide="ignore"):
            pending = pending & (np.log(u) > _log_density(drawn, mean, std) - dtype(peak))
    return w, state


def _log_density(x, mean, std):
    """Return the logarithm of the normal density, but for a constant."""
    return ((x - mean) / std) ** 2 * -0.5


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def trunc_normal_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return truncated(torch.empty(shape, dtype=dtype, device=generator.device), mean, std, a, b, generator), generator


def _rejected(like, mean, std, a, b, generator):
    fresh = lambda: torch.empty_like(like)
    if _inside(mean, std, a, b) > 0.3:
        low, high = (like.new_tensor(bound).item() for bound in (a, b))
        w = like.normal_(mean, std, generator=generator)  # in place: elsewhere memory may lie otherwise
        while (outside := (w < low) | (w > high)).any():
            w = torch.where(outside, fresh().normal_(mean, std, generator=generator), w)
        return w
    w, pending, peak = fresh(), torch.ones_like(like, dtype=torch.bool), _log_density(max(a, min(mean, b)), mean, std)
    while True:
        drawn = fresh().uniform_(a, b, generator=generator)
        u = fresh().uniform_(generator=generator)
        w = torch.where(pending, drawn, w)
        pending = pending & (u.log() > _log_density(drawn, mean, std) - peak)
        if not pending.any():
            return w


def _inverted(like, mean, std, a, b, generator):
    low, high = (_below((bound - mean) / std) for bound in (a, b))
    w = like.uniform_(2 * low - 1, 2 * high - 1, generator=generator).erfinv_()
    return w.mul_(std * math.sqrt(2.0)).add_(mean).clamp_(min=a, max=b)


truncated = _rejected if TORCH >= (2, 12) else _inverted

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def trunc_normal_(
    tensor: torch.Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Drop-in for torch.nn.init.trunc_normal_."""
    if tensor.is_meta and TORCH >= (2, 12):  # it has no memory to draw into
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    return tensor.copy_(truncated(tensor, mean, std, a, b, generator))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    trunc_normal_manual if TORCH >= (2, 12) else Absent("up to torch 2.11 it takes an erfinv, which NumPy has not"),
    trunc_normal_raw,
    trunc_normal_,
    torch.nn.init.trunc_normal_,
)
