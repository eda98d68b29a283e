r"""The parameter: a tensor that says it is to be trained.

    w = Parameter(data)         a leaf that requires a gradient and shares its data

What marks it is its class: assigned to a module it is registered, and what is computed from it is a plain
tensor again.  `torch.ones(1, requires_grad=True).to(device)` is a tensor with a history and no leaf any more, so it
gets no gradient of its own; a parameter is put on its device first and then made a leaf.

Shapes   that of the data; without data (0,).
Units    those of the data.
Raises   RuntimeError if a dtype that has no gradient should require one.
Source   torch/nn/parameter.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def parameter_raw(data, requires_grad=True):
    return data.detach().requires_grad_(requires_grad)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ParameterMeta(type(torch.Tensor)):
    """Lets torch's own parameters count as ours; they are known by their name, for this rung does not use the class."""

    def __instancecheck__(cls, instance):
        return any(kind.__name__ == "Parameter" for kind in type(instance).__mro__)


class Parameter(torch.Tensor, metaclass=ParameterMeta):
    """Drop-in for torch.nn.Parameter, in torch's modules and optimizers too."""

    _is_param = True  # torch's mark for a tensor subclass that its own modules accept as a parameter
    # Without this every operation on a subclass takes a detour through Python; torch does the same.
    __torch_function__ = torch._C._disabled_torch_function_impl

    def __new__(cls, data=None, requires_grad=True):
        data = torch.empty(0) if data is None else data
        return torch.Tensor._make_subclass(cls, data.detach(), requires_grad)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            data = self.data.clone(memory_format=torch.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol):
        return type(self), (self.data, self.requires_grad)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("an array is a parameter by its place in the tree that gradients are taken for"),
    parameter_raw,
    Parameter,
    torch.nn.Parameter,
)
