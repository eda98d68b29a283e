"""A layer's trace, and a loss's: what comes out, the gradient of all that has one, and where the generator is left.

A problem says what goes in, what gradient comes back from above, and whose gradients are needed.
"""

import inspect
import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from impls.nn.batch_norm1d import Stats
from impls.nn.sequential import Layer
from tests.cells import LADDERS
from tests.engine.arrays import in_any_order, snapshot, tensor
from tests.families import plain_words
from tests.rng.trace import state_of

ARRAYS = np.ndarray | np.generic  # an array of no dimensions may come as a scalar


class Problem(NamedTuple):
    inputs: dict[str, np.ndarray]  # x and the parameters, or input and target, in the manual rung's order
    needs: tuple[bool, ...]  # whose gradients are asked for
    dy: np.ndarray
    settings: dict[str, Any]
    seed: int | None = None  # of the generator, where the layer draws
    born: dict[str, Any] = {}  # what only a class is told, at construction
    stats: dict[str, Any] | None = None  # what the layer remembers of the batches before


def observe(run, problem):
    """Go forward and back on a rung."""
    rung, impl, device = run.rung, run.impl, run.device
    if rung is Rung.MANUAL:
        return _manual(run, problem)
    with torch.random.fork_rng(devices=()), in_any_order(device):
        leaves = {name: tensor(a, device) for name, a in problem.inputs.items()}
        is_function = rung is Rung.RAW or inspect.isbuiltin(impl)
        if not is_function:
            module = _module(impl, problem, leaves)
            leaves |= module.named_parameters()
        for leaf, needed in zip(leaves.values(), problem.needs, strict=True):
            leaf.requires_grad_(needed)
        generator = torch.default_generator.manual_seed(problem.seed or 0)
        if is_function:
            drawn = {"generator": generator} if rung is Rung.RAW and problem.seed is not None else {}
            y = _called(impl, leaves, problem, drawn)
            y, left = y if isinstance(y, tuple) else (y, generator)
        else:
            y = _passed(module, leaves)
            left = generator if problem.stats is None else Stats(*module.buffers())
        if y.requires_grad:
            y.backward(tensor(problem.dy, device))
        return _trace(y, [leaf.grad for leaf in leaves.values()], problem, left)


def _manual(run, problem):
    pair, lift = run.impl, run.lift
    lifted = lambda a: lift(a) if isinstance(a, ARRAYS) and a.dtype.kind == "f" else a
    inputs, settings = map(lifted, problem.inputs.values()), {k: lifted(v) for k, v in problem.settings.items()}
    rng = () if problem.seed is None else (run.ladders["rng"].manual.seed(problem.seed),)
    if problem.stats is not None:
        settings["stats"] = Stats(*map(lifted, problem.stats.values()))
    y, saved, *left = pair.forward(*inputs, *rng, **settings)
    return _trace(y, pair.backward(lift(problem.dy), saved, problem.needs), problem, *left)


def _called(function, leaves, problem, drawn):
    if problem.stats is not None:
        drawn |= {"stats": Stats(*_tensors(problem.stats, leaves).values())}
    return function(*leaves.values(), **_tensors(problem.settings, leaves), **drawn)


def _module(cls, problem, leaves):
    """A module with the problem's settings and parameters."""
    settings = _tensors(problem.settings, leaves)
    if problem.born or "weight" not in leaves:
        training = settings.pop("training", True)
        last = list(leaves.values())[-1]
        kind = {"dtype": last.dtype, "device": last.device} if problem.born else {}
        module = cls(**problem.born, **settings, **kind).train(training)
        given = settings | leaves | _tensors(problem.stats or {}, leaves)
        module.load_state_dict({name: torch.as_tensor(given[name]) for name in module.state_dict()})
        return module
    weight, bias = leaves["weight"], leaves.get("bias")
    module = cls(*weight.T.shape, bias is not None, weight.device, weight.dtype)
    module.load_state_dict({name: leaf for name, leaf in leaves.items() if name != "x"})
    return module


def _passed(module, leaves):
    own = dict(module.named_parameters())
    x, *rest = (leaf for name, leaf in leaves.items() if name not in own)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction: 'mean' divides")  # what KLDivLoss says of its own default
        warnings.filterwarnings("ignore", "Using padding='same'")  # and Conv2d of what it costs
        return module(x.clone() if getattr(module, "inplace", False) else x, *rest)  # a leaf is not changed in place


