"""The door for schedules: a class in torch's manner, or a function of the options that returns the rate of a step."""

import inspect
import types

from impls.ladder import Rung
from tests.capabilities import Missing, left_to, names, refuse_missing, untouched
from tests.cells import LADDERS
from tests.schedules import problems as drawn
from tests.schedules.trace import PER_GROUP, Part

CLASS, FUNCTION = "a class NAME(optimizer, ...) with step({})", "a function of initial_lr and the options that returns"
OPTIONAL = "every option of torch's that has a default"
PLATEAU = "schedules.reduce_lr_on_plateau"  # its step takes a measure, and its problem has measures for steps
OF_SCHEDULES = ("schedules.sequential_lr", "schedules.chained_scheduler")


def asks(role):
    if role in OF_SCHEDULES:
        return CLASS.format("") + ", whose schedulers are torch's", OPTIONAL
    if role == PLATEAU:
        return f"{CLASS.format('measure')}, or {FUNCTION} (measure) -> rate, told one after the other", OPTIONAL
    return f"{CLASS.format('')}, or {FUNCTION} (t) -> rate", OPTIONAL


def adapt(role, thing):
    def built(optimizer, **given):
        refuse_missing(thing, given)
        given = left_to(thing, LADDERS[role].native, given)
        if not _is_of_optimizers(thing):
            if role in OF_SCHEDULES:
                raise Missing("a class (absent)")
            return (_Told if role == PLATEAU else _Rated)(thing, optimizer, given)
        with untouched():
            return thing(optimizer=optimizer, **given) if names(thing, "optimizer") else thing(optimizer, **given)

    return Rung.CUSTOM, built


def _is_of_optimizers(thing):
    return isinstance(thing, type) or names(thing, "optimizer")


class _Rated:
    """An optimizer's rates by a function of the step; what is one for each group is told to each."""

    def __init__(self, thing, optimizer, given):
        self.groups, self.t = optimizer.param_groups, 0
        each = [
            {k: v[i] if isinstance(v, list) and k != "milestones" else v for k, v in given.items()}
            for i in range(len(self.groups))
        ]
        self.rates = [thing(initial_lr=group["lr"], **own) for group, own in zip(self.groups, each, strict=True)]
        self.start()

    def start(self):
        self._set(self.t)

    def step(self):
        self.t += 1
        self._set(self.t)

    def _set(self, now):
        with untouched():
            for group, rate in zip(self.groups, self.rates, strict=True):
                group["lr"] = float(rate(now))


class _Told(_Rated):
    """The same, by a function that is told a measure."""

    def start(self):
        pass

    def step(self, measure):
        self._set(measure)


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def searched(entry, dtype):
    """One group, and then several."""
    every = entry.problems(dtype)
    return [every.map(lambda problem: problem._replace(lrs=problem.lrs[:1])).filter(_is_one), every]


def _is_one(problem):
    """Whether nothing is told group by group, to a part neither."""
    every = [problem.settings, *(part.settings for part in problem.settings.get("schedulers", []))]
    return not any(isinstance(v, list) for given in every for k, v in given.items() if k in PER_GROUP)


def describe(problem):
    steps = f"measures={problem.steps}" if isinstance(problem.steps, list) else f"steps={problem.steps}"
    return f"initial_lr={problem.lrs} {_options(problem.settings, ' ')} optimizer={problem.optimizer} {steps}"


def _options(settings, by=", "):
    return by.join(f"{k}={_written(v)}" for k, v in settings.items())


def _written(value):
    """A setting as it is written, where there is an `optimizer`."""
    if isinstance(value, Part):
        return (
            f"torch.optim.lr_scheduler.{LADDERS[value.concept].native.__name__}(optimizer, {_options(value.settings)})"
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, drawn.Table):
        return f"lambda t: {value.values}[t % {len(value.values)}]"
    if isinstance(value, types.FunctionType):
        return f"lambda t: {inspect.getsource(value).rpartition('return ')[2].strip()}"
    return repr(value)


def where(path, problem):
    step, group, *rest = path
    if isinstance(problem.steps, list):
        return [f"after measure {step + 1} of {len(problem.steps)}", f"group {group}", *rest]
    return [f"after step {step} of {problem.steps}", f"group {group}", *rest]


def until(path, problem):
    if isinstance(problem.steps, list):
        return problem._replace(steps=problem.steps[: path[0] + 1])
    return problem._replace(steps=path[0])


def reproduce(subject, thing, native, problem, dtype, path=()):
    """Lines that print each group's rate after the last step, first the subject's and then torch's."""
    spared = left_to(thing, LADDERS[subject.role].native, problem.settings)
    settings = _options(spared)
    steps = str(problem.steps).replace("nan", "float('nan')")
    kind = "SGD(groups, momentum=0.9)" if problem.optimizer == "optim.sgd" else "Adam(groups)"
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    if not _is_of_optimizers(thing):
        rates = f"{subject.name}(initial_lr=lr, {settings})"
        last = f"[*map({rates}, {steps})][-1]" if subject.role == PLATEAU else f"{rates}({steps})"
        yield f"print([{last} for lr in {problem.lrs}])"
        yield f"for cls in [{native}]:"
    else:
        yield f"for cls in {subject.name}, {native}:"
    yield f"    groups = [{{'params': [torch.zeros(1, requires_grad=True)], 'lr': lr}} for lr in {problem.lrs}]"
    yield f"    optimizer = torch.optim.{kind}"
    yield f"    schedule = cls(optimizer, {settings})"
    yield f"    for measure in {steps if subject.role == PLATEAU else f'range({steps})'}:"
    yield "        optimizer.step()"
    yield f"        schedule.step({'measure' * (subject.role == PLATEAU)})"
    yield "    print([group['lr'] for group in optimizer.param_groups])"
