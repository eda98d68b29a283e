r"""Powers, in which the exponent may be differentiated, too.

    y = aⁿ        ∂a = ∂y n aⁿ⁻¹,  0 where n = 0        ∂n = ∂y y ln a,  0 where a = 0 and n ≥ 0

Both exceptions are limits that the formula misses: 0 times an infinite power, and a zero power times the logarithm of
zero, are NaN (tests/planted: pow_of_zero).  A number as exponent is not differentiated, and small ones are products.

Shapes   those of NumPy's broadcasting.
Units    n has none, and if it varies neither has a.
Raises   RuntimeError: a negative whole exponent of whole numbers; shapes that do not fit.
Source   torch.pow; torch/csrc/autograd/FunctionsManual.cpp (PyTorch 2.13).
"""

from collections.abc import Callable

import numpy as np
import torch

from impls.autograd.node import RESULT, nothing, record, summed_to
from impls.autograd.result_type import matching, met
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def pow_forward(a, n):
    y = a**n
    return y, (a, n, y)


def pow_backward(dy, saved, needs_input_grad):
    a, n, y = saved
    slopes: tuple[tuple[Callable, tuple], ...] = (pow_base, (dy, a, n)), (pow_exponent, (dy, a, n, y))
    return tuple(
        summed_to(slope(*read), x.shape) if needed else None
        for x, (slope, read), needed in zip((a, n), slopes, needs_input_grad, strict=True)
    )


def pow_base(dy, a, n):
    return np.where(abs(n) <= 0.0, 0.0, dy * (n * a ** (n - 1.0)))


def pow_exponent(dy, a, n, y):
    return dy * np.where(abs(a) <= 0.0, np.where(n >= 0.0, 0.0, y * np.log(a)), y * np.log(a))


pow_manual = Pair(pow_forward, pow_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@matching
def pow(input, exponent):
    """Drop-in for torch.pow, on the tape."""
    if isinstance(input, bool | int | float):
        return _of_a_number(input, exponent)
    x, n = met(input, exponent)
    made = type(input)._of
    if isinstance(exponent, type(input)):
        left, right = lambda g, n, _, a: pow_base(g, a, n), lambda g, n, y, a: pow_exponent(g, a, n, y)
        saved = exponent, RESULT, input  # in the order in which torch looks at their versions
        return record(made(x**n), "PowBackward1", (input, left, saved), (exponent, right, saved))
    if exponent < 0 and x.dtype.kind != "f":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    slope = lambda g, a: g * (n * _power(a, n - 1)) if n else nothing(g)
    return record(made(_power(x, n)), "PowBackward0", (input, slope, (input,)))


def _of_a_number(base, exponent):
    n, _ = met(exponent, base)
    base = np.asarray(base, n.dtype)
    slope = lambda g, n, y: pow_exponent(g, base, n, y)
    return record(type(exponent)._of(base**n), "PowBackward2", (exponent, slope, (exponent, RESULT)))


def _power(a, n):
    return a * a * a if n == 3 else a * a if n == 2 else a if n == 1 else a**n


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(pow_manual, Absent("raw code calls torch.pow itself"), pow, torch.pow)
