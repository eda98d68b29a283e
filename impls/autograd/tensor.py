r"""A tensor that remembers how it was computed, so that it can be differentiated.

    y = f(x)       x is a leaf, or has a node itself; y has f's node, if x needs a gradient and grad mode is on
    x.f_(…)        the same memory holds f(x, …); its version is one higher; from now on it is what f computed
    v = x[i]       a view: the same memory and version; f_ on v is  x ← x with f(v) in place of v

The array is read by derivatives that have yet to run.  Each of them knows the version it saved, so that a value
overwritten in between is an error and not a wrong gradient (tests/planted: tensor_write_keeps_its_version).  Who
writes to a view changes what it is a view of, and all its other views with it.
The payload may be any array that speaks NumPy's protocols, also numbers that carry a bound.

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

import numpy as np
import torch

from impls.autograd.backward import backward
from impls.autograd.no_grad import MODE
from impls.autograd.node import RESULT, AccumulateGrad, Node, edge_of, record
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

QUIET = np.errstate(all="ignore")  # torch divides by zero without a word
DEFAULT = np.dtype(np.float32)  # of what is not data: numbers, and functions of integers
RANK = {"b": 0, "i": 1, "u": 1, "f": 2}
NAMES = {"float64": "Double", "float32": "Float", "int64": "Long", "int32": "Int", "bool": "Bool"}

GRAD_OF_NO_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)


class Removable:
    """What register_hook returns."""

    _numbers = itertools.count()

    def __init__(self, hooks, hook):
        self._hooks, self._number = hooks, next(self._numbers)
        hooks[self._number] = hook

    def remove(self):
        self._hooks.pop(self._number, None)


def _payload(x):
    return x._array if isinstance(x, Tensor) else x


def _common(a, b):
    """The payloads of two operands in the dtype that torch computes in: a number, or an array without dimensions,
    decides it only where it is of a higher kind."""
    x, y = _payload(a), _payload(b)
    if isinstance(y, bool | int | float):
        return _met_by(x, y), y
    if x.dtype != y.dtype:
        dtype = _promoted(x, y)
        x, y = x.astype(dtype), y.astype(dtype)
    return x, y


def _met_by(x, number):
    """An array as the operation with a number sees it."""
    if isinstance(number, float) and x.dtype.kind != "f":
        return x.astype(DEFAULT)
    return x.astype(np.int64) if x.dtype.kind == "b" and not isinstance(number, bool) else x


def _promoted(x, y):
    ranks = RANK[x.dtype.kind], RANK[y.dtype.kind]
    if ranks[0] != ranks[1]:
        return x.dtype if ranks[0] > ranks[1] else y.dtype
    if bool(x.ndim) != bool(y.ndim):
        return x.dtype if x.ndim else y.dtype
    return np.promote_types(x.dtype, y.dtype)


def _floating(x):
    return x if x.dtype.kind == "f" else x.astype(DEFAULT)


def _broadcast(operation):
    """An operation on two operands, torch's words where their shapes do not fit."""

    @functools.wraps(operation)
    @QUIET
    def checked(a, b, *settings):
        try:
            return operation(a, b, *settings)
        except ValueError:
            raise RuntimeError(_misfit(_payload(a).shape, _payload(b).shape)) from None

    return checked


def _misfit(a, b):
    rank = max(len(a), len(b))
    sides = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    dim, (m, n) = max((i, side) for i, side in enumerate(sides) if side[0] != side[1] and 1 not in side)
    return f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}"


