"""HIPS autograd: the optimizers of its examples, and gradients of NumPy's functions."""

import autograd.numpy as np
from autograd import make_vjp
from autograd.misc import optimizers
from autograd.scipy.special import erf, expit, logsumexp

from tests.subjects.peers.passing import passing_by

# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


class _Rates:
    """A step size for each iteration, where one for all is expected: the n-th product is with the n-th rate."""

    def __init__(self, rates):
        self.rates = iter(rates)

    def __mul__(self, other):
        return next(self.rates) * other


def _stepping(optimizer, lr, **options):
    """(init, update) of what runs a loop of its own: at every step the loop is run again from the start."""

    def update(g, state, w):
        start, past = state
        past = [*past, (lr, g)]
        rates, gradients = zip(*past, strict=True)
        x = optimizer(lambda _, i: gradients[i], start, None, len(past), _Rates(rates), **options)
        return x - w, (start, past)

    return (lambda w: (w, [])), update


def sgd(lr, momentum=0.0):
    return _stepping(optimizers.sgd, lr, mass=momentum)


def sgd_plain(lr):
    return _stepping(optimizers.sgd, lr, mass=0.0)


def rmsprop(lr, alpha=0.99, eps=1e-8):
    return _stepping(optimizers.rmsprop, lr, gamma=alpha, eps=eps)


def adam(lr, betas=(0.9, 0.999), eps=1e-8):
    return _stepping(optimizers.adam, lr, b1=betas[0], b2=betas[1], eps=eps)


# ── layers and losses ───────────────────────────────────────────────────────────────────────────


@passing_by
def _passing(call, inputs):
    back, y = make_vjp(lambda given: call(*given))(inputs)
    return y, back


@_passing
def relu(x):
    return np.maximum(x, 0)


@_passing
def sigmoid(x):
    return expit(x)


@_passing
def tanh(x):
    return np.tanh(x)


@_passing
def gelu(x):
    return 0.5 * x * (1 + erf(x / 2**0.5))


@_passing
def softplus(x):
    return np.logaddexp(x, 0)


@_passing
def log_softmax(x, *, dim=None):
    return x - logsumexp(x, axis=dim, keepdims=True)


@_passing
def linear(x, weight, bias=None):
    y = np.dot(x, weight.T)
    return y if bias is None else y + bias


def _reduced(losses, reduction):
    return {"none": lambda losses: losses, "mean": np.mean, "sum": np.sum}[reduction](losses)


@_passing
def mse(input, target, *, reduction="mean"):
    return _reduced((input - target) ** 2, reduction)


@_passing
def l1(input, target, *, reduction="mean"):
    return _reduced(np.abs(input - target), reduction)
