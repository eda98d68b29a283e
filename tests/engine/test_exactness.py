"""The engine that compares: every admissible way to compute lands inside the bound, little else does, and where
nothing rounds the bound is 0."""

import functools
import inspect
import math
import operator
import sys
import types
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.engine import FORMATS, Bounded, Different, Inconclusive, assert_bitwise, assert_within, bounded, judge
from tests.engine.arithmetic import FLOAT32, FLOAT64, FUNCTIONS, LONGDOUBLE_IS_WIDER, SAMPLED, ULPS, accuracy, ulps_off
from tests.engine.arrays import arrays, graded, lattice
from tests.engine.bounded import SLACK, AnotherQuantity, normcdf, rsqrt
from tests.engine.branches import some_way
from tests.engine.compare import LEDGER
from tests.engine.known import Exact, setting

FORMS = pytest.mark.parametrize("f", [pytest.param(f, id=f.name) for f in FORMATS.values()])
SHARP = pytest.mark.parametrize(  # the formats whose bound is not half for the reference's own roundings
    "f",
    [
        pytest.param(FLOAT32, id="float32"),
        pytest.param(
            FLOAT64,
            id="float64",
            marks=pytest.mark.skipif(not LONGDOUBLE_IS_WIDER, reason="longdouble is no wider than double here"),
        ),
    ],
)
NEARLY_ALL = 0.95  # of a bound is used up by the worst case that there is, or the bound is slack


@pytest.fixture(autouse=True, scope="module")
def the_verdict_is_about_rungs():
    """What the engine says of itself does not count as the run's worst error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LEDGER, "compared", lambda *_: None)
        yield


def number(x, f):
    return np.dtype(f.name).type(x)


def lands_inside(actual, reference):
    """Whatever is known of the reference, nothing speaks against `actual`."""
    verdict = judge(actual, reference)
    assert not isinstance(verdict, Different), verdict


def share(actual, reference):
    """How much of its bound an admissible evaluation uses up."""
    assert_within(actual, reference)
    return np.max(abs(actual.astype(reference.format.wider) - reference.value) / reference.error)


@st.composite
def inexact(draw, shape, f):
    """What a rung holds, and the numbers that its bound says it holds: an end of each interval, or the very value."""
    value, other = (draw(arrays(shape, f.name) | ragged(shape, f)) for _ in range(2))
    steps = st.sampled_from([0.0, 0.0, 2 * f.roundoff, -2 * f.roundoff, 2.0**-9, -0.5])
    held = value + draw(hnp.arrays(f.name, shape, elements=steps)) * other
    error = abs(held.astype(f.wider) - value)
    return held, (Bounded(value.astype(f.wider), error, None, f) if error.any() else bounded(value, f.name))


def ragged(shape, f):
    """Numbers of few digits each, which do not fit together into one significand."""
    whole = 2.0**f.precision
    numbers = [0.0, 0.25, -0.25, 0.5, 3.0, whole / 2 + 1, 1 - whole, whole]
    return hnp.arrays(f.name, shape, elements=st.sampled_from(numbers))


# ── one operation ───────────────────────────────────────────────────────────────────────────────

_ERF = np.frompyfunc(math.erf, 1, 1)


def erf(lib, x):
    """torch's, or the standard library's, as a manual rung calls it."""
    return torch.erf(x) if lib is torch else _ERF(x).astype(x.dtype)


def by(lib, in_torch, one_operation, x):
    """torch's function, or one that CUDA has as one operation, as a formula is written in it."""
    return in_torch(x) if lib is torch else one_operation(x).astype(x.dtype)


OPERATIONS = {
    "add": lambda _, x, y: x + y,
    "subtract": lambda _, x, y: x - y,
    "multiply": lambda _, x, y: x * y,
    "divide": lambda _, x, y: x / y,
    "divide-by-one-number": lambda _, x, y: x / y[0, 0],
    "add-a-setting": lambda _, x, y: x + 0.1,
    "multiply-by-a-setting": lambda _, x, y: x * 1e-3,
    "divide-by-a-setting": lambda _, x, y: x / 3,
    "negative": lambda _, x, y: -x,
    "absolute": lambda _, x, y: abs(x),
    "maximum": lambda lib, x, y: lib.maximum(x, y),
    "minimum": lambda lib, x, y: lib.minimum(x, y),
    "where": lambda lib, x, y: lib.where(x <= y, x, -x),
    "where-at-least": lambda lib, x, y: lib.where(y >= x, x, -x),
    "exp": lambda lib, x, y: lib.exp(x),
    "log": lambda lib, x, y: lib.log(abs(x)),
    "log1p": lambda lib, x, y: lib.log1p(abs(x)),
    "tanh": lambda lib, x, y: lib.tanh(x),
    "erf": lambda lib, x, y: erf(lib, x),
    "normcdf": lambda lib, x, y: by(lib, lambda z: torch.special.erfc(-z) / 2, normcdf, x),
    "rsqrt": lambda lib, x, y: by(lib, torch.rsqrt, rsqrt, abs(x)),
    "cos": lambda lib, x, y: lib.cos(x),
    "sqrt": lambda lib, x, y: lib.sqrt(abs(x)),
    "power": lambda lib, x, y: abs(x) ** 1.3,
    "power-of-which-neither-is-exact": lambda lib, x, y: abs(x) ** y,
    "matmul": lambda _, x, y: x @ y.T,
    "matmul-of-vectors": lambda _, x, y: x[0] @ y[0],
    "matmul-and-bias": lambda _, x, y: x @ y.T + y[0, 0],
    "matmul-then-its-parts-and-a-bias": lambda _, x, y: (x @ y.T).reshape(-1)[::2] + y[0, 0],
    "sum": lambda _, x, y: x.sum(),
    "sum-over-an-axis": lambda _, x, y: x.sum(0),
    "mean": lambda _, x, y: x.mean(1),
    "max": lambda _, x, y: x.max(),
    "where-above": lambda lib, x, y: lib.where(x > y, x, -x),
    "where-below": lambda lib, x, y: lib.where(y < x, x, -x),
    "reshape-and-index": lambda _, x, y: x.reshape(-1)[::2],
    "broadcast": lambda lib, x, y: lib.broadcast_to(x, (2, *x.shape)),
    "transpose": lambda _, x, y: x.transpose(1, 0),
    "transpose-matrices": lambda _, x, y: (x[None] @ y.T).mT,
    "concatenate": lambda lib, x, y: lib.concatenate([x, y], 1),
    "concatenate-and-sum": lambda lib, x, y: lib.concatenate([x, y], 1).sum(1),
    "stack": lambda lib, x, y: lib.stack([x, y], 1),
}


