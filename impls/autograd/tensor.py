r"""A tensor that remembers how it was computed, so that it can be differentiated.

    y = f(a, b)  leaves a node  (edges to a and b, what the derivative needs)
    ∂a = vjp_a(∂y, saved),   ∂b = vjp_b(∂y, saved)        each summed over the dimensions in which it was broadcast

A derivative is written in the operations of the tape, so it can be recorded and differentiated again.  An operand
that was broadcast gets the sum of its copies' gradients, not one of them (tests/planted: tensor_broadcast_not_summed).
The payload may be any array that speaks NumPy's protocols, also numbers that carry a bound.

Shapes   those of NumPy's broadcasting; a matrix product takes two matrices.
Units    [∂a] = [∂y] [y] / [a].
Raises   RuntimeError, in torch's words, where torch raises it.
Source   Wengert 1964, A simple automatic derivative evaluation program; torch/_tensor.py (PyTorch 2.13).
"""

import itertools
import math

import numpy as np
import torch

from impls.autograd.grad import edge_of, gradients
from impls.autograd.no_grad import MODE
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

_SERIAL = itertools.count()


class Node:
    """One operation that was recorded; torch's grad_fn."""

    __slots__ = ("_freed", "_name", "_saved", "_shapes", "_vjps", "edges", "serial")

    def __init__(self, name, operands, vjps, saved):
        self._name, self._vjps, self._saved, self._freed = name, vjps, saved, False
        self.edges = tuple(edge_of(x) if _requires_grad(x) else None for x in operands)
        self._shapes = tuple(x.shape if _requires_grad(x) else None for x in operands)
        self.serial = next(_SERIAL)

    def name(self):
        return self._name

    def propagate(self, g, retain_graph):
        """The gradient for each operand that needs one; frees what was saved, unless the graph is retained."""
        if self._freed:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they have "
                "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
                "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time "
                "or if you need to access saved tensors after calling backward."
            )
        saved = list(self._unpacked())
        if not retain_graph and saved:
            self._freed, self._saved = True, ()
        for edge, shape, vjp in zip(self.edges, self._shapes, self._vjps, strict=True):
            if edge is not None:
                yield edge, vjp(g, *saved).sum_to_size(shape)

    def _unpacked(self):
        """What was saved; of the result only its array was, for the result holds this node."""
        return (x if isinstance(x, Tensor | int | float) else Tensor._of(x, self) for x in self._saved)


def _requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def _record(name, array, operands, vjps, saved=()):
    """The result of an operation, with a node where somebody may want a gradient."""
    recorded = MODE.enabled and any(map(_requires_grad, operands))
    return Tensor._of(array, Node(name, operands, vjps, saved) if recorded else None)


def _binary(name, ufunc, vjp_a, vjp_b, saves):
    """An operation on two tensors, or a tensor and a number."""

    def operation(a, b):
        if not isinstance(b, Tensor | int | float):
            return NotImplemented
        if isinstance(b, Tensor) and a.dtype != b.dtype:
            raise NotImplementedError(f"the tape promotes no dtype: {a.dtype} met {b.dtype}")
        operands = (a, b)
        arrays = [x._array if isinstance(x, Tensor) else x for x in operands]
        return _record(name, ufunc(*arrays), operands, (vjp_a, vjp_b), operands if saves else ())

    return operation


def _of_operand(name, function, vjp):
    """An operation whose derivative needs its operand."""
    return lambda a: _record(name, function(a._array), (a,), (vjp,), (a,))


def _of_result(name, function, vjp):
    """An operation whose derivative needs its result."""

    def operation(a):
        y = function(a._array)
        return _record(name, y, (a,), (vjp,), (y,))

    return operation


