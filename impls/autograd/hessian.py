r"""The second derivative of a function with one number as its result.

    H[i, j] = ∂²y/∂xᵢ∂xⱼ        the derivative of the gradient, which is a function like any other

It is symmetric wherever it is continuous, so a mistake in one of the two passes seldom hides.  The inner pass must be
recorded (tests/planted: hessian_of_a_constant).

Shapes   x's shape, twice.
Units    [H] = [y] / [x]².
Raises   RuntimeError: y is not one number.
Source   torch/autograd/functional.py (PyTorch 2.13).
"""

import torch

from impls.autograd.jacobian import jacobian
from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def hessian_raw(func, x):
    """Row by row, of a gradient that is recorded."""
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(func(x), x, create_graph=True)
    g = g + 0.0 * x  # where the function is linear, its gradient does not lead to x
    rows = [torch.autograd.grad(a, x, retain_graph=True)[0] for a in g.reshape(-1)]
    return torch.stack(rows).reshape(*x.shape, *x.shape)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """Drop-in for torch.autograd.functional.hessian, on the tape."""

    def gradient(*x):
        return jacobian(_single(func), x if isinstance(inputs, tuple) else x[0], create_graph=True)

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _single(func):
    """`func`, refused where its result is not one number."""

    def checked(*x):
        y = func(*x)
        if isinstance(y, tuple):
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if y.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return y.reshape(())

    return checked


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand a second derivative is another formula: numbers with a slope have one slope"),
    hessian_raw,
    hessian,
    torch.autograd.functional.hessian,
)
