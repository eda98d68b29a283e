"""Random programs: straight lines of operations over a few inputs, with broadcasting and shared subexpressions."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.strategies.arrays import lattice

UNARY = {
    "neg": lambda a: -a,
    "exp": lambda a: _squashed(a).exp(),
    "log": lambda a: (a * a + 0.5).log(),
    "sqrt": lambda a: (a * a + 0.5).sqrt(),
    "sigmoid": lambda a: _squashed(a).sigmoid(),
    "relu": lambda a: a.relu(),
    "sum": lambda a: a.sum(),
    "rows": lambda a: a.sum(-1, keepdim=True) if a.ndim else a,
    "square": lambda a: a.expand((2, 2)) @ a.expand((2, 2)).t() if a.ndim < 2 or max(a.shape) == 1 else a @ a.t(),
    "flat": lambda a: a.reshape((a.numel(),)).sum(0),
    "add number": lambda a: a + 0.25,
    "branch": lambda a: a * 2.0 if a.ndim == 2 else a - 0.5,
}
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 0.5),
}


def _squashed(a):
    """Between -1/2 and 1/2, so that no exponential overflows."""
    return a / (a * a + 1.0)


class Program(NamedTuple):
    lines: list[tuple[str, int, int]]
    inputs: list[Any]

    def run(self, inputs):
        """The last value that was computed, on whatever the inputs are; a line whose shapes do not fit is left out."""
        values = list(inputs)
        for name, i, j in self.lines:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            if name in UNARY:
                values.append(UNARY[name](a))
            elif _fit(a.shape, b.shape):
                values.append(BINARY[name](a, b))
        return values[-1] * values[0]


def _fit(*shapes):
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


@st.composite
def programs(draw, dtype="float64"):
    rows, columns = draw(st.integers(1, 3)), 2
    shapes = [(rows, columns), draw(st.sampled_from([(), (1,), (columns,), (rows, 1), (1, columns)]))]
    inputs = [np.asarray(draw(lattice(shape, dtype, largest=5))) / dtype_of(dtype)(8) for shape in shapes]
    line = st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 2), st.integers(0, 2))
    program = Program(draw(st.lists(line, min_size=1, max_size=5)), inputs)
    return program


def dtype_of(name):
    return np.dtype(name).type
