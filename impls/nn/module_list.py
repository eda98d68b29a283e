r"""A list of modules: what a plain list would hide, registered.

    names(l) = 0.n, 1.n, …      n in the names of each module

A list has no forward: what is done with its modules is for the module that holds it to say.  Unlike a chain's, its
slices are numbered anew; after del what stood behind moves up (tests/planted: module_list_hole_left_by_del).  Children
that print alike are printed once, with their number, though they are different modules.

Shapes   any.
Units    none.
Raises   IndexError past either end;  TypeError for what is no module, or no iterable: in native's words.
Source   torch/nn/modules/container.py (PyTorch 2.13).
"""

import operator
import textwrap
from collections.abc import Iterable
from itertools import chain, groupby

import torch

from impls.ladder import Absent, Ladder
from impls.nn.module import Module

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ModuleList(Module):
    """Drop-in for torch.nn.ModuleList."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self += modules

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def _key(self, index):
        return str(place(index, len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[self._key(index)]

    def __setitem__(self, index, module):
        setattr(self, self._key(index), module)

    def __delitem__(self, index):
        for key in map(str, range(len(self))[index]) if isinstance(index, slice) else [self._key(index)]:
            delattr(self, key)
        self._modules = {str(i): module for i, module in enumerate(self)}

    def insert(self, index, module):
        for i in range(len(self), index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]
        self._modules[str(index)] = module

    def append(self, module):
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key):
        module = self[key]
        del self[key]
        return module

    def extend(self, modules):
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        for i, module in enumerate(modules, len(self)):
            self.add_module(str(i), module)
        return self

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return ModuleList(chain(self, other))

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def __repr__(self):
        lines = []
        for text, alike in groupby(enumerate(map(repr, self)), operator.itemgetter(1)):
            indices = [i for i, _ in alike]
            first, last = indices[0], indices[-1]
            where = f"({first}): " if first == last else f"({first}-{last}): {last - first + 1} x "
            lines.append(where + text)
        inside = "\n" + textwrap.indent("\n".join(lines), "  ") + "\n" if lines else ""
        return f"{type(self).__name__}({inside})"


def place(index, n):
    """Which of n an index means: one below 0 counts from the end."""
    index = operator.index(index)
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of range")
    return index % n


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a list of dictionaries is a tree already, see nn.module"),
    Absent("a list of dictionaries is a tree already, see nn.module"),
    ModuleList,
    torch.nn.ModuleList,
)