class Tensor:
    """Follows torch.Tensor, as far as it goes; its data are shared with the array it is made from."""

    __slots__ = ("__weakref__", "_accumulator", "_array", "_base", "_counter", "_kept", "_look", "_node", "_seen",
                 "_trained", "hooks")  # fmt: skip

    def __init__(self, data, requires_grad=False):
        if not hasattr(data, "dtype"):
            data = np.asarray(data)
            data = data.astype(DEFAULT) if data.dtype == float else data
        self._set(data)
        self.requires_grad_(requires_grad)

    def _set(self, array, counter=None):
        self._array = np.asarray(array) if isinstance(array, np.generic) else array
        self._counter = [0] if counter is None else counter  # the version, shared with every view
        self._node = self._kept = self._base = self._accumulator = self.hooks = None
        self._trained = False

    @classmethod
    def _of(cls, array, counter=None):
        self = cls.__new__(cls)
        self._set(array, counter)
        return self

    # ── what it tells of itself ──

    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    dtype = property(lambda self: self._array.dtype)
    _version = property(lambda self: self._counter[0])
    is_leaf = property(lambda self: self.grad_fn is None)
    retains_grad = property(lambda self: self.grad_fn is not None and self.grad_fn.retained is not None)

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
        return float(self.item())

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
        if self._base is not None and self._seen != self._counter[0]:
            self._look_again()
        return self._node

    def _edge(self):
        """The node at which its gradient arrives, or None."""
        node = self.grad_fn
        return self._accumulates() if node is None and self._trained else node

    def _accumulates(self):
        node = self._accumulator and self._accumulator()
        if node is None:
            node = AccumulateGrad(self)
            self._accumulator = weakref.ref(node)
        return node

    @property
    def requires_grad(self):
        return self._trained or self.grad_fn is not None

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
        if self._kept is None and self._node is not None and not self.retains_grad:
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
        self._kept = grad

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def retain_grad(self):
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            self.grad_fn.retained = weakref.ref(self)

    def register_hook(self, hook):
        """`hook` sees the gradient before anything else does, and may return another one."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        place = self if self.is_leaf else self.grad_fn
        place.hooks = {} if place.hooks is None else place.hooks
        return Removable(place.hooks, hook)

    def detach(self):
        return Tensor._of(self._array, self._counter)

    def _attached(self, node):
        other = self.detach()
        other._node = node
        return other

    def _filled(self, number):
        return Tensor._of(np.full(self.shape, number, self.dtype))

    # ── arithmetic ──

    @_broadcast
    def __add__(self, other):
        x, y = _common(self, other)
        return record(Tensor._of(x + y), "AddBackward0", (self, _same, ()), (other, _same, ()))

    @_broadcast
    def __sub__(self, other):
        x, y = _common(self, other)
        return record(Tensor._of(x - y), "SubBackward0", (self, _same, ()), (other, lambda g: -g, ()))

    @_broadcast
    def __rsub__(self, number):
        x, y = _common(self, number)
        return record(Tensor._of(y - x), "RsubBackward1", (self, lambda g: -g, ()))

    @_broadcast
    def __mul__(self, other):
        x, y = _common(self, other)
        times = lambda g, factor: g * factor
        return record(Tensor._of(x * y), "MulBackward0", (self, times, (other,)), (other, times, (self,)))

    @_broadcast
    def __truediv__(self, other):
        x, y = _common(self, other)
        above, below = lambda g, b: g / b, lambda g, a, b: -g * ((a / b) / b)
        y = _floating(y) if hasattr(y, "dtype") else y
        return record(
            Tensor._of(_floating(x) / y), "DivBackward0", (self, above, (other,)), (other, below, (self, other))
        )

    def __rtruediv__(self, number):
        return self.reciprocal() * number

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return record(Tensor._of(-self._array), "NegBackward0", (self, lambda g: -g, ()))

    @QUIET
    def __pow__(self, n):
        slope = lambda g, a: g * (n * _power(a, n - 1)) if n else _nothing(g)
        return record(Tensor._of(_power(_met_by(self._array, n), n)), "PowBackward0", (self, slope, (self,)))

    @QUIET
    def __matmul__(self, other):
        if self.ndim == 1:
            return (self.unsqueeze(0) @ other).squeeze(-1 if other.ndim == 1 else -2)
        if other.ndim == 1:
            return (self @ other.unsqueeze(1)).squeeze(-1)
        x, y = self._array, other._array
        if x.ndim == y.ndim == 2 and x.shape[1] != y.shape[0]:
            a, b = ("x".join(map(str, z.shape)) for z in (x, y))
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a} and {b})")
        left = lambda g, b: g @ _turned(b)
        # A weight that is stored transposed has a gradient that is, too: what is transposed back is in order.
        by_columns = isinstance(y, np.ndarray) and y.ndim == 2 and y.flags.f_contiguous and not y.flags.c_contiguous
        right = (lambda g, a: (g.T @ a).T) if by_columns else (lambda g, a: _turned(a) @ g)
        name = "MmBackward0" if x.ndim == y.ndim == 2 else "BmmBackward0"
        return record(Tensor._of(x @ y), name, (self, left, (other,)), (other, right, (self,)))

    matmul = __matmul__

    # ── functions ──

    @QUIET
    def reciprocal(self):
        y = Tensor._of(1.0 / _floating(self._array))
        return record(y, "ReciprocalBackward0", (self, lambda g, y: -g * (y * y), (RESULT,)))

    @QUIET
    def exp(self):
        y = Tensor._of(np.exp(_floating(self._array)))
        return record(y, "ExpBackward0", (self, lambda g, y: g * y, (RESULT,)))

    @QUIET
    def log(self):
        y = Tensor._of(np.log(_floating(self._array)))
        return record(y, "LogBackward0", (self, lambda g, a: g / a, (self,)))

    @QUIET
    def sqrt(self):
        y = Tensor._of(np.sqrt(_floating(self._array)))
        return record(y, "SqrtBackward0", (self, lambda g, y: g / (2.0 * y), (RESULT,)))

    @QUIET
    def tanh(self):
        y = Tensor._of(np.tanh(_floating(self._array)))
        return record(y, "TanhBackward0", (self, lambda g, y: g * (1.0 - y * y), (RESULT,)))

    @QUIET
    def sigmoid(self):
        x = _floating(self._array)
        e = np.exp(-abs(x))  # at most 1: nothing overflows
        y = Tensor._of(np.where(x <= 0.0, e, 1.0) / (1.0 + e))
        return record(y, "SigmoidBackward0", (self, lambda g, y: g * (1.0 - y) * y, (RESULT,)))

    def relu(self):
        y = Tensor._of(np.maximum(self._array, 0))
        return record(y, "ReluBackward0", (self, lambda g, y: np.where(y <= 0.0, 0.0, g), (RESULT,)))

    @_broadcast
    def maximum(self, other):
        """Where both are the same, each gets half of the gradient."""
        x, y = _common(self, other)
        left = lambda g, b, a: np.where(a <= b, np.where(b <= a, g / 2.0, 0.0), g)
        right = lambda g, b, a: left(g, a, b)
        saved = other, self  # in the order in which torch looks whether they were written to
        return record(Tensor._of(np.maximum(x, y)), "MaximumBackward0", (self, left, saved), (other, right, saved))

    @_broadcast
    def _chosen(self, other, condition):
        x, y = _common(self, other)
        y = Tensor._of(np.where(_payload(condition), x, y))
        left, right = lambda g, c: np.where(c, g, 0.0), lambda g, c: np.where(c, 0.0, g)
        return record(y, "WhereBackward0", (self, left, (condition,)), (other, right, (condition,)))

    def where(self, condition, other):
        return self._chosen(other, condition)

    # ── sums, means, maxima ──

    @QUIET
    def sum(self, dim=None, keepdim=False):
        y = self._array.sum(axis=dim, keepdims=keepdim)
        shape, kept = self.shape, _kept(self.shape, dim)
        spread = lambda g: np.broadcast_to(g.reshape(kept), shape)
        return record(Tensor._of(y), "SumBackward0" if dim is None else "SumBackward1", (self, spread, ()))

    @QUIET
    def mean(self, dim=None, keepdim=False):
        if self.dtype.kind != "f":
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {NAMES[self.dtype.name]}"
            )
        shape, kept = self.shape, _kept(self.shape, dim)
        n = self.numel() / math.prod(kept) if self.numel() else 0.0
        y = self._array.sum(axis=dim, keepdims=keepdim) / n
        spread = lambda g: np.broadcast_to((g / n).reshape(kept), shape)
        return record(Tensor._of(y), "MeanBackward0" if dim is None else "MeanBackward1", (self, spread, ()))

    def amax(self, dim=None, keepdim=False):
        """Where several are the largest, each gets its part of the gradient."""
        kept = _kept(self.shape, dim)
        y = self._array.max(axis=dim, keepdims=keepdim)

        def share(g, a, y):
            y, g = y.reshape(kept), g.reshape(kept)
            ties = (y <= a).astype(a.dtype)
            return g * ties / ties.sum(dim).reshape(kept)

        return record(Tensor._of(y), "AmaxBackward0", (self, share, (self, RESULT)))

    def argmax(self, dim=None):
        return Tensor._of(np.asarray(self._array.argmax(axis=dim)))

    @QUIET
    def softmax(self, dim):
        x, kept = _floating(self._array), _kept(self.shape, dim)
        e = np.exp(x - x.max(axis=dim, keepdims=True))
        y = Tensor._of(e / e.sum(axis=dim, keepdims=True))
        pull = lambda g, y: y * (g - (g * y).sum(dim).reshape(kept))
        return record(y, "SoftmaxBackward0", (self, pull, (RESULT,)))

    @QUIET
    def log_softmax(self, dim):
        x, kept = _floating(self._array), _kept(self.shape, dim)
        x = x - x.max(axis=dim, keepdims=True)
        y = Tensor._of(x - np.log(np.exp(x).sum(axis=dim, keepdims=True)))
        pull = lambda g, y: g - np.exp(y) * g.sum(dim).reshape(kept)
        return record(y, "LogSoftmaxBackward0", (self, pull, (RESULT,)))

    # ── shape ──

    def _viewed(self, name, look, back):
        """A view: what `look` sees of the array, and of any array in its place."""
        array = look(self._array)
        if isinstance(array, np.ndarray) and not np.may_share_memory(array, self._array):
            return record(Tensor._of(array), "UnsafeViewBackward0", (self, back, ()))
        view = record(Tensor._of(array, self._counter), name, (self, back, ()))
        view._seen = self._counter[0]
        view._base, view._look = (self, look) if self._base is None else (self._base, _after(look, self._look))
        return view

    def _look_again(self):
        """What this is a view of was written to, and is another function from now on; so is this."""
        base, n = self._base, self._base.numel()
        if base._edge() is not None:
            self._seen = self._counter[0]
            shape, places = base.shape, self._look(np.arange(n).reshape(base.shape)).reshape(-1)
            back = lambda g: _put(g.reshape(-1), (n,), (places,)).reshape(shape)
            self._node = Node("AsStridedBackward0", [base._edge()], self, [(base, back, ())])

    def reshape(self, *shape):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        before = self.shape
        try:
            return self._viewed("ViewBackward0", lambda a: a.reshape(shape), lambda g: g.reshape(before))
        except ValueError:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {self.numel()}") from None

    view = reshape

    def permute(self, *dims):
        return self._permuted("PermuteBackward0", dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)

    def transpose(self, dim0, dim1):
        dims = list(range(self.ndim))
        dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
        return self._permuted("TransposeBackward0", dims)

    def _permuted(self, name, dims):
        dims = tuple(d % self.ndim for d in dims)
        back = tuple(sorted(range(self.ndim), key=dims.__getitem__))
        return self._viewed(name, lambda a: np.transpose(a, dims), lambda g: np.transpose(g, back))

    def t(self):
        if self.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
        return self._viewed("TBackward0", _reversed, _reversed)

    T = property(lambda self: self._viewed("PermuteBackward0", _reversed, _reversed))
    mT = property(lambda self: self.transpose(-2, -1))  # noqa: N815 (torch's name)

    def unsqueeze(self, dim):
        shape = list(self.shape)
        shape.insert(dim % (self.ndim + 1), 1)
        return self._reshaped("UnsqueezeBackward0", tuple(shape))

    def squeeze(self, dim):
        dims = range(self.ndim)
        shape = tuple(n for i, n in enumerate(self.shape) if i != dims[dim] or n != 1)
        return self._reshaped("SqueezeBackward1", shape)

    def _reshaped(self, name, shape):
        before = self.shape
        return self._viewed(name, lambda a: a.reshape(shape), lambda g: g.reshape(before))

    def expand(self, *shape):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        added = len(shape) - self.ndim
        shape = tuple(self.shape[i - added] if n == -1 else n for i, n in enumerate(shape))
        return self._viewed("ExpandBackward0", lambda a: np.broadcast_to(a, shape), _same)

    # ── indices ──

    def __getitem__(self, key):
        """As torch reads an index: numbers, slices and None one by one, each a view; then all arrays at once."""
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
            if isinstance(item, int) and not isinstance(item, bool):
                view = view._select(dim, item, place)
            elif item is None:
                view, dim = view.unsqueeze(dim), dim + 1
            elif item is Ellipsis:
                dim, place = dim + self.ndim - used, place + self.ndim - used
            elif isinstance(item, slice):
                view, dim = view._slice(dim, item), dim + 1
            else:
                arrays[dim] = item if isinstance(item, Tensor) else Tensor(np.array(item))
                dim += _dims_of(arrays[dim])
            place += _dims_of(item)
        if arrays:
            key = tuple(_payload(arrays.get(d, slice(None))) for d in range(max(arrays) + 1))
            return view._at("IndexBackward0", key, arrays.values())
        return view if view is not self else self._viewed("SliceBackward0", lambda a: a[...], _same)

    def _select(self, dim, i, place):
        n = self.shape[dim]
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for dimension {place} with size {n}")
        return self._looked_up("SelectBackward0", (slice(None),) * dim + (i, Ellipsis))

    def _slice(self, dim, item):
        if item.step is not None and item.step <= 0:
            raise ValueError("step must be greater than zero")
        return self if item == slice(None) else self._looked_up("SliceBackward0", (slice(None),) * dim + (item,))

    def _looked_up(self, name, key):
        shape = self.shape
        return self._viewed(name, lambda a: a[key], lambda g: _put(g, shape, key))

    def _at(self, name, key, indices):
        """What stands where arrays point, which `indices` are the tensors of."""
        shape = self.shape
        return record(Tensor._of(self._array[key]), name, (self, lambda g, *_: _put(g, shape, key), tuple(indices)))

    def gather(self, dim, index):
        """y[i, j] = x[index[i, j], j] for dim 0."""
        return self._at("GatherBackward0", _along(dim, index), [index])

    def scatter_add(self, dim, index, src):
        """y = x, and then y[index[i, j], j] += src[i, j] for dim 0."""
        key = _along(dim, index)
        y = self._array + _put(src._array[tuple(map(slice, index.shape))], self.shape, key)
        part = src[tuple(map(slice, index.shape))] if src.shape != index.shape else src
        return record(Tensor._of(y), "ScatterAddBackward0", (self, _same, ()), (part, lambda g, _: g[key], (index,)))

    # ── in place ──

    def _write(self, value):
        """Put `value` into the memory, and what computed it into the graph."""
        base = self if self._base is None else self._base
        if MODE.enabled and (base._trained or self._trained):
            what = "a leaf" if base is self else "a view of a leaf"
            raise RuntimeError(f"{what} Variable that requires grad is being used in an in-place operation.")
        if value.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(value.shape)}"
            )
        if RANK[value.dtype.kind] > RANK[self.dtype.kind]:
            raise RuntimeError(
                f"result type {NAMES[value.dtype.name]} can't be cast to the desired output type "
                f"{NAMES[self.dtype.name]}"
            )
        self._array[...] = value._array
        if MODE.enabled and (base._edge() or value._edge()) is not None:
            base._node = value._node if base is self else _with_slice(base, self._look, value)
        self._counter[0] += 1
        return self

    def add_(self, other):
        return self._write(self + other)

    def sub_(self, other):
        return self._write(self - other)

    def mul_(self, other):
        return self._write(self._as_it_was(other) * other)

    def div_(self, other):
        return self._write(self._as_it_was(other) / other)

    def _as_it_was(self, other):
        """What the other operand's derivative, if it has one, reads after the write."""
        if edge_of(other) is None or not MODE.enabled:
            return self
        before = Tensor._of(self._array.copy())
        before._node = self.grad_fn
        return before

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    def fill_(self, number):
        return self._write(record(self._filled(number), "FillBackward2", (self, _nothing, ())))

    def zero_(self):
        return self._write(record(self._filled(0), "ZeroBackward0", (self, _nothing, ())))

    def copy_(self, src):
        y = Tensor._of(np.broadcast_to(src._array, self.shape).astype(self.dtype))
        return self._write(record(y, "torch::autograd::CopyBackwards", (self, _nothing, ()), (src, _same, ())))

    def __setitem__(self, key, value):
        part = self[key]
        value = value if isinstance(value, Tensor) else part._filled(value)
        if part._base is None:
            raise NotImplementedError("the tape writes where numbers and slices point, not where arrays do")
        part._write(value.expand(part.shape) if value.shape != part.shape else value)

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
        return Tensor._of(self._array <= _payload(other))

    def __lt__(self, other):
        return Tensor._of(self._array < _payload(other))

    def __ge__(self, other):
        return Tensor._of(self._array >= _payload(other))

    def __gt__(self, other):
        return Tensor._of(self._array > _payload(other))

    def __eq__(self, other):
        return Tensor._of(self._array == _payload(other))

    def __ne__(self, other):
        return Tensor._of(self._array != _payload(other))

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
    np.maximum: Tensor.maximum,
    np.less_equal: Tensor.__le__,
}
_FUNCTIONS = {
    np.where: lambda c, x, y: _lifted(x)._chosen(_lifted(y), c),
    np.broadcast_to: Tensor.expand,
    np.transpose: Tensor.permute,
}


