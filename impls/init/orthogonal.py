r"""Orthogonal: rows, or columns, that keep every length.

    a ~ N(0, 1),  of shape (n, m), transposed if n < m
    q r = a,      w = g q sign(diag r),  transposed back        g gain

A QR factorisation is unique but for signs, and LAPACK's have a pattern: only with those of r's diagonal is q uniform
among all orthogonal matrices (Mezzadri 2007; tests/planted: orthogonal_signs_dropped).  The normal draw is what makes
every direction alike: from a uniform one they are not.

Shapes   (n, m, …), the rest flattened into m.
Units    [w] = [g].
Raises   ValueError for fewer than two dimensions (custom and native).
Source   Saxe et al. 2014; Mezzadri 2007; torch/nn/init.py (PyTorch 2.13).
"""

import torch

from impls import rng
from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def orthogonal_raw(generator, shape, gain=1, dtype=torch.float32):
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


def orthogonal_(tensor, gain=1, generator=None):
    """Drop-in for torch.nn.init.orthogonal_."""
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    with torch.no_grad():
        a = tensor.new_empty((len(tensor), tensor.numel() // len(tensor))).normal_(0, 1, generator=generator)
        return tensor.copy_(_orthogonal(a).reshape(tensor.shape)).mul_(gain)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a QR factorisation by hand rounds otherwise than LAPACK's, by more than any bound of ours is proven for"),
    orthogonal_raw,
    orthogonal_,
    torch.nn.init.orthogonal_,
)
