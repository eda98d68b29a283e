r"""Adam: the step is the mean gradient in units of its own root mean square.

    g ← -g  if maximize
    w ← (1-ηλ)w  if decoupled_weight_decay  else  g ← g + λw      λ weight_decay, η lr
    m ← β₁m + (1-β₁)g                                             m exp_avg
    v ← β₂v + (1-β₂)g²                                            v exp_avg_sq
    s ← max(s, v) if amsgrad else v                               s max_exp_avg_sq
    w ← w - η/(1-β₁ᵗ) · m / (√s / √(1-β₂ᵗ) + ε)                   ε eps, t counts from 1

ε is added after the bias correction: √s/√(1-β₂ᵗ) + ε.  TensorFlow's "epsilon hat" and PyTorch before
1.3 add it before, (√s + ε)/√(1-β₂ᵗ), which is a larger ε while t is small; at the default 1e-8 no
tolerance shows it (tests/planted: adam_epsilon_hat).

Shapes   w, g, m, v, s share one shape, any rank, 0 included; t is a count, per parameter.
Units    [m] = [g], [v] = [s] = [g]², [ε] = [g], [η] = [w]: the step is about η, whatever the gradient's scale;
         λ has [g] / [w], or, decoupled, 1 / [w];  β₁, β₂ are pure numbers.
Raises   custom, at construction: ValueError if η < 0, ε < 0, λ < 0 or a β lies outside [0, 1); NotImplementedError for
         fused, capturable, differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019 (decoupled decay); Reddi et al. 2018
         (amsgrad, but the maximum is of the uncorrected v); torch/optim/adam.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_betas, check_options, rate

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    exp_avg: np.ndarray | float = 0.0
    exp_avg_sq: np.ndarray | float = 0.0
    max_exp_avg_sq: np.ndarray | float | None = None


def adam_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
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
    s = None
    if amsgrad:
        s = v if state.max_exp_avg_sq is None else np.maximum(state.max_exp_avg_sq, v)
    denominator = np.sqrt(v if s is None else s) / (1 - beta2**t) ** 0.5 + eps
    return w - lr / (1 - beta1**t) * m / denominator, State(t, m, v, s)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def adam_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    beta1, beta2 = betas
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            if weight_decay and decoupled_weight_decay:
                p *= 1 - lr * weight_decay
            elif weight_decay:
                g = g + weight_decay * p
            m = s["exp_avg"] = beta1 * s["exp_avg"] + (1 - beta1) * g
            v = s["exp_avg_sq"] = beta2 * s["exp_avg_sq"] + (1 - beta2) * g**2
            if amsgrad:
                v = s["max_exp_avg_sq"] = torch.maximum(s.get("max_exp_avg_sq", v), v)
            denominator = v.sqrt() / (1 - beta2 ** s["step"]) ** 0.5 + eps
            p -= lr / (1 - beta1 ** s["step"]) * m / denominator


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Adam(Optimizer):
    """Drop-in for torch.optim.Adam, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float | torch.Tensor, float | torch.Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        if isinstance(lr, torch.Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_options(lr, epsilon=eps)
        check_betas(betas)
        check_options(lr, weight_decay=weight_decay)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, torch.Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        if isinstance(betas[0], torch.Tensor) and foreach and not capturable:
            raise ValueError("betas[0] as a Tensor is not supported for capturable=False and foreach=True")
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=tuple(map(float, betas)),
                eps=eps,
                weight_decay=weight_decay,
                amsgrad=amsgrad,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        if g.is_sparse:
            raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")
        state = self.begin(p, g, "exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else []))
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
        if group["amsgrad"]:
            v = torch.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        denominator = v.sqrt().div_((1 - beta2**t) ** 0.5).add_(group["eps"])
        p.addcdiv_(m, denominator, value=-(lr / (1 - beta1**t)))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adam_manual, adam_raw, Adam, torch.optim.Adam)
