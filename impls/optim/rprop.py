r"""Rprop: only the sign of the gradient counts; each element has a step size of its own.

    g ← -g  if maximize
    s ← clamp(s · (η⁺ if gq > 0, η⁻ if gq < 0, else 1), smallest, largest)      s step_size, from lr; q prev, from 0
    g ← 0  where gq < 0
    w ← w - s · sign(g)
    q ← g                              η⁻, η⁺ etas; smallest, largest step_sizes

After a change of sign the gradient is forgotten: the element rests for one step, and the next finds q = 0
(tests/planted: rprop_goes_on_after_a_change_of_sign).  lr is read once, at a parameter's first step.

Shapes   w, g, s, q share one shape, any rank, 0 included; torch keeps a count besides.
Units    [s] = [lr] = [w], [q] = [g]; η⁻, η⁺ are pure numbers.
Raises   custom, at construction: ValueError if lr < 0 or not 0 < η⁻ < 1 < η⁺; NotImplementedError for capturable,
         differentiable; at a step for complex parameters; RuntimeError for sparse gradients.
Source   Riedmiller and Braun 1993, without its backtracking (Igel and Huesken 2003, iRprop-);
         torch/optim/rprop.py (PyTorch 2.13).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States, check_options

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    prev: Any = None  # an array, as step_size is, once there was a step
    step_size: Any = None


def rprop_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50),
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    g = -g if maximize else g
    prev, s = (0 * g, lr + 0 * g) if state.step == 0 else (state.prev, state.step_size)
    s = np.where(g * prev > 0, etas[1] * s, np.where(g * prev < 0, etas[0] * s, s))
    s = np.minimum(np.maximum(s, step_sizes[0]), step_sizes[1])
    g = np.where(g * prev < 0, 0.0, g)
    return w - s * np.sign(g), State(state.step + 1, g, s)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def rprop_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50),
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            s = state.setdefault(p, {"step": 0, "prev": torch.zeros_like(p), "step_size": torch.full_like(p, lr)})
            s["step"] += 1
            g = -p.grad if maximize else p.grad
            turn = g * s["prev"]
            size = torch.where(turn > 0, etas[1] * s["step_size"], s["step_size"])
            size = torch.where(turn < 0, etas[0] * s["step_size"], size)
            s["step_size"] = size.clamp(*step_sizes)
            s["prev"] = torch.where(turn < 0, 0.0, g)
            p -= s["step_size"] * s["prev"].sign()


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class Rprop(Optimizer):
    """Drop-in for torch.optim.Rprop, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check_options(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            dict(
                lr=lr,
                etas=etas,
                step_sizes=step_sizes,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        state = self.begin(p, g, "prev", "step_size")
        smaller, larger = group["etas"]
        size, prev = state["step_size"], state["prev"]
        if state["step"].item() == 1:
            size.fill_(float(group["lr"]))
        if group["maximize"]:
            g = -g
        turn = g.mul(prev).sign()
        factor = turn.masked_fill(turn > 0, larger).masked_fill_(turn < 0, smaller).masked_fill_(turn == 0, 1)
        size.mul_(factor).clamp_(*group["step_sizes"])
        prev.copy_(g.masked_fill(turn < 0, 0.0))
        p.addcmul_(prev.sign(), size, value=-1)


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(rprop_manual, rprop_raw, Rprop, torch.optim.Rprop)
