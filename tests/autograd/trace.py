"""Custom and native as libraries with the same names, and what a program leaves behind on any rung."""

import types

import numpy as np
import pytest
import torch

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import bounded
from tests.engine.arrays import snapshot as seen_of_torch

NAMES = ("no_grad", "enable_grad", "grad", "backward", "function", "vjp", "jvp", "jacobian", "hessian", "cat", "stack",
         "split", "unbind", "max", "pow", "matmul", "index_put", "result_type")  # fmt: skip


def library(rung):
    """What a script finds under torch's names."""
    parts = {name: getattr(LADDERS[f"autograd.{name}"], rung) for name in NAMES}
    parts["Function"] = parts.pop("function")
    return types.SimpleNamespace(tensor=_maker(rung), **parts)


def _maker(rung):
    if rung is not Rung.CUSTOM:
        return lambda data, requires_grad=False: torch.tensor(data, requires_grad=requires_grad)
    cls = LADDERS["autograd.tensor"].custom
    return lambda data, requires_grad=False: cls(np.array(data) if hasattr(data, "dtype") else data, requires_grad)


def snapshot(x):
    """What a caller sees of a value: a copy, as an array; bounded numbers and None stay as they are."""
    if isinstance(x, LADDERS["autograd.tensor"].custom):
        x = x.detach().numpy()
        return x.copy() if isinstance(x, np.ndarray) else x
    return seen_of_torch(x)


def known_to(rung):
    """What makes an array a tensor of a rung's, without a copy."""
    return LADDERS["autograd.tensor"].custom if rung is Rung.CUSTOM else torch.from_numpy


def on_arrays(function):
    """A function of tensors as one of arrays, or of anything like them."""
    tensor = LADDERS["autograd.tensor"].custom
    return lambda *x: function(*map(tensor, x)).detach().numpy()


def exact(trace):
    """A trace as it must be to the last digit, but for the sign of zero."""
    if isinstance(trace, dict):
        return {key: exact(x) for key, x in trace.items()}
    if isinstance(trace, list):
        return [exact(x) for x in trace]
    return trace if trace is None else bounded(trace, trace.dtype)


def shape_of(program):
    """Of its result."""
    with torch.no_grad():
        return tuple(program(*map(torch.from_numpy, program.inputs)).shape)


def observe(rung, program, dy, w=None, lift=np.asarray):
    """The value of a program, its gradients for dy, and the gradients of their product with w."""
    known = known_to(rung)
    inputs = [known(lift(a.copy())).requires_grad_() for a in program.inputs]
    y, dy, grad = program(*inputs), known(lift(dy)), getattr(LADDERS["autograd.grad"], rung)
    if rung is Rung.RAW:
        return {"value": snapshot(y), "gradient": [snapshot(g) for g in grad(y, inputs, dy)]}
    grads = grad(y, inputs, dy, create_graph=w is not None, allow_unused=True)
    trace = {"value": snapshot(y), "gradient": [snapshot(g) for g in grads]}
    if w is not None:
        products = [(g * known(lift(a))).sum() for g, a in zip(grads, w, strict=True) if g is not None]
        h = sum(products[1:], products[0])
        second = grad(h, inputs, allow_unused=True) if h.requires_grad else [None] * len(inputs)
        zeros = [lift(np.zeros_like(a)) for a in program.inputs]  # it depends on the operation whether there is a graph
        trace["second"] = [zero if g is None else snapshot(g) for g, zero in zip(second, zeros, strict=True)]
    return trace


def outcome(script, rung):
    """What a script tells on a rung."""
    return told(script(library(rung)))


def refusal(script, rung):
    """The class and the words with which a script is refused, or warned of."""
    with pytest.raises((Exception, Warning)) as refused:
        script(library(rung))
    return refused.type.__name__, str(refused.value).partition(" (Triggered internally")[0]


