"""tinygrad on its interpreter, which needs no compiler: optimizers, and layers with their gradients."""

import os

os.environ["DEV"] = "PYTHON"

import numpy as np
import torch
from tinygrad import Context, Tensor
from tinygrad.nn import optim

from tests.subjects.peers.passing import passing_by
from tests.subjects.peers.stepping import stepping_by


def _tensor(a):
    """A number alone would be a constant, which is none of the interpreter's: it is an array of one here."""
    return Tensor(np.array(a, ndmin=1))


# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def _begin(make, p):
    w = _tensor(p.detach().numpy()).realize()
    return make([w]), w, p.shape


def _step(own, g, lr):
    optimizer, w, shape = own
    optimizer.lr.assign(Tensor([float(lr)], dtype=optimizer.lr.dtype))
    w.grad = _tensor(g.numpy())
    with Context(TRAINING=1):
        optimizer.step()
    return torch.from_numpy(w.numpy()).reshape(shape)


_stepping = stepping_by(_begin, _step)


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


relu, sigmoid, silu, tanh = (_passing(f) for f in (Tensor.relu, Tensor.sigmoid, Tensor.silu, Tensor.tanh))


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
