"""Keras on torch's backend; epsilon and the like are mapped to torch's names and nothing else."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch

from tests.subjects.peers.stepping import stepping_by

# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def _begin(make, p):
    keras.config.set_floatx(str(p.dtype).removeprefix("torch."))
    variable, optimizer = keras.Variable(p.detach().clone()), make()
    optimizer.build([variable])
    return optimizer, variable


def _step(own, g, lr):
    optimizer, variable = own
    optimizer.learning_rate = lr
    optimizer.apply([g.clone()], [variable])
    return variable.value.data


_stepping = stepping_by(_begin, _step)


@_stepping
def sgd():
    return keras.optimizers.SGD()


@_stepping
def sgd_momentum(momentum=0.0, nesterov=False):
    return keras.optimizers.SGD(momentum=momentum, nesterov=nesterov)


@_stepping
def adam(betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    return keras.optimizers.Adam(0.1, *betas, eps, amsgrad)


@_stepping
def adamw(betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False):
    return keras.optimizers.AdamW(0.1, weight_decay, *betas, eps, amsgrad)


@_stepping
def rmsprop(alpha=0.99, eps=1e-8, centered=False):
    return keras.optimizers.RMSprop(0.1, alpha, 0.0, eps, centered)


@_stepping
def adagrad(eps=1e-10, initial_accumulator_value=0.0):
    return keras.optimizers.Adagrad(0.1, initial_accumulator_value, eps)


@_stepping
def adadelta(rho=0.9, eps=1e-6):
    return keras.optimizers.Adadelta(0.1, rho, eps)


@_stepping
def adadelta_decay(rho=0.9, eps=1e-6, weight_decay=0.0):
    return keras.optimizers.Adadelta(0.1, rho, eps, weight_decay)


@_stepping
def adamax(betas=(0.9, 0.999), eps=1e-8):
    return keras.optimizers.Adamax(0.1, *betas, eps)


@_stepping
def nadam(betas=(0.9, 0.999), eps=1e-8):
    return keras.optimizers.Nadam(0.1, *betas, eps)


@_stepping
def adafactor():
    return keras.optimizers.Adafactor(0.1)


@_stepping
def muon(weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5):
    options = {"momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps}
    return keras.optimizers.Muon(0.1, weight_decay=weight_decay, **options)


# ── losses ──────────────────────────────────────────────────────────────────────────────────────


def _measured(loss, input, target, **options):
    """A loss of torch's arguments, in their format, averaged as Keras averages."""
    return getattr(keras.losses, loss)(**options, dtype=str(input.dtype).removeprefix("torch."))(target, input)


def mse(input, target):
    return _measured("MeanSquaredError", input, target)


def mse_sum(input, target, reduction="mean"):
    return _measured("MeanSquaredError", input, target, reduction={"none": None}.get(reduction, reduction))


def mae(input, target):
    return _measured("MeanAbsoluteError", input, target)


def huber(input, target, delta=1.0):
    return _measured("Huber", input, target, delta=delta)


def binary_crossentropy(input, target):
    return _measured("BinaryCrossentropy", input, target)


def binary_crossentropy_from_logits(input, target):
    return _measured("BinaryCrossentropy", input, target, from_logits=True)


def crossentropy(input, target, label_smoothing=0.0):
    """By the kind of the target, as torch's; the rows of classes come last here."""
    axis = min(1, input.dim() - 1)
    if target.is_floating_point():
        options = {"axis": axis, "label_smoothing": label_smoothing, "from_logits": True}
        return _measured("CategoricalCrossentropy", input, target, **options)
    return _measured("SparseCategoricalCrossentropy", input, target, axis=axis, from_logits=True)


def kl_divergence(input, target):
    """Of probabilities, where torch takes their logarithms."""
    return _measured("KLDivergence", torch.exp(input), target)
