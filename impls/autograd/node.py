r"""One operation of the graph: where its gradient goes on to, and what its derivative needs.

    y, z = f(a, b)  leaves a node:  edges  to a's node and to b's, with the number of its result that a is; or to none
                                    saved  the values that a derivative reads, each with its version
    ∂a = vjp_a(∂y, ∂z, saved),   ∂b = vjp_b(∂y, ∂z, saved)     each summed over the dimensions in which it was broadcast

An operand that was broadcast gets the sum of its copies' gradients, not one of them (tests/planted:
node_broadcast_not_summed).  A derivative is plain NumPy: it runs on arrays, and, where it is itself to be
differentiated, on tensors, which speak NumPy's protocols; the gradient of a result that was not used is None.  A node
holds its operands' nodes and never its own result, so a graph has no cycles and is gone with the last tensor that leads
to it.

Shapes   each gradient has its operand's shape and dtype.
Units    [∂a] = [∂y] [y] / [a].
Raises   RuntimeError: a node run twice whose saved values are freed; a saved value that was modified in place.
Source   Wengert 1964, A simple automatic derivative evaluation program; torch/csrc/autograd/function.h (PyTorch 2.13).
"""

import itertools
import re

import numpy as np
import torch

from impls.autograd.no_grad import MODE
from impls.ladder import Absent, Ladder
from impls.since import TORCH

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

_SERIAL = itertools.count()
RESULT = object()  # among what is saved: the operation's own result

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved "
    "tensors after calling backward."
)
MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[{kind} {shape}]{origin} is at version {found}; expected version {saved} instead. Hint: enable anomaly "
    "detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True, check_nan=False)."
)
KINDS = {
    "float64": "torch.DoubleTensor",
    "float32": "torch.FloatTensor",
    "int64": "torch.LongTensor",
    "bool": "CPUBoolType",
}


class Node:
    """Follows torch.autograd.graph.Node."""

    __slots__ = ("__weakref__", "_name", "_parts", "edges", "hooks", "results", "retained", "serial")

    def __init__(self, name, edges, result, partials, results=1):
        """`edges` has, for each operand, None or (node, number of its result), and `partials` (operand, vjp, what the
        vjp reads)."""
        self._name, self.edges, self.results, self.serial = name, edges, results, next(_SERIAL)
        self.hooks = self.retained = None  # by result: hooks, and a weak reference to a tensor that keeps its gradient
        self._parts: list | None = [
            edge and (vjp, operand.shape, operand.dtype, saved and [_saved(x, result) for x in saved])
            for edge, (operand, vjp, saved) in zip(edges, partials, strict=True)
        ]

    def name(self):
        return self._name

    @property
    def next_functions(self):
        return tuple(edge or (None, 0) for edge in self.edges)

    def propagate(self, grads, retain_graph, on_tensors):
        """(edge, gradient) for each operand that needs one; frees what was saved, unless the graph is retained."""
        if self._parts is None:
            raise RuntimeError(FREED)
        parts, found = self._parts, []
        for edge, part in zip(self.edges, parts, strict=True):
            if edge is None:
                continue
            vjp, shape, dtype, saved = part
            if saved and not retain_graph:
                self._parts = None
            values = saved and [x.unpack(self, on_tensors) if x.__class__ is Saved else x for x in saved]
            d = vjp(*grads, *values)
            if d.shape != shape:
                d = summed_to(d, shape)
            found.append((edge, d if d.dtype == dtype else d.astype(dtype)))
        return found


class Saved:
    """A tensor that a derivative reads, as it was when it was saved."""

    __slots__ = ("number", "tensor", "version")

    def __init__(self, tensor, number):
        self.tensor, self.number, self.version = tensor, number, tensor._version

    def unpack(self, node, on_tensors):
        tensor = self.tensor
        if tensor._version != self.version:
            raise RuntimeError(self._modified(node))
        if not on_tensors:
            return tensor._array
        return tensor if self.number is None else tensor._attached((node, self.number))

    def _modified(self, node):
        tensor = self.tensor
        source, number = (tensor.grad_fn, tensor.output_nr) if self.number is None else (node, self.number)
        origin = source and f", which is output {number} of {operation(source)},"
        kind, shape = KINDS[tensor.dtype.name], list(tensor.shape)
        return MODIFIED.format(kind=kind, shape=shape, origin=origin or "", found=tensor._version, saved=self.version)


def operation(node):
    """Its name in a message, which says since torch 2.13 what was done, and not what undoes it."""
    return node.name() if TORCH < (2, 13) else re.sub(r"Backward0?(\d*)$", r"\1", node.name())


def _saved(x, result):
    if x is RESULT:
        return saved_as(result, 0)
    return saved_as(x) if hasattr(x, "grad_fn") else x


def saved_as(tensor, number=None):
    """A node's own result, with its number, is saved detached: a node that held its result would hold itself."""
    return Saved(tensor if number is None else tensor.detach(), number)


class AccumulateGrad:
    """Where a graph ends: what arrives here is added to a leaf's grad."""

    __slots__ = ("__weakref__", "variable")
    edges = next_functions = ()
    results = 1
    retained = None  # a leaf keeps its gradient anyway

    def __init__(self, variable):
        self.variable = variable

    def name(self):
        return "torch::autograd::AccumulateGrad"

    @property
    def hooks(self):
        return self.variable.hooks


def record(result, name, *partials):
    """`result`, with a node where somebody may want a gradient."""
    if MODE.enabled:
        edges = [edge_of(operand) for operand, _, _ in partials]
        if any(edges) or any(_requires_grad(operand) for operand, _, _ in partials):
            result._source = Node(name, edges, result, partials), 0
    return result


def record_several(results, name, partial):
    """The same for results that are views of one operand."""
    if MODE.enabled and partial[0].requires_grad:
        node = Node(name, [edge_of(partial[0])], None, [partial], len(results))
        for number, result in enumerate(results):
            result._source = node, number
    return results


def _requires_grad(x):
    """What was seen without grad mode of a tensor that requires a gradient does, too, and yet has no edge."""
    return getattr(x, "requires_grad", False)


def edge_of(x):
    """Where the gradient of an operand goes: None if it needs none, or is no tensor."""
    return x._edge() if hasattr(x, "_edge") else None


def nothing(g):
    """Zeros, whatever g is: also where a derivative is a tensor, it needs no graph."""
    return g._filled(0.0) if hasattr(g, "_filled") else np.where(True, 0.0, g)


def summed_to(d, shape):
    """The sum over the dimensions in which an operand was broadcast."""
    added = len(d.shape) - len(shape)
    dims = tuple(i for i, n in enumerate(d.shape) if i < added or n != shape[i - added])
    return (d.sum(dims) if dims else d).reshape(shape)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand a derivative is called, not looked up"),
    Absent("raw code finds nodes and makes none"),
    Node,
    torch.autograd.graph.Node,
)
