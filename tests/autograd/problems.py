"""Operations, and random programs of them: straight lines with broadcasting, branches and values used twice.

A program is written in the methods that torch's tensors and ours share, so it runs on both, unchanged.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from tests.cells import LADDERS
from tests.engine.arrays import lattice

UNARY = {
    "a number added": lambda a: a + 0.75,
    "from a number": lambda a: 1.5 - a,
    "by a number": lambda a: a * 0.75,
    "divided by a number": lambda a: a / 3,
    "a number divided": lambda a: 0.75 / _positive(a),
    "negative": lambda a: -a,
    "square": lambda a: a**2,
    "times itself": lambda a: a * a,
    "equals": lambda a: a.maximum(a * 3.0 - a.detach() * 2.0),
    "root of a power": lambda a: _positive(a) ** 1.5,
    "power of a number": lambda a: 1.5**a,
    "absolute": lambda a: abs(a),
    "product": lambda a: a @ a.t(),
    "product of vectors": lambda a: a[0] @ a[-1],
    "product added to a row": lambda a: a[:, 0].addmm(a, a.t()),
    "matrix times vector": lambda a: a @ a[0],
    "vector times matrix": lambda a: a[0] @ a.t(),
    "exp": lambda a: _squashed(a).exp(),
    "log": lambda a: _positive(a).log(),
    "sqrt": lambda a: _positive(a).sqrt(),
    "tanh": lambda a: a.tanh(),
    "sigmoid": lambda a: a.sigmoid(),
    "relu": lambda a: a.relu(),
    "sum": lambda a: a.sum(),
    "sum of columns": lambda a: a.sum(0),
    "sum of rows": lambda a: a.sum(-1, keepdim=True),
    "sum over both": lambda a: a.sum((0, 1)),
    "mean": lambda a: a.mean(),
    "mean of rows": lambda a: a.mean(1, keepdim=True),
    "softmax": lambda a: a.softmax(-1),
    "log_softmax": lambda a: a.log_softmax(0),
    "reshape": lambda a: a.reshape(a.shape[1], a.shape[0]),
    "flatten": lambda a: a.unsqueeze(0).flatten(1),
    "squeeze": lambda a: a.unsqueeze(-1).squeeze(),
    "t": lambda a: a.t(),
    "unsqueeze and squeeze": lambda a: a.unsqueeze(1).squeeze(1),
    "expand": lambda a: a[:1].expand(3, a.shape[1]),
    "a row": lambda a: a[-1],
    "a part": lambda a: a[:, : max(1, a.shape[1] - 1)],
    "an element of a part": lambda a: a[::2, 0],
    "rows": lambda a: a.unbind(),
    "columns": lambda a: a.unbind(-1),
    "iteration": lambda a: tuple(a),
    "two columns and the rest": lambda a: a.split(2, 1),
    "one row and the rest": lambda a: a.split([1, a.shape[0] - 1] if a.shape[0] > 1 else 1),
    "halves": lambda a: a.chunk(2, -1),
    "an operation of one's own": lambda a: _square_and_double(a),
    "rows taken twice": lambda a: a[index_of(a, [0, -1, 0])],
    "gather": lambda a: a.gather(0, index_of(a, [[0] * a.shape[1], [a.shape[0] - 1] * a.shape[1]])),
    "scatter_add": lambda a: a.scatter_add(1, index_of(a, [[0, 0]] * a.shape[0]), a[:, :1].expand(a.shape[0], 2)),
}
BINARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / _positive(b),
    "power": lambda a, b: _positive(a) ** b,
    "maximum": lambda a, b: a.maximum(b),
    "minimum": lambda a, b: a.minimum(b),
    "where": lambda a, b: a.where(a <= b, b),
}
EXACT = {  # what never rounds, on a lattice
    "cube": lambda a, b: a**3,
    "first power": lambda a, b: a**1,
    "zeroth power": lambda a, b: a**0,
    "amax": lambda a, b: a.amax(),
    "amax of columns": lambda a, b: a.amax(0, keepdim=True),
    "amin of rows": lambda a, b: a.amin(-1),
    "largest": lambda a, b: a.max(),
    "smallest": lambda a, b: a.min(),
    "largest of equals": lambda a, b: (a - a.detach())[:1, :2].max(),
    "largest of columns": lambda a, b: a.max(0).values,
    "largest of rows": lambda a, b: a.max(-1, keepdim=True)[0],
    "smallest of rows": lambda a, b: a.min(1).values,
    "scatter": lambda a, b: a.scatter(
        1, index_of(a, [[a.shape[1] - 1, 0]] * a.shape[0]), a[:, :1].expand(a.shape[0], 2)
    ),
    "a number scattered": lambda a, b: a.scatter(0, index_of(a, [[0] * a.shape[1]]), 2.0),
    "permute": lambda a, b: a.permute(1, 0),
    "transpose": lambda a, b: a.transpose(0, -1),
    "batches": lambda a, b: a.unsqueeze(0).transpose(1, 2) @ a.expand(2, *a.shape),
    "a batch and a matrix": lambda a, b: a.unsqueeze(0) @ a.t(),
    "a part of a part": lambda a, b: a[:, None, -1],
    "everything": lambda a, b: a[...] * a[:],
    "where true": lambda a, b: a[index_of(a, [True, False] * a.shape[0])[: a.shape[0]]],
    "columns taken twice": lambda a, b: a[:, index_of(a, [0, -1, 0])],
    "where or a number": lambda a, b: a.where(a <= b, 2.0),
    "clone": lambda a, b: a.clone() * b,
    "a row written": lambda a, b: _with(a, 0, a[-1] * 2.0),
    "all written": lambda a, b: _with(a, slice(None), b),
    "a number written": lambda a, b: _with(a, (-1, 0), 3.0),
    "a row written by index": lambda a, b: _with(a, index_of(a, [-1]), a[:1] * b.sum()),
    "columns written by index": lambda a, b: _with(a, (slice(None), index_of(a, [-1, 0])), a[:, :2] * 2.0),
    "written where a mask says": lambda a, b: _with(a, a <= 0.0, (a[0] * b.sum()).sum()),
    "a number where a mask says": lambda a, b: _with(a, (0, a[0] <= 0.0), 3.0),
    "multiplied in place": lambda a, b: (a * 1.0).mul_(b),
    "a column multiplied in place": lambda a, b: _changed(a, lambda y: y.t()[0].mul_(a[:, -1])),
    "a row added to in place": lambda a, b: _changed(a, lambda y: y[0].add_(a[-1])),
    "every other row cleared": lambda a, b: _changed(a, lambda y: y[::2].zero_()),
    "two dtypes": lambda a, b: a.float() * b.double(),
    "a number of another dtype": lambda a, b: a.float() * b.sum().double(),
    "broadcast either way": lambda a, b: a[:, :1] * a[0] - b,
}


PASS_ON = ("add", "a number added", "t", "sum", "reshape", "expand", "unsqueeze and squeeze")  # a gradient as it is


# Where a formula changes, numbers with a slope see neither side's.
KINKED = ("relu", "sigmoid", "absolute", "minimum", "equals")
SMOOTH = tuple(name for name in (*UNARY, *BINARY) if name not in KINKED)
NAMED_ALIKE = tuple(name for name in (*UNARY, *BINARY, *EXACT) if "batch" not in name)


def _positive(a):
    """At least a half, and smooth."""
    return a * a + 0.5


def _squashed(a):
    """Between -1/2 and 1/2, so that no exponential overflows."""
    return a / (a * a + 1.0)


def _with(a, key, value):
    return _changed(a, lambda y: y.__setitem__(key, value))


def _changed(a, write):
    """A copy that was written to."""
    y = a * 1.0
    write(y)
    return y


def _square_and_double(a):
    """An operation with two results."""

    class SquareAndDouble(
        torch.autograd.Function if isinstance(a, torch.Tensor) else LADDERS["autograd.function"].custom
    ):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x, x * 2.0

        @staticmethod
        def backward(ctx, g, h):
            (x,) = ctx.saved_tensors
            return g * x * 2.0 + h * 2.0

    return SquareAndDouble.apply(a)


def index_of(a, index):
    """An index as data of a's own kind."""
    index = np.asarray(index)
    return torch.from_numpy(index) if isinstance(a, torch.Tensor) else type(a)(index)


