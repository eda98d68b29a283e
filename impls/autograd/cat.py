r"""Tensors one after the other, along a dimension that they have.

    y = [x₁ | x₂ | …]        ∂xᵢ = the part of ∂y where xᵢ stands

Shapes   those of x₁, x₂, … are the same but for the dimension; there y's is the sum of theirs.
Units    [y] = [x].
Raises   what the library raises where shapes do not fit.
Source   torch.cat (PyTorch 2.13).
"""

from itertools import accumulate, pairwise

import numpy as np
import torch

from impls.autograd.node import record
from impls.autograd.tensor import Tensor
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


cat_manual = Pair(cat_forward, cat_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def cat(tensors, dim=0):
    """Drop-in for torch.cat, on the tape."""
    y = np.concatenate([x._array for x in tensors], axis=dim)
    places = parts([x.shape for x in tensors], dim)
    partials = [(x, lambda g, at=at: g[at], ()) for x, at in zip(tensors, places, strict=True)]
    return record(Tensor._of(y), "CatBackward0", *partials)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(cat_manual, Absent("raw code calls torch.cat itself"), cat, torch.cat)
