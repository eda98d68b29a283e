"""How a layer or a loss is drawn and observed, and how a chain of layers is."""

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.engine.arrays import kinds_of, laid_out, lattice
from tests.families import Entry
from tests.nn import chain_door, door, trace
from tests.nn.trace import Chain, Problem


def input_is(kind):
    return lambda problem: any(kind in kinds_of(a) for a in problem.inputs.values())


VARIETIES = {
    **{f"an input that is {kind}": input_is(kind) for kind in ("transposed", "strided", "behind an offset")},
    "a gradient from above that is expanded": lambda problem: "expanded" in kinds_of(problem.dy),
    "an input whose sizes coincide": input_is("square"),
    "an input whose sizes do not": input_is("oblong"),
    "an input without elements": input_is("an empty array"),
    "nobody who needs a gradient": lambda problem: not any(problem.needs),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layer(Entry[Problem]):
    """A layer, or a loss: a formula with its derivative."""

    draw: Callable[..., SearchStrategy[Problem]]  # of a dtype
    door: Any = door
    varieties = VARIETIES

    def problems(self, dtype, inplace=False, contiguous=False, **ask):
        drawn = self.draw(dtype, **ask) if contiguous else self.draw(dtype, **ask).flatmap(_laid_out)
        return drawn.flatmap(_in_place) if inplace else drawn

    def trace(self, run, problem):
        return trace.observe(run, problem)

    def options(self, problem):
        """Its settings, and its parameters, which are options of a function, under a letter on the manual rung."""
        letters = [(name[0], a) for name, a in problem.inputs.items()]
        drawn = [("rng", problem.seed), ("generator", problem.seed), ("stats", problem.stats)]
        return [*problem.settings.items(), *problem.born.items(), *problem.inputs.items(), *letters, *drawn]

    def narrowed(self, role, thing):
        kept = lambda dtype, **ask: self.draw(dtype, **ask).map(lambda p: door.without(role, thing, p)).filter(bool)
        return dataclasses.replace(self, draw=door.asked_of(self, role, thing, kept))

    # ── of its derivative ──

    def all_needed(self, problem):
        """The problem, in which the gradient of everything is needed that has one."""
        return problem._replace(needs=tuple(a.dtype.kind == "f" for a in problem.inputs.values()))

    def directions(self, problem):
        """A direction for each input that has a derivative."""
        real = {name: a for name, a in problem.inputs.items() if a.dtype.kind == "f"}
        return st.fixed_dictionaries({name: lattice(a.shape, str(a.dtype)) for name, a in real.items()})

    def along(self, pair, problem, name, v):
        """<u, f'v> for u the gradient from above and f' the derivative with respect to one input."""
        return trace.along(pair, problem, name, v)


@st.composite
def _laid_out(draw, problem):
    """The problem, of whose arrays some lie in memory in another way, and whose gradient from above may be expanded."""
    inputs = {name: draw(laid_out(a)) for name, a in problem.inputs.items()}
    return problem._replace(inputs=inputs, dy=draw(laid_out(problem.dy, expanded=True)))


def _in_place(problem):
    """The problem, at times in place, where native has a derivative of that."""
    can = problem.settings.get("negative_slope", 1) > 0
    return st.booleans().map(lambda asked: problem._replace(settings=problem.settings | {"inplace": asked and can}))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sequence(Entry[Chain]):
    """A chain of layers, one after the other."""

    draw: Callable[[str], SearchStrategy[Chain]]
    door: Any = chain_door.DOOR

    def problems(self, dtype):
        return self.draw(dtype)

    def trace(self, run, problem):
        return trace.pass_through(run, problem)

    def options(self, problem):
        return [("training", problem.training), ("rng", problem.seed), ("generator", problem.seed)]
