"""What datasets, samplers, collations, splits and loaders are to refuse, said of the library that they belong to."""

import functools

import numpy as np
import torch

from impls.ladder import Rung
from tests.data import trace as observed
from tests.data.trace import BATCHES, DISTRIBUTED, LOADER, RANDOM, SEQUENTIAL, SUBSET_RANDOM, WEIGHTED, Library


def _overriding_rows(cls):
    return type("Child", (cls,), {"__getitem__": lambda _, i: i})


def _pair(library):
    return library.TensorDataset(torch.arange(3.0), torch.arange(3))


BAD = [
    {"batch_size": 0},
    {"batch_size": "3"},
    {"drop_last": 1},
    {"batch_size": None, "drop_last": True},
    {"sampler": [0], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2},
    {"batch_sampler": [[0]], "shuffle": True},
    {"batch_sampler": [[0]], "sampler": [0]},
    {"batch_sampler": [[0]], "drop_last": True},
    {"num_workers": -1},
    {"timeout": -1},
    {"timeout": 1},
    {"prefetch_factor": 2},
    {"prefetch_factor": -1},
    {"persistent_workers": True},
    {"multiprocessing_context": "spawn"},
]
FOR_STREAMS = [
    {"shuffle": True},
    {"sampler": [0]},
    {"batch_sampler": [[0]]},
    {"sampler": [0], "shuffle": True},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
]
FOR_WORKERS = [
    {"num_workers": 1, "prefetch_factor": -1},
    {"num_workers": 1, "multiprocessing_context": "spoon"},
    {"num_workers": 1, "multiprocessing_context": 3},
    {"num_workers": 0, "multiprocessing_context": "fork"},
]
BY_LIBRARY = {
    "data.dataset": {
        "parts of different length": lambda library: library.TensorDataset(torch.zeros(3), torch.zeros(2)),
        "a third part of another length": lambda library: library.TensorDataset(*map(torch.zeros, (3, 3, 2))),
        "a number for a part": lambda library: library.TensorDataset(torch.tensor(1.0)),
        "the length of no parts": lambda library: len(library.TensorDataset()),
        "a row past the end": lambda library: _pair(library)[3],
        "a row before the first": lambda library: _pair(library)[-4],
        "a row of a dataset that has none": lambda library: library.Dataset()[0],
        "the length of a dataset that has none": lambda library: len(library.Dataset()),
    },
    "data.concat_dataset": {
        "no datasets": lambda library: library.ConcatDataset([]),
        "a stream": lambda library: library.ConcatDataset([[7], library.ChainDataset([])]),
        "a dataset without a length": lambda library: library.ConcatDataset([iter("abc")]),
        "a row past the end": lambda library: library.ConcatDataset([[7], [8]])[2],
        "a row before the first": lambda library: library.ConcatDataset([[7], [8]])[-3],
        "some rows": lambda library: library.ConcatDataset([[7]])[[0]],
    },
    "data.stack_dataset": {
        "no datasets": lambda library: library.StackDataset(),
        "datasets with names and without": lambda library: library.StackDataset([7], a=[8]),
        "datasets of two lengths": lambda library: library.StackDataset([7], [8, 9]),
        "named datasets of two lengths": lambda library: library.StackDataset(a=[7], b=[8], c=[8, 9]),
        "a dataset without a length": lambda library: library.StackDataset(iter("abc")),
        "a row past the end": lambda library: library.StackDataset([7], [8])[1],
        "fewer rows than asked for": lambda library: library.StackDataset(observed.Short()).__getitems__([0, 1]),
    },
    "data.iterable_dataset": {
        "a stream without rows": lambda library: library.IterableDataset(),
        "a row of a stream": lambda library: library.ChainDataset([])[0],
        "the length of a stream that has none": lambda library: len(observed.stream_class(library, None)()),
    },
    "data.chain_dataset": {
        "a dataset that is no stream": lambda library: list(library.ChainDataset([[7]])),
        "the length of one that is no stream": lambda library: len(library.ChainDataset([[7]])),
        "the length of a stream that has none": lambda library: len(
            library.ChainDataset([observed.stream_class(library, None)()])
        ),
    },
    SUBSET_RANDOM: {
        "indices without a length": lambda library: list(library.SubsetRandomSampler(iter("abc"))),
        "the length of no number": lambda library: len(library.SubsetRandomSampler(7)),
    },
    WEIGHTED: {
        "no sample": lambda library: library.WeightedRandomSampler([1.0], 0),
        "a float of samples": lambda library: library.WeightedRandomSampler([1.0], 1.0),
        "a bool of samples": lambda library: library.WeightedRandomSampler([1.0], True),
        "replacement that is no bool": lambda library: library.WeightedRandomSampler([1.0], 1, 1),
        "a table of weights": lambda library: library.WeightedRandomSampler([[1.0]], 1),
        "a weight": lambda library: library.WeightedRandomSampler(1.0, 1),
        "weights of text": lambda library: library.WeightedRandomSampler("ab", 1),
        "more samples than rows": lambda library: list(library.WeightedRandomSampler([1.0], 2, False)),
        **{
            f"weights {weights}, {m}, {replacement}": lambda library, w=weights, m=m, r=replacement: list(
                library.WeightedRandomSampler(w, m, r)
            )
            for weights in ([1.0, -1.0], [0.0, 0.0], [1.0, float("inf")], [float("nan"), 1.0])
            for m, replacement in ((2, True), (1, True), (1, False))
        },
        "a bad weight, before anything is drawn": lambda library: library.WeightedRandomSampler([-1.0], 1) and 1 / 0,
    },
    DISTRIBUTED: {
        "a rank below 0": lambda library: library.DistributedSampler([7], 2, -1),
        "a rank too many": lambda library: library.DistributedSampler([7], 2, 2),
        "no rank, and no group to ask": lambda library: library.DistributedSampler([7], 2),
        "no number of replicas, and no group to ask": lambda library: library.DistributedSampler([7], rank=0),
        "a dataset without a length": lambda library: library.DistributedSampler(iter("abc"), 2, 0),
    },
    "data.subset": {
        "a child with rows of its own but no batches": lambda library: _overriding_rows(library.Subset)([7], [0]),
        "a row past the end": lambda library: library.Subset(_pair(library), [0])[1],
        "a row past the end of the whole": lambda library: library.Subset(_pair(library), [0, 3])[1],
        "a batch past the end": lambda library: library.Subset(_pair(library), [0]).__getitems__([0, 1]),
        "some rows of a list": lambda library: library.Subset([5, 6], [0, 1])[[0, 1]],
    },
    "data.split": {
        "too many rows": lambda library: library.random_split(range(5), [3, 3]),
        "too few rows": lambda library: library.random_split(range(5), [3, 1]),
        "fractions of more than one": lambda library: library.random_split(range(5), [0.6, 0.6]),
        "fractions of less than one": lambda library: library.random_split(range(5), [0.6, 0.3]),
        "a fraction below 0": lambda library: library.random_split(range(5), [-0.5, 1.5]),
        "a fraction above 1": lambda library: library.random_split(range(5), [1.5, -0.5]),
        "numbers of rows that are floats": lambda library: library.random_split(range(5), [2.0, 3.0]),
        "a dataset without a length": lambda library: library.random_split(iter("abc"), [1, 2]),
    },
    SEQUENTIAL: {
        "a dataset without a length": lambda library: list(library.SequentialSampler(iter("abc"))),
        "the order of a sampler that has none": lambda library: iter(library.Sampler()),
        "the length of a sampler that has none": lambda library: len(library.Sampler()),
    },
    RANDOM: {
        "replacement that is no bool": lambda library: library.RandomSampler([7], 1),
        "no rows at all": lambda library: library.RandomSampler([]),
        "no sample": lambda library: library.RandomSampler([7], num_samples=0),
        "fewer samples than none": lambda library: library.RandomSampler([7], True, -1),
        "a float of samples": lambda library: library.RandomSampler([7], num_samples=2.0),
        "replacement refused before num_samples": lambda library: library.RandomSampler([7], None, 0),
        "samples of no rows": lambda library: list(library.RandomSampler([], True, 3)),
    },
    BATCHES: {
        "batches of no rows": lambda library: library.BatchSampler([7], 0, False),
        "batches of fewer than no rows": lambda library: library.BatchSampler([7], -2, False),
        "a bool for a batch size": lambda library: library.BatchSampler([7], True, False),
        "a float for a batch size": lambda library: library.BatchSampler([7], 2.0, False),
        "drop_last that is no bool": lambda library: library.BatchSampler([7], 2, 0),
        "batch_size refused before drop_last": lambda library: library.BatchSampler([7], 0, 0),
        "the length of a stream": lambda library: len(library.BatchSampler(iter([7]), 2, False)),
    },
    "data.collate": {
        "no rows": lambda library: library.default_collate([]),
        "nothing": lambda library: library.default_collate([None]),
        "a set": lambda library: library.default_collate([{1}]),
        "a complex number": lambda library: library.default_collate([1j]),
        "a class": lambda library: library.default_collate([int]),
        "an integer of 65 bits": lambda library: library.default_collate([2**64]),
        "text, then a number": lambda library: library.default_collate([(1, "a"), ("b", 2)]),
        "a missing key": lambda library: library.default_collate([{"a": 1}, {"b": 1}]),
        "tensors of two shapes": lambda library: library.default_collate([torch.zeros(2), torch.zeros(3)]),
        "arrays of two shapes": lambda library: library.default_collate([np.zeros(2), np.zeros(3)]),
        "a tensor, then a number": lambda library: library.default_collate([torch.zeros(()), 0.0]),
        "longer rows": lambda library: library.default_collate([[1], [1, 2]]),
        "shorter rows": lambda library: library.default_collate([(1, 2), (1,)]),
        "an array of text": lambda library: library.default_collate([np.array(["a"])]),
        "an array of objects": lambda library: library.default_collate([np.array([None])]),
        "an array of bytes": lambda library: library.default_collate([np.array([b"a"])]),
        "a date": lambda library: library.default_collate([np.datetime64("2020")]),
        "sparse tensors": lambda library: library.default_collate([torch.eye(2).to_sparse()]),
    },
    LOADER: {
        "shuffling no rows": lambda library: library.DataLoader([], shuffle=True),
        "a dataset without a length, shuffled": lambda library: library.DataLoader(iter("abc"), shuffle=True),
        "the length of a dataset without one": lambda library: len(library.DataLoader(iter("abc"))),
        "the length of a stream of indices": lambda library: len(library.DataLoader([7], sampler=iter([0]))),
        "a row past the end": lambda library: list(library.DataLoader([7], sampler=[1])),
        **{
            f"a stream and {bad}": lambda library, bad=bad: library.DataLoader(library.ChainDataset([]), **bad)
            for bad in FOR_STREAMS
        },
        **{f"workers and {bad}": lambda library, bad=bad: iter(library.DataLoader([7], **bad)) for bad in FOR_WORKERS},
        "the length of a stream that has none": lambda library: len(
            library.DataLoader(observed.stream_class(library, None)())
        ),
        "a child of Subset": lambda library: library.DataLoader(_overriding_rows(library.Subset)([7], [0])),
        **{f"DataLoader(**{bad})": lambda library, bad=bad: list(library.DataLoader([7], **bad)) for bad in BAD},
    },
}


def _of_its_library(attempt, impl):
    """An attempt with the library that a drop-in belongs to; what it draws is put back."""
    with torch.random.fork_rng(devices=[]):
        return attempt(Library.of(Rung.NATIVE if impl.__module__.startswith("torch.") else Rung.CUSTOM))


REFUSED = {
    concept: {what: functools.partial(_of_its_library, attempt) for what, attempt in attempts.items()}
    for concept, attempts in BY_LIBRARY.items()
}
