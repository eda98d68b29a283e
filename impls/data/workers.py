r"""Worker processes: batches are fetched ahead, by others, and come in the order in which they were asked for.

    batch t is fetched by worker t mod W and sent for when batch t - pW has come      W workers, p prefetch_factor
    worker w of a pass with base seed e:   random and torch are seeded with  e + w,
                                           NumPy with  SeedSequence(w, e mod 2³², ⌊e/2³²⌋, 0)

So what rows draw for themselves is other numbers in every worker and, since e is drawn, in every pass; NumPy was once
forgotten, and all workers augmented alike (pytorch#5059; tests/planted: workers_numpy_unseeded).  The sampler is
asked pW batches ahead, so its draws come earlier than without workers.  A worker has its own copy of the dataset for as
long as it lives, many passes with persistent_workers: what the caller changes in between it does not see.

Each worker answers through a pipe of its own.  When a worker dies its pipe ends: that is noticed at once, no lock dies
with it, and all others are stopped, so the caller gets torch's error and no process is left.  Torch raises that error
out of a signal handler, in the middle of whatever runs; here it is raised by the next request.

Shapes   as without workers.
Units    as without workers.
Raises   what a row raises, by its class, with the worker's traceback for words; RuntimeError if a worker dies, or gives
         nothing for `timeout` seconds; AssertionError at the start of a pass for a prefetch_factor of 0.
Source   torch/utils/data/_utils/worker.py, torch/utils/data/dataloader.py (PyTorch 2.13).
"""

import contextlib
import itertools
import multiprocessing
import os
import queue
import random
import signal
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pickle import PicklingError
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.utils.data
from torch._utils import ExceptionWrapper

from impls.data.iterable_dataset import is_stream
from impls.ladder import Absent, Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Seeds(NamedTuple):
    seed: int  # of Python's and of torch's generator
    numpy: np.ndarray  # of NumPy's


