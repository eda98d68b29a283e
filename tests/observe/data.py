"""What a caller sees of samplers and loaders: after every request, what was given and the state of two generators.

A program has several samplers or loaders on the same generators, as training and validation have, and a script of
turns.  A turn starts a pass over one of them, or two that live side by side, makes its requests, and may draw a
dropout mask after each; so passes are abandoned, read to the end, and asked again when nothing is left.
Watched are the global generator and one of the program's own.
"""

import contextlib
import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from tests.cells import LADDERS, SEEN
from tests.observe.rng import state_of
from tests.observe.tensors import seen

SEQUENTIAL, RANDOM = "data.sequential_sampler", "data.random_sampler"
BATCHES, LOADER = "data.batch_sampler", "data.loader"


class Turn(NamedTuple):
    which: int  # over which sampler or loader
    requests: tuple  # how many indices each request asks for; where batches are given, always one
    live: int = 1  # passes that live side by side and are asked in turn
    mask: int = 0  # elements of the dropout mask drawn after each request


class Program(NamedTuple):
    streams: list  # of Order, on any rung; or of Feed, on custom and native
    seed: int
    script: list[Turn]


class Order(NamedTuple):
    """n rows in some order, or in batches: what all four rungs can do."""

    n: int
    settings: dict
    generator: str | None  # "own", "global", or None: no generator is given
    sampler: str = SEQUENTIAL  # what a batch sampler batches, and its settings
    sampler_settings: dict = {}
    write: bool = False  # whether the caller overwrites each batch of a loader


def observe(rung, concept, impl, program):
    """Play a program of Orders: a list of turns, each a list of what was seen after every request."""
    begin = {Rung.MANUAL: _manual, Rung.RAW: _raw}.get(rung, _object)
    with torch.random.fork_rng(devices=[]):
        generators = seeded(rung, program.seed)
        return play([begin(rung, concept, impl, order, generators) for order in program.streams], program, generators)


def seeded(rung, seed):
    """The two generators of a rung."""
    draws = LADDERS["rng"][rung is not Rung.MANUAL]
    every = {"own": draws.seed(seed), "global": draws.seed(seed + 1)}
    return every if rung is Rung.MANUAL else every | {"global": torch.default_generator.manual_seed(seed + 1)}


def states(generators):
    return {k: (state_of(g) if isinstance(g, torch.Generator) else g)._asdict() for k, g in generators.items()}


def play(begins, program, generators):
    """A `begin` starts a pass and returns how it is asked."""
    return [_turn(begins[turn.which], turn, generators) for turn in program.script]


def _turn(begin, turn, generators):
    passes = [begin() for _ in range(turn.live)]
    lines = [states(generators)]
    for k, ask in itertools.product(turn.requests, passes):
        lines.append({"given": ask(k)} | states(generators))
        for name, generator in generators.items() if turn.mask else ():
            draws = LADDERS["rng"][isinstance(generator, torch.Generator)]
            _, generators[name] = draws.bernoulli(generator, 0.5, (turn.mask,))
    return lines


def came(lines):
    """What was given in a turn, without the requests that gave nothing."""
    return [line["given"] for line in lines[1:] if line["given"] is not None]


def _columns(n):
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n)


def _given(batch, write):
    """A batch as arrays, copied before the caller writes into it."""
    copies = [seen(part).copy() for part in batch]
    for part in batch if write else ():
        part[...] = 0
    return copies


def _manual(_, concept, impl, order, generators):
    n, settings = order.n, order.settings
    where, private = order.generator or "global", {"private": order.generator is None}
    columns, rows = _columns(n), LADDERS["data.dataset"].manual

    def start(stream, name, options):
        return stream.start(n, **options, **(private if name == RANDOM else {}))

    def begin():
        if concept == LOADER:
            cursor, generators[where] = impl.start(generators[where], n, **settings, **private)
        elif concept == BATCHES:
            cursor = start(LADDERS[order.sampler].manual, order.sampler, order.sampler_settings)
        else:
            cursor = start(impl, concept, settings)

        def ask(k):
            nonlocal cursor
            if concept == LOADER:
                given, cursor, generators[where] = impl.advance(cursor, generators[where])
                return None if given is None else _given(rows(columns, given), order.write)
            if concept == BATCHES:
                take = LADDERS[order.sampler].manual.take
                given, cursor, generators[where] = impl(take, cursor, generators[where], **settings)
            else:
                given, cursor, generators[where] = impl.take(cursor, generators[where], k)
            return given

        return ask

    return begin


