r"""Rows drawn with given weights: torch's multinomial, word for word.

    with replacement      the j with Cⱼ₋₁ < u ≤ Cⱼ,  Cⱼ = (w₀ + … + wⱼ)/(w₀ + … + wₙ₋₁),  one u for each sample
    without replacement   the m largest of wⱼ/qⱼ, largest first,  qⱼ = -log1p(-uⱼ),  one u for each row
    one sample            as without replacement, whatever is asked for

u is uniform in float64, so a draw costs m wide words or n: asking for one sample with replacement leaves the
generator n wide words on, for two only 2 (tests/planted: weighted_random_sampler_manual_one_by_the_sum).
All samples are drawn together, at the first index, from the generator itself; what is wrong with the
weights is found then, not at construction.  Without replacement rows of weight 0 come last instead of never: with
fewer positive weights than samples they are given out without a word (pytorch#50034).

Shapes   w (n,), taken as float64; int64 indices, m of them.
Units    weights are relative: only their ratios matter.
Raises   ValueError if m is not a positive int, replacement not a bool or w not one-dimensional; at the first
         index RuntimeError if a weight is negative, infinite or nan, all are 0, or m > n without replacement.
Source   Efraimidis and Spirakis 2006; ATen/native/cpu/MultinomialKernel.cpp, ATen/native/Distributions.cpp,
         torch/utils/data/sampler.py (PyTorch 2.13).
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from impls.data.sequential_sampler import Sampler, Stream
from impls.ladder import Ladder
from impls.rng import rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────

log1p = np.vectorize(math.log1p, otypes=[float])  # the C library's, which torch calls; NumPy's own is another


class Cursor(NamedTuple):
    weights: np.ndarray
    num_samples: int
    replacement: bool
    order: np.ndarray | None = None  # once it is drawn
    position: int = 0


def start(weights, num_samples, *, replacement=True):
    return Cursor(np.asarray(weights, np.float64), num_samples, replacement)


def multinomial(rng, weights, num_samples, replacement):
    """Return (indices, rng)."""
    if replacement and num_samples > 1:
        u, rng = rng_manual.rand(rng, (num_samples,), np.float64)
        shares = np.cumsum(weights)
        return np.searchsorted(shares[:-1] / shares[-1], u), rng
    u, rng = rng_manual.rand(rng, weights.shape, np.float64)
    return np.argsort(weights / log1p(-u))[:num_samples], rng


def take(cursor, rng, k):
    order, stop = cursor.order, cursor.position + k
    if order is None:
        order, rng = multinomial(rng, cursor.weights, cursor.num_samples, cursor.replacement)
    return order[cursor.position : stop], cursor._replace(order=order, position=stop), rng


weighted_random_sampler_manual = Stream(start, take)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def weighted_random_sampler_raw(weights, num_samples, replacement=True, generator=None):
    """Yield the indices one by one."""
    weights = torch.as_tensor(weights, dtype=torch.float64)
    yield from torch.multinomial(weights, num_samples, replacement, generator=generator).tolist()


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class WeightedRandomSampler(Sampler[int]):
    """Drop-in for torch.utils.data.WeightedRandomSampler."""

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        weights = torch.as_tensor(weights, dtype=torch.float64)
        if weights.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(weights.shape)}")
        self.weights, self.num_samples, self.replacement, self.generator = weights, num_samples, replacement, generator

    def __iter__(self):
        drawn = torch.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self):
        return self.num_samples


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    weighted_random_sampler_manual,
    weighted_random_sampler_raw,
    WeightedRandomSampler,
    torch.utils.data.WeightedRandomSampler,
)
