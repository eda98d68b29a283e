r"""Registration: what is assigned to a module finds its table by its kind.

    m.name = parameter    → parameters        m.name = None, where name stands in a table   → the place stays, empty
    m.name = module       → modules           m.name = tensor, where name is a buffer       → buffers
    m.name = Buffer       → buffers           m.name = anything else                        → an ordinary attribute

The kind decides, and then the name: a parameter or a module drives the name out of every other table, a tensor drives
out nothing.  A name that is taken, by a method for one, is refused when it is registered.  Assigning again keeps the
place, deleting and assigning moves the name to the end (tests/planted: registration_replaced_moves_to_the_end).

Shapes   any.
Units    none.
Raises   AttributeError before Module.__init__() has run;  KeyError, TypeError and ValueError for a name or a value
         that cannot be registered: in native's words.
Source   torch/nn/modules/module.py (PyTorch 2.13).
"""

from collections import OrderedDict

import torch
from torch.utils.hooks import RemovableHandle

from impls.ladder import Absent, Ladder
from impls.nn.buffer import Buffer
from impls.nn.parameter import Parameter

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class ModuleTables:
    """The tables that the parts of a module share."""

    training: bool
    _parameters: dict
    _buffers: dict
    _modules: dict
    _non_persistent_buffers_set: set


class Registration(ModuleTables):
    """The part of Module that keeps the tables."""

    def __init__(self, *args, **kwargs):
        init = f"{type(self).__name__}.__init__()"
        if kwargs:
            raise TypeError(f"{init} got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args:
            raise TypeError(f"{init} takes 1 positional argument but {len(args) + 1} were given")
        vars(self).update(training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(), _modules={})

    def __setattr__(self, name, value):
        if not self._assign(name, value):
            super().__setattr__(name, value)

    def _assign(self, name, value):
        """Put a value in the table it belongs to; return whether it belongs to one."""
        own = vars(self)
        if name in own and not isinstance(value, (torch.Tensor, Registration)):
            return False  # what is an ordinary attribute stays one, without the questions below
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, own, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            _check_none(value, "parameter", name, "torch.nn.Parameter")
            self.register_parameter(name, None)
        elif isinstance(value, Registration):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, own, self._parameters, self._buffers)
            self._modules[name] = self._told("module", name, value)
        elif name in own.get("_modules", ()):
            _check_none(value, "child module", name, "torch.nn.Module")
            self._modules[name] = self._told("module", name, None)
        elif isinstance(value, Buffer) or name in own.get("_buffers", ()):
            if not isinstance(value, torch.Tensor):
                _check_none(value, "buffer", name, "torch.nn.Buffer, torch.Tensor")
            before = name not in own.get("_non_persistent_buffers_set", ())
            self.register_buffer(name, value, value.persistent if isinstance(value, Buffer) else before)
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

    def __dir__(self):
        """Every name but numbers, which nobody can write after a dot."""
        names = [*dir(type(self)), *vars(self), *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

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
        self._parameters[name] = None if param is None else self._told("parameter", name, param)

    def register_buffer(self, name, tensor, persistent=True):
        if "_buffers" not in vars(self):
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name)
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"cannot assign '{torch.typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = self._told("buffer", name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Registration):
            raise TypeError(f"{torch.typename(module)} is not a Module subclass")
        self._check_name("module", name)
        self._modules[name] = self._told("module", name, module)

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

    def _told(self, kind, name, value):
        """What stands in the table after each global hook has seen the value, and perhaps returned another."""
        for hook in _HOOKS[kind].values():
            other = hook(self, name, value)
            value = value if other is None else other
        return value


def _check_none(value, kind, name, expected):
    if value is not None:
        raise TypeError(f"cannot assign '{torch.typename(value)}' as {kind} '{name}' ({expected} or None expected)")


_HOOKS: dict[str, OrderedDict] = {"parameter": OrderedDict(), "buffer": OrderedDict(), "module": OrderedDict()}


def _registered(kind, hook):
    handle = RemovableHandle(_HOOKS[kind])
    _HOOKS[kind][handle.id] = hook
    return handle


def register_module_parameter_registration_hook(hook):
    """Call hook(module, name, parameter) whenever a parameter is registered anywhere."""
    return _registered("parameter", hook)


def register_module_buffer_registration_hook(hook):
    return _registered("buffer", hook)


def register_module_module_registration_hook(hook):
    return _registered("module", hook)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a dictionary needs no registration: its keys are the names"),
    Absent("a dictionary needs no registration: its keys are the names"),
    Registration,
    Absent("torch.nn.Module has it in one class with the rest, see nn.module"),
)
