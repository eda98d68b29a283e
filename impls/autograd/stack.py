r"""Tensors of one shape side by side, along a new dimension.

    y[i] = xᵢ        ∂xᵢ = ∂y[i]        for dim 0

Shapes   x₁, x₂, … share one shape; y has one dimension more, as long as they are many.
Units    [y] = [x].
Raises   RuntimeError: no tensors, or of several shapes; IndexError: no such dimension.
Source   torch.stack (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.cat import alike, dim_of
from impls.autograd.node import record
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def stack_forward(*arrays, dim=0):
    return np.stack(arrays, axis=dim), places(len(arrays), arrays[0].ndim, dim)


def stack_backward(dy, saved, needs_input_grad):
    return tuple(dy[at] if needed else None for at, needed in zip(saved, needs_input_grad, strict=True))


def places(n, ndim, dim):
    """Where each of them stands."""
    return [(*(slice(None),) * (dim % (ndim + 1)), i) for i in range(n)]


stack_manual = Pair(stack_forward, stack_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def stack(tensors, dim=0):
    """Drop-in for torch.stack, on the tape."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape, dim = tensors[0].shape, dim_of(dim, tensors[0].ndim + 1)
    for i, x in enumerate(tensors):
        if x.shape != shape:
            sizes = f"{list(shape)} at entry 0 and {list(x.shape)} at entry {i}"
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {sizes}")
    y, places_ = np.stack(alike([x._array for x in tensors]), dim), places(len(tensors), len(shape), dim)
    partials = [(x, lambda g, at=at: g[at], ()) for x, at in zip(tensors, places_, strict=True)]
    return record(type(tensors[0])._of(y), "StackBackward0", *partials)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(stack_manual, Absent("raw code calls torch.stack itself"), stack, torch.stack)
