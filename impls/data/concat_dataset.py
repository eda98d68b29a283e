r"""Datasets one after the other, as one.

    D = D₁ ⧺ … ⧺ D_m          D[i] = D_k[i - N_{k-1}],  the k with N_{k-1} ≤ i < N_k,  N_k = |D₁| + … + |D_k|

Datasets without rows are passed over: N_k = N_{k-1} holds no i.  A negative i counts from the end of the whole and is
made positive first; handed on as it is, -1 would be the last row of D₁ (pytorch#15756; tests/planted:
concat_dataset_negative_handed_on).  The lengths are taken once, at construction.

Shapes   i a number; rows of any shape.
Units    those of the data.
Raises   ValueError before the first row, IndexError past the last; AssertionError if there is no dataset, or one
         is a stream.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

from bisect import bisect_right
from itertools import accumulate

import numpy as np
import torch

from impls.data.dataset import Dataset, Row
from impls.data.iterable_dataset import is_stream
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def concat_dataset_manual(lengths, index):
    """Where the rows `index` of the whole are: (which dataset, which of its rows)."""
    ends = np.cumsum(lengths)
    index = np.where(np.less(index, 0), index + ends[-1], index)
    which = np.searchsorted(ends, index, side="right")
    return which, index - (ends - lengths)[which]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def concat_dataset_raw(lengths, index):
    """Where the rows `index` of the whole are: (which dataset, which of its rows)."""
    lengths, index = torch.as_tensor(lengths), torch.as_tensor(index)
    ends = lengths.cumsum(0)
    index = torch.where(index < 0, index + ends[-1], index)
    which = torch.bucketize(index, ends, right=True)
    return which, index - (ends - lengths)[which]


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ConcatDataset(Dataset[Row]):
    """Drop-in for torch.utils.data.ConcatDataset."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(map(is_stream, self.datasets)):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __getitem__(self, idx):
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        which = bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self):
        return self.cumulative_sizes[-1]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(concat_dataset_manual, concat_dataset_raw, ConcatDataset, torch.utils.data.ConcatDataset)
