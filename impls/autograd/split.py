r"""A tensor in parts, one after the other along a dimension.

    [x₁ | x₂ | …] = x        ∂x = [∂x₁ | ∂x₂ | …],  zeros where a part was not used

The parts are views that one node leads to, so its gradient goes on when those of all parts have arrived, and none of
them may be written to.  A part that was not used has no gradient, and its place is not closed up (tests/planted:
split_unused_parts_left_out).

Shapes   x's, but for the dimension: there the size asked for, and of the last part what is left; or the sizes listed.
Units    [xᵢ] = [x].
Raises   RuntimeError: x has no dimension; a size below 0, or 0 where x's is not; sizes whose sum is not x's.
         IndexError: x has no such dimension.
Source   torch.split (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.cat import dim_of, parts
from impls.autograd.node import record_several
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def split_forward(x, split_size_or_sections, dim=0):
    sizes = sizes_of(x.shape[dim], split_size_or_sections, dim)
    shapes = [(*x.shape[:dim], n, *x.shape[dim:][1:]) for n in sizes]
    return tuple(x[part] for part in parts(shapes, dim)), (shapes, x.dtype, dim)


def split_backward(dxs, saved, needs_input_grad=(True,)):
    if not needs_input_grad[0]:
        return (None,)
    shapes, dtype, dim = saved
    dxs = [np.zeros(shape, dtype) if dx is None else dx for shape, dx in zip(shapes, dxs, strict=True)]
    return (np.concatenate(dxs, dim),)


def sizes_of(n, split_size_or_sections, dim):
    """How long each part is."""
    if not isinstance(split_size_or_sections, int):
        return listed(n, list(split_size_or_sections), dim)
    size = split_size_or_sections
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and n > 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    return [min(size, n - start) for start in range(0, n, size)] if n else [0]


def listed(n, sizes, dim):
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={sizes}"
        )
    return sizes


split_manual = Pair(split_forward, split_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def split(tensor, split_size_or_sections, dim=0):
    """Drop-in for torch.split, on the tape."""
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim, name = dim_of(dim, tensor.ndim), "SplitWithSizesBackward0"
    if isinstance(split_size_or_sections, int):
        name = "SplitBackward0"
    _, saved = split_forward(tensor._array, split_size_or_sections, dim)
    looks = [lambda a, part=part: a[part] for part in parts(saved[0], dim)]
    return record_several(tensor._views(looks), name, (tensor, lambda *dxs: split_backward(dxs, saved)[0], ()))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(split_manual, Absent("raw code calls torch.split itself"), split, torch.split)
