"""Rows to evaluate, and small nets to train."""

import numpy as np
from hypothesis import strategies as st

from tests.engine.arrays import graded, lattice
from tests.training.trace import Net


@st.composite
def sets(draw, dtype, features=3, classes=4):
    """Rows, their classes, a linear classifier and a batch size around the edges of the number of rows."""
    n = draw(st.integers(1, 12))
    small = lambda shape: draw(lattice(shape, dtype))
    batch = draw(st.sampled_from([1, 2, 3, max(n - 1, 1), n, n + 1]))
    target = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)), np.int64)
    params = {"0": {"weight": small((classes, features)), "bias": small((classes,))}}
    return small((n, features)), target, params, batch


@st.composite
def runs(draw, dtype):
    """A small net with everything on it, and a few batches to train it on."""
    features, hidden, classes, p = (
        draw(st.integers(1, 4)),
        draw(st.integers(2, 5)),
        draw(st.integers(2, 3)),
        draw(st.sampled_from([0.25, 0.5])),
    )
    loss = draw(st.sampled_from(["cross_entropy", "mse"]))
    optimizer, options = draw(
        st.sampled_from(
            [
                ("optim.adam", {"lr": 0.1, "weight_decay": 0.1}),
                ("optim.sgd", {"lr": 0.1, "momentum": 0.9}),
                ("optim.sgd", {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}),
            ]
        )
    )
    chain = (("linear", features, hidden), ("relu",), ("dropout", p), ("linear", hidden, classes))
    net = Net(chain, loss, optimizer, options, draw(st.sampled_from([2.0**-4, 1.0, None])))
    rows = draw(st.lists(st.integers(1, 5), min_size=3, max_size=4), label="batch sizes")
    target = lambda n: (
        draw(lattice((n, classes), dtype))
        if loss == "mse"
        else np.array(draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)), np.int64)
    )
    return (
        net,
        draw(st.integers(0, 99)),
        [(draw(graded((n, features), dtype, exponents=(-2, 2))), target(n)) for n in rows],
    )
