"""JAX's functions as the doors take them; float64 is switched on for arrays that have it, and for no others."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.subjects.peers.passing import passing_by

ROW = 64


def precision(*arrays):
    """The mode in which JAX computes in the format that it is given; its default turns every float64 to a float32."""
    return jax.enable_x64(any(a.dtype == np.float64 for a in arrays))


def in_rows(a):
    """The elements in rows of one length: JAX compiles an operation for every shape that it sees."""
    return jnp.asarray(np.append(a, np.zeros(-a.size % ROW, a.dtype)).reshape(-1, ROW))


def stepping(transformation, laid_out=in_rows):
    """(init, update) of optax, each called in the precision of the parameter."""

    def init(w):
        with precision(w):
            return transformation.init(laid_out(w))

    def update(g, state, w):
        with precision(w):
            change, state = transformation.update(laid_out(g), state, laid_out(w))
        return np.asarray(change).ravel()[: w.size].reshape(w.shape), state

    return init, update


@passing_by
def passing(call, inputs):
    with precision(*inputs):
        given = [jnp.asarray(a.astype(np.int32) if a.dtype.kind == "i" else a) for a in inputs]
        y, pull = jax.vjp(call, *given)

    def back(dy):
        with precision(*inputs):
            return tuple(map(np.asarray, pull(jnp.asarray(dy))))

    return np.asarray(y), back


def reduced(losses, reduction):
    return {"none": lambda losses: losses, "mean": jnp.mean, "sum": jnp.sum}[reduction](losses)
