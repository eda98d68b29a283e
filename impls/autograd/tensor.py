r"""A tensor that remembers how it was computed, so that it can be differentiated.

    y = f(x)       x is a leaf, or has a node itself; y has f's node, if x needs a gradient and grad mode is on
    x.f_(…)        the same memory holds f(x, …); its version is one higher; from now on it is what f computed
    v = x[i]       a view: the same memory and version; f_ on v is  x ← x with f(v) in place of v

The array is read by derivatives that have yet to run.  Each of them knows the version it saved, so that a value
overwritten in between is an error and not a wrong gradient (tests/planted: tensor_write_keeps_its_version).  Who
writes to a view changes what it is a view of, and all its other views with it.
The payload may be any array that speaks NumPy's protocols, also numbers that carry a bound.  How a result lies in
memory is NumPy's, whose rule for operands that lie differently is not torch's; a reshape is a view or a copy by that.

Shapes   those of NumPy's broadcasting; a matrix product takes two matrices.
Units    those of the operation.
Raises   RuntimeError, IndexError, ValueError in torch's words where the docstrings of the operations do not say more.
Source   torch/_tensor.py, tools/autograd/derivatives.yaml (PyTorch 2.13).
"""

import functools
import itertools
import math
import warnings
import weakref
from collections.abc import Callable

import numpy as np
import torch

from impls.autograd.backward import backward
from impls.autograd.cat import cat, dim_of
from impls.autograd.index_put import NAMES, along, pointed_at, put, put_at, within
from impls.autograd.matmul import SPELLED, addmm, matmul
from impls.autograd.max import max as largest
from impls.autograd.max import min as smallest
from impls.autograd.no_grad import MODE
from impls.autograd.node import KINDS, RESULT, AccumulateGrad, Node, edge_of, nothing, operation, record
from impls.autograd.pow import pow as power
from impls.autograd.result_type import DEFAULT, QUIET, RANK, floating, matching, met, payload
from impls.autograd.split import split
from impls.autograd.stack import stack
from impls.autograd.unbind import unbind
from impls.ladder import Absent, Ladder
from impls.since import TORCH

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

GRAD_OF_NO_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)
FLOAT_OF_A_RESULT = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
    "Consider using tensor.detach() first."
)
OF_MASKS = NotImplementedError if TORCH >= (2, 14) else RuntimeError
INVERT = "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
FORBIDDEN = {  # what view was written to, and why that has no derivative
    "no_grad": "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
    "moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be "
    "tracked) or both outside (if you want the inplace to be tracked).",
    "several": "This view is the output of a function that returns multiple views. Such functions do not allow the "
    "output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
    "function": "This view was created inside a custom Function (or because an input was returned as-is) and the "
    "autograd logic to handle view+inplace would override the custom backward associated with the custom Function, "
    "leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
    "Function.",
}


class Removable:
    """What register_hook returns."""

    _numbers = itertools.count()

    def __init__(self, hooks, hook):
        self._hooks, self._number = hooks, next(self._numbers)
        hooks[self._number] = hook

    def remove(self):
        self._hooks.pop(self._number, None)


def _in_place(operation):
    """An operation that writes to its first operand, refused where that may not be written to."""

    @functools.wraps(operation)
    def checked(self, *others):
        if MODE.enabled and any(getattr(x, "requires_grad", False) for x in (self, *others)):
            self._may_be_written("is being")
        return operation(self, *others)

    return checked


