"""The door for schedules: a class in torch's manner, or a function of the options that returns the rate of a step."""

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.observe.schedules import observe, reference
from tests.strategies import schedules as drawn
from tests.subjects.capabilities import left_to, names, refuse_missing, takes, untouched

NEEDS = "a class NAME(optimizer, ...) with step(), or a function of initial_lr and the options that returns (t) -> rate"
OPTIONAL = "every option of torch's that has a default"
OF_NUMBERS = (*drawn.SIMPLE, "schedules.cyclic_lr", "schedules.one_cycle_lr")  # no functions or schedules as options


def roles():
    return [name for name in LADDERS if name in OF_NUMBERS]


def narrow(role, thing, law=None):
    def without(settings):
        return {k: v for k, v in settings.items() if takes(thing, k) and k != "scale_fn"}

    if role in drawn.SIMPLE:
        drawn.SIMPLE[role] = drawn.SIMPLE[role].map(without)
    else:
        every = drawn.GROUPED[role]
        drawn.GROUPED[role] = lambda groups: every(groups).map(without)


def adapt(role, thing):
    def built(optimizer, **given):
        refuse_missing(thing, given)
        given = left_to(thing, LADDERS[role].native, given)
        if not _is_of_optimizers(thing):
            return _Rated(thing, optimizer, given)
        with untouched():
            return thing(optimizer, **given)

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
        self._set()

    def step(self):
        self.t += 1
        self._set()

    def _set(self):
        with untouched():
            for group, rate in zip(self.groups, self.rates, strict=True):
                group["lr"] = float(rate(self.t))


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def trace(rung, role, problem):
    return observe(rung, role, problem)


def expected(role, problem, dtype):
    return reference(role, problem)


def searched(role, dtype):
    """One group, and then several."""
    alone = drawn.problems(role).map(lambda problem: problem._replace(lrs=problem.lrs[:1]))
    return [
        alone.filter(
            lambda problem: not any(isinstance(v, list) for k, v in problem.settings.items() if k != "milestones")
        ),
        drawn.problems(role),
    ]


def describe(problem):
    settings = " ".join(f"{k}={v!r}" for k, v in problem.settings.items())
    return f"initial_lr={problem.lrs} {settings} optimizer={problem.optimizer} steps={problem.steps}"


def where(path, problem):
    step, group, *rest = path
    return [f"after step {step} of {problem.steps}", f"group {group}", *rest]


def until(path, problem):
    return problem._replace(steps=path[0])


def reproduce(subject, thing, native, problem, dtype):
    """Lines that print each group's rate after the last step, first the subject's and then torch's."""
    spared = left_to(thing, LADDERS[subject.role].native, problem.settings)
    settings = ", ".join(f"{k}={v!r}" for k, v in spared.items())
    kind = "SGD(groups, momentum=0.9)" if problem.optimizer == "optim.sgd" else "Adam(groups)"
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    if not _is_of_optimizers(thing):
        yield f"print([{subject.name}(initial_lr=lr, {settings})({problem.steps}) for lr in {problem.lrs}])"
        yield f"for cls in [{native}]:"
    else:
        yield f"for cls in {subject.name}, {native}:"
    yield f"    groups = [{{'params': [torch.zeros(1, requires_grad=True)], 'lr': lr}} for lr in {problem.lrs}]"
    yield f"    optimizer = torch.optim.{kind}"
    yield f"    schedule = cls(optimizer, {settings})"
    yield f"    for _ in range({problem.steps}):"
    yield "        optimizer.step()"
    yield "        schedule.step()"
    yield "    print([group['lr'] for group in optimizer.param_groups])"
