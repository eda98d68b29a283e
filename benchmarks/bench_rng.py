"""Random numbers: what it costs to be torch's generator in NumPy, and, for a shuffle, in Python."""

import itertools

import numpy as np
import torch

from benchmarks.paired import Runner, Size, contest
from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.engine.compare import STEP
from tests.rng.test_rng import Draw, admissible
from tests.rng.trace import state_of

SEED = 42
KINDS = {
    "rand": lambda n: {"shape": (n,)},
    "uniform": lambda n: {"low": -0.1, "high": 0.1, "shape": (n,)},
    "randint": lambda n: {"low": 0, "high": 10, "shape": (n,)},
    "randperm": lambda n: {"n": n},
    "normal": lambda n: {"shape": (n,)},
    "bernoulli": lambda n: {"p": 0.8, "shape": (n,)},
}
NUMBERS = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
SIZES = [Size(f"{kind}-{label}", elements=n) for kind, (label, n) in itertools.product(KINDS, NUMBERS.items())]


@contest("rng", SIZES, (Rung.MANUAL, Rung.NATIVE), devices=("cpu",))
def test_draw(race):
    """The draws are torch's, and so is the generator that they leave; native's price is that of a call of torch."""
    race(assert_equivalent, start)


def assert_equivalent(case):
    """Two draws are the manual rung's, of a normal within its bound."""
    trace, native = (_two_draws(c) for c in (case._replace(contestant="manual"), case))
    kind, settings = _draw(case)
    assert_same(native, admissible([Draw(kind, {"std": 1.0, **settings})] * 2, trace), f"{case}", levels=(STEP,))


def _two_draws(case):
    runner, trace = start(case), []
    for _ in range(2):
        runner.step()
        trace.append(runner.look())
    return trace


def _draw(case):
    kind, _, _ = case.size.label.partition("-")
    settings = KINDS[kind](case.size["elements"])
    return kind, settings if kind in ("randperm", "randint") else settings | {"dtype": case.dtype}


def start(case):
    manual = case.rung is Rung.MANUAL
    draws = LADDERS["rng"].manual if manual else LADDERS["rng"].raw  # of native's generator raw only hands on the calls
    kind, settings = _draw(case)
    if "dtype" in settings:
        settings["dtype"] = np.dtype(case.dtype).type if manual else getattr(torch, case.dtype)
    draw, state, values = getattr(draws, kind), draws.seed(SEED), None

    def step():
        nonlocal values, state
        values, state = draw(state, **settings)

    def look():
        return {"values": snapshot(values), "state": (state if manual else state_of(state))._asdict()}

    return Runner(step, look)
