r"""The loader: one pass over a dataset, a batch at a time.

    e ~ random int64                       the base seed of worker processes, drawn at the start of every pass
    for I in batches(sampler):             each drawn when it is asked for
        yield collate(D[i] for i in I)

The base seed is drawn even without workers and without shuffling (pytorch#20749 asked for the opposite), and
from the generator that shuffle=True then draws from; a loader that skips it shuffles otherwise (tests/planted:
loader_no_base_seed).  With what a dry sampler throws away (data/random_sampler.py) this makes the order of a
pass depend on how far each earlier pass was read.  Without a generator, both come from the global one.

Plain tensors are gathered a batch at a time instead of row by row: same values, same memory layout.

Not here yet: worker processes, pinned memory and IterableDataset, concepts of their own.

Shapes   D has n rows; a batch is (b, …) for each part of a row, the last possibly shorter.
Units    those of the data.
Raises   ValueError for options that exclude each other or are out of range, and for setting one of
         them on a finished loader; AssertionError at the start of a pass if timeout > 0 without workers;
         NotImplementedError for workers and for pinned memory.
Source   torch/utils/data/dataloader.py, torch/utils/data/_utils/fetch.py (PyTorch 2.13).
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from impls.data.batch_sampler import BatchSampler, batch_sampler_manual, batch_sampler_raw, cut
from impls.data.collate import default_collate, default_convert
from impls.data.dataset import TensorDataset
from impls.data.random_sampler import RandomSampler, random_sampler_manual, random_sampler_raw
from impls.data.sequential_sampler import SequentialSampler, sequential_sampler_manual, sequential_sampler_raw
from impls.data.subset import Subset
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
    """Drop-in for torch.utils.data.DataLoader in one process."""

    _built = False  # once it is, the options in FIXED stay as they are

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
        check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        if num_workers or pin_memory:
            raise NotImplementedError(
                "worker processes and pinned memory are not on this rung yet: use num_workers=0 and "
                "pin_memory=False, or torch.utils.data.DataLoader"
            )
        self.dataset, self.sampler, self.batch_sampler, self.generator = dataset, sampler, batch_sampler, generator
        self.batch_size, self.drop_last, self.collate_fn = batch_size, drop_last, collate_fn
        self.pin_memory, self.pin_memory_device, self.timeout = pin_memory, pin_memory_device, timeout
        self.num_workers, self.worker_init_fn, self.in_order = num_workers, worker_init_fn, in_order
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.multiprocessing_context = multiprocessing_context
        self._built = True

    def __setattr__(self, name, value):
        if self._built and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self):
        return Pass(self)

    def __len__(self):
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


class Pass:
    """One pass over a loader: an iterator over its batches, which knows how many there are."""

    def __init__(self, loader):
        self.sampler = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        self.indices, self.fetch = gathered(loader) or (iter(self.sampler), fetcher(loader))
        torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
        if loader.timeout:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")

    def __iter__(self):
        return self

    def __next__(self):
        return self.fetch(next(self.indices))

    def __len__(self):
        return len(self.sampler)


# The types that index_select knows in every shape.
INTEGERS = {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128}


def fetcher(loader):
    """The function from what the sampler yields to a batch, row by row."""
    dataset, collate = loader.dataset, loader.collate_fn
    if loader.batch_sampler is None:
        return lambda index: collate(dataset[index])
    if getattr(dataset, "__getitems__", None):
        return lambda batch: collate(dataset.__getitems__(batch))
    return lambda batch: collate([dataset[index] for index in batch])


def gathered(loader):
    """The same batches without their rows: index tensors, and the function that gathers a batch of each; or None.

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
    return cut(draws, batches.batch_size, batches.drop_last), lambda i: [t.index_select(0, i) for t in tensors]


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
    return tensor.is_cpu and tensor.is_contiguous() and not tensor.requires_grad


def check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context):
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
    if multiprocessing_context is not None and num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
            f"but got num_workers={num_workers}"
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
