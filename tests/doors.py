"""The doors of the ladder, one a family: how a stranger's code becomes a rung, and how it is told where it differs.

A concept of a family with a door is a role as soon as it exists.  An adapter says of what a subject lacks that it is
missing, and of what it keeps to itself, its state, nothing: that is its own business.
"""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from tests import strategies
from tests.cells import LADDERS
from tests.exactness import Different
from tests.exactness.untold import UNTOLD
from tests.observe import nn as observed_nn
from tests.observe import optim as observed_optim
from tests.strategies import optim as drawn_optim


class Missing(Exception):
    """The subject lacks what a law asks for, which is no fault."""


class Door(NamedTuple):
    needs: str
    optional: str
    adapt: Callable  # (what the stranger wrote) -> what stands in the place of `custom`
    narrow: Callable  # (role, accepts) -> problems are drawn with the options that it has
    observe: Callable
    problems: Callable


def of(concept):
    return DOORS.get(concept.partition(".")[0]) if concept not in CLOSED else None


def options(thing):
    """The names that may be given to it, or None for any."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def refuse_missing(accepts, given):
    for name in given:
        if accepts is not None and name not in accepts:
            raise Missing(f"{name} (absent)")


# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def optimizer(thing):
    """A class in torch's manner, whatever it inherits, or a function returning (init, update) in optax's."""
    accepts = options(thing)
    torch_style = isinstance(thing, type) or accepts is None or "params" in accepts
    make = functools.partial(_Stepper if torch_style else _Functional, thing, accepts)
    make.accepts = accepts
    return make


class _Groups:
    """What the laws ask of any optimizer: groups with options of their own, and gradients cleared."""

    def __init__(self, thing, accepts, groups):
        self.thing, self.param_groups = thing, groups
        for group in groups:
            refuse_missing(accepts, group.keys() - {"params", "lr"})

    def zero_grad(self, set_to_none=True):
        for p in (p for group in self.param_groups for p in group["params"]):
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad.zero_()

    def state_dict(self):
        return {"state": _Everywhere()}


class _Everywhere(dict):
    """For every parameter a state that nobody can see."""

    def get(self, _, default=None):
        return UNTOLD


class _Stepper(_Groups):
    """An object with step(): one for all groups when it is an Optimizer of torch's, else one per group."""

    def __init__(self, thing, accepts, groups):
        super().__init__(thing, accepts, groups)
        if isinstance(thing, type) and issubclass(thing, torch.optim.Optimizer):
            self.inner = [thing([dict(group) for group in groups], **_rate(thing))]
            self.param_groups = self.inner[0].param_groups
            self.zero_grad = self.inner[0].zero_grad
        else:
            self.inner = []

    def step(self):
        if not self.inner:
            self.inner = [self.thing(g["params"], **{k: v for k, v in g.items() if k != "params"}) for g in self.param_groups]
        for inner, group in zip(self.inner, self.param_groups, strict=False):
            if inner is not None and not isinstance(inner, torch.optim.Optimizer):
                self._rate(inner, group)
        for inner in self.inner:
            inner.step()

    @staticmethod
    def _rate(inner, group):
        if hasattr(inner, "param_groups"):
            inner.param_groups[0]["lr"] = group["lr"]
        elif hasattr(inner, "lr"):
            inner.lr = group["lr"]
        else:
            raise Missing("lr or param_groups, by which the rate changes (absent)")

    def load_state_dict(self, saved):
        if not self.inner:
            raise Missing("load_state_dict (absent)")
        places = [(group, p) for group in self.param_groups for p in group["params"]]
        for (group, p), state in zip(places, saved["state"].values(), strict=True):
            if self._names(group, p) != state.keys():
                raise Missing("a state under torch's names (absent)")
        self.inner[0].load_state_dict(self.inner[0].state_dict() | {"state": saved["state"]})

    def _names(self, group, p):
        """The names under which the subject keeps what it remembers of one parameter."""
        leaf = torch.zeros_like(p, requires_grad=True)
        leaf.grad = torch.ones_like(leaf)
        probe = self.thing([{**group, "params": [leaf]}], **_rate(self.thing))
        probe.step()
        return {name for name, value in probe.state[leaf].items() if value is not None}


def _rate(thing):
    """A rate for a class that has no default one; every group has its own."""
    parameter = inspect.signature(thing).parameters.get("lr")
    return {"lr": 0.1} if parameter is not None and parameter.default is parameter.empty else {}


class _Functional(_Groups):
    """init(w) -> state and update(g, state, w) -> (what is added to w, state), on arrays."""

    def __init__(self, thing, accepts, groups):
        super().__init__(thing, accepts, groups)
        self.state = {}

    def step(self):
        for group in self.param_groups:
            rule = self.thing(**{k: v for k, v in group.items() if k != "params"})
            for p in group["params"]:
                if p.grad is not None:
                    self._move(rule, p)

    def _move(self, rule, p):
        w, g = p.detach().numpy().copy(), p.grad.numpy().copy()
        if p not in self.state:
            self.state[p] = rule.init(w)
        change, self.state[p] = rule.update(g, self.state[p], w)
        moved = np.asarray(w + np.asarray(change))
        if (moved.dtype, moved.shape) != (w.dtype, w.shape):
            raise Different(f"the parameter became {moved.dtype}{list(moved.shape)}, it was {w.dtype}{list(w.shape)}")
        p.data.copy_(torch.as_tensor(moved))

    def load_state_dict(self, _):
        raise Missing("load_state_dict (absent)")


