"""equinox's layers, each made and then given the parameters; they take one row, so they are mapped over the others."""

import equinox as eqx
import jax
import numpy as np

from tests.subjects.peers.of_jax import passing


def _given(layer, **parameters):
    names = [name for name, value in parameters.items() if value is not None]
    return eqx.tree_at(lambda made: [getattr(made, name) for name in names], layer, [parameters[n] for n in names])


def _over_rows(layer, x, dims):
    """The layer on each of the last `dims` dimensions."""
    rows = x.reshape(-1, *x.shape[x.ndim - dims :])
    y = jax.vmap(layer)(rows)
    return y.reshape(*x.shape[: x.ndim - dims], *y.shape[1:])


@passing
def linear(x, weight, bias=None):
    layer = eqx.nn.Linear(1, 1, use_bias=bias is not None, dtype=x.dtype, key=jax.random.PRNGKey(0))
    return _over_rows(_given(layer, weight=weight, bias=bias), x, 1)


@passing
def layer_norm(x, weight=None, bias=None, *, normalized_shape, eps=1e-5):
    shape = tuple(np.atleast_1d(normalized_shape))
    layer = eqx.nn.LayerNorm(shape, eps, weight is not None, bias is not None, dtype=x.dtype)
    return _over_rows(_given(layer, weight=weight, bias=bias), x, len(shape))


@passing
def embedding(x, weight):
    layer = eqx.nn.Embedding(weight=weight)
    return jax.vmap(layer)(x.reshape(-1)).reshape(*x.shape, weight.shape[1])