def _tensors(settings, leaves):
    device = next(iter(leaves.values())).device
    return {k: tensor(v, device) if isinstance(v, ARRAYS) else v for k, v in settings.items()}


def _trace(y, gradients, problem, left=None):
    trace = {"output": snapshot(y), "gradient": dict(zip(problem.inputs, map(snapshot, gradients), strict=False))}
    if problem.seed is not None:
        trace["generator"] = (state_of(left) if isinstance(left, torch.Generator) else left)._asdict()
    if problem.stats is not None:
        trace["stats"] = [snapshot(left.running_mean), snapshot(left.running_var), int(left.num_batches_tracked)]
    return trace


def initial(rung, impl, seed, dtype, *sizes, **options):
    """The parameters with which a layer is born from a seed, and the generator after that."""
    if rung is Rung.MANUAL:
        params, rng = impl.init(LADDERS["rng"].manual.seed(seed), *sizes, **options, dtype=np.dtype(dtype).type)
        return {"parameters": params, "generator": rng._asdict()}
    with torch.random.fork_rng(devices=()):
        generator, kind = torch.default_generator.manual_seed(seed), getattr(torch, dtype)
        if rung is Rung.RAW:
            params, generator = impl.init(generator, *sizes, **options, dtype=kind)
        else:
            params = dict(impl(*sizes, **options, dtype=kind).named_parameters())
        return {
            "parameters": {name: snapshot(w) for name, w in params.items()},
            "generator": state_of(generator)._asdict(),
        }


# ── the derivative along a line ──


def along(pair, problem, name, v):
    """<u, f'v> for u the gradient from above and f' the derivative of a manual rung's output with respect to one input.

    By the complex step: f(x + ihv) = f(x) + ih f'v, whose imaginary part no subtraction spoils.  h is so small that its
    square is nothing, and a power of two: nothing rounds that did not round in f.  One input at a time, for what
    another adds could be so much larger that the sum has no digits left for this one.
    """
    h = np.ldexp(np.longdouble(1), -200)
    inputs, settings = ({k: _widened(a) for k, a in given.items()} for given in (problem.inputs, problem.settings))
    moved = inputs | {name: _moved(inputs[name] + 1j * h * v)}
    rng = () if problem.seed is None else (LADDERS["rng"].manual.seed(problem.seed),)
    stats = {} if problem.stats is None else {"stats": Stats(*problem.stats.values())}
    y, *_ = pair.forward(*moved.values(), *rng, **settings, **stats)
    return (np.asarray(y).imag / h * problem.dy).sum().astype(problem.dy.dtype)


def _widened(a):
    """Real numbers in longdouble, for what stands beside the step must round no more than the step does."""
    return a.astype(np.longdouble) if isinstance(a, ARRAYS) and a.dtype.kind == "f" else a


class Moved(np.ndarray):
    """Complex numbers, on which functions that are not analytic have a derivative too, at a kink the mean of both."""

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        plain = [np.asarray(x) for x in inputs]
        if "out" in settings:
            settings["out"] = tuple(np.asarray(x) for x in settings["out"])
        function = ALONG.get(ufunc.__name__, ufunc) if method == "__call__" else getattr(ufunc, method)
        return _moved(function(*plain, **settings))

    def __array_function__(self, function, types, args, kwargs):
        return _moved(super().__array_function__(function, types, args, kwargs))


def _moved(y):
    y = np.asarray(y)
    return y.view(Moved) if y.dtype.kind == "c" else y


ALONG = {
    "absolute": lambda z: np.sign(z.real) * z,
    "maximum": lambda a, b: np.where(a.real == b.real, (a + b) / 2, np.where(a.real > b.real, a, b)),
    "log1p": lambda z: np.log1p(z.real) + 1j * (z.imag / (1 + z.real)),
    "minimum": lambda a, b: a + b - ALONG["maximum"](a, b),
    "erf (vectorized)": lambda z: (
        np.frompyfunc(math.erf, 1, 1)(z.real).astype(z.real.dtype)
        + 2j / np.sqrt(np.pi) * np.exp(-z.real * z.real) * z.imag
    ),
}


