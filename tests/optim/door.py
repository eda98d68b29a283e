"""The door for optimizers: a class in torch's manner, or a function of the options that returns (init, update)."""

import functools

import hypothesis.strategies as st
import numpy as np
import torch

from impls.ladder import Rung
from tests.capabilities import (
    Missing,
    left_to,
    names,
    refuse_missing,
    requires,
    untouched,
)
from tests.cells import LADDERS
from tests.engine import Different, Opaque
from tests.engine.arrays import arrays, lattice
from tests.optim.matrix_problems import Orthogonal
from tests.optim.problems import LRS
from tests.optim.trace import CONSTRUCTED as OF_THE_CONSTRUCTOR
from tests.optim.trace import Line, Problem

NEEDS = (
    "a class NAME(params, lr=...) with step(), or a function of the options that returns (init(w), update(g, state, w))"
)
OPTIONAL = "every other option of torch's; param_groups or the rate as an attribute; state_dict under torch's names"


def asks(role):
    return NEEDS, OPTIONAL


def adapt(role, thing):
    native = LADDERS[role].native
    if isinstance(thing, type) or names(thing, "params"):
        spared = lambda group: left_to(thing, native, group) | {k: group[k] for k in ("params", "lr") if k in group}
        return Rung.CUSTOM, lambda groups, **constructed: _Stepper(thing, [*map(spared, groups)], **constructed)
    return Rung.RAW, lambda params, state, *, lr, **given: _functional(
        thing, params, state, lr=lr, **left_to(thing, native, given)
    )


class _Stepper:
    """What has step(): one object for all groups if it is an Optimizer of torch's, else one a group."""

    def __init__(self, thing, groups, **constructed):
        self.thing, self.groups, self.inner = thing, groups, []
        for group in groups:
            refuse_missing(thing, group.keys() - {"params", "lr"})
        if _is_torchs(self.thing):
            self.inner = [thing([dict(group) for group in groups], **constructed, **_rate(thing))]

    @property
    def param_groups(self):
        return self.inner[0].param_groups if _is_torchs(self.thing) else self.groups

    @property
    def params(self):
        return [p for group in self.param_groups for p in group["params"]]

    def zero_grad(self, set_to_none=True):
        if _is_torchs(self.thing):
            return self.inner[0].zero_grad(set_to_none)
        for p in self.params:
            p.grad = None if set_to_none or p.grad is None else p.grad.zero_()
        return None

    def step(self):
        with untouched(*[p.grad for p in self.params if p.grad is not None]):
            if not self.inner:
                self.inner = [self.thing(**group) for group in self.param_groups]
            if not _is_torchs(self.thing):
                for inner, group in zip(self.inner, self.param_groups, strict=True):
                    self._set_rate(inner, group["lr"])
            for inner in self.inner:
                inner.step()

    def _set_rate(self, inner, lr):
        if hasattr(inner, "param_groups"):
            for group in inner.param_groups:
                group["lr"] = lr
        else:
            for name in _where_the_rate_is(self.thing):
                setattr(inner, name, lr)

    def state_dict(self):
        """Of each parameter what it shows of its state: all of it, if it is an Optimizer of torch's."""
        kept = self.inner[0].state if _is_torchs(self.thing) else {}
        return {"state": {i: Opaque(kept.get(p, ())) for i, p in enumerate(self.params)}}

    def load_state_dict(self, saved):
        if not _is_torchs(self.thing):
            raise Missing("load_state_dict (absent)")
        owners = [group for group in self.param_groups for _ in group["params"]]
        for group, p, state in zip(owners, self.params, saved["state"].values(), strict=True):
            if self._names(group, p) != state.keys():
                raise Missing("state_dict under torch's names (absent)")
        self.inner[0].load_state_dict(self.inner[0].state_dict() | {"state": saved["state"]})

    def _names(self, group, p):
        """Under which names the subject keeps what it remembers of a parameter."""
        leaf = torch.zeros_like(p, requires_grad=True)
        leaf.grad = torch.ones_like(leaf)
        probe = self.thing([{**group, "params": [leaf]}], **_rate(self.thing))
        probe.step()
        return {name for name, value in probe.state[leaf].items() if value is not None}


