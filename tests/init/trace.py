"""What an initialization leaves on a rung: the parameter, and the generator that it was drawn from."""

import types

import numpy as np
import torch

from impls import rng
from impls.ladder import Rung
from tests.engine import Bounded, Different
from tests.engine.arrays import snapshot
from tests.families import rebound
from tests.rng.trace import generator_of, state_of

DRAWS = ("uniform_manual", "normal_manual")  # initializers that others are built on


def observe(run, problem):
    """The parameter, and the generator afterwards."""
    if run.rung is Rung.MANUAL:
        state, dtype = run.ladders["rng"].manual.seed(problem.seed), np.dtype(problem.dtype).type
        w, state = run.impl(state, problem.shape, dtype=dtype, **problem.settings)
        return {"parameter": w, "generator": state._asdict()}
    with torch.random.fork_rng(devices=()):
        generator = torch.default_generator.manual_seed(problem.seed)
        if problem.generator == "own":
            generator = torch.Generator().manual_seed(problem.seed)
        w = _filled(run, problem, generator)
        return {"parameter": snapshot(w), "generator": state_of(generator)._asdict()}


def _filled(run, problem, generator):
    dtype = getattr(torch, problem.dtype)
    if run.rung is Rung.RAW:
        w, after = run.impl(generator, problem.shape, dtype=dtype, **problem.settings)
        if after is not generator:
            raise Different("it does not return the generator that it was given")
        return w
    w = torch.full(problem.shape, torch.nan, dtype=dtype)
    given = {"generator": generator} if problem.generator else {}
    if run.impl(w, **problem.settings, **given) is not w:
        raise Different("it does not return the tensor that it has filled")
    return w


def within_rounding(run, problem, number_format):
    """The manual rung's parameter of torch's draws, with as much room as it may round away."""
    found = observe(run._replace(impl=on_bounded_draws(run.impl, number_format)), problem)
    w = found["parameter"]
    return found | {"parameter": w if isinstance(w, Bounded) else Bounded.exact(w, number_format)}


def on_bounded_draws(formula, number_format):
    """The formula, and the initializer that it is built on, whose draws are torch's numbers, bounded."""

    def uniform(state, shape, low, high, _dtype):
        u, state = drawn(rng.rand_raw, state, shape)
        return u * (high - low) + low, state

    def normal(state, shape, mean, std, _dtype):
        z, state = drawn(rng.normal_raw, state, shape)
        if (mean, std) == (0.0, 1.0):
            return z, state
        # torch rounds what it has scaled
        unrounded = Bounded(z.value, z.format.gamma(1) * abs(z.value), None, z.format)
        return unrounded * std + mean, state

    def drawn(draw, state, shape):
        found, generator = draw(generator_of(state), shape, dtype=getattr(torch, number_format.name))
        return Bounded.exact(snapshot(found), number_format), state_of(generator)

    draws = types.SimpleNamespace(**vars(rng) | {"uniform_manual": uniform, "normal_manual": normal})
    built_on = {name: rebound(f, rng=draws) for name, f in formula.__globals__.items() if name in DRAWS}
    return rebound(formula, rng=draws, **built_on)
