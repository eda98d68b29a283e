r"""The binary cross entropy of probabilities.

    l  = -w (y max(log p, -100) + (1 - y) max(log(1 - p), -100))         w weight, else 1
    ∂p = w (p - y) / max((1 - p) p, ε) ∂l                                ε = 10⁻¹², as float32 has it
    ∂y = w (log(1 - p) - log p) ∂l                                       then reduced, see losses.loss

A certainty that is wrong costs 100, not ∞, and its gradient is cut off at 10¹²: native's own conventions, for the
derivative of the cut-off logarithm would be 0.  They keep the loss finite, not the training well: a sigmoid in front
that has become 0 or 1 hands nothing on.  The logits' loss needs neither (losses.binary_cross_entropy_with_logits).

Shapes   p, y share one shape, any rank, 0 included;  w any shape that is broadcast to it.
Units    p, y, w and l are pure numbers.
Raises   ValueError where shapes differ, or for another reduction;  custom and native: RuntimeError for p outside
         [0, 1], of which manual and raw make NaN.
Source   Cox 1958; ATen/native/Loss.cpp, binary_cross_entropy_out_cpu (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.losses.loss import Loss, check_shapes, count, reduce_backward, reduce_forward, reduce_raw

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


EPSILON = float(np.float32(1e-12))  # in float64 too, where it differs in the ninth digit


@np.errstate(divide="ignore")
def binary_cross_entropy_forward(
    p: np.ndarray, y: np.ndarray, *, weight: np.ndarray | None = None, reduction: str = "mean"
) -> tuple[np.ndarray, tuple]:
    check_shapes(p, y)
    log_p = np.where(p <= 0.0, -100.0, np.maximum(np.log(p), -100.0))
    log_q = np.where(p >= 1.0, -100.0, np.maximum(np.log1p(-p), -100.0))
    losses = -(y * log_p + (1.0 - y) * log_q)
    losses = losses if weight is None else weight * losses
    loss, reduced = reduce_forward(losses, count(p), reduction)
    return loss, (p, y, weight, reduced)


@np.errstate(divide="ignore", invalid="ignore")
def binary_cross_entropy_backward(dy: np.ndarray, saved: tuple, needs_input_grad: Needs = (True, False)) -> Grads:
    p, y, weight, reduced = saved
    needs_p, needs_y = needs_input_grad
    (dl,) = reduce_backward(dy, reduced)
    dl = dl if weight is None else weight * dl
    dp = (p - y) / np.maximum((1.0 - p) * p, EPSILON) * dl if needs_p else None
    return dp, (np.log1p(-p) - np.log(p)) * dl if needs_y else None


binary_cross_entropy_manual = Pair(binary_cross_entropy_forward, binary_cross_entropy_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def binary_cross_entropy_raw(
    p: torch.Tensor, y: torch.Tensor, *, weight: torch.Tensor | None = None, reduction: str = "mean"
) -> torch.Tensor:
    check_shapes(p, y)
    known = p.detach()
    log_p, log_q = known.log().clamp(min=-100), (-known).log1p().clamp(min=-100)
    slope = ((known - y) / ((1 - known) * known).clamp(min=EPSILON)).detach()
    # The logarithms' derivative would be 0/0 at p = 0: native's is written down, and multiplies a difference of 0.
    losses = slope * (p - known) - (y * log_p + (1 - y) * log_q)
    return reduce_raw(losses if weight is None else weight * losses, p.numel(), reduction)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class BCELoss(Loss):
    """Drop-in for torch.nn.BCELoss, bit for bit on one CPU thread."""

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # No composition of other operations has its derivative where a logarithm is cut off.
        return torch.nn.functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(binary_cross_entropy_manual, binary_cross_entropy_raw, BCELoss, torch.nn.BCELoss)
