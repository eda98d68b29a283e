r"""Numbers put, or added, where arrays of indices point.

    y = x, but y[index] = v        ∂x = ∂y, 0 where the index points        ∂v = ∂y[index]
    y = x, and y[index] += v       ∂x = ∂y                                  ∂v = ∂y[index]

To read is the transpose of to add: the gradient of x[index] is zeros to which ∂y is added where the index points, twice
where it points twice (tests/planted: index_put_once).  Put, the last value stays, and yet the derivative of torch, and
so ours, is ∂y[index] for the others, too.

Shapes   v has the shape of x[index], or one that is broadcast to it.
Units    [v] = [x].
Raises   RuntimeError: a v that does not fit, or of another dtype; IndexError: an index outside, or of fractions.
Source   torch.index_put; tools/autograd/derivatives.yaml (PyTorch 2.13).
"""

import math

import numpy as np
import torch

from impls.autograd.node import record, summed_to
from impls.ladder import Absent, Ladder, Pair

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def index_put_forward(x, indices, values, accumulate=False):
    y = x + put(np.broadcast_to(values, x[indices].shape), x.shape, indices) if accumulate else x.copy()
    if not accumulate:
        y[indices] = values
    return y, (x.shape, indices, np.shape(values), accumulate)


def index_put_backward(dy, saved, needs_input_grad):
    shape, indices, of_values, accumulate = saved
    needs_x, needs_values = needs_input_grad
    dx = dy if accumulate else np.where(pointed_at(shape, indices), 0.0, dy)
    return dx if needs_x else None, summed_to(dy[indices], of_values) if needs_values else None


def pointed_at(shape, key):
    places = np.zeros(shape, bool)
    places[key] = True
    return places


def put(g, shape, key):
    """Zeros, with g added where the key points; where it points twice, two elements are added."""
    if isinstance(g, np.ndarray | np.generic):
        whole = np.zeros(shape, g.dtype)
        np.add.at(whole, key, g)
        return whole
    if 0 in g.shape:
        return np.broadcast_to(g.sum(), shape)
    sources = _sources(shape, key)
    return np.where(sources >= 0, g.reshape(-1)[sources], 0.0).sum(-1)


def _sources(shape, key):
    """For each place, the numbers of the elements that are added there, filled up with -1: what is written by adding,
    read by indexing."""
    places = np.arange(math.prod(shape)).reshape(shape)[key].reshape(-1)
    order = np.argsort(places, kind="stable")
    places = places[order]
    turn = np.arange(places.size) - np.searchsorted(places, places)
    sources = np.full((math.prod(shape), turn.max() + 1), -1)
    sources[places, turn] = order
    return sources.reshape(*shape, -1)


def along(dim, index):
    """The index of an array by one dimension, as NumPy reads it."""
    grid = [np.arange(n).reshape([-1 if i == d else 1 for i in range(index.ndim)]) for d, n in enumerate(index.shape)]
    grid[dim] = index
    return tuple(grid)


index_put_manual = Pair(index_put_forward, index_put_backward)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

NAMES = {"float64": "Double", "float32": "Float", "int64": "Long", "int32": "Int", "bool": "Bool"}


def index_put(input, indices, values, accumulate=False):
    """Drop-in for torch.index_put, on the tape."""
    places = [i for i in indices if i is not None]
    dim = 0
    for i in indices:
        dim += 1 if i is None else within(i._array, input.shape, dim, 0)
    return put_at(input, tuple(slice(None) if i is None else i._array for i in indices), places, values, accumulate)


def put_at(x, key, indices, values, accumulate=False, filled=None):
    """The same for a key as NumPy reads it, and the tensors that are in it; `filled` names what takes no operand."""
    shape, made = x._array[key].shape, type(x)._of
    if not _fits(values.shape, shape):
        misfit = f"value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape"
        raise RuntimeError(f"shape mismatch: {misfit} {list(shape)}")
    if values.dtype != x.dtype:
        here, there = (NAMES[a.dtype.name] for a in (x, values))
        kinds = f"got {here} for the destination and {there} for the source."
        raise RuntimeError(f"Index put requires the source and destination dtypes match, {kinds}")
    y, saved = index_put_forward(x._array, key, values._array, accumulate)
    outside = lambda g, *_: index_put_backward(g, saved, (True, False))[0]
    inside = lambda g, *_: index_put_backward(g, saved, (False, True))[1]
    of_values = () if filled else ((values, inside, indices),)
    return record(made(y), filled or "IndexPutBackward0", (x, outside, indices), *of_values)


def _fits(shape, larger):
    pairs = zip(shape[::-1], larger[::-1], strict=False)
    return len(shape) <= len(larger) and all(m in (n, 1) for m, n in pairs)


def within(index, shape, dim, number):
    """How many dimensions an array of indices, of which it is the `number`th, uses up, if it fits."""
    if index.dtype.kind == "f":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if index.dtype == bool:
        for i, (m, n) in enumerate(zip(index.shape, shape[dim:], strict=False)):
            if m != n:
                mask, whole = f"mask {list(index.shape)} at index {i}", f"tensor {list(shape)} at index {dim + i}"
                raise IndexError(f"The shape of the {mask} does not match the shape of the indexed {whole}")
        return index.ndim
    outside = index[(index < -shape[dim]) | (index >= shape[dim])]
    if outside.size:
        raise IndexError(f"index {outside[0]} is out of bounds for dimension {number} with size {shape[dim]}")
    return 1


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(index_put_manual, Absent("raw code calls torch.index_put itself"), index_put, torch.index_put)
