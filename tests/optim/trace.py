"""An optimizer's trace: after every line of a script, each parameter with its gradient and its state.

A problem is a script, not a point.  Each line says, before one step: the learning rate, what becomes of the
gradients that are there ("keep", "zero" in place, or "drop"), and which gradient, if any, each parameter
receives.  Gradients arrive by backward, so they accumulate.
"""

import copy
import inspect
import itertools
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from tests.engine import Opaque
from tests.engine.arrays import snapshot, tensor

CONSTRUCTED = ("initial_accumulator_value",)  # options that torch heeds in the constructor and not in a group
NUMBERS = ("step", "mu_product", "eta", "mu")  # of a state: one each for the whole parameter, on the CPU


class Line(NamedTuple):
    lr: float
    old: str
    grads: tuple  # one array, or None, per parameter
    restore: bool = False  # save the state, and go on with a fresh optimizer that has loaded it


class Problem(NamedTuple):
    params: list
    settings: list[dict]  # one per parameter; neighbours with equal settings form a group
    script: list[Line]
    state: list | None = None  # one dictionary of arrays per parameter, to start from
    frozen: int | None = None  # a parameter that requires no gradient, and has none


def observe(run, problem):
    """Give a problem to a rung."""
    if run.rung is Rung.MANUAL:
        return _manual(run, problem)
    leaves = _leaves(problem, run.device)
    if run.rung is Rung.NATIVE and run.device != "cpu":
        problem = problem._replace(settings=in_a_loop(run.impl, problem.settings))
    return (_raw if run.rung is Rung.RAW else _object)(run.impl, leaves, problem)


def _leaves(problem, device="cpu"):
    return [tensor(w, device).requires_grad_(i != problem.frozen) for i, w in enumerate(problem.params)]


def in_a_loop(cls, settings):
    """The settings, and that parameters are stepped one by one, as on the CPU: on CUDA torch's default is foreach."""
    loop = {"foreach": False} if "foreach" in inspect.signature(cls).parameters else {}
    return [loop | options for options in settings]


def grouped(cls, leaves, settings):
    """An optimizer in which neighbours with the same options form a group."""
    pairs = itertools.groupby(zip(leaves, settings, strict=True), key=lambda pair: pair[1])
    constructed = {name: value for name, value in settings[0].items() if name in CONSTRUCTED}
    return cls([{"params": [p for p, _ in members], **options} for options, members in pairs], **constructed)


def _manual(run, problem):
    step, lift = run.impl, run.lift
    make, update = type(step.__defaults__[0]), run.ladders["optim.optimizer"].manual
    params, grads, states, trace = {i: lift(w) for i, w in enumerate(problem.params)}, {}, {}, []
    if problem.state:
        states = {
            i: make(**{k: v if k in NUMBERS else lift(v) for k, v in s.items()}) for i, s in enumerate(problem.state)
        }
    for line in problem.script:
        if line.old != "keep":
            grads = {i: lift(np.zeros(g.shape, g.dtype)) for i, g in grads.items() if line.old == "zero"}
        for i, g in enumerate(line.grads):
            if g is not None:
                grads[i] = grads[i] + lift(g) if i in grads else lift(g)
        for i, options in enumerate(problem.settings):
            told = {name: run.setting(x) for name, x in ({**step.__kwdefaults__, "lr": line.lr} | options).items()}
            moved, state = update(step, {i: params[i]}, grads, states, **told)
            params, states = params | moved, states | state
        trace.append([_entry(params[i], grads.get(i), states[i] and states[i]._asdict()) for i in params])
    return trace


def _raw(step, leaves, problem):
    state, trace = {}, []
    if problem.state:
        state = {
            p: _tensors(s, p) | ({"step": s["step"]} if "step" in s else {})
            for p, s in zip(leaves, problem.state, strict=True)
        }
    for line in problem.script:
        for p in leaves:
            if line.old == "zero" and p.grad is not None:
                p.grad.zero_()
            elif line.old == "drop":
                p.grad = None
        _receive(leaves, line.grads)
        for p, options in zip(leaves, problem.settings, strict=True):
            step([p], state, lr=line.lr, **options)
        trace.append([_entry(p, p.grad, state.get(p)) for p in leaves])
    return trace


def _object(cls, leaves, problem):
    optimizer, trace = grouped(cls, leaves, problem.settings), []
    if problem.state:
        saved = {i: _tensors(s, p) for i, (p, s) in enumerate(zip(leaves, problem.state, strict=True))}
        optimizer.load_state_dict(optimizer.state_dict() | {"state": saved})
    for line in problem.script:
        if line.restore:
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = cls([{"params": group["params"]} for group in optimizer.param_groups])
            optimizer.load_state_dict(saved)
        for group in optimizer.param_groups:
            group["lr"] = line.lr
        if line.old != "keep":
            optimizer.zero_grad(set_to_none=line.old == "drop")
        _receive(leaves, line.grads)
        optimizer.step()
        state = optimizer.state_dict()["state"]
        trace.append([_entry(p, p.grad, state.get(i)) for i, p in enumerate(leaves)])
    return trace


def _tensors(state, p):
    """A state as torch keeps it: arrays like the parameter, and the count as a float32 on the CPU."""
    return {
        k: torch.tensor(float(v)) if k == "step" else tensor(np.asarray(v), "cpu" if k in NUMBERS else p.device)
        for k, v in state.items()
    }


def _receive(leaves, grads):
    pairs = [(p, tensor(g, p.device)) for p, g in zip(leaves, grads, strict=True) if g is not None]
    if pairs:
        torch.autograd.backward(*zip(*pairs, strict=True))


def _entry(w, g, state):
    """One parameter after one line; a number is a float, whatever a rung keeps it in; before a first step, no state."""
    if isinstance(state, Opaque):
        return {"parameter": snapshot(w), "gradient": snapshot(g), "state": shown(state)}
    state = state if state and state.get("step", 1) else {}
    state = {k: float(v) if k in NUMBERS else snapshot(v) for k, v in sorted(state.items()) if v is not None}
    return {"parameter": snapshot(w), "gradient": snapshot(g), "state": state}


def shown(state):
    """What a stranger's state shows: its tensors, and its count; how other numbers are rounded is its own affair."""
    numbers = {k: float(v) for k, v in state.items() if k == "step" and np.size(v) == 1}
    tensors = {k: snapshot(v) for k, v in state.items() if k not in NUMBERS and isinstance(v, torch.Tensor)}
    return Opaque(numbers | tensors)


# ── saved by one class, loaded by another ──


def resumed(first, second, problem):
    """Play half of a script on one class, and the rest on another that has loaded its state."""
    leaves, half = _leaves(problem), len(problem.script) // 2
    one = grouped(first, leaves, problem.settings)
    _play(one, leaves, problem.script[:half])
    other = second([{"params": group["params"]} for group in one.param_groups])
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    _play(other, leaves, problem.script[half:])
    return [[snapshot(p) for p in leaves], plain(other.state_dict())]


def _play(optimizer, leaves, script):
    for line in script:
        for group in optimizer.param_groups:
            group["lr"] = line.lr
        for p, g in zip(leaves, line.grads, strict=True):
            p.grad = None if g is None else tensor(g)
        optimizer.step()


def plain(state_dict):
    """A state_dict with its tensors as arrays."""
    state = {i: {k: snapshot(v) for k, v in s.items()} for i, s in state_dict["state"].items()}
    return {"state": state, "param_groups": state_dict["param_groups"]}
