r"""Clipping: gradients that are too long together are made shorter together.

    N ← ‖ (‖g₁‖, ‖g₂‖, …) ‖          norm_type p: any number, inf and -inf included; the norm of the norms
    c ← min(1, M / (N + 1e-6))       M max_norm
    gᵢ ← c gᵢ for every i

N is one number for all tensors: clipping each tensor by its own norm turns the gradient's direction
(huggingface/transformers#614; tests/planted: clip_grad_norm_each_tensor_by_its_own_norm).  Because of the 1e-6 a
gradient of norm exactly M is scaled too, by M/(M + 1e-6).  The norm of the norms is the norm of everything except for
p = 0, which counts elements that are not 0 in each tensor, and then tensors (tests/planted: clip_grad_norm_counts_all).
A gradient that is listed twice counts twice and is scaled twice.

Shapes   any; a missing gradient is skipped, and of none at all the norm is 0; an empty one has no norm for p = ±inf.
Units    [N] = [M] = [g];  1e-6 is a number of the same unit, so c depends on the gradient's scale.
Raises   RuntimeError if N is not finite and error_if_nonfinite is set; else a NaN spreads, and infinities turn to NaN.
Source   Pascanu et al. 2013, algorithm 1 (without the 1e-6); torch/nn/utils/clip_grad.py (PyTorch 2.13).
"""

import functools
import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def clip_grad_norm_manual(grads: dict[str, Any], max_norm: float, norm_type: float = 2.0) -> tuple[dict[str, Any], Any]:
    """Return (grads, total_norm), given a nested dictionary of gradients."""
    norms = [_norm([g], norm_type) for g in _leaves(grads)]
    if not norms:
        return grads, 0.0
    total = _norm(norms, norm_type)
    return _scaled(grads, np.minimum(max_norm / (total + 1e-6), 1.0)), total


def _norm(arrays, p):
    """The p-norm of all elements of some arrays: the largest, the smallest, how many are not 0, or a root."""
    if p == np.inf:
        return functools.reduce(np.maximum, [abs(a).max() for a in arrays])
    if p == -np.inf:
        return functools.reduce(np.minimum, [-(-abs(a)).max() for a in arrays])
    if p == 0:
        return sum(np.where(abs(a) <= 0, 0 * a, 0 * a + 1).sum() for a in arrays)
    if p == 2:
        return np.sqrt(sum((a * a).sum() for a in arrays))
    return sum((abs(a) ** p).sum() for a in arrays) ** (1 / p)


def _leaves(tree):
    for g in tree.values():
        if isinstance(g, dict):
            yield from _leaves(g)
        elif g is not None:
            yield g


def _scaled(tree, scale):
    return {
        name: _scaled(g, scale) if isinstance(g, dict) else None if g is None else g * scale for name, g in tree.items()
    }


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def clip_grad_norm_raw(params: Iterable[torch.Tensor], max_norm: float, norm_type: float = 2.0) -> torch.Tensor:
    """Scale the gradients of the leaves `params` in place and return the norm they had."""
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    total = torch.stack([g.norm(norm_type) for g in grads]).norm(norm_type)
    for g in grads:
        g *= torch.clamp(max_norm / (total + 1e-6), max=1.0)
    return total


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def clip_grad_norm_(
    parameters: torch.Tensor | Iterable[torch.Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,  # noqa: ARG001 (native has it)
) -> torch.Tensor:
    """Drop-in for torch.nn.utils.clip_grad_norm_, bit for bit on one CPU thread while all gradients have one dtype.

    `foreach` changes nothing; gradients of several dtypes native sums in an order of its own.
    """
    if isinstance(parameters, types.GeneratorType):
        parameters = list(parameters)
        if not parameters:
            warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    params = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    with torch.no_grad():
        norm_type = float(norm_type)
        norms = [torch.linalg.vector_norm(g, norm_type).to(grads[0].device) for g in grads]
        total = torch.linalg.vector_norm(torch.stack(norms), norm_type)
        if error_if_nonfinite and not total.isfinite():
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, "
                "set `error_if_nonfinite=False`"
            )
        scale = torch.clamp(float(max_norm) / (total + 1e-6), max=1.0)
        for g in grads:
            g.mul_(scale.to(g.device))
    return total


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(clip_grad_norm_manual, clip_grad_norm_raw, clip_grad_norm_, torch.nn.utils.clip_grad_norm_)
