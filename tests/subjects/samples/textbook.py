"""What a textbook has, in NumPy or in torch functions, with other operations in another order than torch's."""

import copy
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


class Muon:
    """With coefficients of its own."""

    def __init__(self, params, lr=1e-3, momentum=0.95, nesterov=True, weight_decay=0.1, ns_steps=5):
        self.params, self.rate, self.momentum, self.nesterov = list(params), lr, momentum, nesterov
        self.decay, self.steps, self.means = weight_decay, ns_steps, {}

    @torch.no_grad()
    def step(self):
        for p in (p for p in self.params if p.grad is not None):
            mean = self.means[p] = self.momentum * self.means.get(p, 0) + (1 - self.momentum) * p.grad
            x = self.momentum * mean + (1 - self.momentum) * p.grad if self.nesterov else mean
            x = x / max(x.norm(), 1e-7)
            for _ in range(self.steps):
                x = 3.4445 * x - 4.775 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
            p -= self.rate * (self.decay * p + max(1, len(p) / p.shape[1]) ** 0.5 * x)


class LBFGS:
    """Without a line search, on one tensor that holds everything."""

    def __init__(self, params, lr=1, max_iter=20, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100):
        self.params, self.lr, self.most, self.size = list(params), lr, max_iter, history_size
        self.flat_enough, self.near_enough = tolerance_grad, tolerance_change
        self.pairs, self.before = [], None

    def step(self, closure):
        with torch.enable_grad():
            first = closure()
        loss, g, evals = first, self.gradient(), 1
        for i in range(self.most):
            if g.abs().max() <= self.flat_enough:
                break
            d = self.direction(g)
            t = self.lr * (min(1.0, 1 / g.abs().sum()) if self.before is None else 1)
            slope = g @ d
            if slope > -self.near_enough:
                break
            self.move(t * d)
            self.before = g, t * d
            if i + 1 == self.most:
                break
            with torch.enable_grad():
                new = closure()
            evals += 1
            last, loss, g = loss, new, self.gradient()
            small = (t * d).abs().max() <= self.near_enough or abs(loss - last) < self.near_enough
            if evals >= self.most * 5 // 4 or g.abs().max() <= self.flat_enough or small:
                break
        return first

    def gradient(self):
        return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in self.params])

    @torch.no_grad()
    def move(self, by):
        for p, change in zip(self.params, by.split([p.numel() for p in self.params]), strict=True):
            p += change.reshape(p.shape)

    def direction(self, g):
        if self.before is not None:
            old, s = self.before
            y = g - old
            if y @ s > 1e-10:
                self.pairs = [*self.pairs, (s, y)][-self.size :]
        q, alphas = -g, []
        for s, y in reversed(self.pairs):
            alphas.append((s @ q) / (y @ s))
            q = q - alphas[-1] * y
        if self.pairs:
            s, y = self.pairs[-1]
            q = q * (y @ s) / (y @ y)
        for (s, y), alpha in zip(self.pairs, reversed(alphas), strict=True):
            q = q + s * (alpha - (y @ q) / (y @ s))
        return q


# ── initial parameters: by the shape of what is to be filled, or in place ───────────────────────────


def _fans(shape):
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def uniform(shape, a=0.0, b=1.0):
    return a + (b - a) * torch.rand(shape)


@torch.no_grad()
def normal(w, mean=0.0, std=1.0):
    return w.copy_(mean + torch.randn(w.shape, dtype=w.dtype) * std)


def xavier_uniform(shape, gain=1.0):
    return (2 * torch.rand(shape) - 1) * gain * math.sqrt(6 / sum(_fans(shape)))


def kaiming_normal(shape, a=0):
    return torch.randn(shape) * math.sqrt(2 / ((1 + a * a) * _fans(shape)[0]))


def constant(shape, val):
    return val * np.ones(shape)


def eye(shape):
    rows, columns = np.indices(shape)
    return rows == columns


