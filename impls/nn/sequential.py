r"""A chain of layers.

    y = fₙ(… f₂(f₁(x)))
    ∂xᵢ₋₁, ∂wᵢ = fᵢ'(∂xᵢ),   i = n, …, 1,   down to the first layer that has parameters

The chain rule stops where nobody asks on: the first layer computes no gradient for the data, and a layer below every
parameter is not visited at all.  Parameters are named by key, "0.weight", and a key is kept: a slice of a native chain
keeps the keys it was cut with, so what is appended to it may overwrite its end (pytorch#77067 is the same with del).

Shapes   those of the layers.
Units    those of the layers.
Raises   TypeError for what is no module, IndexError past either end, ValueError and TypeError for operands: native's.
Source   torch/nn/modules/container.py (PyTorch 2.13).
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

import torch

from impls.ladder import Ladder, Pair
from impls.nn.module import Module
from impls.nn.module_list import place


class Layer(NamedTuple):
    """One link of the chain, on the rungs that have no objects."""

    function: Pair | Callable  # a Pair on the manual rung, a function on the raw one
    parameters: tuple[str, ...] = ()  # the names of its inputs after the first
    settings: Mapping = {}
    random: bool = False  # whether it draws in training: it is then handed the generator and the mode


# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def sequential_forward(x, layers, params, rng=None, training=True):
    """Return (y, saved, rng); `layers` maps a key to a Layer, and `params` to its arrays by name where it has any."""
    saved, flows = [], False  # flows: whether a gradient that enters the layer from above reaches a parameter below it
    for key, layer in layers.items():
        inputs = (x, *[params[key][name] for name in layer.parameters])
        if layer.random:
            x, kept, rng = layer.function.forward(*inputs, rng, training=training, **layer.settings)
        else:
            x, kept = layer.function.forward(*inputs, **layer.settings)
        saved.append((key, layer, kept, flows))
        flows = flows or bool(layer.parameters)
    return x, saved, rng


def sequential_backward(dy, saved, needs_input_grad=(False,)):
    """Return (dx, or None if it is not needed, and the gradients under the keys of `params`)."""
    grads = {}
    for key, layer, kept, flows in reversed(saved):
        needs = (flows or needs_input_grad[0], *[True] * len(layer.parameters))
        if not any(needs):
            break
        dy, *dw = layer.function.backward(dy, kept, needs)
        if layer.parameters:
            grads[key] = dict(zip(layer.parameters, dw, strict=False))
    return dy if needs_input_grad[0] else None, grads


sequential_manual = Pair(sequential_forward, sequential_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def sequential_raw(x, layers, params, generator=None, training=True):
    for key, layer in layers.items():
        inputs = (x, *[params[key][name] for name in layer.parameters])
        drawn = {"generator": generator, "training": training} if layer.random else {}
        x = layer.function(*inputs, **layer.settings, **drawn)
    return x


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Sequential(Module):
    """Drop-in for torch.nn.Sequential."""

    def __init__(self, *args):
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        for key, module in args[0].items() if named else enumerate(args):
            self.add_module(key if named else str(key), module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def _key(self, index):
        return next(islice(self._modules, place(index, len(self)), None))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __setitem__(self, index, module):
        setattr(self, self._key(index), module)

    def __delitem__(self, index):
        for key in list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]:
            delattr(self, key)
        self._modules = {str(i): module for i, module in enumerate(self)}

    def pop(self, key):
        module = self[key]
        del self[key]
        return module

    def append(self, module):
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential):
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index, module):
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        index = index + n if index < 0 else index
        for i in range(n, index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]
        self._modules[str(index)] = module
        return self

    def __add__(self, other):
        return Sequential().extend(self).extend(self._summand(other))

    def __iadd__(self, other):
        n = len(self)  # once: extend() counts after each, which differs where keys have gaps
        for i, module in enumerate(self._summand(other)):
            self.add_module(str(n + i), module)
        return self

    def __mul__(self, other):
        return Sequential().extend(list(self) * self._factor(other))

    __rmul__ = __mul__

    def __imul__(self, other):
        n = len(self)
        for i in range(n * (self._factor(other) - 1)):
            self.add_module(str(n + i), self._modules[str(i % n)])
        return self

    def _summand(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return other

    def _factor(self, other):
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return other


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(sequential_manual, sequential_raw, Sequential, torch.nn.Sequential)
