r"""Muon: the step is the momentum made nearly orthogonal, so that it is about as long in every direction.

    b ← μb + (1-μ)g                                  μ momentum
    u ← μb + (1-μ)g  if nesterov  else  b            again, with the b just found
    X ← u / max(‖u‖, ε)                              ε eps; of a tall matrix, its transpose
    G ← XXᵀ;   X ← aX + (bG + cG²)X                  ns_steps times; a, b, c ns_coefficients
    w ← (1-ηλ)w - ηρX                                η lr, λ weight_decay; ρ = √max(1, rows/columns),
                                                     or 0.2 √max(rows, columns) to "match_rms_adamw",
                                                     or √(rows/columns), "spectral_unclamped", since torch 2.14

The polynomial is steep at 0 and does not settle at 1: every singular value ends somewhere between 0.7 and 1.2.  The
Frobenius norm bounds the spectral norm, so u / ‖u‖ is in the polynomial's reach; without the division large singular
values blow up (tests/planted: muon_not_normalized).  Keras, and torch's own documentation, write b as a sum, μb + g
(tests/planted: muon_sum_instead_of_mean); X does not see the difference, but ε and a loaded state do.

X is computed in bfloat16, whose roundings, 2^-8 each, five steps of the polynomial carry so far that no useful bound is
left.  So raw, custom and native are held to the formula on matrices that bfloat16 multiplies exactly, and custom to
native, bit for bit, on all.

Shapes   w, g, b, u are matrices; X is u's, or its transpose's, shape.
Units    [b] = [u] = [g] = [ε];  X is a pure number, so [η] = [w] and [λ] = 1 / [w].
Raises   custom, at construction: ValueError if η, μ or λ < 0, for another ρ, and for a parameter that is no matrix; at
         a step: ValueError for 100 steps or more, or coefficients that are not three; RuntimeError for complex
         parameters and sparse gradients.
Source   Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; Liu et al. 2025, section 2.2
         (match_rms_adamw); torch/optim/_muon.py (PyTorch 2.13).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, rate
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    momentum_buffer: np.ndarray | float = 0.0


def muon_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    b = momentum * state.momentum_buffer + (1 - momentum) * g
    u = momentum * b + (1 - momentum) * g if nesterov else b
    rows, columns = w.shape
    least = 0 if adjust_lr_fn == "spectral_unclamped" else 1
    ratio = 0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn == "match_rms_adamw" else max(least, rows / columns) ** 0.5
    x = _orthogonal(u.T if rows > columns else u, ns_coefficients, eps, ns_steps)
    return (1 - lr * weight_decay) * w - lr * ratio * (x.T if rows > columns else x), State(b)


def _orthogonal(x, coefficients, eps, steps):
    a, b, c = coefficients
    x = x / np.maximum(np.sqrt((x * x).sum()), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def muon_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    a, b, c = ns_coefficients
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"momentum_buffer": torch.zeros_like(p)})
            mean = s["momentum_buffer"] = momentum * s["momentum_buffer"] + (1 - momentum) * p.grad
            x = (momentum * mean + (1 - momentum) * p.grad if nesterov else mean).bfloat16()
            tall = p.size(0) > p.size(1)
            x = x.T if tall else x
            x = x / torch.linalg.matrix_norm(x).clamp(min=eps)
            for _ in range(ns_steps):
                gram = x @ x.T
                x = a * x + (b * gram + c * (gram @ gram)) @ x
            if adjust_lr_fn == "match_rms_adamw":
                ratio = 0.2 * max(p.shape) ** 0.5
            else:
                least = 0 if adjust_lr_fn == "spectral_unclamped" else 1
                ratio = max(least, p.size(0) / p.size(1)) ** 0.5
            p *= 1 - lr * weight_decay
            p -= lr * ratio * (x.T if tall else x).to(p.dtype)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Muon(Optimizer):
    """Drop-in for torch.optim.Muon, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in {"Learning rate": lr, "momentum": momentum, "weight decay": weight_decay}.items():
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw", *["spectral_unclamped"] * (TORCH >= (2, 14))):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(
            params,
            dict(
                lr=lr,
                weight_decay=weight_decay,
                momentum=momentum,
                nesterov=nesterov,
                ns_coefficients=ns_coefficients,
                eps=eps,
                ns_steps=ns_steps,
                adjust_lr_fn=adjust_lr_fn,
            ),
        )
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        if g.is_sparse:
            raise RuntimeError("Muon does not support sparse gradients")
        state, lr, momentum = self.state[p], rate(group), group["momentum"]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(g)
        b = state["momentum_buffer"].lerp_(g, 1 - momentum)
        u = g.lerp(b, momentum) if group["nesterov"] else b
        x = _orthogonalized(u, group["ns_coefficients"], group["eps"], group["ns_steps"])
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(x, alpha=-lr * _ratio(p.shape[0], p.shape[1], group["adjust_lr_fn"]))


def _orthogonalized(u, coefficients, eps, steps):
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = u.size(0) > u.size(1)
    x = u.bfloat16().T if tall else u.bfloat16()
    x.div_(x.norm().clamp(min=eps))  # of a bfloat16 buffer this is the buffer itself, as in torch (docs/divergences.md)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _ratio(rows, columns, adjust_lr_fn):
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(0 if adjust_lr_fn == "spectral_unclamped" else 1, rows / columns))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(muon_manual, muon_raw, Muon, torch.optim.Muon)
