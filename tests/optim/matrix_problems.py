"""Scripts for optimizers that look at a whole matrix: shapes up to a stack of matrices, none of them empty."""

import itertools

import numpy as np
from hypothesis import strategies as st

from impls.since import TORCH
from tests.engine.arrays import arrays, graded, shapes
from tests.optim.problems import DECAY, LRS, settings
from tests.optim.trace import Line, Problem

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


def either(draw, strategy):
    """One of two that are drawn now, so that parameters share a group at times."""
    return st.sampled_from([draw(strategy), draw(strategy)])


@st.composite
def gradients(draw, shape, dtype):
    """Of several scales; a row's mean times a column's is a fourth power, and must not overflow."""
    if draw(st.integers(0, 4)) == 4:
        return None
    return draw(arrays(shape, dtype)) * np.dtype(dtype).type(draw(st.sampled_from([2.0**-5, 2.0**-26, 2.0**-10])))


def problems(concept, dtype, lrs=LRS, restore=False):
    """Several parameters, in groups with options of their own, and a script of several steps."""
    return (muon if concept == "optim.muon" else adafactors)(concept, dtype, lrs, restore)


@st.composite
def adafactors(draw, concept, dtype, lrs, restore):
    sizes = draw(st.lists(SHAPES, min_size=2, max_size=3), label="shapes")
    two = either(draw, SETTINGS[concept])
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


def continued(concept, dtype):
    """One step from a given state, up to the ten-thousandth."""
    return (
        muon(concept, dtype, LRS, False, begun=True)
        if concept == "optim.muon"
        else adafactors_continued(concept, dtype)
    )


@st.composite
def adafactors_continued(draw, concept, dtype):
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


# ── of Muon: what bfloat16 multiplies exactly ──

MATRICES = [  # times a power of two of Frobenius norm 1
    [[1]], [[1, 1, -1, 1]], [[2], [0]], [[1], [-1], [1], [1]], [[1, 1], [1, -1]], [[1, 1], [1, 1]], [[2, 0], [0, 0]],
    [[1, 1, 0], [1, 0, 1]], [[1, 0], [-1, 1], [0, 1]], [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]],
]  # fmt: skip
COEFFICIENTS = [(2.0, -1.5, 0.5), (1.5, -0.5, 0.0), (3.5, -4.75, 2.0), (1.0, -1.0, 0.5)]
FLOORS = st.sampled_from([1e-7, 4.0, 16.0])  # of what is divided and not multiplied with itself afterwards
SETTINGS["optim.muon"] = st.fixed_dictionaries(
    {
        "momentum": st.sampled_from([0.5, 0.0]),
        "nesterov": st.booleans(),
        "weight_decay": DECAY,
        "adjust_lr_fn": st.sampled_from(
            [None, "original", "match_rms_adamw", *["spectral_unclamped"] * (TORCH >= (2, 14))]
        ),
    }
)
MULTIPLES = st.sampled_from([1.0, -1.0, 0.5, 2.0, -0.25, 0.0])


def _bfloat16_has(*arrays):
    """Whether eight bits are enough for every element."""
    return all(np.array_equal(np.ldexp(np.rint(m * 2**8), e - 8), a) for a in arrays for m, e in [np.frexp(a)])


def _multiplies_exactly(matrix, coefficients, steps):
    """Whether nothing rounds, in whatever order a step's products and sums are taken."""
    x, (a, b, c) = np.array(matrix, float), coefficients
    x = (x if len(x) <= len(x[0]) else x.T) / np.linalg.norm(x)
    for _ in range(steps):
        gram = x @ x.T
        update = b * gram + c * (gram @ gram)
        parts = x, gram, b * gram, gram @ gram, c * (gram @ gram), update, a * x, update @ x, a * x + update @ x
        if not _bfloat16_has(*parts):
            return False
        x = parts[-1]
    return True


def chosen(**how):
    """How a matrix is made orthogonal, in the options of which a matrix is asked."""
    return {name: value for name, value in how.items() if name in ASKED}


ASKED = ["ns_coefficients", "ns_steps", "eps"]
EXACT = [way for way in itertools.product(MATRICES, COEFFICIENTS, [0, 1, 2]) if _multiplies_exactly(*way)]


@st.composite
def muon(draw, _concept, dtype, lrs, restore, begun=False):
    """Every gradient of a parameter is a multiple of one matrix, so that every momentum is."""
    ways = draw(st.lists(either(draw, st.sampled_from(EXACT)), min_size=2, max_size=3), label="matrices")
    matrices = [np.array(matrix, dtype) for matrix, _, _ in ways]
    gradient = lambda m: MULTIPLES.map(lambda k: m.dtype.type(k) * m)
    two = either(draw, SETTINGS["optim.muon"])
    lines = st.builds(
        Line,
        lr=lrs,
        old=st.sampled_from(["zero", "drop"]),
        grads=st.tuples(*(st.none() | gradient(m) | gradient(m) for m in matrices)),
        restore=st.booleans() if restore else st.just(False),
    )
    return Problem(
        params=[draw(graded(m.shape, dtype, exponents=(-8, 2))) for m in matrices],
        settings=[
            draw(two) | chosen(ns_coefficients=c, ns_steps=n, eps=1e-7 if n else draw(FLOORS)) for _, c, n in ways
        ],
        script=draw(st.lists(lines, min_size=1 if begun else 2, max_size=1 if begun else 3), label="script"),
        state=[{"momentum_buffer": draw(gradient(m))} for m in matrices] if begun else None,
    )


@st.composite
def any_matrices(draw, dtype, restore=True):
    """Any matrices, and Muon's own coefficients: what bfloat16 makes of them is for the bits to say."""
    problem = draw(muon("optim.muon", dtype, LRS, restore))
    steps = st.sampled_from([0, 1, 5])
    return problem._replace(
        settings=[{k: v for k, v in s.items() if k[:2] != "ns"} | {"ns_steps": draw(steps)} for s in problem.settings],
        script=[
            line._replace(grads=tuple(g if g is None else draw(arrays(g.shape, dtype)) for g in line.grads))
            for line in problem.script
        ],
    )
