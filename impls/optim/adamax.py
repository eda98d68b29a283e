r"""Adamax: Adam with the largest recent gradient in the place of the root mean square.

    g ← -g  if maximize
    g ← g + λw                         λ weight_decay
    m ← β₁m + (1-β₁)g                  m exp_avg
    u ← max(β₂u, |g| + ε)              u exp_inf, ε eps
    w ← w - η/(1-β₁ᵗ) · m / u          η lr, t counts from 1

ε is added to |g|, inside the maximum and at every step, not to u: u remembers it (tests/planted:
adamax_eps_outside_the_maximum).  Only m is corrected for its bias (tests/planted: adamax_no_correction).

Shapes   w, g, m, u share one shape, any rank, 0 included; t is a count, per parameter.
Units    [m] = [u] = [ε] = [g], [η] = [w]; λ has [g] / [w]; β₁, β₂ are pure numbers.
Raises   custom, at construction: ValueError if η, ε or λ is below 0 or a β lies outside [0, 1); NotImplementedError for
         capturable, differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Kingma and Ba 2015, algorithm 2 (without ε); torch/optim/adamax.py (PyTorch 2.13).
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
    exp_inf: np.ndarray | float = 0.0


def adamax_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    beta1, beta2 = betas
    t = state.step + 1
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    m = beta1 * state.exp_avg + (1 - beta1) * g
    u = np.maximum(beta2 * state.exp_inf, abs(g) + eps)
    return w - lr / (1 - beta1**t) * m / u, State(t, m, u)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def adamax_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    beta1, beta2 = betas
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "exp_avg": torch.zeros_like(p), "exp_inf": torch.zeros_like(p)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            m = s["exp_avg"] = beta1 * s["exp_avg"] + (1 - beta1) * g
            u = s["exp_inf"] = torch.maximum(beta2 * s["exp_inf"], g.abs() + eps)
            p -= lr / (1 - beta1 ** s["step"]) * m / u


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class Adamax(Optimizer):
    """Drop-in for torch.optim.Adamax, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
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
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "exp_avg", "exp_inf")
        m, u, (beta1, beta2) = state["exp_avg"], state["exp_inf"], group["betas"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        m.lerp_(g, 1 - beta1)
        torch.maximum(u.mul_(beta2), g.abs().add_(group["eps"]), out=u)
        p.addcdiv_(m, u, value=-(rate(group) / (1 - beta1 ** state["step"].item())))


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adamax_manual, adamax_raw, Adamax, torch.optim.Adamax)
