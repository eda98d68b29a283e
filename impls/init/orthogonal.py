r"""Orthogonal: rows, or columns, that keep every length.

    a ~ N(0, 1),  of shape (n, m), transposed if n < m
    q r = a,      w = g q sign(diag r),  transposed back        g gain
    by Householder:   x = aₖ from row k on,   rₖₖ = -sign(xₖ)‖x‖,   v = x - rₖₖ eₖ,   k = 1, …, m
                      a ← (1 - 2 v vᵀ/vᵀv) a,   q ← q (1 - 2 v vᵀ/vᵀv),   q is 1 at first

A QR factorisation is unique but for signs, and LAPACK's have a pattern: only with those of r's diagonal is q uniform
among all orthogonal matrices (Mezzadri 2007; tests/planted: orthogonal_signs_dropped).  The sign of rₖₖ is such that
nothing cancels in v.  The normal draw is what makes every direction alike: from a uniform one they are not.

Shapes   (n, m, …), the rest flattened into m.
Units    [w] = [g].
Raises   ValueError for fewer than two dimensions (custom and native).
Source   Householder 1958; Saxe et al. 2014; Mezzadri 2007; torch/nn/init.py (PyTorch 2.13), where LAPACK factorises.
"""

import math

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def orthogonal_manual(
    state: rng.State, shape: tuple[int, ...], gain: float = 1, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    rows, *rest = shape
    a, state = rng.normal_manual(state, (rows, math.prod(rest)), 0.0, 1.0, dtype)
    return (_householder(a) * gain).reshape(*shape), state


def _householder(a):
    """q, of which each column has the sign that r's diagonal has in its row; of a wide matrix its transpose's."""
    n, m = a.shape
    if n < m:
        return _householder(a.T).T
    q, rows = np.eye(n, dtype=a.dtype), np.arange(n)
    for k in range(m):
        x = np.where(rows < k, 0.0, a[:, k])
        norm = np.sqrt((x * x).sum())
        r = np.where(x[k] < 0.0, norm, -norm)
        v = (x - np.where(rows == k, r, 0.0)).reshape(n, 1)
        u = v * (2.0 / (v * v).sum())
        a = a - u * (v * a).sum(axis=0)
        q = (q - (q * v.T).sum(axis=1, keepdims=True) * u.T) * np.where(rows == k, np.sign(r), 1.0)
    return q[:, :m]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def orthogonal_raw(
    generator: torch.Generator, shape: tuple[int, ...], gain: float = 1, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    rows, *rest = shape
    a, generator = rng.normal_raw(generator, (rows, torch.Size(rest).numel()), 0.0, 1.0, dtype)
    return (_orthogonal(a) * gain).reshape(shape), generator


def _orthogonal(a):
    """The orthogonal factor with the signs that make it uniform; of a wide matrix its transpose's."""
    if a.shape[0] < a.shape[1]:
        return _orthogonal(a.T).T
    q, r = torch.linalg.qr(a)
    return q * r.diag().sign()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def orthogonal_(tensor: torch.Tensor, gain: float = 1, generator: torch.Generator | None = None) -> torch.Tensor:
    """Drop-in for torch.nn.init.orthogonal_."""
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    with torch.no_grad():
        a = tensor.new_empty((len(tensor), tensor.numel() // len(tensor))).normal_(0, 1, generator=generator)
        return tensor.copy_(_orthogonal(a).reshape(tensor.shape)).mul_(gain)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(orthogonal_manual, orthogonal_raw, orthogonal_, torch.nn.init.orthogonal_)
