"""Gradients to clip, and what is left of them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.capabilities import taken
from tests.engine import Different
from tests.engine.arrays import graded, lattice, shapes, snapshot, tensor
from tests.families import Entry

NORM = st.sampled_from([2.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0, np.inf, "inf", 0.0, -np.inf])
FINITE = st.sampled_from([False, True])  # whether what is not finite is refused: everything is finite
BOUNDS = st.sampled_from([1.0, 0.1, 2.0**-10, 30.0])
FOREACH = st.sampled_from([None, True, False])


class Problem(NamedTuple):
    gradients: list[np.ndarray | None]
    bound: float  # on their norm, or on each element
    settings: dict[str, Any] = {}
    trained: bool = True  # whether the parameters require a gradient: they may have one all the same


@st.composite
def gradients(draw, dtype, norm_type=2.0):
    """Gradients of several tensors, some missing or nothing but zeros, at least one of them there."""
    sizes = draw(st.lists(shapes(max_side=3, empty=False), min_size=1, max_size=4), label="shapes")
    tensor = lambda s: draw(graded(s, dtype, exponents=(-8, 4)) | lattice(s, dtype) | lattice(s, dtype, largest=0))
    missing = [draw(st.integers(0, 5)) == 5 for _ in sizes]
    grads = [None if lacks and not all(missing) else tensor(s) for s, lacks in zip(sizes, missing, strict=True)]
    if norm_type in (-1.0, -2.0):  # of a 0 such a power is infinite
        grads = [g if g is None else np.where(g == 0, 1, g).astype(dtype) for g in grads]
    return grads


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipNorm(Entry[Problem]):
    """How gradients are drawn that are clipped by their norm."""

    kept: Callable[[dict[str, Any]], dict[str, Any]] = dict  # of the options, those that can be given
    varieties = {
        "a gradient that is missing": lambda problem: any(g is None for g in problem.gradients),
        "a norm that is named by a word": lambda problem: problem.settings.get("norm_type") == "inf",
        "parameters that require no gradient": lambda problem: not problem.trained,
    }

    def problems(self, dtype, foreach=False):
        """At times in foreach, or in a loop."""
        return by_norm(self, dtype, FOREACH if foreach else st.none())

    def trace(self, run, problem):
        found, norm = clipped(run, problem.gradients, problem.bound, problem.trained, **problem.settings)
        return {"gradient": found, "norm": norm}

    def options(self, problem):
        return problem.settings.items()

    def narrowed(self, role, thing):
        return dataclasses.replace(self, kept=functools.partial(taken, thing))


@st.composite
def by_norm(draw, entry, dtype, foreach):
    drawn = {"norm_type": NORM, "foreach": foreach, "error_if_nonfinite": FINITE}
    settings = entry.kept({name: draw(values, label=name) for name, values in drawn.items()})
    grads = draw(gradients(dtype, settings.get("norm_type", 2.0)), label="gradients")
    return Problem(grads, draw(BOUNDS, label="bound"), settings, draw(st.booleans(), label="trained"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipValue(Entry[Problem]):
    """How gradients are drawn that are clipped element by element."""

    varieties = {
        "a gradient that is missing": lambda problem: any(g is None for g in problem.gradients),
        "parameters that require no gradient": lambda problem: not problem.trained,
    }

    def problems(self, dtype, foreach=False, signs=(1,)):
        """At times in foreach, or in a loop, or with an interval that is empty."""
        bound = st.builds(lambda bound, sign: bound * sign, BOUNDS, st.sampled_from(signs))
        settings = st.fixed_dictionaries({}, optional={"foreach": FOREACH} if foreach else {})
        return st.builds(Problem, gradients(dtype), bound, settings, st.booleans())

    def trace(self, run, problem):
        return clipped_by_value(run, problem.gradients, problem.bound, problem.trained, **problem.settings)

    def expected(self, cell, problem):
        """An element inside [-v, v] stays, one outside becomes the nearer end: nothing rounds."""
        v = np.dtype(cell.dtype).type(problem.bound)
        return [None if g is None else np.where(abs(g) <= v, g, np.copysign(v, g)) for g in problem.gradients]

    def options(self, problem):
        return problem.settings.items()


# ── on a rung ──


def clipped(run, grads, max_norm, trained=True, *, norm_type=2.0, **settings):
    """Return (clipped gradients, total norm)."""
    if run.rung is Rung.MANUAL:
        tree = {"0": {str(i): None if g is None else run.lift(g) for i, g in enumerate(grads)}}
        found, total = run.impl(tree, max_norm, float(norm_type))
        return list(found["0"].values()), total
    params = _parameters(run, grads, trained)
    if run.rung is Rung.RAW:
        total = run.impl(params, max_norm, float(norm_type))
    else:
        total = run.impl(params, max_norm, norm_type, **settings)
    return [snapshot(p.grad) for p in params], snapshot(total)


def clipped_by_value(run, grads, clip_value, trained=True, **settings):
    """Return the clipped gradients."""
    if run.rung is Rung.MANUAL:
        return list(run.impl({"0": dict(enumerate(grads))}, clip_value)["0"].values())
    params = _parameters(run, grads, trained)
    if run.impl(params, clip_value, **(settings if run.rung is not Rung.RAW else {})) is not None:
        raise Different("it returns something")
    return [snapshot(p.grad) for p in params]


def _parameters(run, grads, trained):
    """Parameters that have these gradients."""
    params = [torch.zeros(np.shape(g)) if g is None else torch.zeros_like(tensor(g, run.device)) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.requires_grad_(trained).grad = None if g is None else tensor(g, run.device)
    return params
