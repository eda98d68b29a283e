"""Scripts for optimizers: several parameters, missing and accumulated gradients, a learning rate per step."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.capabilities import taken, takes
from tests.engine.arrays import FIFTHS, TENTHS, arrays, graded, laid_out, shapes
from tests.engine.compare import PARAMETER, STEP
from tests.families import Entry
from tests.optim import trace
from tests.optim.trace import Line, Problem

LRS = st.sampled_from([1.0, 0.1, 0.01, 1e-3])
SCALES, ONE_OF_TWO = st.sampled_from([1.0, 2.0**-26, 2.0**-10, 2.0**10]), st.sampled_from([0, 1])
SIZES = st.lists(shapes(max_side=3), min_size=2, max_size=3)

Options = SearchStrategy[dict[str, Any]]


@st.composite
def given_or_default(draw, options):
    """Every option is given, mostly with an effect; one time in ten none is, so that the defaults are run."""
    return draw(options) if draw(TENTHS) < 9 else {}


@functools.cache
@st.composite
def gradients(draw, shape, dtype):
    """Any scale from 1e-12 to 1e4, exact zeros among them; one time in five there is none."""
    if draw(FIFTHS) == 4:
        return None
    return draw(laid_out(draw(arrays(shape, dtype)) * np.dtype(dtype).type(draw(SCALES)), expanded=True))


@functools.cache
def lines(sizes, dtype, lrs, restore, gradient=gradients, old=("keep", "zero", "drop")):
    """One line of a script for parameters of these sizes."""
    grads = st.tuples(*(gradient(size, dtype) for size in sizes))
    return st.builds(
        Line, lr=lrs, old=st.sampled_from(old), grads=grads, restore=st.booleans() if restore else st.just(False)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer(Entry[Problem]):
    """How the scripts for one optimizer are drawn."""

    settings: Options
    state: Callable[..., Options]  # of a strategy for tensors and of settings: what any number of steps may have left
    constructed: Mapping[str, SearchStrategy[Any]] = dataclasses.field(default_factory=dict)  # not by group
    sizes: SearchStrategy[list[tuple[int, ...]]] = SIZES
    gradient: Callable[..., SearchStrategy[Any]] = gradients
    levels = (STEP, PARAMETER)
    saves = True

    def problems(self, dtype, **ask):
        """Several parameters, in groups with options of their own, and a script of several steps."""
        return scripts(self, dtype, **ask)

    def continued(self, dtype):
        """One step from a given state, up to the last count of float32, where no bias correction hides."""
        return from_any_state(self, dtype)

    def settings_of(self, parameters):
        """Two sets of options, and for each parameter one of them; with what is one for all."""
        return settings_of(self, parameters)

    def trace(self, run, problem):
        return trace.observe(run, problem)

    def options(self, problem):
        given = [item for settings in problem.settings for item in settings.items()]
        return [*given, *(("lr", line.lr) for line in problem.script)]

    def resumed(self, first, second, problem):
        return trace.resumed(first, second, problem)

    def narrowed(self, role, thing):
        constructed = {name: values for name, values in self.constructed.items() if takes(thing, name)}
        settings = self.settings.map(functools.partial(taken, thing))
        return dataclasses.replace(self, settings=settings, constructed=constructed)


@st.composite
def settings_of(draw, entry, parameters):
    two = draw(entry.settings), draw(entry.settings)
    constructed = {name: draw(of) for name, of in entry.constructed.items() if draw(st.booleans())}
    return [two[draw(ONE_OF_TWO)] | constructed for _ in range(parameters)]


@st.composite
def scripts(draw, entry, dtype, lrs=LRS, restore=False, sizes=None, steps=(3, 5)):
    sizes = sizes or draw(entry.sizes, label="shapes")
    line = lines(tuple(sizes), dtype, lrs, restore, entry.gradient)
    return Problem(
        params=[draw(laid_out(draw(arrays(s, dtype)))) for s in sizes],
        settings=draw(entry.settings_of(len(sizes)), label="settings"),
        script=draw(st.lists(line, min_size=steps[0], max_size=steps[1]), label="script"),
    )


@st.composite
def from_any_state(draw, entry, dtype):
    sizes = draw(entry.sizes, label="shapes")
    tensors = [graded(s, dtype, exponents=(-8, 2)) for s in sizes]
    settings = [draw(entry.settings) for _ in sizes]
    return Problem(
        params=[draw(st.just(np.zeros(s, dtype)) | t) for s, t in zip(sizes, tensors, strict=True)],
        settings=settings,
        script=[Line(draw(LRS), "drop", tuple(draw(t) for t in tensors))],
        state=[draw(entry.state(t, s)) for t, s in zip(tensors, settings, strict=True)],
    )
