"""The ladder: four ways to write one concept, from derived by hand to shipped by PyTorch.

A concept is a file; its name is the file's path, `optim.sgd`.  The file ends with

    LADDER = Ladder(sgd_manual, sgd_raw, SGD, torch.optim.SGD)

and that line is the whole registration.  A rung that does not exist says why: `Absent("...")`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Results: TypeAlias = tuple[Any, ...]
Needs: TypeAlias = tuple[bool, ...]  # for each input that has a gradient, whether it is needed
Grads: TypeAlias = tuple[np.ndarray | None, ...]  # one per input, None where not needed


class Rung(StrEnum):
    MANUAL = "manual"  # NumPy arrays, gradients derived by hand, pure functions
    RAW = "raw"  # torch tensors and autograd, plain functions, no classes
    CUSTOM = "custom"  # our own classes, drop-ins for torch's
    NATIVE = "native"  # what PyTorch ships, the object itself


class Absent(NamedTuple):
    """A rung that does not exist, and why."""

    reason: str


class Pair(NamedTuple):
    """A manual rung with a derivative.

    forward(*inputs, **settings)                    -> (output, saved)
    backward(grad_output, saved, needs_input_grad)  -> one gradient per input, None where not needed
    init(rng, *sizes, **settings)                   -> (parameters by name, rng), of a layer that has any

    `saved` is whatever the backward needs; `needs_input_grad` holds one bool per input that has a
    gradient, as in torch.autograd.Function, so that a first layer computes none for its data.  A layer
    that draws takes the generator's state after its inputs and returns it after `saved`.
    """

    forward: Callable[..., Results]
    backward: Callable[..., Results]
    init: Callable[..., Results] | None = None


class Ladder(NamedTuple):
    manual: Any
    raw: Any
    custom: Any
    native: Any

    def rungs(self) -> dict[Rung, Any]:
        """The rungs that exist, bottom up."""
        return {rung: impl for rung, impl in zip(Rung, self, strict=True) if not isinstance(impl, Absent)}


@functools.cache
def concepts() -> dict[str, Ladder]:
    """Every concept by its dotted name, found by walking the files of `impls`."""
    import impls

    found = {}
    for module in pkgutil.walk_packages(impls.__path__, "impls."):
        if not module.ispkg and "walkthroughs" not in module.name:
            ladder = getattr(importlib.import_module(module.name), "LADDER", None)
            if ladder is not None:
                found[module.name.removeprefix("impls.")] = ladder
    return found
