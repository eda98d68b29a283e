"""Functions that are differentiated, as text: how they are drawn, and what a caller sees of their derivatives.

They do not round: all inputs are small multiples of one power of two, and no function is of a degree above 4.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from impls.ladder import Rung
from tests.autograd.trace import exact, known_to, on_arrays, snapshot
from tests.cells import LADDERS
from tests.engine.arrays import lattice
from tests.families import Entry, observe


class Problem(NamedTuple):
    function: str  # in the methods that the tensors of torch and of the tape share
    inputs: list[np.ndarray]
    v: np.ndarray | list[np.ndarray] | None = None  # what the derivative is multiplied with, by rows or by columns
    settings: dict[str, Any] = {}  # of the drop-ins


# ── what is drawn ───────────────────────────────────────────────────────────────────────────────

STEPS = ("(-{a})", "({a} + 1)", "({a} + {b})", "({a} - {b})", "({a} * {b})", "({a} * {a})", "({a} ** 2)", "{a}.sum()",
         "({a} @ {a}.t())", "{a}.t()", "{a}[-1]", "{a}.unbind()[0]", "{a}.chunk(2)[-1]", "{a}.reshape(-1)",
         "{a}.unsqueeze(0)", "{a}.expand(2, *{a}.shape)", "{a}.maximum({b})", "{a}.where({a} <= {b}, {b})")  # fmt: skip
SHAPES = st.sampled_from([(1,), (2,), (2, 2)])
NAMES = "ab"


@st.composite
def rows(draw, dtype):
    """A function of one input or two, and a vector like its result."""
    inputs = draw(_inputs(dtype, st.integers(1, 2)))
    function = draw(_functions(inputs))
    v = draw(_vectors([_value(function, inputs).shape], dtype))
    return Problem(function, inputs, *v, draw(_settings("create_graph")))


@st.composite
def columns(draw, dtype):
    """A function of one input or two, and a vector like each of them."""
    inputs = draw(_inputs(dtype, st.integers(1, 2)))
    v = draw(_vectors([x.shape for x in inputs], dtype))
    return Problem(draw(_functions(inputs)), inputs, v, draw(_settings("create_graph")))


@st.composite
def firsts(draw, dtype):
    """A function that depends on each of its inputs, one or two."""
    inputs = draw(_inputs(dtype, st.integers(1, 2)))
    function = draw(_functions(inputs)) + "".join(f" + {name}.sum()" for name in _names(inputs))
    return Problem(function, inputs, settings=draw(_settings("create_graph", "vectorize")))


@st.composite
def seconds(draw, dtype):
    """A function of one input with one number as its result."""
    inputs = draw(_inputs(dtype, st.just(1)))
    head, _, body = draw(_functions(inputs)).partition(": ")
    return Problem(f"{head}: {body}.sum() + a.sum()", inputs, settings=draw(_settings("create_graph", "vectorize")))


@st.composite
def _inputs(draw, dtype, number):
    shapes = [draw(SHAPES, label="shape") for _ in range(draw(number, label="inputs"))]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(draw(lattice((int(ends[-1]),), dtype, largest=2), label="elements"), ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


@st.composite
def _vectors(draw, shapes, dtype):
    """Not of zeros alone, which show nothing."""
    return [np.asarray(draw(lattice(tuple(shape), dtype, largest=2).filter(np.any), label="v")) for shape in shapes]


@st.composite
def _functions(draw, inputs):
    """One step or two from the inputs on; a step into which no shapes fit is left out."""
    known, head = [*_names(inputs)], f"lambda {', '.join(_names(inputs))}: "
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=2), label="steps"):
        a, b = known[-1 - draw(st.integers(0, len(known) - 1))], known[-1 - draw(st.integers(0, len(known) - 1))]
        body = step.format(a=a, b=b)
        if _value(head + body, inputs) is not None:
            known.append(body)
    return head + known[-1]


def _names(inputs):
    return NAMES[: len(inputs)]


def _value(function, inputs):
    """What torch makes of the inputs; None where their shapes do not fit."""
    try:
        return eval(function)(*map(torch.from_numpy, inputs))
    except (RuntimeError, IndexError):
        return None


def _settings(*names):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, st.just(True)))


# ── what is seen ────────────────────────────────────────────────────────────────────────────────


@dataclasses.dataclass(frozen=True, kw_only=True)
class Derivative(Entry[Problem]):
    """A function of functions: every rung differentiates the same function of its own tensors, or of arrays."""

    draw: Callable[[str], SearchStrategy[Problem]]

    def problems(self, dtype):
        return self.draw(dtype)

    def trace(self, run, problem):
        found = self.found(run, problem, [_known(run)(a) for a in problem.inputs])
        return {name: [snapshot(x) for x in several] for name, several in found.items()}

    def expected(self, cell, problem):
        """Native's, to the last digit: nothing rounds."""
        return exact(observe(cell, Rung.NATIVE, problem))

    def bits(self, run, problem):
        """What is found, whether it is recorded unasked, and the gradient of its sum; zeros lose their signs."""
        leaves = [_known(run)(a).requires_grad_() for a in problem.inputs]
        found = [y for several in self.found(run, problem, leaves).values() for y in several]
        sums = [y.sum() for y in found if y.requires_grad] + [(x * 0.0).sum() for x in leaves]
        gradient = getattr(LADDERS["autograd.grad"], run.rung)(sums, leaves)
        return {
            "found": [snapshot(y) + 0.0 for y in found],
            "recorded": [y.requires_grad for y in found if "create_graph" not in problem.settings],
            "gradient": [snapshot(g) + 0.0 for g in gradient],
        }

    def options(self, problem):
        return [*problem.settings.items(), ("v", problem.v)]

    def narrowed(self, role, thing):
        """A stranger's is called as the raw rung is, which has no options."""
        return dataclasses.replace(self, draw=lambda dtype: self.draw(dtype).map(lambda p: p._replace(settings={})))

    def found(self, run, problem, inputs):
        """Tensors, or arrays, under the names of what they are."""
        raise NotImplementedError


class Product(Derivative):
    """The value of a function, and its derivative times a vector."""

    def found(self, run, problem, inputs):
        function, several = _function(run, problem), isinstance(problem.v, list)
        v = tuple(map(_known(run), problem.v)) if several else _known(run)(problem.v)
        if run.rung in BARE:
            y, product = run.impl(function, tuple(inputs), v)
        else:
            y, product = run.impl(function, _one_or_all(inputs), _one_or_all(v) if several else v, **problem.settings)
        return {"value": [y], "derivative": _listed(product)}


class Whole(Derivative):
    """All derivatives of a function: of one input on the bare rungs, which hold the others."""

    def found(self, run, problem, inputs):
        function = _function(run, problem)
        if run.rung in BARE:
            holding = lambda i: lambda x: function(*inputs[:i], x, *inputs[i + 1 :])
            return {"derivative": [run.impl(holding(i), x) for i, x in enumerate(inputs)]}
        return {"derivative": _listed(run.impl(function, _one_or_all(inputs), **problem.settings))}


BARE = (Rung.MANUAL, Rung.RAW)  # without options, for several inputs as a tuple or for a single one


def _known(run):
    return np.asarray if run.rung is Rung.MANUAL else known_to(run.rung)


def _function(run, problem):
    function = eval(problem.function)
    return on_arrays(function) if run.rung is Rung.MANUAL else function


def _one_or_all(tensors):
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


def _listed(found):
    return list(found) if isinstance(found, tuple) else [found]
