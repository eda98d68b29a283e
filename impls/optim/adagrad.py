r"""Adagrad: each element's rate shrinks with the root of all the squares it has seen.

    g ← -g  if maximize
    g ← g + λw                         λ weight_decay
    S ← S + g²                         S sum, from initial_accumulator_value
    w ← w - η/(1 + (t-1)δ) · g / (√S + ε)       η lr, δ lr_decay, ε eps, t counts from 1

ε is added to the root.  Inside it, √(S + ε), the same 1e-10 is a floor of 1e-5 (tests/planted:
adagrad_eps_inside_the_root).  torch makes this state at construction, from the constructor's
initial_accumulator_value alone: a group's own is ignored.

Shapes   w, g, S share one shape, any rank, 0 included; t is a count, per parameter.
Units    [S] = [g]², [ε] = [g], [η] = [w]; λ has [g] / [w]; δ is a pure number.
Raises   custom, at construction: ValueError if η, δ, λ, ε or the initial value is below 0; NotImplementedError for
         fused, differentiable; at a step for complex parameters and sparse gradients, which native takes.
Source   Duchi, Hazan and Singer 2011, figure 1; torch/optim/adagrad.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_options, rate, scalar
from impls.since import TORCH

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    sum: np.ndarray | float | None = None


def adagrad_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    t = state.step + 1
    g = -g if maximize else g
    g = g + weight_decay * w if weight_decay else g
    s = (initial_accumulator_value if state.sum is None else state.sum) + g * g
    return w - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps), State(t, s)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def adagrad_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "sum": torch.full_like(p, initial_accumulator_value)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            if weight_decay:
                g = g + weight_decay * p
            s["sum"] = s["sum"] + g * g
            p -= lr / (1 + (s["step"] - 1) * lr_decay) * g / (s["sum"].sqrt() + eps)


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class Adagrad(Optimizer):
    """Drop-in for torch.optim.Adagrad on dense gradients, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check_options(
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        super().__init__(
            params,
            dict(
                lr=lr,
                lr_decay=lr_decay,
                eps=eps,
                weight_decay=weight_decay,
                initial_accumulator_value=initial_accumulator_value,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                fused=fused,
            ),
        )
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p)

    def _start(self, p):
        self.state[p] = {"step": scalar(0.0), "sum": torch.full_like(p, self.defaults["initial_accumulator_value"])}

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        if not self.state[p] and TORCH >= (2, 12):  # up to torch 2.11 a group that was added has none
            self._start(p)
        if g.is_sparse:
            raise NotImplementedError("sparse gradients are not on this rung; use torch.optim.Adagrad")
        state = self.begin(p, g)
        t = state["step"].item()
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        s = state["sum"].addcmul_(g, g, value=1)
        lr = rate(group) / (1 + (t - 1) * group["lr_decay"])
        p.addcdiv_(g, s.sqrt().add_(group["eps"]), value=-lr)


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adagrad_manual, adagrad_raw, Adagrad, torch.optim.Adagrad)
