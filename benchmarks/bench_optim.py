"""Optimizers: few large tensors or many small ones, since an optimizer pays per tensor and per element."""

import functools

import numpy as np

from benchmarks.flat import FlatAdam
from benchmarks.inplace import AdamInPlace
from benchmarks.paired import Runner, Size, contest, drawn
from impls.ladder import Rung
from tests.cells import LADDERS, Cell
from tests.engine import assert_same
from tests.engine.arrays import snapshot, tensor
from tests.families import expected as admitted
from tests.optim.trace import Line, Problem

SIZES = [
    Size("10x1k", tensors=10, each=1_000, elements=10_000),
    Size("6x39k", tensors=6, each=39_000, elements=234_000),
    Size("100x10k", tensors=100, each=10_000, elements=1_000_000),
]
LARGE = Size("10x1M", tensors=10, each=1_000_000, elements=10_000_000)  # where memory is what an optimizer pays
OTHERS = {
    "optim.adamw": {"lr": 1e-3},
    "optim.rmsprop": {"lr": 1e-2, "momentum": 0.9},
    "optim.adagrad": {"lr": 1e-2},
    "optim.adadelta": {"lr": 1.0},
    "optim.adamax": {"lr": 2e-3},
    "optim.nadam": {"lr": 2e-3},
    "optim.radam": {"lr": 1e-3},
    "optim.asgd": {"lr": 1e-2},
    "optim.rprop": {"lr": 1e-2},
}
SETTINGS = OTHERS | {"optim.sgd": {"lr": 1e-2, "momentum": 0.9}, "optim.adam": {"lr": 1e-3}}
JUDGED = 40_000  # elements of a tensor, by the bound: they do not see each other
FUSED = ("native+fused", "custom+flat")


@contest("optim.sgd", SIZES)
def test_sgd(race):
    """SGD with momentum takes the step of the formula, and this is what the step costs."""
    race(assert_equivalent, start)


@contest("optim.adam", SIZES, (*Rung, "native+foreach", *FUSED, "manual+inplace"))
def test_adam(race):
    """Adam takes the step of the formula, and this is what the step costs."""
    race(assert_equivalent, start)


@contest("optim.adam", [LARGE], ("custom", *FUSED), devices=("cpu",))
def test_adam_of_ten_million(race):
    """Adam takes the step of the formula where its operands fill no cache, and this is what the step costs."""
    race(assert_equivalent, start)


@contest(OTHERS, SIZES[:2])
def test_others(race):
    """Every other optimizer of elements takes the step of its formula, and this is what the step costs."""
    race(assert_equivalent, start)


@functools.cache
def given(case):
    """Parameters and their gradients."""
    count, each = case.size["tensors"], case.size["each"]
    return list(drawn((count, each), case.dtype, 1)), list(drawn((count, each), case.dtype, 2))


def assert_equivalent(case):
    """Two steps with one gradient are those of the formula; custom's are native's to the bit."""
    look = _two_steps(case)
    assert_same([w[:JUDGED] for w in look], expected(case.native), f"{case} parameter")
    if case.contestant == Rung.CUSTOM and case.device == "cpu":
        assert_same(look, _two_steps(case.native), f"{case} parameter")


def _two_steps(case):
    runner = start(case)
    runner.step()
    runner.step()
    return runner.look()


@functools.cache
def expected(case):
    params, grads = ([a[:JUDGED] for a in arrays] for arrays in given(case))
    settings = dict(SETTINGS[case.concept])
    line = Line(settings.pop("lr"), "drop", tuple(grads))
    problem = Problem(params, [settings] * len(params), [line, line])
    return [entry["parameter"] for entry in admitted(Cell(case.concept, (), case.dtype), problem)[-1]]


def start(case):
    params, grads = given(case.native)
    settings, ladder = SETTINGS[case.concept], LADDERS[case.concept]
    if case.contestant == "manual+inplace":
        adam = AdamInPlace(params, **settings)
        adam.grads[...] = np.concatenate(grads)
        return Runner(adam.step, lambda: adam.views(adam.params))
    if case.rung is Rung.MANUAL:
        return _manual(functools.partial(ladder.manual, **settings), dict(enumerate(params)), dict(enumerate(grads)))
    leaves = [tensor(w, case.device).requires_grad_() for w in params]
    for p, g in zip(leaves, grads, strict=True):
        p.grad = tensor(g, case.device)
    look = lambda: [snapshot(p) for p in leaves]
    if case.rung is Rung.RAW:
        state = {}
        return Runner(lambda: ladder.raw(leaves, state, **settings), look)
    if case.contestant == "custom+flat":
        return Runner(FlatAdam(leaves, **settings).step, look)
    _, _, variant = case.contestant.partition("+")
    return Runner(getattr(ladder, case.rung)(leaves, **settings, **({variant: True} if variant else {})).step, look)


def _manual(update, params, grads):
    walk, states = LADDERS["optim.optimizer"].manual, {}

    def step():
        nonlocal params, states
        params, states = walk(update, params, grads, states)

    return Runner(step, lambda: list(params.values()))
