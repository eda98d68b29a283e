"""A schedule's trace: at every step, each group's rate, and its momentum where that is cycled.

A problem is the groups' rates, the settings as native takes them, where a list of a setting that may be one per group
is one per group, and the number of steps.
"""

import inspect
import warnings
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Absent, Rung
from tests.cells import DROP_IN, LADDERS
from tests.engine import Bounded, bounded
from tests.engine.arithmetic import format_of
from tests.engine.known import Exact

PER_GROUP = ("lr_lambda", "base_lr", "max_lr", "base_momentum", "max_momentum", "min_lr", "swa_lr")


class Part(NamedTuple):
    """A schedule within another."""

    concept: str
    settings: dict


class Problem(NamedTuple):
    lrs: list[float]  # one per group
    settings: dict
    steps: int
    optimizer: str = "optim.sgd"


# ── the formulas ────────────────────────────────────────────────────────────────────────────────


def follow(rung, concept, problem, lift=None):
    """The trace of a manual or raw rung; `lift`, where given, makes its numbers, the defaults among them."""
    groups = [_followed(rung, concept, problem, i, lift) for i in range(len(problem.lrs))]
    return [list(entries) for entries in zip(*groups, strict=True)]


def _followed(rung, concept, problem, group, lift):
    rate, start = _function(rung, concept, problem.settings, lift, group), _lifted("", problem.lrs[group], lift)
    lr, state, trace = start, None, []
    for t in range(problem.steps + 1):
        lr, momentum, state = rate(
            t=_lifted("", t, lift), lr=start if rung is Rung.MANUAL else lr, initial_lr=start, state=state
        )
        trace.append({"lr": lr} | ({} if momentum is None else {"momentum": momentum}))
    return trace


def _function(rung, concept, settings, lift, group):
    """A rung as a function of everything that any rung asks for; it returns (rate, momentum, state)."""
    impl, settings = getattr(LADDERS[concept], rung), in_steps(settings)
    takes = inspect.signature(impl).parameters
    if lift is not None:
        defaults = {
            name: p.default for name, p in takes.items() if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }
        settings = defaults | settings
    settings = {name: _lifted(name, value, lift, group) for name, value in settings.items()}
    if "schedulers" in settings:
        settings["schedulers"] = [_part(rung, part, lift, group) for part in settings["schedulers"]]

    def rate(**given):
        found = impl(
            **{name: value for name, value in given.items() if name in takes and value is not None}, **settings
        )
        if not isinstance(found, tuple):
            return found, None, None
        return (found[0], None, found[1]) if "state" in takes else (*found, None)

    return rate


def in_steps(settings):
    """The settings, in which a length that is told in epochs is told in steps, as a function takes it."""
    if "epochs" not in settings:
        return settings
    rest = {name: value for name, value in settings.items() if name not in ("epochs", "steps_per_epoch")}
    return rest | {"total_steps": settings["epochs"] * settings["steps_per_epoch"]}


def _part(rung, part, lift, group):
    """A part as its whole calls it; one without a chained form, or with a state, is asked for its closed form."""
    chained = LADDERS[part.concept].raw
    closed = rung is Rung.MANUAL or isinstance(chained, Absent) or "state" in inspect.signature(chained).parameters
    rate = _function(Rung.MANUAL if closed else rung, part.concept, part.settings, lift, group)
    if rung is Rung.MANUAL:
        return lambda t, lr: rate(t=t, lr=lr)[0]
    return lambda t, lr, initial_lr: rate(t=t, lr=initial_lr if closed else lr, initial_lr=initial_lr)[0]


def _lifted(name, value, lift, group=None):
    """A setting as a formula's number; a list of what may be one per group is this group's."""
    if isinstance(value, list) and group is not None and name in PER_GROUP:
        value = value[group]
    if lift is None:
        return value
    if callable(value):
        return lambda t: lift(value(int(t)))
    if isinstance(value, list):
        return [_lifted(name, v, lift) for v in value]
    return lift(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def reference(concept, problem, roundings=1):
    """The closed form's numbers, with as much room as the closed and the chained form may round away, each operation so
    many times."""
    closed = follow(Rung.MANUAL, concept, problem, Exact)
    if isinstance(LADDERS[concept].raw, Absent):
        return _combined(closed, closed, roundings)
    return _combined(closed, follow(Rung.RAW, concept, problem, Exact), roundings)


def _combined(closed, chained, roundings):
    if isinstance(closed, list):
        return [_combined(a, b, roundings) for a, b in zip(closed, chained, strict=True)]
    if isinstance(closed, dict):
        return {key: _combined(closed[key], chained[key], roundings) for key in closed}
    a, b = (x if isinstance(x, Bounded) else bounded(np.float64(x)) for x in (closed, chained))
    return Bounded(a.value, roundings * (a.error + b.error), None, a.format)


# ── the objects ─────────────────────────────────────────────────────────────────────────────────


def optimizer_of(rung, problem, lrs=None, ladders=LADDERS):
    """An optimizer with one parameter, and one rate, per group; its momentum is what a schedule may cycle."""
    cls = getattr(ladders[problem.optimizer], rung)
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in lrs or problem.lrs]
    return cls(groups, **({"momentum": 0.9} if problem.optimizer == "optim.sgd" else {}))


