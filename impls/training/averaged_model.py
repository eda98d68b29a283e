r"""A model whose weights are the average of another's, over the steps at which it is told to look.

    a ← w at the first look, else average(a, w, n);   n ← n + 1       n looks so far

The first look copies: an average that began with the copy made at construction would count weights that nobody asked
for, and one that began at 0 would have to be corrected (tests/planted: averaged_model_counts_the_copy).  Buffers are
no weights: unless use_buffers is set they are copied at each look.

Shapes   any; the two models have the same.
Units    those of the weights;  n is a count.
Raises   AssertionError where two averages are given.
Source   Izmailov et al. 2018, algorithm 1; torch/optim/swa_utils.py (PyTorch 2.13).
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torch

from impls.ladder import Ladder
from impls.nn.module import Module
from impls.training.swa import get_swa_avg_fn, swa_manual, swa_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def averaged_model_manual(
    averages: dict[str, Any], weights: dict[str, Any], n: int, *, average: Callable[..., Any] = swa_manual
) -> tuple[dict[str, Any], int]:
    """Return (averages, n) after one more look at the nested dictionary `weights`."""
    return _averaged(averages, weights, n, average), n + 1


def _averaged(a, w, n, average):
    if isinstance(w, dict):
        return {name: _averaged(a.get(name), w[name], n, average) for name in w}
    return w if n == 0 else average(a, w, n)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def averaged_model_raw(
    averages: Iterable[torch.Tensor], weights: Iterable[torch.Tensor], n: int, *, average: Callable[..., Any] = swa_raw
) -> int:
    """Move the tensors `averages` in place and return n after one more look at `weights`."""
    for a, w in zip(averages, weights, strict=True):
        if n == 0:
            a.data.copy_(w)
        else:
            average(a, w, n)
    return n + 1


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class AveragedModel(Module):
    """Drop-in for torch.optim.swa_utils.AveragedModel, bit for bit on one CPU thread (CUDA's default is a lerp)."""

    def __init__(
        self,
        model: Any,
        device: int | torch.device | None = None,
        avg_fn: Callable[..., torch.Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        both = zip(self._of(self.module), self._of(model), strict=False)
        pairs = [(a.detach(), w.detach().to(a.device)) for a, w in both]
        if self.n_averaged == 0:
            for a, w in pairs:
                a.copy_(w)
        elif self.multi_avg_fn is not None:
            groups = defaultdict(list)
            for a, w in pairs:
                groups[a.device, a.dtype].append((a, w))
            for (device, _), members in groups.items():
                self.multi_avg_fn(*map(list, zip(*members, strict=True)), self.n_averaged.to(device))
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for a, w in pairs:
                a.copy_(average(a, w, self.n_averaged.to(a.device)))
        if not self.use_buffers:
            for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                a.detach().copy_(b.detach().to(a.device))
        self.n_averaged += 1

    def _of(self, model):
        """What is averaged of a model."""
        return chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(averaged_model_manual, averaged_model_raw, AveragedModel, torch.optim.swa_utils.AveragedModel)