# ── a chain of layers ──


class Chain(NamedTuple):
    layers: list[tuple[str, dict, dict]]  # (kind, parameters, settings), from below
    x: np.ndarray
    needs_x: bool
    dy: np.ndarray
    training: bool
    seed: int


def pass_through(run, chain):
    """Go through a chain forward and back; gradients come under the names that a module gives its parameters."""
    rung, impl, lift = run.rung, run.impl, run.lift
    if rung is Rung.MANUAL:
        layers, params = _parts(run, chain, lift)
        seed = run.ladders["rng"].manual.seed(chain.seed)
        y, saved, rng = impl.forward(lift(chain.x), layers, params, seed, chain.training)
        dx, grads = impl.backward(lift(chain.dy), saved, (chain.needs_x,))
        return _chain_trace(y, dx, grads, rng)
    x = tensor(chain.x).requires_grad_(chain.needs_x)
    with torch.random.fork_rng(devices=()):
        if rung is Rung.RAW:
            layers, params = _parts(run, chain, lambda a: tensor(a).requires_grad_())
            y = impl(x, layers, params, torch.default_generator.manual_seed(chain.seed), chain.training)
        else:
            model = impl(*[_layer(run, kind, params, settings) for kind, params, settings in chain.layers])
            torch.default_generator.manual_seed(chain.seed)
            y = model.train(chain.training)(x)
            params = {key: dict(layer.named_parameters()) for key, layer in model.named_children()}
        if y.requires_grad:
            y.backward(tensor(chain.dy))
        grads = {key: {name: p.grad for name, p in own.items()} for key, own in params.items()}
        return _chain_trace(y, x.grad, grads, state_of(torch.default_generator))


def _parts(run, chain, lift):
    """The layers and their parameters, on the rungs that have no objects."""
    layers, every = {}, {}
    for i, (kind, params, settings) in enumerate(chain.layers):
        layers[str(i)] = Layer(getattr(run.ladders[f"nn.{kind}"], run.rung), tuple(params), settings, kind == "dropout")
        if params:
            every[str(i)] = {name: lift(w) for name, w in params.items()}
    return layers, every


def _layer(run, kind, params, settings):
    cls = getattr(run.ladders[f"nn.{kind}"], run.rung)
    if not params:
        return cls(**settings)
    leaves = {name: tensor(w) for name, w in params.items()}
    module = cls(*leaves["weight"].T.shape, "bias" in leaves, dtype=leaves["weight"].dtype)
    module.load_state_dict(leaves)
    return module


def _chain_trace(y, dx, grads, rng):
    named = {f"{key}.{name}": snapshot(g) for key, own in sorted(grads.items()) for name, g in own.items()}
    return {"output": snapshot(y), "x": snapshot(dx), "gradient": named, "generator": rng._asdict()}


# ── modules ──


def outcome(act):
    """What an act gives, in plain terms, or the class and the words of what it raises."""
    try:
        return told(act())
    except Exception as raised:
        return type(raised).__name__, plain_words(raised)


def told(x):
    if isinstance(x, torch.Tensor):
        return [snapshot(x), x.requires_grad, x.is_leaf]
    if isinstance(x, dict):
        return {key: told(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [told(value) for value in x]
    if inspect.ismethod(x):
        return "a method"
    return x if isinstance(x, str | int | float | np.ndarray | None) else repr(x)


def tree(module):
    """All that a module tells of itself."""
    return {
        "repr": repr(module),
        "parameters": told(list(module.named_parameters())),
        "every name of a parameter": [name for name, _ in module.named_parameters(remove_duplicate=False)],
        "its own": [name for name, _ in module.named_parameters(recurse=False)],
        "under a prefix": [name for name, _ in module.named_parameters("p")],
        "buffers": told(list(module.named_buffers())),
        "modules": [(name, m.training) for name, m in module.named_modules()],
        "every name of a module": [name for name, _ in module.named_modules(remove_duplicate=False)],
        "children": [name for name, _ in module.named_children()],
        "state": told(module.state_dict()),
        "counts": [
            len(list(found())) for found in (module.parameters, module.buffers, module.modules, module.children)
        ],
    }
