"""Losses, forward and back: a few passes over a small table, so mostly the cost of calls."""

import numpy as np

from benchmarks.paired import Size, contest, drawn
from benchmarks.passes import Passes, ones
from tests.observe.nn import Problem

MSE = [Size(f"{rows}x1", rows=rows, elements=rows) for rows in (80, 8_000, 800_000)]
CROSS_ENTROPY = [Size(f"{rows}x10", rows=rows, elements=10 * rows) for rows in (8, 64, 4096)]


@Passes
def mse(case):
    shape = case.size["rows"], 1
    given = {"input": drawn(shape, case.dtype, 1), "target": drawn(shape, case.dtype, 2)}
    return Problem(given, (True, False), ones(case), {})


@Passes
def cross_entropy(case):
    rows = case.size["rows"]
    given = {"input": drawn((rows, 10), case.dtype, 1), "target": np.random.RandomState(2).randint(0, 10, rows)}
    return Problem(given, (True, False), ones(case), {})


@contest("losses.mse", MSE)
def test_mse(race):
    """The mean squared error and the gradient of the prediction."""
    race(mse.assert_equivalent, mse.start)


@contest("losses.cross_entropy", CROSS_ENTROPY)
def test_cross_entropy(race):
    """The cross entropy of ten classes and the gradient of the logits."""
    race(cross_entropy.assert_equivalent, cross_entropy.start)
