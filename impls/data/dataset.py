r"""A dataset: rows that are fetched by index; here, arrays that share their first dimension.

    D[i] = (x[i], y[i], …)          |D| = n

The parts are indexed with one and the same i, whatever it is: a number gives one row, an array of
numbers a batch.  Only the first dimensions have to agree, and they are checked once, at construction,
for an index that exists in x and not in y would otherwise be found an epoch later.

Shapes   x (n, …), y (n, …), any number of them, any trailing shapes, any dtypes.
Units    those of the data.
Raises   AssertionError if first dimensions differ; IndexError past the end;
         NotImplementedError from a Dataset that does not say what a row is.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

from typing import Generic, TypeVar

import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def tensor_dataset_manual(arrays, index):
    """The row, or the batch of rows, that `index` names."""
    return tuple(a[index] for a in arrays)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def tensor_dataset_raw(tensors, index):
    """The row, or the batch of rows, that `index` names."""
    return tuple(t[index] for t in tensors)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

Row = TypeVar("Row", covariant=True)


class Dataset(Generic[Row]):
    """Drop-in for torch.utils.data.Dataset; a child says what a row is, and usually how many there are."""

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        from impls.data.concat_dataset import ConcatDataset  # which is one of these

        return ConcatDataset([self, other])


class TensorDataset(Dataset[tuple[torch.Tensor, ...]]):
    """Drop-in for torch.utils.data.TensorDataset."""

    def __init__(self, *tensors):
        if any(tensors[0].size(0) != t.size(0) for t in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(t[index] for t in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(tensor_dataset_manual, tensor_dataset_raw, TensorDataset, torch.utils.data.TensorDataset)
