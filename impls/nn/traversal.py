r"""Traversal: a module finds what is below it, by name and in order.

    for layer in layers:                          what one writes first, and what it does not see:
        if hasattr(layer, "weight"): ...          a layer in a layer, a parameter of another name, one held twice

    names(m) = the names of m's own parameters, then child.n for each child and each n in names(child)

The walk over hasattr knows one kind of net, parameters() knows them all.  Modules come before their children and in the
order of their registration, each once and under its first name: a tied parameter counted twice would be stepped twice
(tests/planted: traversal_shared_counted_twice).  apply goes the other way, children first.

Shapes   any.
Units    none.
Raises   AttributeError for a path that leads nowhere, or to another kind;  ValueError for setting it: native's words.
Source   torch/nn/modules/module.py (PyTorch 2.13).
"""

from impls.ladder import Absent, Ladder
from impls.nn.parameter import Parameter
from impls.nn.registration import ModuleTables

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Traversal(ModuleTables):
    """The part of Module that finds things."""

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, _path(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate=True):
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self):
        seen = {None}
        for name, child in self._modules.items():
            if child not in seen:
                seen.add(child)
                yield name, child

    def children(self):
        for _, child in self.named_children():
            yield child

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        for _, p in self.named_parameters(recurse=recurse):
            yield p

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named(self, table, prefix, recurse, remove_duplicate):
        seen = {None}
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in getattr(module, table).items():
                if tensor not in seen:
                    if remove_duplicate:
                        seen.add(tensor)
                    yield _path(path, name), tensor

    def get_submodule(self, target):
        module = self
        for name in target.split(".") if target else ():
            module = module._member(name)
            if not isinstance(module, Traversal):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Traversal):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if (strict or hasattr(parent, name)) and not isinstance(parent._member(name), Traversal):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target):
        path, _, name = target.rpartition(".")
        p = self.get_submodule(path)._member(name)
        if not isinstance(p, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return p

    def get_buffer(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = module._member(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _member(self, name):
        if not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} has no attribute `{name}`")
        return getattr(self, name)

    def apply(self, fn):
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self


def _path(prefix, name):
    return f"{prefix}.{name}" if prefix else name


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("the walk over a nested dictionary is the manual rung of nn.module"),
    Absent("the walk over a nested dictionary is the raw rung of nn.module"),
    Traversal,
    Absent("torch.nn.Module has it in one class with the rest, see nn.module"),
)
