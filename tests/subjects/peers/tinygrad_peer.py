"""tinygrad on its interpreter, which needs no compiler: optimizers, and layers with their gradients."""

import inspect
import os

os.environ["DEV"] = "PYTHON"

import numpy as np
import torch
from tinygrad import Context, Tensor
from tinygrad.nn import optim

from tests.subjects.peers.passing import passing_by


def _tensor(a):
    """A number alone would be a constant, which is none of the interpreter's: it is an array of one here."""
    return Tensor(np.array(a, ndmin=1))


# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def _stepping(make):
    """A class in torch's manner: for each parameter an optimizer of its own, which knows no missing gradient."""

    class Stepping:
        def __init__(self, params, lr=1e-3, **options):
            self.params, self.lr, self.options, self.own = params, lr, options, {}

        def step(self):
            for p in self.params:
                if p.grad is not None:
                    w, optimizer = self.own.get(p) or self._begin(p)
                    optimizer.lr.assign(Tensor([float(self.lr)], dtype=optimizer.lr.dtype))
                    w.grad = _tensor(p.grad.numpy())
                    with Context(TRAINING=1):
                        optimizer.step()
                    p.data.copy_(torch.from_numpy(w.numpy()).reshape(p.shape))

        def _begin(self, p):
            w = _tensor(p.detach().numpy()).realize()
            self.own[p] = w, make([w], **self.options)
            return self.own[p]

    ours = list(inspect.signature(Stepping).parameters.values())[:2]
    options = [p.replace(kind=p.KEYWORD_ONLY) for p in list(inspect.signature(make).parameters.values())[1:]]
    Stepping.__signature__, Stepping.__name__ = inspect.Signature([*ours, *options]), make.__name__
    return Stepping


@_stepping
def sgd(params, momentum=0.0, weight_decay=0.0, nesterov=False):
    return optim.SGD(params, 0.1, momentum, weight_decay, nesterov)


@_stepping
def adam(params, betas=(0.9, 0.999), eps=1e-8):
    return optim.Adam(params, 0.1, *betas, eps)


@_stepping
def adamw(params, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
    return optim.AdamW(params, 0.1, *betas, eps, weight_decay)


# ── layers ──────────────────────────────────────────────────────────────────────────────────────


@passing_by
def _passing(call, inputs):
    given, (shape,) = [_tensor(x) for x in inputs], {np.shape(x) for x in inputs}
    y = call(*given)
    back = lambda dy: y.gradient(*given, gradient=_tensor(dy))
    return y.numpy().reshape(shape), lambda dy: tuple(g.numpy().reshape(shape) for g in back(dy))


@_passing
def relu(x):
    return x.relu()


@_passing
def sigmoid(x):
    return x.sigmoid()


@_passing
def silu(x):
    return x.silu()


@_passing
def tanh(x):
    return x.tanh()


@_passing
def leaky_relu(x, *, negative_slope=0.01):
    return x.leaky_relu(negative_slope)


@_passing
def softplus(x, *, beta=1.0):
    return x.softplus(beta)


@_passing
def softmax(x, *, dim):
    return x.softmax(dim)


@_passing
def log_softmax(x, *, dim):
    return x.log_softmax(dim)
