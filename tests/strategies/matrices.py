"""Scripts for optimizers that look at a whole matrix: shapes up to a stack of matrices, none of them empty."""

import numpy as np
from hypothesis import strategies as st

from tests.observe.optim import Line, Problem
from tests.strategies.arrays import arrays, graded, shapes
from tests.strategies.optim import DECAY, LRS, settings

SHAPES = shapes(max_dims=3, max_side=3, empty=False)


@st.composite
def adafactor(draw):
    return {
        "beta2_decay": draw(st.sampled_from([-0.8, -0.3, -1.0, 0.0])),
        "eps": (draw(st.sampled_from([None, 1e-3, 0.1, 0.5])), draw(st.sampled_from([1e-3, 0.5, 2.0]))),
        "d": draw(st.sampled_from([1.0, 1.5, 3.0])),
        "weight_decay": draw(DECAY),
        "maximize": draw(st.booleans()),
    }


SETTINGS = {"optim.adafactor": settings(adafactor())}


@st.composite
def gradients(draw, shape, dtype):
    """Of several scales; a row's mean times a column's is a fourth power, and must not overflow."""
    if draw(st.integers(0, 4)) == 4:
        return None
    return draw(arrays(shape, dtype)) * np.dtype(dtype).type(draw(st.sampled_from([2.0**-5, 2.0**-26, 2.0**-10])))


@st.composite
def problems(draw, concept, dtype, lrs=LRS, restore=False):
    """Several parameters, in groups with options of their own, and a script of several steps."""
    sizes = draw(st.lists(SHAPES, min_size=2, max_size=3), label="shapes")
    two = st.sampled_from([draw(SETTINGS[concept]), draw(SETTINGS[concept])])
    lines = st.builds(
        Line,
        lr=lrs,
        old=st.sampled_from(["keep", "zero", "drop"]),
        grads=st.tuples(*(gradients(s, dtype) for s in sizes)),
        restore=st.booleans() if restore else st.just(False),
    )
    return Problem(
        params=[draw(arrays(s, dtype)) for s in sizes],
        settings=[draw(two) for _ in sizes],
        script=draw(st.lists(lines, min_size=3, max_size=5), label="script"),
    )


@st.composite
def continued(draw, concept, dtype):
    """One step from a given state, up to the ten-thousandth."""
    sizes = draw(st.lists(SHAPES, min_size=1, max_size=3), label="shapes")
    tensors = [graded(s, dtype, exponents=(-8, 2)) for s in sizes]
    return Problem(
        params=[draw(st.just(np.zeros(s, dtype)) | t) for s, t in zip(sizes, tensors, strict=True)],
        settings=[draw(SETTINGS[concept]) for _ in sizes],
        script=[Line(draw(LRS), "drop", tuple(draw(t) for t in tensors))],
        state=[_adafactor_state(draw(t), draw(st.sampled_from([1, 2, 10, 999, 9999]))) for t in tensors],
    )


def _adafactor_state(like, step):
    """What t steps may have left: mean squares of rows and columns, or of each element."""
    square = like * like
    if like.ndim < 2:
        return {"step": step, "variance": square}
    return {"step": step, "row_var": square.mean(-1, keepdims=True), "col_var": square.mean(-2, keepdims=True)}
