"""Problems for layers and losses: what goes in, what comes back from above, and whose gradients are needed."""

import functools
import math

import numpy as np
from hypothesis import strategies as st

from tests.engine import FORMATS
from tests.engine.arrays import FIFTHS, arrays, graded, lattice, shapes
from tests.nn.trace import Chain, Problem

SEEDS = st.integers(0, 2**32 - 1)
FEATURES = st.sampled_from([1, 300, 2, 3, 1, 8, 300])
PS = st.sampled_from([0.5, 0.1, 0.75, 0.3, 0.0, 1.0])
HALVES, THIRDS, QUARTERS = st.booleans(), st.integers(0, 2), st.integers(0, 3)
SMALL = 16  # elements, beyond which an array is too large to be drawn one by one


def noise(shape, dtype):
    """Full significands of a few magnitudes, from a seed: nobody shrinks so many."""
    return st.builds(_noise, st.just(shape), st.just(dtype), SEEDS)


def filled(shape, dtype):
    return noise(shape, dtype) if math.prod(shape) > SMALL else arrays(shape, dtype)


def _noise(shape, dtype, seed):
    rng, bits = np.random.default_rng(seed), FORMATS[dtype].precision
    digits = rng.integers(1 - 2**bits, 2**bits, shape).astype(dtype)
    return np.ldexp(digits, (rng.integers(-4, 3, shape) - bits).astype(np.int32)).astype(dtype)


def signed_zeros(shape, dtype):
    """Half of all elements at a kink, zeros of both signs among them."""
    return st.builds(np.multiply, lattice(shape, dtype, largest=1), lattice(shape, dtype))


@functools.cache
def asked(n):
    """Whose gradients are needed: mostly everybody's, at times nobody's."""
    return st.just((True,) * n) | st.tuples(*[HALVES] * n)


@st.composite
def linear(draw, dtype, kinds=(filled, noise, noise), features=FEATURES):
    """Up to three leading dimensions, at times one of length 0; 1 feature, where a product and a bias are fused, or so
    many, and so many rows and outputs, that MKL takes them in blocks: only there, and on AMD only in the largest,
    does it show in which order they are added."""
    leading = draw(st.just((16,)) | shapes(max_dims=3, max_side=3), label="leading dimensions")
    k = draw(features, label="features")
    out = draw(st.sampled_from([1, 2, 3, 4, 16]), label="outputs")
    sizes = {"x": (*leading, k), "weight": (out, k)} | ({"bias": (out,)} if draw(THIRDS) else {})
    of = draw(st.sampled_from(kinds))
    inputs = {name: draw(of(size, dtype)) for name, size in sizes.items()}
    return Problem(inputs, draw(asked(len(inputs))), draw(of((*leading, out), dtype)), {})


@st.composite
def relu(draw, dtype, kinks=True):
    shape = draw(shapes(max_dims=3))
    x = draw((signed_zeros if draw(HALVES) else arrays)(shape, dtype))
    x = x if kinks else np.where(x == 0, 1, x).astype(dtype)
    return Problem({"x": x}, (draw(FIFTHS) > 0,), draw(arrays(shape, dtype)), {})


@st.composite
def dropout(draw, dtype):
    shape = draw(shapes(max_dims=3))
    settings = {"p": draw(PS), "training": draw(FIFTHS) > 0}
    needs = (draw(FIFTHS) > 0,)
    return Problem({"x": draw(arrays(shape, dtype))}, needs, draw(arrays(shape, dtype)), settings, draw(SEEDS))


REDUCTIONS = st.sampled_from(["mean", "none", "sum", "mean"])
OF_NOTHING = st.sampled_from(["none", "sum"])


@st.composite
def reduced(draw, shape, dtype, of=arrays):
    """A reduction, and the gradient that comes back through it; a mean over nothing has a law of its own."""
    reduction = draw(REDUCTIONS if 0 not in shape else OF_NOTHING)
    return {"reduction": reduction}, draw(of(shape if reduction == "none" else (), dtype))


ANY_OR_GRADED = st.sampled_from([arrays, graded])


@st.composite
def mse(draw, dtype):
    shape = draw(shapes(max_dims=3, max_side=5))
    of = draw(ANY_OR_GRADED)  # an order of multiplications shows where none of three is by a power of 2
    settings, dy = draw(reduced(shape, dtype, of))
    inputs = {"input": draw(of(shape, dtype)), "target": draw(of(shape, dtype))}
    return Problem(inputs, draw(asked(2)), dy, settings)


