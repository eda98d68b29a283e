"""Problems for losses: predictions at, near and far from their targets, kinks and certainties among them."""

import numpy as np
from hypothesis import strategies as st

from tests.engine.arrays import arrays, graded, lattice, shapes
from tests.nn.problems import ANY_BATCH, ANY_OR_GRADED, HALVES, asked, cross_entropy, reduced
from tests.nn.trace import Problem

KINDS = st.sampled_from([arrays, graded, lattice, lattice])
CUTS = st.sampled_from([1.0, 0.5, 2.0, 0.3, 1.0, 3.0])  # on a lattice many differences are just as large


@st.composite
def pairs(draw, dtype, **options):
    """A prediction and a target of one shape; half of the time on one lattice, where ties and kinks occur."""
    shape = draw(shapes(max_dims=3, max_side=4), label="shape")
    of = draw(KINDS)
    settings, dy = draw(reduced(shape, dtype, draw(ANY_OR_GRADED)))
    inputs = {"input": draw(of(shape, dtype)), "target": draw(of(shape, dtype))}
    if of is lattice:
        inputs = {name: (a * 8 % 65 - 32).astype(dtype) / 8 for name, a in inputs.items()}
    drawn = {name: draw(values, label=name) for name, values in options.items()}
    return Problem(inputs, draw(asked(2)), dy, settings | drawn)


def l1(dtype):
    return pairs(dtype)


def smooth_l1(dtype):
    return pairs(dtype, beta=CUTS | st.just(0.0))


def huber(dtype):
    return pairs(dtype, delta=CUTS)


@st.composite
def weights(draw, shape, dtype):
    """None, one for each element, or one for each of the last dimension."""
    of = draw(st.sampled_from([shape, None, shape[-1:], shape]))
    return None if of is None else abs(draw(graded(of, dtype, exponents=(-2, 3)))) + np.dtype(dtype).type(0.125)


@st.composite
def soft(draw, shape, dtype):
    """Targets between 0 and 1, and often one of the two."""
    if draw(HALVES):
        return abs(draw(lattice(shape, dtype, largest=1))).clip(0, 1)
    return abs(draw(graded(shape, dtype, exponents=(-6, 0))))


@st.composite
def probabilities(draw, shape, dtype, certain):
    """Between 0 and 1; if certain, also 0, 1 and so near to them that native cuts off the gradient."""
    p = abs(draw(graded(shape, dtype, exponents=(-6, 0)))).clip(2.0**-10, 1 - 2.0**-10)
    if certain:
        digits = draw(lattice(shape, dtype))
        p = np.select([digits > 0, digits < 0], [1, draw(st.sampled_from([0, 0, 1e-20, 2.0**-50]))], p)
    return p.astype(dtype)


@st.composite
def binary_cross_entropy(draw, dtype, certain=True, near=True):
    """Where the target is near p, y/p and (1 - y)/(1 - p) cancel, which p - y need not see and a complex step must."""
    shape = draw(shapes(max_dims=3, max_side=4), label="shape")
    settings, dy = draw(reduced(shape, dtype, graded))
    certain = certain and draw(st.booleans(), label="certain")
    needs = (True, False) if certain else draw(asked(2))  # at a certainty the target's is infinite, beyond any bound
    p = draw(probabilities(shape, dtype, certain))
    target = draw(soft(shape, dtype))
    inputs = {"input": p, "target": target if near else np.where(abs(target - p) < p / 64, 0, target).astype(dtype)}
    return Problem(inputs, needs, dy, settings | {"weight": draw(weights(shape, dtype))})


LOGITS = st.sampled_from(["far", "near", "far", "lattice"])


@st.composite
def extreme(draw, shape, dtype):
    """Logits near 0, at 0, or some of them far beyond where exp overflows in float32; but none whose sigmoid is
    subnormal, for which native has 0."""
    kind = draw(LOGITS)
    near, whole = graded(shape, dtype, exponents=(-6, 4)), np.rint(draw(lattice(shape, dtype)))
    if kind == "lattice":
        return whole
    return draw(near) if kind == "near" else np.where(whole, whole * np.dtype(dtype).type(128), draw(near))


@st.composite
def binary_cross_entropy_with_logits(draw, dtype):
    shape = draw(shapes(max_dims=3, max_side=4), label="shape")
    settings, dy = draw(reduced(shape, dtype, graded))
    inputs = {"input": draw(extreme(shape, dtype)), "target": draw(soft(shape, dtype))}
    drawn = {name: draw(weights(shape, dtype), label=name) for name in ("weight", "pos_weight")}
    return Problem(inputs, draw(asked(2)), dy, settings | drawn)


@st.composite
def nll(draw, dtype, batches=ANY_BATCH):
    """As for a cross entropy of classes; it does not ask whether what it is given are logarithms of probabilities."""
    problem = draw(cross_entropy(dtype, kinds=("classes",), batches=batches))
    return problem._replace(settings={k: v for k, v in problem.settings.items() if k != "label_smoothing"})


@st.composite
def kl_div(draw, dtype, certain=True):
    shape = draw(shapes(max_dims=3, max_side=4), label="shape")
    settings, dy = draw(reduced(shape, dtype))
    if settings["reduction"] != "none" and 0 not in shape:
        settings["reduction"] = draw(st.sampled_from(["batchmean", "mean", "sum"]), label="reduction")
    log_target, needs = draw(st.booleans(), label="log_target"), draw(st.just((True, False)) | asked(2))
    target = draw(graded(shape, dtype, exponents=(-6, 3))) if log_target else draw(soft(shape, dtype))
    if (needs[1] or not certain) and not log_target:
        target = target.clip(2.0**-20, None)  # the target's own gradient at 0 is infinite, which no bound judges
    inputs = {"input": draw(graded(shape, dtype, exponents=(-6, 4))), "target": target}
    return Problem(inputs, needs, dy, settings | {"log_target": log_target})
