r"""The module: a tree that knows its parameters by name.

    named_parameters   own parameters in the order of registration, then those of each child, depth first
    a name             the path through the tree, joined by dots: "0.weight"
    a shared parameter appears once, under its first name; in the state under each of its names

Assigning registers: a Parameter, a Module or, once registered, a buffer goes into a dictionary of its kind, and anything
else stays an attribute, so that a list of layers hides its parameters.  Assigning again keeps a name's place; deleting
and assigning moves it to the end.  The order decides which state an optimizer gives to which parameter.

Shapes   any.
Units    none.
Raises   in native's words: AttributeError before __init__, TypeError for a value of the wrong kind, KeyError for a bad
         name, RuntimeError for a state that does not fit.
Source   torch/nn/modules/module.py (PyTorch 2.13).  Hooks, extra state, the state's metadata, and conversions
         other than of float dtype and device are concepts of their own, and not here yet.
"""

from collections import OrderedDict, namedtuple

import torch

from impls.ladder import Ladder
from impls.nn.parameter import Parameter

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def named_parameters_manual(tree, prefix="", seen=None):
    """Yield (name, array) for a nested dictionary of arrays, each array once."""
    seen = set() if seen is None else seen
    children = {name: value for name, value in tree.items() if isinstance(value, dict)}
    for name, value in tree.items():
        if name not in children and value is not None and id(value) not in seen:
            seen.add(id(value))
            yield prefix + name, value
    for name, child in children.items():
        yield from named_parameters_manual(child, f"{prefix}{name}.", seen)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def named_parameters_raw(tree, prefix="", seen=None):
    """Yield (name, leaf) for a nested dictionary of tensors, each leaf once; the walk is the manual one."""
    yield from named_parameters_manual(tree, prefix, seen)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

KINDS = ("_parameters", "_buffers", "_modules")


class Module:
    """Drop-in for torch.nn.Module."""

    def __init__(self, *args, **kwargs):
        if kwargs:
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args:
            raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        for name, value in (("training", True), *((kind, {}) for kind in KINDS), ("_non_persistent", set())):
            object.__setattr__(self, name, value)

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def forward(self, *args):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ── registration ──

    def __setattr__(self, name, value):
        self._assign(name, value)

    def _assign(self, name, value):
        held = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in held:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif name in held.get("_parameters", ()):
            _expect(value is None, value, "parameter", name, "torch.nn.Parameter")
            self._parameters[name] = None
        elif isinstance(value, Module):
            if "_modules" not in held:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            self._modules[name] = value
        elif name in held.get("_modules", ()):
            _expect(value is None, value, "child module", name, "torch.nn.Module")
            self._modules[name] = None
        elif name in held.get("_buffers", ()):
            expected = value is None or isinstance(value, torch.Tensor)
            _expect(expected, value, "buffer", name, "torch.nn.Buffer, torch.Tensor")
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name, kept):
        """Drop `name` wherever else it stands."""
        for held in (self.__dict__, *(self.__dict__[kind] for kind in KINDS if kind != kept)):
            held.pop(name, None)
        self._non_persistent.discard(name)

    def __getattr__(self, name):
        for kind in KINDS:
            held = self.__dict__.get(kind, ())
            if name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for kind in KINDS:
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                self._non_persistent.discard(name)
                return
        object.__delattr__(self, name)

    def _check_name(self, kind, name, held):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {torch.typename(name)}")
        if kind == "module" and hasattr(self, name) and name not in held:  # torch looks in this order, and adds what it got
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name, param):
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{torch.typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"cannot assign '{torch.typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{torch.typename(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    def register_module(self, name, module):
        self.add_module(name, module)

    # ── traversal ──

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def _named(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module.__dict__[kind].items():
                if value is not None and value not in seen:
                    if remove_duplicate:
                        seen.add(value)
                    yield _join(path, name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named("_parameters", prefix, recurse, remove_duplicate)

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named("_buffers", prefix, recurse, remove_duplicate)

    def named_children(self):
        seen = {None}
        for name, module in self._modules.items():
            if module not in seen:
                seen.add(module)
                yield name, module

    def parameters(self, recurse=True):
        yield from (value for _, value in self.named_parameters(recurse=recurse))

    def buffers(self, recurse=True):
        yield from (value for _, value in self.named_buffers(recurse=recurse))

    def modules(self):
        yield from (module for _, module in self.named_modules())

    def children(self):
        yield from (module for _, module in self.named_children())

    # ── what is done to the whole tree ──

    def apply(self, fn):
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        for p in self.parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad.detach_() if p.grad.grad_fn is not None else p.grad.requires_grad_(False)
                p.grad.zero_()

    def to(self, *args, **kwargs):
        """Convert every floating tensor in place, and move the others to the same device."""
        for module in self.modules():
            for p in filter(lambda p: p is not None, module._parameters.values()):
                p.data = _converted(p.data, args, kwargs)
                if p.grad is not None:
                    p.grad.data = _converted(p.grad.data, args, kwargs)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = _converted(buffer, args, kwargs)
        return self

    def float(self):
        return self.to(torch.float32)

    def double(self):
        return self.to(torch.float64)

    # ── state ──

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """Every tensor under each of its names, own ones first; they share their storage with the module."""
        destination = OrderedDict() if destination is None else destination
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _own_state(self):
        kept = {name: value for name, value in self._buffers.items() if name not in self._non_persistent}
        return {name: value for name, value in (self._parameters | kept).items() if value is not None}

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the tensors of `state_dict` into the module's own, or put them in their place; not atomic, as in torch."""
        if not isinstance(state_dict, dict):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, errors, expected = [], [], set()
        for path, module in self.named_modules(remove_duplicate=False):
            for name, value in module._own_state().items():
                key = _join(path, name)
                expected.add(key)
                if key not in state_dict:
                    missing.append(key)
                elif state_dict[key].shape != value.shape:
                    errors.append(
                        f"size mismatch for {key}: copying a param with shape {state_dict[key].shape} from checkpoint, "
                        f"the shape in current model is {value.shape}."
                    )
                else:
                    module._load(name, value, state_dict[key], assign)
        unexpected = [key for key in state_dict if key not in expected]
        if strict and unexpected:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        if strict and missing:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            lines = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}")
        return IncompatibleKeys(missing, unexpected)

    def _load(self, name, value, new, assign):
        if not assign:
            with torch.no_grad():
                value.copy_(new)
        elif name in self._parameters:
            self._parameters[name] = Parameter(new, value.requires_grad)
        else:
            self._buffers[name] = new

    # ── representation ──

    def extra_repr(self):
        return ""

    def __repr__(self):
        extra = [line for line in self.extra_repr().split("\n") if line]
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        lines = extra + children
        if len(extra) == 1 and not children:
            return f"{type(self).__name__}({extra[0]})"
        return f"{type(self).__name__}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    def __repr__(self):
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def _expect(met, value, kind, name, expected):
    if not met:
        raise TypeError(f"cannot assign '{torch.typename(value)}' as {kind} '{name}' ({expected} or None expected)")


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name


def _quoted(keys):
    return ", ".join(f'"{key}"' for key in keys)


def _converted(tensor, args, kwargs):
    if tensor.is_floating_point():
        return tensor.to(*args, **kwargs)
    return tensor.to(torch.empty(0, device=tensor.device).to(*args, **kwargs).device)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(named_parameters_manual, named_parameters_raw, Module, torch.nn.Module)
