"""In which order torch's kernels add on this machine, measured: a processor's name does not tell it.

Source  FPRev (arXiv 2411.00442): a huge number and its negative hide what is added between them.
"""

import functools

import numpy as np
import torch

ROW = 64  # elements: two vectors of the widest kernel at least


@functools.cache
def add_fuses():
    """Whether torch's add(alpha) rounds once: (1 + e)(1 - e) - 1 is -e² then, and 0 if the product is rounded first."""
    e = 2.0**-13
    return torch.full((64,), -1.0).add(torch.full((64,), 1 - e), alpha=1 + e).ne(0).all().item()


@functools.cache
def lanes_of_layer_norm(dtype: str) -> int:
    """In how many lanes torch's layer norm gathers the mean of a row: a whole vector at a time, or 1 by 1.

    A huge number and its negative leave the mean of the other elements, all 1, as it is only if they follow each other
    in one lane.
    """
    found = [j for j in range(1, ROW) if abs(ROW * _mean_of_ones(dtype, j) - (ROW - 2)) < 0.5]
    if len(found) != 1:
        raise LookupError(f"torch's layer norm of {dtype} gathers a mean in no order that is known here: {found}")
    return found[0]


def _mean_of_ones(dtype, j):
    x = np.ones(ROW, dtype)
    x[0] = 2.0 ** (np.finfo(dtype).nmant + 8)
    x[j] = -x[0]
    return torch.native_layer_norm(torch.from_numpy(x), [ROW], None, None, 1e-5)[1].item()


def depth_of_sums(total, n, dtype):
    """How many additions the first of n terms goes through: n - 1 if one by one, about log2(n) if pairwise.

    With a huge number first, its negative at j and ones elsewhere, only the ones that join above both are left:
    their number tells the size of the smallest partial sum that holds the first term and the j-th.  As many
    sizes as there are, so many partial sums hold the first term.
    """
    sizes = set()
    for j in range(1, n):
        x = np.ones(n, dtype)
        x[0] = 2.0 ** (np.finfo(dtype).nmant + 9)
        x[j] = -x[0]
        sizes.add(n - int(total(x)))
    return len(sizes)
