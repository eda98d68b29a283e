"""A layer or a loss, forward and back: how each rung's pass is timed, and how it is shown to be the formula's."""

import functools
import inspect

import numpy as np
import torch

from benchmarks.paired import Runner
from impls.ladder import Rung
from tests.cells import LADDERS, Cell
from tests.engine import assert_same
from tests.engine.arrays import snapshot, tensor
from tests.families import expected
from tests.rng.trace import state_of


class Passes:
    """`problem(case)` is what goes in, a tests.nn.trace.Problem."""

    def __init__(self, problem):
        self.problem = functools.cache(lambda case: problem(case))
        self.expected = functools.cache(lambda case: expected(Cell(case.concept, (), case.dtype), self.problem(case)))

    def assert_equivalent(self, case):
        """Output and gradients are the formula's; custom's are native's to the bit."""
        look = self.looked(case)
        assert_same(look, self.expected(case.native), f"{case}")
        if case.rung is Rung.CUSTOM and case.device == "cpu":
            assert_same(look, self.looked(case.native), f"{case}")

    def looked(self, case):
        runner = self.start(case)
        runner.step()
        return runner.look()

    def start(self, case):
        problem, impl = self.problem(case.native), getattr(LADDERS[case.concept], case.rung)
        if case.rung is Rung.MANUAL:
            return _manual(impl, problem)
        generator = torch.manual_seed(problem.seed or 0)
        x, *rest = leaves = [
            tensor(a, case.device).requires_grad_(n)
            for a, n in zip(problem.inputs.values(), problem.needs, strict=True)
        ]
        if case.rung is Rung.RAW or inspect.isbuiltin(impl):
            drawn = {} if problem.seed is None else {"generator": generator}
            function = functools.partial(impl, x, *rest, **problem.settings, **drawn)
        elif "weight" in problem.inputs:
            function, leaves = _layer(impl, problem, x)
        else:
            function = functools.partial(impl(**problem.settings), x, *rest)
        return _torch(function, leaves, tensor(problem.dy, case.device), problem, generator)


def _layer(cls, problem, x):
    """A layer with the problem's parameters, and the leaves of its pass."""
    dtype = getattr(torch, str(problem.inputs["weight"].dtype))
    module = cls(**problem.born, **problem.settings, dtype=dtype, device=x.device)
    module.load_state_dict({name: torch.from_numpy(a) for name, a in problem.inputs.items() if name != "x"})
    return functools.partial(module, x), [x, *module.parameters()]


def _manual(pair, problem):
    rng = [] if problem.seed is None else [LADDERS["rng"].manual.seed(problem.seed)]
    inputs, y, grads = list(problem.inputs.values()), None, None

    def step():
        nonlocal y, grads, rng
        y, saved, *left = pair.forward(*inputs, *rng, **problem.settings)
        rng = left if rng else []
        grads = pair.backward(problem.dy, saved, problem.needs)

    return Runner(step, lambda: _trace(y, grads, problem, *rng))


def _torch(function, leaves, dy, problem, generator):
    y = None

    def step():
        nonlocal y
        for leaf in leaves:
            leaf.grad = None
        y = function()
        y = y[0] if isinstance(y, tuple) else y  # a raw batch norm remembers
        y.backward(dy)

    return Runner(step, lambda: _trace(y, [leaf.grad for leaf in leaves], problem, generator))


def _trace(y, grads, problem, rng=None):
    gradient = dict(zip(problem.inputs, map(snapshot, grads), strict=True))
    if problem.seed is None:
        return {"output": snapshot(y), "gradient": gradient}
    state = state_of(rng) if isinstance(rng, torch.Generator) else rng
    return {"output": snapshot(y), "gradient": gradient, "generator": state._asdict()}


def ones(case):
    """The gradient of a loss."""
    return np.ones((), case.dtype)
