"""Operations, and random programs of them: straight lines with broadcasting, branches and values used twice.

A program is written in the methods that torch's tensors and ours share, so it runs on both, unchanged.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from tests.strategies.arrays import lattice

UNARY = {
    "a number added": lambda a: a + 0.75,
    "from a number": lambda a: 1.5 - a,
    "by a number": lambda a: a * 0.75,
    "divided by a number": lambda a: a / 3,
    "a number divided": lambda a: 0.75 / _positive(a),
    "negative": lambda a: -a,
    "square": lambda a: a**2,
    "root of a power": lambda a: _positive(a) ** 1.5,
    "product": lambda a: a @ a.t(),
    "product of vectors": lambda a: a[0] @ a[-1],
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
    "t": lambda a: a.t(),
    "unsqueeze and squeeze": lambda a: a.unsqueeze(1).squeeze(1),
    "expand": lambda a: a[:1].expand(3, a.shape[1]),
    "a row": lambda a: a[-1],
    "a part": lambda a: a[:, : max(1, a.shape[1] - 1)],
    "an element of a part": lambda a: a[::2, 0],
    "rows taken twice": lambda a: a[_index(a, [0, -1, 0])],
    "gather": lambda a: a.gather(0, _index(a, [[0] * a.shape[1], [a.shape[0] - 1] * a.shape[1]])),
    "scatter_add": lambda a: a.scatter_add(1, _index(a, [[0, 0]] * a.shape[0]), a[:, :1].expand(a.shape[0], 2)),
}
BINARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / _positive(b),
    "maximum": lambda a, b: a.maximum(b),
    "where": lambda a, b: a.where(a <= b, b),
}
EXACT = {  # what never rounds, on a lattice
    "cube": lambda a, b: a**3,
    "first power": lambda a, b: a**1,
    "zeroth power": lambda a, b: a**0,
    "amax": lambda a, b: a.amax(),
    "amax of columns": lambda a, b: a.amax(0, keepdim=True),
    "permute": lambda a, b: a.permute(1, 0),
    "transpose": lambda a, b: a.transpose(0, -1),
    "batches": lambda a, b: a.unsqueeze(0).transpose(1, 2) @ a.expand(2, *a.shape),
    "a part of a part": lambda a, b: a[:, None, -1],
    "everything": lambda a, b: a[...] * a[:],
    "where true": lambda a, b: a[_index(a, [True, False] * a.shape[0])[: a.shape[0]]],
    "columns taken twice": lambda a, b: a[:, _index(a, [0, -1, 0])],
    "where or a number": lambda a, b: a.where(a <= b, 2.0),
    "clone": lambda a, b: a.clone() * b,
    "two dtypes": lambda a, b: a.float() * b.double(),
    "a number of another dtype": lambda a, b: a.float() * b.sum().double(),
    "broadcast either way": lambda a, b: a[:, :1] * a[0] - b,
}


PASS_ON = ("add", "a number added", "t", "sum", "reshape", "expand", "unsqueeze and squeeze")  # a gradient as it is


def _positive(a):
    """At least a half, and smooth."""
    return a * a + 0.5


def _squashed(a):
    """Between -1/2 and 1/2, so that no exponential overflows."""
    return a / (a * a + 1.0)


def _index(a, index):
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
                values.append(_matrix(UNARY[name](a)))
            elif all(m == n or 1 in (m, n) for m, n in zip(a.shape, b.shape, strict=True)):
                values.append(BINARY[name](a, b))
        return values[-1]


def _matrix(x):
    return x if x.ndim == 2 else x.reshape(1, x.numel())


class Single(NamedTuple):
    """One operation on two inputs."""

    name: str
    inputs: list[Any]

    def __call__(self, a, b):
        if self.name in UNARY:
            return UNARY[self.name](a)
        return (EXACT | BINARY)[self.name](a, b)


@functools.cache
@st.composite
def operands(draw, dtype):
    """A matrix, and something that goes with it."""
    rows, columns = draw(st.integers(1, 3), label="rows"), draw(st.integers(2, 3), label="columns")
    other = draw(st.sampled_from([(), (1,), (columns,), (rows, 1), (1, columns), (rows, columns)]), label="other")
    drawn = [draw(lattice(shape, dtype, largest=5)) for shape in ((rows, columns), other)]
    return [np.asarray(x / np.dtype(dtype).type(64)) for x in drawn]


def some(*operations):
    """A fifth of the operations by name: all of them would take long."""
    names = [name for table in operations for name in table]
    return st.sampled_from([names[i::5] for i in range(5)])


@functools.cache
@st.composite
def programs(draw, dtype, names=(*UNARY, *BINARY, *BINARY, "branch")):
    line = st.tuples(st.sampled_from(names), st.integers(0, 2), st.integers(0, 2))
    return Program(draw(st.lists(line, min_size=1, max_size=6), label="lines"), draw(operands(dtype)))


WRITES = ("add_in_place", "multiply_in_place", "clear", "put", "put_a_number", "update")
READS = ("multiply", "add", "choose", "row", "column", "turn", "spread", "detach", "copy", "start_anew")
ACTS = st.tuples(
    st.sampled_from([*WRITES, *READS, "view_without_grad", "differentiate"]), st.integers(0, 3), st.integers(0, 3)
)
