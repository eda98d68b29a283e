r"""AdamW: Adam whose weight decay bypasses the moments, so that it is not divided by the gradient's scale.

    w ← (1-ηλ)w                                     λ weight_decay, η lr
    then Adam's step, optim/adam.py, on the undecayed gradient

λ is 0.01 when it is not given, where Adam's is 0 (tests/planted: adamw_no_decay_by_default), and the factor
is 1-ηλ, so a schedule of η scales the decay too; the paper's has the schedule's multiplier there and not η.

Shapes   w, g and the moments share one shape, any rank, 0 included.
Units    those of Adam, but [λ] = 1 / [w].
Raises   what Adam raises.
Source   Loshchilov and Hutter 2019, algorithm 2; torch/optim/adamw.py (PyTorch 2.13).
"""

from collections.abc import Iterable

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.adam import Adam, State, adam_manual, adam_raw
from impls.optim.optimizer import ParamsT, States

# ── manual ─────────────────────────────────────────────────────────────────────────────────────────


def adamw_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    w = (1 - lr * weight_decay) * w
    return adam_manual(w, g, state, lr=lr, betas=betas, eps=eps, amsgrad=amsgrad, maximize=maximize)


# ── raw ────────────────────────────────────────────────────────────────────────────────────────────


def adamw_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p *= 1 - lr * weight_decay
    adam_raw(params, state, lr=lr, betas=betas, eps=eps, amsgrad=amsgrad, maximize=maximize)


# ── custom ─────────────────────────────────────────────────────────────────────────────────────────


class AdamW(Adam):
    """Drop-in for torch.optim.AdamW, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float | torch.Tensor, float | torch.Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


# ── native ─────────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adamw_manual, adamw_raw, AdamW, torch.optim.AdamW)