class Program(NamedTuple):
    """Lines (operation, operands counted from the last value back), and what they are run on."""

    lines: list[tuple[str, int, int]]
    inputs: list[Any]

    def __call__(self, *inputs):
        """The last value that was computed; where it branches, it looks at the data."""
        values = [_matrix(x) for x in inputs]
        for name, i, j in self.lines:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            if name == "branch":
                values.append(a * 2.0 if self.inputs[0].flat[0] > 0 else a - 0.5)
            elif name in UNARY:
                values += map(_matrix, _several(UNARY[name](a)))
            elif all(m == n or n == 1 or (m == 1 and name in BINARY) for m, n in zip(a.shape, b.shape, strict=True)):
                values.append(_matrix((EXACT | BINARY)[name](a, b)))
        return values[-1]


def _matrix(x):
    return x if x.ndim == 2 else x.reshape(1, x.numel())


def _several(results):
    return results if isinstance(results, tuple) else (results,)


class Single(NamedTuple):
    """One operation on two inputs."""

    name: str
    inputs: list[Any]

    def __call__(self, a, b):
        if self.name not in UNARY:
            return (EXACT | BINARY)[self.name](a, b)
        first, *others = _several(UNARY[self.name](a))
        return first * others[-1] if others else first


@functools.cache
@st.composite
def operands(draw, dtype):
    """A matrix, and something that goes with it."""
    rows, columns = draw(st.integers(1, 3), label="rows"), draw(st.integers(2, 3), label="columns")
    other = draw(st.sampled_from([(), (1,), (columns,), (rows, 1), (1, columns), (rows, columns)]), label="other")
    drawn = [draw(lattice(shape, dtype, largest=5)) for shape in ((rows, columns), other)]
    return [np.asarray(x / np.dtype(dtype).type(64)) for x in drawn]