def _raw(_, concept, impl, order, generators):
    generator = {"generator": generators.get(order.generator)}
    columns, rows = [torch.from_numpy(c) for c in _columns(order.n)], LADDERS["data.dataset"].raw

    def start(function, name, options):
        return function(order.n, **options, **(generator if name in (RANDOM, LOADER) else {}))

    def begin():
        if concept == BATCHES:
            sampler = start(LADDERS[order.sampler].raw, order.sampler, order.sampler_settings)
            return _asked(concept, map(seen, impl(sampler, **order.settings)))
        stream = start(impl, concept, order.settings)
        if concept == LOADER:
            stream = (rows(columns, i) for i in stream)
        return _asked(concept, stream, order.write)

    return begin


def made(rung, concept, impl, order, generators):
    """The sampler or loader of a rung of objects."""
    library, generator = Library.of(rung), {"generator": generators.get(order.generator)}
    if concept == LOADER:
        dataset = library.TensorDataset(*map(torch.from_numpy, _columns(order.n)))
        return impl(dataset, **order.settings, **generator)
    drawing = generator if RANDOM in (concept, order.sampler) else {}
    if concept == BATCHES:
        cls = library.RandomSampler if order.sampler == RANDOM else library.SequentialSampler
        return impl(cls(range(order.n), **order.sampler_settings, **drawing), **order.settings)
    return impl(range(order.n), **order.settings, **drawing)


def _object(rung, concept, impl, order, generators):
    """Of objects there is one, and every pass is a pass over it."""
    stream = made(rung, concept, impl, order, generators)
    return lambda: _asked(concept, iter(stream), order.write)


def _asked(concept, stream, write=False):
    """How an iterator is asked: for k indices, for a batch of indices, or for a batch of rows."""
    if concept == LOADER:
        return lambda _: _next(stream, lambda batch: _given(batch, write))
    if concept == BATCHES:
        return lambda _: _next(stream, np.array)
    return lambda k: np.array(list(itertools.islice(stream, k)), np.int64)


def _next(stream, use):
    batch = next(stream, None)
    return None if batch is None else use(batch)


def lengths(rung, concept, impl, program):
    """Of each stream what len() says, of it and of a pass that has a length, and how many indices or batches come."""
    with torch.random.fork_rng(devices=[]):
        generators = seeded(rung, program.seed)
        streams = [made(rung, concept, impl, order, generators) for order in program.streams]
        said = [[len(stream), *([len(iter(stream))] if concept == LOADER else [])] for stream in streams]
        return said, [[len(list(stream))] * len(each) for stream, each in zip(streams, said, strict=True)]


# ── custom and native: any dataset, any options ─────────────────────────────────────────────────


class Library(NamedTuple):
    """What a program imports from torch.utils.data, of one rung."""

    TensorDataset: type
    Subset: type
    random_split: Any
    SequentialSampler: type
    RandomSampler: type
    BatchSampler: type
    default_collate: Any
    DataLoader: type

    @classmethod
    def of(cls, rung):
        names = ("data.dataset", "data.subset", "data.split", SEQUENTIAL, RANDOM, BATCHES, "data.collate", LOADER)
        return cls(*(getattr(LADDERS[name], rung) for name in names))

    @property
    def Dataset(self):  # noqa: N802  (torch's name)
        return self.TensorDataset.__base__

    @property
    def Sampler(self):  # noqa: N802
        return self.SequentialSampler.__base__


class Shown(NamedTuple):
    """A dataset: what it is made of, and the subsets through which it is seen, the innermost first."""

    kind: str  # a key of DATASETS
    rows: Any
    views: list = []


class Sampled(NamedTuple):
    kind: str  # a key of SAMPLERS
    settings: dict = {}
    indices: Any = None  # of a list; of a sampler of another dataset, their number
    batches: dict | None = None  # the options of a batch sampler around it


class Feed(NamedTuple):
    """A loader over any dataset with any options: what custom and native can do."""

    dataset: Shown
    options: dict
    generator: str | None
    borrowed: bool = False  # whether dataset and samplers are native's, whatever the loader


def _with_place(cls):
    """A child whose rows are other rows than those of its tensors."""
    return type("WithPlace", (cls,), {"__getitem__": lambda self, i: (self.tensors[0][i], torch.tensor(i))})


def _whole_batches(base):
    """A dataset that serves whole batches, and shows which way it was asked."""
    body = {
        "__init__": lambda self, rows: setattr(self, "rows", rows),
        "__len__": lambda self: len(self.rows),
        "__getitem__": lambda self, i: (self.rows[i], "alone"),
        "__getitems__": lambda self, batch: [(self.rows[i], f"of {len(batch)}") for i in batch],
    }
    return type("WholeBatches", (base,), body)


