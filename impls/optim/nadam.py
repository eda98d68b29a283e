r"""NAdam: Adam that looks ahead, with a momentum that warms up.

    g ← -g  if maximize
    w ← (1-ηλ)w  if decoupled_weight_decay  else  g ← g + λw      λ weight_decay, η lr
    μₜ = β₁(1 - ½·0.96^(tψ))           ψ momentum_decay, t counts from 1
    P ← P·μₜ                           P mu_product, from 1
    m ← β₁m + (1-β₁)g                  m exp_avg
    v ← β₂v + (1-β₂)g²                 v exp_avg_sq
    d = √(v / (1-β₂ᵗ)) + ε             ε eps
    w ← w - η(1-μₜ)/(1-P) · g/d - ημₜ₊₁/(1-Pμₜ₊₁) · m/d

m is averaged with the constant β₁ while the step is corrected with the product of the warmed-up μ
(tests/planted: nadam_constant_momentum).  P is kept as a float32, and a rung that keeps more digits differs in float64.

Shapes   w, g, m, v share one shape, any rank, 0 included; t and P are numbers, per parameter.
Units    [m] = [ε] = [g], [v] = [g]², [η] = [w]; λ has [g] / [w], or, decoupled, 1 / [w]; the rest are pure numbers.
Raises   custom, at construction: ValueError if η, ε, λ or ψ is below 0 or a β lies outside [0, 1); NotImplementedError
         for capturable, differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Dozat 2016, algorithm 2 (without the constant β₁); torch/optim/nadam.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_betas, check_options, rate, scalar

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    mu_product: np.floating = np.float32(1)
    exp_avg: np.ndarray | float = 0.0
    exp_avg_sq: np.ndarray | float = 0.0


def nadam_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
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
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * momentum_decay)) for k in (t, t + 1))
    product = state.mu_product * type(state.mu_product)(mu)
    m = beta1 * state.exp_avg + (1 - beta1) * g
    v = beta2 * state.exp_avg_sq + (1 - beta2) * (g * g)
    d = np.sqrt(v / (1 - beta2**t)) + eps
    ahead = lr * (1 - mu) / (1 - float(product)) * g / d
    w = w - ahead - lr * mu_next / (1 - float(product) * mu_next) * m / d
    return w, State(t, product, m, v)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def nadam_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    beta1, beta2 = betas
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            if p not in state:
                zeros = {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                state[p] = {"step": 0, "mu_product": torch.ones((), dtype=torch.float32), **zeros}
            s = state[p]
            t = s["step"] = s["step"] + 1
            g = -p.grad if maximize else p.grad
            if weight_decay and decoupled_weight_decay:
                p *= 1 - lr * weight_decay
            elif weight_decay:
                g = g + weight_decay * p
            mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * momentum_decay)) for k in (t, t + 1))
            s["mu_product"] = s["mu_product"] * mu
            product = s["mu_product"].item()
            m = s["exp_avg"] = beta1 * s["exp_avg"] + (1 - beta1) * g
            v = s["exp_avg_sq"] = beta2 * s["exp_avg_sq"] + (1 - beta2) * g**2
            d = (v / (1 - beta2**t)).sqrt() + eps
            p -= lr * (1 - mu) / (1 - product) * g / d
            p -= lr * mu_next / (1 - product * mu_next) * m / d


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class NAdam(Optimizer):
    """Drop-in for torch.optim.NAdam, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        check_options(lr, epsilon=eps)
        check_betas(betas)
        check_options(lr, weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled_weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "mu_product", "exp_avg", "exp_avg_sq")
        (beta1, beta2), lr, decay = group["betas"], rate(group), group["weight_decay"]
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"].item()
        if t == 1:
            state["mu_product"] = scalar(1.0)
        if group["maximize"]:
            g = -g
        if decay != 0 and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * decay)
        elif decay != 0:
            g = g.add(p, alpha=decay)
        mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        state["mu_product"] *= mu
        product = state["mu_product"].item()
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        d = v.div(1 - beta2**t).sqrt_().add_(group["eps"])
        p.addcdiv_(g, d, value=-lr * (1.0 - mu) / (1.0 - product))
        p.addcdiv_(m, d, value=-lr * mu_next / (1.0 - product * mu_next))


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(nadam_manual, nadam_raw, NAdam, torch.optim.NAdam)
