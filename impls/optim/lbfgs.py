r"""L-BFGS: a quasi-Newton step whose inverse Hessian is never written down, only what the last few steps taught of it.

    y ← g - g₋                                       g₋ the gradient that the last iteration started from
    s ← td                                           of the last iteration, whether or not it moved
    if yᵀs > 1e-10:                                  else the pair would spoil positive definiteness
        remember (y, s, ρ = 1/yᵀs), the last `history_size` of them;  γ ← yᵀs / yᵀy
    q ← -g;   αᵢ ← ρᵢ sᵢᵀq,  q ← q - αᵢyᵢ            newest pair first
    d ← γq;   d ← d + (αᵢ - ρᵢ yᵢᵀd) sᵢ              oldest first; d = -Hg
    t ← η,  at the very first iteration  min(1, 1/‖g‖₁) η                          η lr
        or, from there, a t of the strong Wolfe conditions:
            f(w+td) ≤ f + c₁t gᵀd   and   |g(w+td)ᵀd| ≤ -c₂ gᵀd                    c₁ = 1e-4, c₂ = 0.9
    w ← w + td

One step is up to `max_iter` iterations.  It ends where max |g| ≤ tolerance_grad, gᵀd > -tolerance_change,
max |td| ≤ tolerance_change, the loss changes by less, or the loss was asked for `max_eval` times; without a line search
it is not asked for after the last iteration.  ρ goes with its pair: a history that drops y and s and keeps ρ
solves another system (pytorch#8824; tests/planted: lbfgs_rho_outlives_its_pair).

The line search handles numbers and asks for points, so one text of it serves all rungs.

Curvature, tolerances and line search are branches, and over many iterations a bound says nothing.  So a step is judged
from the rung's own state, with the answers that the rung was given, and an open comparison may go either way; a line
search within longer steps is judged by bits and by how often it asks (tests/optim/test_lbfgs.py).

Shapes   w, g, d, y, s are one vector each: all parameters, flattened and joined; a missing gradient counts as zeros.
Units    [t] = [η] is a pure number from the second iteration on;  [y] = [g], [s] = [w], [γ] = [w] / [g];  1e-10 has
         those of the loss.
Raises   custom, at construction: ValueError if η < 0 or there are two groups; NotImplementedError at a step for
         complex parameters; RuntimeError for another line search; AssertionError if a group was added.
Source   Nocedal and Wright 2006, algorithms 7.4, 3.5 and 3.6; Moré and Thuente 1994 (interpolation);
         torch/optim/lbfgs.py (PyTorch 2.13), of which with max_iter=1 a line search has no evaluation left
         (docs/divergences.md).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder
from impls.optim.optimizer import Optimizer, ParamsT, check_options, rate
from impls.since import TORCH, since

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    func_evals: int = 0
    n_iter: int = 0
    d: Any = None  # an array, once there was a step
    t: float | None = None
    old_dirs: tuple = ()  # torch's names: these are the y, and these
    old_stps: tuple = ()  # the s
    ro: tuple = ()
    H_diag: float = 1.0
    prev_flat_grad: np.ndarray | None = None
    prev_loss: float | None = None


class Point(NamedTuple):
    """Where a line was looked at: how far along, the loss, its gradient, and its slope in the line's direction."""

    t: Any
    loss: Any
    g: Any
    slope: Any


