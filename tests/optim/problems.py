"""Scripts for optimizers: several parameters, missing and accumulated gradients, a learning rate per step."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.capabilities import taken, takes
from tests.engine.arrays import FIFTHS, TENTHS, arrays, graded, kinds_of, laid_out, shapes
from tests.engine.compare import PARAMETER, STEP
from tests.families import Entry
from tests.optim import trace
from tests.optim.trace import Line, Problem

LRS = st.sampled_from([1.0, 0.1, 0.01, 1e-3])
FROZEN = st.sampled_from([None, None, None, 0])
SCALES, ONE_OF_TWO = st.sampled_from([1.0, 2.0**-26, 2.0**-10, 2.0**10]), st.sampled_from([0, 1])


def several(shapes):
    """The shapes of several parameters, one time in three all the same."""
    apart = st.lists(shapes, min_size=2, max_size=3)
    return apart | apart | st.tuples(shapes, st.integers(2, 3)).map(lambda same: [same[0]] * same[1])


SIZES = several(shapes(max_side=3))

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
def lines(sizes, dtype, lrs, restore, gradient=gradients, old=("keep", "zero", "drop"), frozen=None):
    """One line of a script for parameters of these sizes, of which a frozen one has no gradient."""
    grads = st.tuples(*(st.none() if i == frozen else gradient(size, dtype) for i, size in enumerate(sizes)))
    return st.builds(
        Line, lr=lrs, old=st.sampled_from(old), grads=grads, restore=st.booleans() if restore else st.just(False)
    )


def parameter_is(kind):
    return lambda problem: any(kind in kinds_of(w) for w in problem.params)


def gradient_is(kind):
    return lambda problem: any(g is not None and kind in kinds_of(g) for line in problem.script for g in line.grads)


def has_counted(steps):
    return lambda problem: any(state.get("step", 0) > steps for state in problem.state or ())


COUNTS = {  # beyond which a format has not every whole number, or none
    "a count beyond bfloat16's": has_counted(2**8),
    "a count beyond float16's": has_counted(2**11),
    "a count beyond float16's range": has_counted(65504),
    "a count at the end of float32's": has_counted(2**24 - 3),
}
EMPTY, SCALAR = "a parameter without elements", "a parameter that is a scalar"
VARIETIES = {
    **{f"a parameter that is {kind}": parameter_is(kind) for kind in ("transposed", "strided", "behind an offset")},
    **{f"a gradient that is {kind}": gradient_is(kind) for kind in ("transposed", "strided", "expanded")},
    "a parameter whose sizes coincide": parameter_is("square"),
    "a parameter whose sizes do not": parameter_is("oblong"),
    SCALAR: parameter_is("a scalar"),
    EMPTY: parameter_is("an empty array"),
    "two parameters of one shape": lambda problem: len({w.shape for w in problem.params}) < len(problem.params),
    "a gradient that is missing": lambda problem: any(g is None for line in problem.script for g in line.grads),
    "a parameter that requires no gradient": lambda problem: problem.frozen is not None,
    "a rate that changes": lambda problem: len({line.lr for line in problem.script}) > 1,
    "a state that is saved and loaded": lambda problem: any(line.restore for line in problem.script),
    **COUNTS,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer(Entry[Problem]):
    """How the scripts for one optimizer are drawn."""

    settings: Options
    state: Callable[..., Options]  # of a strategy for tensors and of settings: what any number of steps may have left
    constructed: Mapping[str, SearchStrategy[Any]] = dataclasses.field(default_factory=dict)  # not by group
    sizes: SearchStrategy[list[tuple[int, ...]]] = SIZES
    gradient: Callable[..., SearchStrategy[Any]] = gradients
    asks: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=lambda: {"bits": {"restore": True}})
    levels = (STEP, PARAMETER)
    saves = True
    varieties = VARIETIES

    def drawn(self, dtype):
        return [*super().drawn(dtype), self.continued(dtype)]

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
    frozen = None if sizes else draw(FROZEN, label="frozen")
    sizes = sizes or draw(entry.sizes, label="shapes")
    line = lines(tuple(sizes), dtype, lrs, restore, entry.gradient, frozen=frozen)
    return Problem(
        params=[draw(laid_out(draw(arrays(s, dtype)))) for s in sizes],
        settings=draw(entry.settings_of(len(sizes)), label="settings"),
        script=draw(st.lists(line, min_size=steps[0], max_size=steps[1]), label="script"),
        frozen=frozen,
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
