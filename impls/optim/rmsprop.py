r"""RMSprop: the gradient in units of its own root mean square, or, centered, of its standard deviation.

    g ← -g  if maximize
    g ← g + λw                         λ weight_decay
    v ← αv + (1-α)g²                   v square_avg, α alpha, from 0
    a ← αa + (1-α)g  if centered       a grad_avg
    d ← √(v - a²) + ε  if centered  else  √v + ε         ε eps
    b ← μb + g/d,  w ← w - ηb          μ momentum, b momentum_buffer, η lr;  without momentum  w ← w - ηg/d

ε is added to the root, not inside it as in TensorFlow's (tests/planted: rmsprop_eps_inside_the_root).  v - a² is a
variance and not negative, but its rounding may be: on a constant gradient the centered form ends in NaN.

Shapes   w, g, v, a, b share one shape, any rank, 0 included; torch keeps a count besides.
Units    [v] = [g]², [a] = [ε] = [g], [η] = [w]; b, α, μ are pure numbers; λ has [g] / [w].
Raises   custom, at construction: ValueError if η, ε, μ, λ or α is below 0; NotImplementedError for capturable,
         differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Tieleman and Hinton 2012, lecture 6.5; Graves 2013, equations 38-45 (centered);
         torch/optim/rmsprop.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_options, rate

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    square_avg: np.ndarray | float = 0.0
    momentum_buffer: np.ndarray | float | None = None
    grad_avg: np.ndarray | float | None = None


def rmsprop_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    a: Any
    b: Any
    a, b = (0.0 if x is None else x for x in (state.grad_avg, state.momentum_buffer))
    v = alpha * state.square_avg + (1 - alpha) * (g * g)
    a = alpha * a + (1 - alpha) * g if centered else None
    step = g / (np.sqrt(v if a is None else v - a * a) + eps)
    b = momentum * b + step if momentum else None
    return w - lr * (b if momentum else step), State(state.step + 1, v, b, a)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def rmsprop_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "square_avg": torch.zeros_like(p)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            v = s["square_avg"] = alpha * s["square_avg"] + (1 - alpha) * g**2
            if centered:
                s["grad_avg"] = alpha * s.get("grad_avg", torch.zeros_like(p)) + (1 - alpha) * g
                v = v - s["grad_avg"] ** 2
            step = g / (v.sqrt() + eps)
            if momentum:
                step = s["momentum_buffer"] = momentum * s.get("momentum_buffer", torch.zeros_like(p)) + step
            p -= lr * step


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class RMSprop(Optimizer):
    """Drop-in for torch.optim.RMSprop, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_options(lr, epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                alpha=alpha,
                eps=eps,
                centered=centered,
                weight_decay=weight_decay,
                capturable=capturable,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        momentum, alpha, centered = group["momentum"], group["alpha"], group["centered"]
        names = ["square_avg"] + ["momentum_buffer"] * (momentum > 0) + ["grad_avg"] * centered
        state = self.begin(p, g, *names)
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        v = state["square_avg"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if centered:
            a = state["grad_avg"].lerp_(g, 1 - alpha)
            d = v.addcmul(a, a, value=-1).sqrt_()
        else:
            d = v.sqrt()
        d.add_(group["eps"])
        if momentum > 0:
            b = state["momentum_buffer"].mul_(momentum).addcdiv_(g, d)
            p.add_(b, alpha=-rate(group))
        else:
            p.addcdiv_(g, d, value=-rate(group))


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(rmsprop_manual, rmsprop_raw, RMSprop, torch.optim.RMSprop)
