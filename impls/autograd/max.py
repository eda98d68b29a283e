r"""The largest numbers: of two tensors, along a dimension, or of all.

    y = max x        ∂xᵢ = ∂y where i is the place that was found, 0 elsewhere

Where several are the largest, it depends on how it was asked: along a dimension the first of them, whose index is
returned, gets all of the gradient; of a whole tensor each gets its part (tests/planted: max_along_a_dimension_shares).
NaN is larger than any number.  min is the same the other way round.

Shapes   values and indices lose the dimension, or keep it with size 1.
Units    [y] = [x]; indices have none.
Raises   IndexError: a dimension of size 0, or that there is none of; RuntimeError: nothing to take it of.
Source   torch.max (PyTorch 2.13).
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from impls.autograd.cat import dim_of
from impls.autograd.index_put import along, put
from impls.autograd.node import record
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def max_forward(x, dim, keepdim=False):
    return found(np.argmax, x, dim, keepdim)


def max_backward(dy, saved, needs_input_grad=(True,)):
    shape, key, kept = saved
    return (put(dy.reshape(kept), shape, key) if needs_input_grad[0] else None,)


def found(where, x, dim, keepdim):
    """Values and indices, and what their derivative needs."""
    key = along(dim, where(x, dim, keepdims=True))
    saved = x.shape, key, key[dim].shape
    y = x[key], key[dim]
    return tuple(a if keepdim else a.squeeze(dim) for a in y), saved


max_manual = Pair(max_forward, max_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Largest(NamedTuple):
    """What max returns of a dimension."""

    values: Any
    indices: Any


class Smallest(NamedTuple):
    """What min returns of a dimension."""

    values: Any
    indices: Any


def max(input, dim=None, keepdim=False):
    """Drop-in for torch.max, on the tape."""
    if isinstance(dim, type(input)):
        return input.maximum(dim)
    if dim is None:
        return input._shared("MaxBackward1", np.max, None, nans_share=True)
    return Largest(*_picked("MaxBackward0", np.argmax, input, dim, keepdim))


def min(input, dim=None, keepdim=False):
    """Drop-in for torch.min, on the tape."""
    if isinstance(dim, type(input)):
        return input.minimum(dim)
    if dim is None:
        return input._shared("MinBackward1", np.min, None, nans_share=True)
    return Smallest(*_picked("MinBackward0", np.argmin, input, dim, keepdim))


def _picked(name, where, x, dim, keepdim):
    dim, made = dim_of(dim, x.ndim), type(x)._of
    if not x.ndim:
        return record(made(x._array), name, (x, lambda g: g, ())), made(np.zeros((), np.int64))
    if not x.shape[dim]:
        called = where.__name__.removeprefix("arg")
        raise IndexError(f"{called}(): Expected reduction dim {dim} to have non-zero size.")
    (values, indices), saved = found(where, x._array, dim, keepdim)
    indices = made(indices)
    return record(made(values), name, (x, lambda g, _: max_backward(g, saved)[0], (indices,))), indices


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(max_manual, Absent("raw code calls torch.max itself"), max, torch.max)