def _twice(library):
    """A child of Subset whose rows are other rows than those it selects."""
    body = {
        "__init__": lambda self, rows: library.Subset.__init__(
            self, library.TensorDataset(*rows), [*range(len(rows[0]))]
        ),
        "__getitem__": lambda self, i: self.dataset[self.indices[i]] * 2,
        "__getitems__": lambda self, batch: [self[i] for i in batch],
    }
    return type("Twice", (library.Subset,), body)


def _backwards(cls):
    return type("Backwards", (cls,), {"__iter__": lambda self: iter(list(cls.__iter__(self))[::-1])})


DATASETS = {
    "tensors": lambda library, rows: library.TensorDataset(*rows),
    "child": lambda library, rows: _with_place(library.TensorDataset)(*rows),
    "child of a subset": lambda library, rows: _twice(library)(rows),
    "whole batches": lambda library, rows: _whole_batches(library.Dataset)(rows),
    "anything": lambda _, rows: rows,
}
SAMPLERS = {
    "sequential": lambda library, dataset, _: library.SequentialSampler(dataset),
    "random": lambda library, dataset, about: library.RandomSampler(dataset, **about.settings),
    "child": lambda library, dataset, about: _backwards(library.RandomSampler)(dataset, **about.settings),
    "of another dataset": lambda library, _, about: library.SequentialSampler(range(about.indices)),
    "list": lambda _, __, about: about.indices,
}


def shown(library, about, device="cpu"):
    rows = [part.to(device) if isinstance(part, torch.Tensor) else part for part in about.rows]
    dataset = DATASETS[about.kind](library, rows)
    for indices in about.views:
        dataset = library.Subset(dataset, indices)
    return dataset


def sampled(library, dataset, about, generators):
    settings = {k: generators.get(v) if k == "generator" else v for k, v in about.settings.items()}
    sampler = SAMPLERS[about.kind](library, dataset, about._replace(settings=settings))
    if about.batches is None:
        return sampler
    cls = _backwards(library.BatchSampler) if about.kind == "child" else library.BatchSampler
    return cls(sampler, **about.batches)


def build(rung, impl, about, generators, device="cpu"):
    """The loader of a Feed."""
    library = Library.of(Rung.NATIVE if about.borrowed else rung)
    dataset = shown(library, about.dataset, device)
    options = {
        k: sampled(library, dataset, v, generators) if isinstance(v, Sampled) else v for k, v in about.options.items()
    }
    return impl(dataset, **options, **({"generator": generators[about.generator]} if about.generator else {}))


def feed(rung, impl, program, device="cpu"):
    """Play a program of Feeds."""
    with torch.random.fork_rng(devices=[]):
        generators = seeded(rung, program.seed)
        loaders = [outcome(lambda f=f: build(rung, impl, f, generators, device)) for f in program.streams]
        begins = [lambda loader=loader: asker(loader) for loader in loaders]
        return [outcome(lambda loader=loader: len(loader)) for loader in loaders], play(begins, program, generators)


def asker(loader):
    """Start a pass over a loader; one that was refused gives its refusal."""
    if isinstance(loader, Raised):
        return lambda _: loader
    stream = iter(loader)
    return lambda _: outcome(lambda: _next(stream, told))


class Side:
    """Custom or native in a program of its own: between its turns its global generator is put away."""

    def __init__(self, rung, impl, program):
        self.put_away, self.passes = torch.get_rng_state(), []
        with self.turn():
            self.generators = seeded(rung, program.seed)
            self.loaders = [outcome(lambda f=f: build(rung, impl, f, self.generators)) for f in program.streams]

    @contextlib.contextmanager
    def turn(self):
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.put_away)
            yield
            self.put_away = torch.get_rng_state()

    def does(self, act):
        """What comes of an act, and the generators that it leaves."""
        with self.turn():
            return {"came": act(self)} | states(self.generators)


# ── datasets and splits ─────────────────────────────────────────────────────────────────────────


def indexed(rung, impl, arrays, index):
    """What a dataset of these arrays shows at an index; of a refusal the class: its words are NumPy's or torch's."""
    rows = outcome(lambda: [seen(part) for part in _indexed(rung, impl, arrays, index)])
    return rows.kind if isinstance(rows, Raised) else rows


def _indexed(rung, impl, arrays, index):
    if rung is Rung.MANUAL:
        return impl(arrays, index)
    tensors, index = [*map(torch.from_numpy, arrays)], _as_tensor(index)
    return impl(tensors, index) if rung is Rung.RAW else impl(*tensors)[index]


