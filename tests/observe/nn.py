"""A layer's trace, and a loss's: what comes out, the gradient of all that has one, and where the generator is left.

A problem says what goes in, what gradient comes back from above, and whose gradients are needed.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.observe.rng import state_of
from tests.observe.tensors import seen, tensor


class Problem(NamedTuple):
    inputs: dict[str, np.ndarray]  # x and the parameters, or input and target, in the manual rung's order
    needs: tuple[bool, ...]  # whose gradients are asked for
    dy: np.ndarray
    settings: dict[str, Any]
    seed: int | None = None  # of the generator, where the layer draws


def observe(rung, impl, problem, *, lift=lambda x: x, device="cpu"):
    """Go forward and back on a rung; `lift` makes the manual rung's numbers."""
    if rung is Rung.MANUAL:
        return _manual(impl, problem, lift)
    with torch.random.fork_rng(devices=()):
        leaves = {name: tensor(a, device) for name, a in problem.inputs.items()}
        if rung is not Rung.RAW:
            module = _module(impl, problem, leaves)
            leaves |= module.named_parameters()
        for leaf, needed in zip(leaves.values(), problem.needs, strict=True):
            leaf.requires_grad_(needed)
        generator = torch.manual_seed(problem.seed or 0)
        y = _called(impl, leaves, problem, generator) if rung is Rung.RAW else _passed(module, leaves)
        if y.requires_grad:
            y.backward(tensor(problem.dy, device))
        return _trace(y, [leaf.grad for leaf in leaves.values()], problem, state_of(generator))


def _manual(pair, problem, lift):
    lifted = lambda a: lift(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
    inputs, settings = map(lifted, problem.inputs.values()), {k: lifted(v) for k, v in problem.settings.items()}
    rng = () if problem.seed is None else (LADDERS["rng"].manual.seed(problem.seed),)
    y, saved, *rng = pair.forward(*inputs, *rng, **settings)
    return _trace(y, pair.backward(lift(problem.dy), saved, problem.needs), problem, *rng)


def _called(function, leaves, problem, generator):
    drawn = {} if problem.seed is None else {"generator": generator}
    return function(*leaves.values(), **_tensors(problem.settings, leaves), **drawn)


def _module(cls, problem, leaves):
    """A module with the problem's settings and parameters."""
    settings = _tensors(problem.settings, leaves)
    if "weight" not in leaves:
        training = settings.pop("training", True)
        return cls(**settings).train(training)
    weight, bias = leaves["weight"], leaves.get("bias")
    module = cls(*weight.T.shape, bias is not None, weight.device, weight.dtype)
    module.load_state_dict({name: leaf for name, leaf in leaves.items() if name != "x"})
    return module


def _passed(module, leaves):
    own = dict(module.named_parameters())
    x, *rest = (leaf for name, leaf in leaves.items() if name not in own)
    return module(x.clone() if getattr(module, "inplace", False) else x, *rest)  # a leaf is not changed in place


def _tensors(settings, leaves):
    device = next(iter(leaves.values())).device
    return {k: tensor(v, device) if isinstance(v, np.ndarray) else v for k, v in settings.items()}


def _trace(y, gradients, problem, rng=None):
    gradients = dict(zip(problem.inputs, map(seen, gradients), strict=False))
    return {"output": seen(y), "gradient": gradients} | ({} if problem.seed is None else {"generator": rng._asdict()})


# ── the derivative along a line ──


def along(pair, problem, directions):
    """The change of a manual rung's output per step along `directions`, one per input or None.

    By the complex step: f(x + ihv) = f(x) + ih f'(x) v, whose imaginary part no subtraction spoils.  h is so small
    that its square is nothing, and a power of two: nothing rounds that did not round in f.
    """
    h = np.ldexp(np.longdouble(1), -200)
    moved = [
        a if v is None else a.astype(np.clongdouble) + 1j * h * v
        for a, v in zip(problem.inputs.values(), directions, strict=True)
    ]
    rng = () if problem.seed is None else (LADDERS["rng"].manual.seed(problem.seed),)
    y, *_ = pair.forward(*moved, *rng, **problem.settings)
    return y.imag / h


# ── refusals ──


def refusal(attempt, cls):
    """The class and the words with which `attempt` on `cls` is refused or warned of."""
    with pytest.raises((Exception, Warning)) as refused:
        attempt(cls)
    words = str(refused.value)
    for home in (cls.__module__, "impls.nn.module", "torch.nn.modules.module"):
        words = words.replace(f"{home}.", "")
    return refused.type, words
