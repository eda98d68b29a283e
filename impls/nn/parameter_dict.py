r"""A dictionary of parameters, and of whatever else it is given.

    d[key] = tensor       becomes a parameter of that name
    d[key] = anything     is kept as it is, and is no parameter

Made of a plain dictionary its keys are sorted, made of an OrderedDict, of pairs or of another of its kind they are
not; a dictionary of modules is never sorted.  That is native's, and is kept: the order decides which parameter an
optimizer's saved state belongs to (tests/planted: parameter_dict_never_sorts).

Shapes   any.
Units    those of the parameters.
Raises   KeyError for a key that is not there;  TypeError and ValueError for what is no pair of a word and a value;
         RuntimeError when called: in native's words.
Source   torch/nn/modules/container.py (PyTorch 2.13).
"""

from collections import OrderedDict
from collections.abc import Mapping

import torch

from impls.ladder import Absent, Ladder
from impls.nn.module import Module
from impls.nn.module_dict import pairs
from impls.nn.parameter_list import described, learned

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ParameterDict(Module):
    """Drop-in for torch.nn.ParameterDict."""

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}  # in the order of their first insertion, which is not the table's once a value is no tensor
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        return getattr(self, _attribute(key))

    def __setitem__(self, key, value):
        self._keys[key] = None
        setattr(self, _attribute(key), learned(value))

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, _attribute(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key):
        return key in self._keys

    def copy(self):
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self):
        for key in list(self):
            del self[key]

    def pop(self, key):
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        key = list(self)[-1] if self else self._keys.popitem()[0]  # of nothing: the dictionary's own refusal
        return key, self.pop(key)

    def get(self, key, default=None):
        return self[key] if key in self else default  # noqa: SIM401  # this is get

    def fromkeys(self, keys, default=None):
        return ParameterDict((key, default) for key in keys)

    def keys(self):
        return self._keys.keys()

    def items(self):
        return ((key, self[key]) for key in self._keys)

    def values(self):
        return (self[key] for key in self._keys)

    def update(self, parameters):
        if isinstance(parameters, OrderedDict | ParameterDict):
            given = parameters.items()
        elif isinstance(parameters, Mapping):
            given = sorted(parameters.items())
        else:
            given = pairs("ParameterDict", "ParametersDict", parameters)  # native's slip
        for key, value in given:
            self[key] = value

    def __or__(self, other):
        union = self.copy()
        union.update(other)
        return union

    def __ror__(self, other):
        union = other.copy()
        union.update(self)
        return union

    def __ior__(self, other):
        self.update(other)
        return self

    def extra_repr(self):
        return "\n".join(described(key, p, torch.typename(p)) for key, p in self.items())

    def __call__(self, input):  # noqa: ARG002  # native's signature
        raise RuntimeError("ParameterDict should not be called.")


def _attribute(key):
    if not isinstance(key, str):
        raise TypeError(
            "Index given to ParameterDict cannot be used as a key as it is not a string "
            f"(type is '{type(key).__name__}'). Open an issue on github if you need non-string keys."
        )
    return key


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a dictionary of arrays is a tree already, see nn.module"),
    Absent("a dictionary of tensors is a tree already, see nn.module"),
    ParameterDict,
    torch.nn.ParameterDict,
)
