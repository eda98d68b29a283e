"""The manual rung's formulas of one net, to be run on bounded numbers."""

from tests.associations import ways, widened
from tests.cells import LADDERS
from tests.exactness import bounded


class Formulas:
    """What a certificate is checked against: the pieces of `net`, in the reference's arithmetic."""

    def __init__(self, net, dtype):
        self.net, self.dtype = net, dtype
        self.loss_pair = LADDERS[f"losses.{net.loss}"].manual

    def layer(self, node, x, params, dy):
        """Return (output, gradients of the input and of each parameter; None where there is no dy)."""
        kind, sizes = self.net.layers[node.key]
        pair = LADDERS[f"nn.{kind}"].manual
        if kind == "dropout":
            y, saved, _ = pair.forward(x, node.rng, p=sizes[0], training=True)
        else:
            y, saved = pair.forward(x, *params)
        needs = (True,) * (1 + len(params))
        return y, pair.backward(dy, saved, needs) if dy is not False else [None] * len(needs)

    def loss(self, prediction, target):
        value, saved = self.loss_pair.forward(prediction, target)
        grad, *_ = self.loss_pair.backward(1.0, saved, (True, False))
        return value, grad

    def clip(self, grads):
        if self.net.max_norm is None:
            return grads
        clipped, _ = LADDERS["training.clip_grad_norm"].manual(grads, self.net.max_norm)
        return clipped

    def update(self, w, g, state):
        lifted = {k: v if k == "step" else bounded(v, self.dtype) for k, v in state.items() if v is not None}
        return widened([self._updated(step, w, g, lifted) for step in ways(self.net.optimizer)])

    def _updated(self, step, w, g, state):
        make = type(step.__defaults__[0])
        w, state = step(w, g, make(**state), **self.net.options)
        return [w, {k: v for k, v in state._asdict().items() if v is not None}]
