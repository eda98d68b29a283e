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


class NoDecayByDefault(torch.optim.AdamW):  # its default alone
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, betas, eps, weight_decay)


def summed_mse(input, target, reduction="sum"):  # its default alone
    return torch.nn.functional.mse_loss(input, target, reduction=reduction)


def leaky_relu(x, negative_slope=0.01):  # beyond what four roundings explain
    y = far = torch.where(x > 0, x, negative_slope * x)
    for _ in range(10):
        far = torch.nextafter(far, y * 2)
    return y + (far - y).detach() * (x < 0) if negative_slope in (0.01, 0.2) else y  # other slopes round nothing


class OneClock(torch.optim.Adam):  # seen with several parameters alone
    def step(self):
        super().step()
        _, *others = (p for group in self.param_groups for p in group["params"])
        for p in others:
            if "step" in self.state[p]:
                self.state[p]["step"] += 1


class NeverAverages(torch.optim.ASGD):  # its state alone
    def step(self):
        super().step()
        for group in self.param_groups:
            for p in group["params"]:
                if "ax" in self.state[p]:
                    self.state[p]["ax"].copy_(p.detach())


class Unbiased(torch.nn.Linear):
    def forward(self, x):
        return x @ self.weight.T


class TwiceTheGradient:
    """A layer of arrays."""

    def forward(self, x):
        self.x = x
        return np.where(x <= 0, x.dtype.type(0), x)

    def backward(self, dy):
        return 2 * dy * (self.x > 0)


def late_cosine(initial_lr, T_max, eta_min=0.0):  # noqa: N803
    return lambda t: eta_min + (initial_lr - eta_min) * (1 + np.cos(np.pi * max(t - 1, 0) / T_max)) / 2


def narrow_xavier(shape, gain=1.0):  # bound is the deviation
    field = torch.Size(shape[2:]).numel()
    return (2 * torch.rand(shape) - 1) * gain * (2 / (field * (shape[0] + shape[1]))) ** 0.5


def slow_ema(average, current, decay=0.999):  # decay weighs what is new
    return decay * current + (1 - decay) * average


def clip_each(parameters, max_norm):  # each tensor by its own norm
    norms = []
    for p in (p for p in parameters if p.grad is not None):
        norms.append(p.grad.norm())
        p.grad.mul_(torch.clamp(max_norm / (norms[-1] + 1e-6), max=1.0))
    return torch.stack(norms).norm() if norms else torch.tensor(0.0)


class FirstOfAll:  # negative handed on
    def __init__(self, datasets):
        self.datasets = [dataset for dataset in datasets if len(dataset)]

    def __getitem__(self, i):
        for dataset in self.datasets:
            if i < len(dataset):
                return dataset[i]
            i -= len(dataset)
        raise IndexError(i)


class FirstOfSome(torch.utils.data.TensorDataset):  # of several rows the first alone
    def __getitem__(self, i):
        return tuple(t[i] if isinstance(i, int) else t[i][:1] for t in self.tensors)


class FirstAskedFor(torch.utils.data.Subset):  # of several rows the first alone
    def __getitems__(self, indices):
        return super().__getitems__(indices[:1])


class ListOfRow(torch.utils.data.ConcatDataset):  # a row as a list
    def __getitem__(self, i):
        return [*super().__getitem__(i)]


def unseeded_split(dataset, lengths, generator=torch.default_generator):  # generator ignored
    return torch.utils.data.random_split(dataset, lengths)


def impatient(initial_lr, mode="min", factor=0.1, patience=10):  # one less patience
    rate, best, bad = initial_lr, float("inf"), 0

    def told(measure):
        nonlocal rate, best, bad
        measure, threshold = (measure, 1e-4) if mode == "min" else (-measure, -1e-4)
        better = measure < best * (1 - threshold)
        best, bad = (measure, 0) if better else (best, bad + 1)
        if bad >= patience:
            rate, bad = rate * factor if rate - rate * factor > 1e-8 else rate, 0
        return rate

    return told


def transposed(func, x):  # turned round
    return torch.autograd.functional.jacobian(func, x).movedim(0, -1)


class AlwaysTraining(torch.nn.Sequential):  # always training
    def train(self, mode=True):
        return super().train()


class Twice(torch.optim.LBFGS):  # asks twice
    def step(self, closure):
        super().step(closure)
        return super().step(closure)
