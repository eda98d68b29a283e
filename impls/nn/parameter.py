r"""A parameter: an array that is learned.

    p = Parameter(data)         shares the memory of data, is a leaf of the graph, and wants a gradient

A parameter is a place, not a value.  What is computed from it, p + 1 or p.clone(), is an ordinary tensor; a computed
tensor that is made a parameter forgets how it was computed (tests/planted: parameter_keeps_its_history); and
p = p - lr * g leaves the model with the old p, which is why a step is taken in place.

Shapes   any, 0 included;  without data, (0,).
Units    those of the data.
Raises   RuntimeError for integers that want a gradient;  AttributeError for data that is no tensor.
Source   torch/nn/parameter.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Absent, Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────

parameter_manual = Absent("an array is a parameter by its place in the tree, see nn.module")

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def parameter_raw(data, requires_grad=True):
    """Return a leaf that shares the memory of `data`."""
    return data.detach().requires_grad_(requires_grad)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class _ParameterType(type(torch.Tensor)):  # type: ignore[misc]  # mypy follows no computed base class
    """Makes native's parameters instances of ours, so that a custom module can hold them."""

    def __instancecheck__(cls, instance):
        if not isinstance(instance, torch.Tensor):  # said first: a module asks it of whatever it is assigned
            return False
        return super().__instancecheck__(instance) or (cls is Parameter and isinstance(instance, LADDER.native))


class Parameter(torch.Tensor, metaclass=_ParameterType):
    """Drop-in for torch.nn.Parameter."""

    # Private, and torch's own way out: without it every operation on a subclass makes a detour through Python.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]  # it is no method

    # The mark by which native's isinstance check knows our parameters for its own, so that its modules hold them.
    _is_param = True

    def __new__(cls, data=None, requires_grad=True):
        data = torch.empty(0) if data is None else data.detach()
        # Private: the public as_subclass would return a view, and refuse integers in other words.
        return torch.Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo):
        return type(self)(self.data.clone(memory_format=torch.preserve_format), self.requires_grad)

    def __reduce_ex__(self, protocol):
        return type(self), (self.data, self.requires_grad)

    def __repr__(self):
        return f"Parameter containing:\n{self.data.requires_grad_(self.requires_grad)!r}"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(parameter_manual, parameter_raw, Parameter, torch.nn.Parameter)
