"""The door for what is called as torch's is: a function that fills, clips, averages, splits or differentiates, a class
that joins.

A role is an entry of ROLES.  What a report is about is a few lines of code, which are run to be compared and printed to
be pasted.
"""

import contextlib
import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.capabilities import left_to, names, refuse_missing, untouched
from tests.cells import LADDERS, Cell
from tests.engine import bounded
from tests.engine.arrays import lattice, snapshot
from tests.families import expected as admitted
from tests.nn.problems import chains
from tests.nn.trace import Chain

OPTIONAL = "every option of torch's that has a default"


class Problem(NamedTuple):
    """What is given, by name, and the options, of which each may be left to its default."""

    dtype: str
    given: dict[str, Any]
    settings: dict[str, Any] = {}

    def __getattr__(self, name):
        if name not in self.given:
            raise AttributeError(name)
        return self.given[name]


class Role(NamedTuple):
    needs: str
    problems: Callable  # of a dtype
    lines: Callable  # of a problem and its options as they are written: code in which f is called and `seen` is made
    expected: Callable | None = None  # of a problem, where something rounds; elsewhere it is what torch's makes of it
    forms: tuple = ()  # what else is taken: by what it is known, and what makes it torch's form
    narrow: Callable = lambda _: None  # leaves out what it cannot do
    raw: str | None = None  # what makes our raw rung torch's form
    made_up: tuple = ()  # options that another form does without
    always: tuple = ()  # what is no option, although it has a default
    rung: Rung = Rung.CUSTOM


def roles():
    return list(ROLES)


def asks(role):
    return ROLES[role].needs, OPTIONAL


def narrow(role, thing, law=None):
    ROLES[role].narrow(thing)


def adapt(role, thing):
    form = _form(role, thing)
    return ROLES[role].rung, _called(thing, _in_form(form, thing), role, ROLES[role].made_up if form else ())


def _form(role, thing):
    """What makes it something that is called as torch's is, if it is not that already."""
    return next((form for known, form in ROLES[role].forms if known(thing)), None)


def _in_form(form, thing):
    return thing if form is None else eval(form, {"theirs": thing, "torch": torch})


def _called(thing, call, role, made_up):
    """What is called with what torch's is called with, less the options that it has by default."""
    native = LADDERS[role].native
    signature = inspect.signature(native)
    kinds = {name: p.kind for name, p in signature.parameters.items()}
    options = {name for name, p in signature.parameters.items() if p.default is not p.empty} - {*ROLES[role].always}

    def called(*args, **given):
        first, asked = [], {}
        for name, value in signature.bind(*args, **given).arguments.items():
            if name in options or kinds[name] is inspect.Parameter.VAR_KEYWORD:
                asked |= {name: value} if name in options else value
            else:
                first += value if kinds[name] is inspect.Parameter.VAR_POSITIONAL else [value]
        asked = {name: value for name, value in left_to(thing, native, asked).items() if name not in made_up}
        refuse_missing(thing, asked)
        with untouched(*(x for x in first[1:] if isinstance(x, torch.Tensor))), _default_dtype_of(thing, first):
            return call(*first, **asked)

    return called


@contextlib.contextmanager
def _default_dtype_of(thing, first):
    """What draws by a shape alone draws in the dtype of the tensor that is to be filled."""
    before = torch.get_default_dtype()
    filled = names(thing, "shape") and first and isinstance(first[0], torch.Tensor)
    torch.set_default_dtype(first[0].dtype if filled else before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def trace(rung, role, problem):
    """What the lines make of a rung."""
    f, form = getattr(LADDERS[role], rung), ROLES[role].raw if rung is Rung.RAW else None
    space = {"torch": torch, "f": _in_form(form, f)}
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=()):
        try:
            exec("\n".join(ROLES[role].lines(problem, _options(problem.settings))), space)
        finally:
            torch.set_default_dtype(before)
    return {str(name): snapshot(value) for name, value in space["seen"].items()}


def expected(role, problem, dtype):
    of = ROLES[role].expected
    return of(role, problem) if of else {k: _exactly(x) for k, x in trace(Rung.NATIVE, role, problem).items()}


def _exactly(x):
    """A number as it must be, but for the sign of zero."""
    return bounded(x, x.dtype) if x.dtype.kind == "f" else x


def searched(role, dtype):
    return [ROLES[role].problems(dtype)]


def describe(problem):
    return " ".join(f"{k}={_told(v)}" for k, v in (problem.given | problem.settings).items())


def _told(x):
    if isinstance(x, list | tuple):
        return f"[{', '.join(map(_told, x))}]"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{k}: {_told(v)}' for k, v in x.items())}}}"
    return repr(x.tolist()) if isinstance(x, np.ndarray | np.generic) else repr(x)


def where(path, problem):
    return path


def until(path, problem):
    return problem


