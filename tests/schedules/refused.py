"""What a schedule is to refuse: each attempt is told a class, how an optimizer is made, and the other schedules."""

import functools
import inspect
import warnings

import torch

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.schedules.problems import halves
from tests.schedules.trace import Problem, optimizer_of


def forgetful(optimizer):
    """An optimizer that says it has no momentum."""
    optimizer.defaults = {"lr": 0.1}
    return optimizer


def grown(schedule):
    """A schedule whose optimizer has got a group since."""
    schedule.optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    return schedule


def fall(schedule):
    for _ in range(3):
        schedule.step(1.0)


def composed(cls, parts, optimizer):
    """A schedule of schedules; a milestone after each part but the last."""
    takes = inspect.signature(cls).parameters
    milestones = {"milestones": list(range(2, len(parts) + 1))} if "milestones" in takes else {}
    return cls(schedulers=parts, optimizer=optimizer, **milestones)


LAMBDAS = {"three functions": lambda cls, o, _: cls(o(), [halves] * 3)}
MULTIPLICATIVE = {"a number": lambda cls, o, _: cls(o(), 0.5)}
CONSTANT = {"a factor above 1": lambda cls, o, _: cls(o(), 1.5), "a factor below 0": lambda cls, o, _: cls(o(), -0.5)}
LINEAR = {
    "start above 1": lambda cls, o, _: cls(o(), 1.5),
    "start of 0": lambda cls, o, _: cls(o(), 0.0),
    "end above 1": lambda cls, o, _: cls(o(), 0.5, 1.5),
    "end below 0": lambda cls, o, _: cls(o(), 0.5, -0.5),
}
RESTARTS = {
    "no length": lambda cls, o, _: cls(o(), 0),
    "a length and a half": lambda cls, o, _: cls(o(), 1.5),
    "no factor": lambda cls, o, _: cls(o(), 2, 0),
    "a factor and a half": lambda cls, o, _: cls(o(), 2, 1.5),
    "a floor in words": lambda cls, o, _: cls(o(), 2, 1, "0"),
    "a step before the first": lambda cls, o, _: cls(o(), 2).step(-1),
}
CYCLIC = {
    "no optimizer": lambda cls, o, _: cls(object(), 0.1, 0.2),
    "three bases": lambda cls, o, _: cls(o(), [0.1] * 3, 0.2),
    "three tops": lambda cls, o, _: cls(o(), 0.1, [0.2] * 3),
    "three momenta": lambda cls, o, _: cls(o(), 0.1, 0.2, max_momentum=[0.9] * 3),
    "another mode": lambda cls, o, _: cls(o(), 0.1, 0.2, mode="square"),
    "no momentum to cycle": lambda cls, o, _: cls(forgetful(o()), 0.1, 0.2),
}
ONE_CYCLE = {
    "no optimizer": lambda cls, o, _: cls(object(), 0.1, 8),
    "no length": lambda cls, o, _: cls(o(), 0.1),
    "half a length": lambda cls, o, _: cls(o(), 0.1, epochs=2),
    "no steps": lambda cls, o, _: cls(o(), 0.1, 0),
    "a step and a half": lambda cls, o, _: cls(o(), 0.1, 1.5),
    "no epochs": lambda cls, o, _: cls(o(), 0.1, epochs=0, steps_per_epoch=2),
    "no steps in an epoch": lambda cls, o, _: cls(o(), 0.1, epochs=2, steps_per_epoch=0),
    "a start above 1": lambda cls, o, _: cls(o(), 0.1, 8, pct_start=1.5),
    "a start that is an int": lambda cls, o, _: cls(o(), 0.1, 8, pct_start=1),
    "another strategy": lambda cls, o, _: cls(o(), 0.1, 8, anneal_strategy="square"),
    "three tops": lambda cls, o, _: cls(o(), [0.1] * 3, 8),
    "no momentum to cycle": lambda cls, o, _: cls(forgetful(o()), 0.1, 8),
    "a step too many": lambda cls, o, _: [schedule.step() for schedule in [cls(o("optim.adam"), 0.1, 2)] * 3],
}
SWALR = {
    "three rates": lambda cls, o, _: cls(o(), [0.1] * 3),
    "another strategy": lambda cls, o, _: cls(o(), 0.1, anneal_strategy="square"),
    "epochs below 0": lambda cls, o, _: cls(o(), 0.1, -1),
    "an epoch and a half": lambda cls, o, _: cls(o(), 0.1, 1.5),
}
PLATEAU = {
    "no optimizer": lambda cls, o, _: cls(object()),
    "factor of 1": lambda cls, o, _: cls(o(), factor=1.0),
    "another mode": lambda cls, o, _: cls(o(), mode="least"),
    "another threshold mode": lambda cls, o, _: cls(o(), threshold_mode="least"),
    "three floors": lambda cls, o, _: cls(o(), min_lr=[0.1] * 3),
    "a group without a floor": lambda cls, o, _: fall(grown(cls(o(), patience=0, min_lr=[0.1] * 2))),
}
PARTS = {
    "no part": lambda cls, o, _: composed(cls, [], o()),
    "a part on nothing": lambda cls, o, _: composed(cls, [object()], o()),
    "a plateau": lambda cls, o, parts: composed(cls, [parts["schedules.reduce_lr_on_plateau"](a := o())], a),
    "two optimizers": lambda cls, o, parts: composed(
        cls, [parts["schedules.exponential_lr"](a := o(), 0.5), parts["schedules.exponential_lr"](o(), 0.5)], a
    ),
}
SEQUENCE = {
    "a milestone too many": lambda cls, o, parts: cls(a := o(), [parts["schedules.exponential_lr"](a, 0.5)], [2]),
}


BY = {
    "schedules.lambda_lr": LAMBDAS,
    "schedules.multiplicative_lr": LAMBDAS | MULTIPLICATIVE,
    "schedules.constant_lr": CONSTANT,
    "schedules.linear_lr": LINEAR,
    "schedules.cosine_annealing_warm_restarts": RESTARTS,
    "schedules.cyclic_lr": CYCLIC,
    "schedules.one_cycle_lr": ONE_CYCLE,
    "schedules.swalr": SWALR,
    "schedules.reduce_lr_on_plateau": PLATEAU,
    "schedules.sequential_lr": PARTS | SEQUENCE,
    "schedules.chained_scheduler": PARTS,
}


def of(concept):
    """What a schedule refuses, as attempts on its class."""
    return {name: functools.partial(_attempted, attempt) for name, attempt in BY.get(concept, {}).items()}


def _attempted(attempt, cls):
    """An attempt on a class, with optimizers of two groups and with schedules of the class's own rung."""
    rung = Rung.NATIVE if cls.__module__.startswith("torch.") else Rung.CUSTOM
    make = lambda kind="optim.sgd": optimizer_of(rung, Problem([0.1, 0.2], {}, 1, kind))
    parts = {name: getattr(ladder, rung) for name, ladder in LADDERS.items() if name.startswith("schedules.")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attempt(cls, make, parts)
