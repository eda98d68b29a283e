r"""RAdam: Adam that takes plain momentum steps until its second moment is worth dividing by.

    g ← -g  if maximize
    w ← (1-ηλ)w  if decoupled_weight_decay  else  g ← g + λw      λ weight_decay, η lr
    m ← β₁m + (1-β₁)g                  m exp_avg
    v ← β₂v + (1-β₂)g²                 v exp_avg_sq
    ρ∞ = 2/(1-β₂) - 1,  ρ = ρ∞ - 2tβ₂ᵗ/(1-β₂ᵗ)      t counts from 1
    r = √((ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ))
    w ← w - η m/(1-β₁ᵗ) · r √(1-β₂ᵗ)/(√v + ε)  if ρ > 5  else  w - η m/(1-β₁ᵗ)      ε eps

ε is added to √v before the correction, unlike Adam's (tests/planted: radam_eps_after_the_correction).  torch
rectifies where ρ > 5, the paper where ρ > 4 (tests/planted: radam_rectifies_above_four).

Shapes   w, g, m, v share one shape, any rank, 0 included; t is a count, per parameter.
Units    [m] = [ε] = [g], [v] = [g]²; [η] is [w] once rectified, and [w] / [g] before; β₁, β₂, ρ, r are pure numbers.
Raises   custom, at construction: ValueError if η, ε or λ is below 0 or a β lies outside [0, 1); NotImplementedError for
         capturable, differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Liu et al. 2020, algorithm 2 (without ε); torch/optim/radam.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_betas, check_options, rate

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    exp_avg: np.ndarray | float = 0.0
    exp_avg_sq: np.ndarray | float = 0.0


def rectification(beta2: float, t: float) -> float | None:
    """r, or None while the average is too short."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    if length <= 5:
        return None
    return ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5


def radam_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    beta1, beta2 = betas
    t = state.step + 1
    g = -g if maximize else g
    if weight_decay and decoupled_weight_decay:
        w = (1 - lr * weight_decay) * w
    elif weight_decay:
        g = g + weight_decay * w
    m = beta1 * state.exp_avg + (1 - beta1) * g
    v = beta2 * state.exp_avg_sq + (1 - beta2) * (g * g)
    step = m / (1 - beta1**t) * lr
    r = rectification(beta2, t)
    if r is not None:
        step = step * ((1 - beta2**t) ** 0.5 / (np.sqrt(v) + eps)) * r
    return w - step, State(t, m, v)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def radam_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    beta1, beta2 = betas
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)})
            t = s["step"] = s["step"] + 1
            g = -p.grad if maximize else p.grad
            if weight_decay and decoupled_weight_decay:
                p *= 1 - lr * weight_decay
            elif weight_decay:
                g = g + weight_decay * p
            m = s["exp_avg"] = beta1 * s["exp_avg"] + (1 - beta1) * g
            v = s["exp_avg_sq"] = beta2 * s["exp_avg_sq"] + (1 - beta2) * g**2
            step = m / (1 - beta1**t) * lr
            r = rectification(beta2, t)
            if r is not None:
                step = step * ((1 - beta2**t) ** 0.5 / (v.sqrt() + eps)) * r
            p -= step


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class RAdam(Optimizer):
    """Drop-in for torch.optim.RAdam, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        check_options(lr, epsilon=eps)
        check_betas(betas)
        check_options(lr, weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                decoupled_weight_decay=decoupled_weight_decay,
                differentiable=differentiable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "exp_avg", "exp_avg_sq")
        (beta1, beta2), lr, decay = group["betas"], rate(group), group["weight_decay"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"].item()
        if group["maximize"]:
            g = -g
        if decay != 0 and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * decay)
        elif decay != 0:
            g = g.add(p, alpha=decay)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        step = m / (1 - beta1**t) * lr
        r = rectification(beta2, t)
        if r is not None:
            step = step * ((1 - beta2**t) ** 0.5 / v.sqrt().add_(group["eps"])) * r
        p.add_(step, alpha=-1.0)


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(radam_manual, radam_raw, RAdam, torch.optim.RAdam)
