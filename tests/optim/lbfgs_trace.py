"""An L-BFGS run as its closure sees it: of each step, where it began, where the loss was asked for, and where it ended.

A step asks for the loss many times, and what it does next hangs on the answers.  So a rung is held to the formula step
by step, from where the rung itself stood and with the answers that the rung itself was given: where it asked next, how
often, and what it remembers afterwards must be what the formula admits.
"""

import copy
import functools
import itertools
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from tests.engine import Bounded, Different, Opaque, assert_same, assert_within
from tests.engine.arithmetic import format_of
from tests.engine.arrays import snapshot, tensor
from tests.engine.branches import some_way
from tests.families import Run

COUNTS = ("func_evals", "n_iter")
SCRATCH = {"al"}  # where torch's first loop leaves what the second needs


class Problem(NamedTuple):
    params: list
    settings: dict
    answer: Any  # the loss and its gradient, of w and of how often they were asked for before
    steps: int = 2
    without: frozenset = frozenset()  # parameters that receive no gradient
    restore: bool = False  # before each step, go on with a fresh optimizer that has loaded the state


class Step(NamedTuple):
    w: np.ndarray
    state: dict
    asked: list  # of (w, loss, gradient)
    end: np.ndarray
    end_state: dict
    grad: Any = None  # as the step left it
    returned: Any = None


def observe(run, problem):
    """Every step of a rung."""
    ask = _Asked(problem)
    play = _manual if run.rung is Rung.MANUAL else _raw if run.rung is Rung.RAW else _object
    steps = []
    for w, state, *end in play(run.impl, problem, ask):
        steps.append(Step(w, state, ask.taken(), *end))
    return steps


def outside(steps):
    """What there is to see of a run: torch keeps some numbers as tensors, and the order of its keys is no matter."""
    return [step._asdict() | {"state": None, "end_state": told(step.end_state, snapshot)} for step in steps]


def in_turns(first, second, problem):
    """What is seen when two classes take turns, each loading what the other has saved."""
    turns = itertools.cycle([first, second])
    taken = lambda *args, **options: next(turns)(*args, **options)
    return outside(observe(Run(Rung.CUSTOM, taken), problem._replace(restore=True)))


class _Asked:
    """The problem's answers, and a record of them."""

    def __init__(self, problem):
        self.answer, self.count, self.record = problem.answer, itertools.count(), []
        self.heard = np.concatenate([np.full(w.size, i not in problem.without) for i, w in enumerate(problem.params)])

    def __call__(self, w):
        loss, g = self.answer(w, next(self.count))
        self.record.append((w, loss, np.where(self.heard, g, 0).astype(w.dtype)))
        return self.record[-1][1:]

    def taken(self):
        record, self.record = self.record, []
        return record


def _manual(step, problem, ask):
    w, state = np.concatenate([w.reshape(-1) for w in problem.params]), step.__defaults__[0]
    for _ in range(problem.steps):
        end, after = step(ask, w, state, **problem.settings)
        yield w, state._asdict(), end, after._asdict()
        w, state = end, after


def _raw(step, problem, ask):
    leaves, state = [tensor(w).requires_grad_() for w in problem.params], {}
    for _ in range(problem.steps):
        w, before = _place(leaves), copy.deepcopy(state)
        step(_closure(leaves, problem, ask), leaves, state, **problem.settings)
        yield w, before, _place(leaves), copy.deepcopy(state), _grad(leaves)


def _object(cls, problem, ask):
    leaves, before = [tensor(w).requires_grad_() for w in problem.params], {}
    optimizer = cls(leaves, **problem.settings)
    for _ in range(problem.steps):
        if problem.restore:
            saved, optimizer = copy.deepcopy(optimizer.state_dict()), cls(leaves, **problem.settings)
            optimizer.load_state_dict(saved)
        w = _place(leaves)
        returned = optimizer.step(_closure(leaves, problem, ask))
        after = copy.deepcopy(optimizer.state_dict()["state"][0])
        yield w, before, _place(leaves), after, _grad(leaves), snapshot(returned)
        before = after


