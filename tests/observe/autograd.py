"""Custom and native as libraries with the same names, and what a program leaves behind on any rung."""

import types

import numpy as np
import torch

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.observe.tensors import seen as seen_of_torch

NAMES = ("no_grad", "enable_grad", "grad", "backward")


def library(rung):
    """What a script finds under torch's names."""
    parts = {name: getattr(LADDERS[f"autograd.{name}"], rung) for name in NAMES}
    return types.SimpleNamespace(tensor=_maker(rung), **parts)


def _maker(rung):
    if rung is not Rung.CUSTOM:
        return lambda data, requires_grad=False: torch.tensor(data, requires_grad=requires_grad)
    cls = LADDERS["autograd.tensor"].custom
    return lambda data, requires_grad=False: cls(np.array(data) if hasattr(data, "dtype") else data, requires_grad)


def seen(x):
    """What a caller sees of a value: a copy, as an array; bounded numbers and None stay as they are."""
    if isinstance(x, LADDERS["autograd.tensor"].custom):
        x = x.detach().numpy()
        return x.copy() if isinstance(x, np.ndarray) else x
    return seen_of_torch(x)


def leaves(rung, arrays, lift=None):
    """The inputs of a program, each to be differentiated."""
    if rung is Rung.CUSTOM:
        cls = LADDERS["autograd.tensor"].custom
        return [cls(lift(a) if lift else a.copy(), requires_grad=True) for a in arrays]
    return [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]


def constant(rung, array):
    return LADDERS["autograd.tensor"].custom(array) if rung is Rung.CUSTOM else torch.from_numpy(array)


def shape_of(program):
    """Of its result."""
    with torch.no_grad():
        return tuple(program(*map(torch.from_numpy, program.inputs)).shape)


def observe(rung, program, dy, w=None, lift=None):
    """The value of a program, its gradients for dy, and the gradients of their product with w."""
    inputs = leaves(rung, program.inputs, lift)
    y, grad = program(*inputs), getattr(LADDERS["autograd.grad"], rung)
    seed = constant(rung, dy)
    if rung is Rung.RAW:
        return {"value": seen(y), "gradient": [seen(g) for g in grad(y, inputs, seed)]}
    grads = grad(y, inputs, seed, create_graph=w is not None, allow_unused=True)
    trace = {"value": seen(y), "gradient": [seen(g) for g in grads]}
    if w is not None:
        products = [(g * constant(rung, a)).sum() for g, a in zip(grads, w, strict=True) if g is not None]
        h = sum(products[1:], products[0])
        trace["second"] = [seen(g) for g in grad(h, inputs, allow_unused=True)] if h.requires_grad else None
    return trace
