"""Which parameter is to be drawn: of which shape, from which seed, with which settings."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from impls.ladder import Rung
from tests.capabilities import requires, taken, takes
from tests.engine.arithmetic import format_of
from tests.families import Entry, Run, observe
from tests.init import trace

Shape = tuple[int, ...]
SEEDS = st.integers(0, 2**32 - 1)
OWN, GLOBAL, NONE = st.sampled_from([None, "own"]), st.sampled_from([None, "global"]), st.none()


class Problem(NamedTuple):
    shape: Shape
    settings: dict[str, Any]
    seed: int
    dtype: str
    generator: str | None = None  # that is drawn from, and handed over with a tensor: "own", or "global"; None is none


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fill(Entry[Problem]):
    """What draws a parameter, or computes it."""

    settings: Callable[[Shape], SearchStrategy[dict[str, Any]]]
    few: SearchStrategy[Shape]  # up to fifteen elements, which torch draws one by one
    many: SearchStrategy[Shape]
    seeds: SearchStrategy[int] = SEEDS
    generators: SearchStrategy[str | None] = OWN
    rounds: bool = False  # on the manual rung more than torch does
    decides: bool = False  # by what it has drawn, what it draws next

    def problems(self, dtype, many=False):
        """Of few elements, where a normal draw is the C library's on every rung; or of any number, none among them."""
        return of_shape(self, self.many if many else self.few, dtype)

    def trace(self, run, problem):
        return trace.observe(run, problem)

    def expected(self, cell, problem):
        """Native's parameter to the bit; or, where an operation may cost several roundings, what they make of its
        draws."""
        if (cell.roundings == 1 and not self.rounds) or self.decides or 0 in problem.shape:
            return observe(cell, Rung.NATIVE, problem)
        run = Run(Rung.MANUAL, cell.ladder.manual, cell.ladders)
        return trace.within_rounding(run, problem, format_of(problem.dtype, cell.roundings))

    def options(self, problem):
        return [*problem.settings.items(), ("generator", problem.generator)]

    def narrowed(self, role, thing):
        """The settings that it takes, and those that torch's has to be given."""
        always = [name for name in ("val", "sparsity") if requires(thing, name)]
        generators = self.generators if takes(thing, "generator") else NONE
        settings = lambda shape: self.settings(shape).map(lambda given: taken(thing, given, *always))
        return dataclasses.replace(self, settings=settings, generators=generators)


@st.composite
def of_shape(draw, entry, shapes, dtype):
    shape = draw(shapes, label="shape")
    settings, seed = draw(entry.settings(shape), label="settings"), draw(entry.seeds, label="seed")
    return Problem(shape, settings, seed, dtype, draw(entry.generators, label="generator"))


def given(required=None, /, **optional):
    """Settings: what is required, and of the rest each left to its default at times."""
    return functools.cache(lambda _shape: _given(required or {}, optional))


@st.composite
def _given(draw, required, optional):
    kept = {name: values for name, values in optional.items() if draw(st.integers(0, 3), label=f"{name} is given")}
    return {name: draw(values, label=name) for name, values in (required | kept).items()}


def groups(shape):
    """Groups into which the outputs can be parted."""
    parted = st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0])
    return st.fixed_dictionaries({}, optional={"groups": parted})


UNIFORM = given(a=st.sampled_from([0.0, -1.0, -0.1]), b=st.sampled_from([1.0, 0.1]))
NORMAL = given(mean=st.sampled_from([0.0, 1.5]), std=st.sampled_from([1.0, 0.02, 3.0]))
GAIN = given(gain=st.sampled_from([1.0, 0.5, 5 / 3]))
KAIMING = given(
    a=st.sampled_from([0, 0.2, 5**0.5]),
    mode=st.sampled_from(["fan_in", "fan_out"]),
    nonlinearity=st.sampled_from(["leaky_relu", "relu", "tanh", "conv2d"]),
)
CONSTANT = given({"val": st.sampled_from([0, 1, 0.3, -2.5])})
SPARSITY = given({"sparsity": st.sampled_from([0.1, 0.5, 0.0, 0.9, 1.0])}, std=st.sampled_from([0.01, 1.0]))
TRUNCATED = st.sampled_from(
    [  # much of the bell inside, and little: above, below and around its peak
        {},
        {"std": 0.02},
        {"mean": 0.5, "std": 3.0},
        {"a": -0.5, "b": 0.6},
        {"mean": 0.5, "std": 3.0, "a": -0.5, "b": 0.6},
        {"mean": -1.0, "a": -0.5, "b": 0.1},
        {"mean": 1.0, "a": -2.0, "b": -0.5},
    ]
)
# Few: an acceptance is decided by a logarithm, which NumPy and torch may round apart, on no seed seen so far.
DECIDED = st.integers(0, 31)


# ── shapes ──


def _shapes(least, most, largest, smallest=1):
    return st.lists(st.integers(smallest, largest), min_size=least, max_size=most).map(tuple)


def _few(least, most):
    """Shapes of up to fifteen elements."""
    return _shapes(least, most, {1: 15, 2: 3, 3: 2, 4: 1}[most])


ANY = {"few": _few(1, 1) | _few(0, 2), "many": _shapes(0, 3, 9, smallest=0)}
FANS = {
    "few": _few(2, 2) | _few(2, 3) | st.sampled_from([(1, 15), (15, 1), (3, 5), (5, 3), (2, 3, 2)]),
    "many": _shapes(2, 4, 7),
}
MATRICES = {
    "few": _few(2, 2) | st.sampled_from([(15, 1), (5, 3), (3, 5), (7, 2)]),
    "many": st.tuples(st.integers(1, 20), st.integers(1, 9)),
}
CHANNELS = st.tuples(st.sampled_from([2, 4, 6]), st.integers(1, 4))
KERNELS = dict.fromkeys(
    ("few", "many"), CHANNELS.flatmap(lambda channels: _shapes(1, 3, 4).map(lambda kernel: (*channels, *kernel)))
)


# ── gains ──


class Question(NamedTuple):
    nonlinearity: str
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gain(Entry[Question]):
    """What a gain is asked of."""

    questions: tuple[Question, ...]

    def problems(self, dtype):
        return st.sampled_from(self.questions)

    def trace(self, run, problem):
        return {"gain": np.float64(run.impl(problem.nonlinearity, **problem.settings))}

    def expected(self, cell, problem):
        """Native's number: a gain is one, whatever the rung."""
        return observe(cell, Rung.NATIVE, problem)

    def options(self, problem):
        return problem.settings.items()

    def narrowed(self, role, thing):
        """The questions whose settings it takes."""
        kept = tuple(question for question in self.questions if all(takes(thing, name) for name in question.settings))
        return dataclasses.replace(self, questions=kept)


NAMES = ["linear", "sigmoid", "tanh", "relu", "selu", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "leaky_relu"]
SLOPES = [None, 0, 0.2, 5**0.5, 1]
QUESTIONS = (
    *(Question(name, {}) for name in NAMES),
    *(Question("leaky_relu", {"param": slope}) for slope in SLOPES),
)
