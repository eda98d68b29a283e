r"""A buffer: an array that belongs to a module and is not learned.

    b = Buffer(data, persistent=True)      shares the memory of data, and is registered where it is assigned

A plain tensor that is assigned to a module is an ordinary attribute: it is not moved, not converted and not saved.  A
buffer stands in the module's table, as if by register_buffer.  The class makes no instances of its own: what it returns
is a plain tensor with a mark, and what is computed from it has no mark (tests/planted: buffer_is_a_class).

Shapes   any, 0 included;  without data, (0,).
Units    those of the data.
Raises   AttributeError for data that is no tensor.
Source   torch/nn/parameter.py (PyTorch 2.13).
"""

import torch

from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class _BufferType(type(torch.Tensor)):  # type: ignore[misc]  # mypy follows no computed base class
    """Makes every tensor with the mark an instance, native's included."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, torch.Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(torch.Tensor, metaclass=_BufferType):
    """Drop-in for torch.nn.Buffer."""

    persistent: bool
    _is_buffer: bool

    def __new__(cls, data=None, *, persistent=True):
        data = torch.empty(0) if data is None else data
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent, buffer._is_buffer = persistent, True
        return buffer


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("an array that no gradient is computed of is data like any other"),
    Absent("a tensor that no gradient is computed of is data like any other"),
    Buffer,
    torch.nn.Buffer,
)
