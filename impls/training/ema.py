r"""An exponential moving average: the average takes a small step towards what is averaged.

    a ← δa + (1-δ)w                                      δ decay

δ weighs what is old, as β does in Adam and as momentum does not in batch normalization (tests/planted:
ema_decay_weighs_what_is_new).  Nothing corrects the start: training.averaged_model begins with a copy, not with 0.

Shapes   a and w share one shape, any rank, 0 included.
Units    [a] = [w];  δ is a pure number.
Raises   ValueError if δ lies outside [0, 1].
Source   Polyak and Juditsky 1992 (of a plain mean); torch/optim/swa_utils.py (PyTorch 2.13).
"""

from collections.abc import Callable

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def ema_manual(average: np.ndarray, current: np.ndarray, *, decay: float = 0.999) -> np.ndarray:
    """Return the average with `current` in it."""
    return decay * average + (1 - decay) * current


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def ema_raw(average: torch.Tensor, current: torch.Tensor, *, decay: float = 0.999) -> None:
    """Move the tensor `average` in place."""
    with torch.no_grad():
        average *= decay
        average += (1 - decay) * current


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., torch.Tensor]:
    """Drop-in for torch.optim.swa_utils.get_ema_avg_fn, bit for bit."""
    check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param, current_param, num_averaged):  # noqa: ARG001 (an average of another kind needs it)
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """Drop-in for torch.optim.swa_utils.get_ema_multi_avg_fn, bit for bit on one CPU thread."""
    check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(ema_manual, ema_raw, get_ema_avg_fn, torch.optim.swa_utils.get_ema_avg_fn)
