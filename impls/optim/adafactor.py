r"""Adafactor: a matrix's second moments from the means of its rows and columns alone.

    g ← -g  if maximize
    ρ ← min(η, 1/√t)                                   η lr, t counts from 1
    α ← max(ε₂, rms(w)) ρ                              ε₂ eps[1]; of w as it was before it decays
    w ← (1-ηλ)w                                        λ weight_decay
    κ ← t^τ                                            τ beta2_decay
    r ← (1-κ)r + κ mean(g², each row)                  r row_var     of a matrix, or of a stack of matrices
    c ← (1-κ)c + κ mean(g², each column)               c col_var
    v ← r cᵀ / max(mean(r), ε₁)                        ε₁ eps[0], by default the machine epsilon of w
    v ← (1-κ)v + κ g²                                  v variance    of a vector or a number, instead
    u ← g / √max(v, ε₁²)
    w ← w - α / max(1, rms(u)/d) · u                   d, the most that rms(u) may be

ε₁ is a floor under v.  Shazeer and Stern add it to g², before the means are taken, where it is in the state too and
its default is 1e-30; Keras and optax follow them (tests/planted: adafactor_eps_added_to_the_square).

Shapes   w, g any rank, not empty; r is g's with its last side 1, c with its last but one; v is g's, below rank 2.
Units    [r] = [c] = [v] = [g]², [ε₁] = [g];  u is a pure number;  [ε₂] = [w], and η, d are pure numbers: the step is
         relative to the size of w.  λ is a pure number.
Raises   custom, at construction: ValueError if η, ε₁, ε₂ or λ < 0, τ > 0, or d < 1; at a step: RuntimeError for complex
         parameters and sparse gradients.  foreach is accepted and changes nothing.
Source   Shazeer and Stern 2018, algorithms 4-6; torch/optim/_adafactor.py (PyTorch 2.13), whose default ε₁ is that of
         the first parameter's dtype for a whole group (docs/divergences.md); here each parameter has its own.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Group, Optimizer, ParamsT, States

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    step: int = 0
    row_var: np.ndarray | float | None = None
    col_var: np.ndarray | float | None = None
    variance: np.ndarray | float | None = None


def adafactor_manual(
    w: np.ndarray,
    g: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1e-2,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step."""
    eps1, eps2 = float(np.finfo(w.dtype).eps) if eps[0] is None else eps[0], eps[1]
    t = state.step + 1
    k = float(t) ** beta2_decay
    g = -g if maximize else g
    alpha = np.maximum(eps2, _rms(w)) * min(lr, 1 / t**0.5)
    w = (1 - lr * weight_decay) * w if weight_decay else w
    if g.ndim > 1:
        r, c = _averaged(state.row_var, g, k, -1), _averaged(state.col_var, g, k, -2)
        v, state = r * c / np.maximum(r.mean(-2, keepdims=True), eps1), State(t, r, c)
    else:
        v = _averaged(state.variance, g, k)
        state = State(t, variance=v)
    u = 1 / np.sqrt(np.maximum(v, eps1**2)) * g
    return w - alpha / np.maximum(1.0, _rms(u) / d) * u, state


def _averaged(old, g, k, axis=None):
    """The running mean of g², over `axis` if there is one."""
    new = g * g if axis is None else (g * g).mean(axis, keepdims=True)
    return new if old is None else (1 - k) * old + k * new


def _rms(x):
    return np.sqrt((x * x).sum()) / x.size**0.5


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def adafactor_raw(
    params: Iterable[torch.Tensor],
    state: States,
    *,
    lr: float = 1e-2,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """Step, in place, every leaf of `params` that has a gradient; `state` maps a leaf to its dictionary."""
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            eps1, eps2 = torch.finfo(p.dtype).eps if eps[0] is None else eps[0], eps[1]
            s = state.setdefault(p, {"step": 0})
            s["step"] += 1
            k = float(s["step"]) ** beta2_decay
            g = -p.grad if maximize else p.grad
            alpha = p.square().mean().sqrt().clamp(min=eps2) * min(lr, s["step"] ** -0.5)
            if weight_decay:
                p *= 1 - lr * weight_decay
            means = {"row_var": -1, "col_var": -2} if g.dim() > 1 else {"variance": ()}
            for name, dim in means.items():
                new = g.square().mean(dim, keepdim=True) if dim else g.square()
                s[name] = (1 - k) * s[name] + k * new if name in s else new
            if g.dim() > 1:
                v = s["row_var"] * s["col_var"] / s["row_var"].mean(-2, keepdim=True).clamp(min=eps1)
            else:
                v = s["variance"]
            u = g / v.clamp(min=eps1**2).sqrt()
            p -= alpha / (u.square().mean().sqrt() / d).clamp(min=1.0) * u


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Adafactor(Optimizer):
    """Drop-in for torch.optim.Adafactor, bit for bit on one CPU thread."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            dict(
                lr=lr,
                beta2_decay=beta2_decay,
                eps=eps,
                d=d,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
            ),
        )

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if g.is_sparse:
            raise RuntimeError("Adafactor does not support sparse gradients")
        state, lr, decay = self.state[p], float(group["lr"]), group["weight_decay"]
        eps1, eps2 = group["eps"]
        eps1 = torch.finfo(p.dtype).eps if eps1 is None else eps1
        if not state:
            state.update(self._start(g))
        if group["maximize"]:
            g = -g
        state["step"] += 1
        t = state["step"].item()
        k = t ** group["beta2_decay"]
        alpha = max(eps2, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / t**0.5)

        if decay != 0:
            p.mul_(1 - lr * decay)
        if g.dim() > 1:
            for name, dim in (("row_var", -1), ("col_var", -2)):
                # the norm squared is the mean square without a matrix of squares
                state[name].lerp_(g.norm(dim=dim, keepdim=True).square_().div_(g.size(dim)), k)
            v = state["row_var"] @ state["col_var"]
            v.div_(state["row_var"].mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            v = state["variance"].lerp_(g * g, k).clone()
        u = v.clamp_(min=eps1 * eps1).rsqrt_().mul_(g)
        p.add_(u, alpha=-alpha / max(1.0, u.norm(2).item() / (u.numel() ** 0.5 * group["d"])))

    def _start(self, g):
        wide = torch.get_default_dtype() == torch.float64
        step = torch.tensor(0.0, dtype=torch.float64 if wide else torch.float32)
        if g.dim() > 1:
            row, col = g[..., :1], g[..., :1, :]
            return {"step": step, "row_var": row.new_zeros(row.shape), "col_var": col.new_zeros(col.shape)}
        return {"step": step, "variance": torch.zeros_like(g)}


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(adafactor_manual, adafactor_raw, Adafactor, torch.optim.Adafactor)
