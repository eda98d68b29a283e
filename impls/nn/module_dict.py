r"""A dictionary of modules: what a plain one would hide, registered.

    names(d) = key.n      for each key in the order of insertion, n in the names of its module

The order is that of insertion, or of the dictionary it is made of, and never sorted: an optimizer's saved state depends
on it (tests/planted: module_dict_sorts_its_keys).  A key is an attribute's name, so it may not cover a method, keys for
one.

Shapes   any.
Units    none.
Raises   KeyError for a key that is not there, or is taken;  TypeError and ValueError for what is no pair of a word and
         a module: in native's words.
Source   torch/nn/modules/container.py (PyTorch 2.13).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import torch

from impls.ladder import Absent, Ladder
from impls.nn.module import Module

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ModuleDict(Module):
    """Drop-in for torch.nn.ModuleDict."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        self._modules.clear()

    def pop(self, key):
        module = self[key]
        del self[key]
        return module

    def keys(self):
        return self._modules.keys()

    def items(self):
        return self._modules.items()

    def values(self):
        return self._modules.values()

    def update(self, modules):
        mapping = isinstance(modules, Mapping | ModuleDict)
        for key, module in modules.items() if mapping else pairs("ModuleDict", "ModuleDict", modules):
            self[key] = module


def pairs(kind, updated, given):
    """Yield the pairs of what is no mapping, or say in native's words what is wrong with one."""
    if not isinstance(given, Iterable):
        raise TypeError(
            f"{updated}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    for i, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{kind} update sequence element #{i} should be Iterable; is{type(pair).__name__}")
        entry = cast(Sequence, pair)
        if len(entry) != 2:
            raise ValueError(f"{kind} update sequence element #{i} has length {len(entry)}; 2 is required")
        yield entry[0], entry[1]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a dictionary of dictionaries is a tree already, see nn.module"),
    Absent("a dictionary of dictionaries is a tree already, see nn.module"),
    ModuleDict,
    torch.nn.ModuleDict,
)
