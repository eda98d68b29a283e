r"""Several dimensions as one.

    y  = x with the dimensions from start_dim to end_dim, both included, as one
    ∂x = ∂y in the shape of x

start_dim is 1: the rows of a batch stay rows, where torch.flatten, the function, begins at 0 and makes one vector of
them (tests/planted: flatten_from_the_first).  A number becomes a vector of one, if anything is asked of it at all.

Shapes   x any, 0 included;  y with end_dim - start_dim dimensions fewer.
Units    [y] = [x].
Raises   native's IndexError for a dimension that is not there, and RuntimeError for start_dim behind end_dim;
         manual: IndexError and ValueError.
Source   torch/nn/modules/flatten.py (PyTorch 2.13).
"""

import math
from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def flatten_forward(x: np.ndarray, *, start_dim: int = 1, end_dim: int = -1) -> tuple[np.ndarray, Any]:
    return x.reshape(*_flat(x.shape, start_dim, end_dim)), x.shape


def flatten_backward(dy: np.ndarray, shape: tuple[int, ...], needs_input_grad: Needs = (True,)) -> Grads:
    return (dy.reshape(*shape) if needs_input_grad[0] else None,)


def _flat(shape, start_dim, end_dim):
    shape = tuple(shape) or (1,)
    n = len(shape)
    for dim in (start_dim, end_dim):
        if not -n <= dim < n:
            raise IndexError(f"dimension {dim} is not one of {n}")
    start, end = start_dim % n, end_dim % n
    if start > end:
        raise ValueError(f"start_dim {start_dim} lies behind end_dim {end_dim}")
    return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


flatten_manual = Pair(flatten_forward, flatten_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def flatten_raw(x: torch.Tensor, *, start_dim: int = 1, end_dim: int = -1) -> torch.Tensor:
    return x.reshape(_flat(x.shape, start_dim, end_dim))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Flatten(Module):
    """Drop-in for torch.nn.Flatten."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.flatten(self.start_dim, self.end_dim)  # a view where it can be

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(flatten_manual, flatten_raw, Flatten, torch.nn.Flatten)
