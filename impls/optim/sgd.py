r"""Stochastic gradient descent with momentum.

    g ← -g  if maximize
    g ← g + λw                                      λ weight_decay
    b ← g at the first step, else μb + (1-τ)g       μ momentum, τ dampening
    w ← w - η(g + μb) if nesterov else w - ηb       η lr;  without momentum, w ← w - ηg

η scales the step and never enters b: a schedule must not rescale history.  Sutskever and Keras put
it inside; the two agree only while η is constant (tests/planted: sgd_lr_inside_velocity).

Shapes   w, g, b share one shape, any rank, 0 included.
Units    [η] = [w] / [g];  λ has [g] / [w];  μ, τ are pure numbers.
Raises   custom, at construction: ValueError if η < 0, μ < 0, λ < 0, or nesterov without μ > 0 and τ = 0;
         NotImplementedError for fused and differentiable.  foreach is accepted and changes nothing.  Sparse gradients
         and complex parameters are taken by custom, as by native, not by manual and raw.
Source   Sutskever et al. 2013, eq. 3-4, as modified in torch/optim/sgd.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, rate

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    momentum_buffer: np.ndarray | None = None


def sgd_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    if not momentum:
        return w - lr * g, state
    b = g if state.momentum_buffer is None else momentum * state.momentum_buffer + (1 - dampening) * g
    return w - lr * (g + momentum * b if nesterov else b), State(b)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sgd_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            if momentum:
                s = state.setdefault(p, {})
                b = momentum * s["momentum_buffer"] + (1 - dampening) * g if s else g.clone()
                s["momentum_buffer"] = b
                g = g + momentum * b if nesterov else b
            p -= lr * g


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class SGD(Optimizer):
    """Drop-in for torch.optim.SGD, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
                foreach=foreach,
                differentiable=differentiable,
                fused=fused,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        momentum = group["momentum"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        if momentum != 0:
            state = self.state[p]
            b = state.get("momentum_buffer")
            if b is None:
                b = state["momentum_buffer"] = g.detach().clone()
            else:
                b.mul_(momentum).add_(g, alpha=1 - group["dampening"])
            g = g.add(b, alpha=momentum) if group["nesterov"] else b
        p.add_(g, alpha=-rate(group))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(sgd_manual, sgd_raw, SGD, torch.optim.SGD)
