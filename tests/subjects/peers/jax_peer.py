"""jax.nn's functions, as equinox and flax use them; derivatives by jax.vjp."""

import jax
import jax.numpy as jnp

from tests.subjects.peers.of_jax import passing, reduced

relu, sigmoid, tanh, silu = (passing(f) for f in (jax.nn.relu, jax.nn.sigmoid, jnp.tanh, jax.nn.silu))


@passing
def leaky_relu(x, *, negative_slope=0.01):
    return jax.nn.leaky_relu(x, negative_slope)


@passing
def gelu(x, *, approximate="none"):
    return jax.nn.gelu(x, approximate=approximate == "tanh")


@passing
def gelu_default(x):
    return jax.nn.gelu(x)


@passing
def softplus(x):
    return jax.nn.softplus(x)


@passing
def softmax(x, *, dim=None):
    return jax.nn.softmax(x, dim)


@passing
def log_softmax(x, *, dim=None):
    return jax.nn.log_softmax(x, dim)


@passing
def absolute_error(input, target, *, reduction="mean"):
    """No loss of jax.nn: its derivative of the absolute value."""
    return reduced(jnp.abs(input - target), reduction)