def reproduce(subject, thing, native, problem, dtype, path=()):
    """Lines that print what is seen, first of the subject's and then of torch's."""
    spared, form = left_to(thing, LADDERS[subject.role].native, problem.settings), _form(subject.role, thing)
    own = subject.name
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    if form:
        own = "as_torchs"
        yield f"{own} = {form.replace('theirs', subject.name)}"
    yield f"for f in {own}, {native}:"
    for line in ROLES[subject.role].lines(problem, _options(spared)):
        yield f"    {line}"
    yield "    print({name: value.tolist() for name, value in seen.items()})"


def _options(settings):
    written = lambda v: f"float('{v}')" if v in (math.inf, -math.inf) else repr(v)
    return "".join(f", {k}={written(v)}" for k, v in settings.items())


def _tensor(a):
    """An array, or several of them, as they are written."""
    if a is None or isinstance(a, list | tuple):
        return "None" if a is None else f"[{', '.join(map(_tensor, a))}]"
    if isinstance(a, dict):
        return f"{{{', '.join(f'{k!r}: {_tensor(v)}' for k, v in a.items())}}}"
    return f"torch.tensor({a.tolist()}, dtype=torch.{a.dtype}){'' if a.size else f'.reshape({a.shape})'}"


def _given(gradients):
    return {f"gradient {i}": g for i, g in enumerate(gradients) if g is not None}


# ── a chain of modules ──────────────────────────────────────────────────────────────────────────

MODULES = {
    "linear": lambda w, _: f"torch.nn.Linear(*{w['weight'].T.shape}, {'bias' in w}, dtype=torch.{w['weight'].dtype})",
    "relu": lambda _, __: "torch.nn.ReLU()",
    "dropout": lambda _, settings: f"torch.nn.Dropout({settings['p']})",
}


def _chain_lines(problem, options):
    yield f"layers = [{', '.join(MODULES[kind](*about) for kind, *about in problem.layers)}]"
    yield f"for layer, state in zip(layers, {_tensor([params for _, params, _ in problem.layers])}):"
    yield "    layer.load_state_dict(state)"
    yield f"x = {_tensor(problem.x)}.requires_grad_()"
    yield f"torch.manual_seed({problem.seed})"
    yield f"y = f(*layers).train({problem.training})(x)"
    yield f"y.backward({_tensor(problem.dy)})"
    yield "seen = {f'{i}.{k}': p.grad for i, layer in enumerate(layers) for k, p in layer.named_parameters()}"
    yield "seen |= {'output': y, 'x': x.grad}"


def _as_chained(role, problem):
    found = admitted(Cell(role, (), problem.dtype), Chain(**problem.given))
    return found["gradient"] | {"output": found["output"], "x": found["x"]}


CHAIN = Role(
    "a Module NAME(*modules) that hands its input from one to the next, and has them as children 0, 1, 2 and so on",
    lambda dtype: chains(dtype).map(lambda chain: Problem(dtype, chain._replace(needs_x=True)._asdict())),
    _chain_lines,
    _as_chained,
)

# ── derivatives of functions ────────────────────────────────────────────────────────────────────

FUNCTIONS = {  # with whole numbers they do not round
    "jacobian": ["lambda x: x * x * x.flatten()[0]", "lambda x: x.sum() * x", "lambda x: 3 * x.sum()"],
    "hessian": ["lambda x: (x * x * x).sum()", "lambda x: x.sum() ** 3 + x.flatten()[0]"],
}


PRODUCT = "a function NAME(func, inputs, v) that returns func(*inputs) and the derivative's product with v"


@st.composite
def _derived(draw, dtype, name):
    function = draw(st.sampled_from(FUNCTIONS["hessian" if name == "hessian" else "jacobian"]))
    shape = draw(st.sampled_from([(1,), (2,), (2, 2)]))
    scalar = name == "vjp" and function.endswith(".sum()")
    given = {"function": function, "x": draw(lattice(shape, dtype))}
    along = {"v": draw(lattice(() if scalar else shape, dtype))} if name in ("vjp", "jvp") else {}
    return Problem(dtype, given | along)


def _derivative(name, needs):
    def lines(problem, options):
        along = f", {_tensor(problem.v)}" if "v" in problem.given else ""
        yield f"found = f({problem.function}, {_tensor(problem.x)}{along})"
        yield f"seen = {{'derivative': found{'[1]' if along else ''}}}"

    return Role(needs, lambda dtype: _derived(dtype, name), lines, rung=Rung.RAW, always=("v",))


ROLES = {
    "nn.sequential": CHAIN,
    "autograd.vjp": _derivative("vjp", PRODUCT),
    "autograd.jvp": _derivative("jvp", PRODUCT),
    "autograd.jacobian": _derivative("jacobian", "a function NAME(func, inputs) that returns every first derivative"),
    "autograd.hessian": _derivative("hessian", "a function NAME(func, inputs) that returns every second derivative"),
}
