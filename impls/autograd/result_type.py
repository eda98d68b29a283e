r"""The dtype in which two operands meet.

    bool < whole < floating: the higher kind decides; of one kind, the operand that has dimensions; then the wider one

A Python number has no dtype, only a kind: it meets an array of its kind, or of a higher one, in the array's dtype.  So
neither `x * 2.5` nor a zero-dimensional float64 makes doubles of floats, as NumPy's arrays without dimensions do since
2.0 (tests/planted: result_type_scalars_decide); and an integer meets a float32 in float32, not in NumPy's float64.

Shapes   any.
Units    none.
Raises   nothing of its own.
Source   torch.result_type; aten/src/ATen/native/TypeProperties.cpp (PyTorch 2.13); NEP 50, for NumPy's rule.
"""

import functools

import numpy as np
import torch

from impls.ladder import Absent, Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────

DEFAULT = np.dtype(np.float32)  # of what is not data: numbers, and functions of integers
RANK = {"b": 0, "i": 1, "u": 1, "f": 2}


def result_type_manual(x, y):
    """Return a dtype; at least one of x and y is an array."""
    (kind, dims, dtype), (other, others, another) = _weight(x), _weight(y)
    if kind != other:
        return dtype if kind > other else another
    if dims != others:
        return dtype if dims > others else another
    return np.promote_types(dtype, another)


def _weight(x):
    """Its kind; whether it is an array with dimensions, one without, or a number; the dtype it brings."""
    if isinstance(x, bool | int | float):
        dtype = np.dtype(bool if isinstance(x, bool) else np.int64 if isinstance(x, int) else DEFAULT)
        return RANK[dtype.kind], 0, dtype
    return RANK[x.dtype.kind], 1 + bool(x.ndim), x.dtype


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def result_type(tensor1, tensor2):
    """Drop-in for torch.result_type, on the tape: tensors have what arrays have."""
    return result_type_manual(tensor1, tensor2)


def met(a, b):
    """The arrays of two tensors, the second of which may be an array or a number, in the dtype in which they meet."""
    x, y = payload(a), payload(b)
    if isinstance(y, bool | int | float):
        return x if x.dtype.kind == "f" else x.astype(result_type_manual(x, y)), y
    if x.dtype != y.dtype:
        dtype = result_type_manual(x, y)
        x, y = x.astype(dtype), y.astype(dtype)
    return x, y


def payload(x):
    return getattr(x, "_array", x)


def floating(x):
    return x if x.dtype.kind == "f" else x.astype(DEFAULT)


QUIET = np.errstate(all="ignore")  # torch divides by zero without a word


def matching(operation):
    """An operation on two operands, torch's words where their shapes do not fit."""

    @functools.wraps(operation)
    @QUIET
    def checked(a, b, *settings):
        try:
            return operation(a, b, *settings)
        except ValueError as misfit:
            raise RuntimeError(_said(misfit, np.shape(payload(a)), np.shape(payload(b)))) from None

    return checked


def _said(misfit, a, b):
    rank = max(len(a), len(b))
    sides = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    for dim, (m, n) in reversed(list(enumerate(sides))):
        if m != n and 1 not in (m, n):
            return f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}"
    return str(misfit)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(result_type_manual, Absent("raw code asks torch.result_type"), result_type, torch.result_type)
