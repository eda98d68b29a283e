r"""ASGD: gradient steps of a shrinking rate, and the average of the weights beside them.

    g ← -g  if maximize
    g ← g + λ′w                        λ′ weight_decay
    w ← (1 - λη)w - ηg                 λ lambd
    a ← w  if μ = 1  else  a + μ(w - a)        a ax
    η ← lr / (1 + λ·lr·t)^α            α alpha, t counts from 1; from lr
    μ ← 1 / max(1, t - t₀)             t₀ t0; from 1

η and μ are those of the step before: the first step is taken with lr itself, and a later change of lr is felt
one step late (tests/planted: asgd_rate_of_this_step).  Both are rounded to float32.

Shapes   w, g, a share one shape, any rank, 0 included; η, μ, t are numbers, per parameter.
Units    [a] = [w], [η] = [w] / [g], [λ] = [λ′] = [g] / [w]; α, μ are pure numbers, t₀ is a count.
Raises   custom, at construction: ValueError if lr or λ′ is below 0; NotImplementedError for capturable,
         differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Polyak and Juditsky 1992; Bottou 2012, section 5; torch/optim/asgd.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_options, rate, scalar
from impls.since import TORCH

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    eta: np.floating | None = None
    mu: np.floating = np.float32(1)
    ax: Any = None  # an array, once there was a step


def asgd_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    t = state.step + 1
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    eta, mu = float(np.float32(lr) if state.eta is None else state.eta), float(state.mu)
    w = (1 - lambd * eta) * w - eta * g
    a = w if mu == 1 else state.ax + mu * (w - state.ax)
    return w, State(t, np.float32(lr / (1 + lambd * lr * t) ** alpha), np.float32(1 / max(1, t - t0)), a)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def asgd_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            if p not in state:
                eta, mu = torch.tensor([lr, 1.0], dtype=torch.float32)
                state[p] = {"step": 0, "eta": eta, "mu": mu, "ax": torch.zeros_like(p)}
            s = state[p]
            t = s["step"] = s["step"] + 1
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            eta, mu = s["eta"].item(), s["mu"].item()
            p *= 1 - lambd * eta
            p -= eta * g
            s["ax"] = p.clone() if mu == 1 else s["ax"] + mu * (p - s["ax"])
            rates = [lr / (1 + lambd * lr * t) ** alpha, 1 / max(1, t - t0)]
            s["eta"], s["mu"] = torch.tensor(rates, dtype=torch.float32)


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class ASGD(Optimizer):
    """Drop-in for torch.optim.ASGD, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        check_options(lr, **({"lambd": lambd, "alpha": alpha} if TORCH >= (2, 15) else {}), weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                lambd=lambd,
                alpha=alpha,
                t0=t0,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "eta", "mu", "ax")
        lr, lambd, t, ax = rate(group), group["lambd"], state["step"].item(), state["ax"]
        if t == 1:  # native keeps these three where the parameter is
            numbers = {"step": 1.0, "eta": float(lr), "mu": 1.0}
            state.update({name: scalar(value).to(p.device) for name, value in numbers.items()})
        eta, mu = state["eta"].item(), state["mu"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        p.mul_(1 - lambd * eta).add_(g, alpha=-eta)
        if mu.item() == 1:
            ax.copy_(p)
        else:
            ax.add_(p.sub(ax).mul_(mu))
        state["eta"].copy_(torch.as_tensor(lr / (1 + lambd * lr * t) ** group["alpha"]))
        mu.copy_(torch.as_tensor(1 / max(1, t - group["t0"])))


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(asgd_manual, asgd_raw, ASGD, torch.optim.ASGD)
