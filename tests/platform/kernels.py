"""In which order torch's kernels add on this machine, measured: a processor's name does not tell it.

Source  FPRev (arXiv 2411.00442): a huge number and its negative hide what is added between them.
"""

import functools

import numpy as np
import torch

from tests.engine import AnotherPlatform

ROW = 64  # elements: two vectors of the widest kernel at least


@functools.cache
def add_fuses():
    """Whether torch's add(alpha) rounds once: (1 + e)(1 - e) - 1 is -e² then, and 0 if the product is rounded first."""
    e = 2.0**-13
    return torch.full((64,), -1.0).add(torch.full((64,), 1 - e), alpha=1 + e).ne(0).all().item()


def hidden(n, j, dtype):
    """A huge number first, its negative at j, and ones elsewhere: a one that joins the huge number is lost."""
    x = np.ones(n, dtype)
    x[0] = 2.0 ** (np.finfo(dtype).nmant + 9)
    x[j] = -x[0]
    return x


def lanes_of_layer_norm(dtype: str) -> int:
    """In how many lanes torch's layer norm gathers the mean of a row: a whole vector at a time, or 1 by 1."""
    lanes = possible_lanes(dtype)
    if len(lanes) != 1:
        raise AnotherPlatform(f"torch's layer norm of {dtype} gathers a mean in no order that is known: {lanes}")
    return lanes[0]


@functools.cache
def possible_lanes(dtype):
    """A huge number and its negative leave the mean of the other elements, all 1, as it is only if they follow each
    other in one lane."""
    return [j for j in range(1, ROW) if abs(ROW * _mean(hidden(ROW, j, dtype)) - (ROW - 2)) < 0.5]


def _mean(row):
    return torch.native_layer_norm(torch.from_numpy(row), [ROW], None, None, 1e-5)[1].item()


def depth_of_sums(total, n, dtype):
    """How many additions the first of n terms goes through: n - 1 if one by one, about log2(n) if pairwise.

    With a huge number first, its negative at j and ones elsewhere, only the ones that join above both are left:
    their number tells the size of the smallest partial sum that holds the first term and the j-th.  As many
    sizes as there are, so many partial sums hold the first term.
    """
    return len({n - int(total(hidden(n, j, dtype))) for j in range(1, n)})
