r"""A random partition of a dataset into parts of given sizes.

    π = randperm(n);   part k = π[o_k : o_k + n_k],   o_k = n₁ + … + n_{k-1}
    from fractions f:   n_k = ⌊n f_k⌋, then one more for k = 1, 2, … until the sizes sum to n

One permutation is drawn, whatever the number of parts.  Numbers that sum to 1 are fractions, so [1] is not
one row but the whole set; and a sum that rounds above 1 is not 1: twenty times 0.05 is 1.0000000000000002 in
order, and is refused (pytorch#128116, live in 2.13; Python 3.12 sums it to 1).  Of whole numbers only the sum
is looked at: on five rows [-1, 6] gives four and one (live in 2.13).

Shapes   part k: (n_k,) indices; the parts are disjoint and cover 0 … n-1.
Units    none.
Raises   ValueError if the sizes do not sum to n, or a fraction is outside [0, 1];
         warns of a fraction that leaves a part empty.
Source   torch/utils/data/dataset.py (PyTorch 2.13).
"""

import math
import warnings
from itertools import accumulate

import numpy as np
import torch

from impls.data.subset import Subset
from impls.ladder import Ladder
from impls.rng import rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def sizes(n, lengths):
    """The sizes of the parts: `lengths` themselves, or n rows shared out if they are fractions of one."""
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(lengths)):
            lengths[i % len(lengths)] += 1
        for i, length in enumerate(lengths):
            if length == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3
                )
    if sum(lengths) != n:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    return lengths


def random_split_manual(n, lengths, rng):
    """Return (one index array for each part, rng)."""
    ends = list(accumulate(sizes(n, lengths)))
    permutation, rng = rng_manual.randperm(rng, n)
    return np.split(permutation, ends[:-1]), rng


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def random_split_raw(n, lengths, generator=torch.default_generator):
    """Return one index tensor for each part."""
    lengths = sizes(n, lengths)  # before anything is drawn: what is refused leaves the generator alone
    return torch.randperm(n, generator=generator).split(lengths)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def random_split(dataset, lengths, generator=torch.default_generator):
    """Drop-in for torch.utils.data.random_split."""
    lengths = sizes(len(dataset), lengths)
    rows = torch.randperm(sum(lengths), generator=generator).tolist()
    return [Subset(dataset, rows[end - size : end]) for end, size in zip(accumulate(lengths), lengths, strict=True)]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(random_split_manual, random_split_raw, random_split, torch.utils.data.random_split)
