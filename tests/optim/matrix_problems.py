"""Scripts for optimizers that look at a whole matrix: shapes up to a stack of matrices, none of them empty."""

import dataclasses
import itertools

import numpy as np
from hypothesis import strategies as st

from impls.since import TORCH
from tests.capabilities import takes
from tests.engine.arrays import arrays, graded, laid_out, shapes
from tests.optim.problems import LRS, Optimizer, lines, several
from tests.optim.trace import Problem

SHAPES = shapes(max_dims=3, max_side=3, empty=False)
SIZES = several(SHAPES)


@st.composite
def gradients(draw, shape, dtype):
    """Of several scales; a row's mean times a column's is a fourth power, and must not overflow."""
    if draw(st.integers(0, 4)) == 4:
        return None
    scale = np.dtype(dtype).type(draw(st.sampled_from([2.0**-5, 2.0**-26, 2.0**-10])))
    return draw(laid_out(draw(arrays(shape, dtype)) * scale, expanded=True))


def one_of_two(draw, strategy):
    """One of two that are drawn now, so that parameters share a group at times."""
    return st.sampled_from([draw(strategy), draw(strategy)])


# ── of Muon: what bfloat16 multiplies exactly ──

MATRICES = [  # times a power of two of Frobenius norm 1
    [[1]], [[1, 1, -1, 1]], [[2], [0]], [[1], [-1], [1], [1]], [[1, 1], [1, -1]], [[1, 1], [1, 1]], [[2, 0], [0, 0]],
    [[1, 1, 0], [1, 0, 1]], [[1, 0], [-1, 1], [0, 1]], [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]],
]  # fmt: skip
COEFFICIENTS = [(2.0, -1.5, 0.5), (1.5, -0.5, 0.0), (3.5, -4.75, 2.0), (1.0, -1.0, 0.5)]
FLOORS = st.sampled_from([1e-7, 4.0, 16.0])  # of what is divided and not multiplied with itself afterwards
MULTIPLES = st.sampled_from([1.0, -1.0, 0.5, 2.0, -0.25, 0.0])
RATIOS = [None, "original", "match_rms_adamw", *["spectral_unclamped"] * (TORCH >= (2, 14))]


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


EXACT = tuple(way for way in itertools.product(MATRICES, COEFFICIENTS, [0, 1, 2]) if _multiplies_exactly(*way))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Orthogonal(Optimizer):
    """An optimizer that makes a matrix orthogonal, by products that bfloat16 has exactly."""

    exact: tuple = EXACT  # matrices, coefficients and numbers of steps with which nothing rounds
    asked: tuple[str, ...] = ("ns_coefficients", "ns_steps", "eps")  # options in which the way is asked for

    def problems(self, dtype, lrs=LRS, restore=False, any=False):
        return any_matrices(self, dtype) if any else of_one_matrix(self, dtype, lrs, restore)

    def continued(self, dtype):
        return of_one_matrix(self, dtype, LRS, False, begun=True)

    def narrowed(self, role, thing):
        """Coefficients that are its own are no matter where no step is taken with them."""
        asked = tuple(name for name in self.asked if takes(thing, name) or name == "ns_steps")
        exact = self.exact if takes(thing, "ns_coefficients") else tuple(way for way in self.exact if not way[2])
        return dataclasses.replace(super().narrowed(role, thing), asked=asked, exact=exact)


@st.composite
def of_one_matrix(draw, entry, dtype, lrs, restore, begun=False):
    """Every gradient of a parameter is a multiple of one matrix, so that every momentum is."""
    ways = draw(st.lists(one_of_two(draw, st.sampled_from(entry.exact)), min_size=2, max_size=3), label="matrices")
    matrices = [np.array(matrix, dtype) for matrix, _, _ in ways]
    multiples = lambda m: MULTIPLES.flatmap(lambda k: laid_out(m.dtype.type(k) * m))
    two = one_of_two(draw, entry.settings)
    given = lambda **how: {name: value for name, value in how.items() if name in entry.asked}
    gradient = lambda i, _: st.none() | multiples(matrices[i]) | multiples(matrices[i])
    line = lines.__wrapped__(range(len(matrices)), dtype, lrs, restore, gradient, ("zero", "drop"))
    return Problem(
        params=[draw(laid_out(draw(graded(m.shape, dtype, exponents=(-8, 2))))) for m in matrices],
        settings=[
            draw(two) | given(ns_coefficients=c, ns_steps=n, eps=1e-7 if n else draw(FLOORS)) for _, c, n in ways
        ],
        script=draw(st.lists(line, min_size=1 if begun else 2, max_size=1 if begun else 3), label="script"),
        state=[{"momentum_buffer": draw(multiples(m))} for m in matrices] if begun else None,
    )


@st.composite
def any_matrices(draw, entry, dtype):
    """Any matrices, and Muon's own coefficients: what bfloat16 makes of them is for the bits to say."""
    problem = draw(of_one_matrix(entry, dtype, LRS, restore=True))
    steps = st.sampled_from([0, 1, 5])
    return problem._replace(
        settings=[{k: v for k, v in s.items() if k[:2] != "ns"} | {"ns_steps": draw(steps)} for s in problem.settings],
        script=[
            line._replace(grads=tuple(g if g is None else draw(arrays(g.shape, dtype)) for g in line.grads))
            for line in problem.script
        ],
    )