@FORMS
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_an_operation_on_inexact_numbers_lands_inside(operation, f, data):
    """NumPy and torch land within the result's bound from numbers anywhere within their own bounds."""
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=4))
    (x, x_bounded), (y, y_bounded) = data.draw(inexact(shape, f)), data.draw(inexact(shape, f))
    operate = OPERATIONS[operation]
    reference = operate(np, x_bounded, y_bounded)
    with np.errstate(all="ignore"):
        lands_inside(operate(np, x, y), reference)
    lands_inside(operate(torch, torch.from_numpy(x), torch.from_numpy(y)), reference)


@SHARP
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_bound_of_inexact_numbers_is_attained(operation, f):
    """Some choice of the intervals' ends takes an operation nearly all the way to its bound: it is not slack."""
    operate, ones, error = OPERATIONS[operation], np.ones((2, 2), f.name), 2.0**-3
    inexact = lambda: Bounded(ones.astype(f.wider), error * ones.astype(f.wider), None, f)
    reference = operate(np, inexact(), inexact())
    ends = [ones - number(error, f), ones + number(error, f)]
    assert max(share(operate(np, x, y), reference) for x in ends for y in ends) > NEARLY_ALL


@FORMS
@given(data=st.data())
def test_a_number_may_divide_by_its_reciprocal(f, data):
    """x / c and a mean may be products with the rounded reciprocal, as they are on CUDA."""
    x, c = data.draw(arrays((3,), f.name)), data.draw(st.sampled_from([3.0, 0.1, 8.0, 1e-7, 49.0]))
    lands_inside(x * number(1 / c, f), bounded(x, f.name) / c)
    lands_inside(x.sum() * number(1 / 3, f), bounded(x, f.name).mean())


