"""The door for layers and losses: a module, a function of tensors or arrays, or a class with forward and backward."""

import functools
import inspect

import hypothesis
import numpy as np
import torch

from impls.ladder import Rung
from tests.capabilities import Missing, left_to, refuse_missing, taken, takes, untouched
from tests.cells import LADDERS
from tests.engine import Different
from tests.families import Run, entry_of
from tests.nn.trace import ARRAYS, observe

NEEDS = (
    "an nn.Module, a function of the inputs and then the parameters, or a class with forward(*inputs) and backward(dy)"
)
OPTIONAL = "every option of torch's; gradients: by autograd, or from a function of arrays as (value, gradients)"


def asks(role):
    return NEEDS, OPTIONAL


def asked_of(entry, role, thing, draw):
    """How problems are drawn in which only the gradients are asked for that a stranger's piece returns."""
    if _is_module(thing):
        return draw
    known = _manner(role, thing).gradients
    return lambda dtype, **ask: draw(dtype, **ask).map(lambda problem: _asking(problem, known))


def without(role, thing, problem):
    """The problem without the options that a subject lacks, or None where that makes it another one."""
    settings = taken(thing, problem.settings, "training")
    kept = problem._replace(settings=settings)
    if settings == problem.settings or settings.keys() == problem.settings.keys():
        return problem
    try:
        y = observe(Run(Rung.MANUAL, LADDERS[role].manual), kept)["output"]
    except Exception:
        return None
    return kept if y.shape == problem.dy.shape and np.all(np.isfinite(y)) else None


def _asking(problem, gradients):
    """The problem, in which only the gradients are asked for that a subject returns."""
    return problem._replace(needs=tuple(needed and i < gradients for i, needed in enumerate(problem.needs)))


def adapt(role, thing):
    if _is_module(thing):
        return Rung.CUSTOM, functools.partial(_built, thing, LADDERS[role].native)
    of_arrays, spared = _manner(role, thing).of_arrays, functools.partial(left_to, thing, LADDERS[role].native)
    called = lambda *inputs, **settings: _called(thing, of_arrays, *inputs, **spared(settings))
    called.init = _no_init
    return Rung.RAW, called


def _no_init(*_, **__):
    raise Missing("initial parameters (absent)")


# ── modules ─────────────────────────────────────────────────────────────────────────────────────


def _is_module(thing):
    return isinstance(thing, type) and issubclass(thing, torch.nn.Module)


def _built(cls, native, *sizes, **given):
    """A module whose every call is watched; device and dtype it need not know."""
    given = left_to(cls, native, inspect.signature(native).bind(*sizes, **given).arguments)
    place = {k: given.pop(k) for k in ("device", "dtype") if k in given and not takes(cls, k)}
    refuse_missing(cls, given)
    module = cls(**given).to(**{k: v for k, v in place.items() if v is not None})
    module.register_forward_pre_hook(_enter)
    module.register_forward_hook(_leave)
    return module


def _enter(module, inputs):
    module.watch = untouched(*(() if getattr(module, "inplace", False) else inputs))
    module.watch.__enter__()


def _leave(module, _, y):
    module.watch.__exit__(None, None, None)
    _check_tensor(y[0] if getattr(module, "return_indices", False) else y)


def _check_tensor(y):
    if not isinstance(y, torch.Tensor):
        raise Different(f"it returns {'None' if y is None else type(y).__name__}, not a tensor")


# ── functions, and classes that are not modules ─────────────────────────────────────────────────


def _called(thing, of_arrays, *inputs, **settings):
    """The raw rung of what is called with its inputs and then its parameters, in torch's order."""
    refuse_missing(thing, settings)
    with untouched(*inputs):
        if of_arrays:
            settings = {k: _array(v) for k, v in settings.items()}
            return _OnArrays.apply(thing(**settings) if isinstance(thing, type) else _Once(thing, settings), *inputs)
        y = thing(**settings)(*inputs) if isinstance(thing, type) else thing(*inputs, **settings)
    _check_tensor(y[0] if settings.get("return_indices") else y)
    return y


class _Once:
    """A function of arrays as a layer that is called once: it returns a value, or a value and its gradients."""

    def __init__(self, function, settings):
        self.function, self.settings = function, settings

    def forward(self, *inputs):
        y = self.function(*inputs, **self.settings)
        y, self.gradients = y if isinstance(y, tuple) else (y, ())
        self.gradients = self.gradients if isinstance(self.gradients, tuple) else (self.gradients,)
        return y

    def backward(self, dy):
        return tuple(None if g is None else np.asarray(g) * dy for g in self.gradients)


class _OnArrays(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layer, *inputs):
        ctx.layer, ctx.inputs = layer, inputs
        y = layer.forward(*map(_array, inputs))
        if y is None:
            raise Different("it returns None")
        return torch.as_tensor(np.array(y))

    @staticmethod
    def backward(ctx, dy):
        grads = ctx.layer.backward(_array(dy))
        grads = list(grads) if isinstance(grads, tuple | list) else [grads]
        return None, *[
            _like(grads[i : i + 1], x) if needed else None
            for i, (x, needed) in enumerate(zip(ctx.inputs, ctx.needs_input_grad[1:], strict=True))
        ]


def _like(grads, x):
    if not grads:
        raise Missing("gradient (absent)")
    g = np.asarray(grads[0])
    if (g.shape, str(g.dtype)) != (tuple(x.shape), str(x.dtype).removeprefix("torch.")):
        raise Different(f"a gradient is {g.dtype}{list(g.shape)}, what it belongs to {_array(x).dtype}{list(x.shape)}")
    return torch.as_tensor(np.array(g))