def _is_torchs(thing):
    return isinstance(thing, type) and issubclass(thing, torch.optim.Optimizer)


def _rate(thing):
    """A rate for a class that has no default one; every group has its own."""
    return {"lr": 0.1} if requires(thing, "lr") else {}


@functools.cache
def _where_the_rate_is(thing):
    """The attributes in which an object keeps its rate, found by a rate that nothing else is."""
    odd = 0.1234567
    names = [name for name, value in vars(thing([torch.zeros(1, requires_grad=True)], lr=odd)).items() if value is odd]
    if not names:
        raise Missing("param_groups, or the rate as an attribute (absent)")
    return names


def _functional(thing, params, state, *, lr, **given):
    """The raw rung of a function that returns (init, update): update's first result is added to the parameter."""
    refuse_missing(thing, given)
    init, update = thing(lr=lr, **given)
    for p in params:
        if p.grad is None:
            continue
        w, g = p.detach().numpy().copy(), p.grad.numpy().copy()
        if p in state and not isinstance(state[p], Opaque):
            raise Missing("state_dict under torch's names (absent)")
        with untouched(w, g):
            change, kept = update(g, state[p].kept if p in state else init(w), w)
        moved = np.asarray(w + np.asarray(change))
        if (moved.dtype, moved.shape) != (w.dtype, w.shape):
            raise Different(f"the parameter became {moved.dtype}{list(moved.shape)}, it was {w.dtype}{list(w.shape)}")
        state[p] = Opaque(kept=kept)
        p.data.copy_(torch.as_tensor(moved))


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def searched(entry, dtype):
    """Where a difference is looked for: in what is easy to tell, and then in everything."""
    everything = LRS.flatmap(lambda lr: entry.problems(dtype, lrs=st.just(lr)))
    easy = [] if isinstance(entry, Orthogonal) else [simple(entry, dtype, lattice), simple(entry, dtype, arrays)]
    return [*easy, everything]


@st.composite
def simple(draw, entry, dtype, of):
    """One parameter, one rate, and a gradient at every step."""
    lr, shape = draw(LRS), draw(st.sampled_from([(1,), (2,)]))
    gradients = draw(st.lists(of(shape, dtype), min_size=1, max_size=3))
    script = [Line(lr, "drop", (g,)) for g in gradients]
    return Problem([draw(of(shape, dtype))], [draw(entry.settings)], script)


def describe(problem):
    w = " ".join(f"w{i}={w.tolist()}" for i, w in enumerate(problem.params))
    if _is_simple(problem):
        gradients = [line.grads[0].tolist() for line in problem.script]
        return f"{w} gradients={gradients} lr={problem.script[0].lr} {_options(problem.settings[0], ' ')}"
    options = " ".join(f"options{i}=({_options(s)})" for i, s in enumerate(problem.settings))
    lines = [
        f"(lr={line.lr} {line.old} {[None if g is None else g.tolist() for g in line.grads]})"
        for line in problem.script
    ]
    return f"{w} {options} steps={' '.join(lines)}"


def where(path, problem):
    step, parameter, *rest = path
    return [
        f"step {step + 1} of {len(problem.script)}",
        f"parameter {parameter}",
        *(r for r in rest if r != "parameter"),
    ]


def until(path, problem):
    """The problem, ended where the first difference is seen."""
    return problem._replace(script=problem.script[: path[0] + 1])


def _is_simple(problem):
    return (
        len(problem.params) == 1
        and len({line.lr for line in problem.script}) == 1
        and all(line.old == "drop" and line.grads[0] is not None for line in problem.script)
    )


def _options(settings, by=", "):
    return by.join(f"{k}={v!r}" for k, v in settings.items())


