r"""A module: a tree that finds its parameters by name.

    m = registration + traversal + conversion + state + hooks, each a file here, and
    m(x) = m.forward(x)

    names(m) = the names of m's own parameters, then child.n for each child and each n in names(child)

Order is registration order, and it is part of the contract: an optimizer's saved state knows a parameter only by its
place.  A list of modules is no module, and hides its parameters.  A parameter that stands in two places is one, under
its first name: counted twice it would be stepped twice (tests/planted: module_manual_counts_shared_twice).

Shapes   any.
Units    none.
Raises   NotImplementedError without a forward;  ValueError for a mode that is no bool;  what its parts raise.
Source   torch/nn/modules/module.py (PyTorch 2.13), without compile, data-parallel replicas and TorchScript.
"""

import textwrap

import torch

from impls.ladder import Ladder
from impls.nn.conversion import Conversion
from impls.nn.hooks import Hooks
from impls.nn.registration import Registration
from impls.nn.state import State
from impls.nn.traversal import Traversal

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def named_parameters_manual(tree, prefix=""):
    """Yield (name, array) for the leaves of a nested dictionary, each array once; None stands for no parameter."""
    seen = set()
    for name, w in _leaves(tree, prefix):
        if id(w) not in seen:
            seen.add(id(w))
            yield name, w


def _leaves(tree, prefix):
    """A node's own arrays, then those of its children, each kind in the order of the dictionary."""
    dot = f"{prefix}." if prefix else ""
    for name, w in tree.items():
        if w is not None and not isinstance(w, dict):
            yield dot + name, w
    for name, child in tree.items():
        if isinstance(child, dict):
            yield from _leaves(child, dot + name)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────

named_parameters_raw = named_parameters_manual  # a tree does not ask what its leaves are

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Module(Registration, Traversal, Conversion, State, Hooks):
    """Drop-in for torch.nn.Module; a child assigns parameters and modules to itself, and defines forward."""

    def forward(self, *_):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad = p.grad.detach_() if p.grad.grad_fn is not None else p.grad.requires_grad_(False)
                p.grad.zero_()

    def extra_repr(self):
        return ""

    def __repr__(self):
        text = self.extra_repr()
        children = [f"({name}): {child!r}" for name, child in self._modules.items()]
        if children or "\n" in text:
            text = "\n" + textwrap.indent("\n".join([text] * bool(text) + children), "  ") + "\n"
        return f"{type(self).__name__}({text})"


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(named_parameters_manual, named_parameters_raw, Module, torch.nn.Module)
