"""The doors for what clips gradients, averages weights and measures statistics."""

import inspect

from tests.capabilities import requires, takes
from tests.door import Call, options, tensors

# ── gradients clipped ──


def _clipped(problem, given, _dtype):
    yield f"gradients = {tensors(problem.gradients)}"
    yield "params = [torch.zeros(1 if g is None else g.shape, dtype=None if g is None else g.dtype) for g in gradients]"
    yield "for p, g in zip(params, gradients):"
    yield "    p.grad = g"
    yield f"norm = f(params, {problem.bound}{given})"
    yield "seen = {f'gradient {i}': p.grad for i, p in enumerate(params) if p.grad is not None}"


CLIP_NORM = Call(
    needs="a function NAME(parameters, max_norm, ...) that scales the gradients where they are and returns the norm "
    "they had",
    lines=lambda *problem: [*_clipped(*problem), "seen |= {'norm': norm}"],
)
CLIP_VALUE = Call(
    needs="a function NAME(parameters, clip_value) that clips the gradients where they are and returns nothing",
    lines=_clipped,
)

# ── averages ──


def _average(problem, given, _dtype):
    yield f"average, current = {tensors([problem.average, problem.current])}"
    yield f"seen = {{'average': f({given[2:]})(average, current, torch.tensor({problem.n}))}}"


def _arguments(thing):
    """How many arguments have to be given."""
    return sum(requires(thing, name) for name in inspect.signature(thing).parameters)


MOVED = "lambda **o: lambda a, w, n: (c := a.clone(), r := theirs(c, w{}, **o))[r is not None]"
AVERAGE = Call(
    needs="a function of the options that returns update(average, current, num_averaged), or the update itself, which "
    "returns the new average or moves the old one",
    lines=_average,
    forms=(
        (lambda thing: _arguments(thing) == 2, MOVED.format("")),
        (lambda thing: _arguments(thing) > 2, MOVED.format(", n")),
    ),
)


def _looked(problem, _given, dtype):
    average = f"get_{problem.average.rpartition('.')[2]}_avg_fn({options(problem.settings)[2:]})"
    yield f"model = torch.nn.Linear(3, 2, dtype=torch.{dtype})"
    yield f"averages = f(model, avg_fn=torch.optim.swa_utils.{average})"
    yield f"for weights in {tensors(problem.weights)}:"
    yield "    model.load_state_dict(weights)"
    yield "    averages.update_parameters(model)"
    yield "seen = dict(averages.module.named_parameters())"


AVERAGED_MODEL = Call(
    needs="a class NAME(model, avg_fn=... or decay=... or neither) with update_parameters(model) and module, the "
    "averages",
    lines=_looked,
    forms=(
        (lambda thing: takes(thing, "avg_fn"), None),
        (lambda thing: takes(thing, "decay"), "lambda model, **_: theirs(model, decay=0.9)"),
        (lambda _: True, "lambda model, **_: theirs(model)"),
    ),
    made_up=("avg_fn",),
)


def _measured(problem, _given, dtype):
    yield f"model = torch.nn.BatchNorm1d(3, dtype=torch.{dtype})"
    yield f"f([[x, 0] for x in {tensors(problem.batches)}], model)"
    yield "seen = {'mean': model.running_mean, 'variance': model.running_var}"


UPDATE_BN = Call(needs="a function NAME(loader, model)", lines=_measured)
