"""Problems for layers: what goes in, what comes back from above, and what a layer remembers."""

import math

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st

from impls.since import TORCH
from tests.engine.arrays import FIFTHS, arrays, graded, lattice, shapes
from tests.losses.problems import extreme
from tests.nn import problems as nn
from tests.nn.problems import HALVES, asked, noise
from tests.nn.trace import Problem

SOME = FIFTHS.map(lambda i: (i > 0,))


@st.composite
def activation(draw, dtype, **options):
    """Near 0, at 0, and far beyond where exp overflows; but no product with the gradient from above that underflows."""
    shape = draw(shapes(max_dims=3), label="shape")
    settings = {name: draw(values, label=name) for name, values in options.items()}
    dy = draw(graded(shape, dtype, exponents=(-6, 4)))
    return Problem({"x": draw(extreme(shape, dtype))}, draw(SOME), dy, settings)


def leaky_relu(dtype, kinks=True):
    problem = activation(dtype, negative_slope=st.sampled_from([0.01, 0.2, 3.0, 0.0, 1.0, -0.5]))
    return problem if kinks else problem.map(_without_kinks)


def _without_kinks(problem):
    x = problem.inputs["x"]
    return problem._replace(inputs={"x": np.where(x == 0, 1, x).astype(x.dtype)})


def softplus(dtype, kinks=True):
    """Often just at the threshold, or beyond one so low that it shows in float32 too."""
    threshold = st.sampled_from([20.0, 1.0, 4.0, 0.5, 1.0] if kinks else [20.1, 1.1, 4.1])
    return activation(dtype, beta=st.sampled_from([1.0, 0.5, 3.0, 2.0]), threshold=threshold)


def gelu(dtype):
    return activation(dtype, approximate=st.sampled_from(["none", "tanh"]))


@st.composite
def softmax(draw, dtype):
    """Along any dimension, counted from either end; half of the time the rows along it are far apart."""
    shape = draw(shapes(max_dims=3).filter(lambda shape: any(shape) or not shape), label="shape")
    rank = len(shape) or 1
    dim = draw(st.sampled_from([i for i in range(-rank, rank) if not shape or shape[i]]), label="dim")
    x = draw(extreme(shape, dtype))
    if draw(st.booleans(), label="rows are far apart"):
        of_rows = tuple(1 if i == dim % len(shape) else n for i, n in enumerate(shape))
        x = x + np.dtype(dtype).type(1024) * np.sign(draw(lattice(of_rows, dtype)))
    return Problem({"x": x}, draw(SOME), draw(graded(shape, dtype)), {"dim": dim})


@st.composite
def identity(draw, dtype):
    shape = draw(shapes(max_dims=3))
    return Problem({"x": draw(arrays(shape, dtype))}, draw(SOME), draw(arrays(shape, dtype)), {})


