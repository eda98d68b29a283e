"""What an initialization leaves on a rung: the parameter, and the generator that it was drawn from."""

import contextlib

import numpy as np
import pytest
import torch

from impls import rng
from impls.ladder import Rung
from tests.engine import Bounded, Different
from tests.engine.arrays import snapshot
from tests.rng.trace import generator_of, state_of


def observe(run, problem):
    """The parameter, and the generator afterwards."""
    if run.rung is Rung.MANUAL:
        state, dtype = run.ladders["rng"].manual.seed(problem.seed), np.dtype(problem.dtype).type
        w, state = run.impl(state, problem.shape, dtype=dtype, **problem.settings)
        return {"parameter": w, "generator": state._asdict()}
    with torch.random.fork_rng(devices=()):
        generator, dtype = torch.default_generator.manual_seed(problem.seed), getattr(torch, problem.dtype)
        if run.rung is Rung.RAW:
            w, generator = run.impl(generator, problem.shape, dtype=dtype, **problem.settings)
        else:
            generator = torch.Generator().manual_seed(problem.seed) if problem.own_generator else generator
            w = torch.full(problem.shape, torch.nan, dtype=dtype)
            given = {"generator": generator} if problem.own_generator else {}
            if run.impl(w, **problem.settings, **given) is not w:
                raise Different("it does not return the tensor that it has filled")
        return {"parameter": snapshot(w), "generator": state_of(generator)._asdict()}


def within_rounding(run, problem, number_format):
    """The manual rung's parameter of torch's draws, with as much room as it may round away."""
    with bounded_draws(problem.dtype, number_format):
        found = observe(run, problem)
    w = found["parameter"]
    return found | {"parameter": w if isinstance(w, Bounded) else Bounded.exact(w, number_format)}


@contextlib.contextmanager
def bounded_draws(dtype, number_format):
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
        return Bounded.exact(snapshot(found), number_format), state_of(generator)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rng, "uniform_manual", uniform)
        patch.setattr(rng, "normal_manual", normal)
        yield
