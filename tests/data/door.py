"""The door for samplers and loaders: a class in torch's manner, or a function whose result can be iterated."""

from impls.ladder import Rung
from tests.capabilities import left_to, refuse_missing, takes, untouched
from tests.cells import LADDERS
from tests.data import problems as drawn
from tests.data import trace as observed
from tests.data.trace import BATCHES, LOADER, RANDOM, observe

NEEDS = "a class, or a function of the same arguments, that can be iterated again and again"
OPTIONAL = "every option of torch's; without generator, shuffled rows are not compared with torch's"
OF_THE_SEED = "test_rungs_give_the_same_rows_and_leave_the_same_generators"  # the law about what a generator decides


def roles():
    return list(drawn.ORDERS)


def asks(role):
    return NEEDS, OPTIONAL


def narrow(role, thing, law=None):
    def without(pair):
        order, requests = pair
        keep = lambda name: takes(thing, name) and not (name == "shuffle" and unseeded)
        order = order._replace(settings={k: v for k, v in order.settings.items() if keep(k)})
        return order if takes(thing, "generator") else order._replace(generator=None), requests

    unseeded = law in (OF_THE_SEED, None) and takes(LADDERS[role].native, "generator") and not takes(thing, "generator")
    if unseeded:
        observed.states = lambda generators: {}
    drawn.ORDERS[role] = drawn.ORDERS[role].map(without)


def adapt(role, thing):
    def built(*args, **given):
        given = {k: v for k, v in given.items() if v is not None or k != "generator"}
        refuse_missing(thing, given)
        given = left_to(thing, LADDERS[role].native, given)
        with untouched():
            return thing(*args, **given) if isinstance(thing, type) else _Again(lambda: thing(*args, **given))

    return Rung.CUSTOM, built


class _Again:
    """A function's result, called for anew at each pass, where it is a stream that runs dry."""

    def __init__(self, call):
        self.call, self.first = call, call()

    def __iter__(self):
        return iter(self.call() if hasattr(self.first, "__next__") else self.first)


# ── a report ────────────────────────────────────────────────────────────────────────────────────


def trace(rung, role, program):
    return observe(rung, role, getattr(LADDERS[role], rung), program)


def expected(role, program, dtype):
    return trace(Rung.NATIVE, role, program)


def searched(role, dtype):
    """One pass over one stream, and then everything."""
    one = drawn.programs(drawn.ORDERS[role], n=1)
    return [one.map(lambda program: drawn.whole(program, role)), drawn.orders(role)]


def describe(program):
    return "; ".join(map(_told, program.streams)) + f" seed={program.seed}"


def _told(order):
    options = {"n": order.n} | order.settings | order.sampler_settings | {"generator": order.generator}
    return " ".join(f"{k}={v!r}" for k, v in options.items())


def where(path, program):
    turn, request, *rest = path
    return [f"turn {turn + 1} of {len(program.script)}", f"request {request}", *map(str, rest)]


def until(path, program):
    return program


def reproduce(subject, thing, native, program, dtype, path=()):
    """Lines that print what comes in one pass, first of the subject's and then of torch's."""
    order = program.streams[program.script[0].which]
    drawing = order.generator and takes(LADDERS[subject.role].native, "generator")
    spared = left_to(thing, LADDERS[subject.role].native, order.settings)
    options = [f"{k}={v!r}" for k, v in spared.items() if k != "epoch"]
    which = {"own": f"torch.Generator().manual_seed({program.seed})", "global": "torch.default_generator"}
    options += [f"generator={which[order.generator]}"] if drawing else []
    if subject.role == LOADER:
        first = "torch.utils.data.TensorDataset(torch.arange(n))"
        shown = "[batch.tolist() for batch, in made]"
    elif subject.role == BATCHES:
        kind = "Random" if order.sampler == RANDOM else "Sequential"
        of = "".join(f", {k}={v!r}" for k, v in order.sampler_settings.items())
        first, shown = f"torch.utils.data.{kind}Sampler(range(n){of})", "list(made)"
    else:
        first, shown = ("range(n)" if order.source is None else repr(order.source)), "list(made)"
    yield "import torch"
    yield f"from {subject.path.stem} import {subject.name}"
    yield f"n = {order.n}"
    yield f"for make in {subject.name}, {native}:"
    yield f"    torch.manual_seed({program.seed + 1})"
    yield f"    made = make({', '.join([first, *options])})"
    yield f"    print({shown})"
