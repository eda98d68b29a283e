r"""Normal: the bell.

    w ~ N(μ, σ²)          μ mean, σ std

σ is the standard deviation and not the variance (tests/planted: normal_given_its_variance).  How many words a draw
takes depends on how many numbers are drawn, see rng.

Shapes   any, 0 included.
Units    [w] = [μ] = [σ].
Raises   RuntimeError if σ < 0.
Source   torch/nn/init.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls import rng
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def normal_manual(
    state: rng.State, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0, dtype: type = np.float32
) -> tuple[np.ndarray, rng.State]:
    """Return (w, state)."""
    return rng.normal_manual(state, shape, mean, std, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def normal_raw(
    generator: torch.Generator,
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return rng.normal_raw(generator, shape, mean, std, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def normal_(
    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Drop-in for torch.nn.init.normal_."""
    return tensor.normal_(mean, std, generator=generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(normal_manual, normal_raw, normal_, torch.nn.init.normal_)
