"""A training run, step by step: what goes into every node of the net, what comes out, and what the update does.

A rung's own training step is run on the rung's own pieces, each wrapped in a spy that notes what passes through it and
changes nothing.
"""

import functools
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Pair, Rung
from impls.nn.sequential import Layer
from tests.cells import LADDERS
from tests.engine.arrays import snapshot, tensor
from tests.engine.certificate import Node, Step
from tests.rng.trace import state_of

KINDS = {"linear": ("weight", "bias"), "relu": (), "dropout": ()}  # a layer's parameters, in input order


class Net(NamedTuple):
    """What is trained and how, on whatever rung."""

    chain: tuple  # ("linear", 64, 32), ("relu",), ("dropout", 0.2), ...
    loss: str
    optimizer: str
    options: dict
    max_norm: float | None = None

    @property
    def layers(self):
        return {str(i): (kind, sizes) for i, (kind, *sizes) in enumerate(self.chain)}


def rung_of(concept, rung):
    return getattr(LADDERS[concept], rung)


def runner(rung, net, seed, dtype="float32", device="cpu"):
    """A run of `net` on a rung, from an integer seed; its `step(x, target)` takes arrays and returns a Step."""
    kind = {Rung.MANUAL: ManualRun, Rung.RAW: RawRun}.get(rung, ObjectRun)
    return kind(rung, net, seed, dtype, device)


class Run:
    def __init__(self, rung, net, seed, dtype, device):
        self.part = functools.partial(rung_of, rung=rung)
        self.net, self.dtype, self.device = net, dtype, device
        self.clip = self.part("training.clip_grad_norm") if net.max_norm else None
        self.entered, self.left = {}, {}
        self.build(seed)

    def step(self, x, target):
        self.entered, self.left, self.grads = {}, {}, {}
        before, state_before = self.parameters(), self.state()
        loss = snapshot(self.take(x, target))
        nodes = [Node(key, *self.entered[key], self.left.get(key)) for key in self.net.layers]
        return Step(x, target, before, state_before, nodes, loss, self.grads, self.parameters(), self.state())

    def forwarded(self, key, rng, x, y):
        """Note a layer's passage forward, and ask the graph for the gradient that comes back."""
        self.entered[key] = (rng, snapshot(x), snapshot(y))
        if y.requires_grad:
            y.register_hook(lambda g: self.left.__setitem__(key, snapshot(g)))


class ManualRun(Run):
    def build(self, seed):
        self.rng, self.params, self.states = self.part("rng").seed(seed), {}, {}
        layers = {}
        for key, (kind, sizes) in self.net.layers.items():
            pair = self.part(f"nn.{kind}")
            if pair.init:
                self.params[key], self.rng = pair.init(self.rng, *sizes, dtype=np.dtype(self.dtype).type)
            settings = {"p": sizes[0]} if kind == "dropout" else {}
            layers[key] = Layer(self.spy(key, pair), KINDS[kind], settings, kind == "dropout")
        clip = self.clip and functools.partial(self.clip, max_norm=self.net.max_norm)
        self.pieces = {
            "layers": layers,
            "loss": self.part(f"losses.{self.net.loss}"),
            "update": self.update,
            "clip": clip,
        }

    def spy(self, key, pair):
        def forward(x, *rest, **settings):
            y, _, *rng = result = pair.forward(x, *rest, **settings)
            self.entered[key] = (rest[-1] if rng else None, x, y)
            return result

        def backward(dy, saved, needs_input_grad):
            self.left[key] = dy
            return pair.backward(dy, saved, needs_input_grad)

        return Pair(forward, backward)

    def update(self, w, g, *state):
        self.received.append(g)
        return self.part(self.net.optimizer)(w, g, *state, **self.net.options)

    def take(self, x, target):
        self.received = []
        step = self.part("training.step")
        loss, self.params, self.states, self.rng = step(self.params, self.states, self.rng, x, target, **self.pieces)
        grads = iter(self.received)
        self.grads = {key: {name: next(grads) for name in layer} for key, layer in self.params.items()}
        return loss

    def parameters(self):
        return {key: dict(layer) for key, layer in self.params.items()}

    def state(self):
        return {key: {name: _plain(s._asdict()) for name, s in layer.items()} for key, layer in self.states.items()}


