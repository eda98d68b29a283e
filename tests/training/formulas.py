"""The manual rung's formulas of one net, to be run on bounded numbers."""

import numpy as np

from tests.cells import LADDERS
from tests.engine import bounded
from tests.engine.bounded import Mask
from tests.families import admitted


class Formulas:
    """What a certificate is checked against: the pieces of `net`, in the reference's arithmetic."""

    def __init__(self, net, dtype):
        self.net, self.dtype = net, dtype
        self.loss_pair = LADDERS[f"losses.{net.loss}"].manual

    def layer(self, node, x, params, dy):
        """Return (output, gradients of the input and of each parameter, the generator's state afterwards)."""
        kind, sizes = self.net.layers[node.key]
        pair, rng, needs = LADDERS[f"nn.{kind}"].manual, None, (True,) * (1 + len(params))
        if kind != "dropout":
            y, saved = pair.forward(x, *params)
        elif node.rng is not None:
            y, saved, rng = pair.forward(x, node.rng, p=sizes[0], training=True)
        else:
            return *_dropped(node.y, x, dy, 1 - sizes[0]), None
        grads = [None] * len(needs) if dy is None else pair.backward(dy, saved, needs)
        return y, grads, rng

    def loss(self, prediction, target):
        value, saved = self.loss_pair.forward(prediction, target)
        one = bounded(np.ones((), self.dtype), self.dtype)  # a plain 1 over n would be rounded before it is bounded
        grad, *_ = self.loss_pair.backward(one, saved, (True, False))
        return value, grad

    def clip(self, grads):
        if self.net.max_norm is None:
            return grads
        clipped, _ = LADDERS["training.clip_grad_norm"].manual(grads, self.net.max_norm)
        return clipped

    def update(self, w, g, state):
        lifted = {k: v if k == "step" else bounded(v, self.dtype) for k, v in state.items() if v is not None}
        step = LADDERS[self.net.optimizer].manual
        return admitted(self.net.optimizer, step, lambda form: self._updated(form, w, g, lifted))

    def _updated(self, step, w, g, state):
        make = type(LADDERS[self.net.optimizer].manual.__defaults__[0])
        w, state = step(w, g, make(**state), **self.net.options)
        return [w, {k: v for k, v in state._asdict().items() if v is not None}]


def _dropped(y, x, dy, keep):
    """Dropout where the generator is out of reach: the mask is what the output says, and open where the input is 0."""
    mask = Mask(y != 0, x.value == 0)
    return np.where(mask, x / keep, 0.0), [None if dy is None else np.where(mask, dy / keep, 0.0)]
