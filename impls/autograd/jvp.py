r"""The derivative of a function times a vector.

    f(x + vε) = f(x) + J v ε        ε² = 0: one pass forward, whatever the number of outputs
    J v = ∂(uᵀ J)/∂u · v            uᵀJ is linear in u, so its derivative, pulled back once more, is J

By hand the first line is the whole method: numbers with a slope, which any function of NumPy's is given.  torch's
functional.jvp and the tape take the second, two passes backward, of which the first is recorded (tests/planted:
jvp_once_backward).  That both are the same, and the transpose of vjp, is the best check that either has.

Shapes   v has the inputs' shapes; the result has the outputs'.
Units    [Jv] = [y] [v] / [x].
Raises   RuntimeError: no v where x is not one number; v of another size.
Source   Wengert 1964; j-towns.github.io 2017, A new trick for calculating Jacobian vector products;
         torch/autograd/functional.py (PyTorch 2.13).
"""

from collections.abc import Callable

import numpy as np
import torch

from impls.autograd.grad import as_tuple
from impls.autograd.vjp import called, checked, handed_back, pulled
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """x + vε, for functions that are written in NumPy."""

    def __init__(self, x, v):
        self.x, self.v = x, v

    def _map(self, f):
        """A linear function, which the slope goes through as the value does."""
        return Dual(f(self.x), f(self.v))

    def sum(self, axis=None, keepdims=False):
        return self._map(lambda a: np.asarray(a.sum(axis=axis, keepdims=keepdims)))

    def max(self, axis=None, keepdims=False):
        top = self.x.max(axis=axis, keepdims=True)
        ties = self.x == top
        v = (self.v * ties).sum(axis=axis, keepdims=keepdims) / ties.sum(axis=axis, keepdims=keepdims)
        return Dual(self.x.max(axis=axis, keepdims=keepdims), v)

    def reshape(self, *shape):
        return self._map(lambda a: a.reshape(*shape))

    def __getitem__(self, index):
        return self._map(lambda a: a[index])

    T = property(lambda self: self._map(lambda a: a.T))
    shape = property(lambda self: self.x.shape)
    ndim = property(lambda self: self.x.ndim)
    dtype = property(lambda self: self.x.dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        if method != "__call__" or settings or ufunc not in _SLOPES:
            return NotImplemented
        x, v = zip(*((a.x, a.v) if isinstance(a, Dual) else (a, 0.0) for a in inputs), strict=True)
        y = ufunc(*x)
        return y if y.dtype == bool else Dual(y, _SLOPES[ufunc](y, *x, *v))

    def __array_function__(self, function, types, args, kwargs):
        if function is np.where and len(args) == 3:
            c, a, b = args
            (a, u), (b, v) = ((z.x, z.v) if isinstance(z, Dual) else (z, 0.0) for z in (a, b))
            return Dual(np.where(c, a, b), np.where(c, u, v))
        if function is np.broadcast_to and not kwargs:
            return args[0]._map(lambda a: np.broadcast_to(a, args[1]))
        return NotImplemented


_SLOPES: dict[np.ufunc, Callable] = {
    np.add: lambda y, a, b, u, v: u + v + 0 * y,
    np.subtract: lambda y, a, b, u, v: u - v + 0 * y,
    np.multiply: lambda y, a, b, u, v: u * b + a * v,
    np.divide: lambda y, a, b, u, v: (u - y * v) / b,
    np.matmul: lambda y, a, b, u, v: (u @ b if np.ndim(u) else 0.0) + (a @ v if np.ndim(v) else 0.0),
    np.negative: lambda y, a, u: -u,
    np.exp: lambda y, a, u: y * u,
    np.log: lambda y, a, u: u / a,
    np.sqrt: lambda y, a, u: u / (2 * y),
    np.tanh: lambda y, a, u: (1 - y) * (1 + y) * u,
    np.power: lambda y, a, n, u, v: n * a ** (n - 1) * u + (0.0 if isinstance(v, float) else y * np.log(a) * v),
    np.maximum: lambda y, a, b, u, v: np.where(a == b, (u + v) / 2, np.where(a > b, u, v)),
    np.less_equal: lambda y, a, b, u, v: 0.0,  # a step is flat
}


def jvp_manual(func, inputs, v):
    """Return (y, J v), for a tuple of inputs and one output."""
    y = func(*(Dual(x, slope) for x, slope in zip(inputs, v, strict=True)))
    return (y.x, y.v) if isinstance(y, Dual) else (y, 0 * y)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def jvp_raw(func, inputs, v):
    """Two passes backward, for a tuple of inputs and one output."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    y = func(*leaves)
    u = torch.zeros_like(y).requires_grad_()
    rows = torch.autograd.grad(y, leaves, u, create_graph=True, allow_unused=True)
    product = sum((row * a).sum() for row, a in zip(rows, v, strict=True) if row is not None)
    return y.detach(), torch.autograd.grad(product, u)[0]


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """Drop-in for torch.autograd.functional.jvp, on the tape, where it is not strict."""
    leaves, y = called(func, inputs, create_graph, strict)
    checked(v, inputs, "the input to the user-provided function is")
    outputs = as_tuple(y)
    u = [(out.detach() * 0.0).requires_grad_() for out in outputs]
    rows = pulled(outputs, leaves, u, True)
    found = pulled(rows, u, None if v is None else as_tuple(v), create_graph)
    return handed_back(y, outputs, create_graph), handed_back(y, found, create_graph)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(jvp_manual, jvp_raw, jvp, torch.autograd.functional.jvp)
