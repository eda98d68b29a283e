r"""Batch normalization: each feature, over the batch, to mean 0 and variance 1.

    μ  = mean x,   v = mean (x - μ)²                    over the batch, in training;  in evaluation the running ones
    n  = (x - μ) r,   r = 1/√(v + ε)
    y  = n w + b
    ∂x = g - mean g - n mean(g n),   g = r w ∂y,        in evaluation  g
    ∂w = Σ ∂y n,    ∂b = Σ ∂y
    μ' ← (1 - m) μ' + m μ,    v' ← (1 - m) v' + m v N/(N - 1)        m momentum, or 1/t at the t-th batch if None

It normalizes with the biased variance and remembers the unbiased (tests/planted: batch_norm1d_remembers_the_biased).
m weighs what is new, 1 - m in Keras's words (tests/planted: batch_norm1d_momentum_weighs_what_is_old).  In evaluation
nothing is learned, so that a row does not depend on its neighbours; in training it does, and of one row alone there is
no variance.

Shapes   x (N, C) or (N, C, L);  w, b, μ', v' (C,);  y like x.
Units    [y] = [w] = [b];  n and m are pure numbers;  [ε] = [x]².
Raises   ValueError in training for one value per feature, and, in native's words, for another number of dimensions.
Source   Ioffe and Szegedy 2015, algorithms 1 and 2; torch/nn/modules/batchnorm.py, ATen/native/Normalization.cpp
         (PyTorch 2.13).
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.layer_norm import rsqrt
from impls.nn.module import Module
from impls.nn.parameter import Parameter
from impls.since import TORCH, since

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Stats(NamedTuple):
    """What is remembered of the batches so far, on the rungs that have no objects."""

    running_mean: np.ndarray | float
    running_var: np.ndarray | float
    num_batches_tracked: int = 0


def batch_norm1d_forward(
    x: np.ndarray,
    w: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    stats: Any = None,
    training: bool = True,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, Any, Any]:
    """Return (y, saved, stats); without stats it never remembers, and normalizes by the batch in evaluation too."""
    _check_dimensions(x.ndim)
    rows, of_batch = (0, 2)[: x.ndim - 1], training or stats is None
    if of_batch:
        n = _count(x.shape)
        mean = x.sum(axis=rows) / n
        d = x - _spread(mean, x)
        squares = (d * d).sum(axis=rows)
        var = squares / n
        if stats is not None:
            stats = _followed(stats, mean, squares / (n - 1), momentum)
    else:
        mean, var, _ = stats
        d = x - _spread(mean, x)
    r = rsqrt(var + eps)
    normal = d * _spread(r, x)
    y = normal if w is None else normal * _spread(w, x)
    return (y if b is None else y + _spread(b, x)), (normal, r, w, rows, of_batch), stats


def batch_norm1d_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True, True)) -> Grads:
    """Return (dx, dw, db); a layer without w or b is asked for fewer gradients."""
    normal, r, w, rows, of_batch = saved
    needs_x, *needs = needs_input_grad
    needs_w, needs_b = [*needs, False, False][:2]
    dw = (dy * normal).sum(axis=rows) if needs_w else None
    db = dy.sum(axis=rows) if needs_b else None
    if not needs_x:
        return None, dw, db
    g = dy * _spread(r if w is None else r * w, dy)
    if not of_batch:
        return g, dw, db
    mean = lambda a: _spread(a.sum(axis=rows) / _count(dy.shape), dy)
    return g - mean(g) - normal * mean(g * normal), dw, db


def _followed(stats, mean, unbiased, momentum):
    t = stats.num_batches_tracked + 1
    m = 1.0 / t if momentum is None else momentum
    follow = lambda old, new: (1 - m) * old + m * new
    return Stats(follow(stats.running_mean, mean), follow(stats.running_var, unbiased), t)


def _spread(per_feature, x):
    """What there is one of for each feature, along the features' dimension."""
    return per_feature.reshape(1, -1, *[1] * (x.ndim - 2))


def _count(shape):
    """How many values a feature has."""
    n = shape[0] * (shape[2] if len(shape) == 3 else 1)
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(shape)}")
    return n


def _check_dimensions(n):
    if n not in (2, 3):
        raise ValueError(f"expected 2D or 3D input (got {n}D input)")


batch_norm1d_manual = Pair(batch_norm1d_forward, batch_norm1d_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def batch_norm1d_raw(
    x: torch.Tensor,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    stats: Any = None,
    training: bool = True,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> tuple[torch.Tensor, Any]:
    """Return (y, stats)."""
    _check_dimensions(x.dim())
    rows = (0, 2)[: x.dim() - 1]
    if training or stats is None:
        n = _count(x.shape)
        mean = x.mean(rows)
        d = x - _spread(mean, x)
        squares = (d * d).sum(rows)
        var = squares / n
        if stats is not None:
            stats = _followed(stats, mean.detach(), squares.detach() / (n - 1), momentum)
    else:
        mean, var, _ = stats
        d = x - _spread(mean, x)
    y = d / _spread((var + eps).sqrt(), x)
    y = y if weight is None else y * _spread(weight, x)
    return (y if bias is None else y + _spread(bias, x)), stats


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class BatchNorm1d(Module):
    """Drop-in for torch.nn.BatchNorm1d, bit for bit on one CPU thread."""

    _version = 2  # of the layout of its state, which before that did not count batches

    @since((2, 12), "bias")
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        empty = lambda: torch.empty(num_features, device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(empty()) if affine else None)
        self.register_parameter("bias", Parameter(empty()) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", empty() if tracked else None)
        self.register_buffer("running_var", empty() if tracked else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0, device=device) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        with torch.no_grad():
            if self.weight is not None:
                self.weight.fill_(1.0)
            if self.bias is not None:
                self.bias.fill_(0.0)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        _check_dimensions(input.dim())
        untouched = self.training and not self.track_running_stats
        mean, var = (None, None) if untouched else (self.running_mean, self.running_var)
        of_batch = self.training or (mean is None and var is None)
        # Composed of other operations it rounds elsewhere, forward and back: only batch_norm has native's bits.
        return torch.nn.functional.batch_norm(
            input, mean, var, self.weight, self.bias, of_batch, self._momentum(), self.eps
        )

    def _momentum(self):
        """What a batch weighs; it is counted."""
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                return 1.0 / float(self.num_batches_tracked)
        return self.momentum or 0.0

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *told):
        """A state of the first layout, or of none that it tells, has no count: the module's own stays."""
        key, own = f"{prefix}num_batches_tracked", self.num_batches_tracked
        if (local_metadata.get("version") or 1) < 2 and self.track_running_stats and key not in state_dict:
            state_dict[key] = torch.tensor(0) if own is None or own.is_meta else own
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *told)

    def extra_repr(self) -> str:
        bias = f"bias={self.bias is not None}, " if TORCH >= (2, 12) else ""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"{bias}track_running_stats={self.track_running_stats}"
        )


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(batch_norm1d_manual, batch_norm1d_raw, BatchNorm1d, torch.nn.BatchNorm1d)
