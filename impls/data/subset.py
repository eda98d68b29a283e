r"""Some rows of a dataset: a list of indices, composed with whatever is asked for.

    S = (D, s)          S[i] = D[s[i]]          |S| = |s|

A loader fetches a whole batch through `__getitems__` when a dataset has it, and never calls
`__getitem__` then: a child that changes only the latter would be ignored (pytorch#163184), so it is
refused at construction (tests/planted: subset_child_ignored).

Shapes   s (m,), any m, repetitions and negative indices allowed.
Units    none.
Raises   IndexError past the end of s, or of D, when the row is fetched;
         NotImplementedError for a child that overrides `__getitem__` and not `__getitems__`.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

import torch

from impls.data.dataset import Dataset, Row
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def subset_manual(indices, index):
    """Where, in the whole set, the rows `index` of the subset are."""
    return indices[index]


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def subset_raw(indices, index):
    """Where, in the whole set, the rows `index` of the subset are."""
    return indices[index]


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Subset(Dataset[Row]):
    """Drop-in for torch.utils.data.Subset."""

    def __init__(self, dataset, indices):
        child = type(self)
        if child.__getitem__ is not Subset.__getitem__ and child.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{child.__name__} overrides __getitem__ but not __getitems__. "
                "When subclassing Subset and overriding __getitem__, you must also override "
                "__getitems__ to ensure DataLoader works correctly with your custom logic. "
                "A simple implementation:\n\n"
                "def __getitems__(self, indices):\n"
                "    return [self.__getitem__(idx) for idx in indices]"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        """The rows one by one, in a list; in a single request if the dataset takes one."""
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__([self.indices[i] for i in indices])
        return [self.dataset[self.indices[i]] for i in indices]

    def __len__(self):
        return len(self.indices)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(subset_manual, subset_raw, Subset, torch.utils.data.Subset)