class Tensor:
    """Follows torch.Tensor."""

    __slots__ = ("__weakref__", "_array", "_leaf_requires_grad", "grad", "grad_fn")
    __array_ufunc__ = None  # an array to the left of an operator does not take it over

    def __init__(self, data):
        self._array, self.grad_fn, self.grad, self._leaf_requires_grad = data, None, None, False

    @classmethod
    def _of(cls, array, grad_fn=None):
        self = cls(array)
        self.grad_fn = grad_fn
        return self

    requires_grad = property(lambda self: self._leaf_requires_grad or self.grad_fn is not None)
    is_leaf = property(lambda self: self.grad_fn is None)
    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    dtype = property(lambda self: self._array.dtype)

    def requires_grad_(self, requires_grad=True):
        if not self.is_leaf and not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        self._leaf_requires_grad = self.is_leaf and requires_grad
        return self

    def numel(self):
        return math.prod(self.shape)

    def detach(self):
        return Tensor(self._array)

    def numpy(self):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        """Add to each leaf's grad what arrives there."""
        for leaf, g in gradients((self,), (gradient,), None, retain_graph, create_graph).items():
            leaf.grad = g if leaf.grad is None else leaf.grad + g

    __add__ = __radd__ = _binary("AddBackward0", np.add, lambda g: g, lambda g: g, False)
    __sub__ = _binary("SubBackward0", np.subtract, lambda g: g, lambda g: -g, False)
    __mul__ = __rmul__ = _binary("MulBackward0", np.multiply, lambda g, a, b: g * b, lambda g, a, b: g * a, True)
    __truediv__ = _binary("DivBackward0", np.divide, lambda g, a, b: g / b, lambda g, a, b: -g * ((a / b) / b), True)
    __matmul__ = _binary("MmBackward0", np.matmul, lambda g, a, b: g @ b.t(), lambda g, a, b: a.t() @ g, True)

    exp = _of_result("ExpBackward0", np.exp, lambda g, y: g * y)
    log = _of_operand("LogBackward0", np.log, lambda g, a: g / a)
    sqrt = _of_result("SqrtBackward0", np.sqrt, lambda g, y: g / (y * 2.0))
    sigmoid = _of_result("SigmoidBackward0", lambda a: 1.0 / (1.0 + np.exp(-a)), lambda g, y: g * (-y + 1.0) * y)
    relu = _of_result("ReluBackward0", lambda a: np.maximum(a, 0.0), lambda g, y: _zero_where(y._array <= 0.0, g))

    def __neg__(self):
        return _record("NegBackward0", -self._array, (self,), (lambda g: -g,))

    def t(self):
        return _record("TBackward0", self._array.T, (self,), (lambda g: g.t(),))

    def reshape(self, shape):
        before = self.shape
        return _record("ViewBackward0", self._array.reshape(shape), (self,), (lambda g: g.reshape(before),))

    def expand(self, shape):
        """The copies of a broadcast, whose gradients are summed as those of any broadcast."""
        return _record("ExpandBackward0", np.broadcast_to(self._array, shape), (self,), (lambda g: g,))

    def sum(self, dim=None, keepdim=False):
        before, name = self.shape, "SumBackward0" if dim is None else "SumBackward1"
        kept = _kept(before, dim)
        total = self._array.sum(axis=dim, keepdims=keepdim)
        return _record(name, total, (self,), (lambda g: g.reshape(kept).expand(before),))

    def sum_to_size(self, shape):
        if self.shape == tuple(shape):
            return self
        added = self.ndim - len(shape)
        dims = tuple(i for i, n in enumerate(self.shape) if i < added or n != shape[i - added])
        return self.sum(dims, keepdim=True).reshape(shape)


def _kept(shape, dim):
    """`shape` with each summed dimension 1."""
    dims = range(len(shape)) if dim is None else [d % len(shape) for d in (dim if isinstance(dim, tuple) else (dim,))]
    return tuple(1 if i in dims else n for i, n in enumerate(shape))


def _zero_where(mask, g):
    return _record("ThresholdBackward0", np.where(mask, 0.0, g._array), (g,), (lambda h: _zero_where(mask, h),))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a NumPy array remembers nothing: by hand the derivative is written, not recorded"),
    Absent("raw code builds on torch.Tensor and has no tensor of its own"),
    Tensor,
    torch.Tensor,
)
