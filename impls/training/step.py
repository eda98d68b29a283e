r"""The training step: predict, compare, differentiate, update.

    ŷ ← f(x; w)          forward, in training mode
    L ← loss(ŷ, y)
    g ← ∂L/∂w            of this batch alone: what an earlier step left is cleared first
    g ← clip(g)          if asked for
    w ← update(w, g)

Gradients add up in torch until they are cleared; a step that forgets to is gradient descent with momentum 1
(tests/planted: step_forgets_to_clear).  The prediction comes before the target, loss(ŷ, y): for a loss that is
not symmetric in its arguments the other order trains something else.

Shapes   x is (b, …), y whatever the loss takes; L has no dimensions.
Units    [L] is the loss's; each pair of update and loss fixes the rest.
Raises   what the model, the loss and the optimizer raise.
Source   the loop of torch's own tutorials; PyTorch ships no training step, so the native rung is that idiom
         on torch's objects.  Custom's are drop-ins, so the same lines are the custom rung.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from impls.ladder import Ladder, Pair
from impls.nn.module import named_parameters_raw
from impls.nn.sequential import sequential_manual, sequential_raw
from impls.optim.optimizer import States, Tree, optimizer_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def train_step_manual(
    params: Tree,
    state: Tree,
    rng: Any,
    x: np.ndarray,
    y: np.ndarray,
    *,
    layers: Sequence[Any],
    loss: Pair,
    update: Callable[..., Any],
    clip: Callable[..., Any] | None = None,
) -> tuple[Any, Tree, Tree, Any]:
    """Return (loss, params, state, rng); `update` moves one tensor, `clip` shortens a dictionary of gradients.

    Arrays are not shared: a weight that is tied on the other rungs would be moved here under each of its names.
    """
    prediction, saved, rng = sequential_manual.forward(x, layers, params, rng)
    value, kept = loss.forward(prediction, y)
    grad, *_ = loss.backward(1.0, kept, (True, False))
    _, grads = sequential_manual.backward(grad, saved)
    if clip is not None:
        grads, _ = clip(grads)
    params, state = optimizer_manual(update, params, grads, state)
    return value, params, state, rng


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def train_step_raw(
    params: dict[str, Any],
    state: States,
    generator: torch.Generator | None,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    layers: Sequence[Any],
    loss: Callable[..., Any],
    update: Callable[..., Any],
    clip: Callable[..., Any] | None = None,
) -> torch.Tensor:
    """Move the leaves of `params` in place and return the loss; `update` takes all leaves and the state."""
    leaves = [p for _, p in named_parameters_raw(params)]
    for p in leaves:
        p.grad = None
    value = loss(sequential_raw(x, layers, params, generator), y)
    value.backward()
    if clip is not None:
        clip(leaves)
    update(leaves, state)
    return value.detach()


# ── custom and native ───────────────────────────────────────────────────────────────────────────


def train_step(
    model: Any,
    loss_fn: Callable[..., Any],
    optimizer: Any,
    x: torch.Tensor,
    y: torch.Tensor,
    clip: Callable[..., Any] | None = None,
) -> torch.Tensor:
    """Take one step and return the loss; `clip` is handed the model's parameters."""
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    if clip is not None:
        clip(model.parameters())
    optimizer.step()
    return loss.detach()


LADDER = Ladder(train_step_manual, train_step_raw, train_step, train_step)
