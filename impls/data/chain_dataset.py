r"""Streams one after the other, as one.

    D = (r₁, …, r_n, s₁, …, s_m, …)          of (r₁, …, r_n), (s₁, …, s_m), …

A stream is begun when the one before has ended, and not earlier: two that read one source read on where the other
stopped.  That each of them is a stream is looked at then too, so a chain may fail in its middle.

Shapes   rows of any shape.
Units    those of the data.
Raises   AssertionError for a dataset that is no stream, when its turn comes; TypeError for the length of a
         chain in which a stream has none.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

import torch

from impls.data.dataset import Row
from impls.data.iterable_dataset import IterableDataset, is_stream
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ChainDataset(IterableDataset[Row]):
    """Drop-in for torch.utils.data.ChainDataset."""

    def __init__(self, datasets):
        self.datasets = datasets

    def streams(self):
        for dataset in self.datasets:
            if not is_stream(dataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self):
        for stream in self.streams():
            yield from stream

    def __len__(self):
        return sum(map(len, self.streams()))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

ITERTOOLS = "on streams that are plain iterators this is itertools.chain"

LADDER = Ladder(Absent(ITERTOOLS), Absent(ITERTOOLS), ChainDataset, torch.utils.data.ChainDataset)
