"""How a parameter is born on a rung: the parameter, and the generator after it was drawn."""

import contextlib

import numpy as np
import pytest
import torch

from impls import rng
from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import FORMATS, Bounded, bounded
from tests.engine.arrays import snapshot
from tests.rng.trace import generator_of, state_of

TO_THE_BIT = ("init.trunc_normal",)  # its draws decide how often it draws


def born(rung, impl, birth, dtype):
    """The parameter, and the generator after."""
    settings = birth.settings
    if rung is Rung.MANUAL:
        w, state = impl(LADDERS["rng"].manual.seed(birth.seed), birth.shape, dtype=np.dtype(dtype).type, **settings)
        return {"parameter": w, "generator": state._asdict()}
    with torch.random.fork_rng(devices=()):
        generator, kind = torch.default_generator.manual_seed(birth.seed), getattr(torch, dtype)
        if rung is Rung.RAW:
            w, generator = impl(generator, birth.shape, dtype=kind, **settings)
        else:
            w = torch.full(birth.shape, torch.nan, dtype=kind)
            assert impl(w, **settings) is w
        return {"parameter": snapshot(w), "generator": state_of(generator)._asdict()}


def reference(concept, birth, dtype):
    """Native's parameter to the bit; or, where an operation may cost several roundings, what they make of its draws."""
    if FORMATS[dtype].roundings == 1 or concept in TO_THE_BIT or 0 in birth.shape:
        return born(Rung.NATIVE, LADDERS[concept].native, birth, dtype)
    return within_rounding(concept, birth, dtype)


def within_rounding(concept, birth, dtype):
    """The manual rung's parameter of torch's draws, with as much room as it may round away."""
    with bounded_draws(dtype):
        found = born(Rung.MANUAL, LADDERS[concept].manual, birth, dtype)
    w = found["parameter"]
    return found | {"parameter": w if not isinstance(w, np.ndarray) else bounded(w, dtype)}


@contextlib.contextmanager
def bounded_draws(dtype):
    """While this lasts, what the manual rung draws are torch's numbers, bounded, and so is what it computes of them."""

    def uniform(state, shape=(), low=0.0, high=1.0, _dtype=None):
        u, state = drawn(rng.rand_raw, state, shape)
        return u * (high - low) + low, state

    def normal(state, shape=(), mean=0.0, std=1.0, _dtype=None):
        z, state = drawn(rng.normal_raw, state, shape)
        if (mean, std) == (0.0, 1.0):
            return z, state
        # torch rounds what it has scaled
        unrounded = Bounded(z.value, z.format.gamma(1) * abs(z.value), None, z.format)
        return unrounded * std + mean, state

    def drawn(draw, state, shape):
        found, generator = draw(generator_of(state), shape, dtype=getattr(torch, dtype))
        return bounded(snapshot(found), dtype), state_of(generator)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rng, "uniform_manual", uniform)
        patch.setattr(rng, "normal_manual", normal)
        yield