def _lifted(x):
    return x if isinstance(x, Tensor) else Tensor._of(np.asarray(x))


def _same(g):
    return g


def _nothing(g):
    return np.where(True, 0.0, g)


def _reversed(a):
    return a.T


def _after(look, before):
    return lambda a: look(before(a))


def _turned(a):
    return a.T if a.ndim == 2 else a.mT


def _power(a, n):
    """Small powers are products, as in torch."""
    return a * a * a if n == 3 else a * a if n == 2 else a if n == 1 else a**n


def _kept(shape, dim):
    """`shape` with each reduced dimension 1."""
    dims = range(len(shape)) if dim is None else [d % len(shape) for d in (dim if isinstance(dim, tuple) else (dim,))]
    return tuple(1 if i in dims else n for i, n in enumerate(shape))


def _dims_of(item):
    """How many dimensions an item of an index uses up."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if hasattr(item, "ndim") and item.dtype == bool else 1


def _along(dim, index):
    """The index of an array by one dimension, as NumPy reads it."""
    grid = [np.arange(n).reshape([-1 if i == d else 1 for i in range(index.ndim)]) for d, n in enumerate(index.shape)]
    grid[dim] = _payload(index)
    return tuple(grid)


def _put(g, shape, key):
    """Zeros, with g added where the key points; where it points twice, two elements are added."""
    if isinstance(g, np.ndarray | np.generic):
        whole = np.zeros(shape, g.dtype)
        np.add.at(whole, key, g)
        return whole
    sources = _sources(shape, key)
    return np.where(sources >= 0, g.reshape(-1)[sources], 0.0).sum(-1)


def _sources(shape, key):
    """For each place, the numbers of the elements that are added there, filled up with -1: what is written by adding,
    read by indexing."""
    places = np.arange(math.prod(shape)).reshape(shape)[key].reshape(-1)
    order = np.argsort(places, kind="stable")
    places = places[order]
    turn = np.arange(places.size) - np.searchsorted(places, places)
    sources = np.full((math.prod(shape), turn.max() + 1), -1)
    sources[places, turn] = order
    return sources.reshape(*shape, -1)


def _with_slice(base, look, value):
    """The node of a base, a view of which was written to."""
    written = np.zeros(base.shape, bool)
    look(written)[...] = True
    edges = [edge_of(base), edge_of(value)]
    partials = (base, lambda g: np.where(written, 0.0, g), ()), (value, look, ())
    return Node("torch::autograd::CopySlices", edges, base, partials)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a NumPy array remembers nothing: by hand the derivative is written, not recorded"),
    Absent("raw code builds on torch.Tensor and has no tensor of its own"),
    Tensor,
    torch.Tensor,
)
