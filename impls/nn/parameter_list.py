r"""A list of parameters, and of whatever else it is given.

    l[i] = tensor       becomes a parameter of the name "i"
    l[i] = anything     is kept as it is, and is no parameter

Only a tensor is learned: a number in the list is not, and does not appear among its parameters (tests/planted:
parameter_list_keeps_tensors).  A slice has the same parameters, numbered anew.  Nothing can be taken out of it.

Shapes   any.
Units    those of the parameters.
Raises   IndexError past either end;  TypeError for what is no iterable;  RuntimeError when called: in native's words.
Source   torch/nn/modules/container.py (PyTorch 2.13).
"""

from collections.abc import Iterable

import torch

from impls.ladder import Absent, Ladder
from impls.nn.module import Module
from impls.nn.module_list import place
from impls.nn.parameter import Parameter

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ParameterList(Module):
    """Drop-in for torch.nn.ParameterList."""

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __len__(self):
        return self._size

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _key(self, index):
        return str(place(index, len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)().extend([self[i] for i in range(len(self))[index]])
        return getattr(self, self._key(index))

    def __setitem__(self, index, param):
        setattr(self, self._key(index), learned(param))

    def append(self, value):
        self._size += 1
        self[len(self) - 1] = value
        return self

    def extend(self, values):
        if not isinstance(values, Iterable) or isinstance(values, torch.Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, parameters):
        return self.extend(parameters)

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def extra_repr(self):
        return "\n".join(described(i, p, getattr(p, "dtype", None)) for i, p in enumerate(self))

    def __call__(self, *_args, **_kwargs):
        raise RuntimeError("ParameterList should not be called.")


def learned(value):
    """A tensor as a parameter, anything else as it is."""
    return Parameter(value) if isinstance(value, torch.Tensor) and not isinstance(value, Parameter) else value


def described(key, value, kind):
    """A line of what is printed; native indents it by two more."""
    if not isinstance(value, torch.Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    size, device = "x".join(map(str, value.shape)), f" ({value.device})" if value.device.type == "cuda" else ""
    name = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({key}): {name} containing: [{kind} of size {size}{device}]"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a list of arrays is a tree already, see nn.module"),
    Absent("a list of tensors is a tree already, see nn.module"),
    ParameterList,
    torch.nn.ParameterList,
)
