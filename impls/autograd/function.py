r"""An operation of one's own: what it computes, and how its gradients are passed on.

    y, z… = f(x…)          forward(ctx, x…), with nothing recorded; ctx keeps what backward will read
    ∂x… = vjp(∂y, ∂z…)     backward(ctx, ∂y, ∂z…), one gradient per argument, None where there is none

Tensors are kept by save_for_backward, which notes their versions and lets them go after backward.  Kept as an attribute
of ctx, a result holds its own graph for ever (tests/planted: function_holds_its_result).  The gradient of a result that
was not used, or has none, is zeros, or None where ctx.set_materialize_grads(False) was said.  backward is recorded as
any other computation is, so it must be written in operations that can be differentiated again.

Shapes   any results; each gradient has its argument's shape, or one that was broadcast from it.
Units    [∂x] = Σ [∂y] [y] / [x].
Raises   RuntimeError where backward returns too many gradients, too few, one of another shape or for no tensor; where
         what is marked dirty is not returned, or is a leaf that requires a gradient.
Source   torch/autograd/function.py, torch/csrc/autograd/custom_function.cpp (PyTorch 2.13).
"""

import inspect
import warnings

import numpy as np
import torch

from impls.autograd.no_grad import MODE, no_grad
from impls.autograd.node import FREED, Node, edge_of, saved_as, summed_to
from impls.autograd.tensor import Tensor
from impls.ladder import Absent, Ladder
from impls.since import TORCH

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


VIEW_AMONG_SEVERAL = (
    "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more "
    "than one Tensor. This is not supported by the current autograd engine. You should either make sure the input is "
    "not a view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it "
    "into two Functions: one doing the inplace that returns a single Tensor and a second one that does the other "
    "operations). You can ask on the forum https://discuss.pytorch.org/ if you need help to do this change."
)


class Context:
    """What a forward leaves to its backward; anything else may be put on it as an attribute."""

    _node: "FunctionNode"  # while its backward runs

    def __init__(self, needs_input_grad):
        self.needs_input_grad, self._materialize = needs_input_grad, True
        self._to_save: tuple | None = ()  # None once it was freed
        self._constants: tuple = ()
        self._dirty: tuple = ()

    def save_for_backward(self, *tensors):
        for i, x in enumerate(tensors):
            if x is not None and not isinstance(x, Tensor):
                kind = type(x).__name__
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {kind}")
        self._to_save = tensors

    def mark_non_differentiable(self, *results):
        self._constants = results

    def mark_dirty(self, *arguments):
        """Arguments that forward wrote to, and returns."""
        self._dirty = arguments

    def set_materialize_grads(self, value):
        self._materialize = value

    @property
    def saved_tensors(self):
        if self._to_save is None:
            raise RuntimeError(FREED)
        return tuple(x if x is None else x.unpack(self._node, True) for x in self._to_save)


class FunctionNode(Node):
    """The node of a Function's results."""

    __slots__ = ("_ctx", "_function", "_results", "_tensors")

    def __init__(self, function, ctx, edges, arguments, results):
        parts = [(x, None, ()) for x in arguments if isinstance(x, Tensor)]
        super().__init__(f"{function.__name__}Backward", edges, None, parts, len(results))
        self._function, self._ctx, self._tensors = function, ctx, [isinstance(x, Tensor) for x in arguments]
        self._results = [(x.shape, x.dtype) if isinstance(x, Tensor) else None for x in results]

    def propagate(self, grads, retain_graph, on_tensors):
        ctx = self._ctx
        ctx._node = self
        try:
            found = self._function.backward(ctx, *map(self._handed, grads, self._results))
        finally:
            del ctx._node
        if ctx._to_save and not retain_graph:
            ctx._to_save = None
        found = self._counted(found if isinstance(found, tuple) else (found,))
        parts = zip(self.edges, map(self._fitted, range(len(found)), found, self._parts or ()), strict=True)
        return [(edge, d if on_tensors else d._array) for edge, d in parts if edge is not None and d is not None]

    def _handed(self, g, like):
        """What backward sees of the gradient of a result."""
        if g is None:
            return Tensor._of(np.zeros(*like)) if like and self._ctx._materialize else None
        return g if isinstance(g, Tensor) else Tensor._of(g)

    def _counted(self, found):
        """One gradient for each tensor among the arguments; what else backward returns is None."""
        n = len(self._tensors)
        if len(found) < n or any(d is not None for d in found[n:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {n}, got {len(found)})"
            )
        for i, (d, is_tensor) in enumerate(zip(found, self._tensors, strict=False)):
            if d is not None and not is_tensor:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        return [d for d, is_tensor in zip(found, self._tensors, strict=False) if is_tensor]

    def _fitted(self, i, d, part):
        if d is None or part is None:
            return None
        if not isinstance(d, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(d).__name__})")
        _, shape, dtype, _ = part
        try:
            return summed_to(d, shape).to(dtype)
        except RuntimeError:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {i} - got {list(d.shape)} but expected "
                f"shape compatible with {list(shape)}"
            ) from None


