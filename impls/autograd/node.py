r"""One operation of the graph: where its gradient goes on to, and what its derivative needs.

    y = f(a, b)  leaves a node:  edges  to a's node and to b's, or to none where no gradient is needed
                                 saved  the values that a derivative reads, each with its version
    ∂a = vjp_a(∂y, saved),   ∂b = vjp_b(∂y, saved)        each summed over the dimensions in which it was broadcast

An operand that was broadcast gets the sum of its copies' gradients, not one of them (tests/planted:
node_broadcast_not_summed).  A derivative is plain NumPy: it runs on arrays, and, where it is itself to be
differentiated, on tensors, which speak NumPy's protocols.  A node holds its operands' nodes and never its own result,
so a graph has no cycles and is gone with the last tensor that leads to it.

Shapes   each gradient has its operand's shape and dtype.
Units    [∂a] = [∂y] [y] / [a].
Raises   RuntimeError: a node run twice whose saved values are freed; a saved value that was modified in place.
Source   Wengert 1964, A simple automatic derivative evaluation program; torch/csrc/autograd/function.h (PyTorch 2.13).
"""

import itertools

import torch

from impls.autograd.no_grad import MODE
from impls.ladder import Absent, Ladder

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

    __slots__ = ("__weakref__", "_name", "_parts", "edges", "hooks", "retained", "serial")

    def __init__(self, name, edges, result, partials):
        """`partials` has, for each operand, (operand, vjp, what the vjp reads)."""
        self._name, self.edges, self.serial = name, edges, next(_SERIAL)
        self.hooks = self.retained = None  # hooks by number, and a weak reference to a tensor that keeps its gradient
        self._parts = [
            edge and (vjp, operand.shape, operand.dtype, [_saved(x, result) for x in saved])
            for edge, (operand, vjp, saved) in zip(edges, partials, strict=True)
        ]

    def name(self):
        return self._name

    @property
    def next_functions(self):
        return tuple((edge, 0) for edge in self.edges)

    def propagate(self, g, retain_graph, on_tensors):
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
            d = vjp(g, *[x.unpack(self, on_tensors) if x.__class__ is Saved else x for x in saved])
            if d.shape != shape:
                d = _summed_to(d, shape)
            found.append((edge, d if d.dtype == dtype else d.astype(dtype)))
        return found


class Saved:
    """A tensor that a derivative reads, as it was when it was saved."""

    __slots__ = ("is_result", "tensor", "version")

    def __init__(self, tensor, is_result):
        self.tensor, self.is_result, self.version = tensor, is_result, tensor._version

    def unpack(self, node, on_tensors):
        tensor = self.tensor
        if tensor._version != self.version:
            raise RuntimeError(self._modified(node))
        if not on_tensors:
            return tensor._array
        return tensor._attached(node) if self.is_result else tensor

    def _modified(self, node):
        tensor = self.tensor
        source = node if self.is_result else tensor.grad_fn
        origin = source and f", which is output 0 of {source.name().partition('Backward')[0]},"
        kind, shape = KINDS[tensor.dtype.name], list(tensor.shape)
        return MODIFIED.format(kind=kind, shape=shape, origin=origin or "", found=tensor._version, saved=self.version)


def _saved(x, result):
    if x is RESULT:
        return Saved(result.detach(), True)  # detached: a node that held its result would hold itself
    return Saved(x, False) if hasattr(x, "grad_fn") else x


class AccumulateGrad:
    """Where a graph ends: what arrives here is added to a leaf's grad."""

    __slots__ = ("__weakref__", "variable")
    edges = next_functions = ()
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
        if any(edges):
            result._node = Node(name, edges, result, partials)
    return result


def edge_of(x):
    """Where the gradient of an operand goes: None if it needs none, or is a number."""
    return x._edge() if hasattr(x, "_edge") else None


def _summed_to(d, shape):
    added = len(d.shape) - len(shape)
    dims = tuple(i for i, n in enumerate(d.shape) if i < added or n != shape[i - added])
    return d.sum(dims).reshape(shape)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand a derivative is called, not looked up"),
    Absent("raw code finds nodes and makes none"),
    Node,
    torch.autograd.graph.Node,
)
