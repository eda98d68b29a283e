"""Gradients to clip, losses to average, nets to evaluate."""

import numpy as np
from hypothesis import strategies as st

from tests.strategies.arrays import graded, lattice, shapes


@st.composite
def clippings(draw, dtype):
    """Gradients of several tensors, some missing, with a bound on their norm that they reach or do not reach."""
    sizes = draw(st.lists(shapes(max_side=3, empty=False), min_size=1, max_size=4))
    tensor = lambda s: draw(st.one_of(graded(s, dtype, exponents=(-8, 4)), lattice(s, dtype)))
    grads = [None if draw(st.integers(0, 5)) == 5 else tensor(s) for s in sizes]
    norm_type = draw(st.sampled_from([2.0, 2.0, 1.0, float("inf"), 3.0]))
    return grads, draw(st.sampled_from([1.0, 0.1, 2.0**-10, 30.0])), norm_type


@st.composite
def sets(draw, dtype, features=3, classes=4):
    """Rows, their classes, a linear classifier and a batch size around the edges of the number of rows."""
    n = draw(st.integers(1, 12))
    small = lambda shape: draw(lattice(shape, dtype))
    batch = draw(st.sampled_from([1, 2, 3, max(n - 1, 1), n, n + 1]))
    target = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)), np.int64)
    params = {"0": {"weight": small((classes, features)), "bias": small((classes,))}}
    return small((n, features)), target, params, batch