class Function:
    """Drop-in for torch.autograd.Function, on the tape."""

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
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args, **kwargs):
        if kwargs and TORCH < (2, 13):
            raise TypeError("apply() takes no keyword arguments")
        if cls._is_set_up_apart():
            args, kwargs = _bound(cls.forward, args, kwargs), {}
        edges = [edge_of(x) for x in args if isinstance(x, Tensor)]  # before it is written to
        ctx = Context(tuple(getattr(x, "requires_grad", False) for x in args))
        with no_grad():
            made = cls._called(ctx, args, kwargs)
        results = made if isinstance(made, tuple) else (made,)
        _may_be_dirty(ctx._dirty, results)
        node = FunctionNode(cls, ctx, edges, args, results) if MODE.enabled and any(ctx.needs_input_grad) else None
        numbers = {id(x): number for number, x in enumerate(results)}
        ctx._to_save = tuple(x if x is None else saved_as(x, numbers.get(id(x))) for x in ctx._to_save or ())
        handed = tuple(_handed_out(ctx, node and (node, number), x, args) for number, x in enumerate(results))
        _forbid_writing([x for x in handed if isinstance(x, Tensor) and all(x is not y for y in args)], node)
        return handed if isinstance(made, tuple) else handed[0]

    @classmethod
    def _is_set_up_apart(cls):
        return cls.setup_context is not Function.setup_context

    @classmethod
    def _called(cls, ctx, args, kwargs):
        if not cls._is_set_up_apart():
            return cls.forward(ctx, *args, **kwargs)
        made = cls.forward(*args)
        cls.setup_context(ctx, args, made)
        return made


def _bound(forward, args, kwargs):
    """All arguments in their order, those that were left out as well."""
    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _may_be_dirty(dirty, results):
    if len(results) > 1 and any(x._base is not None for x in dirty):
        raise RuntimeError(VIEW_AMONG_SEVERAL)
    if not all(any(x is y for y in results) for x in dirty):
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
            "are modified inplace must all be outputs of the Function."
        )


def _forbid_writing(results, node):
    """A view that forward made has the derivative of the Function, and not that of a view."""
    several = node is not None and sum(x.requires_grad for x in results) > 1
    for x in results:
        if x._base is not None:
            x._forbidden = "several" if several else "function"


def _handed_out(ctx, edge, x, args):
    """A result as the caller sees it."""
    if not isinstance(x, Tensor):
        return x
    is_argument = any(x is y for y in args)
    if any(x is y for y in ctx._dirty):
        x._versions()[0] += 1
        if edge:
            x._may_be_written("has been")
            x._written_by(edge)
        return x
    if x.dtype.kind != "f" or any(x is y for y in ctx._constants):
        return x.detach() if is_argument else x
    if is_argument:
        with no_grad():
            x = x._viewed("", lambda a: a[...], None)
    x._source = edge
    return x


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand every operation is one's own: a Pair of forward and backward"),
    Absent("torch's graph is extended by a class, and there is no way around it"),
    Function,
    torch.autograd.Function,
)
