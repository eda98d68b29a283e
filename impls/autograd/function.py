r"""An operation of one's own: what it computes, and how its gradient is passed on.

    y = f(x…)              forward(ctx, x…), with nothing recorded; ctx keeps what backward will read
    ∂x… = vjp(∂y)          backward(ctx, ∂y), one gradient per argument, None where there is none

Tensors are kept by save_for_backward, which notes their versions and lets them go after backward.  Kept as an attribute
of ctx, a result holds its own graph for ever (tests/planted: function_holds_its_result).  backward is recorded as any
other computation is, so it must be written in operations that can be differentiated again.

Shapes   one result; each gradient has its argument's shape, or one that was broadcast from it.
Units    [∂x] = [∂y] [y] / [x].
Raises   RuntimeError where backward returns too many gradients, too few, or one of another shape.
Source   torch/autograd/function.py (PyTorch 2.13).
"""

import warnings

import torch

from impls.autograd.no_grad import MODE, no_grad
from impls.autograd.node import FREED, Node, edge_of, saved_as, summed_to
from impls.autograd.tensor import Tensor
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Context:
    """What a forward leaves to its backward; anything else may be put on it as an attribute."""

    def __init__(self, needs_input_grad):
        self.needs_input_grad, self._to_save = needs_input_grad, ()

    def save_for_backward(self, *tensors):
        self._to_save = tensors

    @property
    def saved_tensors(self):
        if self._to_save is None:
            raise RuntimeError(FREED)
        return tuple(x if x is None else x.unpack(self._node, True) for x in self._to_save)


class FunctionNode(Node):
    """The node of a Function's result."""

    __slots__ = ("_ctx", "_function")

    def __init__(self, function, ctx, edges, result, operands):
        super().__init__(f"{function.__name__}Backward", edges, result, [(x, None, ()) for x in operands])
        self._function, self._ctx = function, ctx

    def propagate(self, g, retain_graph, on_tensors):
        ctx = self._ctx
        ctx._node = self
        try:
            grads = self._function.backward(ctx, g if on_tensors else Tensor._of(g))
        finally:
            del ctx._node
        grads = grads if isinstance(grads, tuple) else (grads,)
        if len(grads) != len(self.edges):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {len(self.edges)}, got "
                f"{len(grads)})"
            )
        if ctx._to_save and not retain_graph:
            ctx._to_save = None
        found = zip(self.edges, self._parts, grads, strict=True)
        return [
            (edge, self._fitted(i, d, part, on_tensors))
            for i, (edge, part, d) in enumerate(found)
            if edge is not None and d is not None
        ]

    def _fitted(self, i, d, part, on_tensors):
        _, shape, dtype, _ = part
        try:
            d = summed_to(d, shape)
        except RuntimeError:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {i} - got {list(d.shape)} but expected "
                f"shape compatible with {list(shape)}"
            ) from None
        return d.to(dtype) if on_tensors else d.to(dtype)._array


class Function:
    """Drop-in for torch.autograd.Function, on the tape, for operations with one result."""

    def __init__(self, *args, **kwargs):  # noqa: ARG002 (torch's signature)
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args):
        edges = [edge_of(x) for x in args]
        ctx = Context(tuple(edge is not None for edge in edges))
        with no_grad():
            made = cls.forward(ctx, *args)
        result = made.detach()  # what forward returns may be one of its arguments
        ctx._to_save = tuple(x if x is None else saved_as(x, x is made) for x in ctx._to_save)
        if MODE.enabled and any(edges):
            result._node = FunctionNode(cls, ctx, edges, result, args)
        return result


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand every operation is one's own: a Pair of forward and backward"),
    Absent("torch's graph is extended by a class, and there is no way around it"),
    Function,
    torch.autograd.Function,
)
