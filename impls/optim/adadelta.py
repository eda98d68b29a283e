r"""Adadelta: the step has the units of the weight, since past steps scale the normalized gradient.

    g ← -g  if maximize
    g ← g + λw                         λ weight_decay
    v ← ρv + (1-ρ)g²                   v square_avg, ρ rho
    d ← √(u + ε) / √(v + ε) · g        u acc_delta, from before this step; ε eps
    u ← ρu + (1-ρ)d²
    w ← w - ηd                         η lr

ε stands inside both roots: it is what moves the first step, √ε · g / √(v + ε), and outside them nothing
starts as it should (tests/planted: adadelta_eps_outside_the_roots).  u accumulates d without η.

Shapes   w, g, v, u share one shape, any rank, 0 included; torch keeps a count besides.
Units    [v] = [g]²; [u] = [w]² in the paper, where ε is at once [g]² and [w]²; η and ρ are pure numbers.
Raises   custom, at construction: ValueError if η, ε or λ is below 0, or ρ outside [0, 1]; NotImplementedError for
         capturable, differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Zeiler 2012, algorithm 1; torch/optim/adadelta.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_options, rate

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    square_avg: np.ndarray | float = 0.0
    acc_delta: np.ndarray | None = None


def adadelta_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    v = rho * state.square_avg + (1 - rho) * (g * g)
    u = 0 * g if state.acc_delta is None else state.acc_delta
    d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    u = rho * u + (1 - rho) * (d * d)
    return w - lr * d, State(state.step + 1, v, u)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def adadelta_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "square_avg": torch.zeros_like(p), "acc_delta": torch.zeros_like(p)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            v = s["square_avg"] = rho * s["square_avg"] + (1 - rho) * g**2
            d = (s["acc_delta"] + eps).sqrt() / (v + eps).sqrt() * g
            s["acc_delta"] = rho * s["acc_delta"] + (1 - rho) * d**2
            p -= lr * d


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class Adadelta(Optimizer):
    """Drop-in for torch.optim.Adadelta, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_options(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_options(lr, epsilon=eps, weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                rho=rho,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                capturable=capturable,
                foreach=foreach,
                differentiable=differentiable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "square_avg", "acc_delta")
        v, u, rho, eps = state["square_avg"], state["acc_delta"], group["rho"], group["eps"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        v.mul_(rho).addcmul_(g, g, value=1 - rho)
        d = u.add(eps).sqrt_().div_(v.add(eps).sqrt_()).mul_(g)
        u.mul_(rho).addcmul_(d, d, value=1 - rho)
        p.add_(d, alpha=-rate(group))


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adadelta_manual, adadelta_raw, Adadelta, torch.optim.Adadelta)
