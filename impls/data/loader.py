r"""The loader: one pass over a dataset, a batch at a time.

    e ~ random int64                       the base seed of worker processes, drawn at the start of every pass
    for I in batches(sampler):             each drawn when it is asked for
        yield collate(D[i] for i in I)

The base seed is drawn even without workers and without shuffling (pytorch#20749 asked for the opposite), and
from the generator that shuffle=True then draws from; a loader that skips it shuffles otherwise (tests/planted:
loader_no_base_seed).  With what a dry sampler throws away (data/random_sampler.py) this makes the order of a
pass depend on how far each earlier pass was read.  Without a generator, both come from the global one.

Plain tensors are gathered a megabyte at a time instead of row by row, and batches are parts of it: same values, same
strides, written to independently; but they share a storage, so keeping one keeps its neighbours, and what NumPy writes
behind torch's back into a dataset may be seen only some batches later.

Torch's loader cannot say where it is: a run that is stopped within a pass starts it anew, in another order.
data/stateful_loader.py has one that resumes.  Worker processes are in data/workers.py.

Shapes   D has n rows; a batch is (b, …) for each part of a row, the last possibly shorter.
Units    those of the data.
Raises   ValueError for options that exclude each other or are out of range, and for setting one of
         them on a finished loader; AssertionError at the start of a pass if timeout > 0 without workers;
         warns of more workers than CPUs, of pinned memory without an accelerator to pin it for, and of a stream
         that is longer than it said.
Source   torch/utils/data/dataloader.py, torch/utils/data/_utils/fetch.py (PyTorch 2.13).
"""

import itertools
import multiprocessing
import os
import warnings
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from impls.data.batch_sampler import BatchSampler, batch_sampler_manual, batch_sampler_raw, cut
from impls.data.collate import default_collate, default_convert, pinned
from impls.data.dataset import TensorDataset
from impls.data.iterable_dataset import is_stream
from impls.data.random_sampler import RandomSampler, random_sampler_manual, random_sampler_raw
from impls.data.sequential_sampler import Sampler, SequentialSampler, sequential_sampler_manual, sequential_sampler_raw
from impls.data.subset import Subset
from impls.data.workers import Fetching, Workers
from impls.ladder import Ladder
from impls.rng import rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Cursor(NamedTuple):
    """A place in a pass: how the sampler takes indices and where it is, and how they are batched."""

    take: Callable
    sampler: tuple
    batch_size: int
    drop_last: bool


def start(rng, n, *, batch_size=1, shuffle=False, drop_last=False, private=False):
    """Return (cursor, rng) at the start of a pass over n rows; `private` as for the random sampler."""
    _, rng = rng_manual.random(rng)  # the base seed
    if shuffle:
        take, sampler = random_sampler_manual.take, random_sampler_manual.start(n, private=private)
    else:
        take, sampler = sequential_sampler_manual.take, sequential_sampler_manual.start(n)
    return Cursor(take, sampler, batch_size, drop_last), rng


def advance(cursor, rng):
    """Return (indices, cursor, rng), the indices of the next batch, None at the end of the pass."""
    take, sampler, batch_size, drop_last = cursor
    batch, sampler, rng = batch_sampler_manual(take, sampler, rng, batch_size=batch_size, drop_last=drop_last)
    return batch, cursor._replace(sampler=sampler), rng


class Loader(NamedTuple):
    """A pass as two pure functions, so that a training step may draw from the same generator in between:

    cursor, rng = start(rng, len(x), batch_size=64, shuffle=True)
    while True:
        i, cursor, rng = advance(cursor, rng)
        if i is None:
            break
        ... x[i], y[i] ...
    """

    start: Callable[..., tuple]
    advance: Callable[..., tuple]


loader_manual = Loader(start, advance)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def loader_raw(n, batch_size=1, shuffle=False, drop_last=False, generator=None):
    """Return an iterator of index tensors: `for i in loader_raw(len(x), 64, shuffle=True): step(x[i], y[i])`."""
    # The base seed of worker processes, of which there are none: drawn to leave the generator where torch does.
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    sampler = random_sampler_raw(n, generator=generator) if shuffle else sequential_sampler_raw(n)
    return batch_sampler_raw(sampler, batch_size, drop_last)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

