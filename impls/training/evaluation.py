r"""Evaluation: the loss over a whole set, and how many rows are right, without a trace on the model.

    loss    ← Σ n L(f(x), y) / Σ n          over batches of n rows, in evaluation mode, with no gradients
    correct ← Σ [argmax f(x) = y]           where y holds classes

Evaluation changes the model's mode and must change it back: an eval() that is never undone trains the rest of the
run without dropout (joeynmt#184, fartashf/vsepp#4; tests/planted: evaluation_never_undone).  The mean is over rows, not
over batches, so that the result does not depend on the batch size where L is itself a mean over rows; with class
weights or ignored rows it is not (losses/cross_entropy.py, n).

Shapes   x is (N, …), y is (N, …) or, holding classes, (N,).
Units    those of the loss; correct is a count, exact on every rung.
Raises   what the model and the loss raise; ZeroDivisionError for no rows.
Source   the loop of torch's own tutorials; PyTorch ships none, so native is that idiom on torch's objects,
         and custom the same lines on ours.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Ladder, Pair
from impls.nn.sequential import sequential_manual, sequential_raw


class Evaluation(NamedTuple):
    loss: float
    correct: int | None  # None where the target is no class
    rows: int


# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def evaluate_manual(
    params: dict[str, Any], x: np.ndarray, y: np.ndarray, *, layers: Sequence[Any], loss: Pair, batch_size: int
) -> Evaluation:
    total, correct = 0.0, None if y.dtype.kind == "f" else 0
    for start in range(0, len(x), batch_size):
        target = y[start : start + batch_size]
        prediction, _, _ = sequential_manual.forward(x[start : start + batch_size], layers, params, training=False)
        value, _ = loss.forward(prediction, target)
        total += float(value) * len(target)
        if correct is not None:
            correct += int((prediction.argmax(axis=1) == target).sum())
    return Evaluation(total / len(x), correct, len(x))


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def evaluate_raw(
    params: dict[str, Any],
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    layers: Sequence[Any],
    loss: Callable[..., Any],
    batch_size: int,
) -> Evaluation:
    total, correct = 0.0, None if y.is_floating_point() else 0
    with torch.no_grad():
        for inputs, target in zip(x.split(batch_size), y.split(batch_size), strict=True):
            prediction = sequential_raw(inputs, layers, params, training=False)
            total += loss(prediction, target).item() * len(target)
            if correct is not None:
                correct += int((prediction.argmax(dim=1) == target).sum())
    return Evaluation(total / len(x), correct, len(x))


# ── custom and native ───────────────────────────────────────────────────────────────────────────


def evaluate(model: Any, loss_fn: Callable[..., Any], loader: Iterable[Any]) -> Evaluation:
    modes, total, correct, count = [(module, module.training) for module in model.modules()], 0.0, None, 0
    model.eval()
    try:
        with torch.no_grad():
            for x, y in loader:
                prediction = model(x)
                total += loss_fn(prediction, y).item() * len(x)
                count += len(x)
                if not y.is_floating_point():
                    correct = (correct or 0) + int((prediction.argmax(dim=1) == y).sum())
    finally:
        for module, mode in modes:  # one by one: a part of the model may have been frozen in evaluation mode
            module.training = mode
    return Evaluation(total / count, correct, count)


LADDER = Ladder(evaluate_manual, evaluate_raw, evaluate, evaluate)
