"""Arrays of three kinds, each good at exposing something else.

lattice   small multiples of one power of two: nothing rounds, ties and exact zeros occur
graded    full significands over many magnitudes, within the range where no product overflows
special   cancellation, one huge number among tiny ones, constants
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.exactness import FORMATS


@st.composite
def shapes(draw, max_dims=2, max_side=4, min_dims=0, empty=True):
    """Any rank from min_dims on; one shape in ten is empty, unless none may be."""
    empty = empty and max_dims > 0 and draw(st.integers(0, 9)) == 9
    sides = hnp.array_shapes(min_dims=max(min_dims, empty), max_dims=max_dims, min_side=1 - empty, max_side=max_side)
    return draw(sides)


@st.composite
def lattice(draw, shape, dtype, largest=8):
    digits = draw(hnp.arrays(np.int64, shape, elements=st.integers(-largest, largest)))
    return np.ldexp(digits.astype(dtype), draw(st.integers(-3, 3)))


@st.composite
def graded(draw, shape, dtype, exponents=(-20, 6)):
    """sign · m · 2^e with the format's full precision in m and e drawn element by element."""
    bits = FORMATS[dtype].precision
    digits = draw(hnp.arrays(np.int64, shape, elements=st.integers(-(2**bits) + 1, 2**bits - 1), fill=st.nothing()))
    scale = draw(hnp.arrays(np.int64, shape, elements=st.integers(*exponents), fill=st.nothing()))
    return np.ldexp(digits.astype(dtype), (scale - bits).astype(np.int32)).astype(dtype)


@st.composite
def special(draw, shape, dtype):
    bits = FORMATS[dtype].precision
    pattern = draw(st.sampled_from(["constant", "cancelling", "one huge"]))
    size = int(np.prod(shape))
    if pattern == "constant":
        flat = np.full(size, draw(st.sampled_from([0.1, 1.0, 3.0])))
    elif pattern == "cancelling":
        flat = np.resize([1.0, -(1 + 2.0 ** -draw(st.integers(1, bits - 1)))], size)
    else:
        flat = np.resize([2.0 ** draw(st.integers(10, 30)), *[2.0**-20] * 7], size)
    return flat.astype(dtype).reshape(shape)


def arrays(shape, dtype):
    """One array of any of the three kinds, the one that shows most drawn most."""
    return st.one_of(lattice(shape, dtype), graded(shape, dtype), graded(shape, dtype), special(shape, dtype))