class Tensor:
    """Follows torch.Tensor, as far as it goes; its data are shared with the array it is made from."""

    _counter = None  # a list of the version alone, shared with every view; None while there was no need
    _source: tuple | None = None  # where its gradient arrives, if it was computed: a node, and the number of its result
    _base: "Tensor | None" = None  # what it is a view of
    _look: Callable[[np.ndarray], np.ndarray]  # and what it sees of that
    _array: np.ndarray
    _kept = _accumulator = _forbidden = hooks = None
    _trained = False

    def __init__(self, data, requires_grad=False):
        if not hasattr(data, "dtype"):
            data = np.asarray(data)
            data = data.astype(DEFAULT) if data.dtype == float else data
        self._array = np.asarray(data) if isinstance(data, np.generic) else data
        self.requires_grad_(requires_grad)

    @classmethod
    def _of(cls, array, counter=None):
        self = cls.__new__(cls)
        self._array = np.asarray(array) if isinstance(array, np.generic) else array
        self._counter = counter
        return self

    # ── what it tells of itself ──

    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    dtype = property(lambda self: self._array.dtype)
    _version = property(lambda self: 0 if self._counter is None else self._counter[0])
    is_leaf = property(lambda self: self.grad_fn is None)
    output_nr = property(lambda self: self._source[1] if self._source else 0)
    retains_grad = property(lambda self: self.grad_fn is not None and self._retained_by(self._source))

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    def dim(self):
        return self.ndim

    def numel(self):
        return math.prod(self.shape)

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind())

    def item(self):
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self._array.item()

    def __bool__(self):
        if self.numel() != 1:
            many = "more than one value" if self.numel() else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
        return bool(self._array.item())

    def __float__(self):
        if self.requires_grad:
            warnings.warn(FLOAT_OF_A_RESULT, stacklevel=2)
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype, copy=copy)

    def numpy(self):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array

    def tolist(self):
        return self._array.tolist()

    def __repr__(self):
        node = self.grad_fn
        told = f", grad_fn=<{node.name()}>" if node else ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({np.array2string(self._array, separator=', ', prefix='tensor(')}{told})"

    def _owner(self):
        """The array whose memory it is."""
        array = self._array
        while isinstance(array.base, np.ndarray):
            array = array.base
        return array

    # ── where it stands in the graph ──

    @property
    def grad_fn(self):
        if self._base is not None and self._seen != self._version:
            self._look_again(self._base)
        return self._source and self._source[0]

    def _edge(self):
        """Where its gradient arrives, or None."""
        if self.grad_fn is None and self._trained:
            return self._accumulates(), 0
        return self._source

    def _accumulates(self):
        node = self._accumulator and self._accumulator()
        if node is None:
            node = AccumulateGrad(self)
            self._accumulator = weakref.ref(node)
        return node

    def _comes_from(self, edge):
        """It is computed elsewhere from now on, and it is the gradient of what it holds that it keeps."""
        before, self._source = self._source, edge
        if before and self._retained_by(before):
            del before[0].retained[before[1]]
            self.retain_grad()

    def _retained_by(self, edge):
        node, number = edge
        return node.retained is not None and number in node.retained

    @property
    def requires_grad(self):
        return self._trained or self._source is not None or (self._base is not None and self._base.requires_grad)

    @requires_grad.setter
    def requires_grad(self, requires_grad):
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad=True):
        if requires_grad and self.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        self._trained = requires_grad and self.is_leaf
        return self

    @property
    def grad(self):
        if self._kept is None and self._source is not None and not self.retains_grad:
            warnings.warn(GRAD_OF_NO_LEAF, stacklevel=2)
        return self._kept

    @grad.setter
    def grad(self, grad):
        if grad is not None and not isinstance(grad, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(grad).__name__}")
        if grad is not None and grad.shape != self.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size "
                f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        if grad is not None and grad.dtype != self.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{SPELLED[grad.dtype.name]}' to a tensor with grad_dtype "
                f"'{NAMES[self.dtype.name]}'. The gradient must match the tensor's grad_dtype (defaults to the "
                "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to "
                "allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may "
                "break downstream systems that assume they match."
            )
        self._kept = grad

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def retain_grad(self):
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._source is not None and self.grad_fn:
            node, number = self._source
            node.retained = node.retained or {}
            node.retained[number] = weakref.ref(self)

    def register_hook(self, hook):
        """`hook` sees the gradient before anything else does, and may return another one."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        place, number = (self.grad_fn and self._source) or (self, 0)
        place.hooks = place.hooks or {}
        return Removable(place.hooks.setdefault(number, {}), hook)

    def detach(self):
        return Tensor._of(self._array, self._versions())

    data = property(lambda self: Tensor._of(self._array))  # written to behind the back of derivatives

    def _versions(self):
        if self._counter is None:
            self._counter = [0]
        return self._counter

    def _attached(self, edge):
        other = self.detach()
        other._source = edge
        return other

    def _filled(self, number):
        return Tensor._of(np.full(self.shape, number, self.dtype))

    # ── arithmetic ──

    @matching
    def __add__(self, other):
        x, y = met(self, other)
        return record(Tensor._of(x + y), "AddBackward0", (self, _same, ()), (other, _same, ()))

    @matching
    def __sub__(self, other):
        x, y = met(*_no_masks(self, other))
        return record(Tensor._of(x - y), "SubBackward0", (self, _same, ()), (other, _negative, ()))

    @matching
    def __rsub__(self, number):
        x, y = met(*_no_masks(self, number))
        return record(Tensor._of(y - x), "RsubBackward1", (self, _negative, ()))

    @matching
    def __mul__(self, other):
        x, y = met(self, other)
        return record(Tensor._of(x * y), "MulBackward0", (self, _times, (other,)), (other, _times, (self,)))

    @matching
    def __truediv__(self, other):
        x, y = met(self, other)
        above, below = lambda g, b: g / b, lambda g, a, b: -g * ((a / b) / b)
        y = floating(y) if hasattr(y, "dtype") else y
        return record(
            Tensor._of(floating(x) / y), "DivBackward0", (self, above, (other,)), (other, below, (self, other))
        )

    def __rtruediv__(self, number):
        return self.reciprocal() * number

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        if self.dtype == bool:
            raise OF_MASKS(f"Negation, the `-` operator, on a bool tensor is not supported. {INVERT}")
        return record(Tensor._of(-self._array), "NegBackward0", (self, _negative, ()))

    def __abs__(self):
        sign = lambda g, a: np.where(a >= 0.0, np.where(a <= 0.0, 0.0, g), -g)
        return record(Tensor._of(abs(self._array)), "AbsBackward0", (self, sign, (self,)))

    abs = __abs__

    __pow__ = pow = power

    def __rpow__(self, base):
        return power(base, self)

    matmul = __matmul__ = matmul
    addmm = addmm

    # ── functions ──

    @QUIET
    def reciprocal(self):
        y = Tensor._of(1.0 / floating(self._array))
        return record(y, "ReciprocalBackward0", (self, lambda g, y: -g * (y * y), (RESULT,)))

    @QUIET
    def exp(self):
        y = Tensor._of(np.exp(floating(self._array)))
        return record(y, "ExpBackward0", (self, lambda g, y: g * y, (RESULT,)))

    @QUIET
    def log(self):
        y = Tensor._of(np.log(floating(self._array)))
        return record(y, "LogBackward0", (self, lambda g, a: g / a, (self,)))

    @QUIET
    def sqrt(self):
        y = Tensor._of(np.sqrt(floating(self._array)))
        return record(y, "SqrtBackward0", (self, lambda g, y: g / (2.0 * y), (RESULT,)))

    @QUIET
    def tanh(self):
        y = Tensor._of(np.tanh(floating(self._array)))
        return record(y, "TanhBackward0", (self, lambda g, y: g * (1.0 - y * y), (RESULT,)))

    @QUIET
    def sigmoid(self):
        x = floating(self._array)
        e = np.exp(-abs(x))  # at most 1: nothing overflows
        y = Tensor._of(np.where(x <= 0.0, e, 1.0) / (1.0 + e))
        return record(y, "SigmoidBackward0", (self, lambda g, y: g * (1.0 - y) * y, (RESULT,)))

    def relu(self):
        y = Tensor._of(np.maximum(self._array, 0))
        return record(y, "ReluBackward0", (self, lambda g, y: _cleared(y <= 0.0, g), (RESULT,)))

    @matching
    def maximum(self, other):
        """Where both are the same, each gets half of the gradient."""
        (x, y), saved = met(self, other), (other, self)  # in the order in which torch looks at their versions
        left, right = lambda g, b, a: _larger(g, a, b), lambda g, b, a: _larger(g, b, a)
        return record(Tensor._of(np.maximum(x, y)), "MaximumBackward0", (self, left, saved), (other, right, saved))

    @matching
    def minimum(self, other):
        (x, y), saved = met(self, other), (other, self)
        left, right = lambda g, b, a: _larger(g, b, a), lambda g, b, a: _larger(g, a, b)
        return record(Tensor._of(np.minimum(x, y)), "MinimumBackward0", (self, left, saved), (other, right, saved))

    @matching
    def _chosen(self, other, condition):
        x, y = met(self, other)
        y = Tensor._of(np.where(payload(condition), x, y))
        left, right = lambda g, c: np.where(c, g, 0.0), lambda g, c: np.where(c, 0.0, g)
        return record(y, "WhereBackward0", (self, left, (condition,)), (other, right, (condition,)))

    def where(self, condition, other):
        return self._chosen(other, condition)

    # ── sums, means, maxima ──

    @QUIET
    def sum(self, dim=None, keepdim=False):
        dims = _dims(self, dim)
        y = self._array.sum(axis=dims, keepdims=keepdim)
        shape, kept = self.shape, _kept(self.shape, dims)
        spread = lambda g: np.broadcast_to(g.reshape(kept), shape)
        return record(Tensor._of(y), "SumBackward0" if dim is None else "SumBackward1", (self, spread, ()))

    @QUIET
    def mean(self, dim=None, keepdim=False):
        if self.dtype.kind != "f":
            raise (NotImplementedError if TORCH >= (2, 15) else RuntimeError)(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {NAMES[self.dtype.name]}"
            )
        dims = _dims(self, dim)
        shape, kept = self.shape, _kept(self.shape, dims)
        n = self.numel() / math.prod(kept) if self.numel() else 0.0
        y = self._array.sum(axis=dims, keepdims=keepdim) / n
        spread = lambda g: np.broadcast_to((g / n).reshape(kept), shape)
        return record(Tensor._of(y), "MeanBackward0" if dim is None else "MeanBackward1", (self, spread, ()))

    def amax(self, dim=None, keepdim=False):
        return self._shared("AmaxBackward0", np.max, dim, keepdim)

    def amin(self, dim=None, keepdim=False):
        return self._shared("AminBackward0", np.min, dim, keepdim)

    def _shared(self, name, extreme, dim, keepdim=False, nans_share=False):
        """Where several are the largest, each gets its part of the gradient; several NaNs do if they share."""
        if dim is None and not self.numel():
            called = name.partition("Backward")[0].lower()
            raise RuntimeError(
                f"{called}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        dims = _dims(self, dim)
        kept = _kept(self.shape, dims)

        def share(g, a, y):
            y = y.reshape(kept)
            ties = np.where(a == y, 1.0, 0.0)
            if nans_share:  # otherwise torch's gradient is NaN then
                ties = np.where(y == y, ties, np.where(a == a, 0.0, 1.0))
            return g.reshape(kept) * ties / ties.sum(dims).reshape(kept)

        return record(Tensor._of(extreme(self._array, dims, keepdims=keepdim)), name, (self, share, (self, RESULT)))

    max, min = largest, smallest

    def argmax(self, dim=None, keepdim=False):
        return self._position(np.argmax, dim, keepdim)

    def argmin(self, dim=None, keepdim=False):
        return self._position(np.argmin, dim, keepdim)

    def _position(self, where, dim, keepdim):
        dim = None if dim is None or not self.ndim else dim_of(dim, self.ndim)
        return Tensor._of(np.asarray(where(self._array, dim, keepdims=keepdim)))

    @QUIET
    def softmax(self, dim):
        dims, x = _dims(self, dim), floating(self._array)
        kept = _kept(self.shape, dims)
        e = np.exp(_below_zero(x, dims))
        y = Tensor._of(e / e.sum(axis=dims, keepdims=True))
        pull = lambda g, y: y * (g - (g * y).sum(dims).reshape(kept))
        return record(y, "SoftmaxBackward0", (self, pull, (RESULT,)))

    @QUIET
    def log_softmax(self, dim):
        dims, x = _dims(self, dim), floating(self._array)
        kept = _kept(self.shape, dims)
        x = _below_zero(x, dims)
        y = Tensor._of(x - np.log(np.exp(x).sum(axis=dims, keepdims=True)))
        pull = lambda g, y: g - np.exp(y) * g.sum(dims).reshape(kept)
        return record(y, "LogSoftmaxBackward0", (self, pull, (RESULT,)))

    # ── shape ──

    def _viewed(self, name, look, back):
        """A view: what `look` sees of the array, and of any array in its place."""
        array = look(self._array)
        if isinstance(array, np.ndarray) and array.size and not np.may_share_memory(array, self._array):
            return record(Tensor._of(array), "UnsafeViewBackward0", (self.clone(), back, ()))  # as torch records it
        return record(self._seen_by(look, array), name, (self, back, ()))

    def _seen_by(self, look, array, forbidden=None):
        """A view that is not recorded yet; where it is forbidden to write to this, it is to write to its views."""
        view = Tensor._of(array, self._versions())
        view._seen = view._version
        view._base, view._look = (self, look) if self._base is None else (self._base, _after(look, self._look))
        view._forbidden = (forbidden or self._forbidden) if MODE.enabled else "no_grad"
        return view

    def _views(self, looks):
        """The views of a function that has several; they come from one node, and so none may be written to alone."""
        return tuple(self._seen_by(look, look(self._array), "several") for look in looks)

    def _look_again(self, base):
        """What this is a view of was written to, and is another function from now on; so is this."""
        if base.requires_grad:
            self._has_a_function("its base or another view of its base has been")
            self._seen = self._version
            look, shape = self._look, base.shape
            back = lambda g: _seen_back(look, g, shape)
            self._comes_from((Node("AsStridedBackward0", [base._edge()], self, [(base, back, ())]), 0))

    def _has_a_function(self, what):
        """Raise where a view would not be known as a function of what it sees, once that was written to."""
        if self._forbidden is None:
            return
        view, made, mode = "A view", "was created in no_grad mode ", " with grad mode enabled"
        if self._source is not None:
            node, number = self._source
            view, made = f"Output {number} of {operation(node)} is a view", f"of a view which {made}"
            if self._forbidden != "no_grad":
                made = mode = ""
        raise RuntimeError(f"{view} {made}and {what} modified inplace{mode}. {FORBIDDEN[self._forbidden]}")

    def reshape(self, *shape):
        in_order = not isinstance(self._array, np.ndarray) or self._array.flags.c_contiguous
        return self._reshaped("ViewBackward0" if in_order else "ReshapeAliasBackward0", _one(shape))

    def view(self, *shape):
        view = self._reshaped("ViewBackward0", _one(shape))
        if view._base is None:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
                "two contiguous subspaces). Use .reshape(...) instead."
            )
        return view

    def _reshaped(self, name, shape):
        before = self.shape
        try:
            return self._viewed(name, lambda a: a.reshape(shape), lambda g: g.reshape(before))
        except ValueError:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {self.numel()}") from None

    def permute(self, *dims):
        return self._permuted("PermuteBackward0", _one(dims))

    def transpose(self, dim0, dim1):
        dim0, dim1 = dim_of(dim0, self.ndim), dim_of(dim1, self.ndim)
        return self._permuted("TransposeBackward0", [{dim0: dim1, dim1: dim0}.get(d, d) for d in range(self.ndim)])

    def _permuted(self, name, dims):
        dims = tuple(d % self.ndim for d in dims)
        back = tuple(sorted(range(self.ndim), key=dims.__getitem__))
        return self._viewed(name, lambda a: np.transpose(a, dims), lambda g: np.transpose(g, back))

    def t(self):
        if self.ndim > 2:
            self._edge()  # what a view has become is complained of first
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
        return self._viewed("TBackward0", _reversed, _reversed)

    T = property(lambda self: self._viewed("PermuteBackward0", _reversed, _reversed))
    mT = property(lambda self: self.transpose(-2, -1))  # noqa: N815 (torch's name)

    def unsqueeze(self, dim):
        shape = list(self.shape)
        shape.insert(dim_of(dim, self.ndim + 1), 1)
        return self._reshaped("UnsqueezeBackward0", tuple(shape))

    def squeeze(self, dim=None):
        if dim is None:
            return self._reshaped("SqueezeBackward0", tuple(n for n in self.shape if n != 1))
        dim = dim_of(dim, self.ndim)
        shape = tuple(n for i, n in enumerate(self.shape) if i != dim or n != 1)
        return self._reshaped("SqueezeBackward1", shape)

    def flatten(self, start_dim=0, end_dim=-1):
        first, last = dim_of(start_dim, self.ndim), dim_of(end_dim, self.ndim)
        shape = *self.shape[:first], math.prod(self.shape[first : last + 1]), *self.shape[last + 1 :]
        return self if self.ndim and first == last else self.reshape(shape)

    def chunk(self, chunks, dim=0):
        if chunks <= 0:
            raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
        n = self.shape[dim_of(dim, self.ndim)]
        return self.split(-(-n // chunks) if n else [0] * chunks, dim)

    split, unbind = split, unbind

    def expand(self, *shape):
        shape = _one(shape)
        added = len(shape) - self.ndim
        if added < 0:
            raise RuntimeError(
                f"expand({KINDS[self.dtype.name]}{{{list(self.shape)}}}, size={list(shape)}): the number of sizes "
                f"provided ({len(shape)}) must be greater or equal to the number of dimensions in the tensor "
                f"({self.ndim})"
            )
        asked, shape = shape, tuple(self.shape[i - added] if n == -1 else n for i, n in enumerate(shape))
        for i, (m, n) in enumerate(zip(shape[added:], self.shape, strict=True), added):
            if m != n != 1:
                raise RuntimeError(
                    f"The expanded size of the tensor ({m}) must match the existing size ({n}) at non-singleton "
                    f"dimension {i}.  Target sizes: {list(asked)}.  Tensor sizes: {list(self.shape)}"
                )
        return self._viewed("ExpandBackward0", lambda a: np.broadcast_to(a, shape), _same)

    # ── indices ──

    def __getitem__(self, key):
        view, places = self._located(key)
        if places:
            return view._at("IndexBackward0", *places)
        return view if view is not self else self._viewed("AliasBackward0", lambda a: a[...], _same)

    def __setitem__(self, key, value):
        if not isinstance(value, Tensor | bool | int | float):
            raise TypeError(f"can't assign a {type(value).__name__} to a {KINDS[self.dtype.name]}")
        part, places = self._located(key if isinstance(key, tuple) else (key,))
        number = not isinstance(value, Tensor)
        value = Tensor._of(np.asarray(value).astype(self.dtype)) if number else value
        shape = tuple(itertools.dropwhile(lambda n: n == 1, value.shape))
        filled = number and TORCH >= (2, 15)  # and put before
        if places and filled and len(places[1]) == 1:
            part._filled_at(value, *places)
        elif places:
            part._put_at(value if value.shape == shape else value.view(shape), *places)
        elif filled:
            part.fill_(value.item())
        elif value.shape == part.shape:
            part.copy_(value)
        elif value.ndim:
            value = value.view(shape)
            part.copy_(value if shape == part.shape else value.expand(part.shape))
        else:
            part.fill_(value)

    def _located(self, key):
        """Read an index as torch does: numbers, slices and None one by one, each a view; then all arrays at once.

        Return the key and the tensors of those arrays."""
        view, dim, place, arrays = self, 0, 0, {}
        items = key if isinstance(key, tuple) else (key,)
        used = sum(_dims_of(item) for item in items)
        if used and not self.ndim and not isinstance(key, tuple):
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                "convert a 0-dim tensor to a number"
            )
        if used > self.ndim:
            raise IndexError(f"too many indices for tensor of dimension {self.ndim}")
        for item in items:
            if _is_whole(item):
                view = view._select(dim, int(item), place)
            elif item is None:
                view, dim = view.unsqueeze(dim), dim + 1
            elif item is Ellipsis:
                dim, place = dim + self.ndim - used, place + self.ndim - used
            elif isinstance(item, slice):
                view, dim = view._slice(dim, item, items is key), dim + 1
            elif _is_one_bit(item):
                view, arrays[dim], dim = view.unsqueeze(dim), Tensor(np.zeros(int(bool(item)), int)), dim + 1
            else:
                arrays[dim] = item if isinstance(item, Tensor) else Tensor(np.array(item))
                dim += within(arrays[dim]._array, view.shape, dim, len(arrays) - 1)
            place += _dims_of(item)
        if not arrays:
            return view, None
        key = tuple(payload(arrays.get(d, slice(None))) for d in range(max(arrays) + 1))
        return view, (key, tuple(arrays.values()))

    def _select(self, dim, i, place):
        n = self.shape[dim]
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for dimension {place} with size {n}")
        return self._looked_up("SelectBackward0", (slice(None),) * dim + (i, Ellipsis))

    def _slice(self, dim, item, among_others):
        """Among other indices a slice of everything is none."""
        if item.step is not None and item.step <= 0:
            raise ValueError("step must be greater than zero")
        if among_others and item.indices(self.shape[dim]) == (0, self.shape[dim], 1):
            return self
        return self._looked_up("SliceBackward0", (slice(None),) * dim + (item,))

    def _looked_up(self, name, key):
        shape = self.shape
        return self._viewed(name, lambda a: a[key], lambda g: put(g, shape, key))

    def _at(self, name, key, indices):
        """What stands where arrays point, which `indices` are the tensors of."""
        shape, y = self.shape, self._array[key]
        if isinstance(y, np.ndarray):
            y = np.asarray(y, order="C")  # of columns NumPy takes the transpose, laid out as that
        return record(Tensor._of(y), name, (self, lambda g, *_: put(g, shape, key), indices))

    def gather(self, dim, index):
        """y[i, j] = x[index[i, j], j] for dim 0."""
        return self._at("GatherBackward0", along(dim_of(dim, self.ndim), index._array), (index,))

    def scatter(self, dim, index, src):
        """y = x, but y[index[i, j], j] = src[i, j] for dim 0."""
        key, y = along(dim_of(dim, self.ndim), index._array), self._array.copy()
        written = pointed_at(self.shape, key)
        outside, inside = lambda g, _: np.where(written, 0.0, g), lambda g, _: g[key]
        if not isinstance(src, Tensor):
            y[key] = src
            return record(Tensor._of(y), "ScatterBackward1", (self, outside, (index,)))
        part = _upper_left(src, index.shape)
        y[key] = part._array
        return record(Tensor._of(y), "ScatterBackward0", (self, outside, (index,)), (part, inside, (index,)))

    def scatter_add(self, dim, index, src):
        """y = x, and then y[index[i, j], j] += src[i, j] for dim 0."""
        key, part = along(dim_of(dim, self.ndim), index._array), _upper_left(src, index.shape)
        y = self._array + put(part._array, self.shape, key)
        return record(Tensor._of(y), "ScatterAddBackward0", (self, _same, ()), (part, lambda g, _: g[key], (index,)))

    # ── in place ──

    def _write(self, value):
        """Put `value` into the memory, and what computed it into the graph."""
        if value.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(value.shape)}"
            )
        if RANK[value.dtype.kind] > RANK[self.dtype.kind]:
            raise RuntimeError(
                f"result type {NAMES[value.dtype.name]} can't be cast to the desired output type "
                f"{NAMES[self.dtype.name]}"
            )
        if not self._array.flags.writeable:
            raise RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                "location. Please clone() the tensor before performing the operation."
            )
        self._array[...] = value._array
        self._versions()[0] += 1
        if value._source is not None:
            self._written_by(value._source)
        return self

    def _written_by(self, edge):
        """What it holds, and with it what it is a view of, is another function from now on."""
        base = self if self._base is None else self._base
        base._comes_from(edge if base is self else (CopySlices(base, self._look, *edge), 0))

    def _may_be_written(self, verb):
        if self.requires_grad and self._source is None and (self._base is None or verb == "has been"):
            raise RuntimeError(f"a leaf Variable that requires grad {verb} used in an in-place operation.")
        self._has_a_function("is being")
        if self.requires_grad and self._base is not None and self._base.is_leaf:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")

    @_in_place
    def add_(self, other):
        return self._write(self + other)

    @_in_place
    def sub_(self, other):
        return self._write(self - other)

    @_in_place
    def mul_(self, other):
        return self._write(self._as_it_was(other) * other)

    @_in_place
    def div_(self, other):
        return self._write(self._as_it_was(other) / other)

    def _as_it_was(self, other):
        """What the other operand's derivative, if it has one, reads after the write."""
        if edge_of(other) is None or not MODE.enabled:
            return self
        before = Tensor._of(self._array.copy())
        before._source = self.grad_fn and self._source
        return before

    @_in_place
    def _put_at(self, value, key, indices):
        return self._write(put_at(self, key, indices, value))

    @_in_place
    def _filled_at(self, value, key, indices):
        name = "MaskedFillBackward0" if indices[0].dtype == bool else "IndexFillBackward0"
        return self._write(put_at(self, key, indices, value, filled=name))

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    @_in_place
    def fill_(self, value):
        if not isinstance(value, Tensor):
            return self._write(record(self._filled(value), "FillBackward2", (self, nothing, ())))
        y = self._filled(value._array)
        return self._write(record(y, "FillBackward3", (self, nothing, ()), (value, _same, ())))

    @_in_place
    def zero_(self):
        return self._write(record(self._filled(0), "ZeroBackward0", (self, nothing, ())))

    @_in_place
    @matching
    def copy_(self, src):
        y = Tensor._of(np.broadcast_to(src._array, self.shape).astype(self.dtype, copy=False))
        return self._write(record(y, "torch::autograd::CopyBackwards", (self, nothing, ()), (src, _same, ())))

    # ── copies ──

    def clone(self):
        return record(Tensor._of(self._array.copy()), "CloneBackward0", (self, _same, ()))

    def to(self, dtype):
        """Itself where it has that dtype already, as in torch; otherwise a copy, and no leaf."""
        if self.dtype == dtype:
            return self
        copy = Tensor._of(self._array.astype(dtype))
        return record(copy, "ToCopyBackward0", (self, _same, ())) if copy.dtype.kind == "f" else copy

    astype = to

    def double(self):
        return self.to(np.float64)

    def float(self):
        return self.to(np.float32)

    def long(self):
        return self.to(np.int64)

    # ── comparisons have no gradient; then a tensor is told by its identity ──

    def __le__(self, other):
        return Tensor._of(self._array <= payload(other))

    def __lt__(self, other):
        return Tensor._of(self._array < payload(other))

    def __ge__(self, other):
        return Tensor._of(self._array >= payload(other))

    def __gt__(self, other):
        return Tensor._of(self._array > payload(other))

    def __eq__(self, other):
        return Tensor._of(self._array == payload(other))

    def __ne__(self, other):
        return Tensor._of(self._array != payload(other))

    __hash__ = object.__hash__

    # ── NumPy's protocols, in which derivatives are written ──

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        if method != "__call__" or settings or ufunc not in _UFUNCS:
            return NotImplemented
        return _UFUNCS[ufunc](*(x if isinstance(x, Tensor) else Tensor._of(np.asarray(x)) for x in inputs))

    def __array_function__(self, function, types, args, kwargs):
        if function not in _FUNCTIONS or kwargs:
            return NotImplemented
        return _FUNCTIONS[function](*args)


