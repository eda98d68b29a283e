"""A training run on the tape alone: its tensors and its backward, the manual rung's draws and the manual rung's update.

The steps are told as those of any other rung, so they are certified as those are.
"""

import numpy as np

from impls.ladder import Rung
from tests.autograd.trace import snapshot
from tests.cells import LADDERS
from tests.training.trace import Run, rung_of


class Tape:
    """A net of tape tensors, and its training step."""

    def __init__(self, net, seed, dtype):
        self.tensor = LADDERS["autograd.tensor"].custom
        self.net, self.layers = net, net.layers
        self.draws, self.update = LADDERS["rng"].manual, LADDERS[net.optimizer].manual
        self.clip = LADDERS["training.clip_grad_norm"].manual if net.max_norm else None
        self.rng, self.params, self.states = self.draws.seed(seed), {}, {}
        for key, (kind, sizes) in self.layers.items():
            if kind == "linear":
                drawn, self.rng = rung_of("nn.linear", Rung.MANUAL).init(self.rng, *sizes, dtype=np.dtype(dtype).type)
                self.params[key] = {name: self.tensor(w, requires_grad=True) for name, w in drawn.items()}
                self.states[key] = dict.fromkeys(drawn, ())

    def step(self, x, target):
        for key in self.layers:
            x = self.layer(key, x)
        loss = -x.log_softmax(1).gather(1, target).mean()
        loss.backward()
        self.learn(self.tree(lambda w: w.grad.numpy()))
        return loss.detach()

    def layer(self, key, x):
        kind, sizes = self.layers[key]
        if kind == "linear":
            w, b = self.params[key].values()
            return b.addmm(x, w.t())
        return x.relu() if kind == "relu" else self.dropout(x, *sizes)

    def dropout(self, x, p):
        mask, self.rng = self.draws.bernoulli(self.rng, 1 - p, x.shape, x.dtype.type)
        return x * (self.tensor(mask) / (1 - p))

    def learn(self, grads):
        """As the manual rung makes new arrays, a step makes new leaves, and no gradient is left to clear."""
        if self.clip:
            grads, _ = self.clip(grads, self.net.max_norm)
        for key, layer in self.params.items():
            for name, w in layer.items():
                was = w.detach().numpy(), grads[key][name], *self.states[key][name]
                new, *self.states[key][name] = self.update(*was, **self.net.options)
                layer[name] = self.tensor(new, requires_grad=True)
        return grads

    def tree(self, of):
        return {key: {name: of(w) for name, w in layer.items()} for key, layer in self.params.items()}


class TapeRun(Run):
    """The same, with a spy at every layer."""

    def __init__(self, net, seed, dtype):
        super().__init__(Rung.MANUAL, net, seed, dtype, "cpu")

    def build(self, seed):
        self.tape = Tape(self.net, seed, self.dtype)
        self.tape.layer, self.tape.learn = self.spied(self.tape.layer), self.noted(self.tape.learn)

    def spied(self, layer):
        def forward(key, x):
            rng = self.tape.rng if self.net.layers[key][0] == "dropout" else None
            y = layer(key, x)
            self.entered[key] = (rng, snapshot(x), snapshot(y))
            if y.requires_grad:
                y.register_hook(lambda g: self.left.__setitem__(key, snapshot(g)))
            return y

        return forward

    def noted(self, learn):
        def update(grads):
            self.grads = learn(grads)

        return update

    def take(self, x, target):
        return snapshot(self.tape.step(self.tape.tensor(x), self.tape.tensor(target[:, None])))

    def parameters(self):
        return self.tape.tree(snapshot)

    def state(self):
        return {key: {name: _plain(*state) for name, state in layer.items()} for key, layer in self.tape.states.items()}


def _plain(state=None):
    """A state as the certificate reads it: what is not there yet is left out."""
    return {} if state is None else {k: v for k, v in state._asdict().items() if v is not None}
