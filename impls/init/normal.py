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


def normal_manual(state, shape, mean=0.0, std=1.0, dtype=np.float32):
    """Return (w, state)."""
    return rng.normal_manual(state, shape, mean, std, dtype)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def normal_raw(generator, shape, mean=0.0, std=1.0, dtype=torch.float32):
    return rng.normal_raw(generator, shape, mean, std, dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Drop-in for torch.nn.init.normal_."""
    return tensor.normal_(mean, std, generator=generator)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(normal_manual, normal_raw, normal_, torch.nn.init.normal_)
