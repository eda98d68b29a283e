r"""Attention: each query is answered with a mean of the values, weighted by how well their keys fit.

    s  = c q kᵀ + m                         c scale, 1/√E where none is given;  m attn_mask, if it holds numbers
    p  = exp(s - max s) / Σ exp(s - max s)  over the keys that the query may see, else 0
    y  = p' v                               p' = p after dropout, nn.dropout in training
    ∂p' = ∂y vᵀ,    ∂v = p'ᵀ ∂y
    ∂s = p (∂p - Σ ∂y y),    ∂q = c ∂s k,    ∂k = c ∂sᵀ q,    ∂m = ∂s

A mask of booleans is True where a query may see a key, the other way round than key_padding_mask in
nn.MultiheadAttention (tests/planted: scaled_dot_product_attention_mask_hides), and -∞ in a mask of numbers hides it.
With is_causal query i sees the keys 0 to i, counted from the first key although there may be more keys than queries
(tests/planted: scaled_dot_product_attention_causal_from_the_last).  A query that sees no key is answered with 0, and
not with 0/0.  Dropout is not told of evaluation: dropout_p is what happens.

Shapes   q (…, L, E), k (…, S, E), v (…, S, V), all of the same leading dimensions;  m like (…, L, S), or 1 in place of
         any;  y (…, L, V).
Units    [y] = [v];  s and m are pure numbers.
Raises   ValueError for attn_mask and is_causal together.  Native refuses that too, or, where it takes its fused kernel,
         up to torch 2.13, applies both.
Source   Vaswani et al. 2017, eq. 1; ATen/native/transformers/attention.cpp and ATen/native/cpu/FlashAttentionKernel.cpp
         (PyTorch 2.13).  Of four dimensions native takes the fused kernel, since torch 2.14 of three, too.  Its exp in
         float32 is only good for 20 ulps where the keys fill a vector, which no law here covers.  enable_gqa is on the
         native rung alone.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Absent, Grads, Ladder, Needs, Pair, Results
from impls.nn.dropout import dropout_backward, dropout_forward, dropout_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Saved(NamedTuple):
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    p: np.ndarray
    kept: np.ndarray  # of p, after dropout
    dropped: tuple | None
    y: np.ndarray
    scale: float
    mask_shape: tuple[int, ...] | None


def scaled_dot_product_attention_forward(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    attn_mask: np.ndarray | None = None,
    rng: Any = None,
    *,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Results:
    """Return (y, saved), and the generator's state where one was given."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    allowed, m = _mask(attn_mask, is_causal, (q.shape[-2], k.shape[-2]))
    s = (q @ k.mT) * scale + m
    least = -(-s).max(axis=-1, keepdims=True)
    top = np.where(allowed, s, least).max(axis=-1, keepdims=True)
    e = np.where(allowed, np.exp(np.where(allowed, s - top, 0.0)), 0.0)
    total = np.where(allowed.any(axis=-1, keepdims=True), e.sum(axis=-1, keepdims=True), 1.0)
    p = e / total
    kept, dropped, rng = dropout_forward(p, rng, p=dropout_p)
    y = kept @ v
    saved = Saved(q, k, v, p, kept, dropped, y, scale, None if attn_mask is None else attn_mask.shape)
    return (y, saved) if rng is None else (y, saved, rng)


def scaled_dot_product_attention_backward(
    dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True, True)
) -> Grads:
    """Return the gradients of q, k and v, and of attn_mask where there is one."""
    q, k, v, p, kept, dropped, y, scale, mask_shape = saved
    needs_q, needs_k, needs_v, *needs_mask = needs_input_grad
    (dp,) = dropout_backward(dy @ v.mT, dropped)
    ds = p * (dp - (dy * y).sum(axis=-1, keepdims=True))
    dq = (ds @ k) * scale if needs_q else None
    dk = (ds.mT @ q) * scale if needs_k else None
    dv = kept.mT @ dy if needs_v else None
    if mask_shape is None:
        return dq, dk, dv
    return dq, dk, dv, _summed_to(ds, mask_shape) if any(needs_mask) else None


def _mask(attn_mask, is_causal, shape):
    """Which keys a query may see, and what is added to the scores."""
    _check_mask(attn_mask, is_causal)
    everything = np.ones(shape, bool)
    if attn_mask is None:
        return np.tril(everything) if is_causal else everything, 0.0
    if attn_mask.dtype == bool:
        return everything & attn_mask, 0.0
    hidden = np.isinf(attn_mask)
    return everything & ~hidden, np.where(hidden, 0.0, attn_mask)


def _check_mask(attn_mask, is_causal):
    if is_causal and attn_mask is not None:
        raise ValueError("attn_mask is not to be given with is_causal")


def _summed_to(g, shape):
    """The gradient of what was spread from a shape."""
    new = g.ndim - len(shape)
    spread = tuple(i for i in range(g.ndim) if i < new or (shape[i - new] == 1 and g.shape[i] != 1))
    return g.sum(axis=spread, keepdims=True).reshape(*shape)


scaled_dot_product_attention_manual = Pair(scaled_dot_product_attention_forward, scaled_dot_product_attention_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def scaled_dot_product_attention_raw(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    *,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    _check_mask(attn_mask, is_causal)
    s = q @ k.mT * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    allowed = torch.ones_like(s, dtype=torch.bool)
    if is_causal:
        allowed = allowed.tril()
    elif attn_mask is not None and attn_mask.dtype == torch.bool:
        allowed = allowed & attn_mask
    elif attn_mask is not None:
        s, allowed = s + attn_mask, allowed & ~attn_mask.isinf()
    p = s.masked_fill(~allowed, torch.finfo(s.dtype).min).softmax(-1) * allowed
    return dropout_raw(p, p=dropout_p, generator=generator) @ v


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    scaled_dot_product_attention_manual,
    scaled_dot_product_attention_raw,
    Absent("it would be native's own call, for nothing else has the bits of its fused kernel"),
    torch.nn.functional.scaled_dot_product_attention,
)
