"""Gradients as a rung clips them."""

import numpy as np
import torch

from impls.ladder import Rung
from tests.engine.arrays import snapshot, tensor
from tests.training.trace import rung_of


def clipped(rung, grads, max_norm, norm_type, lift=lambda x: x, device="cpu", **settings):
    """Return (clipped gradients, total norm)."""
    clip = rung_of("training.clip_grad_norm", rung)
    if rung is Rung.MANUAL:
        tree = {"0": {str(i): None if g is None else lift(g) for i, g in enumerate(grads)}}
        found, total = clip(tree, max_norm, norm_type)
        return list(found["0"].values()), total
    params = [torch.zeros(np.shape(g)) if g is None else tensor(g, device).requires_grad_() for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = None if g is None else tensor(g, device)
    total = clip(params, max_norm, norm_type, **settings)
    return [snapshot(p.grad) for p in params], snapshot(total)


def clipped_by_value(rung, grads, clip_value, device="cpu", **settings):
    """Return the clipped gradients."""
    clip = rung_of("training.clip_grad_value", rung)
    if rung is Rung.MANUAL:
        tree = {"0": {str(i): None if g is None else g for i, g in enumerate(grads)}}
        return list(clip(tree, clip_value)["0"].values())
    params = [torch.zeros(np.shape(g)) if g is None else tensor(g, device).requires_grad_() for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = None if g is None else tensor(g, device)
    assert clip(params, clip_value, **settings) is None
    return [snapshot(p.grad) for p in params]
