"""A generator's trace: after every draw of a script, what was drawn and the state that it left.

Torch keeps its state as bytes (CPUGeneratorImpl::get_state); `state_of` and `generator_of` are the bridge.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from impls.rng import State
from tests.engine.arrays import snapshot

_LEGACY = np.dtype(
    [
        ("seed", "u8"),  # what initial_seed() answers; no draw depends on it
        ("left", "i4"),  # 625 - pos, once a word is drawn or the generator is seeded
        ("seeded", "i4"),
        ("next", "u8"),
        ("key", "u8", 624),
        ("normal_x", "f8"),
        ("normal_y", "f8"),
        ("normal_rho", "f8"),
        ("has_normal_y", "i4"),
    ],
    align=True,
)
_BYTES = np.dtype([("twister", _LEGACY), ("next_float_normal", "f4"), ("has_next_float_normal", "?")], align=True)


class Draw(NamedTuple):
    kind: str  # a field of Draws
    settings: dict[str, Any]  # a dtype by its name


def observe(rung, draws, seed, script):
    """Play `script` on one generator of a rung."""
    state, trace = draws.seed(seed), []
    for draw in script:
        values, state = getattr(draws, draw.kind)(state, **_for(rung, draw.settings))
        trace.append({"values": snapshot(values), "state": _plain(rung, state)})
    return trace


def _for(rung, settings):
    """The settings in a rung's own words: its dtypes, and tensors for arrays."""
    if rung is Rung.MANUAL:
        return {k: np.dtype(v).type if k == "dtype" else v for k, v in settings.items()}
    tensors = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    return {k: getattr(torch, v) if k == "dtype" else v for k, v in tensors.items()}


def _plain(rung, state):
    return (state if rung is Rung.MANUAL else state_of(state))._asdict()


def state_of(generator):
    """The State that a torch.Generator is in."""
    told = generator.get_state().numpy().view(_BYTES)[0]
    assert not told["has_next_float_normal"], "a draw kept a float32 normal, for which State has no place"
    twister = told["twister"]
    kept = float(twister["normal_y"]) if twister["has_normal_y"] else None
    return State(twister["key"].astype(np.uint32), 625 - int(twister["left"]), kept)


def generator_of(state, seed=0):
    """A torch.Generator in a given State, which answers to initial_seed()."""
    told = np.zeros(1, _BYTES)
    twister = told["twister"]
    twister["seed"] = seed
    twister["left"], twister["seeded"], twister["next"], twister["key"] = 625 - state.pos, 1, state.pos, state.key
    if state.next_normal is not None:
        twister["normal_y"], twister["has_normal_y"] = state.next_normal, 1
    generator = torch.Generator()
    generator.set_state(torch.from_numpy(told.view(np.uint8)))
    return generator
