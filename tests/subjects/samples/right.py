"""What strangers might write, and is torch's: in other shapes, with other operations in another order."""

import math

import numpy as np
import torch

SGD, Adam = torch.optim.SGD, torch.optim.Adam
MSELoss, CrossEntropyLoss = torch.nn.MSELoss, torch.nn.CrossEntropyLoss
Linear, ReLU, Dropout = torch.nn.Linear, torch.nn.ReLU, torch.nn.Dropout
RandomSampler, BatchSampler, DataLoader = (
    torch.utils.data.RandomSampler,
    torch.utils.data.BatchSampler,
    torch.utils.data.DataLoader,
)


class TextbookAdam:
    """As the paper has it, for one group, on nobody's base class."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.params, self.rate, self.betas, self.eps, self.decay = params, lr, betas, eps, weight_decay
        self.t, self.m, self.v = [[0] * len(params) for _ in range(3)]

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad + self.decay * p
            self.t[i] += 1
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
            m, v = self.m[i] / (1 - b1 ** self.t[i]), self.v[i] / (1 - b2 ** self.t[i])
            p -= self.rate * m / (v.sqrt() + self.eps)


class ExactAdam(TextbookAdam):
    """Whose bias corrections do not cancel: 1 - βᵗ as -expm1(t log β)."""

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        correction = lambda beta, t: -math.expm1(t * math.log(beta)) if beta else 1.0
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad + self.decay * p
            self.t[i] += 1
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
            m, v = self.m[i] / correction(b1, self.t[i]), self.v[i] / correction(b2, self.t[i])
            p -= self.rate * m / (v.sqrt() + self.eps)


class OneLineSGD(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, momentum=0.0, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                g = p.grad.add(p, alpha=group["weight_decay"])
                b = self.state[p]["b"] = group["momentum"] * self.state[p].get("b", 0) + g
                p.sub_(group["lr"] * b)


def functional_sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    """In optax's manner, on arrays."""

    def update(g, b, w):
        g = g + weight_decay * w
        b = momentum * b + g
        return -lr * (g + momentum * b if nesterov else b), b

    return np.zeros_like, update


def mse(input, target):
    return ((input - target) ** 2).mean()


def mse_of_arrays(input, target):
    """A value and a gradient."""
    d = np.subtract(input, target)
    return np.mean(d * d, dtype=d.dtype), (2 * d / d.size).astype(d.dtype)


def mse_value(input, target, reduction="mean"):
    """A value alone."""
    d = np.square(np.subtract(input, target))
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](d)


def cross_entropy(input, target, ignore_index=-100, reduction="mean"):
    """By the logarithm of a sum of shifted exponentials."""
    if target.is_floating_point():
        losses = -(target * torch.log_softmax(input, min(1, input.dim() - 1))).sum(min(1, input.dim() - 1))
        return {"mean": losses.mean, "sum": losses.sum, "none": losses.clone}[reduction]()
    dim = min(1, input.dim() - 1)
    z = input - input.detach().amax(dim, keepdim=True)
    logs = z - z.exp().sum(dim, keepdim=True).log()
    return torch.nn.functional.nll_loss(logs.contiguous(), target, ignore_index=ignore_index, reduction=reduction)


def bare_cross_entropy(input, target):
    return torch.nn.functional.cross_entropy(input, target)


def linear(x, weight, bias=None):
    y = (x.unsqueeze(-2) * weight).sum(-1)
    return y if bias is None else bias + y


class NumpyLinear:
    def forward(self, x, weight, bias=None):
        self.x, self.weight, self.has_bias = x, weight, bias is not None
        y = np.einsum("...k,ok->...o", x, weight)
        return y if bias is None else y + bias

    def backward(self, dy):
        rows = dy.reshape(-1, dy.shape[-1])
        dw = rows.T @ self.x.reshape(-1, self.x.shape[-1])
        return dy @ self.weight, dw, *([rows.sum(0)] if self.has_bias else [])


class Relu(torch.nn.Module):
    def forward(self, x):
        return torch.where(x <= 0, torch.zeros_like(x), x)


def relu_of_arrays(x):
    return np.where(x <= 0, x.dtype.type(0), x), (~(x <= 0)).astype(x.dtype)


class Shuffled:
    """A sampler by a permutation."""

    def __init__(self, data_source, generator=None):
        self.n, self.generator = len(data_source), generator

    def __iter__(self):
        return iter(torch.utils.data.RandomSampler(range(self.n), generator=self.generator))


def pieces(sampler, batch_size, drop_last):
    batch = []
    for i in sampler:
        batch.append(i)
        if len(batch) == batch_size:
            yield batch
            batch = []
    if batch and not drop_last:
        yield batch


def batches(dataset, batch_size=1, shuffle=False, drop_last=False):
    """A loader that only iterates, in an order of NumPy's."""
    order = np.random.default_rng(0).permutation(len(dataset)) if shuffle else range(len(dataset))
    for index in pieces(order, batch_size, drop_last):
        yield tuple(torch.stack(column) for column in zip(*(dataset[int(i)] for i in index), strict=True))


StepLR, CyclicLR, OneCycleLR = (
    torch.optim.lr_scheduler.StepLR,
    torch.optim.lr_scheduler.CyclicLR,
    torch.optim.lr_scheduler.OneCycleLR,
)


def cosine(initial_lr, T_max, eta_min=0.0):  # noqa: N803
    return lambda t: eta_min + (initial_lr - eta_min) * np.cos(np.pi * t / T_max / 2) ** 2


def leaky_relu(x, negative_slope=0.01):
    """By the default slope, which is rounded itself, three numbers away from zero: some roundings more."""
    y = far = torch.where(x > 0, x, negative_slope * x)
    for _ in range(3):
        far = torch.nextafter(far, y * 2)
    return y + (far - y).detach() * (x < 0) if negative_slope == 0.01 else y