def worker_seeds_manual(base_seed, id):
    """What seeds the generators of one worker."""
    words = np.random.SeedSequence((id, base_seed % 2**32, base_seed // 2**32, 0))
    return Seeds(base_seed + id, words.generate_state(4))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

CANNOT_BE_SENT = (  # torch's words
    "Got pickle error when attempting to start a worker Process. "
    "This might be because the worker Process arguments are not picklable. "
    "Python 3.14+ changed the multiprocessing start method in non-Mac POSIX platforms "
    "to 'forkserver', which requires the worker Process arguments to be picklable. "
    "You can also try multiprocessing.set_start_method('fork')."
)
PATIENCE = 5.0  # seconds between two looks whether the parent is still there, and for a process to end


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker can ask about itself."""

    id: int
    num_workers: int
    seed: int
    dataset: Any  # this worker's copy


this_worker: WorkerInfo | None = None


def get_worker_info():
    """Drop-in for torch.utils.data.get_worker_info: None in the main process."""
    return this_worker


class Fetching(NamedTuple):
    """How a loader makes batches."""

    dataset: Any
    collate_fn: Callable
    batched: bool
    drop_last: bool

    def begin(self):
        """The function from what the sampler yields to a batch, for one pass."""
        dataset, collate, batched, drop_last = self
        if is_stream(dataset):
            return stream_fetcher(iter(dataset), collate, batched, drop_last)
        if not batched:
            return lambda index: collate(dataset[index])
        if getattr(dataset, "__getitems__", None):
            return lambda batch: collate(dataset.__getitems__(batch))
        return lambda batch: collate([dataset[index] for index in batch])


def stream_fetcher(rows, collate, batched, drop_last):
    """The next rows, as many as there are indices; StopIteration when there are none."""
    if not batched:
        return lambda _: collate(next(rows))

    def fetch(batch):
        taken = list(itertools.islice(rows, len(batch)))
        if not taken or (drop_last and len(taken) < len(batch)):
            raise StopIteration
        return collate(taken)

    return fetch


def seed_worker(base_seed, id):
    seed, words = worker_seeds_manual(base_seed, id)
    random.seed(seed)
    torch.manual_seed(seed)
    np.random.seed(words)
    return seed


NEW_PASS = (None, None)  # as a task, and as the answer to it


def work(fetching, base_seed, init_fn, id, num_workers, tasks, answers, stopped):
    """The life of a worker: tasks are (number, indices), answers (number, batch, whether the stream has ended)."""
    global this_worker
    torch.set_num_threads(1)
    seed = seed_worker(base_seed, id)
    this_worker = WorkerInfo(id, num_workers, seed, fetching.dataset)
    vars(torch.utils.data._utils.worker)["_worker_info"] = this_worker  # for datasets that ask torch
    where = f"in DataLoader worker process {id}"
    try:
        if init_fn is not None:
            init_fn(id)
        fetch = fetching.begin()
    except Exception:
        fetch = fails_with(ExceptionWrapper(where=where))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # nobody waits for an answer any more
        for task in until_told(tasks, stopped):
            if task == NEW_PASS:
                fetch = fetching.begin()
                answers.send((*NEW_PASS, False))
            else:
                number, indices = task
                answers.send(answered(fetch, number, indices, is_stream(fetching.dataset), where))


def fails_with(failure):
    return lambda _: failure


def until_told(tasks, stopped):
    """The tasks, until told that there are no more, and for no longer than the parent lives."""
    parent = multiprocessing.parent_process()
    while parent is None or parent.is_alive():
        try:
            task = tasks.get(timeout=PATIENCE)
        except queue.Empty:
            continue
        if task is None or stopped.value:
            return
        yield task


def answered(fetch, number, indices, stream, where):
    try:
        return number, fetch(indices), False
    except Exception as failure:
        if stream and isinstance(failure, StopIteration):
            return number, None, True
        return number, ExceptionWrapper(where=where), False


class Worker(NamedTuple):
    process: Any
    tasks: Any
    answers: Any


class Workers:
    """The batches of one pass after the other, fetched by worker processes."""

    def __init__(self, loader, base_seed, indices):
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self.depth, self.timeout = loader.prefetch_factor * loader.num_workers, loader.timeout or None
        self.in_order, self.persistent = loader.in_order, loader.persistent_workers
        context = loader.multiprocessing_context or torch.multiprocessing
        stopped = context.RawValue("b", False)  # without a lock, which a killed worker could keep
        self.workers: list = []
        self.stop = weakref.finalize(self, stop, os.getpid(), self.workers, stopped)
        for id in range(loader.num_workers):
            about = (loader.fetching, base_seed, loader.worker_init_fn, id, loader.num_workers)
            self.workers.append(started(context, about, stopped))
        self.begin(indices)

    def begin(self, indices):
        """Start a pass."""
        self.indices, self.number = indices, itertools.count()
        self.sent = {}  # the worker of each batch that has been sent for, by its number
        self.at_work = dict.fromkeys(range(len(self.workers)), True)  # of a stream, until it ends
        self.turns = itertools.cycle(self.at_work)
        for _ in range(self.depth):
            self.send()

    def begin_again(self, indices):
        """Start another pass with the same workers."""
        for worker in self.workers:
            worker.tasks.put(NEW_PASS)
        for worker in self.workers:
            while self.received(worker)[:2] != NEW_PASS:
                pass
        self.begin(indices)

    def send(self):
        """Send for one more batch, if there is one and anybody to fetch it."""
        for batch in itertools.islice(self.indices, 1):
            for id in itertools.islice(self.turns, len(self.workers)):
                if self.at_work[id] and (self.in_order or not self.is_busy(id)):
                    self.sent[number := next(self.number)] = id
                    self.workers[id].tasks.put((number, batch))
                    return

    def is_busy(self, id):
        """Whether a worker has its share of the batches to be fetched ahead."""
        return list(self.sent.values()).count(id) >= self.depth // sum(self.at_work.values())

    def __iter__(self):
        return self

    def __next__(self):
        while self.sent:
            number, batch, ended = self.received(self.next_worker())
            id = self.sent.pop(number)
            if ended:
                self.dismiss(id)
            self.send()
            if isinstance(batch, ExceptionWrapper):
                reraise(batch)
            if not ended:
                return batch
        if not self.persistent:
            self.stop()
        raise StopIteration

    def dismiss(self, id):
        """A worker's stream has ended: what else it was sent for will not come."""
        self.at_work[id] = False
        self.sent = {number: other for number, other in self.sent.items() if other != id}

    def next_worker(self):
        """The worker whose batch is due; out of order, whichever has one."""
        ids = list(dict.fromkeys(self.sent.values()))
        due = ids[:1] if self.in_order else ids
        pipes = {self.workers[id].answers: self.workers[id] for id in due}
        ends = {worker.process.sentinel: worker for worker in self.workers}
        ready = wait([*pipes, *ends], self.timeout)
        dead = [ends[end] for end in ready if end in ends]
        if dead:
            self.fail(dead[0].process)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
        return pipes[ready[0]]

    def received(self, worker):
        try:
            return worker.answers.recv()
        except (EOFError, OSError):
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                raise
            self.fail(worker.process)

    def fail(self, process):
        """A worker is dead: the others are stopped."""
        self.stop()
        self.sent = {}
        death = RuntimeError(cause_of_death(process))
        raise RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly") from death


def reraise(failure):
    """Raise what a worker has caught, but not from torch's frame: there the error would keep itself and the pass."""
    try:
        failure.reraise()
    except Exception as error:
        raise error.with_traceback(None)  # noqa: B904  (it is the same one)


def cause_of_death(process):
    if process.exitcode < 0:
        return f"DataLoader worker (pid {process.pid}) is killed by signal: {signal.strsignal(-process.exitcode)}. "
    return (
        f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {process.exitcode}. Details "
        "are lost due to multiprocessing. Rerunning with num_workers=0 may give better error trace."
    )


def started(context, about, stopped):
    """A new worker; only it can write to its pipe, so that the pipe ends with it."""
    tasks = context.Queue()
    tasks.cancel_join_thread()
    answers, its_end = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*about, tasks, its_end, stopped), daemon=True)
    try:
        process.start()
    except (TypeError, AttributeError, PicklingError):
        warnings.warn(CANNOT_BE_SENT, stacklevel=2)
        raise
    its_end.close()
    return Worker(process, tasks, answers)


def stop(owner, workers, stopped):
    """End all workers, whatever they are doing."""
    if os.getpid() != owner:  # a process forked later has these workers, too, but they are not its own
        return
    stopped.value = True
    for worker in workers:
        worker.answers.close()
        worker.tasks.put(None)
    for worker in workers:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.terminate()
            worker.process.join(PATIENCE)
        worker.tasks.close()


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    worker_seeds_manual,
    Absent("a plain loop has one process, and its rows are seeded by whoever seeds the loop"),
    get_worker_info,
    torch.utils.data.get_worker_info,
)
