"""The door for L-BFGS: a class whose step takes a closure."""

from impls.ladder import Rung
from tests.capabilities import Missing, left_to, refuse_missing, untouched
from tests.cells import LADDERS
from tests.engine import Opaque
from tests.optim.lbfgs_trace import tells

ROLE = "optim.lbfgs"
NEEDS = "a class NAME(params, lr=...) with step(closure)"
OPTIONAL = "every other option of torch's; state_dict under torch's names, else the first step alone is judged"


def asks(role):
    return NEEDS, OPTIONAL


def adapt(role, thing):
    def built(params, **given):
        given = left_to(thing, LADDERS[role].native, given)
        refuse_missing(thing, given)
        return _Stepper(thing(params, **given))

    return Rung.CUSTOM, built


class _Stepper:
    def __init__(self, inner):
        self.inner = inner

    def step(self, closure):
        with untouched():
            return self.inner.step(closure)

    def state_dict(self):
        return self.inner.state_dict() if tells(type(self.inner)) else {"state": {0: Opaque()}}

    def load_state_dict(self, saved):
        if not tells(type(self.inner)):
            raise Missing("state_dict under torch's names (absent)")
        self.inner.load_state_dict(saved)


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def searched(entry, dtype):
    every = entry.problems(dtype).map(lambda problem: problem._replace(without=frozenset(), restore=False))
    return [every.map(lambda problem: problem._replace(steps=1)), every]


def describe(problem):
    w = " ".join(f"w{i}={w.tolist()}" for i, w in enumerate(problem.params))
    a, b, c, k, sign = problem.answer
    about = f"a={a.tolist()} b={b} c={c.tolist()} k={k}"
    loss = "½Σau²+bΣcos(3u)+kΣuᵢuᵢ₊₁" if sign > 0 else "-½Σau²-bΣcos(3u)-kΣuᵢuᵢ₊₁"
    return f"{w} {_options(problem.settings, ' ')} loss={loss}, u=w-c: {about}"


def where(path, problem):
    return [f"step {path[0] + 1} of {problem.steps}"]


def until(path, problem):
    return problem


def _options(settings, by=", "):
    return by.join(f"{k}={v!r}" for k, v in settings.items())


def reproduce(subject, thing, native, problem, dtype, path=()):
    """Lines that print the parameters after the steps, and how often the loss was asked for."""
    a, b, c, k, sign = problem.answer
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    yield f"a, c = torch.tensor([{a.tolist()}, {c.tolist()}], dtype=torch.float64)"
    yield f"for cls in {subject.name}, {native}:"
    yield f"    start = {[w.tolist() for w in problem.params]}"
    yield f"    ws = [torch.tensor(w, dtype=torch.{dtype}, requires_grad=True) for w in start]"
    yield f"    optimizer = cls(ws, {_options(left_to(thing, LADDERS[ROLE].native, problem.settings))})"
    yield "    asked = []"
    yield "    def closure():"
    yield "        for w in ws:"
    yield "            w.grad = None"
    yield "        u = torch.cat([w.reshape(-1) for w in ws]) - c"
    yield f"        loss = (a * u * u).sum() / 2 + {b} * torch.cos(3 * u).sum() + {k} * (u[1:] * u[:-1]).sum()"
    yield from ["        loss = -loss"] if sign < 0 else []
    yield "        loss.backward()"
    yield "        asked.append(loss.item())"
    yield "        return loss"
    yield f"    for _ in range({problem.steps}):"
    yield "        optimizer.step(closure)"
    yield "    print(len(asked), [w.tolist() for w in ws])"
