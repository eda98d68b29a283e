r"""The layer that does nothing.

    y  = x
    ∂x = ∂y

It takes any arguments and keeps none, so that it can stand where another layer stood.  Nothing is copied: what comes
out is what went in (tests/planted: identity_copies).

Shapes   x, y share one shape, any rank, 0 included.
Units    [y] = [x].
Raises   nothing.
Source   torch/nn/modules/linear.py, Identity (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def identity_forward(x: np.ndarray) -> tuple[np.ndarray, Any]:
    return x, None


def identity_backward(dy: np.ndarray, _: Any, needs_input_grad: Needs = (True,)) -> Grads:
    return (dy if needs_input_grad[0] else None,)


identity_manual = Pair(identity_forward, identity_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def identity_raw(x: torch.Tensor) -> torch.Tensor:
    return x


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Identity(Module):
    """Drop-in for torch.nn.Identity."""

    def __init__(self, *args: Any, **kwargs: Any):  # noqa: ARG002  # that it ignores them is what it does
        super().__init__()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(identity_manual, identity_raw, Identity, torch.nn.Identity)
