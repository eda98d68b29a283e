"""The loader: a shuffled epoch of 60,000 rows, 64 at a time, from rows of one number, where Python is what is waited
for, to wide ones, where memory is.

Peers that torch alone is enough for: whole batches as the sampler's items ("batches"), and a dataset that is asked for
a batch at once ("getitems").  A plain copy of the rows is what no loader can be faster than.
"""

import functools

import numpy as np
import torch

from benchmarks.paired import Runner, Size, contest, drawn
from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.rng.trace import state_of
from tests.training.trace import rung_of

ROWS, BATCH, SEED = 60_000, 64, 42
SIZES = [Size(f"60000x{features}", features=features) for features in (1, 20, 100, 784)]


@contest("data.loader", SIZES, (*Rung, "native+batches", "native+getitems"), devices=("cpu",))
def test_epoch(race):
    """The batches of an epoch are native's to the bit, and so is the generator at its end."""
    race(assert_equivalent, start)


@contest("data.loader", SIZES, ("raw+copy",), devices=("cpu",))
def test_copy(race):
    """The rows, copied in their order into memory that is there: the floor."""
    race(assert_copied, start)


@contest("data.dataset", [Size("64-of-60000x20", features=20)], devices=("cpu",))
def test_batch(race):
    """A batch of a dataset, by the numbers of its rows."""
    race(functools.partial(assert_the_same, start_batch), start_batch)


@contest("data.split", [Size("60000", features=1)], devices=("cpu",))
def test_split(race):
    """A dataset split in four fifths and one."""
    race(functools.partial(assert_the_same, start_split), start_split)


def assert_the_same(begin, case):
    found, native = (begin(c) for c in (case, case.native))
    for runner in (found, native):
        runner.step()
    assert_same(found.look(), native.look(), f"{case}")


def start_batch(case):
    arrays, numbers = _rows(case.size["features"], case.dtype), np.arange(0, ROWS, ROWS // BATCH)[:BATCH]
    tensors, implementation = [torch.from_numpy(a) for a in arrays], getattr(LADDERS[case.concept], case.rung)
    if case.rung is Rung.MANUAL:
        take = functools.partial(implementation, arrays, numbers)
    elif case.rung is Rung.RAW:
        take = functools.partial(implementation, tensors, torch.from_numpy(numbers))
    else:
        take = functools.partial(implementation(*tensors).__getitem__, torch.from_numpy(numbers))
    return Runner.remembering(take, lambda found: [snapshot(part) for part in found])


def start_split(case):
    split, sizes = getattr(LADDERS[case.concept], case.rung), [ROWS * 4 // 5, ROWS // 5]
    if case.rung is Rung.MANUAL:
        rng = LADDERS["rng"].manual.seed(SEED)
        return Runner.remembering(lambda: split(ROWS, sizes, rng)[0])
    generator = torch.Generator().manual_seed(SEED)
    if case.rung is Rung.RAW:
        return Runner.remembering(
            lambda: split(ROWS, sizes, generator), lambda found: [snapshot(part) for part in found]
        )
    work = lambda: split(range(ROWS), sizes, generator)
    return Runner.remembering(work, lambda found: [np.array(part.indices) for part in found])


def assert_equivalent(case):
    mine, native = epoch(case), epoch(case.native)
    for i, (batch, expected) in enumerate(zip(mine, native, strict=True)):
        assert_same([snapshot(part) for part in batch], [snapshot(part) for part in expected], f"{case} batch {i}")


def assert_copied(case):
    rows = _rows(case.size["features"], case.dtype)
    runner = start(case)
    runner.step()
    assert_same(runner.look(), list(rows), f"{case}")


@functools.lru_cache(maxsize=1)
def _rows(features, dtype):
    return drawn((ROWS, features), dtype), np.random.RandomState(1).randint(0, 10, ROWS)


def epoch(case):
    """Yield the batches of an epoch, and after them the generator's state, as one more."""
    arrays = _rows(case.size["features"], case.dtype)
    if case.rung is Rung.MANUAL:
        return _manual(arrays)
    tensors = [torch.from_numpy(a) for a in arrays]
    kinds = {"raw": _raw, "native+batches": _batches, "native+getitems": _getitems}
    return kinds.get(case.contestant, functools.partial(_object, case.rung))(tensors)


def _manual(arrays):
    loader, rows_of = LADDERS["data.loader"].manual, LADDERS["data.dataset"].manual
    rng = LADDERS["rng"].manual.seed(SEED)
    cursor, rng = loader.start(rng, ROWS, batch_size=BATCH, shuffle=True)
    rows, cursor, rng = loader.advance(cursor, rng)
    while rows is not None:
        yield rows_of(arrays, rows)
        rows, cursor, rng = loader.advance(cursor, rng)
    yield rng.key, np.array(rng.pos)


def _raw(tensors):
    generator = torch.Generator().manual_seed(SEED)
    rows_of = LADDERS["data.dataset"].raw
    for rows in LADDERS["data.loader"].raw(ROWS, BATCH, shuffle=True, generator=generator):
        yield rows_of(tensors, rows)
    yield _end(generator)


def _object(rung, tensors):
    generator = torch.Generator().manual_seed(SEED)
    dataset = rung_of("data.dataset", rung)(*tensors)
    yield from rung_of("data.loader", rung)(dataset, BATCH, shuffle=True, generator=generator)
    yield _end(generator)


def _batches(tensors):
    generator = torch.Generator().manual_seed(SEED)
    data = torch.utils.data
    dataset = data.TensorDataset(*tensors)
    sampler = data.BatchSampler(data.RandomSampler(dataset, generator=generator), BATCH, drop_last=False)
    yield from data.DataLoader(dataset, batch_size=None, sampler=sampler, generator=generator)
    yield _end(generator)


class AskedAtOnce(torch.utils.data.TensorDataset):
    def __getitems__(self, rows):
        return self[rows]


def _getitems(tensors):
    generator = torch.Generator().manual_seed(SEED)
    dataset, whole = AskedAtOnce(*tensors), list
    yield from torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, generator=generator, collate_fn=whole)
    yield _end(generator)


def _end(generator):
    state = state_of(generator)
    return state.key, np.array(state.pos)


def start(case):
    if case.contestant == "raw+copy":
        return _copy(*map(torch.from_numpy, _rows(case.size["features"], case.dtype)))

    def step():
        for _ in epoch(case):
            pass

    return Runner(step, lambda: None)


def _copy(*tensors):
    copies = [torch.empty_like(rows) for rows in tensors]

    def step():
        for copy, rows in zip(copies, tensors, strict=True):
            copy.copy_(rows)

    return Runner(step, lambda: [snapshot(copy) for copy in copies])