def narrow_settings(role, accepts):
    drawn = drawn_optim.SETTINGS[role]
    if accepts is not None:
        drawn_optim.SETTINGS[role] = drawn.map(lambda options: {k: v for k, v in options.items() if k in accepts})


# ── layers and losses ───────────────────────────────────────────────────────────────────────────


def module(thing):
    """An nn.Module, an object with forward and backward on arrays, or a function of tensors or arrays."""
    accepts = options(thing)
    if isinstance(thing, type) and issubclass(thing, torch.nn.Module):
        make = lambda *sizes, **given: refuse_missing(accepts, given) or thing(*sizes, **given)
    else:
        make = lambda *_, **given: refuse_missing(accepts, given) or _Called(thing, given)
    make.accepts = accepts
    return make


class _Called(torch.nn.Module):
    """A module around what is called with its inputs and then its parameters, in torch's order."""

    def __init__(self, thing, settings):
        super().__init__()
        self.thing, self.settings = thing, settings

    def load_state_dict(self, named):
        for name, value in named.items():
            self.register_parameter(name, torch.nn.Parameter(value.detach().clone()))

    def forward(self, *inputs):
        inputs = (*inputs, *self.parameters())
        if isinstance(self.thing, type):
            return _OnArrays.apply(self.thing(**self.settings), *inputs)
        if not _is_of_arrays(self.thing, inputs, self.settings):
            return self.thing(*inputs, **self.settings)
        return _OnArrays.apply(_Function(self.thing, self.settings), *inputs)


def _is_of_arrays(function, inputs, settings):
    """Whether a function is one of arrays: tensors that need gradients are not what it can be given."""
    try:
        return not isinstance(function(*inputs, **settings), torch.Tensor)
    except (RuntimeError, TypeError, AttributeError, ValueError):
        try:
            function(*map(_array, inputs), **{k: _array(v) for k, v in settings.items()})
        except Exception:
            return False
        return True


class _Function:
    """A function that returns its value, or its value and its gradients, which is a layer that is called once."""

    def __init__(self, function, settings):
        self.function, self.settings = function, {k: _array(v) for k, v in settings.items()}

    def forward(self, *inputs):
        y = self.function(*inputs, **self.settings)
        y, self.gradients = y if isinstance(y, tuple) else (y, None)
        return y

    def backward(self, dy):
        if self.gradients is None:
            raise Missing("gradient (absent)")
        many = self.gradients if isinstance(self.gradients, tuple) else (self.gradients,)
        return tuple(None if g is None else np.asarray(g) * dy for g in many)


class _OnArrays(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layer, *inputs):
        ctx.layer, ctx.like = layer, inputs
        return torch.as_tensor(np.array(layer.forward(*map(_array, inputs))))

    @staticmethod
    def backward(ctx, dy):
        grads = ctx.layer.backward(_array(dy))
        grads = list(grads) if isinstance(grads, tuple | list) else [grads]
        grads += [None] * (len(ctx.like) - len(grads))
        return None, *[None if g is None or not n else _like(g, x) for g, x, n in zip(grads, ctx.like, ctx.needs_input_grad[1:], strict=True)]


def _like(g, x):
    g = np.asarray(g)
    if (g.shape, str(g.dtype)) != (tuple(x.shape), str(x.dtype).removeprefix("torch.")):
        raise Different(f"a gradient is {g.dtype}{list(g.shape)}, what it belongs to {x.dtype}{list(x.shape)}")
    return torch.as_tensor(np.array(g))


def _array(x):
    return x.detach().numpy().copy() if isinstance(x, torch.Tensor) else x


def narrow_problems(role, accepts):
    if accepts is None:
        return
    drawn, pair = _tables(role)[0][role], LADDERS[role].manual

    def narrowed(dtype, **how):
        return drawn(dtype, **how).map(without).filter(lambda problem: problem is not None)

    def without(problem):
        kept = problem._replace(settings={k: v for k, v in problem.settings.items() if k in (*accepts, "training")})
        if kept.settings == problem.settings:
            return problem
        try:
            y = observed_nn.observe(Rung.MANUAL, pair, kept)["output"]
        except Exception:
            return None
        return kept if y.shape == problem.dy.shape and np.all(np.isfinite(y)) else None

    for table in _tables(role):
        table[role] = narrowed


def _tables(role):
    """Where the problems of a role are looked up."""
    return [module.PROBLEMS for module in STRATEGIES if role in getattr(module, "PROBLEMS", ())]


def _drawn(role, dtype):
    return _tables(role)[0][role](dtype)


STRATEGIES = [importlib.import_module(f"tests.strategies.{m.name}") for m in pkgutil.iter_modules(strategies.__path__)]
DOORS = {
    "optim": Door(
        "a class NAME(params, lr=...) with step(), or a function of the options returning init(w) and update(g, state, w)",
        "zero_grad, param_groups, load_state_dict, every option of torch's",
        optimizer,
        narrow_settings,
        observed_optim.observe,
        drawn_optim.problems,
    ),
    **dict.fromkeys(
        ("nn", "losses"),
        Door(
            "an nn.Module, a class with forward(*inputs, *parameters) and backward(dy), or a function of the same",
            "the gradients, every option of torch's",
            module,
            narrow_problems,
            observed_nn.observe,
            _drawn,
        ),
    ),
}
# What a family shares is no role: it has no problem of its own.
CLOSED = {c for c in LADDERS if c.startswith("optim.") and c not in drawn_optim.SETTINGS} | {
    c for c in LADDERS if c.startswith(("nn.", "losses.")) and not _tables(c)
}