@st.composite
def flatten(draw, dtype):
    shape = draw(shapes(min_dims=1, max_dims=4, max_side=3), label="shape")
    n = len(shape)
    start, end, settings = 1, n - 1, {}
    if n == 1 or draw(st.booleans(), label="dimensions are given"):
        start = draw(st.integers(0, n - 1), label="start")
        end = draw(st.integers(start, n - 1), label="end")
        settings = {"start_dim": start - n * draw(HALVES), "end_dim": end - n * draw(HALVES)}
    flat = (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    return Problem({"x": draw(arrays(shape, dtype))}, draw(SOME), draw(arrays(flat, dtype)), settings)


@st.composite
def embedding(draw, dtype, padded=True, table=False):
    """Some rows looked up twice, some never, one of them perhaps the padding; at times with options of the table."""
    rows, k = draw(st.integers(1, 5), label="rows"), draw(st.integers(1, 3), label="features")
    i = draw(arrays_of_rows(draw(shapes(max_dims=2)), rows), label="i")
    padding_idx = draw(st.none() | st.integers(-rows, rows - 1), label="padding_idx") if padded else None
    born, needs = {"num_embeddings": rows, "embedding_dim": k}, (False, draw(FIFTHS) > 0)
    inputs = {"x": i, "weight": draw(arrays((rows, k), dtype))}
    options = {name: draw(values, label=name) for name, values in OF_A_TABLE.items()} if table else {}
    settings = {"padding_idx": padding_idx} | options
    return Problem(inputs, needs, draw(arrays((*i.shape, k), dtype)), settings, None, born)


OF_A_TABLE = {
    "max_norm": st.sampled_from([None, 1.0, 0.1]),
    "norm_type": st.sampled_from([2.0, 1.0]),
    "scale_grad_by_freq": st.booleans(),
}


@st.composite
def arrays_of_rows(draw, shape, rows):
    n = math.prod(shape)
    return np.array(draw(st.lists(st.integers(0, rows - 1), min_size=n, max_size=n)), np.int64).reshape(shape)


SHIFTS = st.sampled_from([0, 0, 1, -4])
NAMES = st.sampled_from([("weight", "bias"), ("weight",), (), ("weight", "bias")])
TAKES_BIAS = TORCH >= (2, 12)  # batch norm, which before that has both parameters or none
NORMALIZED = st.sampled_from([(4,), (3,), (2, 3), (1,), (8,), (5,)])
MOMENTUM = st.sampled_from([0.1, None, 0.3, None, 1.0, 0.0])
EPS = st.sampled_from([1e-5, 0.5, 1e-3, 1e-5])
MODES = st.sampled_from([(True, True), (False, True), (True, True), (True, False), (True, True), (False, False)])


@st.composite
def uneven(draw, shape, dtype):
    """Full significands, or whole numbers with ties, away from 0 at times."""
    x = draw(st.one_of(graded(shape, dtype, exponents=(-3, 3)), lattice(shape, dtype)))
    return (x + np.dtype(dtype).type(draw(SHIFTS))).astype(dtype)


@st.composite
def affine(draw, shape, dtype):
    """Both parameters, one, or none; and what the constructor is told of it."""
    names = draw(NAMES, label="parameters")
    inputs = {name: draw(graded(shape, dtype, exponents=(-3, 2))) for name in names}
    return inputs, {"bias": "bias" in names}, bool(names)


@st.composite
def layer_norm(draw, dtype):
    """Over the last dimension or the last two, at times over a single number."""
    last = draw(NORMALIZED, label="normalized_shape")
    shape = (*draw(shapes(max_dims=2, max_side=3), label="leading dimensions"), *last)
    params, born, is_affine = draw(affine(last, dtype))
    given = last[0] if len(last) == 1 and draw(HALVES) else last
    inputs = {"x": draw(uneven(shape, dtype))} | params
    settings = {"normalized_shape": given, "eps": draw(EPS, label="eps")}
    born["elementwise_affine"] = is_affine
    return Problem(
        inputs, draw(asked(len(inputs))), draw(graded(shape, dtype, exponents=(-4, 3))), settings, None, born
    )


@st.composite
def rms_norm(draw, dtype, given=False):
    """As layer norm, without a shift; at times with the epsilon of the type, unless one must be given."""
    problem = draw(layer_norm(dtype))
    inputs = {name: a for name, a in problem.inputs.items() if name != "bias"}
    settings = problem.settings | {"eps": draw(EPS if given else st.none() | EPS, label="eps")}
    born = {"elementwise_affine": "weight" in inputs}
    return problem._replace(inputs=inputs, needs=problem.needs[: len(inputs)], settings=settings, born=born)


@st.composite
def batch_norm1d(draw, dtype):
    """In training or evaluation, with or without a memory; two dimensions or three."""
    n, features = draw(st.integers(2, 6), label="rows"), draw(st.integers(1, 3), label="features")
    shape = draw(st.sampled_from([(n, features), (n, features), (n - 1, features, 2)]), label="shape")
    params, born, is_affine = draw(affine((features,), dtype).filter(lambda drawn: len(drawn[0]) != 1 or TAKES_BIAS))
    training, tracked = draw(MODES, label="training, tracked")
    stats = draw(remembered(features, dtype)) if tracked else None
    if tracked and not training and not draw(FIFTHS):
        shape = (0, *shape[1:])  # of no rows there is no mean to train with
    inputs = {"x": draw(uneven(shape, dtype))} | params
    settings = {
        "training": training,
        "momentum": draw(MOMENTUM, label="momentum"),
        "eps": draw(EPS, label="eps"),
    }
    born = {"num_features": features, "affine": is_affine, "track_running_stats": tracked} | (
        born if TAKES_BIAS else {}
    )
    dy = draw(graded(shape, dtype, exponents=(-4, 3)))
    return Problem(inputs, draw(asked(len(inputs))), dy, settings, None, born, stats)


@st.composite
def remembered(draw, features, dtype):
    return {
        "running_mean": draw(graded((features,), dtype, exponents=(-2, 3))),
        "running_var": abs(draw(graded((features,), dtype, exponents=(-2, 3)))) + np.dtype(dtype).type(0.125),
        "num_batches_tracked": draw(FIFTHS),
    }


LEADING = st.sampled_from([(1, 2), (2, 1), (2,), (2, 2), (1, 1), (0, 2)])  # images and channels; one image; no image


@st.composite
def pooled_axis(draw):
    """So many rows, or columns, on which a window fits: (size, kernel, stride, padding, dilation)."""
    kernel, dilation = draw(st.sampled_from([2, 3, 1, 2])), draw(st.sampled_from([1, 1, 2]))
    span = dilation * (kernel - 1) + 1
    padding = draw(st.integers(0, kernel // 2))
    size = draw(st.integers(max(1, span - 2 * padding), 6))
    return size, kernel, draw(st.integers(1, 3)), padding, dilation


@st.composite
def told(draw, rows, columns):
    """The sizes of an image, and the options of the windows on it, each told by one number or by two."""
    names = ("kernel_size", "stride", "padding", "dilation")
    sizes, *each = zip(rows, columns, strict=True)
    one = draw(st.booleans(), label="told by one number")
    return sizes, {name: two[0] if one and two[0] == two[1] else two for name, two in zip(names, each, strict=True)}


@st.composite
def max_pool2d(draw, dtype, ties=True):
    """Windows that overlap, touch or leave gaps; half of the time with ties."""
    sizes, settings = draw(told(draw(pooled_axis(), label="rows"), draw(pooled_axis(), label="columns")))
    settings["ceil_mode"] = draw(st.booleans(), label="ceil_mode")
    if draw(st.integers(0, 3)) == 0:
        settings["stride"] = None
    leading = draw(LEADING, label="leading dimensions")
    shape = (*leading, *sizes)
    pooled = torch.nn.functional.max_pool2d(torch.zeros(1, *sizes), **settings)
    assume(pooled.isfinite().all())  # no window sees nothing but padding
    if ties and draw(st.booleans(), label="ties"):
        x = draw(lattice(shape, dtype, largest=1))
    else:
        order = draw(st.randoms(use_true_random=False)).sample(range(math.prod(shape)), math.prod(shape))
        x = (np.array(order, dtype).reshape(shape) - 5) / 3
    dy = draw(graded((*leading, *pooled.shape[1:]), dtype, exponents=(-4, 3)))
    return Problem({"x": x}, draw(SOME), dy, settings)


BORDERS = [("replicate", None), ("zeros", None), ("reflect", None), ("circular", None)]  # so many places, or a word
BORDERS += [("zeros", "same"), ("reflect", "same"), ("zeros", "valid")]


@st.composite
def convolved_axis(draw, mode, word):
    """As many rows, or columns, as native takes for its border: (size, kernel, stride, padding, dilation), outputs."""
    kernel, dilation = draw(st.sampled_from([2, 3, 1, 2])), draw(st.sampled_from([1, 2, 1]))
    reach = dilation * (kernel - 1)  # from the first place that a window sees to the last
    padding = word or draw(st.integers(int(mode != "zeros"), 2))
    added = reach if word == "same" else 0 if word else 2 * padding
    fewest = {"reflect": (added + 1) // 2 + 1, "circular": (added + 1) // 2}.get(mode, 1)
    size = draw(st.integers(max(1, fewest, reach + 1 - added), 6))
    stride = 1 if word == "same" else draw(st.integers(1, 3))
    return (size, kernel, stride, padding, dilation), (size + added - reach - 1) // stride + 1


@st.composite
def conv2d(draw, dtype):
    """Borders of every kind, and groups of channels; two images, none, or one that is no batch."""
    mode, word = border = draw(st.sampled_from(BORDERS), label="border")
    (rows, high), (columns, wide) = (draw(convolved_axis(*border), label=label) for label in ("rows", "columns"))
    sizes, settings = draw(told(rows, columns))
    settings["padding"] = word or settings["padding"]
    groups = draw(st.sampled_from([1, 2, 1]), label="groups")
    seen, outputs = draw(st.sampled_from([1, 2]), label="channels that one sees"), groups * draw(st.integers(1, 2))
    leading = draw(st.sampled_from([(2,), (), (2,), (0,), (2,)]), label="images")
    shape_of = {"x": (*leading, groups * seen, *sizes), "weight": (outputs, seen, rows[1], columns[1])}
    shape_of |= {"bias": (outputs,)} if draw(st.integers(0, 2)) else {}
    of = draw(st.sampled_from([noise, lattice, noise]))
    inputs = {name: draw(of(shape, dtype)) for name, shape in shape_of.items()}
    born = {"in_channels": groups * seen, "out_channels": outputs, "bias": "bias" in inputs}
    born["kernel_size"] = settings.pop("kernel_size")
    settings |= {"padding_mode": mode, "groups": groups}
    dy = draw(of((*leading, outputs, high, wide), dtype))
    return Problem(inputs, draw(asked(len(inputs))), dy, settings, None, born)


UNFUSED = [()] if TORCH >= (2, 14) else [(), (2,)]  # of which native has a gradient of the mask


@st.composite
def scaled_dot_product_attention(draw, dtype, fused=True):
    """Of any number of dimensions: four, in torch 2.14 three, are the fused kernel's without dropout.  Three keys fill
    no vector."""
    leading = draw(st.sampled_from([(2, 1), (), (1, 2), (2,)] if fused else UNFUSED), label="leading dimensions")
    queries, keys, width = (draw(st.integers(1, 3)) for _ in range(3))
    wide = draw(st.sampled_from([width, width % 3 + 1]), label="width of values")
    of, far = draw(st.sampled_from([(graded, 1), (lattice, 1), (lattice, 32)]))  # so far that float32's exp overflows
    shape_of = {"q": (queries, width), "k": (keys, width), "v": (keys, wide)}
    inputs = {name: draw(of((*leading, *shape), dtype)) for name, shape in shape_of.items()}
    inputs["q"] = inputs["q"] * np.dtype(dtype).type(far)
    settings = {"scale": draw(st.sampled_from([None, None, 0.5, None, 0.3]))}
    kind = draw(st.sampled_from(["numbers", "booleans", "causal", "booleans", "none"]), label="mask")
    seed = None
    if kind == "causal":
        settings["is_causal"] = True
    elif kind != "none":
        wider = draw(st.sampled_from([leading, (), leading]), label="leading dimensions of the mask")
        shape = (*wider, draw(st.sampled_from([queries, 1])), keys)
        inputs["attn_mask"] = draw(lattice(shape, dtype)) if kind == "numbers" else draw(lattice(shape, dtype)) > 0
        if draw(st.integers(0, 2)) == 0:
            settings["dropout_p"], seed = draw(st.sampled_from([0.5, 0.3])), draw(nn.SEEDS)
    needs = tuple(n and a.dtype.kind == "f" for n, a in zip(draw(asked(len(inputs))), inputs.values(), strict=True))
    dy = draw(graded((*leading, queries, wide), dtype, exponents=(-4, 3)))
    return Problem(inputs, needs, dy, settings, seed)
