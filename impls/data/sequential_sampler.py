r"""The rows in order; and what a sampler is.

    i₀, i₁, … = 0, 1, …, n-1

A sampler is a stream that is asked, not run.  What it draws from a generator it draws when an index is
requested, between draws that others make from the same generator (a dropout mask in the training step),
so an order drawn ahead of time is another run.  A pure function has no stream to be in the middle of:
the manual rung passes the place it has reached, a cursor, and the generator's state in and out.

Shapes   int64 indices; n ≥ 0 of them.
Units    none.
Raises   NotImplementedError from a Sampler that does not say its order.
Source   torch/utils/data/sampler.py (PyTorch 2.13).
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Stream(NamedTuple):
    """A sampler, written as two pure functions.

    start(n, **settings)  -> cursor                  before the first index; nothing is drawn
    take(cursor, rng, k)  -> (indices, cursor, rng)  the next k, fewer when the stream runs dry
    """

    start: Callable[..., tuple]
    take: Callable[..., tuple]


class Cursor(NamedTuple):
    order: np.ndarray
    position: int = 0


def start(n):
    return Cursor(np.arange(n))


def take(cursor, rng, k):
    stop = cursor.position + k
    return cursor.order[cursor.position : stop], cursor._replace(position=stop), rng


sequential_sampler_manual = Stream(start, take)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sequential_sampler_raw(n):
    """Yield the indices one by one."""
    yield from range(n)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

Index = TypeVar("Index", covariant=True)


class Sampler(Generic[Index]):
    """Drop-in for torch.utils.data.Sampler; a child yields indices, or lists of them, and may know how many."""

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """Drop-in for torch.utils.data.SequentialSampler."""

    def __init__(self, data_source):
        self.data_source = data_source

    def draws(self):
        """The same indices as tensors: all of them at once."""
        yield torch.arange(len(self.data_source), device="cpu")

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    sequential_sampler_manual, sequential_sampler_raw, SequentialSampler, torch.utils.data.SequentialSampler
)
