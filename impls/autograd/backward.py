r"""What arrives at the leaves is added to their grad.

    leaf.grad ← leaf.grad + ∂leaf         None counts as nothing

Added, not put there: whoever forgets to clear it takes a step along the sum of two gradients (tests/planted:
backward_overwrites).  A gradient of what was computed on the way is passed on and not kept, unless it is asked for.

Shapes   each grad has its leaf's shape.
Units    [∂leaf] = [∂y] [y] / [leaf].
Raises   RuntimeError as autograd.grad; RuntimeError if `inputs` is empty.
Source   torch/autograd/__init__.py, torch/csrc/autograd/functions/accumulate_grad.h (PyTorch 2.13).
"""

import warnings

import torch

from impls.autograd.grad import accumulate, as_tuple, grad_raw, gradients
from impls.autograd.node import AccumulateGrad
from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def backward_raw(output, leaves, grad_output):
    """Return nothing; each leaf's grad has grown."""
    for leaf, g in zip(leaves, grad_raw(output, leaves, grad_output), strict=True):
        if g is not None:
            leaf.grad = g.clone() if leaf.grad is None else leaf.grad + g


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

CYCLE = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
    "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
    "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the "
    "cycle and avoid the leak."
)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Drop-in for torch.autograd.backward, on the tape."""
    if grad_variables is not None:
        raise NotImplementedError("grad_variables is the old name of grad_tensors")
    if inputs is not None and not as_tuple(inputs):
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if create_graph:
        warnings.warn(CYCLE, stacklevel=2)
    for x in as_tuple(inputs or ()):
        x.retain_grad()  # what is asked for of what was computed is kept on the way
    tensors, seeds = as_tuple(tensors), as_tuple(grad_tensors)
    wanted = None if inputs is None else {x._edge() for x in as_tuple(inputs)}
    taken = {id(seed._owner()) for seed in seeds if seed is not None}
    for edge, g in gradients(tensors, seeds, wanted, retain_graph, create_graph).items():
        if isinstance(edge[0], AccumulateGrad) and (wanted is None or edge in wanted):
            accumulate(edge[0].variable, _own(g, taken))


def _own(g, taken):
    """g in memory of its own: an array that went to two leaves, or is spread from fewer numbers, is copied."""
    if g.requires_grad:
        return g
    owner = id(g._owner())
    if owner in taken or not g._array.flags.writeable:
        return g.clone()
    taken.add(owner)
    return g


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand a gradient is returned, and there is nothing for it to be added to"),
    backward_raw,
    backward,
    torch.autograd.backward,
)
