"""What a textbook has, in NumPy or in torch functions, with other operations in another order than torch's."""

import math

import numpy as np
import torch

# ── optimizers: the options return (init, update), and update what is added to a parameter ──────────


def _decayed(g, w, weight_decay, maximize):
    return (-g if maximize else g) + weight_decay * w


def sgd(lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    def update(g, b, w):
        g = _decayed(g, w, weight_decay, maximize)
        b = g if b is None or not momentum else g - dampening * g + b * momentum
        return -(lr * g + lr * momentum * b if nesterov else lr * b), b

    return lambda w: None, update


def _adam(lr, betas, eps, decay, decoupled, amsgrad, maximize):
    b1, b2 = betas

    def update(g, state, w):
        t, m, v, largest = state
        g = _decayed(g, w, 0 if decoupled else decay, maximize)
        t, m, v = t + 1, b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        largest = np.maximum(largest, v)
        rate = lr * math.sqrt(1 - b2**t) / (1 - b1**t)  # the paper's, with an epsilon hat that is torch's
        step = rate * m / (np.sqrt(largest if amsgrad else v) + eps * math.sqrt(1 - b2**t))
        return -step - (lr * decay * w if decoupled else 0), (t, m, v, largest)

    return lambda w: (0, 0 * w, 0 * w, 0 * w), update


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False):
    return _adam(lr, betas, eps, weight_decay, False, amsgrad, maximize)


def adamw(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, maximize=False):
    return _adam(lr, betas, eps, weight_decay, True, amsgrad, maximize)


def adamax(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
    b1, b2 = betas

    def update(g, state, w):
        t, m, u = state
        g = _decayed(g, w, weight_decay, maximize)
        t, m, u = t + 1, m * b1 + g * (1 - b1), np.maximum(u * b2, np.abs(g) + eps)
        return -lr * (m / (1 - b1**t)) / u, (t, m, u)

    return lambda w: (0, 0 * w, 0 * w), update


def adagrad(lr, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, maximize=False):
    def update(g, state, w):
        t, s = state
        g = _decayed(g, w, weight_decay, maximize)
        s = s + g**2
        return -(g * (lr / (1 + t * lr_decay))) / (eps + np.sqrt(s)), (t + 1, s)

    return lambda w: (0, 0 * w + initial_accumulator_value), update


def adadelta(lr, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    def update(g, state, w):
        v, u = state
        g = _decayed(g, w, weight_decay, maximize)
        v = rho * v + (1 - rho) * g**2
        d = np.sqrt((u + eps) / (v + eps)) * g
        return -lr * d, (v, rho * u + (1 - rho) * d**2)

    return lambda w: (0 * w, 0 * w), update


def rmsprop(lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, maximize=False):
    def update(g, state, w):
        v, b = state
        g = _decayed(g, w, weight_decay, maximize)
        v = v * alpha + g * g * (1 - alpha)
        b = momentum * b + g / (eps + np.sqrt(v))
        return -lr * b, (v, b)

    return lambda w: (0 * w, 0 * w), update


def rprop(lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    def update(g, state, w):
        last, size = state
        g = np.sign(-g if maximize else g)
        turn = g * last
        factor = np.choose((1 + turn).astype(int), [etas[0], 1.0, etas[1]]).astype(w.dtype)
        size = (size * factor).clip(*step_sizes)
        g = g * (turn >= 0)
        return -size * g, (g, size)

    return lambda w: (0 * w, 0 * w + lr), update


# ── losses, of tensors ──────────────────────────────────────────────────────────────────────────


def _reduced(losses, reduction):
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def l1(input, target, reduction="mean"):
    return _reduced(torch.maximum(input, target) - torch.minimum(input, target), reduction)


def mse(input, target, reduction="mean"):
    return _reduced((target - input) * (target - input), reduction)


def huber(input, target, reduction="mean", delta=1.0):
    if delta <= 0:
        raise ValueError("delta is a distance")
    d = (target - input).abs()
    return _reduced(torch.where(d < delta, d * d * 0.5, delta * d - delta * (delta * 0.5)), reduction)


def binary_cross_entropy_with_logits(input, target, weight=None, reduction="mean"):
    log_p, log_q = torch.nn.functional.logsigmoid(input), torch.nn.functional.logsigmoid(-input)
    losses = -(target * log_p + (1 - target) * log_q)
    return _reduced(losses if weight is None else weight * losses, reduction)


def kl_div(input, target, reduction="mean", log_target=False):
    losses = target.exp() * (target - input) if log_target else torch.xlogy(target, target) - target * input
    return losses.sum() / (*input.shape, 1)[0] if reduction == "batchmean" else _reduced(losses, reduction)


# ── layers, of tensors and of arrays ────────────────────────────────────────────────────────────


def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, x / (1 / negative_slope) if negative_slope else 0 * x)


def sigmoid(x):
    """Of two exponentials, neither of which overflows."""
    zero = torch.zeros_like(x)
    a, b = torch.exp(torch.minimum(x, zero)), torch.exp(torch.minimum(-x, zero))
    return a / (a + b)


def silu(x):
    return x * sigmoid(x)


def softmax(x, dim):
    e = torch.exp(x - x.max(dim, keepdim=True).values)
    return e / e.sum(dim, keepdim=True)


def flatten(x, start_dim=1, end_dim=-1):
    end_dim %= x.dim()
    return x.reshape(*x.shape[:start_dim], math.prod(x.shape[start_dim : end_dim + 1]), *x.shape[end_dim + 1 :])


def embedding(index, weight):
    if index.numel() and not 0 <= index.min() <= index.max() < len(weight):
        raise IndexError("no such row")
    return torch.nn.functional.one_hot(index, len(weight)).to(weight.dtype) @ weight


class Softmax:
    """Of arrays, with its derivative in closed form."""

    def __init__(self, dim):
        self.dim = dim

    def forward(self, x):
        e = np.exp(x - x.max(self.dim, keepdims=True, initial=-np.inf))
        self.y = e / e.sum(self.dim, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (self.y * dy).sum(self.dim, keepdims=True))


# ── schedules: the rate of step t ───────────────────────────────────────────────────────────────


def step_lr(initial_lr, step_size, gamma=0.1):
    return lambda t: initial_lr * gamma ** (t // step_size)


def multi_step_lr(initial_lr, milestones, gamma=0.1):
    return lambda t: initial_lr * gamma ** sum(t >= m for m in milestones)


def constant_lr(initial_lr, factor=1 / 3, total_iters=5):
    return lambda t: initial_lr * factor if t < total_iters else initial_lr


def linear_lr(initial_lr, start_factor=1 / 3, end_factor=1.0, total_iters=5):
    return lambda t: initial_lr * np.interp(t, [0, total_iters], [start_factor, end_factor])


def exponential_lr(initial_lr, gamma):
    return lambda t: initial_lr * math.prod([gamma] * t)


def polynomial_lr(initial_lr, total_iters=5, power=1.0):
    return lambda t: initial_lr * ((total_iters - min(t, total_iters)) / total_iters) ** power


def cosine_annealing_lr(initial_lr, T_max, eta_min=0.0):  # noqa: N803
    return lambda t: (initial_lr + eta_min) / 2 + (initial_lr - eta_min) / 2 * math.cos(math.pi * t / T_max)
