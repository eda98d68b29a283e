"""Data: which rows come, and in which order, is decided by a generator, and the generator by every request that was
ever made of it.  So all rungs agree on both, to the bit and after every request, also where a pass is abandoned,
asked again when nothing is left, or interleaved with another pass and with the caller's own draws."""

import contextlib
import functools
import gc
import inspect
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from impls.ladder import Rung
from impls.since import TORCH
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.data import problems as drawn
from tests.data import trace as observed
from tests.data.refused import BAD, REFUSED
from tests.data.trace import (
    BATCHES,
    DISTRIBUTED,
    LOADER,
    RANDOM,
    SEQUENTIAL,
    SUBSET_RANDOM,
    WEIGHTED,
    Library,
    Raised,
    Side,
    came,
    outcome,
    told,
)
from tests.engine import assert_same
from tests.families import assert_refused_alike, observe, problems, run_of

FEW = settings(max_examples=max(1, settings.default.max_examples // 4))  # of laws that start processes or move much
ON_CPU = {"dtypes": None, "cpu_because": "rows are counted, drawn and cut on the CPU"}
JOINED, FLOWING = ("data.concat_dataset", "data.stack_dataset"), ("data.iterable_dataset", "data.chain_dataset")
STREAMS = (SEQUENTIAL, RANDOM, SUBSET_RANDOM, WEIGHTED, DISTRIBUTED, BATCHES, LOADER)


# ── order ───────────────────────────────────────────────────────────────────────────────────────


def passes(cell, rung, program, concept=None, **how):
    """Each stream of a program with what one pass over it gives."""
    cell = cell if concept is None else cell._replace(concept=concept, entry=None)
    turns = observe(cell, rung, drawn.whole(program, cell.concept, **how))
    return zip(program.streams, map(came, turns), strict=True)


@cells(RANDOM, **ON_CPU)
@given(data=st.data())
def test_without_replacement_no_row_comes_again_before_all_have_come(cell, data):
    """A random sampler without replacement gives permutations of all rows, one after the other, the last cut off."""
    program = data.draw(problems(cell, replacement=False), label="program")
    for rung in cell.implementations:
        for order, (rows,) in passes(cell, rung, program):
            assert len(rows) == order.count, rung
            whole, rest = np.split(rows, [len(rows) - len(rows) % order.n])
            every = np.tile(np.arange(order.n), (len(rows) // order.n, 1))
            assert_same(np.sort(whole.reshape(every.shape), axis=1), every, f"{rung} permutation")
            assert len({*rest.tolist()} & {*range(order.n)}) == len(rest), rung


@cells(RANDOM, **ON_CPU)
@given(data=st.data())
def test_with_replacement_as_many_rows_come_as_are_asked_for(cell, data):
    """A random sampler with replacement gives num_samples rows of the dataset, by default as many as it has."""
    program = data.draw(problems(cell, replacement=True), label="program")
    for rung in cell.implementations:
        for order, (rows,) in passes(cell, rung, program):
            assert len(rows) == order.count, rung
            assert {*rows.tolist()} <= {*range(order.n)}, rung


@cells(RANDOM, **ON_CPU)
@given(data=st.data())
def test_no_rows_have_no_random_order(cell, data):
    """To shuffle nothing is refused, at once or when the first index is asked for; it does not last for ever."""
    program = data.draw(problems(cell), label="program")
    nothing = program._replace(streams=[order._replace(n=0, settings={}) for order in program.streams])
    for rung in cell.implementations:
        with pytest.raises(ValueError, match=r"num_samples|must not be zero"):
            passes(cell, rung, nothing)


@cells(SUBSET_RANDOM, **ON_CPU)
@given(data=st.data())
def test_given_indices_all_come_once(cell, data):
    """A random sampler of given indices gives each of them as often as it is given."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        for order, (rows,) in passes(cell, rung, program):
            assert sorted(rows.tolist()) == sorted(order.source), rung


@cells(WEIGHTED, **ON_CPU)
@given(data=st.data())
def test_rows_without_weight_do_not_come(cell, data):
    """A weighted sampler gives num_samples rows, none of weight 0; without replacement no row comes twice."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        for order, (rows,) in passes(cell, rung, program):
            assert len(rows) == order.settings["num_samples"], rung
            assert all(order.source[i] for i in rows.tolist()), rung
            assert order.settings.get("replacement", True) or len({*rows.tolist()}) == len(rows), rung


@cells(DISTRIBUTED, **ON_CPU)
@given(data=st.data())
def test_ranks_share_the_rows(cell, data):
    """All ranks together show every row, and each shows as many; with drop_last none twice, and only n mod R never."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        for order in program.streams:
            n, num_replicas = order.n, order.settings["num_replicas"]
            ranks = [order._replace(settings=order.settings | {"rank": rank}) for rank in range(num_replicas)]
            program = program._replace(streams=ranks)
            shares = [rows.tolist() for _, (rows,) in passes(cell, rung, program)]
            rows = [i for share in shares for i in share]
            dropped = n % num_replicas if order.settings.get("drop_last") else 0
            assert len({*map(len, shares)}) == 1, rung
            assert len({*rows} & {*range(n)}) == n - dropped, rung
            assert not order.settings.get("drop_last") or len(rows) == n - dropped, rung


@cells(DISTRIBUTED, **ON_CPU)
def test_another_epoch_or_seed_is_another_order(cell):
    """What counts is seed + epoch: another sum shuffles otherwise, the same sum alike."""
    orders = [{}, {"epoch": 1}, {"epoch": 2}, {"seed": 1}, {"seed": 1, "epoch": 1}]
    for rung in cell.implementations:
        streams = [observed.Order(20, {"num_replicas": 1, "rank": 0, **each}, "global") for each in orders]
        first, second, third, seeded, both = (
            rows.tolist() for _, (rows,) in passes(cell, rung, observed.Program(streams, 0, []))
        )
        assert (seeded, both) == (second, third), rung
        assert len({*map(tuple, (first, second, third))}) == 3, rung


@cells(BATCHES, **ON_CPU)
@given(data=st.data())
def test_batches_are_the_sampler_cut_into_equal_pieces(cell, data):
    """Joined, the batches are what the sampler gives; all have batch_size rows, save a last one that is not dropped."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        for order in program.streams:
            b, bare = order.settings["batch_size"], order._replace(settings=order.sampler_settings)
            one, alone = (program._replace(streams=[each]) for each in (order, bare))
            [(_, (rows,))] = passes(cell, rung, alone, order.sampler)
            [(_, batches)] = passes(cell, rung, one)
            end = len(rows) - len(rows) % b if order.settings["drop_last"] else len(rows)
            assert_same(batches, [rows[i : min(i + b, end)] for i in range(0, end, b)], f"{rung} batch")


@cells(BATCHES, rungs=(Rung.RAW, *DROP_IN), **ON_CPU)
@given(data=st.data())
def test_no_row_is_asked_for_before_a_batch_needs_it(cell, data):
    """When a batch comes, no more indices have been taken from the sampler than are in the batches so far."""
    n, b = data.draw(drawn.sizes(), label="rows and batch size")
    for rung, impl in cell.implementations.items():
        asked = []
        taken = [len(asked) for _ in impl(drawn.noted(range(n), asked), b, False)]
        assert taken == [min(n, end) for end in range(b, n + b, b)], rung


@cells(LOADER, **ON_CPU)
@given(data=st.data())
def test_a_pass_shows_every_row_once(cell, data):
    """A pass shows every row once, in batches of batch_size; drop_last leaves out n mod batch_size rows, no more."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        for order, batches in passes(cell, rung, program):
            n, b, drop_last = order.n, order.settings.get("batch_size", 1), order.settings.get("drop_last", False)
            rows = [i for _, y in batches for i in y.tolist()]
            assert len(rows) == len({*rows} & {*range(n)}) == n - (n % b if drop_last else 0), rung
            assert {len(y) for _, y in batches[:-1]} <= {b}, rung


@cells(LOADER, **ON_CPU)
@given(data=st.data())
def test_two_passes_side_by_side_both_show_every_row(cell, data):
    """Two passes over one loader, asked in turn, take no rows from each other."""
    program = data.draw(problems(cell, drop_last=False), label="program")
    for rung in cell.implementations:
        for order, batches in passes(cell, rung, program, live=2):
            for one in (batches[0::2], batches[1::2]):
                assert sorted(i for _, y in one for i in y.tolist()) == [*range(order.n)], rung


@cells(LOADER, **ON_CPU)
@given(data=st.data())
def test_a_batch_is_the_callers_to_write_in(cell, data):
    """Writing into a batch changes neither the dataset nor any batch that comes later."""
    program = data.draw(problems(cell), label="program")
    writing = program._replace(streams=[order._replace(write=True) for order in program.streams])
    for rung in cell.implementations:
        untouched = observe(cell, rung, program)
        assert_same(observe(cell, rung, writing), untouched, f"{rung}: turn")


@cells(*STREAMS, rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_len_is_how_many_come(cell, data):
    """len() of a sampler, of a loader or of a pass is the number of indices, or of batches, that come."""
    program = data.draw(problems(cell), label="program")
    for rung in cell.implementations:
        said, number = observed.lengths(run_of(cell, rung), cell.concept, program)
        assert said == number, rung


# ── any dataset, any options ────────────────────────────────────────────────────────────────────


def assert_custom_feeds_as_native(cell, program):
    custom, native = (observed.feed(rung, getattr(cell.ladder, rung), program, cell.device) for rung in DROP_IN)
    assert_same(custom, native, "custom")


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_custom_gives_native_batches(cell, data):
    """From tensors in memory and subsets of them custom gives native's batches, to the bit and laid out alike, and
    leaves both generators as native does."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.USUAL, label="program"))


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_batches_lie_in_memory_as_natives_do(cell, data):
    """However the tensors of a dataset lie in memory, and whatever they are, custom's batches lie as native's do."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.OF_ANY_FORM, label="program"))


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_a_row_that_is_not_there_fails_with_its_batch(cell, data):
    """A subset may name rows that its dataset does not have: the batch that wants one fails, and no other does."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.WITH_MISSING_ROWS, label="program"))


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_nobodys_dataset_is_passed_by(cell, data):
    """A dataset that somebody has written, a child of ours too, is asked for its rows as native asks it."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.WITH_A_DATASET, label="program"))


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_nobodys_sampler_or_collate_fn_is_passed_by(cell, data):
    """A sampler or a collate_fn that somebody has written, or taken from elsewhere, is used as native uses it."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.WITH_A_PIECE, label="program"))


@cells(LOADER, rungs=DROP_IN, dtypes=None)
@given(data=st.data())
def test_custom_feeds_anything_as_native_does(cell, data):
    """Rows of any kind, in any order, batched or one by one: custom gives or raises what native gives or raises."""
    assert_custom_feeds_as_native(cell, data.draw(drawn.ANYTHING, label="program"))


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_custom_shows_single_rows_as_native_does(cell, data):
    """Without batches rows of any kind come one by one, arrays as tensors, in the containers that native makes."""
    each = data.draw(drawn.several_samples(), label="datasets")
    custom, native = (
        [observed.attempted(lambda impl=impl, rows=rows: [told(row) for row in impl(rows, None)]) for rows in each]
        for impl in cell.ladder[2:]
    )
    assert_same(custom, native, "custom dataset")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
def test_custom_and_native_live_through_the_same_lives(cell):
    """Whatever sequence of passes, requests, foreign draws and new seeds, custom stays native."""

    class Life(RuleBasedStateMachine):
        @initialize(program=drawn.USUAL | drawn.WITH_A_PIECE)
        def birth(self, program):
            self.sides = [Side(rung, getattr(cell.ladder, rung), program) for rung in DROP_IN]
            self.live = 0

        def both(self, act):
            assert_same(*(side.does(act) for side in self.sides), "custom")

        @rule(which=st.integers(0, 2))
        @precondition(lambda self: self.live < 3)
        def begin(self, which):
            self.both(lambda side: side.passes.append(observed.asker(side.loaders[which])))
            self.live += 1

        @rule(which=st.integers(0, 2), times=st.integers(1, 3))
        @precondition(lambda self: self.live)
        def ask(self, which, times):
            self.both(lambda side: [side.passes[which % self.live](1) for _ in range(times)])

        @rule(which=st.integers(0, 2))
        @precondition(lambda self: self.live)
        def abandon(self, which):
            self.both(lambda side: side.passes.pop(which % self.live) and None)
            self.live -= 1

        @rule(name=st.sampled_from(["own", "global"]), size=st.integers(1, 20))
        def draw_a_mask(self, name, size):
            self.both(lambda side: torch.empty(size).bernoulli_(0.5, generator=side.generators[name]))

        @rule(name=st.sampled_from(["own", "global"]), seed=drawn.SEEDS)
        def reseed(self, name, seed):
            self.both(lambda side: side.generators[name].manual_seed(seed) and None)

        @rule(which=st.integers(0, 2))
        def count(self, which):
            self.both(lambda side: outcome(lambda: len(side.loaders[which])))

    run_state_machine_as_test(Life)


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@FEW
@given(data=st.data())
def test_however_large_the_rows_batches_are_natives(cell, data):
    """Rows of a quarter of a megabyte, of which only some are gathered at once, come as small ones do."""
    n, b = data.draw(drawn.sizes(), label="rows and batch size")
    x = torch.arange(max(n, 1), dtype=torch.float64)[:, None].expand(-1, 2**15).contiguous()
    custom, native = (
        [told(batch) for batch in cls(Library.of(rung).TensorDataset(x), b, generator=torch.Generator())]
        for rung, cls in cell.implementations.items()
    )
    assert_same(custom, native, "custom batch")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_what_is_written_into_the_dataset_is_in_the_batches_that_follow(cell, data):
    """A dataset that the caller changes between two batches is seen as it is when a batch is asked for."""
    n, b = data.draw(drawn.sizes(), label="rows and batch size")
    custom, native = (observed.overwritten(rung, cls, n, b) for rung, cls in cell.implementations.items())
    assert_same(custom, native, "custom batch")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
def test_a_batch_may_be_written_in_while_another_waits_for_its_backward(cell):
    """What autograd has saved of one batch is not spoilt by writing into the next."""
    for rung, cls in cell.implementations.items():
        first, second = cls(Library.of(rung).TensorDataset(torch.tensor([2.0, 3.0])))
        w = torch.ones(1, requires_grad=True)
        product = w * first[0]
        second[0].zero_()
        product.backward()
        assert w.grad.item() == 2.0, rung


# ── worker processes ────────────────────────────────────────────────────────────────────────────


def children():
    return {process.pid for process in torch.multiprocessing.active_children()}


@pytest.fixture
def no_process_left():
    before = children()
    yield
    gc.collect()  # native's error holds its pass in a cycle
    if TORCH < (2, 13):  # native does not wait until a worker that has failed is gone
        for process in torch.multiprocessing.active_children():
            process.join(0 if process.pid in before else 5)
    assert children() == before


WORKING = [
    pytest.mark.usefixtures("no_process_left"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # of Python 3.12 on, in a process with threads
]


def working(law):
    """Mark a law that starts worker processes."""
    for mark in WORKING:
        law = mark(law)
    return law


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
@pytest.mark.parametrize("working", list(observed.WORKING))
def test_workers_give_native_batches_and_leave_the_same_generators(cell, working):
    """With worker processes custom's batches are native's, with all that rows draw and know in their worker, and after
    every request the generators are native's; over several passes, abandoned and side by side, with workers kept."""
    program = observed.WORKING[working]
    custom, native = (observed.feed(rung, impl, program) for rung, impl in cell.implementations.items())
    assert_same(custom, native, "custom")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
@pytest.mark.parametrize("shared", sorted(observed.SHARED_STREAMS))
def test_workers_share_a_stream_as_natives_do(cell, shared):
    """A stream that shows each worker its share comes in native's order, pass after pass, each worker's last batch
    short, or dropped."""
    options = observed.SHARED_STREAMS[shared]
    custom, native = (observed.flow_of_workers(rung, impl, options) for rung, impl in cell.implementations.items())
    assert_same(custom, native, "custom")


@cells("data.workers", **ON_CPU)
@working
def test_a_worker_is_seeded_by_the_pass_and_its_place(cell):
    """The first numbers that Python, NumPy and torch draw in each worker are those of the formula."""
    for rung, impl in cell.implementations.items():
        for generator_seed in (0, 7):
            expected = observed.first_draws(Rung.NATIVE, cell.ladder.native, generator_seed)
            assert_same(observed.first_draws(rung, impl, generator_seed), expected, f"{rung} worker")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
def test_the_first_batch_ready_comes_first_if_order_is_not_asked_for(cell):
    """With in_order=False a slow worker keeps nobody waiting, and every batch still comes once."""
    for rung, impl in cell.implementations.items():
        batches = [int(i) for i in impl(observed.Slow(6, slow={0}), None, num_workers=2, in_order=False)]
        assert batches[0] != 0, rung
        assert sorted(batches) == [*range(6)], rung


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
@pytest.mark.parametrize("failing", sorted(observed.FAILING))
def test_a_failing_worker_is_natives_error(cell, failing):
    """Where a worker raises, dies or is late, custom raises native's class in native's words, from native's cause; what
    is asked for after a row that fails comes, and no process is left."""
    custom, native = (observed.failed(impl, failing) for impl in cell.implementations.values())
    assert_same(custom, native, "custom")


@cells(LOADER, rungs=(Rung.CUSTOM,), **ON_CPU)
@working
def test_a_pass_ends_with_its_first_dead_worker(cell):
    """When one of several workers is killed all are gone at once, though the pass is still held, and it has ended."""
    before = children()
    running = iter(cell.ladder.custom(observed.Killing(8), None, num_workers=2))
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(running)
    assert not children() - before
    assert list(running) == []


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
@pytest.mark.parametrize("persistent", [False, True])
def test_an_abandoned_pass_leaves_no_process(cell, persistent):
    """Workers end with the pass that is read to its end or forgotten; persistent ones with the loader."""
    for impl in cell.implementations.values():
        before = children()
        loader = impl(range(6), num_workers=1, persistent_workers=persistent)
        next(iter(loader))
        gc.collect()
        assert bool(children() - before) == persistent
        list(loader)
        assert bool(children() - before) == persistent
        del loader
        gc.collect()
        assert not children() - before


@cells(LOADER, rungs=(Rung.CUSTOM,), **ON_CPU)
@working
def test_workers_that_are_spawned_do_as_those_forked(cell):
    """A loader can be sent to a process that shares nothing with this one."""
    loader = cell.ladder.custom(torch.arange(5.0), 2, num_workers=1, multiprocessing_context="spawn")
    assert [batch.tolist() for batch in loader] == [[0.0, 1.0], [2.0, 3.0], [4.0]]


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@working
def test_what_cannot_be_sent_to_a_worker_is_natives_error_and_warning(cell):
    """A dataset that cannot be pickled ends a pass with spawned workers in native's error, after native's warning."""
    custom, native = (observed.not_sent(impl) for impl in cell.implementations.values())
    assert_same(custom, native, "custom")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # native's half-made pass, when deleted
@cells(LOADER, rungs=DROP_IN, **ON_CPU)
def test_nothing_fetched_ahead_is_refused_when_a_pass_starts(cell):
    """A prefetch_factor of 0 is taken by the loader and refused by its passes."""
    custom, native = (
        observed.attempted(lambda cls=cls: iter(cls([7], num_workers=1, prefetch_factor=0))) for cls in cell.ladder[2:]
    )
    gc.collect()
    assert isinstance(native, Raised)
    assert custom == native


DUBIOUS = {
    "more workers than CPUs": {"num_workers": 1000},
    "pinned memory": {"pin_memory": True},
    "pinned memory for a device": {"pin_memory": True, "pin_memory_device": "cuda"},
    "a device and nothing pinned": {"pin_memory_device": "cuda"},
}


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator to pin memory for")
@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@pytest.mark.parametrize("dubious", sorted(DUBIOUS))
def test_custom_warns_where_native_warns(cell, dubious):
    """What is dubious is warned of with native's category and words, when the loader is made or when a pass starts."""
    options = DUBIOUS[dubious]

    def warned(attempt):
        return [warning[:2] for warning in observed.with_warnings(attempt)["warned"]]

    for made in (
        lambda cls: warned(lambda: cls([7], **options)),
        lambda cls: warned(lambda: list(cls([7], **options | {"num_workers": 0}))),
    ):
        custom, native = map(made, cell.implementations.values())
        assert custom == native


@cells(LOADER, rungs=DROP_IN, dtypes=None, devices=("cuda",))
@given(data=st.data())
def test_pinned_batches_are_natives(cell, data):
    """With pin_memory all tensors of a batch are pinned, in the containers that native makes."""
    for rows in data.draw(drawn.several_samples(), label="datasets"):
        custom, native = (
            observed.attempted(lambda cls=cls: [observed.told_pinned(b) for b in cls(rows, 2, pin_memory=True)])
            for cls in cell.ladder[2:]
        )
        assert_same(custom, native, "custom")


# ── going on ────────────────────────────────────────────────────────────────────────────────────

STATEFUL = "data.stateful_loader"


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
@given(data=st.data())
def test_a_resumed_run_is_the_run_that_was_never_stopped(cell, data):
    """Stopped after any request and resumed by a new loader, whose generators stand anywhere, a run goes on to the bit:
    the rest of the pass, the passes after it, and the generators after every request."""
    feed, stop, masks = data.draw(drawn.STOPPED, label="loader, where it stops, and masks drawn in between")
    resumed, uninterrupted = observed.resumed(cell.ladder.custom, feed, stop, masks)
    assert_same(resumed, uninterrupted, "resumed")


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_what_others_drew_within_a_pass_is_not_forgotten(cell, stop):
    """A sampler that draws within a pass, from a generator from which masks are drawn in between, goes on alike."""
    sampler = observed.Sampled("random", {"replacement": True, "num_samples": 96, "generator": "own"})
    feed = observed.Feed(observed.Shown("anything", [*range(9)]), {"batch_size": 20, "sampler": sampler}, "global")
    resumed, uninterrupted = observed.resumed(cell.ladder.custom, feed, stop, [7] * 6)
    assert_same(resumed, uninterrupted, "resumed")


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
@working
@pytest.mark.parametrize("stop", [0, 2, 5, 6])
def test_a_resumed_run_has_its_workers_back(cell, stop):
    """With worker processes the rest of a pass is the same too, with what rows have drawn in their worker."""
    feed = observed.Feed(observed.Shown("noting", 9), {"batch_size": 2, "shuffle": True, "num_workers": 2}, "own")
    resumed, uninterrupted = observed.resumed(cell.ladder.custom, feed, stop, [0] * 12)
    assert_same(resumed, uninterrupted, "resumed")


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
def test_a_run_is_resumed_in_a_fresh_process(cell, tmp_path):
    """Saved to a file and loaded by a process that knows nothing else, a run goes on to the bit."""
    generator = torch.Generator().manual_seed(3)
    loader = cell.ladder.custom(range(9), 2, shuffle=True, generator=generator)
    running = iter(loader)
    next(running)
    torch.empty(7).bernoulli_(generator=generator)
    next(running)
    torch.save(loader.state_dict(), tmp_path / "state.pt")
    rest = [batch.tolist() for batch in (*running, *loader)]
    done = subprocess.run([sys.executable, "-c", RESUME, tmp_path / "state.pt"], capture_output=True, text=True)
    assert done.stdout.strip() == f"{rest} {generator.initial_seed()}", done.stderr


RESUME = """
import sys, torch
from impls.custom import StatefulDataLoader
generator = torch.Generator()
loader = StatefulDataLoader(range(9), 2, shuffle=True, generator=generator)
loader.load_state_dict(torch.load(sys.argv[1]))
print([batch.tolist() for batch in (*loader, *loader)], generator.initial_seed())
"""


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
def test_a_loader_that_is_resumed_again_and_again_stays_native(cell):
    """Whatever sequence of passes, requests, foreign draws, new seeds and resumptions, nothing shows of the latter."""

    class Life(RuleBasedStateMachine):
        @initialize(program=drawn.USUAL | drawn.WITH_A_PIECE)
        def birth(self, program):
            native = LADDERS[LOADER].native
            self.sides = [Side(Rung.CUSTOM, cell.ladder.custom, program), Side(Rung.NATIVE, native, program)]
            self.running = False

        def both(self, act):
            assert_same(*(side.does(act) for side in self.sides), "custom")

        @rule()
        def begin(self):
            self.both(lambda side: side.passes.clear() or side.passes.append(observed.asker(side.loaders[0])))
            self.running = True

        @rule(times=st.integers(1, 3))
        @precondition(lambda self: self.running)
        def ask(self, times):
            self.both(lambda side: [side.passes[0](1) for _ in range(times)])

        @rule(name=st.sampled_from(["own", "global"]), size=st.integers(1, 20))
        def draw_a_mask(self, name, size):
            self.both(lambda side: torch.empty(size).bernoulli_(0.5, generator=side.generators[name]))

        @rule(name=st.sampled_from(["own", "global"]), seed=drawn.SEEDS)
        def reseed(self, name, seed):
            self.both(lambda side: side.generators[name].manual_seed(seed) and None)

        @rule()
        def resume(self):
            self.running &= self.sides[0].resumes()

    run_state_machine_as_test(Life)


@cells(STATEFUL, rungs=(Rung.CUSTOM,), **ON_CPU)
@pytest.mark.parametrize(("name", "value"), [("persistent_workers", True), ("in_order", False)])
def test_what_cannot_be_resumed_is_refused(cell, name, value):
    """A loader that could not go on to the bit says so when it is made, and what to change."""
    with pytest.raises(ValueError, match=f"use {name}={not value}"):
        cell.ladder.custom([7], num_workers=1, **{name: value})


@torch_bug("its loader has no state", AttributeError)
@cells(LOADER, rungs=(Rung.NATIVE,), **ON_CPU)
def test_a_loader_can_say_where_it_is(cell):
    """A loader has a state that another can go on from."""
    assert cell.ladder.native([7]).state_dict()


# ── datasets and subsets ────────────────────────────────────────────────────────────────────────


@cells("data.dataset", "data.subset", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_custom_rows_are_native_rows(cell, data):
    """A row, some rows or a batch of rows is the same on custom and native, to the bit, or refused in its words."""
    each = drawn.asked_datasets(through=cell.concept == "data.subset")
    asked = data.draw(st.tuples(each, each, each), label="datasets, each with a row and some rows to ask for")
    custom, native = ([observed.ways(Library.of(rung), *one) for one in asked] for rung in DROP_IN)
    assert_same(custom, native, "custom")


@cells("data.subset", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_a_batch_is_fetched_row_by_row_until_one_fails(cell, data):
    """A subset asks its dataset for the rows of a batch one by one; when one fails, those before it have been asked
    for and those after it have not."""
    n = data.draw(st.integers(1, 4), label="rows")
    view = data.draw(drawn.some_rows(n, beyond=1), label="subset").tolist()
    some = drawn.some_rows(len(view), beyond=1)
    batches = [batch.tolist() for batch in data.draw(st.tuples(some, some, some), label="batches")]
    custom, native = (observed.noted_by(cls, n, view, batches) for cls in cell.ladder[2:])
    assert custom == native


@cells(*JOINED, rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_joined_datasets_give_natives_rows(cell, data):
    """Datasets of any kind, joined, joined again and added, give native's rows, in native's way of asking for them."""
    asked = data.draw(drawn.joined(cell.concept), label="datasets, rows and batches to ask for")
    custom, native = (observed.ways_through(Library.of(rung), *asked) for rung in DROP_IN)
    assert_same(custom, native, "custom")


@cells("data.chain_dataset", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_a_chain_begins_a_stream_when_the_one_before_has_ended(cell, data):
    """After every row as much of each stream has been read as native has read, also where the chain fails."""
    about = data.draw(drawn.CHAINS, label="streams")
    custom, native = (observed.read_along(Library.of(rung), about) for rung in cell.implementations)
    assert_same(custom, native, "custom")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_custom_feeds_a_stream_as_native_does(cell, data):
    """A stream of any length, batched or not, short or long of what it says, gives native's batches and warnings."""
    every = data.draw(st.lists(drawn.streams(), min_size=4, max_size=4), label="streams")
    for about in every:
        custom, native = (observed.flow(rung, getattr(cell.ladder, rung), about) for rung in DROP_IN)
        assert_same(custom, native, "custom")


# ── splits ──────────────────────────────────────────────────────────────────────────────────────


@cells("data.split", **ON_CPU)
@given(data=st.data())
def test_the_parts_of_a_split_share_no_row_and_leave_none_out(cell, data):
    """Every row of the dataset is in exactly one part."""
    program = data.draw(problems(cell, accepted=True), label="program")
    for rung in cell.implementations:
        for split, seen_of in zip(program.streams, observe(cell, rung, program), strict=True):
            assert sorted(i for part in seen_of["result"] for i in part.tolist()) == [*range(split.n)], rung


@torch_bug(
    "before Python 3.12, which sums more carefully, they are more than one (pytorch#128116)",
    ValueError,
    where=sys.version_info < (3, 12),
)
@cells("data.split", rungs=(Rung.NATIVE,), **ON_CPU)
def test_twenty_twentieths_are_a_whole(cell):
    """Fractions that are one in all, but for rounding, split any dataset."""
    assert [len(part) for part in cell.ladder.native(range(40), [0.05] * 20, torch.Generator())] == [2] * 20


@torch_bug("what sums to one is taken as fractions, 1 row as all rows", pytest.fail.Exception)
@cells("data.split", rungs=(Rung.NATIVE,), **ON_CPU)
def test_whole_numbers_are_numbers_of_rows(cell):
    """A part of one row has one row, so it does not cover a dataset of five."""
    with pytest.raises(ValueError, match="Sum of input lengths"):
        cell.ladder.native(range(5), [1], torch.Generator())


@torch_bug("lengths are only summed, and [-1, 6] gives parts of 4 rows and of 1", pytest.fail.Exception)
@cells("data.split", rungs=(Rung.NATIVE,), **ON_CPU)
def test_a_negative_number_of_rows_is_refused(cell):
    """No part has fewer than no rows."""
    with pytest.raises(ValueError, match="length"):
        cell.ladder.native(range(5), [-1, 6], torch.Generator())


# ── collating ───────────────────────────────────────────────────────────────────────────────────


@cells("data.collate", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_custom_collates_what_native_collates(cell, data):
    """Rows of any kind, nested in containers of any kind, collate to the same values in the same containers, or are
    refused in the same words."""
    batches = data.draw(drawn.several_samples(), label="batches")
    custom, native = (
        [observed.with_warnings(lambda impl=impl, batch=batch: told(impl(batch))) for batch in batches]
        for impl in cell.ladder[2:]
    )
    for mine, its in zip(custom, native, strict=True):
        assert_same(mine["result"], its["result"], "custom")
        assert [warning[:2] for warning in mine["warned"]] == [warning[:2] for warning in its["warned"]]


@cells("data.collate", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_custom_converts_what_native_converts(cell, data):
    """A row by itself, of any kind, is converted to the same values in the same containers, or is refused alike."""
    rows = [batch[0] for batch in data.draw(drawn.several_samples(), label="batches")]
    custom, native = (
        [observed.with_warnings(lambda convert=convert, row=row: told(convert(row))) for row in rows]
        for convert in (impl.__globals__["default_convert"] for impl in cell.ladder[2:])
    )
    for mine, its in zip(custom, native, strict=True):
        assert_same(mine["result"], its["result"], "custom")


@cells("data.collate", rungs=DROP_IN, **ON_CPU)
@given(data=st.data())
def test_collating_leaves_the_rows_as_they_were(cell, data):
    """What is collated can be collated again: no row, nor any container in it, is written to."""
    batches = data.draw(drawn.several_samples(), label="batches")
    before = told(batches)
    for rung, impl in cell.implementations.items():
        for rows in batches:
            outcome(lambda: impl(rows))
        assert_same(told(batches), before, rung)


@torch_bug("the first row alone decides: float32 or float64 (pytorch#31689, #109968)")
@cells("data.collate", rungs=(Rung.NATIVE,), **ON_CPU)
def test_the_type_of_a_batch_does_not_depend_on_its_first_row(cell):
    """The same numbers in another order have the same dtype."""
    assert cell.ladder.native([1, 2.5]).dtype == cell.ladder.native([2.5, 1]).dtype


# ── sources ─────────────────────────────────────────────────────────────────────────────────────

LISTING = """
np.random.seed(42)
x = np.random.rand(100, 1)
y = 1 + 2 * x + .1 * np.random.randn(100, 1)
idx = np.arange(100)
np.random.shuffle(idx)
train_idx = idx[:80]
val_idx = idx[80:]
"""  # of the source document on linear regression


@contextlib.contextmanager
def global_numpy_generator_kept():
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)


@cells("data.sources", **ON_CPU)
def test_the_line_is_the_documents(cell):
    """The line's points and rows are those that the document's listing makes, to the bit."""
    document = {"np": np}
    with global_numpy_generator_kept():
        exec(LISTING, document)
    expected = [document[name] for name in ("x", "y", "train_idx", "val_idx")]
    assert_same(list(cell.ladder.manual.line()), expected, "line")


@cells("data.sources", cpu_because="arrays are NumPy's")
def test_a_source_in_another_dtype_is_the_source_rounded(cell):
    """Asked for in float32, a source is what it is in float64, rounded; rows and labels are integers of 64 bits."""
    pytest.importorskip("sklearn")
    line, digits, _ = cell.ladder.manual
    dtype = np.dtype(cell.dtype).type
    (x, y, *rows), (scans, labels) = line(np.float64), digits(np.float64)
    expected = [x.astype(dtype), y.astype(dtype), *(r.astype(np.int64) for r in rows)]
    assert_same(list(line(dtype)), expected, "line")
    assert_same(list(digits(dtype)), [scans.astype(dtype), labels.astype(np.int64)], "digits")


@cells("data.sources", **ON_CPU)
def test_making_a_line_disturbs_no_generator(cell):
    """NumPy's global generator is where it was."""
    with global_numpy_generator_kept():
        np.random.seed(1)  # another state than a line that seeds would leave
        before = np.random.get_state()
        cell.ladder.manual.line()
        assert_same(list(np.random.get_state()), list(before), "state")


@cells("data.sources", **ON_CPU)
def test_digits_are_sixteenths(cell):
    """There are 1797 scans of 64 pixels, each k/16 for some k from 0 to 16, and ten labels; nothing is missing."""
    pytest.importorskip("sklearn")
    x, y = cell.ladder.manual.digits()
    assert (x.shape, y.shape) == ((1797, 64), (1797,))
    assert {*(x * 16).ravel().tolist()} == {*range(17)}
    assert {*y.tolist()} == {*range(10)}


@cells("data.sources", **ON_CPU)
def test_mnist_says_what_it_needs_and_what_else_there_is(cell):
    """Without torchvision or without the files, one sentence says so, and names the source that needs neither."""
    with pytest.raises(RuntimeError) as refusal:
        cell.ladder.manual.mnist("no/such/folder")
    sentence = r"mnist\('no/such/folder'\) needs torchvision and MNIST's files.*; digits\(\) .*"
    assert re.fullmatch(sentence, str(refusal.value))


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────

OBJECTS = ("data.dataset", "data.subset", "data.split", *STREAMS, *JOINED, *FLOWING, "data.collate", "data.workers")


@cells(*OBJECTS, rungs=DROP_IN, **ON_CPU)
def test_custom_takes_natives_arguments(cell):
    """Custom's arguments have native's names, order and defaults."""
    custom, native = (inspect.signature(impl).parameters.values() for impl in cell.ladder[2:])
    assert [(p.name, p.kind, p.default) for p in custom] == [(p.name, p.kind, p.default) for p in native]


@cells(*OBJECTS, rungs=(Rung.MANUAL, Rung.RAW), **ON_CPU)
def test_the_lower_rungs_have_natives_defaults(cell):
    """What an argument is when it is not given, it is below too: the same, or for native's None something false, or it
    has to be given."""
    native = inspect.signature(cell.ladder.native).parameters
    for impl in cell.implementations.values():
        for function in impl if isinstance(impl, tuple) else [impl]:
            for name, parameter in inspect.signature(function).parameters.items():
                default = native[name].default if name in native else inspect.Parameter.empty
                if default is not inspect.Parameter.empty:
                    unless_given = parameter.default is inspect.Parameter.empty or not parameter.default
                    assert parameter.default == default or (default is None and unless_given), (impl, name)


@cells(*FLOWING, rungs=DROP_IN, **ON_CPU)
def test_custom_refuses_of_a_stream_what_native_refuses_in_its_words(cell):
    """Bad input raises native's class with native's words, and as early or as late as native does."""
    assert_refused_alike(cell, REFUSED[cell.concept])


WAYS = [
    {},
    {"batch_size": 2},
    {"batch_size": 2, "drop_last": True},
    {"batch_size": None},
    {"shuffle": True, "batch_size": 2},
    {"shuffle": False},
    {"sampler": [0, 2]},
    {"sampler": [2], "shuffle": False, "batch_size": None},
    {"batch_sampler": [[0, 1], [2]]},
]
EXTRAS = {"collate_fn": list, "generator": torch.default_generator, "worker_init_fn": print, "in_order": False}


def _described(cls, options):
    """What a loader with some options says of itself, and its first pass."""
    loader = cls([7, 8, 9], **options)
    names = set(inspect.signature(cls).parameters) - {"shuffle"}
    about = {name: getattr(loader, name) for name in sorted(names)}
    for name in ("sampler", "batch_sampler", "collate_fn"):
        about[name] = getattr(about[name], "__name__", type(about[name]).__name__)
    return about | {"batches": observed.attempted(lambda: told(list(loader)))}


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
def test_a_loader_tells_its_options_as_native_does(cell):
    """Every option can be read from a loader as from native's, with what the options given make of the others."""
    for way, extras in itertools.product(WAYS, [{}, EXTRAS]):
        custom, native = (_described(cls, way | extras) for cls in cell.ladder[2:])
        assert_same(custom, native, f"custom, given {sorted(way | extras)}:")


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
@given(one=st.sampled_from(BAD), other=st.sampled_from(BAD))
def test_of_two_bad_options_natives_is_refused(cell, one, other):
    """Where two things are wrong with a loader, custom says of the same one that native does that it is wrong."""
    custom, native = (observed.attempted(lambda cls=cls: list(cls([7], **one | other))) for cls in cell.ladder[2:])
    assert custom == native


@cells("data.workers", rungs=DROP_IN, **ON_CPU)
def test_the_main_process_is_no_worker(cell):
    """There get_worker_info has nothing to tell."""
    assert [impl() for impl in cell.ladder[2:]] == [None, None]


@cells(LOADER, rungs=DROP_IN, **ON_CPU)
def test_a_finished_loader_keeps_its_options(cell):
    """Setting an option on a finished loader is refused, or taken, as by native."""
    for name in inspect.signature(cell.ladder.native).parameters:
        custom, native = (outcome(functools.partial(setattr, cls([7]), name, None)) for cls in cell.ladder[2:])
        assert custom == native, name
