r"""Tensors one after the other, along a dimension that they have.

    y = [x₁ | x₂ | …]        ∂xᵢ = the part of ∂y where xᵢ stands

Shapes   those of x₁, x₂, … are the same but for the dimension; there y's is the sum of theirs.
Units    [y] = [x].
Raises   RuntimeError: shapes that do not fit, or have no dimensions; ValueError: no tensors; IndexError: no such
         dimension.
Source   torch.cat (PyTorch 2.13).
"""

from itertools import accumulate, pairwise

import numpy as np
import torch

from impls.autograd.node import record
from impls.autograd.result_type import result_type_manual
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def cat_forward(*arrays, dim=0):
    return np.concatenate(arrays, axis=dim), parts([a.shape for a in arrays], dim)


def cat_backward(dy, saved, needs_input_grad):
    return tuple(dy[part] if needed else None for part, needed in zip(saved, needs_input_grad, strict=True))


def parts(shapes, dim):
    """Where each of them stands."""
    before = (slice(None),) * (dim % len(shapes[0]))
    return [(*before, slice(*ends)) for ends in pairwise(accumulate((s[dim] for s in shapes), initial=0))]


def dim_of(dim, ndim):
    """A dimension as it is counted from the first."""
    n = max(ndim, 1)  # what has no dimensions is taken to have one
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


cat_manual = Pair(cat_forward, cat_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def cat(tensors, dim=0):
    """Drop-in for torch.cat, on the tape."""
    shapes = [x.shape for x in tensors]
    dim = _joinable(shapes, dim)
    y, places = np.concatenate(alike([x._array for x in tensors]), dim), parts(shapes, dim)
    partials = [(x, lambda g, at=at: g[at], ()) for x, at in zip(tensors, places, strict=True)]
    return record(type(tensors[0])._of(y), "CatBackward0", *partials)


def _joinable(shapes, dim):
    """The dimension, counted from the first, along which tensors of these shapes fit."""
    if not shapes:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, shape in enumerate(shapes):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    dim = dim_of(dim, len(shapes[0]))
    for i, shape in enumerate(shapes):
        if len(shape) != len(shapes[0]):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(shapes[0])} and {len(shape)}")
        for d, (m, n) in enumerate(zip(shapes[0], shape, strict=True)):
            if m != n and d != dim:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {m} but got size {n} for "
                    f"tensor number {i} in the list."
                )
    return dim


def alike(arrays):
    """Arrays in the dtype in which all of them meet."""
    dtype = arrays[0].dtype
    for a in arrays:
        dtype = result_type_manual(a, np.empty(1, dtype)) if a.dtype != dtype else dtype
    return [a if a.dtype == dtype else a.astype(dtype) for a in arrays]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(cat_manual, Absent("raw code calls torch.cat itself"), cat, torch.cat)
