"""A training run on the tape alone: its tensors and its backward, the manual rung's draws and the manual rung's update.

The steps are told as those of any other rung, so they are certified as those are.
"""

import numpy as np

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.observe.autograd import seen
from tests.observe.training import Run


class TapeRun(Run):
    def __init__(self, net, seed, dtype):
        self.tensor = LADDERS["autograd.tensor"].custom
        self.no_grad = LADDERS["autograd.no_grad"].custom
        super().__init__(Rung.MANUAL, net, seed, dtype, "cpu")

    def build(self, seed):
        self.rng, self.params, self.states = self.part("rng").seed(seed), {}, {}
        for key, (kind, sizes) in self.net.layers.items():
            if kind == "linear":
                drawn, self.rng = self.part("nn.linear").init(self.rng, *sizes, dtype=np.dtype(self.dtype).type)
                self.params[key] = {name: self.tensor(w, requires_grad=True) for name, w in drawn.items()}
                self.states[key] = dict.fromkeys(drawn, ())

    def take(self, x, target):
        loss = self.loss(self.forward(self.tensor(x)), self.tensor(target))
        loss.backward()
        self.grads = self.tree(lambda w: seen(w.grad))
        if self.clip:
            self.grads, _ = self.clip(self.grads, self.net.max_norm)
        self.update()
        return seen(loss)

    def forward(self, x):
        for key, (kind, sizes) in self.net.layers.items():
            rng = self.rng if kind == "dropout" else None
            y = getattr(self, kind)(x, *(self.params[key].values() if kind == "linear" else sizes))
            self.entered[key] = (rng, seen(x), seen(y))
            if y.requires_grad:
                y.register_hook(lambda g, key=key: self.left.__setitem__(key, seen(g)))
            x = y
        return x

    def linear(self, x, w, b):
        return x @ w.t() + b

    def relu(self, x):
        return x.relu()

    def dropout(self, x, p):
        mask, self.rng = self.part("rng").bernoulli(self.rng, 1 - p, x.shape, x.dtype.type)
        return x * (self.tensor(mask) / (1 - p))

    def loss(self, y, target):
        return -y.log_softmax(1).gather(1, target.unsqueeze(1)).mean()

    def update(self):
        """In place, as an optimizer does; then the gradients are cleared."""
        step = self.part(self.net.optimizer)
        for key, layer in self.params.items():
            for name, w in layer.items():
                new, *state = step(seen(w), self.grads[key][name], *self.states[key][name], **self.net.options)
                with self.no_grad():
                    w.copy_(self.tensor(new))
                self.states[key][name], w.grad = state, None

    def tree(self, of):
        return {key: {name: of(w) for name, w in layer.items()} for key, layer in self.params.items()}

    def parameters(self):
        return self.tree(seen)

    def state(self):
        return {key: {name: _plain(*state) for name, state in layer.items()} for key, layer in self.states.items()}


def _plain(state=None):
    """A state as the certificate reads it: what is not there yet is left out."""
    return {} if state is None else {k: v for k, v in state._asdict().items() if v is not None}