class RawRun(Run):
    def build(self, seed):
        self.generator, self.params, self.states, layers = self.part("rng").seed(seed), {}, {}, {}
        for key, (kind, sizes) in self.net.layers.items():
            function = self.part(f"nn.{kind}")
            if hasattr(function, "init"):
                drawn, _ = function.init(self.generator, *sizes, dtype=getattr(torch, self.dtype))
                self.params[key] = {name: w.detach().to(self.device).requires_grad_() for name, w in drawn.items()}
            settings = {"p": sizes[0]} if kind == "dropout" else {}
            layers[key] = Layer(self.spy(key, function), KINDS[kind], settings, kind == "dropout")
        if self.device != "cpu":  # another generator, whose masks are its own
            self.generator = torch.Generator(self.device).manual_seed(seed)
        clip = self.clip and functools.partial(self.clip, max_norm=self.net.max_norm)
        self.pieces = {
            "layers": layers,
            "loss": self.part(f"losses.{self.net.loss}"),
            "update": self.update,
            "clip": clip,
        }

    def spy(self, key, function):
        def forward(x, *rest, **settings):
            rng = state_of(self.generator) if "generator" in settings and self.device == "cpu" else None
            y = function(x, *rest, **settings)
            self.forwarded(key, rng, x, y)
            return y

        return forward

    def update(self, leaves, states):
        self.grads = {key: {name: snapshot(p.grad) for name, p in layer.items()} for key, layer in self.params.items()}
        self.part(self.net.optimizer)(leaves, states, **self.net.options)

    def take(self, x, target):
        batch = tensor(x, self.device), tensor(target, self.device)
        return self.part("training.step")(self.params, self.states, self.generator, *batch, **self.pieces)

    def parameters(self):
        return {key: {name: snapshot(p) for name, p in layer.items()} for key, layer in self.params.items()}

    def state(self):
        return {
            key: {n: _plain(self.states.get(p, {})) for n, p in layer.items()} for key, layer in self.params.items()
        }


class ObjectRun(Run):
    """Custom and native: the same calls on ours and on torch's."""

    def build(self, seed):
        torch.default_generator.manual_seed(seed)
        modules = [self.part(f"nn.{kind}")(*sizes) for kind, sizes in self.net.layers.values()]
        self.model = self.part("nn.sequential")(*modules).to(self.device, getattr(torch, self.dtype))
        for key, module in zip(self.net.layers, modules, strict=True):
            module.forward = self.spy(key, module.forward)
        self.loss = self.part(f"losses.{self.net.loss}")()
        self.optimizer = self.part(self.net.optimizer)(self.model.parameters(), **self.net.options)
        self.optimizer.step = self.spied_update(self.optimizer.step)
        self.generator = torch.default_generator

    def spy(self, key, forward):
        draws = self.net.layers[key][0] == "dropout" and self.device == "cpu"

        def spied(x):
            rng = state_of(self.generator) if draws else None
            y = forward(x)
            self.forwarded(key, rng, x, y)
            return y

        return spied

    def spied_update(self, update):
        def spied():
            self.grads = self.tree(lambda p: snapshot(p.grad))
            return update()

        return spied

    def take(self, x, target):
        batch = tensor(x, self.device), tensor(target, self.device)
        clip = self.clip and functools.partial(self.clip, max_norm=self.net.max_norm)
        return self.part("training.step")(self.model, self.loss, self.optimizer, *batch, clip)

    def tree(self, of):
        found = {}
        for name, p in self.model.named_parameters():
            key, _, leaf = name.rpartition(".")
            found.setdefault(key, {})[leaf] = of(p)
        return found

    def parameters(self):
        return self.tree(snapshot)

    def state(self):
        places = iter(range(len(list(self.model.parameters()))))
        state = self.optimizer.state_dict()["state"]
        return self.tree(lambda p: _plain(state.get(next(places), {})))


def _plain(state):
    """A state in the manual rung's terms: a count is an int, everything else an array."""
    return {k: int(v) if k == "step" else snapshot(v) for k, v in state.items() if v is not None}
