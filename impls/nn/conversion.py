r"""Conversion: another type or device for every tensor of a module, and the same parameters.

    p.data ← f(p)        p.grad.data ← f(p.grad)        for every parameter p, children first
    b      ← f(b)                                       for every buffer b

A parameter stays the object it is, or the optimizer that holds it would step a tensor that nobody uses
(tests/planted: conversion_into_new_parameters).  Only to and from the meta device, where there is no data to share,
does a new one take its place.  Integers move, and stay integers, but for type(), which asks nobody.

Shapes   unchanged.
Units    unchanged.
Raises   TypeError for to(an integer type);  NotImplementedError for data that a meta tensor does not have.
Source   torch/nn/modules/module.py (PyTorch 2.13).
"""

import warnings
from collections.abc import Callable

import torch

from impls.ladder import Absent, Ladder
from impls.nn.parameter import Parameter
from impls.nn.registration import ModuleTables

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Conversion(ModuleTables):
    """The part of Module that converts."""

    children: Callable  # of Traversal

    def _apply(self, fn, recurse=True):
        for child in self.children() if recurse else ():
            child._apply(fn)
        for name, p in self._parameters.items():
            if p is not None:
                self._parameters[name] = _converted(p, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        # Private: nothing public tells a device from a dtype in native's words.
        device, dtype, non_blocking, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if dtype is not None and dtype.is_complex:
            warnings.warn(
                "Complex modules are a new feature under active development whose design may change, "
                "and some modules might not work as expected when using complex tensors as parameters or buffers. "
                "Please file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml "
                "if a complex module does not work as expected.",
                stacklevel=2,
            )

        def moved(t):
            kind = dtype if t.is_floating_point() or t.is_complex() else None
            layout = {} if memory_format is None or t.dim() not in (4, 5) else {"memory_format": memory_format}
            try:
                return t.to(device, kind, non_blocking, **layout)
            except NotImplementedError as refused:
                if str(refused) != "Cannot copy out of meta tensor; no data!":
                    raise
                raise NotImplementedError(
                    f"{refused} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() "
                    "when moving module from meta to a different device."
                ) from None

        return self._apply(moved)

    def to_empty(self, *, device, recurse=True):
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse)

    def cuda(self, device=None):
        return self._apply(lambda t: t.cuda(device))

    def cpu(self):
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type):
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self):
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self):
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def share_memory(self):
        return self._apply(lambda t: t.share_memory_())


@torch.no_grad()
def _converted(p, fn):
    """The parameter itself with other data, or a new one where the two cannot share any."""
    data, grad = fn(p), p.grad
    if p.is_meta == data.is_meta:
        p.data = data
    else:
        p = Parameter(data, p.requires_grad)
    if grad is not None and p.grad is grad:
        grad.data = fn(grad)
    elif grad is not None:
        p.grad = fn(grad).requires_grad_(grad.requires_grad)
    return p


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("an array has the type it was made with: astype gives another array"),
    Absent("a tensor's own to is all there is to convert a dictionary's values"),
    Conversion,
    Absent("torch.nn.Module has it in one class with the rest, see nn.module"),
)
