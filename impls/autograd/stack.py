r"""Tensors of one shape side by side, along a new dimension.

    y[i] = xᵢ        ∂xᵢ = ∂y[i]        for dim 0

Shapes   x₁, x₂, … share one shape; y has one dimension more, as long as they are many.
Units    [y] = [x].
Raises   what the library raises where shapes are not one.
Source   torch.stack (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.node import record
from impls.autograd.tensor import Tensor
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
    y = np.stack([x._array for x in tensors], axis=dim)
    places_ = places(len(tensors), tensors[0].ndim, dim)
    partials = [(x, lambda g, at=at: g[at], ()) for x, at in zip(tensors, places_, strict=True)]
    return record(Tensor._of(y), "StackBackward0", *partials)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(stack_manual, Absent("raw code calls torch.stack itself"), stack, torch.stack)
