"""The doors for data: for a sampler or a loader, a class in torch's manner or a function whose result can be iterated;
and for what makes, joins, selects, stacks and splits rows."""

import numpy as np

from impls.ladder import Rung
from tests.capabilities import left_to, refuse_missing, takes, untouched
from tests.cells import LADDERS
from tests.data.trace import BATCHES, LOADER, RANDOM
from tests.door import Call, tensors


class Iterated:
    """The door for samplers and loaders."""

    def asks(self, role):
        return (
            "a class, or a function of the same arguments, that can be iterated again and again",
            "every option of torch's; without generator, shuffled rows are not compared with torch's",
        )

    def adapt(self, role, thing):
        def built(*args, **given):
            given = {k: v for k, v in given.items() if v is not None or k != "generator"}
            refuse_missing(thing, given)
            given = left_to(thing, LADDERS[role].native, given)
            with untouched():
                return thing(*args, **given) if isinstance(thing, type) else _Again(lambda: thing(*args, **given))

        return Rung.CUSTOM, built

    # ── a report ──

    def searched(self, entry, dtype):
        """Programs of whole passes, and then everything."""
        every = entry.problems(dtype, **entry.asks.get("agreement", {}))
        return [every.map(entry.read_whole), every]

    def describe(self, program):
        return "; ".join(map(_told, program.streams)) + f" seed={program.seed}"

    def where(self, path, program):
        turn, request, *rest = path
        return [f"turn {turn + 1} of {len(program.script)}", f"request {request}", *map(str, rest)]

    def until(self, path, program):
        return program

    def reproduce(self, subject, thing, native, program, dtype, path=()):
        """Lines that print what comes in one pass, first of the subject's and then of torch's."""
        order = program.streams[program.script[path[0] if path else 0].which]
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


def _told(order):
    options = {"n": order.n} | order.settings | order.sampler_settings | {"generator": order.generator}
    return " ".join(f"{k}={v!r}" for k, v in options.items())


class _Again:
    """A function's result, called for anew at each pass, where it is a stream that runs dry."""

    def __init__(self, call):
        self.call, self.first = call, call()

    def __iter__(self):
        return iter(self.call() if hasattr(self.first, "__next__") else self.first)


STREAM = Iterated()

# ── rows ──

ROWS = "seen = {f'part {i}': torch.as_tensor(part) for i, part in enumerate(found)}"
NAMED = "found = found.values() if isinstance(found, dict) else found"


class Indexed(Call):
    """The door for what is indexed: a row alone is easy to tell."""

    def searched(self, entry, dtype):
        return [entry.problems(dtype, alone=True), entry.problems(dtype)]


def _concatenated(problem, _options, _dtype):
    datasets = f"[[(k, i) for i in range(n)] for k, n in enumerate({problem.lengths})]"
    return [f"found = f({datasets})[{problem.i}]", ROWS, "seen |= {'a tuple': torch.tensor(type(found) is tuple)}"]


def _stacked(problem, _options, _dtype):
    if problem.names is None:
        given = f"*{tensors(problem.arrays)}"
    else:
        given = ", ".join(f"{k}={tensors(a)}" for k, a in zip(problem.names, problem.arrays, strict=False))
    return [f"found = f({given})[{problem.i}]", NAMED, ROWS]


def _indexed(problem, _options, _dtype):
    index = tensors(problem.i) if isinstance(problem.i, np.ndarray) else problem.i
    return [f"found = f(*{tensors(problem.arrays)})[{index}]", ROWS]


def _selected(problem, _options, _dtype):
    yield f"part = f(f(range({problem.n}), {problem.outer.tolist()}), {problem.inner.tolist()})"
    if isinstance(problem.i, int):
        yield f"seen = {{'row': torch.tensor(part[{problem.i}])}}"
    else:
        yield "several = getattr(part, '__getitems__', lambda rows: [part[i] for i in rows])"
        yield f"seen = {{'rows': torch.tensor(several({problem.i.tolist()}))}}"


def _collated(problem, _options, _dtype):
    return [f"found = f({tensors(problem.rows)})", ROWS]


def _parted(program, _options, _dtype):
    owned = any(split.generator == "own" for split in program.streams)
    yield f"torch.manual_seed({program.seed + 1})"
    if owned:
        yield f"own = torch.Generator().manual_seed({program.seed})"
    yield "seen = {}"
    for k, split in enumerate(program.streams):
        given = "" if split.generator == "global" else f", generator={split.generator}"
        yield f"parts = f(range({split.n}), {split.lengths}{given})"
        yield f"seen |= {{f'split {k}, part {{i}}': torch.tensor([*part]) for i, part in enumerate(parts)}}"
    yield "seen |= {'what is drawn next': torch.rand(1)}"
    if owned:
        yield "seen |= {'what is drawn next of its own': torch.rand(1, generator=own)}"


CONCAT = Call(needs="a class NAME(datasets) whose objects are indexed", lines=_concatenated)
STACK = Call(
    needs="a class NAME(*datasets) whose objects are indexed; by name where it takes **datasets", lines=_stacked
)
TENSORS = Indexed(needs="a class NAME(*tensors) whose objects are indexed", lines=_indexed)
SUBSET = Indexed(needs="a class NAME(dataset, indices) whose objects are indexed", lines=_selected)
COLLATE = Call(needs="a function NAME(rows) that returns a batch", lines=_collated)
SPLIT = Call(needs="a function NAME(dataset, lengths) that returns the parts", lines=_parted)
