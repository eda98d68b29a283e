"""Problems for L-BFGS: smooth functions with hollows, whose steps can be certified, and answers that are no function at
all, which lead a line search where no function would."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from impls.since import TORCH
from tests.capabilities import taken
from tests.engine.arrays import graded, shapes
from tests.engine.compare import STEP
from tests.families import Entry
from tests.optim import lbfgs_trace
from tests.optim.lbfgs_trace import Problem
from tests.optim.problems import Options

LRS = st.sampled_from([1, 0.5, 0.1])
RESTORED = st.booleans()
SIZES = st.lists(shapes(max_side=2, empty=False), min_size=1, max_size=3)
OPTIONS = {
    "max_eval": st.sampled_from([None, None, 2, 6]),
    "tolerance_grad": st.sampled_from([1e-7, 1e-7, 0.5]),
    "history_size": st.sampled_from([1, 2, 100]),
}
MAXIMIZE = st.fixed_dictionaries({"maximize": st.booleans()} if TORCH >= (2, 14) else {})


def options(iterations, smallest, search=None):
    changes = {
        "max_iter": st.sampled_from(iterations),
        "tolerance_change": st.sampled_from([smallest, 1e-2, smallest, 0.3]),
    }
    return st.fixed_dictionaries(OPTIONS | changes | {"line_search_fn": st.just(search)})


# What a line search has found hangs on cubics, and what follows on it: of two such iterations in one step the bound may
# be infinite, and in float32 of one, or of three without a search.  There they are compared to the bit alone, and one
# iteration a step.
CERTIFIED = {
    "float64": options([1, 2, 3], 1e-9) | options([1], 1e-9, "strong_wolfe"),
    "float32": options([1, 2, 2], 1e-4),
}
ANY = options([1, 5, 20], 1e-9) | options([1, 5, 20], 1e-9, "strong_wolfe") | options([1, 5, 20], 1e-9, "strong_wolfe")


class Hollows(NamedTuple):
    """½ Σ a u² + b Σ cos 3u + k Σ uᵢuᵢ₊₁, with u = w - c: bowls, convex or not, each tied to the next; upside down for
    who maximizes."""

    a: np.ndarray
    b: float
    c: np.ndarray
    k: float
    sign: int = 1

    def __call__(self, w, _count):
        u = w.astype(np.float64) - self.c
        tied = np.concatenate([u[1:], [0.0]]) + np.concatenate([[0.0], u[:-1]])
        loss = (self.a * u * u).sum() / 2 + self.b * np.cos(3 * u).sum() + self.k * (u[1:] * u[:-1]).sum()
        g = self.a * u - 3 * self.b * np.sin(3 * u) + self.k * tied
        return w.dtype.type(self.sign * loss), (self.sign * g).astype(w.dtype)


class Noise(NamedTuple):
    """By lot, whatever w is: losses equal or all but equal, and gradients that mostly stay as steep as they were, or of
    every other lot nearly always."""

    seed: int

    def __call__(self, w, count):
        drawn, steep = (np.random.default_rng([self.seed, n]) for n in (count, 2**32 - 1))
        g = steep.normal(size=w.size) * drawn.choice([0.5, 1.0, 1.0, 2.0, 4.0])
        if drawn.random() < (0.4, 0.2)[self.seed % 2]:
            g = drawn.normal(size=w.size)
        return w.dtype.type(drawn.choice([-1.0, -1.0, -1.0, -1e-3, -1e-6, 0.0, 1e-6, 1.0])), g.astype(w.dtype)


@st.composite
def hollows(draw, size):
    number = st.sampled_from
    return Hollows(
        a=np.array(draw(st.lists(number([0.05, 0.5, 3.0, 10.0]), min_size=size, max_size=size))),
        b=draw(number([0.0, 0.02, 0.3, 2.0])),
        c=draw(graded((size,), "float64", exponents=(-3, 2))),
        k=draw(number([0.0, 0.02])),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LBFGS(Entry[Problem]):
    """How the problems for L-BFGS are drawn; each step of a rung is judged from where that rung stood."""

    certified: Mapping[str, Options] = dataclasses.field(default_factory=lambda: CERTIFIED)
    maximize: Options = MAXIMIZE
    restored: SearchStrategy[bool] = RESTORED  # whether the state is saved and loaded before each step
    levels = (STEP,)
    saves = True
    varieties = {
        "several parameters": lambda problem: len(problem.params) > 1,
        "a gradient that is missing": lambda problem: bool(problem.without),
        "a state that is saved and loaded": lambda problem: problem.restore,
    }

    def problems(self, dtype, any=False):
        return any_problems(self, dtype) if any else smooth(self, dtype)

    def trace(self, run, problem):
        formula = run.ladders["optim.lbfgs"].manual
        return lbfgs_trace.answers(formula, lbfgs_trace.observe(run, problem), problem.settings, run.roundings)

    def expected(self, cell, problem):
        return [lbfgs_trace.ADMITTED] * problem.steps

    def bits(self, run, problem):
        return lbfgs_trace.outside(lbfgs_trace.observe(run, problem))

    def options(self, problem):
        return problem.settings.items()

    def resumed(self, first, second, problem):
        return lbfgs_trace.in_turns(first, second, problem)

    def narrowed(self, role, thing):
        without = functools.partial(taken, thing)
        certified = {dtype: settings.map(without) for dtype, settings in self.certified.items()}
        restored = self.restored if lbfgs_trace.tells(thing) else st.just(False)
        return dataclasses.replace(self, certified=certified, maximize=self.maximize.map(without), restored=restored)


@st.composite
def smooth(draw, entry, dtype):
    """Hollows, and options under which a step's bound is finite."""
    sizes = draw(SIZES, label="shapes")
    problem = Problem(
        params=[draw(graded(s, dtype, exponents=(-3, 2))) for s in sizes],
        settings=draw(entry.certified[dtype], label="settings") | {"lr": draw(LRS)},
        answer=draw(hollows(sum(int(np.prod(s)) for s in sizes)), label="answer"),
        steps=draw(st.integers(1, 3)),
        without=draw(st.sampled_from([frozenset(), frozenset(), frozenset({0})])),
        restore=draw(entry.restored),
    )
    upwards = draw(entry.maximize)
    answer = problem.answer._replace(sign=-1 if upwards.get("maximize") else 1)
    return problem._replace(settings=problem.settings | upwards, answer=answer)


@st.composite
def any_problems(draw, entry, dtype):
    """Any answers, and any options, a rate that is a tensor among them."""
    problem = draw(smooth(entry, dtype))
    upwards = {name: value for name, value in problem.settings.items() if name == "maximize"}
    noise = st.integers(0, 2**32 - 1).map(Noise)
    return problem._replace(
        settings=draw(ANY, label="settings") | {"lr": draw(LRS | LRS.map(torch.tensor))} | upwards,
        answer=draw(noise | noise | st.just(problem.answer), label="answer"),
        steps=5,
    )
