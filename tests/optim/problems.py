"""Scripts for optimizers: several parameters, missing and accumulated gradients, a learning rate per step."""

import functools

import numpy as np
from hypothesis import strategies as st

from tests.engine.arrays import FIFTHS, TENTHS, arrays, graded, shapes
from tests.optim.trace import Line, Problem

LRS = st.sampled_from([1.0, 0.1, 0.01, 1e-3])
COUNT = st.sampled_from([1, 2, 10, 999, 9999])
DECAY = st.sampled_from([0.0, 0.01, 0.0, 0.37])  # times no drawn weight a drawn gradient, which it would cancel
MAXIMIZE = st.sampled_from([False, True, False])


FORMS = st.sampled_from(["plain", "momentum", "nesterov", "nesterov"])
MOMENTUM, DAMPENING = st.sampled_from([0.5, 0.9]), st.sampled_from([0.0, 0.1, 0.5])


@st.composite
def sgd(draw):
    form = draw(FORMS)
    return {
        "nesterov": form == "nesterov",
        "momentum": 0.0 if form == "plain" else draw(MOMENTUM),
        "dampening": 0.0 if form == "nesterov" else draw(DAMPENING),
        "weight_decay": draw(DECAY),
        "maximize": draw(MAXIMIZE),
    }


BETAS = st.tuples(st.sampled_from([0.9, 0.5, 0.0, 0.3]), st.sampled_from([0.999, 0.5, 0.9]))
EPS = st.sampled_from([1e-8, 1e-3, 0.1, 0.5])  # an eps of 1e-8 hides where it is added


def options(**own):
    """Every option of an algorithm, independently of each other but for eps."""
    return st.fixed_dictionaries({**own, "maximize": MAXIMIZE}).map(_bounded_below)


def _bounded_below(options):
    """A decay may cancel a gradient: over a moment that may be zero, an eps of 1e-8 leaves no bound."""
    coupled = options.get("weight_decay") and not options.get("decoupled_weight_decay")
    return options | {"eps": max(options["eps"], 1e-3)} if coupled and "eps" in options else options


adam = options(betas=BETAS, eps=EPS, weight_decay=DECAY, amsgrad=st.booleans(), decoupled_weight_decay=st.booleans())
adamw = options(betas=BETAS, eps=EPS, weight_decay=DECAY, amsgrad=st.booleans())
rmsprop = options(
    alpha=st.sampled_from([0.99, 0.5, 0.9]),
    eps=EPS,
    weight_decay=DECAY,
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    centered=st.booleans(),
)
adagrad = options(lr_decay=st.sampled_from([0.0, 0.1, 1.0]), weight_decay=DECAY, eps=EPS)
CONSTRUCTED = {"optim.adagrad": {"initial_accumulator_value": st.sampled_from([0.0, 0.5, 2.0])}}  # not by group
adadelta = options(rho=st.sampled_from([0.9, 0.5, 0.0, 1.0]), eps=EPS, weight_decay=DECAY)
adamax = options(betas=BETAS, eps=EPS, weight_decay=DECAY)
nadam = options(
    betas=BETAS,
    eps=EPS,
    weight_decay=DECAY,
    momentum_decay=st.sampled_from([4e-3, 0.0, 1.0]),
    decoupled_weight_decay=st.booleans(),
)
radam = options(betas=BETAS, eps=EPS, weight_decay=DECAY, decoupled_weight_decay=st.booleans())
asgd = options(
    lambd=st.sampled_from([1e-4, 0.1, 0.5]),
    alpha=st.sampled_from([0.75, 1.0, 0.5]),
    t0=st.sampled_from([1e6, 0, 1, 2]),
    weight_decay=DECAY,
)
rprop = options(
    etas=st.sampled_from([(0.5, 1.2), (0.3, 2.0)]), step_sizes=st.sampled_from([(1e-6, 50), (0.05, 0.5), (0.0, 1.0)])
)


@st.composite
def settings(draw, every):
    """Every option is given, mostly with an effect; one time in ten none is, so that the defaults are run."""
    return draw(every) if draw(TENTHS) < 9 else {}


SETTINGS = {
    "optim.sgd": settings(sgd()),
    "optim.adam": settings(adam),
    "optim.adamw": settings(adamw),
    "optim.rmsprop": settings(rmsprop),
    "optim.adagrad": settings(adagrad),
    "optim.adadelta": settings(adadelta),
    "optim.adamax": settings(adamax),
    "optim.nadam": settings(nadam),
    "optim.radam": settings(radam),
    "optim.asgd": settings(asgd),
    "optim.rprop": settings(rprop),
}


SCALES, EITHER = st.sampled_from([1.0, 2.0**-26, 2.0**-10, 2.0**10]), st.sampled_from([0, 1])


@functools.cache
@st.composite
def gradients(draw, shape, dtype):
    """Any scale from 1e-12 to 1e4, exact zeros among them; one time in five there is none."""
    if draw(FIFTHS) == 4:
        return None
    return draw(arrays(shape, dtype)) * np.dtype(dtype).type(draw(SCALES))