def told(x):
    """In plain terms: a tensor by its numbers and by what it says of itself."""
    if isinstance(x, torch.Tensor | LADDERS["autograd.tensor"].custom):
        return [snapshot(x), x.requires_grad, x.is_leaf]
    if isinstance(x, dict):
        return {key: told(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [told(value) for value in x]
    return x


def _own(t):
    """Operations of one's own: one with two results, of which one is what was given, and one that writes."""

    class SameAndDouble(t.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x, x * 2.0

        @staticmethod
        def backward(_, g, h):
            return g if h is None else h * 2.0 if g is None else g + h * 2.0

    class Add(t.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.mark_dirty(x)
            return x.add_(y)

        @staticmethod
        def backward(_, g):
            return g, g

    return SameAndDouble, Add


def _standing(x):
    """Where it stands in the graph, and its gradient, if it is known."""
    try:
        kept = x.grad if x.is_leaf or x.retains_grad else None
        name = x.grad_fn and x.grad_fn.name()
        return [
            x.is_leaf,
            x.retains_grad,
            name,
            None if kept is None else snapshot(kept) + 0.0,
        ]  # zeros lose their signs
    except RuntimeError as refused:
        return [str(refused)]


def _is_within(x, largest):
    """Whether no element is larger: of larger ones what follows would not be exact in float32."""
    return abs(snapshot(x)).max(initial=0.0) <= largest


class Life:
    """Some tensors of one rung, and what is done with them."""

    def __init__(self, rung):
        self.t = library(rung)
        self.two, self.written = _own(self.t)
        self.leaves = [self.t.tensor([[1.0, 2.0], [-1.0, 1.0]], requires_grad=True), self.t.tensor([2.0, -1.0], True)]
        self.tensors = [*self.leaves, self.t.tensor([[1.0, -1.0], [2.0, 1.0]])]

    def act(self, name, i, j):
        """Do it, and tell how everything is."""
        a, b = (self.tensors[k % len(self.tensors)] for k in (-1 - i, j))
        try:
            made = getattr(self, name)(a, b)
        except (RuntimeError, IndexError) as refused:
            return str(refused)
        self.tensors += [made] * (made is not None)
        return [[snapshot(x) + 0.0, x.requires_grad, x._version, x.output_nr, *_standing(x)] for x in self.tensors]

    def multiply(self, a, b):
        return a * b if _is_within(a, 2**11) and _is_within(b, 2**11) else None

    def add(self, a, b):
        return a + b

    def choose(self, a, b):
        return a.maximum(b) + 0.0  # of zeros of either sign the two choose differently

    def larger(self, a, _):
        return a.max(0).values if a.ndim else a.max()

    def smaller(self, a, _):
        return a.min(-1, keepdim=True)[0] if a.ndim else a.min()

    def raise_to(self, a, b):
        return (a * a + 1.0) ** (b * 0.0 + 2.0) if _is_within(a, 2**5) else None

    def last_part(self, a, *_):
        return a.unbind()[-1] if a.ndim else None

    def first_column(self, a, *_):
        return a.split(1, -1)[0] if a.ndim else None

    def one_of_ones_own(self, a, *_):
        return self.two.apply(a)[1]

    def what_is_given_back(self, a, *_):
        return self.two.apply(a)[0]

    def row(self, a, *_):
        return a[-1] if a.ndim else None

    def column(self, a, *_):
        return a[..., 0]

    def turn(self, a, *_):
        return a.t()

    def spread(self, a, *_):
        return a.unsqueeze(0)

    def detach(self, a, *_):
        return a.detach()

    def copy(self, a, *_):
        return a.clone()

    def start_anew(self, a, *_):
        return a.detach().clone().requires_grad_()

    def add_in_place(self, a, b):
        a.add_(b * 1.0)  # torch does not write where it reads, unless it is the whole

    def multiply_in_place(self, a, b):
        a.mul_(b * 1.0)

    def clear(self, a, *_):
        a.zero_()

    def put(self, a, b):
        if a.shape[1:] == b.shape and a.ndim:
            a[0] = b * 1.0

    def put_a_number(self, a, *_):
        a[..., -1] = 2.0

    def put_where_an_index_points(self, a, b):
        if a.ndim and a.shape[1:] == b.shape:
            a[self.t.tensor([-1])] = b * 2.0

    def put_where_a_mask_says(self, a, *_):
        a[a <= 0.0] = -1.0

    def keep(self, a, *_):
        own = a.grad_fn is not None and a.grad_fn.name().endswith("Backward")
        if not own:  # torch 2.13 fails an assertion where a Function's result that keeps its gradient is written to
            a.retain_grad()

    def write_and_give_back(self, a, b):
        self.written.apply(a, b * 1.0)

    def update(self, a, b):
        with self.t.no_grad():
            a.sub_(b * 1.0)

    def view_without_grad(self, a, *_):
        with self.t.no_grad():
            return a.t() if a.ndim < 3 else None

    def parts_without_grad(self, a, *_):
        with self.t.no_grad():
            return a.split(1)[0] if a.ndim else None

    def differentiate(self, *_):
        results = [x for x in self.tensors if x.requires_grad]
        try:
            self.t.backward(results, [x.detach() for x in results], retain_graph=True)
        except RuntimeError:  # where torch had got to by then is its own affair
            for x in self.tensors:
                x.grad = None
            raise