LOGITS = st.sampled_from(["even", "apart", "far", "rows far apart"])


@st.composite
def logits(draw, shape, dtype):
    """Nearly even, well apart, or so far that float32's exp of any would overflow; at times row by row."""
    kind = draw(LOGITS)
    if kind == "even":
        return draw(graded(shape, dtype, exponents=(-6, 2)))
    if kind == "rows far apart":
        rows = (*shape[:1], *[1] * (len(shape) - 1))
        return draw(lattice(shape, dtype)) + np.dtype(dtype).type(2.0**10) * np.sign(draw(lattice(rows, dtype)))
    return draw(lattice(shape, dtype)) * np.dtype(dtype).type(1 if kind == "apart" else 2.0**7)


BATCHES = shapes(min_dims=1, max_dims=3, max_side=3)
ANY_BATCH = st.none() | BATCHES
CLASSES, SMOOTHING = st.sampled_from([3, 5, 2, 3, 8, 5, 1]), st.sampled_from([0.1, 0.3, 0.1, 0.0, 0.1, 1.0])


@st.composite
def cross_entropy(draw, dtype, kinds=("classes", "classes", "probabilities"), batches=ANY_BATCH):
    """Unbatched, or with up to two further dimensions; classes of which some are ignored, or probabilities."""
    classes = draw(CLASSES)
    batch = draw(batches, label="batch, or none")
    shape = (classes,) if batch is None else (batch[0], classes, *batch[1:])
    rows = shape[:0] if batch is None else batch
    inputs, settings = {"input": draw(logits(shape, dtype))}, {}
    if draw(st.sampled_from(kinds)) == "classes":
        settings["ignore_index"] = draw(st.sampled_from([-100, 255, 0, classes - 1, -100, -1]))
        inputs["target"] = draw(targets(rows, classes, settings["ignore_index"]))
    else:
        inputs["target"] = abs(draw(graded(shape, dtype, exponents=(-6, 1))))
    if draw(QUARTERS):
        settings["weight"] = abs(draw(graded((classes,), dtype, exponents=(-2, 3)))) + np.dtype(dtype).type(0.125)
    settings["label_smoothing"] = draw(SMOOTHING)
    counted = inputs["target"] != settings.get("ignore_index")
    reduction, dy = draw(reduced(rows if np.any(counted) else (0, *rows), dtype))
    if reduction["reduction"] == "none":
        dy = draw(arrays(rows, dtype))
    needs = draw(asked(2)) if inputs["target"].dtype.kind == "f" else (draw(FIFTHS) > 0, False)
    return Problem(inputs, needs, dy, settings | reduction)


@st.composite
def targets(draw, rows, classes, ignore_index):
    """A class for each row; of several rows at least one is ignored, and at times all are."""
    n = math.prod(rows)
    chosen = draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n))
    ignored = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    everything = draw(st.integers(0, 9)) == 9
    mask = [everything or not i for i in ignored]
    if n > 1:
        mask[draw(st.integers(0, n - 1))] = True
    return np.where(mask, ignore_index, chosen).astype(np.int64).reshape(rows)


# ── chains and trees ──


@st.composite
def chains(draw, dtype):
    """Up to six layers, at times none; the first is as often one without parameters, which nobody needs a gradient
    of."""
    kinds = draw(st.lists(st.sampled_from(["linear", "relu", "dropout", "linear"]), max_size=5), label="layers")
    training = draw(QUARTERS, label="training") > 0
    if not training:  # which shows nowhere else
        kinds.insert(draw(st.integers(0, len(kinds))), "dropout")
    rows, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x, layers = draw(lattice((rows, width), dtype)), []
    for kind in kinds:
        params, settings = {}, {}
        if kind == "linear":
            k, width = width, draw(st.integers(1, 3))
            params = {"weight": draw(lattice((width, k), dtype))}
            params |= {"bias": draw(lattice((width,), dtype))} if draw(HALVES) else {}
        elif kind == "dropout":
            settings = {"p": draw(st.sampled_from([0.5, 0.3, 0.0]))}
        layers.append((kind, params, settings))
    return Chain(layers, x, draw(HALVES), draw(lattice((rows, width), dtype)), training, draw(SEEDS))


NAMES = st.sampled_from(["b", "a", "z", "c", "0"])
LEAF = st.integers(0, 3)  # which of four arrays, so that some are shared
TREES = st.dictionaries(NAMES, LEAF, max_size=3)
for _ in range(2):
    TREES = st.dictionaries(NAMES, LEAF | st.none() | TREES | TREES, min_size=1, max_size=4)
