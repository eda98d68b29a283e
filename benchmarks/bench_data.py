"""The loader: a shuffled epoch of 60,000 rows, 64 at a time, from rows of one number, where Python is what is waited
for, to wide ones, where memory is."""

import functools

import numpy as np
import torch

from benchmarks.paired import Runner, Size, contest, drawn
from impls.ladder import Rung
from tests.cells import LADDERS
from tests.exactness import assert_same
from tests.observe.rng import state_of
from tests.observe.tensors import seen
from tests.observe.training import rung_of

ROWS, BATCH, SEED = 60_000, 64, 42
SIZES = [Size(f"60000x{features}", features=features) for features in (1, 20, 100, 784)]


@contest("data.loader", SIZES, devices=("cpu",))
def test_epoch(race):
    """The batches of an epoch are native's to the bit, and so is the generator at its end."""
    race(assert_equivalent, start)


def assert_equivalent(case):
    mine, native = epoch(case), epoch(case.native)
    for i, (batch, expected) in enumerate(zip(mine, native, strict=True)):
        assert_same([seen(part) for part in batch], [seen(part) for part in expected], f"{case} batch {i}")


@functools.lru_cache(maxsize=1)
def _rows(features, dtype):
    return drawn((ROWS, features), dtype), np.random.RandomState(1).randint(0, 10, ROWS)


def epoch(case):
    """Yield the batches of an epoch, and after them the generator's state, as one more."""
    arrays = _rows(case.size["features"], case.dtype)
    if case.rung is Rung.MANUAL:
        return _manual(arrays)
    tensors = [torch.from_numpy(a) for a in arrays]
    return (_raw if case.rung is Rung.RAW else _object)(case.rung, tensors)


def _manual(arrays):
    loader, rows_of = LADDERS["data.loader"].manual, LADDERS["data.dataset"].manual
    rng = LADDERS["rng"].manual.seed(SEED)
    cursor, rng = loader.start(rng, ROWS, batch_size=BATCH, shuffle=True)
    rows, cursor, rng = loader.advance(cursor, rng)
    while rows is not None:
        yield rows_of(arrays, rows)
        rows, cursor, rng = loader.advance(cursor, rng)
    yield rng.key, np.array(rng.pos)


def _raw(rung, tensors):
    generator = torch.Generator().manual_seed(SEED)
    rows_of = LADDERS["data.dataset"].raw
    for rows in rung_of("data.loader", rung)(ROWS, BATCH, shuffle=True, generator=generator):
        yield rows_of(tensors, rows)
    yield _end(generator)


def _object(rung, tensors):
    generator = torch.Generator().manual_seed(SEED)
    dataset = rung_of("data.dataset", rung)(*tensors)
    yield from rung_of("data.loader", rung)(dataset, BATCH, shuffle=True, generator=generator)
    yield _end(generator)


def _end(generator):
    state = state_of(generator)
    return state.key, np.array(state.pos)


def start(case):
    def step():
        for _ in epoch(case):
            pass

    return Runner(step, lambda: None)