FACTORS = [((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 2)), ((2, 1, 3), (3, 2)), ((2, 3), (2, 3, 1)),
           ((1, 2, 3), (2, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,))]  # fmt: skip


@functools.cache
@st.composite
def factors(draw, dtype):
    return [draw(lattice(shape, dtype)) for shape in draw(st.sampled_from(FACTORS), label="shapes")]


@functools.cache
@st.composite
def powers(draw, dtype):
    """Of numbers not below a half, with exponents of either sign."""
    base, exponent = draw(operands(dtype))
    base, exponent = draw(st.sampled_from([(base, exponent), (exponent, base)]), label="order")
    return [np.asarray(base * base + np.dtype(dtype).type(0.5)), np.asarray(exponent * 8)]


def some(*operations):
    """A third of the operations by name, each drawn for itself: all would take long, and of a few fixed parts one may
    be drawn again and again and another never."""
    names = [name for table in operations for name in table]
    return st.binary(min_size=len(names), max_size=len(names)).map(
        lambda drawn: [name for name, byte in zip(names, drawn, strict=True) if byte % 3 == 1]
    )


@functools.cache
@st.composite
def programs(draw, dtype, names=(*UNARY, *BINARY, *BINARY, "branch"), most=6):
    line = st.tuples(st.sampled_from(names), st.integers(0, 2), st.integers(0, 2))
    return Program(draw(st.lists(line, min_size=1, max_size=most), label="lines"), draw(operands(dtype)))


WRITES = ("add_in_place", "multiply_in_place", "clear", "put", "put_a_number", "update", "put_where_an_index_points",
          "put_where_a_mask_says", "write_and_give_back")  # fmt: skip
READS = ("multiply", "add", "choose", "row", "column", "turn", "spread", "detach", "copy", "start_anew", "larger",
         "smaller", "raise_to")  # fmt: skip
PARTS = ("last_part", "first_column", "one_of_ones_own", "what_is_given_back")
MODES = ("view_without_grad", "parts_without_grad", "keep", "differentiate")
ACTS = st.tuples(st.sampled_from([*WRITES, *READS, *PARTS, *MODES]), st.integers(0, 3), st.integers(0, 3))