def lbfgs_manual(
    evaluate: Callable[[np.ndarray], tuple[Any, np.ndarray]],
    w: np.ndarray,
    state: State = State(),
    *,
    lr: float = 1,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
    maximize: bool = False,
) -> tuple[np.ndarray, State]:
    """Return (w, state) after one step; evaluate(w) is (loss, gradient)."""
    max_eval = max_iter * 5 // 4 if max_eval is None else max_eval

    def look(w):
        loss, g = evaluate(w)
        return (-loss, -g) if maximize else (loss, g)

    loss, g = look(w)
    evals, i, done = 1, 0, abs(g).max() <= tolerance_grad
    while not done and i < max_iter:
        i, state = i + 1, _turned(state, loss, g, history_size)
        d = state.d
        t = min(1.0, 1.0 / abs(g).sum()) * lr if state.n_iter == 1 else lr
        start = Point(0, loss, g, g @ d)
        if start.slope > -tolerance_change:
            state = state._replace(t=t)
            break

        def at(t, w=w, d=d):
            loss, g = look(w + t * d)
            return Point(t, loss, g, g @ d)

        if line_search_fn:
            found, asked = strong_wolfe(at, start, t, abs(d).max(), max_eval - evals)
        else:
            found, asked = (at(t), 1) if i < max_iter else (start._replace(t=t), 0)
        w, evals = w + found.t * d, evals + asked
        state, loss, g = state._replace(t=found.t), found.loss, found.g
        done = (
            evals >= max_eval
            or abs(g).max() <= tolerance_grad
            or abs(found.t * d).max() <= tolerance_change
            or abs(loss - start.loss) < tolerance_change
        )
    return w, state._replace(func_evals=state.func_evals + evals)


def _turned(state, loss, g, history_size):
    """The state, one iteration on, with a new direction and what the last move has taught."""
    now = {"n_iter": state.n_iter + 1, "prev_flat_grad": g, "prev_loss": loss}
    if state.n_iter == 0:
        return state._replace(d=-g, **now)
    y, s = g - state.prev_flat_grad, state.t * state.d
    ys = y @ s
    if ys > 1e-10:
        old_dirs, old_stps = (*state.old_dirs, y)[-history_size:], (*state.old_stps, s)[-history_size:]
        ro = (*state.ro, 1.0 / ys)[-history_size:]
        state = state._replace(old_dirs=old_dirs, old_stps=old_stps, ro=ro, H_diag=ys / (y @ y))
    return state._replace(d=_direction(g, state), **now)


def _direction(g, state):
    """-Hg by the two loops."""
    pairs, q, alphas = list(zip(state.old_dirs, state.old_stps, state.ro, strict=True)), -g, []
    for y, s, r in reversed(pairs):
        alphas.append(s @ q * r)
        q = q - alphas[-1] * y
    d = state.H_diag * q
    for (y, s, r), a in zip(pairs, reversed(alphas), strict=True):
        d = d + (a - y @ d * r) * s
    return d