def composed(rung, impl, n, outer, inner, index):
    """Row or rows `index` of a subset of a subset of 0 ... n-1."""
    if rung is Rung.MANUAL:
        return np.arange(n)[impl(outer, impl(inner, index))]
    if rung is Rung.RAW:
        outer, inner, index = map(_as_tensor, (outer, inner, index))
        return seen(torch.arange(n)[impl(outer, impl(inner, index))])
    subset = impl(impl(range(n), outer.tolist()), inner.tolist())
    return np.array(subset[index] if isinstance(index, int) else subset.__getitems__(index.tolist()), np.int64)


def _as_tensor(index):
    return torch.from_numpy(index) if isinstance(index, np.ndarray) else index


def ways(library, about, row, some):
    """What comes of each way of asking a dataset for rows."""
    dataset = shown(library, about)
    asked = [lambda: told(dataset[row]), lambda: told(dataset[some]), lambda: len(dataset)]
    if hasattr(dataset, "__getitems__"):
        asked.append(lambda: told(dataset.__getitems__(some)))
    return [outcome(ask) for ask in asked]


class Noting:
    """n rows that note when they are asked for."""

    def __init__(self, n):
        self.rows, self.asked = range(n), []

    def __getitem__(self, i):
        self.asked.append(i)
        return self.rows[i]


def noted_by(cls, n, view, batches):
    """What comes of each batch of a subset, and all rows that were asked for on the way."""
    whole = Noting(n)
    subset = cls(whole, view)
    return [outcome(lambda batch=batch: subset.__getitems__(batch)) for batch in batches], whole.asked


class Split(NamedTuple):
    n: int
    lengths: list
    generator: str | None
    default: bool  # whether no generator is mentioned at all: then it is the global one


def splitting(rung, impl, program):
    """Of one split after the other the parts, what it warned of, and the generators that it left."""
    with torch.random.fork_rng(devices=[]):
        generators, every = seeded(rung, program.seed), program.streams
        return [with_warnings(lambda s=s: _parts(rung, impl, s, generators)) | states(generators) for s in every]


def _parts(rung, impl, split, generators):
    n, sizes, where = split.n, split.lengths, split.generator or "global"
    if rung is Rung.MANUAL:
        parts, generators[where] = impl(n, sizes, generators[where])
        return parts
    given = {} if split.default else {"generator": generators.get(split.generator)}
    if rung is Rung.RAW:
        return [seen(part) for part in impl(n, sizes, **given)]
    return [np.array(part.indices, np.int64) for part in impl(range(n), sizes, **given)]


# ── outcomes ────────────────────────────────────────────────────────────────────────────────────


class Raised(NamedTuple):
    kind: type
    words: str


def outcome(attempt):
    """What an attempt returns, or what it raises, in words that do not say which library it was.

    Words change from release to release: in another torch than the one in which they were read, the class has to do.
    """
    try:
        return attempt()
    except Exception as refusal:  # whatever it is, it is what the caller sees
        words = str(refusal) if torch.__version__.startswith(SEEN) else ""
        for module in ("impls.data.dataset.", "torch.utils.data.dataset."):
            words = words.replace(module, "")
        return Raised(type(refusal), words)


def attempted(attempt):
    """The outcome of an attempt that draws from the global generator, which is put back."""
    with torch.random.fork_rng(devices=[]):
        return outcome(attempt)


def with_warnings(attempt):
    """The outcome of an attempt and what it warned of: category, words and the file that is blamed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = outcome(attempt)
    return {"result": result, "warned": [(w.category, str(w.message), w.filename) for w in caught]}


def told(value):
    """Everything a caller sees of a value: types all the way down, and of tensors how they lie in memory."""
    if isinstance(value, torch.Tensor):
        about = {k: getattr(value, k) for k in ("dtype", "requires_grad", "is_cuda")}
        about |= {"type": type(value), "strides": value.stride()}
        return about | {"values": _numbers(value)}
    if isinstance(value, str | bytes):
        return value
    carried = told(dict(vars(value))) if hasattr(value, "__dict__") else None
    if isinstance(value, Mapping):
        about = {"type": type(value), "carried": carried, "default": getattr(value, "default_factory", None)}
        return about | {repr(key): told(value[key]) for key in value}
    if isinstance(value, Sequence):
        return [type(value), carried, *map(told, value)]
    return value


def _numbers(tensor):
    """The numbers of a tensor as one that NumPy can hold."""
    tensor = tensor.detach().resolve_conj().cpu()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    return tensor.view(torch.int16) if tensor.dtype is torch.bfloat16 else tensor