_UFUNCS = {
    np.add: Tensor.__add__,
    np.subtract: Tensor.__sub__,
    np.multiply: Tensor.__mul__,
    np.divide: Tensor.__truediv__,
    np.matmul: Tensor.__matmul__,
    np.negative: Tensor.__neg__,
    np.exp: Tensor.exp,
    np.log: Tensor.log,
    np.absolute: Tensor.__abs__,
    np.power: lambda a, n: _lifted(a) ** n,
    np.maximum: Tensor.maximum,
    np.less_equal: Tensor.__le__,
}
_FUNCTIONS: dict[Callable, Callable] = {
    np.where: lambda c, x, y: _lifted(x)._chosen(_lifted(y), c),
    np.broadcast_to: Tensor.expand,
    np.transpose: Tensor.permute,
    np.concatenate: lambda parts, dim: cat([_lifted(x) for x in parts], dim),
    np.stack: lambda parts, dim: stack([_lifted(x) for x in parts], dim),
}


def _lifted(x):
    return x if isinstance(x, Tensor) else Tensor._of(np.asarray(x))


def _one(sizes):
    """Sizes, handed over one by one or as a tuple."""
    return sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _same(g):
    return g


def _cleared(where, g):
    """0 in some places, g in the others; bit by bit, since np.where guesses at each element."""
    if type(g) is not np.ndarray:
        return np.where(where, 0.0, g)
    bits = g.view(f"i{g.itemsize}")
    return (bits & (where.astype(bits.dtype) - 1)).view(g.dtype)


