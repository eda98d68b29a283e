r"""The binary cross entropy of logits.

    l  = w ((1 - y) s(x) + ϖ y s(-x)),     s(x) = log(1 + exp x) = max(x, 0) + log(1 + exp(-|x|))
    ∂x = w ((1 - y) σ(x) - ϖ y σ(-x)) ∂l
    ∂y = w (ϖ s(-x) - s(x)) ∂l             w weight, ϖ pos_weight, else 1;  then reduced, see losses.loss

It is the loss of probabilities behind a sigmoid in one piece, because the pieces overflow: exp is asked of -|x| only
(tests/planted: binary_cross_entropy_with_logits_overflows).  ϖ weighs the positive part alone, and a mean divides by
the number of elements whatever the weights are, unlike the cross entropy's (pytorch#54843).

Shapes   x, y share one shape, any rank, 0 included;  w and ϖ any shape that is broadcast to it.
Units    x, y, w, ϖ and l are pure numbers.
Raises   ValueError where shapes differ, or for another reduction.
Source   Cox 1958; ATen/native/Loss.cpp, binary_cross_entropy_with_logits (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw
from impls.nn.sigmoid import sigmoid_forward

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def binary_cross_entropy_with_logits_forward(
    x: np.ndarray,
    y: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    pos_weight: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple]:
    check_shapes(x, y)
    positive = y if pos_weight is None else pos_weight * y
    losses = (1.0 - y) * _softplus(x) + positive * _softplus(-x)
    losses = losses if weight is None else weight * losses
    loss, reduced = reduce_forward(losses, count(x), reduction)
    return loss, (x, y, weight, pos_weight, reduced)


def binary_cross_entropy_with_logits_backward(
    dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)
) -> Grads:
    x, y, weight, pos_weight, reduced = saved
    needs_x, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dl = dl if weight is None else weight * dl
    pos_weight = 1.0 if pos_weight is None else pos_weight
    dx = ((1.0 - y) * _sigmoid(x) - pos_weight * y * _sigmoid(-x)) * dl if needs_x else None
    return dx, (pos_weight * _softplus(-x) - _softplus(x)) * dl if needs_y else None


def _softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-abs(x)))


def _sigmoid(x):
    return sigmoid_forward(x)[0]


binary_cross_entropy_with_logits_manual = Pair(
    binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward
)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def binary_cross_entropy_with_logits_raw(
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    weight: torch.Tensor | None = None,
    reduction: str = "mean",
    pos_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    check_shapes(x, y)
    positive = y if pos_weight is None else pos_weight * y
    tail = (-x.abs()).exp().log1p()
    zero = torch.zeros_like(x)  # at a tie maximum halves the derivative, and that of |x| is 0: as it should be
    losses = (1 - y) * (torch.maximum(x, zero) + tail) + positive * (torch.maximum(-x, zero) + tail)
    return reduce_raw(losses if weight is None else weight * losses, x.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class BCEWithLogitsLoss(Loss):
    """Drop-in for torch.nn.BCEWithLogitsLoss, bit for bit on one CPU thread."""

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: torch.Tensor | None = None,
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Composed of log_sigmoid it has native's values, but its derivative is not σ(x) - y, rounded as that is.
        return torch.nn.functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    binary_cross_entropy_with_logits_manual,
    binary_cross_entropy_with_logits_raw,
    BCEWithLogitsLoss,
    torch.nn.BCEWithLogitsLoss,
)