@FORMS
@given(data=st.data())
def test_what_underflows_lands_inside(f, data):
    """A product, a quotient, an exp and a setting below the smallest numbers have a bound, and stay within it."""
    x, y = (data.draw(graded((3,), f.name, exponents=(-4, 0))) for _ in range(2))
    root = np.ldexp(number(1, f), f.emin // 2)  # of the smallest number
    low = number(0.69 * f.emin, f)  # whose exp is the smallest number
    lift = functools.partial(bounded, dtype=f.name)
    assert_within(x * root * (y * root), lift(x) * lift(root) * (lift(y) * lift(root)))
    assert_within(x * root * root / 3, lift(x * root * root) / 3)
    assert_within((x * root) @ (y * root), lift(x * root) @ lift(y * root))
    assert_within(np.exp(x + low), np.exp(lift(x + low)))
    assert_within(0 * x + number(1e-50, f), lift(0 * x) + 1e-50)


# ── one sum ─────────────────────────────────────────────────────────────────────────────────────

SUMS = {  # as a rung writes it, and the terms
    "a sum": (lambda x, y, b: x.sum(), lambda x, y, b: [*x]),
    "a sum of sums": (lambda x, y, b: x[:2].sum() + x[2:].sum(), lambda x, y, b: [*x]),
    "a product": (lambda x, y, b: x @ y, lambda x, y, b: [*(x * y)]),
    "a product and a bias": (lambda x, y, b: x @ y + b, lambda x, y, b: [*(x * y), b]),
    "a bias and a product": (lambda x, y, b: b + x @ y, lambda x, y, b: [b, *(x * y)]),
    "a bias less a product": (lambda x, y, b: b - x @ y, lambda x, y, b: [b, *(-x * y)]),
    "a bias after a reshape": (lambda x, y, b: (x @ y).reshape(1)[0] + b, lambda x, y, b: [b, *(x * y)]),
    "a multiply-add": (lambda x, y, b: x[0] * y[0] + b, lambda x, y, b: [x[0] * y[0], b]),
}
ORDERS = {  # which two of n are added next, and where the result goes
    "one by one": lambda n, choose: (0, 0, 0),
    "backwards": lambda n, choose: (n - 1, n - 2, n - 2),
    "pairwise": lambda n, choose: (0, 0, n - 2),
    "whatever": lambda n, choose: (choose(n), choose(n - 1), 0),
}


def exactly(x):
    """An array's numbers as fractions."""
    return np.vectorize(lambda a: Fraction(*a.as_integer_ratio()), otypes=[object])(x)[()]


def rounded(x, f):
    """The fraction x rounded once to the format, to even when halfway; written without the format's own arithmetic."""
    if not x:
        return x
    size = abs(x.numerator).bit_length() - x.denominator.bit_length()  # |x| lies in (2^(size-1), 2^(size+1))
    size -= abs(x) < Fraction(2) ** size
    unit = Fraction(2) ** max(size + 1 - f.precision, f.emin)
    return round(x / unit) * unit


def accumulated(terms, f, order, choose):
    """Two at a time, every sum rounded; one of the two may be a product not rounded before (a fused multiply-add)."""
    pool = list(terms)
    while len(pool) > 1:
        i, j, k = ORDERS[order](len(pool), choose)
        a, b = pool.pop(i), pool.pop(j)
        pool.insert(k, rounded(rounded(a, f) + (b if choose(2) else rounded(b, f)), f))
    return number(float(rounded(pool[0], f)), f)


def never(_):
    """The choice against a fused multiply-add."""
    return 0


def an_order(data):
    return data.draw(st.sampled_from(sorted(ORDERS)), label="order"), lambda n: data.draw(st.integers(0, n - 1))


@FORMS
@pytest.mark.parametrize("sum_", SUMS)
@given(data=st.data())
def test_a_sum_lands_inside_in_any_order(sum_, f, data):
    """Forwards, backwards, pairwise or otherwise, fused or not, the bias first, last or in between."""
    write, terms = SUMS[sum_]
    n = data.draw(st.integers(1, 6))
    held, numbers = zip(*(data.draw(inexact(shape, f)) for shape in ((n,), (n,), ())), strict=True)
    lands_inside(accumulated(terms(*map(exactly, held)), f, *an_order(data)), write(*numbers))


@FORMS
@pytest.mark.parametrize("sum_", SUMS)
@given(data=st.data())
def test_the_value_is_exact_but_for_the_wider_format(sum_, f, data):
    """`value` is the exact result, up to the roundings of the format that it is computed in."""
    write, terms = SUMS[sum_]
    drawn = [data.draw(arrays(shape, f.name)) for shape in ((5,), (5,), ())]
    exact = terms(*map(exactly, drawn))
    value = write(*(bounded(x, f.name) for x in drawn)).value
    magnitude = sum(map(abs, exact))
    assert abs(exactly(value) - sum(exact)) <= len(exact) * Fraction(f.wider_roundoff) * magnitude * Fraction(SLACK)


@FORMS
@pytest.mark.parametrize("sum_", SUMS)
@given(data=st.data())
def test_on_a_lattice_nothing_rounds(sum_, f, data):
    """Small multiples of a power of two have the bound 0, and every order gives the very value."""
    write, terms = SUMS[sum_]
    drawn = [data.draw(lattice(shape, f.name)) for shape in ((5,), (5,), ())]
    reference = write(*(bounded(x, f.name) for x in drawn))
    assert not reference.error.any()
    assert_within(accumulated(terms(*map(exactly, drawn)), f, *an_order(data)), reference)


@SHARP
@pytest.mark.parametrize("sum_", SUMS)
def test_the_bound_of_a_sum_is_attained(sum_, f):
    """A large number that meets many small ones, one by one, loses them all: the bound is hardly more than that."""
    write, terms = SUMS[sum_]
    x, y, b = np.full(64, f.roundoff, f.name), np.ones(64, f.name), number(-1 if "less" in sum_ else 1, f)
    if "bias" not in sum_:
        half = f.precision // 2
        x[0], y[0], b = 1 + 2.0**-half, 1 + 2.0 ** (half - f.precision), x[1]  # whose product lies halfway
    reference = write(*(bounded(a, f.name) for a in (x, y, b)))
    exact = terms(*map(exactly, (x, y, b)))
    assert max(share(accumulated(exact, f, o, never), reference) for o in ("one by one", "backwards")) > NEARLY_ALL


@SHARP
@pytest.mark.parametrize("operation", ["add", "multiply", "divide"])
def test_the_bound_of_one_rounding_is_attained(operation, f):
    """Among numbers near 1 there are some that an operation rounds by nearly half a unit in the last place."""
    k = np.arange(16)
    x = (1 + np.concatenate([k * 2 * f.roundoff, k * 2.0 ** (-(f.precision + 1) // 2)])).astype(f.name)
    x, y = x.reshape(-1, 1), x.reshape(1, -1)
    operate = OPERATIONS[operation]
    assert share(operate(np, x, y), operate(np, bounded(x, f.name), bounded(y, f.name))) > NEARLY_ALL


# ── where nothing rounds, and where nothing is known ────────────────────────────────────────────


@FORMS
def test_beyond_the_lattice_the_bound_is_positive(f):
    """The bound is 0 while every partial sum in every order fits the significand and no product underflows."""
    large, number_of = 2.0 ** (f.precision - 1) + 1, lambda *x: bounded(np.array(x, f.name), f.name)
    smallest = number_of(2.0**f.emin)
    fits = [number_of(large, 2).sum(), number_of(1, 1).sum() + number_of(large), number_of(1, 2) * smallest]
    does_not = [number_of(large, large).sum(), number_of(0.5, 0.5).sum() + number_of(large), number_of(0.5) * smallest]
    assert not any(b.error.any() for b in fits)
    assert all(b.error.any() for b in does_not)


@FORMS
@given(data=st.data())
def test_zero_times_a_number_is_zero(f, data):
    """A product is certain where one factor is certainly zero, however little is known of the other."""
    _, x = data.draw(inexact((3,), f))
    product = x * np.array([0, 1, 0], f.name)
    assert not product.error[[0, 2]].any()


UNKNOWN = {  # of a number near the square root of the largest, and of one that may be zero
    "a sum too large": lambda big, hole: (big * big).sum(),
    "a product too large": lambda big, hole: (big * big) * (big * big),
    "a matmul too large": lambda big, hole: big @ big,
    "an infinite setting": lambda big, hole: hole + np.inf,
    "an exp too large": lambda big, hole: np.exp(big),
    "division by what may be zero": lambda big, hole: 1.0 / hole,
    "division by zero": lambda big, hole: big / (0.0 * big),
    "log of what may be zero": lambda big, hole: np.log(hole),
    "log of zero": lambda big, hole: np.log(0.0 * big),
    "log1p of what may be -1": lambda big, hole: np.log1p(hole - 1.0),
    "log below zero": lambda big, hole: np.log(-big),
    "root below zero": lambda big, hole: np.sqrt(-big),
    "zero times the unknown": lambda big, hole: 0.0 * np.log(hole),
    "infinity less infinity": lambda big, hole: np.log(0.0 * big) - np.log(0.0 * big),
    "a sum with the unknown": lambda big, hole: np.log(hole).sum(),
    "the larger of two, one unknown": lambda big, hole: np.maximum(np.log(hole), 1.0),
    "the largest of the unknown": lambda big, hole: np.log(hole).max(),
    "one of two, one unknown": lambda big, hole: np.where(hole <= 0.0, 0.0, np.log(hole)),
    "a union with the unknown": lambda big, hole: hole.union(np.log(hole)),
}


@FORMS
@pytest.mark.parametrize("case", UNKNOWN)
def test_where_nothing_is_known_nothing_is_concluded(case, f):
    """Near a singularity and beyond the largest number there is no bound, and no number is equal or different."""
    big = bounded(np.full(2, 2.0 ** (np.frexp(f.largest)[1] // 2), f.name), f.name)
    hole = Bounded(np.full(2, 2.0**-10, f.wider), np.full(2, 2.0**-9, f.wider), None, f)
    reference = UNKNOWN[case](big, hole)
    for guess in (0.0, np.inf, np.nan):
        assert isinstance(judge(np.full(reference.shape, guess, f.name), reference), Inconclusive)


@FORMS
@given(data=st.data())
def test_an_open_comparison_admits_both_branches(f, data):
    """Where the bound leaves a comparison open either branch is admitted; where it does not, only the one."""
    x, yes, no = (data.draw(graded((), f.name)) for _ in range(3))
    error = abs(x) * data.draw(st.sampled_from([0.5, 1.0, 2.0]))
    chosen = np.where(Bounded(f.wider(x), f.wider(error), None, f) <= 0.0, bounded(yes, f.name), bounded(no, f.name))
    for held in (x - error, x + error):
        assert_within(yes if held <= 0 else no, chosen)
    assert error >= abs(x) or chosen.error == 0


@FORMS
@given(data=st.data())
def test_an_open_sign_is_any_of_three(f, data):
    """Where the bound leaves a sign open -1, 0 and 1 are admitted; where it does not, only the one."""
    x = data.draw(graded((), f.name))
    error = abs(x) * data.draw(st.sampled_from([0.0, 0.5, 1.0, 2.0]))
    sign = np.sign(Bounded(f.wider(x), f.wider(error), None, f))
    for held in (x - error, x, x + error):
        assert_within(np.sign(held), sign)
    assert (sign.error == 0) == (error < abs(x) or x == 0)


@FORMS
@given(data=st.data())
def test_exact_numbers_choose_a_place(f, data):
    """The largest of numbers that are known stands where it stands, and each of them is a number."""
    x = data.draw(lattice((2, 3), f.name))
    assert_bitwise(bounded(x, f.name).argmax(1), x.argmax(1))
    assert_bitwise(np.isnan(bounded(x, f.name)), np.zeros((2, 3), bool))
    assert_bitwise(np.isinf(bounded(x, f.name)), np.zeros((2, 3), bool))


@FORMS
@given(data=st.data())
def test_a_union_admits_what_either_admits(f, data):
    """A union admits what either of two formulas for one quantity admits."""
    (x, x_bounded), (y, far) = (data.draw(inexact((3,), f)) for _ in range(2))
    y_bounded = Bounded(far.value, far.error + abs(far.value - x_bounded.value), None, f)
    for held in (x, y):
        assert_within(held, x_bounded.union(y_bounded))
        assert_within(held, y_bounded.union(x_bounded))


@FORMS
@given(data=st.data())
def test_two_quantities_have_no_union(f, data):
    """Where two bounded numbers lie further from each other than both bounds, one is no other formula for the other."""
    _, x = data.draw(inexact((3,), f))
    apart = Bounded(x.value + 2 * (x.error + abs(x.value) + 1), x.error, None, f)
    for one, other in ((x, apart), (apart, x)):
        with pytest.raises(AnotherQuantity, match="is another quantity than"):
            one.union(other)


# ── what is said of a comparison ────────────────────────────────────────────────────────────────


@SHARP
@given(data=st.data())
def test_the_first_number_outside_is_different(f, data):
    """The last number within the bound is admitted, and the first beyond it, a single element's, is not."""
    reference = data.draw(inexact((3,), f))[1] * data.draw(st.sampled_from([1.0, -1.0]))
    end, beyond = reference.value + reference.error, reference.value + reference.error * SLACK**2
    last, first = end.astype(f.name), beyond.astype(f.name)
    last = np.where(last > end, np.nextafter(last, number(-np.inf, f)), last)
    assert_within(last, reference)
    i = data.draw(st.integers(0, 2))
    last[i] = np.where(first > beyond, first, np.nextafter(first, number(np.inf, f)))[i]
    assert isinstance(judge(last, reference), Different)


ANOTHER = {
    "a NaN": lambda x: x * np.nan,
    "an infinity": lambda x: x + np.inf,
    "another dtype": lambda x: x.astype("float32" if x.dtype == "float64" else "float64"),
    "another shape": lambda x: x[None],
    "a tensor of another dtype": lambda x: torch.from_numpy(x).half(),
}


@FORMS
@pytest.mark.parametrize("what", ANOTHER)
def test_nan_and_other_shapes_and_dtypes_are_different(what, f):
    """No bound admits a NaN, an infinity, another shape or another dtype."""
    x = np.ones(2, f.name)
    reference = Bounded(x.astype(f.wider), x.astype(f.wider), None, f)
    assert_within(torch.from_numpy(x), reference)
    assert isinstance(judge(ANOTHER[what](x), reference), Different)


@FORMS
def test_the_unknown_does_not_excuse_the_known(f):
    """An element without a bound leaves its neighbour's verdict as it is."""
    reference = Bounded(np.zeros(2, f.wider), np.array([np.inf, 1.0], f.wider), None, f)
    assert isinstance(judge(np.array([9, 1], f.name), reference), Inconclusive)
    assert isinstance(judge(np.array([9, 2], f.name), reference), Different)


OTHER_BITS = {
    "the sign of a zero": ([0.0], [-0.0]),
    "the place of a NaN": ([np.nan, 1.0], [1.0, np.nan]),
    "a NaN": ([np.nan], [0.0]),
    "the last place": ([1.0], [1 + 2.0**-52]),
    "the shape": ([1.0], [[1.0]]),
    "the dtype": ([1.0], np.float32([1.0])),
    "the kind": ([1.0], [1]),
}


@pytest.mark.parametrize("what", OTHER_BITS)
def test_to_the_bit_means_every_bit(what):
    """Values, signs of zeros, places of NaNs, shape and dtype are the same, or it is different."""
    a, b = map(np.asarray, OTHER_BITS[what])
    assert_bitwise(torch.from_numpy(a), a.copy())
    with pytest.raises(Different):
        assert_bitwise(a, b)


REFUSED = {
    "float64 data": lambda x: x * np.zeros(2),
    "a float64 of NumPy's": lambda x: x * np.float64(0.5),
    "integers that make it float64": lambda x: x * np.arange(2),
    "numbers of another format": lambda x: x + bounded(np.zeros(2), "float64"),
    "data of another format": lambda x: bounded(np.zeros(2), "float32"),
    "a write in place": lambda x: operator.iadd(x, x),
    "a function that no manual rung uses": lambda x: np.cbrt(x),
    "a reduction of NumPy's": lambda x: np.sum(x),
    "a reduction by a ufunc": lambda x: np.add.reduce(x),
    "an array like it": lambda x: np.zeros_like(x),
    "a plain array": lambda x: np.asarray(x),
    "another dtype by name": lambda x: x.astype("float64"),
    "a plain number": lambda x: float(x[0]),
    "a branch": lambda x: bool(x[0]),
    "a branch on a comparison": lambda x: bool(x[0] <= 0.0),
    "arithmetic with a comparison": lambda x: (x <= 0.0) * x,
    "a choice among plain numbers": lambda x: np.where(x <= 0.0, 1.0, 0.0),
    "the places of a comparison": lambda x: np.where(x <= 0.0),
    "the place of the largest of what rounds": lambda x: (x / 3.0).argmax(),
    "whether what rounds is a number": lambda x: np.isnan(x / 3.0),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_lose_the_bound_is_refused(what):
    """A change of dtype, an escape into plain arrays and a function without a rule raise TypeError."""
    with pytest.raises(TypeError):
        REFUSED[what](bounded(np.ones(2, np.float32), "float32"))


# ── numbers that decide ──

KNOWN_OPERATIONS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "whole-part": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
}
KNOWN_NUMBERS = st.sampled_from([0.1, 1 / 3, 0.5, 1.5, 3.0, 2.0, 7.0, 1.0, 1e-3, 64.0])


@pytest.mark.parametrize("operation", KNOWN_OPERATIONS)
@given(data=st.data())
def test_a_known_number_is_what_it_was_or_bounded(operation, data):
    """An operation on numbers that are known exactly gives the exact number, or a bound that holds the float's."""
    a, b, known = data.draw(st.tuples(KNOWN_NUMBERS, KNOWN_NUMBERS, st.sampled_from(["both", "left", "right"])))
    operate = KNOWN_OPERATIONS[operation]
    left, right = (Exact(x) if known in ("both", side) else x for x, side in ((a, "left"), (b, "right")))
    found = operate(left, right)
    if isinstance(found, Bounded):
        assert_within(np.float64(operate(a, b)), found)
    else:
        assert type(found) is Exact
        assert found == operate(a, b)
        assert operation in ("whole-part", "remainder") or Fraction(found) == _exactly(operate, a, b)


def _exactly(operate, a, b):
    """The operation's result, where it is a fraction."""
    return operate(Fraction(a), int(b) if operate is operator.pow and b == int(b) else Fraction(b))


@given(data=st.data())
def test_a_known_number_meets_a_bounded_one_as_its_own_bound(data):
    """With a bounded number, and in a function that rounds, it is bounded with an error of 0."""
    a, b = data.draw(st.tuples(KNOWN_NUMBERS, KNOWN_NUMBERS))
    other = bounded(np.float64(b))
    for found, expected in ((Exact(a) * other, a * b), (other - Exact(a), b - a), (np.cos(Exact(a)), np.cos(a))):
        assert isinstance(found, Bounded)
        assert_within(np.float64(expected), found)


def test_a_known_number_counts_and_decides():
    """An exact number indexes, ranges and compares like the number; a number with a fraction is no count."""
    assert [list(range(Exact(3.0))), min(2, Exact(1.5)), -Exact(2.0) < 0] == [[0, 1, 2], 1.5, True]
    with pytest.raises(TypeError, match="no count"):
        range(Exact(1.5))


@given(data=st.data())
def test_a_number_made_of_settings_is_known_to_an_interval(data):
    """1 - βᵗ is known to an interval that holds what the reals have, what Python has, and what expm1 has."""
    beta = data.draw(st.sampled_from([0.9, 0.999, 0.5, 0.99999]), label="beta")
    t = data.draw(st.sampled_from([1, 2, 7, 100, 9999, 2**24 - 2]), label="t")
    correction = 1 - setting(beta) ** t
    assert correction == 1 - beta**t
    with mpmath.workprec(200):
        middle, bound = (_wide(x) for x in (correction.interval.value, correction.interval.error))
        for found in (1 - mpmath.mpf(beta) ** t, 1 - beta**t, -math.expm1(t * math.log(beta))):
            assert abs(found - middle) <= bound


def _wide(x):
    """A number of the wider format, as it is."""
    return mpmath.mpf(float(x)) + mpmath.mpf(float(x - float(x)))


@FORMS
def test_a_setting_meets_tensors_with_its_interval(f):
    """A setting that was made by operations that round brings their error along, and one that is given brings none."""
    one = bounded(np.ones((), f.name), f.name)
    made, given_ = (one * number for number in (1 - setting(0.999) ** 3, setting(0.5)))
    assert made.error > abs(made.value) * f.roundoff
    assert given_.error == 0


def test_settings_decide_as_their_numbers_do():
    """A branch is taken, and a tuple lifted, as the plain numbers have it; what is no real number stays as it is."""
    assert setting((0.9, 0.999)) == (0.9, 0.999)
    assert [setting(0.0) or "none", setting(0.5) < 0.6, max(setting(2.0), 1), setting("inf"), setting(True)] == [
        "none",
        True,
        2.0,
        "inf",
        True,
    ]


# ── formulas that branch ──


@FORMS
def test_every_way_through_open_comparisons_is_gone_once(f):
    """An open comparison goes both ways, a certain one its own; the complaint is that of the likeliest way."""
    x, gone = Bounded(f.wider(0), f.wider(1), None, f), []

    def attempt():
        gone.append((bool(x > 0.5), bool(x + 4.0 > 0.5), bool(x < 0.5)))
        raise Different(*gone[-1])

    with pytest.raises(Different) as complaint:
        some_way(attempt)
    assert sorted(gone) == [(a, True, b) for a in (False, True) for b in (False, True)]
    assert complaint.value.args == gone[0] == (False, True, True)


@FORMS
def test_a_number_is_no_less_than_itself(f):
    """A comparison of a number with itself is certain, whatever is known of it."""
    x = Bounded(f.wider(0), f.wider(1), None, f)
    assert np.where(x >= x, x, x + 4.0).error == x.error


@FORMS
def test_a_way_without_complaint_is_the_last(f):
    """What is returned is what the first way that passes has found, and no comparison decides afterwards."""
    x = Bounded(f.wider(0), f.wider(1), None, f)

    def attempt():
        found = "above" if x > 0.5 else "below"
        assert found == "above"
        return found

    assert some_way(attempt) == "above"
    with pytest.raises(TypeError, match="decides no branch"):
        bool(x > 0.5)


# ── what is assumed ─────────────────────────────────────────────────────────────────────────────

ARGUMENTS = {  # of NumPy and torch, from graded numbers up to 64
    "log": lambda x, f: np.where(x == 0, number(1, f), abs(x)),
    "log1p": lambda x, f: abs(x),
    "sqrt": lambda x, f: abs(x),
    "power": lambda x, f: abs(x),
    "exp": lambda x, f: np.where(x < 0, x * number(f.emin / -96, f), x),  # down to where the result underflows
}


@pytest.mark.parametrize(("name", "library", "dtype"), [s for s in SAMPLED if s[0] in ULPS])
@given(data=st.data())
def test_library_functions_stay_within_their_ulps(name, library, dtype, data):
    """A function that a bound relies on is never further from the exact result than is known of it."""
    known = accuracy(name, dtype)
    x = data.draw(graded((16,), dtype, exponents=(-30, 6)))
    x = ARGUMENTS.get(name, lambda x, f: x)(x, FORMATS[dtype])
    assert ulps_off(name, library, x, known.absolute) <= known.ulps


def test_every_assumed_ulp_is_measured():
    """There is no library function in `ULPS` that the fingerprint does not sample."""
    assert ULPS.keys() <= FUNCTIONS.keys()


# ── the laws above can fail ─────────────────────────────────────────────────────────────────────

INSIDE = test_an_operation_on_inexact_numbers_lands_inside
ATTAINED = test_the_bound_of_inexact_numbers_is_attained
SUM_ATTAINED = test_the_bound_of_a_sum_is_attained
UNDERFLOW = test_what_underflows_lands_inside
LATTICE = test_beyond_the_lattice_the_bound_is_positive
NOTHING = test_where_nothing_is_known_nothing_is_concluded
OPEN = test_an_open_comparison_admits_both_branches
OPEN_SIGN = test_an_open_sign_is_any_of_three
PLACE = test_exact_numbers_choose_a_place
UNION = test_a_union_admits_what_either_admits
TWO = test_two_quantities_have_no_union
ZERO = test_zero_times_a_number_is_zero
REFUSAL = test_what_would_lose_the_bound_is_refused
FIRST_OUTSIDE = test_the_first_number_outside_is_different
ALIKE = test_nan_and_other_shapes_and_dtypes_are_different
NO_EXCUSE = test_the_unknown_does_not_excuse_the_known
WAYS = test_every_way_through_open_comparisons_is_gone_once
ITSELF = test_a_number_is_no_less_than_itself
LAST_WAY = test_a_way_without_complaint_is_the_last
EVERY_BIT = test_to_the_bit_means_every_bit

BOUNDED_FAULTS = {  # what stands in the engine, what stands there instead, and the law that notices, with its case
    "another quantity has a union": ("SLACK * (self.error + other.error)", "np.inf", TWO, None),
    "one rounding too few in a product": (
        "Terms(magnitude, inherited, n,",
        "Terms(magnitude, inherited, n - 1,",
        SUM_ATTAINED,
        "a product",
    ),
    "one rounding too few in a sum": ("max(n - 1, 0)", "max(n - 2, 0)", SUM_ATTAINED, "a sum"),
    "a bias is one rounding more": (
        "if not self.terms and not other.terms:",
        "if True:",
        SUM_ATTAINED,
        "a bias and a product",
    ),
    "a sum reshaped is no sum": (
        "terms = t and t._replace",
        "terms = None and t._replace",
        SUM_ATTAINED,
        "a bias after a reshape",
    ),
    "a sum negated is no sum": (
        ", self.lattice, self.format, self.terms)",
        ", self.lattice, self.format)",
        SUM_ATTAINED,
        "a bias less a product",
    ),
    "a sum inherits nothing": ("total(self.error), max", "0 * total(self.error), max", ATTAINED, "sum"),
    "a product inherits from one factor": ("+ (abs(self.value) + self.error) * other.error", "", ATTAINED, "multiply"),
    "a product of errors is forgotten": (
        "(abs(self.value) + self.error) * other.error",
        "abs(self.value) * other.error",
        ATTAINED,
        "multiply",
    ),
    "a matmul forgets it too": (" + a.error @ b.error", "", ATTAINED, "matmul"),
    "a matmul of one exact matrix is exact": (
        "if np.any(a.error) or np.any(b.error):",
        "if np.any(a.error) and np.any(b.error):",
        INSIDE,
        "matmul",
    ),
    "a divisor stays where it is": ("other.error) / distance", "other.error) / abs(other.value)", ATTAINED, "divide"),
    "a divisor may reach zero": (
        "np.where(distance > 0, ",
        "np.where(distance != 0, ",
        NOTHING,
        "division by what may be zero",
    ),
    "no reciprocals": ("roundings = 2", "roundings = 1", test_a_number_may_divide_by_its_reciprocal, None),
    "the larger has the smaller's error": (
        "np.maximum(self.error, other.error))",
        "np.minimum(self.error, other.error))",
        INSIDE,
        "maximum",
    ),
    "the largest has the least error": (
        "largest(self.error)",
        "self.error.min(axis=axis, keepdims=keepdims)",
        INSIDE,
        "max",
    ),
    "exp moves like its argument": ("np.expm1(self.error)", "self.error", ATTAINED, "exp"),
    "log moves as at the middle": ("-np.log1p(-self.error / self.value)", "self.error / self.value", ATTAINED, "log"),
    "log1p moves as at the middle": (
        "-np.log1p(-self.error / (1 + self.value))",
        "self.error / (1 + self.value)",
        ATTAINED,
        "log1p",
    ),
    "tanh moves as at the middle": (
        "np.sinh(self.error) / np.cosh(self.value) / nearer",
        "self.error / np.cosh(self.value) ** 2",
        ATTAINED,
        "tanh",
    ),
    "erf moves as where it is steepest": (
        "np.minimum(slope, ends + 4 * self.format.wider_roundoff)",
        "slope",
        ATTAINED,
        "erf",
    ),
    "every sign is known": ("np.where(open_, 1 + abs(value), 0)", "0 * value", OPEN_SIGN, None),
    "at least is at most": ("b._compare(a, np.less_equal)", "a._compare(b, np.less_equal)", INSIDE, "where-at-least"),
    "cos moves as at the middle": (" + self.error / 2, 1)", ", 1)", ATTAINED, "cos"),
    "sqrt moves as it does upwards": ("self.error / (root + low)", "self.error / (root + high)", ATTAINED, "sqrt"),
    "library functions are correctly rounded": ("n = 2 * known.ulps", "n = 1", INSIDE, "tanh"),
    "a setting is exact": ("._rounded(value, 0, None, underflows=1)", "", INSIDE, "multiply-by-a-setting"),
    "an exponent is exact": ("(-shift, shift)", "(0, 0)", INSIDE, "power"),
    "a given exponent is exact": (" + exponent.error", "", INSIDE, "power-of-which-neither-is-exact"),
    "what is joined is exact": ("np.broadcast_to(a.error, a.shape)", "0 * a.value", INSIDE, "concatenate"),
    "what is joined has the first one's digits": (
        "functools.reduce(_lower, [a.lattice for a in lifted])",
        "lifted[0].lattice",
        INSIDE,
        "concatenate-and-sum",
    ),
    "nothing underflows": (" + underflows * f.tiny", "", UNDERFLOW, None),
    "a lattice has no end below": ("and lattice >= f.emin", "", LATTICE, None),
    "a lattice has no end above": ("2.0 ** min(lattice + f.precision, 1023)", "np.inf", LATTICE, None),
    "a lattice has no overflow": ("min(top, 2.0 ** min", "min(np.inf, 2.0 ** min", NOTHING, "a product too large"),
    "the lattice of a sum is its value's": ("_both(min, a, b)", "_both(min, self, other)", LATTICE, None),
    "nothing overflows": ("np.where(magnitude + error <= top, error, np.inf)", "error", NOTHING, "a sum too large"),
    "a comparison forgets a bound": ("> (self.error + other.error) * SLACK", "> other.error", OPEN, None),
    "zero times a number is rounded": ("(value == 0) & (inherited == 0)", "False", ZERO, None),
    "below is at most": ("a._compare(b, np.less)", "a._compare(b, np.less_equal)", INSIDE, "where-below"),
    "above is below": ("a._compare(b, np.greater)", "a._compare(b, np.less)", INSIDE, "where-above"),
    "one branch of an open comparison": ("np.where(condition.undecided, span, error)", "error", OPEN, None),
    "the largest stands where the least does": ("_chosen_by().argmax(axis)", "_chosen_by().argmin(axis)", PLACE, None),
    "no number is one": ("np.isnan(a._chosen_by())", "~np.isnan(a._chosen_by())", PLACE, None),
    "no number is finite": ("np.isinf(a._chosen_by())", "~np.isinf(a._chosen_by())", PLACE, None),
    "what rounds chooses a place": ("if np.any(self.error):", "if False:", REFUSAL, "whether what rounds is a number"),
    "a number may differ from itself": (" | (self is other)", "", ITSELF, None),
    "every comparison is open": ("other.value), ~decided)", "other.value), np.True_)", OPEN, None),
    "the first formula is the only one": (
        "np.maximum(self.error, other.error + abs(self.value - other.value))",
        "self.error",
        UNION,
        None,
    ),
    "float64 meets float32": ("!= format.name:", "is None:", REFUSAL, "float64 data"),
}
COMPARE_FAULTS = {
    "a NaN is inside": ("~(error <= bound)", "(error > bound)", ALIKE, "a NaN"),
    "a shape is broadcast": ("or a.shape != reference.shape", "", ALIKE, "another shape"),
    "twice the bound": ("reference.error * SLACK", "reference.error * 2", FIRST_OUTSIDE, None),
    "one unknown element excuses all": (
        "if np.any(outside):",
        "if np.any(outside) and not np.any(unknown):",
        NO_EXCUSE,
        None,
    ),
    "a zero has no sign": ("(same & (np.signbit(a) == np.signbit(b)))", "same", EVERY_BIT, "the sign of a zero"),
    "a NaN is anything": ("np.isnan(a) & np.isnan(b)", "np.isnan(a) | np.isnan(b)", EVERY_BIT, "the place of a NaN"),
}
KNOWN_FAULTS = {
    "a setting that rounds is exact": (
        "None if _is_exact(operate, a, b, rounded) else",
        "None if True else",
        test_a_number_made_of_settings_is_known_to_an_interval,
        None,
    ),
    "what rounds is known": (
        "if _is_exact(operate, a, b, rounded):",
        "if True:",
        test_a_known_number_is_what_it_was_or_bounded,
        "multiply",
    ),
    "the right one comes first": (
        "lambda a, b: forward(b, a)",
        "lambda a, b: forward(a, b)",
        test_a_known_number_is_what_it_was_or_bounded,
        "subtract",
    ),
    "a function loses the bound": (
        "bounded(np.float64(x)) if isinstance(x, Exact) else x",
        "float(x) if isinstance(x, Exact) else x",
        test_a_known_number_meets_a_bounded_one_as_its_own_bound,
        None,
    ),
    "a fraction counts": ("if not self.is_integer():", "if False:", test_a_known_number_counts_and_decides, None),
}
BRANCHES_FAULTS = {
    "the likely way is the only one": ("ways += way.others()", "pass", WAYS, None),
    "a certain comparison goes both ways": ("if not is_open:", "if False:", WAYS, None),
    "a way is gone again": ("ways += way.others()", "ways += way.others() * (2 - len(way.given))", WAYS, None),
    "the last complaint": ("raise complaints[0]", "raise complaints[-1]", WAYS, None),
    "a way stays open": ("            Mask.way = None", "            pass", LAST_WAY, None),
}
FAULTS = {name: ("bounded", *fault) for name, fault in BOUNDED_FAULTS.items()}
FAULTS |= {name: ("compare", *fault) for name, fault in COMPARE_FAULTS.items()}
FAULTS |= {name: ("known", *fault) for name, fault in KNOWN_FAULTS.items()}
FAULTS |= {name: ("branches", *fault) for name, fault in BRANCHES_FAULTS.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_engine_is_rejected(fault, monkeypatch):
    """A wrong rule in the engine is noticed by a law of this chapter, in one format or the other."""
    file, old, new, law, case = FAULTS[fault]
    for name, thing in vars(_faulty(f"tests.engine.{file}", old, new)).items():
        if not name.startswith("__") and name in globals():
            monkeypatch.setitem(globals(), name, thing)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        _judged(law, case)


def _faulty(name, old, new):
    """A module with a text, which stands in it once, replaced."""
    sound = sys.modules[name]
    source = inspect.getsource(sound)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {name}"
    faulty = types.ModuleType(name)
    exec(compile(source.replace(old, new), sound.__file__, "exec"), faulty.__dict__)
    return faulty


def _judged(law, case):
    """Run a law in every format, always on the same draws, and not shrunk: to be rejected is enough."""
    if hasattr(law, "hypothesis"):
        law = settings(max_examples=100, derandomize=True, database=None, phases=[Phase.generate])(
            given(data=st.data())(law.hypothesis.inner_test)
        )
    names = inspect.signature(law).parameters
    for f in FORMATS.values():
        law(**{name: f if name == "f" else case for name in names})