def strong_wolfe(
    at: Callable[[Any], Point],
    start: Point,
    t: Any,
    size: Any,
    limit: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    smallest: float = 1e-9,
) -> tuple[Point, int]:
    """Return the point found, and for how many it asked: first a bracket of one, then ever smaller ones."""
    high = lambda p: p.loss > start.loss + c1 * p.t * start.slope
    flat = lambda p: abs(p.slope) <= -c2 * start.slope
    last, new, i = start, at(t), 0
    while i < limit:
        if high(new) or (i > 1 and new.loss >= last.loss):
            break
        if flat(new):
            return new, i + 1
        if new.slope >= 0:
            break
        t = _minimum(last, new, new.t + 0.01 * (new.t - last.t), new.t * 10)
        last, new, i = new, at(t), i + 1
    bracket = [last if i < limit else start, new]
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    near = False
    while i < limit and not abs(bracket[1].t - bracket[0].t) * size < smallest:
        t, was_near = _minimum(*bracket), near
        left, right = min(p.t for p in bracket), max(p.t for p in bracket)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (was_near or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        new, i = at(t), i + 1
        if high(new) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        if not flat(new) and new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = new
        if flat(new):
            break
    return bracket[low], i + 1


def _minimum(a, b, left=None, right=None):
    """Where the cubic through both points, with their slopes, is least; the middle where it has no minimum."""
    if left is None:
        left, right = (a.t, b.t) if a.t <= b.t else (b.t, a.t)
    e = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = e * e - a.slope * b.slope
    if not square >= 0:
        return (left + right) / 2.0
    root = square**0.5
    first, last = (a, b) if a.t <= b.t else (b, a)
    t = last.t - (last.t - first.t) * ((last.slope + root - e) / (last.slope - first.slope + 2 * root))
    return min(max(t, left), right)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def lbfgs_raw(
    closure: Callable[[], torch.Tensor],
    params: Sequence[torch.Tensor],
    state: dict[str, Any],
    *,
    lr: float = 1,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
    maximize: bool = False,
) -> None:
    """Step the leaves of `params`; closure() returns the loss and leaves gradients, `state` is one dictionary."""
    max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
    if not state:
        state.update(func_evals=0, n_iter=0, old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
    w, evals, i = torch.cat([p.reshape(-1) for p in params]), 0, 0

    def look(w):
        nonlocal evals
        evals += 1
        _put(w, params)
        with torch.enable_grad():
            loss = closure()
        sign = -1.0 if maximize else 1.0
        g = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in params])
        return sign * float(loss), sign * g

    def at(t):
        loss, g = look(w + t * d)
        return Point(t, loss, g, g @ d)

    loss, g = look(w)
    while i < max_iter and not g.abs().max() <= tolerance_grad:
        i, d = i + 1, _raw_direction(g, state, history_size)
        t = min(1.0, 1.0 / g.abs().sum()) * lr if state["n_iter"] == 0 else lr
        start = Point(0, loss, g, g @ d)
        state.update(n_iter=state["n_iter"] + 1, d=d, t=t, prev_flat_grad=g, prev_loss=loss)
        if start.slope > -tolerance_change:
            break
        found = start._replace(t=t)
        if line_search_fn:
            found, _ = strong_wolfe(at, start, t, d.abs().max(), max_eval - evals)
        elif i < max_iter:
            found = at(t)
        w, state["t"], loss, g = w + found.t * d, found.t, found.loss, found.g
        if evals >= max_eval or (found.t * d).abs().max() <= tolerance_change:
            break
        if abs(loss - start.loss) < tolerance_change:
            break
    state["func_evals"] += evals
    _put(w, params)


def _raw_direction(g, state, history_size):
    if state["n_iter"] == 0:
        return -g
    y, s = g - state["prev_flat_grad"], state["t"] * state["d"]
    ys = torch.dot(y, s)
    if ys > 1e-10:
        for name, new in {"old_dirs": y, "old_stps": s, "ro": 1.0 / ys}.items():
            state[name] = [*state[name], new][-history_size:]
        state["H_diag"] = ys / torch.dot(y, y)
    ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
    q, alphas = -g, {}
    for i in reversed(range(len(ro))):
        alphas[i] = ro[i] * torch.dot(ss[i], q)
        q = q - alphas[i] * ys[i]
    d = state["H_diag"] * q
    for i in range(len(ro)):
        d = d + (alphas[i] - ro[i] * torch.dot(ys[i], d)) * ss[i]
    return d


