r"""A module: a tree that finds its parameters by name.

    m.weight = parameter            stands in m's own table of parameters
    m.child  = module               stands in m's table of children
    names(m) = the names of m's own parameters, then child.n for each child and each n in names(child)

Order is registration order, and it is part of the contract: an optimizer's saved state knows a parameter only by its
place.  Assigning again keeps the place, deleting and assigning moves the name to the end; a list of modules is no
module, and hides its parameters.  A parameter that stands in two places is one parameter, under its first name: counted
twice it would be stepped twice (tests/planted: module_shared_counted_twice).  A state has it under each of its names.

Shapes   any.
Units    none.
Raises   AttributeError before Module.__init__() has run;  KeyError, TypeError and ValueError for a name or a value
         that cannot be registered;  RuntimeError for a state that does not fit: in native's words.
Source   torch/nn/modules/module.py (PyTorch 2.13).  Hooks, extra state, torch.nn.Buffer and conversions other than
         to, float and double are not here yet.
"""

import textwrap
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import torch

from impls.ladder import Ladder
from impls.nn.parameter import Parameter

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


class Module:
    """Drop-in for torch.nn.Module; a child assigns parameters and modules to itself, and defines forward."""

    _version = 1  # of the layout of the state; a child that changes its layout counts on

    def __init__(self, *args, **kwargs):
        init = f"{type(self).__name__}.__init__()"
        if kwargs:
            raise TypeError(f"{init} got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args:
            raise TypeError(f"{init} takes 1 positional argument but {len(args) + 1} were given")
        vars(self).update(training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(), _modules={})

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def forward(self, *_):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # what is registered

    def __setattr__(self, name, value):
        if not self._assign(name, value):
            super().__setattr__(name, value)

    def _assign(self, name, value):
        """Put a value in the table it belongs to; return whether it belongs to one."""
        own = vars(self)
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, own, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            _check_none(value, "parameter", name, "torch.nn.Parameter")
            self._parameters[name] = None
        elif isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, own, self._buffers)
            self._modules[name] = value
        elif name in own.get("_modules", ()):
            _check_none(value, "child module", name, "torch.nn.Module")
            self._modules[name] = None
        elif name in own.get("_buffers", ()):
            if not isinstance(value, torch.Tensor):
                _check_none(value, "buffer", name, "torch.nn.Buffer, torch.Tensor")
            self._buffers[name] = value
        else:
            return False
        return True

    def _forget(self, name, *tables):
        for table in tables:
            table.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __getattr__(self, name):
        """Called only for what is not an ordinary attribute."""
        own = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if table in own and name in own[table]:
                return own[table][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                self._forget(name, table)
                return
        super().__delattr__(name)

    def register_parameter(self, name, param):
        if "_parameters" not in vars(self):
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{torch.typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        if "_buffers" not in vars(self):
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name)
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"cannot assign '{torch.typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{torch.typename(module)} is not a Module subclass")
        self._check_name("module", name)
        self._modules[name] = module

    def register_module(self, name, module):
        self.add_module(name, module)

    def _check_name(self, kind, name):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {torch.typename(name)}")
        taken = hasattr(self, name) and name not in getattr(self, f"_{kind}s")
        if taken and kind == "module":  # of a module native asks this first
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if taken:
            raise KeyError(f"attribute '{name}' already exists")

    # what is found

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
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

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

    # what is done to all

    def apply(self, fn):
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

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

    def _apply(self, fn):
        """Convert every tensor; a parameter stays the same object, or its optimizer would lose it."""
        for child in self.children():
            child._apply(fn)
        with torch.no_grad():
            for p in self.parameters(recurse=False):
                p.data = fn(p)
                if p.grad is not None:
                    p.grad.data = fn(p.grad)
        for name, buffer in self.named_buffers(recurse=False, remove_duplicate=False):
            self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        asked = torch.empty(0).to(*args, **kwargs).dtype
        if not (asked.is_floating_point or asked.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={asked}"
            )

        def convert(t):
            if t.is_floating_point() or t.is_complex():
                return t.to(*args, **kwargs)
            return t.to(t.new_empty(0).to(*args, **kwargs).device)  # integers move, and stay integers

        return self._apply(convert)

    def float(self):
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    # what is saved

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """Every name with its tensor, which still shares the module's memory."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = {"version": self._version}
        for name, tensor in self._state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _state(self):
        """The module's own part of the state: parameters, then the buffers that persist."""
        buffers = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: tensor for name, tensor in (self._parameters | buffers).items() if tensor is not None}

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the tensors in by name; those that fit are in even when the rest makes it raise."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        self._load(state_dict, "", assign, missing, unexpected, errors)
        if strict and unexpected:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        if strict and missing:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            lines = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}")
        return _IncompatibleKeys(missing, unexpected)

    def _load(self, state, prefix, assign, missing, unexpected, errors):
        own = self._state()
        for name, mine in own.items():
            key = prefix + name
            if key in state:
                self._load_tensor(name, mine, key, state[key], assign, errors)
            else:
                missing.append(key)
        for key in state:
            name, dot, _ = key.removeprefix(prefix).partition(".")
            if name not in (self._modules if dot else own):
                unexpected.append(key)
        for name, child in self._modules.items():
            if child is not None:
                below = {key: theirs for key, theirs in state.items() if key.startswith(f"{prefix}{name}.")}
                child._load(below, f"{prefix}{name}.", assign, missing, unexpected, errors)

    def _load_tensor(self, name, mine, key, theirs, assign, errors):
        if not isinstance(theirs, torch.Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                f"from checkpoint but received {type(theirs)}"
            )
            return
        if mine.dim() == 0 and theirs.shape == (1,):  # a number, as it was saved before torch 0.4
            theirs = theirs[0]
        if theirs.shape != mine.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {theirs.shape} from checkpoint, "
                f"the shape in current model is {mine.shape}."
            )
        elif assign:
            if isinstance(mine, Parameter):
                theirs = theirs if isinstance(theirs, Parameter) else Parameter(theirs)
                theirs.requires_grad_(mine.requires_grad)
            setattr(self, name, theirs)
        else:
            with torch.no_grad():
                mine.copy_(theirs)

    # what is shown

    def extra_repr(self):
        return ""

    def __repr__(self):
        text = self.extra_repr()
        children = [f"({name}): {child!r}" for name, child in self._modules.items()]
        if children or "\n" in text:
            text = "\n" + textwrap.indent("\n".join([text] * bool(text) + children), "  ") + "\n"
        return f"{type(self).__name__}({text})"


class _IncompatibleKeys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _check_none(value, kind, name, expected):
    if value is not None:
        raise TypeError(f"cannot assign '{torch.typename(value)}' as {kind} '{name}' ({expected} or None expected)")


def _path(prefix, name):
    return f"{prefix}.{name}" if prefix else name


def _quoted(keys):
    return ", ".join(f'"{key}"' for key in keys)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(named_parameters_manual, named_parameters_raw, Module, torch.nn.Module)
