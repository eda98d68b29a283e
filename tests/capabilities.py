"""What a stranger's class or function takes, and what it may not touch."""

import contextlib
import functools
import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

from tests.engine import Different


class Missing(pytest.skip.Exception):
    """The subject lacks what a law asks for, which is no fault."""


class Options(dict[str, Any]):
    """The options of a problem that a subject takes; a law that asks for another is not run."""

    def __missing__(self, name: str) -> NoReturn:
        raise Missing(f"{name} (absent)")


Given = torch.Tensor | np.typing.ArrayLike


@functools.cache
def _parameters(thing: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(thing).parameters
    except ValueError:  # of some builtins nobody knows
        return None


def takes(thing: Callable[..., Any], name: str) -> bool:
    """Whether it can be given an option of this name."""
    parameters = _parameters(thing)
    return parameters is None or name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def names(thing: Callable[..., Any], name: str) -> bool:
    """Whether an option of this name stands in its signature."""
    return name in (_parameters(thing) or ())


def taken(thing: Callable[..., Any], options: Mapping[str, Any], *always: str) -> Options:
    """Those of the options that it can be given, and those that it is always given."""
    return Options({k: v for k, v in options.items() if k in always or takes(thing, k)})


def requires(thing: Callable[..., Any], name: str) -> bool:
    parameter = (_parameters(thing) or {}).get(name)
    return parameter is not None and parameter.default is parameter.empty


def left_to(thing: Callable[..., Any], native: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, but those that have torch's default and need not be given: whether it is torch's is seen."""
    defaults = {name: p.default for name, p in inspect.signature(native).parameters.items()}
    same = lambda name, value: type(value) is type(defaults.get(name)) and value == defaults[name]
    own = lambda name: requires(thing, name) or (takes(thing, name) and not names(thing, name))
    return {k: v for k, v in options.items() if own(k) or not same(k, v)}


def refuse_missing(thing: Callable[..., Any], given: Iterable[str]) -> None:
    for name in given:
        if not takes(thing, name):
            raise Missing(f"{name} (absent)")


# ── the world ───────────────────────────────────────────────────────────────────────────────────

SETTERS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "whether torch records gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's seed": (torch.initial_seed, torch.manual_seed),
    "the state of Python's generator": (random.getstate, random.setstate),
    "the state of NumPy's generator": (lambda: _hashable(np.random.get_state()), np.random.set_state),
}


def _hashable(state: Any) -> tuple[Any, ...]:
    return (state[0], tuple(state[1].tolist()), *state[2:])


@contextlib.contextmanager
def untouched(*inputs: Given) -> Iterator[None]:
    """While this lasts nothing global may change, nor any of the inputs; what did is put back, and told."""
    world = {name: get() for name, (get, _) in SETTERS.items()}
    copies = [_copy(x) for x in inputs]
    yield
    changed = [name for name, (get, _) in SETTERS.items() if get() != world[name]]
    for name in changed:
        SETTERS[name][1](world[name])
    if changed:
        raise Different(f"it changes {' and '.join(changed)}")
    if any(
        not np.array_equal(_copy(x), copy, equal_nan=copy.dtype.kind == "f")
        for x, copy in zip(inputs, copies, strict=True)
    ):
        raise Different("it writes into what it is given")


def _copy(x: Given) -> np.ndarray:
    return np.array(x.detach().numpy() if isinstance(x, torch.Tensor) else x)
