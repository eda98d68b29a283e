r"""A vector times the derivative of a function: one pass backward, whatever the number of inputs.

    v ↦ vᵀ J        J = ∂y/∂x,  v of the shape of y

The inputs are taken out of any graph first, and an input on which y does not depend has the gradient 0, not None
(tests/planted: vjp_unused_is_none).

Shapes   v has the outputs' shapes; the result has the inputs'.
Units    [vᵀJ] = [v] [y] / [x].
Raises   RuntimeError: no v where y is not one number; v of another size.
Source   torch/autograd/functional.py (PyTorch 2.13).
"""

import torch

from impls.autograd.enable_grad import enable_grad
from impls.autograd.grad import as_tuple, grad, grad_raw
from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def vjp_raw(func, inputs, v):
    """Return (y, vᵀJ), for a tuple of inputs and one output."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    y = func(*leaves)
    found = grad_raw(y, leaves, v)
    return y.detach(), tuple(torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """Drop-in for torch.autograd.functional.vjp, on the tape, where it is not strict."""
    leaves, y = called(func, inputs, create_graph, strict)
    checked(v, y, "the user-provided function returns")
    found = pulled(as_tuple(y), leaves, None if v is None else as_tuple(v), create_graph)
    return handed_back(y, as_tuple(y), create_graph), handed_back(inputs, found, create_graph)


def called(func, inputs, create_graph, strict):
    """Return inputs of their own, and what `func` makes of them."""
    if strict:
        raise NotImplementedError("on the tape what does not depend on an input has the derivative 0, strict or not")
    inputs = as_tuple(inputs)
    leaves = [x.reshape(x.shape) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs]
    with enable_grad():
        return leaves, func(*leaves)


def checked(v, like, unless):
    """Refuse a v that is missing, or is not like what it is multiplied with."""
    others = as_tuple(like)
    if v is None and [x.numel() for x in others] != [1]:
        raise RuntimeError(f"The vector v can only be None if {unless} a single Tensor with a single element.")
    for i, (a, b) in enumerate(zip(as_tuple(v), others, strict=v is not None)):
        if a is not None and a.shape != b.shape:
            entry = f"Entry {i} in " if isinstance(like, tuple) else ""
            sizes = [f"torch.Size({list(x.shape)})" for x in (b, a)]
            raise RuntimeError(f"{entry}v has invalid size: should be {sizes[0]} but got {sizes[1]}.")


def pulled(outputs, inputs, v, create_graph):
    """v times the derivative of those outputs that have one; 0 where there is none."""
    with enable_grad():
        kept = [i for i, y in enumerate(outputs) if y.requires_grad]
        if not kept:
            return tuple(x.detach() * 0.0 for x in inputs)
        seeds = None if v is None else [v[i] for i in kept]
        return grad([outputs[i] for i in kept], inputs, seeds, True, create_graph, materialize_grads=True)


def handed_back(like, found, create_graph):
    """One, or a tuple, as it was handed in."""
    found = tuple(x if create_graph else x.detach() for x in found)
    return found if isinstance(like, tuple) else found[0]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand this is the backward of a Pair"),
    vjp_raw,
    vjp,
    torch.autograd.functional.vjp,
)