def schedule_of(rung, concept, settings, optimizer, ladders=LADDERS, **more):
    """A schedule on an optimizer, its parts first."""
    if "schedulers" in settings:
        parts = [schedule_of(rung, *part, optimizer, ladders) for part in settings["schedulers"]]
        settings = settings | {"schedulers": parts}
    return getattr(ladders[concept], rung)(optimizer=optimizer, **settings, **more)


def rates(optimizer, momentum=True) -> list[dict[str, Any]]:
    """What an optimizer's groups hold now."""
    return [_held(group, momentum) for group in optimizer.param_groups]


def _held(group, momentum):
    found = {"lr": _seen(group["lr"])}
    if momentum:
        found["momentum"] = _seen(group["betas"][0] if "betas" in group else group["momentum"])
    return found


def _seen(x):
    return x.detach().clone().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


def observe(rung, concept, problem, on=None, make=float, by_hand=None, ladders=LADDERS):
    """The trace of a rung; an object's is taken on its own rung's optimizer, or on another rung's.

    `make` makes the optimizer's rates; `by_hand` is a rate that is set in the first group before a step.
    """
    if rung in (Rung.MANUAL, Rung.RAW):
        trace = follow(rung, concept, problem)
        return [[{key: _seen(x) for key, x in entry.items()} for entry in entries] for entries in trace]
    optimizer = optimizer_of(on or rung, problem, [make(lr) for lr in problem.lrs], ladders)
    schedule = schedule_of(rung, concept, problem.settings, optimizer, ladders)
    cycles = getattr(schedule, "cycle_momentum", False)
    trace = [rates(optimizer, cycles)]
    for t in range(problem.steps):
        if by_hand is not None and by_hand[0] == t:
            optimizer.param_groups[0]["lr"] = make(by_hand[1])
        optimizer.step()
        schedule.step()
        trace.append(rates(optimizer, cycles))
    return trace


def plateaus(rung, impl, problem, metrics, ladders=LADDERS):
    """The rates of every group after each measure."""
    if rung in DROP_IN:
        optimizer = optimizer_of(rung, problem, ladders=ladders)
        schedule = impl(optimizer, **problem.settings)
        found = []
        for metric in metrics:
            schedule.step(metric)
            found.append([_seen(group["lr"]) for group in optimizer.param_groups])
        return found
    lowest = problem.settings.get("min_lr", 0)
    lowest = lowest if isinstance(lowest, list) else [lowest] * len(problem.lrs)
    options = [problem.settings | {"min_lr": low} for low in lowest]
    if rung is Rung.MANUAL:
        prefixes = [metrics[: i + 1] for i in range(len(metrics))]
        return [[_seen(impl(p, lr, **o)) for lr, o in zip(problem.lrs, options, strict=True)] for p in prefixes]
    lrs, states, found = list(problem.lrs), [()] * len(problem.lrs), []
    for metric in metrics:
        pairs = [impl(metric, lr, *s, **o) for lr, s, o in zip(lrs, states, options, strict=True)]
        lrs, states = [lr for lr, _ in pairs], [(s,) for _, s in pairs]
        found.append([*map(_seen, lrs)])
    return found


def reference_of_plateaus(concept, problem, metrics, roundings=1):
    """Native's rates to the bit; where an operation may cost several roundings, as far off as the falls may be."""
    exact = plateaus(Rung.NATIVE, LADDERS[concept].native, problem, metrics)
    of_format = format_of("float64", roundings)
    if roundings == 1:
        return exact
    falls, before, found = [0] * len(problem.lrs), problem.lrs, []
    for rates_now in exact:
        falls = [n + bool(lr != old) for n, lr, old in zip(falls, rates_now, before, strict=True)]
        errors = [of_format.gamma(n) * abs(lr) for n, lr in zip(falls, rates_now, strict=True)]
        found.append([Bounded(lr, e, None, of_format) for lr, e in zip(rates_now, errors, strict=True)])
        before = rates_now
    return found


def plain(state):
    """A state_dict in an order of its own, with arrays for tensors."""
    if isinstance(state, dict):
        return {key: plain(state[key]) for key in sorted(state)}
    if isinstance(state, list | tuple):
        return [plain(x) for x in state]
    return _seen(state) if isinstance(state, torch.Tensor) else state


def outcome(act):
    """What comes of an act: the warnings, and the error, each as class and words."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            act()
            raised = None
        except Exception as error:
            raised = (type(error), str(error))
    return [(w.category, str(w.message)) for w in said], raised
