"""Other admissible forms of the losses."""

from impls.ladder import Pair
from impls.losses import binary_cross_entropy_with_logits as bce
from impls.losses.loss import count, reduce_backward, reduce_forward
from tests.families import admissible


def bce_by_one_softplus_forward(x, y, *, weight=None, reduction="mean", pos_weight=None):
    """Native's, in which x and s(-x) may cancel: s(x) = x + s(-x)."""
    positive = y if pos_weight is None else pos_weight * y
    losses = (1.0 - y) * x + (positive - y + 1.0) * bce._softplus(-x)
    losses = losses if weight is None else weight * losses
    loss, reduced = reduce_forward(losses, count(x), reduction)
    return loss, (x, y, weight, pos_weight, reduced)


def bce_by_one_sigmoid_backward(dy, saved, needs_input_grad=(True, False)):
    """Native's gradient: σ(-x) = 1 - σ(x)."""
    x, y, weight, pos_weight, reduced = saved
    (dl,) = reduce_backward(dy, reduced)
    dl = dl if weight is None else weight * dl
    p = 1.0 if pos_weight is None else pos_weight
    dx = ((p * y + 1.0 - y) * bce._sigmoid(x) - p * y) * dl if needs_input_grad[0] else None
    return dx, (p * bce._softplus(-x) - bce._softplus(x)) * dl if needs_input_grad[1] else None


FORMULA = bce.binary_cross_entropy_with_logits_manual
admissible("losses.binary_cross_entropy_with_logits")(Pair(bce_by_one_softplus_forward, FORMULA.backward))
admissible("losses.binary_cross_entropy_with_logits")(Pair(FORMULA.forward, bce_by_one_sigmoid_backward))