def _negative(g):
    return -g


def _times(g, factor):
    return g * factor


def _reversed(a):
    return a.T


def _after(look, before):
    return lambda a: look(before(a))


def _power(a, n):
    """Small powers are products, as in torch."""
    return a * a * a if n == 3 else a * a if n == 2 else a if n == 1 else a**n


def _larger(g, a, b):
    """The gradient of a in the maximum of a and b, or of b in the minimum; half of it where both are the same."""
    return np.where(a <= b, np.where(b <= a, g / 2.0, 0.0), g)


def _below_zero(x, dims):
    """Less the largest, so that no exponential overflows."""
    return x - x.max(axis=dims, keepdims=True) if 0 not in x.shape else x


def _no_masks(a, b):
    """Two operands of a difference."""
    bits = [isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype == bool) for x in (a, b)]
    if all(bits):
        raise OF_MASKS(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if any(bits):
        raise OF_MASKS(f"Subtraction, the `-` operator, with a bool tensor is not supported. {INVERT}")
    return a, b


def _dims(x, dim):
    """The dimensions to reduce, as NumPy takes them: None for all."""
    if dim is None:
        return None
    dims = [dim_of(d, x.ndim) for d in (dim if isinstance(dim, tuple | list) else [dim])]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(d for d in dims or range(x.ndim) if d < x.ndim)


def _kept(shape, dims):
    """`shape` with each reduced dimension 1."""
    return tuple(1 if dims is None or i in dims else n for i, n in enumerate(shape))


def _upper_left(src, shape):
    """Return the part of `src` for which there are indices."""
    return src if src.shape == shape else src[tuple(map(slice, shape))]


def _is_whole(item):
    """An index that is one number, which a tensor may hold, too."""
    if isinstance(item, Tensor):
        return not item.ndim and item.dtype.kind in "iu"
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def _is_one_bit(item):
    """An index that says whether there is anything at all."""
    return isinstance(item, bool) or (isinstance(item, Tensor) and not item.ndim and item.dtype == bool)


def _dims_of(item):
    """How many dimensions an item of an index uses up."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if hasattr(item, "ndim") and item.dtype == bool else 1


def _seen_back(look, g, shape):
    """Zeros, with g where a view sees."""
    n = math.prod(shape)
    return put(g.reshape(-1), (n,), (look(np.arange(n).reshape(shape)).reshape(-1),)).reshape(shape)


class CopySlices(Node):
    """The node of what a view was written to: outside the view it passes its gradient on, inside `node` does."""

    __slots__ = ("_look", "_node", "_number", "_shape")

    def __init__(self, base, look, node, number):
        edges = [edge_of(base), *node.edges[1:]]
        super().__init__("torch::autograd::CopySlices", edges, None, [(base, None, ())] * len(edges))
        self._look, self._node, self._number, self._shape = look, node, number, base.shape

    def propagate(self, grads, retain_graph, on_tensors):
        (g,) = grads
        inside = [self._look(g) if number == self._number else None for number in range(self._node.results)]
        found, part = self._node.propagate(inside, retain_graph, on_tensors), 0.0
        written = np.zeros(self._shape, bool)
        self._look(written)[...] = True
        if found and found[0][0] is self._node.edges[0]:
            (_, part), *found = found
            part = _seen_back(self._look, part, self._shape)
        return [(self.edges[0], np.where(written, part, g)), *found] if self.edges[0] else found


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a NumPy array remembers nothing: by hand the derivative is written, not recorded"),
    Absent("raw code builds on torch.Tensor and has no tensor of its own"),
    Tensor,
    torch.Tensor,
)
