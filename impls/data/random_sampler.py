r"""The rows in random order: permutation after permutation, or drawn with replacement.

    without replacement   π = randperm(n), again and again:  π¹, π², …, cut off after m indices
    with replacement      randint(0, n), 32 at a time, m in all
    m                     num_samples, by default n

The last draw is cut to what is still owed, and is made even when nothing is.  So an epoch of n rows that runs
dry has drawn two permutations and one abandoned early has drawn one, and the next epoch's order tells them
apart (huggingface/transformers#16209; tests/planted: random_sampler_no_last_draw).
Without a generator the sampler takes one number from the global one, at the first index, and shuffles
with a private generator seeded with it (pytorch#52568 shuffled with the wrong one of the two).

Shapes   int64 indices; m of them.
Units    none.
Raises   TypeError if replacement is not a bool, ValueError if m is not a positive int or, below, if n is 0.
Source   Fisher and Yates 1938 in Durstenfeld's form; torch/utils/data/sampler.py (PyTorch 2.13).
"""

from typing import NamedTuple

import numpy as np
import torch

from impls.data.sequential_sampler import Sampler, Stream
from impls.ladder import Ladder
from impls.rng import State, rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Cursor(NamedTuple):
    n: int
    replacement: bool
    private: bool  # draw as torch does without a generator, from a private one seeded at the first index
    ready: np.ndarray  # drawn and not yet handed out
    owed: int  # indices still to be drawn; after the last draw negative
    own: State | None = None  # the private generator, once it is seeded


def start(n, *, replacement=False, num_samples=None, private=False):
    owed = n if num_samples is None else num_samples
    if n <= 0 or owed <= 0:  # of no rows there would be no end of empty permutations
        raise ValueError(f"a random order needs rows and samples, but got n={n}, num_samples={num_samples}")
    return Cursor(n, replacement, private, np.arange(0), owed)


def take(cursor, rng, k):
    if not cursor.private:
        return fill(cursor, rng, k)
    own = cursor.own
    if own is None:
        seed, rng = rng_manual.random(rng)
        own = rng_manual.seed(int(seed))
    indices, cursor, own = fill(cursor, own, k)
    return indices, cursor._replace(own=own), rng


def fill(cursor, rng, k):
    ready, owed = cursor.ready, cursor.owed
    while len(ready) < k and owed >= 0:  # 0 too: the permutation of which nothing is used is drawn all the same
        if cursor.replacement:
            drawn, rng = rng_manual.randint(rng, 0, cursor.n, (min(owed, 32),))
        else:
            drawn, rng = rng_manual.randperm(rng, cursor.n)
        ready = np.concatenate([ready, drawn[:owed]])
        owed -= 32 if cursor.replacement else cursor.n
    return ready[:k], cursor._replace(ready=ready[k:], owed=owed), rng


random_sampler_manual = Stream(start, take)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def random_sampler_raw(n, replacement=False, num_samples=None, generator=None):
    """Yield the indices one by one."""
    if generator is None:
        generator = torch.Generator().manual_seed(int(torch.empty((), dtype=torch.int64).random_()))
    owed = n if num_samples is None else num_samples
    if replacement:
        for left in range(owed, -1, -32):
            yield from torch.randint(n, (min(left, 32),), generator=generator).tolist()
    else:
        for left in range(owed, -1, -n):  # down to 0: the permutation of which nothing is used is drawn too
            yield from torch.randperm(n, generator=generator)[:left].tolist()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class RandomSampler(Sampler[int]):
    """Drop-in for torch.utils.data.RandomSampler."""

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def draws(self):
        """The same indices as tensors, each drawn when the one before is used up."""
        n, generator = len(self.data_source), self.generator
        if generator is None:
            generator = torch.Generator().manual_seed(int(torch.empty((), dtype=torch.int64).random_()))
        whole, rest = divmod(self.num_samples, 32 if self.replacement else n)
        if self.replacement:
            for size in [32] * whole + [rest]:
                yield torch.randint(n, (size,), generator=generator)
        else:
            for size in [n] * whole + [rest]:
                yield torch.randperm(n, generator=generator)[:size]

    def __iter__(self):
        for drawn in self.draws():
            yield from drawn.tolist()

    def __len__(self):
        return self.num_samples


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(random_sampler_manual, random_sampler_raw, RandomSampler, torch.utils.data.RandomSampler)
