r"""A dataset of rows that come by themselves, in their own order: a stream.

    D = (r₁, r₂, …)          a pass of a loader is  r₁ … r_b,  r_{b+1} … r_{2b},  …

Nobody can ask for row i, so there is no sampler to choose or to shuffle, and how many rows there are is only known
if the stream says so.  Every worker process has a copy of the whole stream: with two workers each row comes
twice, unless the stream asks which worker it is in (data/workers.py) and shows that worker's share.

Shapes   rows of any shape.
Units    those of the data.
Raises   NotImplementedError for a row asked for by its index; TypeError if a child does not say its rows.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

from collections.abc import Iterable

import torch

from impls.data.dataset import Dataset, Row
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class IterableDataset(Dataset[Row], Iterable[Row]):
    """Drop-in for torch.utils.data.IterableDataset; a child yields its rows, and may know how many."""

    def __add__(self, other):
        from impls.data.chain_dataset import ChainDataset  # which is made of these

        return ChainDataset([self, other])


def is_stream(dataset):
    """Whether a dataset is an IterableDataset, ours or torch's, which this rung may not name."""
    return any(cls.__name__ == "IterableDataset" for cls in type(dataset).__mro__)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

ANY_ITERATOR = "a stream is any iterator of Python's: there is nothing to index and nothing to compute"

LADDER = Ladder(Absent(ANY_ITERATOR), Absent(ANY_ITERATOR), IterableDataset, torch.utils.data.IterableDataset)
