r"""Given indices in random order.

    i₁, i₂, … = s[π₁], s[π₂], …          π = randperm(|s|)

One permutation is drawn, at the first index, from the generator itself: no second one when the sampler runs
dry, and no private generator when none is given, as the random sampler would have (data/random_sampler.py).  So
over s = 0 … n-1 it is another shuffle than shuffle=True (tests/planted: subset_random_sampler_as_the_random_one).

Shapes   s (m,), any m, repetitions allowed; int64 indices, m of them.
Units    none.
Raises   nothing of its own.
Source   torch/utils/data/sampler.py (PyTorch 2.13).
"""

from typing import NamedTuple

import numpy as np
import torch

from impls.data.sequential_sampler import Sampler, Stream
from impls.ladder import Ladder
from impls.rng import rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Cursor(NamedTuple):
    indices: np.ndarray
    order: np.ndarray | None = None  # once it is drawn
    position: int = 0


def start(indices):
    return Cursor(np.asarray(indices, np.int64))


def take(cursor, rng, k):
    order, stop = cursor.order, cursor.position + k
    if order is None:
        order, rng = rng_manual.randperm(rng, len(cursor.indices))
    return cursor.indices[order[cursor.position : stop]], cursor._replace(order=order, position=stop), rng


subset_random_sampler_manual = Stream(start, take)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def subset_random_sampler_raw(indices, generator=None):
    """Yield the indices one by one."""
    for i in torch.randperm(len(indices), generator=generator).tolist():
        yield indices[i]


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class SubsetRandomSampler(Sampler[int]):
    """Drop-in for torch.utils.data.SubsetRandomSampler."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        for i in torch.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    subset_random_sampler_manual,
    subset_random_sampler_raw,
    SubsetRandomSampler,
    torch.utils.data.SubsetRandomSampler,
)
