r"""Products of vectors, of matrices, and of batches of matrices.

    y = A B        ∂A = ∂y Bᵀ,   ∂B = Aᵀ ∂y        y = C + A B has ∂C = ∂y, and one node (addmm)

A vector is a row on the left and a column on the right, and y does not keep its dimension, nor does ∂y have it: A b has
∂A = ∂y bᵀ, an outer product (tests/planted: matmul_vector_kept_as_row).  torch has a node of its own for each of a · b,
A b and A B, and takes aᵀ B for a matrix of one row.  A batch is one node here, where torch joins several.

Shapes   (…, m, k) and (…, k, n), or (k,) on either side; the batches are broadcast.
Units    [y] = [A] [B].
Raises   RuntimeError: sizes that do not fit; dtypes that are not one; a tensor without dimensions.
Source   torch.matmul; aten/src/ATen/native/LinearAlgebra.cpp (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.index_put import NAMES
from impls.autograd.node import record, summed_to
from impls.autograd.result_type import QUIET
from impls.ladder import Absent, Ladder, Pair
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def matmul_forward(a, b):
    return a @ b, (a, b)


def matmul_backward(dy, saved, needs_input_grad):
    a, b = saved
    rows, columns = a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b
    dy = dy.reshape(*dy.shape, 1) if b.ndim == 1 else dy
    dy = dy.reshape(*dy.shape[:-1], 1, dy.shape[-1]) if a.ndim == 1 else dy
    needs_a, needs_b = needs_input_grad
    return (
        summed_to(dy @ turned(columns), rows.shape).reshape(a.shape) if needs_a else None,
        summed_to(turned(rows) @ dy, columns.shape).reshape(b.shape) if needs_b else None,
    )


def turned(a):
    return a.T if a.ndim == 2 else a.mT


matmul_manual = Pair(matmul_forward, matmul_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

SPELLED = {"float64": "double", "float32": "float", "int64": "long int", "int32": "int", "bool": "bool"}


def matmul(input, other):
    """Drop-in for torch.matmul, on the tape."""
    dims = input.ndim, other.ndim
    if 0 in dims:
        a, b = (f"{n}D" for n in dims)
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a} and {b}")
    with np.errstate(all="ignore"):
        if dims == (1, 1):
            return _dot(input, other)
        if dims == (2, 1):
            return _mv(input, other)
        if dims[0] == 1:
            return _row(input, other)
        return matmul(input, other.unsqueeze(1)).squeeze(-1) if dims[1] == 1 else _mm(input, other)


def _dot(a, b):
    x, y = a._array, b._array
    if x.shape != y.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{len(x)}] and src [{len(y)}] to have the same number of "
            f"elements, but got {len(x)} and {len(y)} elements respectively"
        )
    if x.dtype != y.dtype:
        m, n = (NAMES[z.dtype.name] for z in (x, y))
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {m} and {n}")
    slope = lambda g, other: g * other
    return record(type(a)._of(x @ y), "DotBackward0", (a, slope, (b,)), (b, slope, (a,)))


def _mv(a, b):
    x, y = a._array, b._array
    if x.shape[1:] != y.shape:
        (m, n), (k,) = x.shape, y.shape
        raise RuntimeError(f"size mismatch, got input ({m}), mat ({m}x{n}), vec ({k})")
    if x.dtype != y.dtype:
        m, n = (NAMES[z.dtype.name] for z in (x, y))
        kinds = f"addmv input tensors must have the same dtype, but got {n}, {m}, and {n}"
        raise RuntimeError(kinds if TORCH >= (2, 12) else f"expected scalar type {m} but found {n}")
    left, right = lambda g, b: g.reshape(-1, 1) * b, lambda g, a: turned(a) @ g
    return record(type(a)._of(x @ y), "MvBackward0", (a, left, (b,)), (b, right, (a,)))


def _row(a, b):
    y = _mm(a.unsqueeze(0), b)
    if b.ndim > 2:
        return y.squeeze(-2)
    return record(type(a)._of(y._array[0]), "SqueezeBackward4", (y, lambda g: g.reshape(1, -1), ()))


def _mm(a, b):
    x, y = a._array, b._array
    flat = x.ndim == y.ndim == 2
    if flat:
        _fit(x, y, "mm")
    if x.dtype != y.dtype:
        m, n = (SPELLED[z.dtype.name] for z in (x, y))
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {m} != {n}")
    return record(type(a)._of(x @ y), "MmBackward0" if flat else "BmmBackward0", *_partials(a, b, flat))


def _fit(x, y, name):
    if x.shape[1] != y.shape[0]:
        sizes = " and ".join("x".join(map(str, z.shape)) for z in (x, y))
        raise RuntimeError(_said_by(name, f"mat1 and mat2 shapes cannot be multiplied ({sizes})"))


def _said_by(name, words):
    """Since torch 2.15 it says which operation refuses."""
    return f"{name}: {words}" if TORCH >= (2, 15) else words


def _partials(a, b, flat=True):
    y = b._array
    left, right = lambda g, b: g @ turned(b), lambda g, a: turned(a) @ g
    if flat and isinstance(y, np.ndarray) and y.flags.f_contiguous and not y.flags.c_contiguous:
        right = lambda g, a: (g.T @ a).T  # of a weight that is stored transposed the gradient is, too
    return (a, left, (b,)), (b, right, (a,))


@QUIET
def addmm(input, mat1, mat2):
    """Follows torch.addmm, which a linear layer calls: input + mat1 mat2, recorded as one operation."""
    c, x, y = input._array, mat1._array, mat2._array
    for name, z in (("self", c), ("mat1", x)):
        if z.dtype != y.dtype:
            m, n = (NAMES[dtype.name] for dtype in (z.dtype, y.dtype))
            raise RuntimeError(f"{name} and mat2 must have the same dtype, but got {m} and {n}")
    for name, z in (("self" if TORCH >= (2, 15) else "mat1", x), ("mat2", y)):
        if z.ndim != 2:
            raise RuntimeError(_said_by("addmm", f"{name} must be a matrix, got {z.ndim}-D tensor"))
    _fit(x, y, "addmm")
    if c.shape != y.shape[1:]:
        input.detach().expand(x.shape[0], y.shape[1])  # or torch's words for why not
    return record(type(mat1)._of(x @ y + c), "AddmmBackward0", (input, lambda g: g, ()), *_partials(mat1, mat2))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(matmul_manual, Absent("raw code calls torch.matmul itself"), matmul, torch.matmul)
