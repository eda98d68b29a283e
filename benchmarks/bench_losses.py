"""Losses, forward and back: a few passes over a small table, so mostly the cost of calls."""

import numpy as np

from benchmarks.paired import Size, contest, drawn
from benchmarks.passes import Passes, ones
from tests.nn.trace import Problem

MSE = [Size(f"{rows}x1", rows=rows, elements=rows) for rows in (80, 8_000, 800_000)]
ERRORS = ("losses.l1", "losses.smooth_l1", "losses.huber")
TABLE = [Size(f"{rows}x10", rows=rows, elements=10 * rows) for rows in (8, 64, 4096)]


@Passes
def error(case):
    shape = case.size["rows"], 1
    given = {"input": drawn(shape, case.dtype, 1), "target": drawn(shape, case.dtype, 2)}
    return Problem(given, (True, False), ones(case), {})


@Passes
def classes(case):
    rows = case.size["rows"]
    given = {"input": drawn((rows, 10), case.dtype, 1), "target": np.random.RandomState(2).randint(0, 10, rows)}
    return Problem(given, (True, False), ones(case), {})


@Passes
def probabilities(case):
    """Logits, logarithms or probabilities, as the loss takes them, and targets between 0 and 1."""
    shape = case.size["rows"], 10
    x, target = drawn(shape, case.dtype, 1), np.random.RandomState(2).random_sample(shape).astype(case.dtype)
    settings = {"reduction": "batchmean"} if case.concept == "losses.kl_div" else {}
    x = (1 / (1 + np.exp(-x))).astype(case.dtype) if case.concept == "losses.binary_cross_entropy" else x
    return Problem({"input": x, "target": target}, (True, False), ones(case), settings)


@contest("losses.mse", MSE)
def test_mse(race):
    """The mean squared error and the gradient of the prediction."""
    race(error.assert_equivalent, error.start)


@contest(ERRORS, MSE[:2])
def test_error(race):
    """Another loss of a difference and the gradient of the prediction."""
    race(error.assert_equivalent, error.start)


@contest(("losses.binary_cross_entropy", "losses.binary_cross_entropy_with_logits", "losses.kl_div"), TABLE[:2])
def test_probabilities(race):
    """A loss of probabilities and the gradient of what predicts them."""
    race(probabilities.assert_equivalent, probabilities.start)


@contest("losses.nll", TABLE[:2])
def test_nll(race):
    """The negative log likelihood of ten classes and the gradient of the logarithms."""
    race(classes.assert_equivalent, classes.start)


@contest("losses.cross_entropy", TABLE)
def test_cross_entropy(race):
    """The cross entropy of ten classes and the gradient of the logits."""
    race(classes.assert_equivalent, classes.start)
