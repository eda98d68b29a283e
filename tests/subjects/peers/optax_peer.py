"""optax: a transformation of gradients, its rate applied last; options are mapped to torch's names and nothing else."""

import functools

import jax
import jax.numpy as jnp
import optax

from tests.subjects.peers.of_jax import passing, reduced, stepping

# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def _decayed(weight_decay, transformation):
    """Torch's coupled decay is a transformation of its own here."""
    return stepping(optax.chain(optax.add_decayed_weights(weight_decay), transformation))


def sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    return _decayed(weight_decay, optax.sgd(lr, momentum or None, nesterov))


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return _decayed(weight_decay, optax.adam(lr, *betas, eps))


def amsgrad(lr, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    return stepping((optax.amsgrad if amsgrad else optax.adam)(lr, *betas, eps))


def adamw(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
    return stepping(optax.adamw(lr, *betas, eps, weight_decay=weight_decay))


def rmsprop(lr, alpha=0.99, eps=1e-8, centered=False):
    return stepping(optax.rmsprop(lr, alpha, eps, centered=centered))


def rmsprop_outside(lr, alpha=0.99, eps=1e-8, weight_decay=0.0, centered=False):
    """With the option that is documented to be torch's."""
    return _decayed(weight_decay, optax.rmsprop(lr, alpha, eps, eps_in_sqrt=False, centered=centered))


def rmsprop_momentum(lr, alpha=0.99, eps=1e-8, momentum=0.0):
    return stepping(optax.rmsprop(lr, alpha, eps, eps_in_sqrt=False, momentum=momentum or None))


def adagrad(lr, eps=1e-10, initial_accumulator_value=0.0):
    return stepping(optax.adagrad(lr, initial_accumulator_value, eps))


def adadelta(lr, rho=0.9, eps=1e-6, weight_decay=0.0):
    return stepping(optax.adadelta(lr, rho, eps, weight_decay))


def adamax(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return _decayed(weight_decay, optax.adamax(lr, *betas, eps))


def nadam(lr, betas=(0.9, 0.999), eps=1e-8):
    return stepping(optax.nadam(lr, *betas, eps))


def radam(lr, betas=(0.9, 0.999), eps=1e-8):
    return stepping(optax.radam(lr, *betas, eps))


def rprop(lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    return stepping(optax.rprop(lr, *etas, *step_sizes))


def muon(lr, weight_decay=0.1, momentum=0.95, nesterov=True, eps=1e-7, ns_steps=5):
    """Of a matrix as torch lays it out, outputs by inputs."""
    outputs_by_inputs = optax.contrib.MuonDimensionNumbers(reduction_axis=1, output_axis=0)
    transformation = optax.contrib.muon(
        lr,
        ns_steps=ns_steps,
        beta=momentum,
        eps=eps,
        weight_decay=weight_decay,
        nesterov=nesterov,
        muon_weight_dimension_numbers=outputs_by_inputs,
    )
    return stepping(transformation, laid_out=jnp.asarray)


def adafactor(lr):
    return stepping(optax.adafactor(lr), jnp.asarray)  # it looks at a whole matrix


# ── losses ──────────────────────────────────────────────────────────────────────────────────────


@passing
def squared_error(input, target, *, reduction="mean"):
    return reduced(optax.losses.squared_error(input, target), reduction)


@passing
def l2_loss(input, target, *, reduction="mean"):
    return reduced(optax.losses.l2_loss(input, target), reduction)


@passing
def huber_loss(input, target, *, reduction="mean", delta=1.0):
    return reduced(optax.losses.huber_loss(input, target, delta=delta), reduction)


@passing
def sigmoid_binary_cross_entropy(input, target, *, reduction="mean"):
    return reduced(optax.losses.sigmoid_binary_cross_entropy(input, target), reduction)


@passing
def softmax_cross_entropy(input, target, *, ignore_index=-100, reduction="mean"):
    """By the kind of the target, as torch's; optax leaves it to the caller to mask and to average."""
    axis, of = min(1, input.ndim - 1), optax.losses
    if jnp.issubdtype(target.dtype, jnp.integer):
        kept = target != ignore_index
        losses = of.softmax_cross_entropy_with_integer_labels(input, jnp.where(kept, target, 0), axis=axis)
        losses, rows = jnp.where(kept, losses, 0), kept.sum()
    else:
        losses = of.softmax_cross_entropy(input, target, axis=axis)
        rows = max(losses.size, 1)
    return losses.sum() / rows if reduction == "mean" else reduced(losses, reduction)


@passing
def kl_divergence(input, target, *, log_target=False):
    """optax sums over the last axis; the mean is torch's, over all elements."""
    loss = optax.losses.kl_divergence_with_log_targets if log_target else optax.losses.kl_divergence
    return loss(*map(jnp.atleast_1d, (input, target))).sum() / input.size


# ── schedules ───────────────────────────────────────────────────────────────────────────────────


def _in_float64(make):
    """A schedule whose rates are float64: by default they are as exact as a float32."""

    @functools.wraps(make)
    def made(*args, **options):
        def rate(t):
            with jax.enable_x64(True):
                return schedule(t)

        schedule = make(*args, **options)
        return rate

    return made


@_in_float64
def constant_schedule(initial_lr, factor=1 / 3, total_iters=5):
    return optax.piecewise_constant_schedule(initial_lr * factor, {total_iters: 1 / factor})


@_in_float64
def exponential_decay(initial_lr, gamma):
    return optax.exponential_decay(initial_lr, 1, gamma)


@_in_float64
def exponential_staircase(initial_lr, step_size, gamma=0.1):
    return optax.exponential_decay(initial_lr, step_size, gamma, staircase=True)


@_in_float64
def piecewise_constant_schedule(initial_lr, milestones, gamma=0.1):
    boundaries = {m: gamma ** milestones.count(m) for m in milestones}
    return optax.piecewise_constant_schedule(initial_lr, boundaries)


@_in_float64
def linear_schedule(initial_lr, start_factor=1 / 3, end_factor=1.0, total_iters=5):
    return optax.linear_schedule(initial_lr * start_factor, initial_lr * end_factor, total_iters)


@_in_float64
def polynomial_schedule(initial_lr, total_iters=5, power=1.0):
    return optax.polynomial_schedule(initial_lr, 0.0, power, total_iters)


@_in_float64
def cosine_decay_schedule(initial_lr, T_max, eta_min=0.0):  # noqa: N803
    return optax.cosine_decay_schedule(initial_lr, T_max, eta_min / initial_lr)


@_in_float64
def sgdr_schedule(initial_lr, T_0, T_mult=1, eta_min=0.0):  # noqa: N803
    cycle = lambda length: dict(
        init_value=initial_lr, peak_value=initial_lr, warmup_steps=0, decay_steps=length, end_value=eta_min
    )
    return optax.sgdr_schedule([cycle(T_0 * T_mult**i) for i in range(30)])