@st.composite
def settings_of(draw, concept, parameters):
    """Two sets of options, and for each parameter one of them; with what is one for all."""
    two = draw(SETTINGS[concept]), draw(SETTINGS[concept])
    constructed = {name: draw(of) for name, of in CONSTRUCTED.get(concept, {}).items() if draw(st.booleans())}
    return [two[draw(EITHER)] | constructed for _ in range(parameters)]


SIZES, ONE_OR_TWO = (st.lists(shapes(max_side=3), min_size=n, max_size=n + 1) for n in (2, 1))


@functools.cache
def scripts(sizes, dtype, lrs, restore, steps):
    """Of several steps, for parameters of these sizes."""
    lines = st.builds(
        Line,
        lr=lrs,
        old=st.sampled_from(["keep", "zero", "drop"]),
        grads=st.tuples(*(gradients(s, dtype) for s in sizes)),
        restore=st.booleans() if restore else st.just(False),
    )
    return st.lists(lines, min_size=steps[0], max_size=steps[1])


@st.composite
def problems(draw, concept, dtype, lrs=LRS, restore=False, sizes=None, steps=(3, 5)):
    """Several parameters, in groups with options of their own, and a script of several steps."""
    sizes = sizes or draw(SIZES, label="shapes")
    return Problem(
        params=[draw(arrays(s, dtype)) for s in sizes],
        settings=draw(settings_of(concept, len(sizes)), label="settings"),
        script=draw(scripts(tuple(sizes), dtype, lrs, restore, steps), label="script"),
    )


@st.composite
def continued(draw, concept, dtype):
    """One step from a given state, up to the ten-thousandth, where a bias correction no longer hides."""
    sizes = draw(ONE_OR_TWO, label="shapes")
    tensors = [graded(s, dtype, exponents=(-8, 2)) for s in sizes]
    settings = [draw(SETTINGS[concept]) for _ in sizes]
    return Problem(
        params=[draw(st.just(np.zeros(s, dtype)) | t) for s, t in zip(sizes, tensors, strict=True)],
        settings=settings,
        script=[Line(draw(LRS), "drop", tuple(draw(t) for t in tensors))],
        state=[draw(STATES[concept](t, s)) for t, s in zip(tensors, settings, strict=True)],
    )


def _sgd_state(tensor, settings):
    return st.fixed_dictionaries({"momentum_buffer": tensor} if settings.get("momentum") else {})


def _adam_state(tensor, settings):
    state = {"step": COUNT, "exp_avg": tensor, "exp_avg_sq": tensor.map(abs)}
    return st.fixed_dictionaries(state | ({"max_exp_avg_sq": tensor.map(abs)} if settings.get("amsgrad") else {}))


def _counted(**kinds):
    """A count, and tensors: "signed", or "positive"."""
    return lambda tensor, _settings: st.fixed_dictionaries(
        {"step": COUNT, **{name: tensor if kind == "signed" else tensor.map(abs) for name, kind in kinds.items()}}
    )


@st.composite
def _rmsprop_state(draw, tensor, settings):
    """The mean of the squares is well above the square of the mean: how near it may come, the bound cannot say."""
    mean = draw(tensor)
    state = {"step": draw(COUNT), "square_avg": 4 * mean * mean + abs(draw(tensor))}
    state |= {"momentum_buffer": draw(tensor)} if settings.get("momentum") else {}
    return state | ({"grad_avg": mean} if settings.get("centered") else {})


def _number(tensor, values):
    """A number of the state, in the format of the parameter, as it is once it has been loaded."""
    return st.builds(lambda like, value: like.dtype.type(np.float32(value)), tensor, values)


def _nadam_state(tensor, _settings):
    product = _number(tensor, st.sampled_from([0.5, 0.25, 0.1, 0.0]))
    return st.fixed_dictionaries(
        {"step": COUNT, "mu_product": product, "exp_avg": tensor, "exp_avg_sq": tensor.map(abs)}
    )


def _asgd_state(tensor, _settings):
    numbers = {"eta": _number(tensor, LRS), "mu": _number(tensor, st.sampled_from([1.0, 0.5, 0.1]))}
    return st.fixed_dictionaries({"step": COUNT, **numbers, "ax": tensor})


STATES = {
    "optim.sgd": _sgd_state,
    "optim.adam": _adam_state,
    "optim.adamw": _adam_state,
    "optim.rmsprop": _rmsprop_state,
    "optim.adagrad": _counted(sum="positive"),
    "optim.adadelta": _counted(square_avg="positive", acc_delta="positive"),
    "optim.adamax": _counted(exp_avg="signed", exp_inf="positive"),
    "optim.nadam": _nadam_state,
    "optim.radam": _counted(exp_avg="signed", exp_avg_sq="positive"),
    "optim.asgd": _asgd_state,
    "optim.rprop": _counted(prev="signed", step_size="positive"),
}