Batch = TypeVar("Batch", covariant=True)
FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[Batch]):
    """Drop-in for torch.utils.data.DataLoader."""

    _built = False  # once it is, the options in FIXED stay as they are
    _promised = None  # how many rows a stream has said to have
    _kept = None  # the pass whose workers persist

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.multiprocessing_context = context_of(multiprocessing_context, num_workers)
        if is_stream(dataset):
            check_stream(shuffle, sampler, batch_sampler)
        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            sampler = order_of(dataset, shuffle, generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        if num_workers and prefetch_factor is None:
            prefetch_factor = 2
        self.dataset, self.sampler, self.batch_sampler, self.generator = dataset, sampler, batch_sampler, generator
        self.batch_size, self.drop_last, self.collate_fn = batch_size, drop_last, collate_fn
        self.pin_memory, self.pin_memory_device, self.timeout = pin_memory, pin_memory_device, timeout
        self.num_workers, self.worker_init_fn, self.in_order = num_workers, worker_init_fn, in_order
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        warn_of_many(num_workers)
        self._built = True

    def __setattr__(self, name, value):
        if self._built and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def indices(self):
        """What says which rows come: indices, or batches of them."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def fetching(self):
        return Fetching(self.dataset, self.collate_fn, self.batch_sampler is not None, self.drop_last)

    def __iter__(self):
        if self._kept is not None and self._kept.source.stop.alive:
            self._kept.begin_again(self)
            return self._kept
        warn_of_many(self.num_workers)
        begun = Pass(self)
        if self.persistent_workers:
            self._kept = begun
        return begun

    def __len__(self):
        if not is_stream(self.dataset):
            return len(self.indices)
        self._promised = n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class Pass:
    """One pass over a loader: an iterator over its batches, which knows how many there are."""

    def __init__(self, loader):
        self.sampler = loader.indices
        pinning = pins(loader)
        indices = iter(self.sampler)
        base_seed = torch.empty((), dtype=torch.int64).random_(generator=loader.generator).item()
        if loader.timeout and not loader.num_workers:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        if loader.num_workers:
            self.source, fetch = Workers(loader, base_seed, indices), None
        else:
            self.source, fetch = in_process(loader, indices)
        self.fetched = self.watched(self.source)
        for step in (fetch, pinned if pinning else None):
            self.fetched = map(step, self.fetched) if step else self.fetched
        self.begin(loader)

    def watched(self, source):
        """For a child that wants to see what is asked of the source."""
        return source

    def begin(self, loader):
        self.batches = self.fetched if loader._promised is None else map(Counted(loader), self.fetched)

    def begin_again(self, loader):
        """Begin another pass with the same workers; no base seed is drawn, as they are seeded already."""
        self.begin(loader)
        self.source.begin_again(iter(self.sampler))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.batches)

    def __len__(self):
        return len(self.sampler)


class Counted:
    """Hands batches on, and warns where a stream is longer than it said."""

    def __init__(self, loader):
        self.promised, self.given = loader._promised, 0
        self.dataset, self.num_workers = loader.dataset, loader.num_workers

    def __call__(self, batch):
        self.given += 1
        if self.given > self.promised:
            warnings.warn(
                f"Length of IterableDataset {self.dataset} was reported to be {self.promised}"
                f"(when accessing len(dataloader)), but {self.given} samples have been fetched. "
                + (UNSHARED if self.num_workers else ""),
                stacklevel=3,
            )
        return batch


UNSHARED = (
    "For multiprocessing data-loading, this could be caused by not properly configuring the "
    "IterableDataset replica at each worker. Please see "
    "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
)


class Forever(Sampler[None]):
    """What a stream is asked for: the next row, whichever it is."""

    def __iter__(self):
        return itertools.repeat(None)


def order_of(dataset, shuffle, generator):
    if is_stream(dataset):
        return Forever()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def in_process(loader, indices):
    """What is asked for the next batch, and what makes a batch of the answer, if it is not one already."""
    batches = gathered(loader)
    if batches is not None:
        return batches, None
    fetch = loader.fetching.begin()
    return (map(fetch, indices), None) if is_stream(loader.dataset) else (indices, fetch)


def gathered(loader):
    """The same batches without their rows, or None.

    Only where every piece is exactly ours, so that nobody's override is passed by.
    """
    batches, dataset = loader.batch_sampler, loader.dataset
    if type(batches) is not BatchSampler or type(batches.sampler) not in (RandomSampler, SequentialSampler):
        return None
    if batches.sampler.data_source is not dataset or loader.collate_fn is not default_collate:
        return None
    tensors, rows = in_memory(dataset)
    if tensors is None:
        return None
    draws = batches.sampler.draws()
    if rows is not None:
        draws = (rows[drawn] for drawn in draws)
    at_once = max(1, MEGABYTE // max(1, batches.batch_size * sum(t[:1].nbytes for t in tensors)))
    return gather(tensors, cut(draws, batches.batch_size, batches.drop_last, at_once), batches.batch_size)


# The types that index_select knows in every shape.
INTEGERS = {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128}

MEGABYTE = 2**20  # stays in the cache, and is many calls' worth of work


def gather(tensors, pieces, batch_size):
    """Gather many batches at once and hand out its parts, which unsafe_split makes tensors in their own right."""
    for rows in pieces:
        written = [(t, t._version) for t in tensors]
        parts = [t.index_select(0, rows).unsafe_split(batch_size) for t in tensors]
        for i, batch in enumerate(map(list, zip(*parts, strict=True))):
            for t, version in written:
                if t._version != version:  # since then somebody has changed the dataset
                    batch = [t.index_select(0, rows.split(batch_size)[i]) for t in tensors]
                    break
            yield batch


def in_memory(dataset):
    """The tensors behind a dataset, None unless they can be gathered from; and the rows it shows, None for all."""
    if type(dataset) is TensorDataset and all(map(is_plain, dataset.tensors)):
        return dataset.tensors, None
    if type(dataset) is Subset and type(dataset.indices) is list and set(map(type, dataset.indices)) == {int}:
        tensors, outer = in_memory(dataset.dataset)
        n = 0 if tensors is None else len(dataset.dataset)
        if -n <= min(dataset.indices) and max(dataset.indices) < n:  # a row outside fails only when it is fetched
            rows = torch.from_numpy(np.fromiter(dataset.indices, np.int64)) % n
            return tensors, rows if outer is None else outer[rows]
    return None, None


def is_plain(tensor):
    """Whether gathering rows is stacking them: not with a graph, nor where rows in channels-last order stay so."""
    if type(tensor) is not torch.Tensor or tensor.layout is not torch.strided or tensor.is_nested:
        return False
    if tensor.dtype not in INTEGERS | FLOATS:
        return False
    return tensor.is_cpu and tensor.is_contiguous() and not tensor.requires_grad and not tensor.is_inference()


def check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def context_of(context, num_workers):
    """The context in which processes are started, given as such or by the name of a way to start them."""
    if context is None:
        return None
    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
            f"but got num_workers={num_workers}"
        )
    if isinstance(context, str):
        known = torch.multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {known!r}, but got "
                f"multiprocessing_context={context!r}"
            )
        return torch.multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got multiprocessing_context={context}"
        )
    return context


def warn_of_many(num_workers):
    if hasattr(os, "sched_getaffinity"):
        cpus, known = len(os.sched_getaffinity(0)), ""
    else:
        cpus, known = os.cpu_count() or 1, " (`cpuset` is not taken into account)"
    if num_workers > cpus:
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes in total. Our suggested max number of worker "
            f"in current system is {cpus}{known}, which is smaller than what this DataLoader is going to create. "
            "Please be aware that excessive worker creation might get DataLoader running slow or even freeze, "
            "lower the worker number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )


def pins(loader):
    """Whether batches are pinned: where there is an accelerator to pin them for."""
    if not loader.pin_memory:
        return False
    if loader.pin_memory_device:
        warnings.warn(
            "pin_memory_device is deprecated, the current accelerator will be used as the device,"
            f"ignore pin_memory_device='{loader.pin_memory_device}'.",
            stacklevel=3,
        )
    if not torch.accelerator.is_available():
        warnings.warn(
            "'pin_memory' argument is set as true but no accelerator is found, "
            "then device pinned memory won't be used.",
            stacklevel=3,
        )
    return torch.accelerator.is_available()


def check_stream(shuffle, sampler, batch_sampler):
    for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )


def check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last):
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_sampler is None and batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(loader_manual, loader_raw, DataLoader, torch.utils.data.DataLoader)
