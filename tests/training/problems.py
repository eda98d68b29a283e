"""Gradients to clip, losses to average, nets to evaluate."""

import numpy as np
from hypothesis import strategies as st

from tests.engine.arrays import arrays, graded, lattice, shapes
from tests.training.trace import Net

NORMS = {"of-squares": (2.0,), "of-powers": (1.0, 3.0, 0.5, -1.0, -2.0), "of-none": (np.inf, 0.0, -np.inf)}
DECAYS = st.sampled_from([0.999, 0.5, 0.9, 0.0, 1.0])
AVERAGES = {"training.ema": {"decay": 0.9}, "training.swa": {}}  # by which a model is averaged


@st.composite
def clippings(draw, dtype, norms=(2.0,)):
    """Gradients of several tensors, some missing or nothing but zeros, a bound on their norm, which some reach, and
    which norm."""
    norm_type = draw(st.sampled_from(norms))
    sizes = draw(st.lists(shapes(max_side=3, empty=False), min_size=1, max_size=4))
    tensor = lambda s: draw(graded(s, dtype, exponents=(-8, 4)) | lattice(s, dtype) | lattice(s, dtype, largest=0))
    grads = [None if draw(st.integers(0, 5)) == 5 else tensor(s) for s in sizes]
    if norm_type in (-1.0, -2.0):  # of a 0 such a power is infinite
        grads = [g if g is None else np.where(g == 0, 1, g).astype(dtype) for g in grads]
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


@st.composite
def pairs(draw, concept, dtype):
    """An average, what comes into it, how slow it is if it moves, and how many are in it."""
    shape = draw(shapes(max_side=3), label="shape")
    settings = {"decay": draw(DECAYS, label="decay")} if concept == "training.ema" else {}
    return draw(arrays(shape, dtype)), draw(arrays(shape, dtype)), settings, draw(st.integers(1, 9), label="n")


@st.composite
def looks(draw, dtype):
    """The weights of a layer at each look, and how they are averaged."""
    weight, bias = (graded(shape, dtype, exponents=(-8, 4)) for shape in ((2, 3), (2,)))
    look = st.builds(lambda weight, bias: {"weight": weight, "bias": bias}, weight, bias)
    script = draw(st.lists(look, min_size=1, max_size=5), label="looks")
    return script, draw(st.sampled_from([*AVERAGES.items()]), label="average")


@st.composite
def batches(draw, dtype):
    """Batches of several lengths."""
    sizes = draw(st.lists(st.integers(2, 5), min_size=1, max_size=4), label="rows")
    return [draw(graded((n, 3), dtype, exponents=(-2, 3)), label="batch") for n in sizes]
