"""Scripts for optimizers: several parameters, missing and accumulated gradients, a learning rate per step."""

import functools

import numpy as np
from hypothesis import strategies as st

from tests.observe.optim import Line, Problem
from tests.strategies.arrays import arrays, graded, shapes

LRS = st.sampled_from([1.0, 0.1, 0.01, 1e-3])
DECAY = st.sampled_from([0.0, 0.01, 0.0, 1.0])


@st.composite
def sgd(draw):
    form = draw(st.sampled_from(["plain", "momentum", "nesterov"]))
    return {
        "nesterov": form == "nesterov",
        "momentum": 0.0 if form == "plain" else draw(st.sampled_from([0.5, 0.9])),
        "dampening": 0.0 if form == "nesterov" else draw(st.sampled_from([0.0, 0.1, 0.5])),
        "weight_decay": draw(DECAY),
        "maximize": draw(st.booleans()),
    }


@st.composite
def adam(draw):
    return {
        "betas": draw(st.tuples(st.sampled_from([0.9, 0.5, 0.0, 0.3]), st.sampled_from([0.999, 0.5, 0.9]))),
        "eps": draw(st.sampled_from([1e-8, 1e-3, 0.1, 0.5])),  # an eps of 1e-8 hides where it is added
        "weight_decay": draw(DECAY),
        "amsgrad": draw(st.booleans()),
        "maximize": draw(st.booleans()),
        "decoupled_weight_decay": draw(st.booleans()),
    }


@st.composite
def settings(draw, every):
    """Every option is given, mostly with an effect; one time in ten none is, so that the defaults are run."""
    return draw(every) if draw(st.integers(0, 9)) < 9 else {}


SETTINGS = {"optim.sgd": settings(sgd()), "optim.adam": settings(adam())}


@functools.cache
@st.composite
def gradients(draw, shape, dtype):
    """Any scale from 1e-12 to 1e4, exact zeros among them; one time in five there is none."""
    if draw(st.integers(0, 4)) == 4:
        return None
    return draw(arrays(shape, dtype)) * np.dtype(dtype).type(draw(st.sampled_from([1.0, 2.0**-26, 2.0**-10, 2.0**10])))


@st.composite
def _settings_of(draw, sizes, concept):
    """Two sets of options, and for each parameter one of them."""
    two = st.sampled_from([draw(SETTINGS[concept]), draw(SETTINGS[concept])])
    return [draw(two) for _ in sizes]


@st.composite
def problems(draw, concept, dtype, lrs=LRS, restore=False):
    """Several parameters, in groups with options of their own, and a script of several steps."""
    sizes = draw(st.lists(shapes(max_side=3), min_size=2, max_size=4), label="shapes")
    lines = st.builds(
        Line,
        lr=lrs,
        old=st.sampled_from(["keep", "zero", "drop"]),
        grads=st.tuples(*(gradients(s, dtype) for s in sizes)),
        restore=st.booleans() if restore else st.just(False),
    )
    return Problem(
        params=[draw(arrays(s, dtype)) for s in sizes],
        settings=draw(_settings_of(sizes, concept), label="settings"),
        script=draw(st.lists(lines, min_size=3, max_size=6), label="script"),
    )


@st.composite
def continued(draw, concept, dtype):
    """One step from a given state, up to the ten-thousandth, where a bias correction no longer hides."""
    sizes = draw(st.lists(shapes(max_side=3), min_size=2, max_size=3), label="shapes")
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
    state = {"step": st.sampled_from([1, 2, 10, 999, 9999]), "exp_avg": tensor, "exp_avg_sq": tensor.map(abs)}
    return st.fixed_dictionaries(state | ({"max_exp_avg_sq": tensor.map(abs)} if settings.get("amsgrad") else {}))


STATES = {"optim.sgd": _sgd_state, "optim.adam": _adam_state}