def _place(leaves):
    return np.concatenate([snapshot(p).reshape(-1) for p in leaves])


def _grad(leaves):
    return np.concatenate([snapshot(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in leaves])


def _closure(leaves, problem, ask):
    ends = np.cumsum([w.size for w in problem.params])[:-1]

    def closure():
        loss, g = ask(_place(leaves))
        for i, (p, part) in enumerate(zip(leaves, np.split(g, ends), strict=True)):
            p.grad = None if i in problem.without else tensor(part.reshape(p.shape))
        return tensor(loss)

    return closure


# ── what the formula admits ──

ADMITTED = "what the formula admits"


def answers(formula, steps, settings, roundings):
    """What the formula says to each step, from where the rung stood and with the answers that the rung was given."""
    return [_answer(formula, step, settings, roundings) for step in steps]


def _answer(formula, step, settings, roundings):
    try:
        assert_admissible(formula, step, settings, "it", roundings)
    except Different as complaint:
        return str(complaint)
    return ADMITTED


def assert_admissible(formula, step, settings, what, roundings=1):
    """A step that a rung took is one that the formula admits, from the rung's own state and with its own answers.

    From a state that is not told no step can be followed.
    """
    if isinstance(step.state, Opaque):
        return
    dtype = str(step.w.dtype)
    bounded = functools.partial(Bounded.exact, format=format_of(dtype, roundings))

    def attempt():
        answers = iter(step.asked)

        def evaluate(w):
            asked = next(answers, None)
            if asked is None:
                raise Different(f"{what}: asked for the loss {len(step.asked)} times, expected more")
            assert_within(asked[0], w, f"{what}, where the loss was asked for")
            return bounded(asked[1]), bounded(asked[2])

        state = {k: _each(v, lambda x: _lifted(x, bounded)) for k, v in step.state.items() if k not in SCRATCH}
        w, state = formula(evaluate, bounded(step.w), type(formula.__defaults__[0])(**state), **settings)
        if next(answers, None) is not None:
            raise Different(f"{what}: asked for the loss {len(step.asked)} times, expected fewer")
        assert_within(step.end, w, f"{what}, parameters")
        if isinstance(step.end_state, Opaque):
            return
        number = lambda x: x if isinstance(x, Bounded) else Bounded.constant(x, format_of(dtype, roundings))
        expected = told(state._asdict(), number)
        assert_same(told(step.end_state, lambda x: _array(x, dtype)), expected, f"{what}, state")

    some_way(attempt)


def told(state, number):
    """What a rung remembers; before the first iteration only that there was none."""
    counts = {name: state.get(name, 0) for name in COUNTS}
    if not counts["n_iter"]:
        return counts
    return counts | {name: _each(state[name], number) for name in sorted(state.keys() - SCRATCH - counts.keys())}


def _each(value, number):
    return [number(v) for v in value] if isinstance(value, list | tuple) else value if value is None else number(value)


def _lifted(x, bounded):
    """A number of Python's is what it was given as, and any rung may round it once; an array is known."""
    return x if isinstance(x, int | float) and not isinstance(x, np.generic) else bounded(snapshot(x))


def _array(x, dtype):
    return snapshot(x) if isinstance(x, np.ndarray | np.generic | torch.Tensor) else np.asarray(x, dtype)


# ── of a stranger's ──


@functools.cache
def tells(thing):
    """Whether a stranger's class says what it remembers, under torch's names."""
    try:
        found = [_remembered(cls) for cls in (torch.optim.LBFGS, thing)]
    except Exception:  # the laws will tell what it raises
        return False
    return found[0] <= found[1]


def _remembered(cls):
    w = torch.ones(2, requires_grad=True)
    optimizer = cls([w], lr=1)

    def closure():
        w.grad = w.detach() ** 3
        return (w.detach() ** 4).sum() / 4

    optimizer.step(closure)
    return optimizer.state_dict()["state"][0].keys()
