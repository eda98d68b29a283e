r"""A running mean: of all the weights that have been seen, each counts the same.

    a ← a + (w - a)/(n + 1)                              n how many are in a

w is one of n + 1, not of n (tests/planted: swa_one_of_n).

Shapes   a and w share one shape, any rank, 0 included;  n is a count of at least 1.
Units    [a] = [w].
Raises   nothing.
Source   Izmailov et al. 2018, algorithm 1; torch/optim/swa_utils.py (PyTorch 2.13).
"""

from collections.abc import Callable

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def swa_manual(average: np.ndarray, current: np.ndarray, num_averaged: int) -> np.ndarray:
    """Return the mean with `current` in it, given the mean of `num_averaged` others."""
    return average + (current - average) / (num_averaged + 1)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def swa_raw(average: torch.Tensor, current: torch.Tensor, num_averaged: int) -> None:
    """Move the tensor `average` in place."""
    with torch.no_grad():
        average += (current - average) / (num_averaged + 1)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def get_swa_avg_fn() -> Callable[..., torch.Tensor]:
    """Drop-in for torch.optim.swa_utils.get_swa_avg_fn, bit for bit."""

    @torch.no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """Drop-in for torch.optim.swa_utils.get_swa_multi_avg_fn, bit for bit on one CPU thread.

    Where n is a tensor of whole numbers, as in AveragedModel, 1/(n + 1) is rounded to the default dtype.
    """

    @torch.no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, float(1 / (num_averaged + 1)))
            elif isinstance(num_averaged, torch.Tensor):
                average.addcdiv_(current - average, num_averaged + 1)
            else:
                average.add_(current - average, alpha=1.0 / (num_averaged + 1))

    return swa_update


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(swa_manual, swa_raw, get_swa_avg_fn, torch.optim.swa_utils.get_swa_avg_fn)
