r"""The training loop: a step for every batch, and all batches once an epoch.

    for each epoch:  S, N ← 0
        for each batch (x, y) of n rows:   L ← step(x, y);   S ← S + nL;   N ← N + n
        the epoch's loss is S / N

The last batch may be short, so the mean over rows weights each batch by its length; a mean of batch means
gives a row of a short batch more weight than the others (tests/planted: loop_mean_of_batch_means).

Shapes   x is (N, …), y is (N, …); rows are drawn by the loader.
Units    those of the loss.
Raises   what the step and the loader raise.
Source   the loop of torch's own tutorials; PyTorch ships none, so native is that idiom on torch's objects,
         and custom the same lines on ours.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from impls.data.loader import loader_manual, loader_raw
from impls.ladder import Ladder
from impls.rng import State

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def train_manual(
    step: Callable[..., Any],
    params: dict[str, Any],
    state: dict[str, Any],
    rng: State,
    x: np.ndarray,
    y: np.ndarray,
    *,
    batch_size: int,
    epochs: int,
) -> Iterator[tuple[float, dict[str, Any], dict[str, Any], State]]:
    """Yield (loss, params, state, rng) after each epoch; one generator shuffles the rows and feeds the step."""
    for _ in range(epochs):
        total = 0.0
        cursor, rng = loader_manual.start(rng, len(x), batch_size=batch_size, shuffle=True)
        rows, cursor, rng = loader_manual.advance(cursor, rng)
        while rows is not None:
            loss, params, state, rng = step(params, state, rng, x[rows], y[rows])
            total += float(loss) * len(rows)
            rows, cursor, rng = loader_manual.advance(cursor, rng)
        yield total / len(x), params, state, rng


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def train_raw(
    step: Callable[..., Any],
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    batch_size: int,
    epochs: int,
    generator: torch.Generator | None = None,
) -> Iterator[float]:
    """Yield the loss after each epoch; the step moves its parameters in place."""
    for _ in range(epochs):
        total = 0.0
        for rows in loader_raw(len(x), batch_size, shuffle=True, generator=generator):
            total += step(x[rows], y[rows]).item() * len(rows)
        yield total / len(x)


# ── custom and native ───────────────────────────────────────────────────────────────────────────


def train(step: Callable[..., Any], loader: Iterable[Any], epochs: int) -> Iterator[float]:
    """Yield the loss after each epoch; the step moves its model's parameters in place."""
    for _ in range(epochs):
        total, count = 0.0, 0
        for x, y in loader:
            total += step(x, y).item() * len(x)
            count += len(x)
        yield total / count


LADDER = Ladder(train_manual, train_raw, train, train)