def _array(x):
    return x.detach().numpy().copy() if isinstance(x, torch.Tensor) else x


class Manner:
    """What a function is one of, and how many gradients it returns; tried on one problem."""

    def __init__(self, of_arrays, gradients):
        self.of_arrays, self.gradients = of_arrays, gradients


MANY = 100  # gradients: however many are asked for


@functools.cache
def _manner(role, thing):
    if isinstance(thing, type):
        return Manner(hasattr(thing, "backward"), MANY)
    problem = _some_problem(role)
    settings = taken(thing, problem.settings)
    tensors = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in problem.inputs.values()]
    try:
        y = thing(*tensors, **{k: torch.tensor(v) if isinstance(v, ARRAYS) else v for k, v in settings.items()})
        if isinstance(y, torch.Tensor):
            return Manner(False, MANY)
    except Exception:  # the arrays will tell
        pass
    try:
        y = thing(*[a.copy() for a in problem.inputs.values()], **settings)
    except Exception:  # tensors, then: the laws will tell what it raises
        return Manner(False, MANY)
    gradients = y[1] if isinstance(y, tuple) else ()
    return Manner(not isinstance(y, torch.Tensor), len(gradients) if isinstance(gradients, tuple) else 1)


@functools.cache
def _some_problem(role):
    quiet = hypothesis.settings(max_examples=50, derandomize=True, database=None, phases=[hypothesis.Phase.generate])
    return hypothesis.find(entry_of(role).draw("float64"), lambda problem: problem.dy.size, settings=quiet)


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def searched(entry, dtype):
    return [entry.problems(dtype)]


def describe(problem):
    parts = problem.inputs | problem.settings | {"gradient_from_above": problem.dy}
    return " ".join(f"{k}={v.tolist() if isinstance(v, ARRAYS) else repr(v)}" for k, v in parts.items())


def where(path, problem):
    return [" of ".join(map(str, path[:2])), *path[2:]] if path[0] == "gradient" else [*path]


def until(path, problem):
    return problem


def reproduce(subject, thing, native, problem, dtype, path=()):
    """Lines that print the value and the gradients that are asked for, first the subject's and then torch's."""
    spared = left_to(thing, LADDERS[subject.role].native, problem.settings)
    names, settings = list(problem.inputs), {k: v for k, v in spared.items() if k != "training"}
    of_arrays = not _is_module(thing) and _manner(subject.role, thing).of_arrays
    given, training = (
        _construction(thing, problem, LADDERS[subject.role].native),
        problem.settings.get("training", True),
    )
    owned = [name for name in names if name in ("weight", "bias") and "input" not in names]
    inputs = [name for name in names if name not in owned]
    call = lambda cls: _call(cls, given, inputs, owned, dtype, training)
    needed = ", ".join(name for name, asked in zip(names, problem.needs, strict=True) if asked)

    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    for name, asked in zip(names, problem.needs, strict=True):
        yield f"{name} = {_literal(problem.inputs[name], asked)}"
    yield f"dy = {_literal(problem.dy)}  # the gradient from above"
    yield "def plain(v):"
    yield "    return [plain(e) for e in v] if isinstance(v, tuple | list) else v if v is None else v.tolist()"
    yield "def show(y):"
    yield (f"    grads = torch.autograd.grad(y, [{needed}], dy, allow_unused=True)" if needed else "    grads = []")
    yield "    print(plain([y, *grads]))"
    yield from [f"torch.manual_seed({problem.seed})"] * (problem.seed is not None)
    options = ", ".join(f"{k}={_literal(v)}" for k, v in settings.items())
    arrays = ", ".join(f"{name}.detach().numpy()" for name in names)
    if _is_module(thing):
        yield f"show({call(subject.name)})"
    elif of_arrays and isinstance(thing, type):
        yield f"layer = {subject.name}({options})"
        yield f"print(plain([layer.forward({arrays}), layer.backward(dy.numpy())]))"
    elif of_arrays:
        called = ", ".join([arrays, *[options] * bool(options)])
        yield f"print(plain({subject.name}({called})))  # its gradients before dy"
    elif isinstance(thing, type):
        yield f"show({subject.name}({options})({', '.join(names)}))"
    else:
        yield f"show({subject.name}({', '.join([*names, *[options] * bool(options)])}))"
    yield from [f"torch.manual_seed({problem.seed})"] * (problem.seed is not None)
    yield f"show({call(native)})"


def _call(cls, given, inputs, owned, dtype, training):
    """A module, with the parameters that it is handed, called with its inputs."""
    module = f"{cls}({given}){'' if training else '.eval()'}"
    if not owned:
        return f"{module}({', '.join(inputs)})"
    state = ", ".join(f"{name!r}: {name}" for name in owned)
    return f"torch.func.functional_call({module}.to(torch.{dtype}), {{{state}}}, ({', '.join(inputs)},))"


class _Recorded(Exception):
    pass


def _construction(thing, problem, native):
    """How a module is built for a problem, as it is written."""

    def record(*sizes, **given):
        raise _Recorded(inspect.signature(native).bind(*sizes, **given).arguments)

    try:
        observe(Run(Rung.CUSTOM, record), problem)
    except _Recorded as recorded:
        given = left_to(thing, native, recorded.args[0])
        return ", ".join(f"{k}={_literal(v)}" for k, v in given.items() if k not in ("device", "dtype"))


def _literal(x, needed=False):
    if isinstance(x, torch.Tensor):
        x = x.numpy()
    if not isinstance(x, ARRAYS):
        return repr(x)
    return f"torch.tensor({x.tolist()}, dtype=torch.{x.dtype}{', requires_grad=True' if needed else ''})"