def reproduce(subject, thing, native, problem, dtype, path=()):
    """Lines that show the same difference: what arrives as gradients is written out, step by step."""
    rung, _ = adapt(subject.role, thing)
    problem = problem._replace(settings=[left_to(thing, LADDERS[subject.role].native, s) for s in problem.settings])
    if rung is Rung.RAW:
        return _of_a_function(subject, native, problem, dtype)
    lines = _of_one_parameter if _is_simple(problem) else _of_several
    return lines(subject, thing, native, problem, dtype, "state" in path)


def _of_one_parameter(subject, thing, native, problem, dtype, with_state):
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    yield f"for cls in {subject.name}, {native}:"
    yield f"    w = torch.tensor({problem.params[0].tolist()}, dtype=torch.{dtype}, requires_grad=True)"
    yield f"    optimizer = cls([w], {_options({'lr': problem.script[0].lr} | problem.settings[0])})"
    yield f"    for g in {[line.grads[0].tolist() for line in problem.script]}:"
    yield "        w.grad = torch.tensor(g, dtype=w.dtype)"
    yield "        optimizer.step()"
    yield f"    print(w.tolist(), w.grad.tolist(){f', {STATE}' if with_state else ''})"


STATE = "{k: v.tolist() for k, v in optimizer.state[w].items() if isinstance(v, torch.Tensor)}"


def _of_several(subject, thing, native, problem, dtype, with_state):
    lr = problem.script[0].lr
    steps = [[None if g is None else g.tolist() for g in grads] for grads in _arriving(problem)]
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    yield f"start, options = {[w.tolist() for w in problem.params]}, {problem.settings}"
    yield f"steps = {steps}  # of each a gradient for every parameter"
    yield f"for cls in {subject.name}, {native}:"
    yield f"    ws = [torch.tensor(w, dtype=torch.{dtype}, requires_grad=True) for w in start]"
    if _is_torchs(thing):
        own = _options({"lr": lr} | {k: v for k, v in problem.settings[0].items() if k in OF_THE_CONSTRUCTOR})
        yield f"    optimizers = [cls([{{'params': [w], **o}} for w, o in zip(ws, options)], {own})]"
    else:
        yield f"    optimizers = [cls([w], lr={lr}, **o) for w, o in zip(ws, options)]"
    yield "    for gradients in steps:"
    yield "        for w, g in zip(ws, gradients):"
    yield "            w.grad = None if g is None else torch.tensor(g, dtype=w.dtype)"
    yield "        for optimizer in optimizers:"
    yield "            optimizer.step()"
    seen = "[w.tolist() for w in ws], [w.grad if w.grad is None else w.grad.tolist() for w in ws]"
    yield f"    print({seen}{f', [{STATE} for optimizer in optimizers for w in ws]' if with_state else ''})"


def _of_a_function(subject, native, problem, dtype):
    """Of the first parameter: a function knows of one at a time."""
    options = _options({"lr": problem.script[0].lr} | problem.settings[0])
    yield "import numpy as np, torch"
    yield f"from {subject.path.stem} import {subject.name}"
    yield f"init, update = {subject.name}({options})"
    yield f"w = np.array({problem.params[0].tolist()}, np.{dtype})"
    yield "v = torch.tensor(w, requires_grad=True)"
    yield f"state, optimizer = init(w), {native}([v], {options})"
    yield f"for g in {[g.tolist() for g, *_ in _arriving(problem) if g is not None]}:"
    yield "    change, state = update(np.array(g, w.dtype), state, w)"
    yield "    w = w + np.asarray(change)"
    yield "    v.grad = torch.tensor(g, dtype=v.dtype)"
    yield "    optimizer.step()"
    yield "print(w.tolist())"
    yield "print(v.tolist())"


def _arriving(problem):
    """The gradients that are there when each step is taken."""
    grads = [None] * len(problem.params)
    for line in problem.script:
        if line.old != "keep":
            grads = [None if g is None or line.old == "drop" else np.zeros_like(g) for g in grads]
        grads = [
            old if new is None else new if old is None else old + new
            for old, new in zip(grads, line.grads, strict=True)
        ]
        yield grads
