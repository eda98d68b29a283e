r"""A tensor as the tensors that stand in it side by side along a dimension, which is what iteration goes over.

    xᵢ = x[i]        ∂x[i] = ∂xᵢ,  zeros where an xᵢ was not used        for dim 0

As of split, all of them are views that one node leads to, and none may be written to (tests/planted:
tensor_part_is_written_to).

Shapes   x's without the dimension.
Units    [xᵢ] = [x].
Raises   IndexError: x has no dimension, or no such dimension.
Source   torch.unbind (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.cat import dim_of
from impls.autograd.node import record_several
from impls.autograd.stack import places
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def unbind_forward(x, dim=0):
    xs = tuple(x[at] for at in places(x.shape[dim], x.ndim - 1, dim))
    return xs, (x.shape, x.dtype, dim)


def unbind_backward(dxs, saved, needs_input_grad=(True,)):
    if not needs_input_grad[0]:
        return (None,)
    shape, dtype, dim = saved
    nothing = np.zeros(shape[:dim] + shape[dim:][1:], dtype)
    return (np.stack([nothing if dx is None else dx for dx in dxs], dim),)


unbind_manual = Pair(unbind_forward, unbind_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def unbind(input, dim=0):
    """Drop-in for torch.unbind, on the tape."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = dim_of(dim, input.ndim)
    xs, saved = unbind_forward(input._array, dim)
    looks = [lambda a, at=at: a[(*at, ...)] for at in places(len(xs), input.ndim - 1, dim)]
    return record_several(
        input._views(looks), "UnbindBackward0", (input, lambda *dxs: unbind_backward(dxs, saved)[0], ())
    )


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(unbind_manual, Absent("raw code calls torch.unbind itself"), unbind, torch.unbind)
