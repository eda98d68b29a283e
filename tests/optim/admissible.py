"""Other admissible forms of the optimizers: torch takes means by lerp, and means of squares by addcmul."""

import numpy as np

from impls.optim import adadelta, adafactor, adam, adamax, nadam, radam, rmsprop
from tests.engine.bounded import lerp
from tests.families import admissible, rebound


def _decayed(w, g, lr, weight_decay, decoupled=False):
    if weight_decay and decoupled:
        return (1 - lr * weight_decay) * w, g
    return w, (g + weight_decay * w if weight_decay else g)


@admissible("optim.adam")
def adam_by_kernels(
    w,
    g,
    state=adam.State(),
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
    maximize=False,
    decoupled_weight_decay=False,
):
    """torch's Adam has a kernel for each of its two means."""
    beta1, beta2 = betas
    t = state.step + 1
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay, decoupled_weight_decay)
    m, v = lerp(state.exp_avg, g, 1 - beta1), beta2 * state.exp_avg_sq + (1 - beta2) * g * g
    s = None
    if amsgrad:
        s = v if state.max_exp_avg_sq is None else np.maximum(state.max_exp_avg_sq, v)
    denominator = np.sqrt(v if s is None else s) / (1 - beta2**t) ** 0.5 + eps
    return w - lr / (1 - beta1**t) * m / denominator, adam.State(t, m, v, s)


@admissible("optim.adamw")
def adamw_by_kernels(
    w, g, state=adam.State(), *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, maximize=False
):
    """torch's AdamW is its Adam, decayed beforehand."""
    w = (1 - lr * weight_decay) * w
    return adam_by_kernels(w, g, state, lr=lr, betas=betas, eps=eps, amsgrad=amsgrad, maximize=maximize)


@admissible("optim.nadam")
def nadam_by_kernels(
    w,
    g,
    state=nadam.State(),
    *,
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    """torch's NAdam has a kernel for each of its two means."""
    beta1, beta2 = betas
    t = state.step + 1
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay, decoupled_weight_decay)
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * momentum_decay)) for k in (t, t + 1))
    product = state.mu_product * type(state.mu_product)(mu)
    m, v = lerp(state.exp_avg, g, 1 - beta1), beta2 * state.exp_avg_sq + (1 - beta2) * g * g
    d = np.sqrt(v / (1 - beta2**t)) + eps
    ahead = lr * (1 - mu) / (1 - float(product)) * g / d
    return w - ahead - lr * mu_next / (1 - float(product) * mu_next) * m / d, nadam.State(t, product, m, v)


@admissible("optim.radam")
def radam_by_kernels(
    w,
    g,
    state=radam.State(),
    *,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    decoupled_weight_decay=False,
    maximize=False,
):
    """torch's RAdam has a kernel for each of its two means."""
    beta1, beta2 = betas
    t = state.step + 1
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay, decoupled_weight_decay)
    m, v = lerp(state.exp_avg, g, 1 - beta1), beta2 * state.exp_avg_sq + (1 - beta2) * g * g
    step, r = m / (1 - beta1**t) * lr, radam.rectification(beta2, t)
    if r is not None:
        step = step * ((1 - beta2**t) ** 0.5 / (np.sqrt(v) + eps)) * r
    return w - step, radam.State(t, m, v)


@admissible("optim.adamax")
def adamax_by_lerp(
    w, g, state=adamax.State(), *, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False
):
    """torch's Adamax takes its mean by lerp."""
    t = state.step + 1
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay)
    m, u = lerp(state.exp_avg, g, 1 - betas[0]), np.maximum(betas[1] * state.exp_inf, abs(g) + eps)
    return w - lr / (1 - betas[0] ** t) * m / u, adamax.State(t, m, u)


@admissible("optim.adadelta")
def adadelta_by_addcmul(w, g, state=adadelta.State(), *, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    """torch's Adadelta takes both of its means of squares by addcmul."""
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay)
    v = rho * state.square_avg + (1 - rho) * g * g
    u = 0 * g if state.acc_delta is None else state.acc_delta
    d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    return w - lr * d, adadelta.State(state.step + 1, v, rho * u + (1 - rho) * d * d)


@admissible("optim.rmsprop")
def rmsprop_by_kernels(
    w,
    g,
    state=rmsprop.State(),
    *,
    lr=1e-2,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0.0,
    momentum=0.0,
    centered=False,
    maximize=False,
):
    """torch's RMSprop has a kernel for each of its two means."""
    w, g = _decayed(w, -g if maximize else g, lr, weight_decay)
    a, b = (0.0 if x is None else x for x in (state.grad_avg, state.momentum_buffer))
    v = alpha * state.square_avg + (1 - alpha) * g * g
    a = lerp(a, g, 1 - alpha) if centered else None
    step = g / (np.sqrt(v if a is None else v - a * a) + eps)
    b = momentum * b + step if momentum else None
    return w - lr * (b if momentum else step), rmsprop.State(state.step + 1, v, b, a)


def _mean_by_norm(old, g, k, axis=None):
    """The mean square of a row as a norm squared, averaged by lerp."""
    new = g * g
    if axis is not None:
        norm = np.sqrt(new.sum(axis, keepdims=True))
        new = norm * norm / g.shape[axis]
    return lerp(0.0 if old is None else old, new, k)


# torch's Adafactor takes a mean square as a norm squared, and averages it by lerp
admissible("optim.adafactor")(rebound(adafactor.adafactor_manual, _averaged=_mean_by_norm))
