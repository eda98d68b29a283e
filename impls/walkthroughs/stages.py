"""What the walkthroughs share: a program in stages, each of which replaces one piece of the stage before it.

A stage is a generator and a whole program.  It is handed a library, impls.custom or impls.native, whose names are
torch's, and its data.  It makes its parameters and yields them; then, after every step, it yields what went in, the
loss and the parameters, so that whoever runs it sees every step and no stage has a line for being watched beyond
`yield`:

    yield model
    yield x, y, loss, model

Stages stand in lines.  All stages of a line take the same step; a line ends where a document itself changes what is
computed, by another optimizer or other batches.
"""

import inspect
import itertools
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from impls import manual

MNIST = "data"  # where MNIST's files are looked for, as torchvision lays them out
ROWS = 1797  # as many images as the digits have


class Formula(NamedTuple):
    """What a step is, in the words of the manual rung."""

    layers: dict[str, manual.Layer]
    loss: Any
    update: Callable
    tree: Callable[[list], dict]  # the arrays that a stage yields, as the manual rung's nested dictionary


class Line(NamedTuple):
    """Stages that take the same step: to the bit, but for those that are said to round elsewhere."""

    title: str
    stages: list[Callable]
    formula: Formula | None = None  # None: a line of one stage, with nothing to be compared with
    rounds: Mapping[Callable, str] = MappingProxyType({})  # why a stage's operations are not those of the one above


class Erratum(NamedTuple):
    """A listing that, as printed, fails or computes something else."""

    printed: str  # what stands there
    fails: str  # what comes of it, word for word
    show: Callable[[], str]  # does it, and returns what came of it
    mended: str  # by which stage, or how


class Step(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    params: list[np.ndarray]


class Run(NamedTuple):
    start: list[np.ndarray]
    generator: torch.Tensor  # the state of torch's generator when the parameters were made
    steps: list[Step]


def run(stage, library, data, count=None):
    """Run a stage for `count` steps, or to its end."""
    program = stage(library, *data)
    start = arrays(next(program))
    generator = torch.get_rng_state()
    steps = [
        Step(array(x), array(y), array(loss), arrays(params)) for x, y, loss, params in itertools.islice(program, count)
    ]
    return Run(start, generator, steps)


def arrays(holder):
    """The parameters of whatever holds them, as arrays of their own: a module, a tensor, or several of either."""
    if hasattr(holder, "parameters"):
        return arrays(list(holder.parameters()))
    if isinstance(holder, list | tuple):
        return [a for part in holder for a in arrays(part)]
    return [array(holder)]


def array(x):
    return x.detach().cpu().numpy().copy() if isinstance(x, torch.Tensor) else np.array(x)


def same_task(a, b):
    """Whether two runs start from the same parameters and are shown the same batches."""
    return _bytes(a.start) == _bytes(b.start) and _batches(a) == _batches(b)


def same_bits(a, b):
    """Whether two runs of one task never differ in one bit."""
    return same_task(a, b) and _bytes(_results(a)) == _bytes(_results(b))


def _batches(run):
    return [_bytes((step.x, step.y)) for step in run.steps]


def _results(run):
    return [result for step in run.steps for result in (step.loss, *step.params)]


def _bytes(arrays):
    return [a.tobytes() for a in arrays]


def title(stage):
    return inspect.getdoc(stage).splitlines()[0]


def listing(stage):
    """The lines of a stage's program, without its name and docstring."""
    text = textwrap.dedent(inspect.getsource(stage))
    body = text.partition('"""')[2].partition('"""')[2]
    return [line for line in textwrap.dedent(body).splitlines() if line.strip()]


class Images(NamedTuple):
    what: str
    x: torch.Tensor
    y: torch.Tensor


def images():
    """MNIST where its files are, otherwise scikit-learn's digits."""
    try:
        x, y = manual.sources.mnist(MNIST)
        what = f"MNIST, its first {ROWS} images"
    except RuntimeError:
        x, y = manual.sources.digits(np.float32)
        what = f"scikit-learn's {len(x)} digits: MNIST's files are not in {MNIST}/, and nothing is downloaded"
    return Images(what, torch.from_numpy(x[:ROWS]), torch.from_numpy(y[:ROWS]))


def outcome(attempt):
    """What comes of an attempt: an error in its words, or what it returns."""
    try:
        return attempt()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
