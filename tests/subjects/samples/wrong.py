"""What strangers have written, and is not torch's; beside each, what it should be told."""

import numpy as np
import torch


class _Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.params, self.lr, self.betas, self.eps, self.decay = params, lr, betas, eps, weight_decay
        self.t, self.m, self.v = [[0] * len(params) for _ in range(3)]

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            if p.grad is not None:
                g = self.gradient(p)
                self.t[i] += 1
                self.m[i] = b1 * self.m[i] + (1 - b1) * g
                self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
                p -= self.change(p, self.m[i], self.v[i], 1 - b1 ** self.t[i], 1 - b2 ** self.t[i])

    def gradient(self, p):
        return p.grad + self.decay * p

    def change(self, p, m, v, c1, c2):
        return self.lr * (m / c1) / ((v / c2).sqrt() + self.eps)


class EpsilonHat(_Adam):  # epsilon hat
    def change(self, p, m, v, c1, c2):
        return self.lr * (c2**0.5 / c1) * m / (v.sqrt() + self.eps)


class NoCorrection(_Adam):  # no first correction
    def change(self, p, m, v, c1, c2):
        return self.lr * m / ((v / c2).sqrt() + self.eps)


class EpsilonInTheRoot(_Adam):  # eps inside the root
    def change(self, p, m, v, c1, c2):
        return self.lr * (m / c1) / (v / c2 + self.eps).sqrt()


class NoDecay(_Adam):  # no decay
    def gradient(self, p):
        return p.grad


def decoupled_sgd(lr, momentum=0.0, weight_decay=0.0):  # decay decoupled
    def update(g, b, w):
        b = momentum * b + g
        return -lr * (b + weight_decay * w), b

    return np.zeros_like, update


def averaging_sgd(lr, momentum=0.0):  # average instead of sum
    def update(g, b, w):
        b = g if b is None else momentum * b + (1 - momentum) * g
        return -lr * b, b

    return lambda w: None, update


def half_mse(input, target):  # half
    return ((input - target) ** 2).mean() / 2


def mse_of_rows(input, target):  # mean over rows
    d = np.subtract(input, target)
    n = d.shape[0] if d.ndim else 1
    return (d * d).sum() / d.dtype.type(n), 2 * d / d.dtype.type(n)


def last_dropped(dataset, batch_size=1, shuffle=False, drop_last=False, generator=None):
    return torch.utils.data.DataLoader(dataset, batch_size, shuffle, drop_last=True, generator=generator)


def repeated(sampler, batch_size, drop_last):
    yield from (batch[:1] * len(batch) for batch in torch.utils.data.BatchSampler(sampler, batch_size, drop_last))


class Early(torch.optim.lr_scheduler.StepLR):
    def get_lr(self):
        self.last_epoch += 1
        try:
            return super().get_lr()
        finally:
            self.last_epoch -= 1