def _put(w, params):
    for p, part in zip(params, w.split([p.numel() for p in params]), strict=True):
        p.copy_(part.view_as(p))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class LBFGS(Optimizer):
    """Drop-in for torch.optim.LBFGS, bit for bit on one CPU thread; a copy of it steps, too."""

    @since((2, 14), "maximize")
    def __init__(
        self,
        params: ParamsT,
        lr: float | torch.Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ):
        check_options(lr)
        super().__init__(
            params,
            dict(
                lr=lr,
                max_iter=max_iter,
                max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
                tolerance_grad=tolerance_grad,
                tolerance_change=tolerance_change,
                history_size=history_size,
                line_search_fn=line_search_fn,
                **({"maximize": maximize} if TORCH >= (2, 14) else {}),
            ),
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:
        """Take up to max_iter iterations, asking the closure for the loss as often as they need; return the first."""
        return super().step(closure)

    @torch.no_grad()
    def _step(self, closure):
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        group = self.param_groups[0]
        params, search = group["params"], group["line_search_fn"]
        if not params and TORCH >= (2, 14):
            return torch.enable_grad()(closure)()
        lr, maximize = rate(group), group.get("maximize", False)
        if any(p.is_complex() for p in params):
            raise NotImplementedError("complex parameters are not on this rung; use torch.optim.LBFGS")
        state = self.state[params[0]]  # of all of them
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first, loss, g = _evaluated(closure, params, maximize)
        evals, i, done = 1, 0, g.abs().max() <= group["tolerance_grad"]
        state["func_evals"] += 1

        while not done and i < group["max_iter"]:
            i += 1
            state["n_iter"] += 1
            d = _turn(g, state, group["history_size"])
            t = min(1.0, 1.0 / g.abs().sum()) * lr if state["n_iter"] == 1 else lr
            start = Point(0, loss, g, g.dot(d))
            state.update(t=t, prev_flat_grad=g, prev_loss=loss)
            if start.slope > -group["tolerance_change"]:
                break
            if search not in (None, "strong_wolfe"):
                raise RuntimeError("only 'strong_wolfe' is supported")
            at = _line(closure, params, d, maximize)
            if search:
                found, asked = strong_wolfe(at, start, t, d.abs().max(), group["max_eval"] - evals)
            else:
                found, asked = (at(t), 1) if i < group["max_iter"] else (start._replace(t=t), 0)
            _move(params, found.t, d)
            state["t"], loss, g = found.t, found.loss, found.g
            state["func_evals"] += asked
            evals += asked
            done = (
                evals >= group["max_eval"]
                or g.abs().max() <= group["tolerance_grad"]
                or d.mul(found.t).abs().max() <= group["tolerance_change"]
                or abs(loss - start.loss) < group["tolerance_change"]
            )
        return first


def _turn(g, state, history_size):
    """The next direction, -Hg by the two loops, which the state remembers with what the last move has taught."""
    if state["n_iter"] == 1:
        state.update(d=g.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return state["d"]
    y, s = g.sub(state["prev_flat_grad"]), state["d"].mul(state["t"])
    ys = y.dot(s)
    if ys > 1e-10:
        for name, new in {"old_dirs": y, "old_stps": s, "ro": 1.0 / ys}.items():
            if len(state[name]) == history_size:
                state[name].pop(0)
            state[name].append(new)
        state["H_diag"] = ys / y.dot(y)
    old_dirs, old_stps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    al, q = state.setdefault("al", [None] * history_size), g.neg()
    for i in reversed(range(len(ro))):
        al[i] = old_stps[i].dot(q) * ro[i]
        q.add_(old_dirs[i], alpha=-al[i])
    d = state["d"] = q.mul(state["H_diag"])
    for i in range(len(ro)):
        d.add_(old_stps[i], alpha=al[i] - old_dirs[i].dot(d) * ro[i])
    return d


def _evaluated(closure, params, maximize):
    """What the closure returns, the loss, and the gradients that are left, as one vector."""
    with torch.enable_grad():
        loss = closure()
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
    g = torch.cat([(g.to_dense() if g.is_sparse else g).view(-1) for g in grads])
    return loss, -float(loss) if maximize else float(loss), g.neg() if maximize else g


def _line(closure, params, d, maximize):
    """The points of the line through `params` in the direction d; they are looked at and left."""
    here = [p.clone() for p in params]

    def at(t):
        _move(params, t, d)
        _, loss, g = _evaluated(closure, params, maximize)
        for p, x in zip(params, here, strict=True):
            p.copy_(x)
        return Point(t, loss, g, g.dot(d))

    return at


def _move(params, t, d):
    for p, part in zip(params, d.split([p.numel() for p in params]), strict=True):
        p.add_(part.view_as(p), alpha=t)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(lbfgs_manual, lbfgs_raw, LBFGS, torch.optim.LBFGS)
