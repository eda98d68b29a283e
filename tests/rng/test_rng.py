"""Random numbers: a seed is a promise.  The same script of draws on one generator leaves the same values, to the bit,
and the same generator, on every rung; so programs that draw alike train alike."""

import functools
import itertools
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.utils.data import DataLoader

from impls.ladder import Rung
from impls.rng import KERNELS, ROUNDINGS, State, bernoulli_kernel
from tests.cells import cells
from tests.engine import FORMATS, Bounded, assert_same
from tests.engine.arithmetic import accuracy
from tests.engine.arrays import shapes
from tests.engine.compare import STEP
from tests.rng.trace import Draw, generator_of, observe, state_of

rng = cells("rng", rungs=(Rung.MANUAL, Rung.RAW), dtypes=None, cpu_because="CUDA's generator is another one, Philox")

EDGES_OF_SEEDS = [0, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1, -(2**63)]
SEEDS = st.sampled_from(EDGES_OF_SEEDS) | st.integers(-(2**63), 2**64 - 1)
SIZES = st.sampled_from([0, 1, 2, 15, 16, 17, 32, 33, 313, 625]) | st.integers(0, 700)  # 624 words, 16 normals
SHAPES = st.tuples(SIZES) | shapes(max_dims=3, max_side=5)
FLOATS = st.sampled_from(["float32", "float64"])
INTEGERS = st.sampled_from(["bool", "uint8", "int8", "int16", "int32", "int64"])
RANGES = st.sampled_from([2**28 - 1, 2**28, 2**28 + 1, 2**64 - 1]) | st.integers(1, 99) | st.integers(1, 2**64 - 1)
P = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
SIZED = st.floats(2**-20, 2**20)  # where nothing that a product loses underflows
CENTRES = st.just(0.0) | SIZED | SIZED.map(lambda x: -x)


@st.composite
def uniforms(draw):
    """Any ranges; those around 0, as of an initial weight; a few ulps wide, where x rounds up to high; and up from
    a low so small that it only breaks the ties among the products 1.5 u, which rounding twice would not notice."""
    dtype, low = draw(FLOATS), draw(CENTRES)
    ulp = float(np.spacing(np.dtype(dtype).type(abs(low))))
    low, high = draw(
        st.tuples(st.just(low), SIZED.map(lambda width: low + width))
        | st.just((-abs(low), abs(low)))
        | st.integers(0, 4).map(lambda ulps: (low, low + ulps * ulp))
        | st.sampled_from([2.0**-120, -(2.0**-120)]).map(lambda tiny: (tiny, 1.5))
    )
    return {"shape": draw(SHAPES), "low": low, "high": high, "dtype": dtype}


@st.composite
def randints(draw):
    m = draw(RANGES)
    low = draw(st.integers(-(2**63), 2**63 - 1 - m))
    return {"low": low, "high": low + m, "shape": draw(SHAPES)}


