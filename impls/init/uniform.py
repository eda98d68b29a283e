r"""Uniform: every number between two bounds alike.

    w ~ U[a, b)

The upper bound is never drawn, the lower one is: an interval centred on 0 is [-b, b) (tests/planted:
uniform_not_centred).  Values are filled in place, and no gradient sees it.

Shapes   any, 0 included.
Units    [w] = [a] = [b].
Raises   RuntimeError if b < a.
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def uniform_manual(
    state: rng.State, shape: tuple[int, ...], a: float = 0.0, b: float = 1.0, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return rng.uniform_manual(state, shape, a, b, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def uniform_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    a: float = 0.0,
    b: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return rng.uniform_raw(generator, shape, a, b, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def uniform_(
    tensor: torch.Tensor, a: float = 0.0, b: float = 1.0, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Drop-in for torch.nn.init.uniform_."""
    return tensor.uniform_(a, b, generator=generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(uniform_manual, uniform_raw, uniform_, torch.nn.init.uniform_)