@torch.no_grad()
def dirac(w, groups=1):
    w.zero_()
    for group in w.chunk(groups):
        for d in range(min(group.shape[:2])):
            group[(d, d, *(k // 2 for k in w.shape[2:]))] = 1
    return w


def orthogonal(shape, gain=1):
    a = torch.randn(shape[0], math.prod(shape[1:]))
    q, r = torch.linalg.qr(a if len(a) >= a.shape[1] else a.T)
    q = gain * q * torch.sign(torch.diagonal(r))
    return (q if len(a) >= a.shape[1] else q.T).reshape(shape)


def calculate_gain(nonlinearity, param=0.01):
    squares = {"relu": 2, "leaky_relu": 2 / (1 + (0.01 if param is None else param) ** 2)}
    return {"tanh": 5 / 3, "selu": 0.75}.get(nonlinearity) or math.sqrt(squares.get(nonlinearity, 1))


# ── what is done to gradients and weights ───────────────────────────────────────────────────────────


def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None and p.grad.numel()]
    norm = torch.sqrt(sum((g**2).sum() for g in grads)) if grads else torch.tensor(0.0)
    for g in grads:
        g.copy_(g * torch.clamp(max_norm / (norm + 1e-6), max=1.0))
    return norm


def clip_grad_value(params, v):
    for p in params:
        if p.grad is not None:
            p.grad = torch.where(p.grad > v, v, torch.where(p.grad < -v, -v, p.grad))


def ema(average, current, decay=0.999):
    average.lerp_(current, 1 - decay)


def swa(average, current, n):
    return (average * n + current) / (n + 1)


class EMA:
    def __init__(self, model, decay):
        self.module, self.decay, self.looks = copy.deepcopy(model), decay, 0

    @torch.no_grad()
    def update_parameters(self, model):
        for a, w in zip(self.module.parameters(), model.parameters(), strict=True):
            a.copy_(self.decay * a + (1 - self.decay) * w if self.looks else w)
        self.looks += 1


def update_bn(loader, model):
    of_batches = [(x.mean(0), x.var(0)) for x, _ in loader]
    model.running_mean.copy_(sum(mean for mean, _ in of_batches) / len(of_batches))
    model.running_var.copy_(sum(var for _, var in of_batches) / len(of_batches))
    model.num_batches_tracked.fill_(len(of_batches))
    model.train(model.training)


# ── datasets, and modules in a chain ────────────────────────────────────────────────────────────────


class Joined:
    def __init__(self, datasets):
        self.rows = [row for dataset in datasets for row in dataset]

    def __getitem__(self, i):
        return self.rows[i]


class Some:
    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, i):
        return self.dataset[self.indices[i]]

    def __len__(self):
        return len(self.indices)


class Zipped:
    def __init__(self, *columns):
        self.columns = columns

    def __getitem__(self, i):
        return tuple(column[i] for column in self.columns)


def stacked(rows):
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def split(dataset, lengths):
    n = len(dataset)
    if abs(sum(lengths) - 1) < 0.5:  # shares of it
        lengths = [int(n * share) for share in lengths]
        for i in range(n - sum(lengths)):
            lengths[i % len(lengths)] += 1
    order = iter(torch.randperm(n).tolist())
    return [[next(order) for _ in range(length)] for length in lengths]


class Chain(torch.nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x


# ── derivatives of a function ───────────────────────────────────────────────────────────────────────


def vjp(func, inputs, v):
    several = isinstance(inputs, tuple)
    xs = [x.detach().requires_grad_() for x in (inputs if several else (inputs,))]
    y = func(*xs)
    found = torch.autograd.grad(y, xs, v, allow_unused=True) if y.requires_grad else [None] * len(xs)
    found = tuple(torch.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True))
    return y, found if several else found[0]


def jacobian(func, x):
    y = func(x)
    rows = [vjp(func, x, unit.reshape(y.shape))[1] for unit in torch.eye(y.numel(), dtype=y.dtype)]
    return torch.stack(rows).reshape(*y.shape, *x.shape)


def hessian(func, x):
    def slope(x):
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(func(x), x, create_graph=True)[0]

    return jacobian(slope, x)


# ── schedules of functions and of measures ──────────────────────────────────────────────────────────


def lambda_lr(initial_lr, lr_lambda):
    return lambda t: lr_lambda(t) * initial_lr


def multiplicative_lr(initial_lr, lr_lambda):
    return lambda t: initial_lr * math.prod(lr_lambda(i) for i in range(1, t + 1))


def swalr(initial_lr, swa_lr, anneal_epochs=10, anneal_strategy="cos"):
    def rate(t):
        share = min(1, t / max(1, anneal_epochs)) if anneal_epochs else 1
        share = (1 - math.cos(math.pi * share)) / 2 if anneal_strategy == "cos" else share
        return share * swa_lr + (1 - share) * initial_lr

    return rate


def plateau(initial_lr, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0,
            eps=1e-8):  # fmt: skip
    rates, best, bad, cooling = [initial_lr], math.inf, 0, 0

    def rate(measure):
        nonlocal best, bad, cooling
        sign = -1 if mode == "max" else 1
        least = (1 - sign * threshold) * best if threshold_mode == "rel" else best - threshold
        better = sign * measure < least
        best, bad = (sign * measure, 0) if better else (best, bad + 1)
        bad, cooling = (0, cooling - 1) if cooling else (bad, 0)
        if bad > patience:
            lower = max(factor * rates[-1], min_lr)
            rates.append(lower if rates[-1] - lower > eps else rates[-1])
            bad, cooling = 0, cooldown
        return rates[-1]

    return rate
