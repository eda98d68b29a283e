r"""Datasets side by side, as one.

    D[i] = (D₁[i], …, D_m[i]),  or {name₁: D₁[i], …} where they have names          |D| = |D₁| = … = |D_m|

A whole batch is asked of each dataset in turn, in a single request of those that take one, and then cut into rows
(data/subset.py has why that matters); a dataset that gives another number of rows is noticed, for otherwise
rows of different places would be paired (tests/planted: stack_dataset_rows_uncounted).

Shapes   rows of any shape; all datasets have the same length.
Units    those of the data.
Raises   ValueError if lengths differ, of datasets or of what one gives for a batch, if there are none, or if only some
         have names.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

import torch

from impls.data.dataset import Dataset, Row
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def stack_dataset_manual(datasets, index):
    """The row, or the batch of rows, that `index` names; the datasets in a tuple or in a dictionary."""
    if isinstance(datasets, dict):
        return {name: dataset[index] for name, dataset in datasets.items()}
    return tuple(dataset[index] for dataset in datasets)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def stack_dataset_raw(datasets, index):
    """The row, or the batch of rows, that `index` names; the datasets in a tuple or in a dictionary."""
    if isinstance(datasets, dict):
        return {name: dataset[index] for name, dataset in datasets.items()}
    return tuple(dataset[index] for dataset in datasets)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class StackDataset(Dataset[Row]):
    """Drop-in for torch.utils.data.StackDataset."""

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or"
                "``dict``- (via ``kwargs``) like input/output, but both types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        self.length = len(self.each()[0])
        if any(len(dataset) != self.length for dataset in self.each()):
            raise ValueError("Size mismatch between datasets")

    def each(self):
        return list(self.datasets.values()) if isinstance(self.datasets, dict) else self.datasets

    def row(self, parts):
        """A row of these parts, one of each dataset."""
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index):
        return self.row([dataset[index] for dataset in self.each()])

    def __getitems__(self, indices):
        columns = [rows_of(dataset, indices) for dataset in self.each()]
        return [self.row(parts) for parts in zip(*columns, strict=True)]

    def __len__(self):
        return self.length


def rows_of(dataset, indices):
    """The rows one by one, in a list; in a single request if the dataset takes one."""
    if not callable(getattr(dataset, "__getitems__", None)):
        return [dataset[i] for i in indices]
    rows = dataset.__getitems__(indices)
    if len(rows) != len(indices):
        raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(rows)}")
    return rows


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(stack_dataset_manual, stack_dataset_raw, StackDataset, torch.utils.data.StackDataset)
