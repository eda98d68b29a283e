r"""Dropout, inverted: what is kept is scaled up in training, and nothing happens in evaluation.

    m  ~ Bernoulli(1 - p) for each element,   in training
    y  = x m / (1 - p)
    ∂x = ∂y m / (1 - p)

The scale belongs to training, so that evaluation is the identity.  Nothing is drawn where nothing is random: in
evaluation, at p = 0 or 1 and for no elements the generator stays where it was, and with it every later draw
(tests/planted: dropout_draws_in_evaluation).  At p = 1 everything is dropped: y = 0, not 0/0.  Native divides the
mask before it multiplies: x (m / (1 - p)) differs in the last bit.

Shapes   x, y share one shape, any rank, 0 included.
Units    [y] = [x];  p is a pure number.
Raises   ValueError unless 0 ≤ p ≤ 1 (custom, at construction).
Source   Srivastava et al. 2014, inverted as in ATen/native/Dropout.cpp; torch/nn/modules/dropout.py (PyTorch 2.13).
"""

from typing import Any

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.rng import State, bernoulli_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def dropout_forward(
    x: np.ndarray, rng: State, *, p: float = 0.5, training: bool = True
) -> tuple[np.ndarray, Any, State]:
    """Return (y, saved, rng)."""
    if not training or p == 0 or x.size == 0:
        return x, None, rng
    if p == 1:
        return x * 0.0, (0.0, 1.0), rng
    mask, rng = bernoulli_manual(rng, 1 - p, x.shape, x.dtype)
    return x * mask / (1 - p), (mask, 1 - p), rng


def dropout_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    if not needs_input_grad[0] or saved is None:
        return (dy if needs_input_grad[0] else None,)
    mask, keep = saved
    return (dy * mask / keep,)


dropout_manual = Pair(dropout_forward, dropout_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def dropout_raw(
    x: torch.Tensor, *, p: float = 0.5, training: bool = True, generator: torch.Generator | None = None
) -> torch.Tensor:
    if not training or p == 0 or x.numel() == 0:
        return x
    if p == 1:
        return x * 0
    return x * (torch.empty_like(x).bernoulli_(1 - p, generator=generator) / (1 - p))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Dropout(Module):
    """Drop-in for torch.nn.Dropout, bit for bit, mask included."""

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        _check(p)
        self.p, self.inplace = p, inplace

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        _check(self.p)  # it may have been set since
        if not self.training or self.p == 0 or input.numel() == 0:
            return input
        if input.is_cuda and not self.inplace and self.p != 1:  # one kernel of its own draws and scales
            return torch.native_dropout(input, self.p, True)[0]
        scale = self._scale(input, 1 - float(self.p))
        return input.mul_(scale) if self.inplace else input * scale

    def _scale(self, input, keep):
        return torch.empty_like(input).bernoulli_(keep).div_(keep) if keep else 0

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


def _check(p):
    if p < 0 or p > 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(dropout_manual, dropout_raw, Dropout, torch.nn.Dropout)