@st.composite
def bernoullis(draw, arrays=True):
    """One p for all elements, or each its own."""
    shape, dtype = draw(SHAPES), draw(FLOATS)
    own = hnp.arrays(dtype, shape, elements=st.floats(0, 1, width=FORMATS[dtype].precision // 24 * 32))
    return {"p": draw(P | own if arrays else P), "shape": shape, "dtype": draw(FLOATS | INTEGERS)}


KINDS = {
    "rand": st.fixed_dictionaries({"shape": SHAPES, "dtype": FLOATS}),
    "uniform": uniforms(),
    "randint": randints(),
    "random": st.fixed_dictionaries({"shape": SHAPES, "dtype": FLOATS | INTEGERS}),
    "randperm": st.fixed_dictionaries({"n": SIZES}),
    "normal": st.fixed_dictionaries({"shape": SHAPES, "mean": CENTRES, "std": st.just(1.0) | SIZED, "dtype": FLOATS}),
    "bernoulli": bernoullis(),
}
SCRIPTS = {kind: st.lists(st.builds(Draw, st.just(kind), settings), max_size=3) for kind, settings in KINDS.items()}
ANY_SCRIPT = st.lists(st.one_of(*(st.builds(Draw, st.just(k), s) for k, s in KINDS.items())), max_size=6)


def admissible(script, trace):
    """The manual trace, with a bound about the normals of which torch computes log, cos and sin in float32 itself.

    With u the roundoff and k the ulps of those functions (for cos and sin: ulps of 1, since they cross 0), torch's
    r is off by r(ku + 2u), half of log's error and an ulp of sqrt; the angle is rounded twice, so cos and sin are
    off by 4πu + 2ku; with their product, the multiplication by std and our own rounding of z, z is off by at most
    ru(3k + 4π + 5).  The last rounding adds u|value| on either side.  As 1 - u₁ >= 2^-24, r² <= 48 log 2.
    """
    u, k = FORMATS["float32"].roundoff, accuracy("log", "float32").ulps
    radius = math.sqrt(48 * math.log(2)) * (3 * k + 4 * math.pi + 5)
    higher_orders = 1 + 2.0**-10

    def bounded(draw, values):
        if (draw.kind, values.dtype) != ("normal", np.float32) or values.size < 16:
            return values
        v = values.astype(np.float64)
        return Bounded(v, u * (draw.settings["std"] * radius + 2 * abs(v)) * higher_orders, None, FORMATS["float32"])

    return [entry | {"values": bounded(d, entry["values"])} for d, entry in zip(script, trace, strict=True)]


def compare(ladder, seed, script):
    manual, raw = (observe(rung, ladder[i], seed, script) for i, rung in enumerate((Rung.MANUAL, Rung.RAW)))
    assert_same(raw, admissible(script, manual), "rng raw", levels=(STEP,))


@rng
@given(seed=SEEDS, script=ANY_SCRIPT)
def test_a_script_of_draws_leaves_the_same_values_and_the_same_generator(cell, seed, script):
    """Whatever is drawn after whatever, each draw gives the same values and leaves the generator in the same state."""
    compare(cell.ladder, seed, script)


@pytest.mark.parametrize("kind", KINDS)
@rng
@given(data=st.data())
def test_each_draw_leaves_the_same_values_and_the_same_generator(cell, kind, data):
    """Each kind of draw, repeated with other settings, gives the same values and leaves the same state."""
    compare(cell.ladder, data.draw(SEEDS, label="seed"), data.draw(SCRIPTS[kind], label="script"))


def uniform(low, high, dtype):
    return Draw("uniform", {"low": low, "high": high, "shape": (33,), "dtype": dtype})


def normal(n, mean=0.0, std=1.0, dtype="float64"):
    return Draw("normal", {"mean": mean, "std": std, "shape": (n,), "dtype": dtype})


TELLING = {
    "width-in-the-type": (0, [uniform(0.1, 0.7, "float32")]),
    "one-rounding-to-float32": (0, [uniform(2.0**-120, 1.5, "float32")]),
    "one-rounding-to-float64": (0, [uniform(2.0**-120, 1.5, "float64")]),
    "never-high": (0, [uniform(1.0, 1.0 + 2.0**-22, "float32")]),
    "one-word-below-2-to-the-28": (0, [Draw("randint", {"low": 0, "high": 2**28 - 1, "shape": (3,)})]),
    "two-words-from-2-to-the-28": (0, [Draw("randint", {"low": 0, "high": 2**28, "shape": (3,)})]),
    "the-largest-of-a-float": (0, [Draw("random", {"shape": (3,), "dtype": d}) for d in ("float32", "float64")]),
    "log1p-below-16": (3, [normal(14)]),
    "sixteen-at-once": (0, [normal(16)]),
    "the-last-sixteen-anew": (0, [normal(17)]),
    "log-cos-and-sin-of-the-C-library": (0, [normal(700)]),
    "mean-and-std-in-one-rounding": (0, [normal(14, 0.1, 0.7), normal(32, 0.1, 0.7)]),
    "a-sine-is-kept-for-any-type": (0, [normal(1, dtype="float32"), normal(16), normal(1)]),
}


@pytest.mark.parametrize("clause", TELLING)
@rng
def test_every_clause_is_read_as_torch_reads_it(cell, clause):
    """A script that tells a clause of the formulas from its nearest wrong reading leaves the same trace."""
    compare(cell.ladder, *TELLING[clause])


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("rounds", ROUNDINGS)
@rng
@given(seed=SEEDS, settings=uniforms())
@example(0, TELLING["one-rounding-to-float32"][1][0].settings)
@example(0, TELLING["one-rounding-to-float64"][1][0].settings)
@example(0, TELLING["never-high"][1][0].settings)
def test_a_multiply_add_is_rounded_once_or_twice(cell, rounds, closed, seed, settings):
    """Rounded once, x is the nearest to u(high - low) + low; rounded twice, to low and the nearest to the product.
    Where the interval is open, low stands for high."""
    manual, low, high = cell.ladder.manual, settings["low"], settings["high"]
    kind, state = np.dtype(settings["dtype"]).type, cell.ladder.manual.seed(seed)
    low, high = kind(low), kind(high)
    rounded = functools.partial(nearest, digits=FORMATS[settings["dtype"]].precision)
    product = rounded if rounds == "twice" else lambda exact: exact
    with mpmath.workprec(1000):
        u, width, least = (
            manual.rand(state, settings["shape"], kind)[0],
            *(mpmath.mpf(float(x)) for x in (high - low, low)),
        )
        expected = [rounded(product(mpmath.mpf(float(v)) * width) + least) for v in u.ravel()]
    expected = np.array(expected, kind).reshape(u.shape)
    drawn, _ = manual.uniform(state, settings["shape"], low, high, kind, rounds, closed)
    assert_same(drawn, expected if closed else np.where(expected == high, low, expected), f"rounded {rounds}")


def nearest(exact, digits):
    with mpmath.workprec(digits):
        return +exact


@rng
@given(seed=SEEDS)
def test_any_64_bits_are_a_seed_of_which_32_count(cell, seed):
    """A seed may be negative or wide; the generator starts from its last 32 bits alone."""
    start = cell.ladder.manual.seed(seed)
    assert_same(state_of(cell.ladder.raw.seed(seed))._asdict(), start._asdict(), "state")
    assert_same(cell.ladder.manual.seed(seed % 2**32)._asdict(), start._asdict(), "state")


@pytest.mark.parametrize("kernel", KERNELS)
@rng
@given(seed=SEEDS, draws=st.lists(st.builds(Draw, st.just("bernoulli"), bernoullis(arrays=False)), max_size=3))
def test_each_kernel_of_bernoulli_is_torchs_where_torch_has_it(cell, kernel, seed, draws):
    """On a machine whose torch has the kernel, it draws torch's masks and leaves torch's state."""
    if kernel != bernoulli_kernel():
        pytest.skip(f"torch draws its masks with the {bernoulli_kernel()} kernel here, not with {kernel}")
    manual = cell.ladder.manual
    pinned = manual._replace(bernoulli=functools.partial(manual.bernoulli, kernel=kernel))
    compare(cell.ladder._replace(manual=pinned), seed, draws)


@pytest.mark.parametrize(
    ("kernel", "seed", "p", "printed"),
    [
        pytest.param("double", 123, 0.5, "110110000101111101011001010101011110", id="LLMs-from-scratch-57-double"),
        pytest.param("mcg31", 123, 0.5, "111111010000001010110001100001010000", id="LLMs-from-scratch-57-mcg31"),
        pytest.param("double", 0, 0.5, "00100", id="pytorch-15714-double"),
        pytest.param("mcg31", 0, 0.5, "10011", id="pytorch-15714-mcg31"),
        pytest.param("mcg31", 314159, 0.75, "100110111111111", id="pytorch-94388-mcg31"),
        pytest.param(None, 314159, np.full(15, 0.75, np.float32), "101110111111111", id="pytorch-94388-array"),
    ],
)
@rng
def test_each_kernel_of_bernoulli_gives_the_masks_in_print(cell, kernel, seed, p, printed):
    """Each kernel gives the masks that owners of such machines have published; an array p has one kernel everywhere."""
    manual, expected = cell.ladder.manual, mask(printed)
    assert_same(manual.bernoulli(manual.seed(seed), p, expected.shape, kernel=kernel)[0], expected, "mask")


def mask(digits):
    return np.array([float(d) for d in digits], np.float32)


@pytest.mark.parametrize(("kernel", "printed"), [("double", "2.4471"), ("mcg31", "1.8894")])
@rng
def test_each_kernel_drops_what_it_dropped_in_print(cell, kernel, printed):
    """Dropout of ten uniform numbers has the sum printed in pytorch#84030, on an M1 and on an Intel Mac."""
    x, state = cell.ladder.manual.rand(cell.ladder.manual.seed(123), (10,))
    keep, _ = cell.ladder.manual.bernoulli(state, 0.5, (10,), kernel=kernel)
    assert (f"{x.sum():.4f}", f"{(x * keep / 0.5).sum():.4f}") == ("3.8430", printed)


DROPPED = {
    "double": ["220220", "000202", "222202", "022002", "020202", "022220"],
    "mcg31": ["222222", "020000", "002020", "220002", "200002", "020000"],
}


@pytest.mark.parametrize("kernel", DROPPED)
@rng
def test_each_kernel_keeps_what_it_kept_in_print(cell, kernel):
    """Dropout of six by six ones is as printed on macOS and on Linux: pytorch#121595, rasbt/LLMs-from-scratch#57."""
    keep, _ = cell.ladder.manual.bernoulli(cell.ladder.manual.seed(123), 0.5, (6, 6), kernel=kernel)
    assert ["".join(f"{x / 0.5:g}" for x in row) for row in keep] == DROPPED[kernel]


@rng
@given(seed=SEEDS, n=SIZES, p=P)
def test_mcg31_is_a_stream_of_its_own_from_one_word(cell, seed, n, p):
    """One word seeds MKL's recurrence, whose x / 2^31 is compared with p in float32, and nothing more is spent."""
    manual = cell.ladder.manual
    word, spent = manual.random(manual.seed(seed), (), np.uint32)
    x = itertools.accumulate(range(n), lambda x, _: 1132489760 * x % (2**31 - 1), initial=int(word) % (2**31 - 1))
    expected = np.array([np.float32(x) / np.float32(2**31) < np.float32(p) for x in itertools.islice(x, n)], bool)
    drawn, state = manual.bernoulli(manual.seed(seed), p, (n,), bool, "mcg31")
    assert_same([drawn, state._asdict()], [expected, spent._asdict()], "mcg31")


ZERO = State(np.zeros(624, np.uint32), 0)  # its next word is 0


@pytest.mark.parametrize(
    ("start", "p", "printed"),
    [
        pytest.param(lambda _: ZERO, 0.5, "10111000", id="the-word-0-counts-as-1"),
        pytest.param(lambda seed: seed(0), 0.09762700511963435, "0", id="float32-decides"),  # x / (2^31 - 1) < p
    ],
)
@rng
def test_mcg31_gives_what_mkl_gives_at_its_edges(cell, start, p, printed):
    """At the edges of MCG31 the masks are those of viRngBernoulli itself (MKL 2024.2, called for the purpose)."""
    manual, expected = cell.ladder.manual, mask(printed)
    assert_same(manual.bernoulli(start(manual.seed), p, expected.shape, kernel="mcg31")[0], expected, "mask")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@rng
@given(seed=SEEDS, shape=SHAPES)
def test_what_is_drawn_equal_to_p_is_dropped(cell, dtype, seed, shape):
    """u < p, not u <= p: with p the very u that are drawn, every element is 0."""
    p, _ = cell.ladder.manual.rand(cell.ladder.manual.seed(seed), shape, np.dtype(dtype).type)
    script = [Draw("bernoulli", {"p": np.asarray(p), "shape": shape, "dtype": "bool"})]
    assert not observe(Rung.MANUAL, cell.ladder.manual, seed, script)[0]["values"].any()
    compare(cell.ladder, seed, script)


@rng
@given(seed=SEEDS, script=ANY_SCRIPT)
def test_a_state_can_be_given_to_a_torch_generator(cell, seed, script):
    """The state that any script leaves, handed to a torch.Generator, is read back from it, and draws on the same."""
    manual, raw = cell.ladder[:2]
    state = left_by(manual, seed, script)
    generator = generator_of(state)
    assert_same(state_of(generator)._asdict(), state._asdict(), "state")
    assert_same(*(draws.normal(s, (3,))[0] for draws, s in ((raw, generator), (manual, state))), "what it draws next")


def left_by(manual, seed, script):
    trace = observe(Rung.MANUAL, manual, seed, script)
    return State(**trace[-1]["state"]) if trace else manual.seed(seed)


@rng
@given(seed=SEEDS, before=ANY_SCRIPT, draw=ANY_SCRIPT)
def test_a_manual_draw_changes_no_state_but_returns_one(cell, seed, before, draw):
    """What is drawn from a state does not depend on what else has been drawn from it."""
    state = left_by(cell.ladder.manual, seed, before)
    from_here = cell.ladder.manual._replace(seed=lambda _: state)
    assert_same(*(observe(Rung.MANUAL, from_here, None, draw) for _ in range(2)), "draw")


@rng
@given(seed=SEEDS, shuffle=st.booleans())
def test_a_loader_draws_one_base_seed(cell, seed, shuffle):
    """Starting an epoch of a DataLoader, shuffled or not, leaves the state that random leaves."""
    generator = cell.ladder.raw.seed(seed)
    iter(DataLoader([0], shuffle=shuffle, generator=generator))
    _, state = cell.ladder.manual.random(cell.ladder.manual.seed(seed))
    assert_same(state_of(generator)._asdict(), state._asdict(), "state")


@rng
@given(seed=SEEDS, shape=st.tuples(SIZES, st.integers(0, 5)))
def test_torch_draws_in_the_order_of_memory(cell, seed, shape):
    """A transposed tensor is filled as it lies in memory: its draw is the transpose of a draw."""
    drawn, _ = cell.ladder.manual.rand(cell.ladder.manual.seed(seed), shape)
    assert_same(torch.empty(shape).t().uniform_(generator=cell.ladder.raw.seed(seed)), drawn.T, "transposed")
