"""What a caller sees of samplers and loaders: after every request, what was given and the state of two generators.

A program has several samplers or loaders on the same generators, as training and validation have, and a script of
turns.  A turn starts a pass over one of them, or two that live side by side, makes its requests, and may draw a
dropout mask after each; so passes are abandoned, read to the end, and asked again when nothing is left.
Watched are the global generator and one of the program's own.
"""

import contextlib
import functools
import io
import itertools
import operator
import os
import pickle
import random
import re
import signal
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.rng.trace import state_of

SEQUENTIAL, RANDOM = "data.sequential_sampler", "data.random_sampler"
SUBSET_RANDOM, WEIGHTED = "data.subset_random_sampler", "data.weighted_random_sampler"
DISTRIBUTED, BATCHES, LOADER = "data.distributed_sampler", "data.batch_sampler", "data.loader"
DRAWING = (RANDOM, SUBSET_RANDOM, WEIGHTED)  # the samplers that are given a generator


class Turn(NamedTuple):
    which: int  # over which sampler or loader
    requests: tuple  # how many indices each request asks for; where batches are given, always one
    live: int = 1  # passes that live side by side and are asked in turn
    mask: int = 0  # elements of the dropout mask drawn after each request


class Program(NamedTuple):
    streams: list  # of Order, on any rung; or of Feed, on custom and native
    seed: int
    script: list[Turn]

    def abandons(self, turn):
        """Whether a pass is not read to its end."""
        order = self.streams[turn.which]
        return sum(turn.requests) < -(-order.count // order.settings.get("batch_size", 1))


class Order(NamedTuple):
    """n rows in some order, or in batches: what all four rungs can do."""

    n: int
    settings: dict
    generator: str | None  # "own", "global", or None: no generator is given
    sampler: str = SEQUENTIAL  # what a batch sampler batches, and its settings
    sampler_settings: dict = {}
    write: bool = False  # whether the caller overwrites each batch of a loader
    source: Any = None  # what a sampler is given in place of a number of rows: indices, or weights

    @property
    def first(self):
        return self.n if self.source is None else self.source

    @property
    def count(self):
        """How many indices come in all."""
        return self.sampler_settings.get("num_samples", self.settings.get("num_samples", self.n))


def observe(run, concept, program, watched=True):
    """Play a program of Orders: a list of turns, each a list of what was seen after every request."""
    begin = {Rung.MANUAL: _manual, Rung.RAW: _raw}.get(run.rung, _object)
    with torch.random.fork_rng(devices=[]):
        generators = seeded(run.rung, program.seed)
        turns = play([begin(run, concept, order, generators) for order in program.streams], program, generators)
    return turns if watched else [[{k: line[k] for k in line if k == "given"} for line in turn] for turn in turns]


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
    copies = [snapshot(part).copy() for part in batch]
    for part in batch if write else ():
        part[...] = 0
    return copies


def _manual(run, concept, order, generators):
    impl, ladders = run.impl, run.ladders
    n, settings = order.n, order.settings
    where, private = order.generator or "global", {"private": order.generator is None}
    columns, rows = _columns(n), ladders["data.dataset"].manual

    def start(stream, name, options):
        return stream.start(order.first, **options, **(private if name == RANDOM else {}))

    def begin():
        if concept == LOADER:
            cursor, generators[where] = impl.start(generators[where], n, **settings, **private)
        elif concept == BATCHES:
            cursor = start(ladders[order.sampler].manual, order.sampler, order.sampler_settings)
        else:
            cursor = start(impl, concept, settings)

        def ask(k):
            nonlocal cursor
            if concept == LOADER:
                given, cursor, generators[where] = impl.advance(cursor, generators[where])
                return None if given is None else _given(rows(columns, given), order.write)
            if concept == BATCHES:
                take = ladders[order.sampler].manual.take
                given, cursor, generators[where] = impl(take, cursor, generators[where], **settings)
            else:
                given, cursor, generators[where] = impl.take(cursor, generators[where], k)
            return given

        return ask

    return begin


def _raw(run, concept, order, generators):
    impl, ladders = run.impl, run.ladders
    generator = {"generator": generators.get(order.generator)}
    columns, rows = [torch.from_numpy(c) for c in _columns(order.n)], ladders["data.dataset"].raw

    def start(function, name, options):
        return function(order.first, **options, **(generator if name in (*DRAWING, LOADER) else {}))

    def begin():
        if concept == BATCHES:
            sampler = start(ladders[order.sampler].raw, order.sampler, order.sampler_settings)
            return _asked(concept, map(snapshot, impl(sampler, **order.settings)))
        stream = start(impl, concept, order.settings)
        if concept == LOADER:
            stream = (rows(columns, i) for i in stream)
        return _asked(concept, stream, order.write)

    return begin


def made(run, concept, order, generators):
    """The sampler or loader of a rung of objects."""
    impl, library, generator = (
        run.impl,
        Library.of(run.rung, run.ladders),
        {"generator": generators.get(order.generator)},
    )
    if concept == LOADER:
        dataset = library.TensorDataset(*map(torch.from_numpy, _columns(order.n)))
        return impl(dataset, **order.settings, **generator)
    drawing = generator if {concept, order.sampler} & {*DRAWING} else {}
    if concept == BATCHES:
        cls = library.RandomSampler if order.sampler == RANDOM else library.SequentialSampler
        return impl(cls(range(order.n), **order.sampler_settings, **drawing), **order.settings)
    if concept == DISTRIBUTED:
        return _of_an_epoch(impl, range(order.n), **order.settings)
    return impl(range(order.n) if order.source is None else order.source, **order.settings, **drawing)


def _of_an_epoch(impl, dataset, epoch=None, **settings):
    sampler = impl(dataset, **settings)
    if epoch is not None:
        sampler.set_epoch(epoch)
    return sampler


def _object(run, concept, order, generators):
    """Of objects there is one, and every pass is a pass over it."""
    stream = made(run, concept, order, generators)
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


def lengths(run, concept, program):
    """Of each stream what len() says, of it and of a pass that has a length, and how many indices or batches come."""
    with torch.random.fork_rng(devices=[]):
        generators = seeded(run.rung, program.seed)
        streams = [made(run, concept, order, generators) for order in program.streams]
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
    IterableDataset: type
    ConcatDataset: type
    StackDataset: type
    ChainDataset: type
    SubsetRandomSampler: type
    WeightedRandomSampler: type
    DistributedSampler: type
    get_worker_info: Any

    @classmethod
    def of(cls, rung, ladders=LADDERS):
        names = ("data.dataset", "data.subset", "data.split", SEQUENTIAL, RANDOM, BATCHES, "data.collate", LOADER)
        names += ("data.iterable_dataset", "data.concat_dataset", "data.stack_dataset", "data.chain_dataset")
        names += (SUBSET_RANDOM, WEIGHTED, DISTRIBUTED, "data.workers")
        return cls(*(getattr(ladders[name], rung) for name in names))

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
    "noting": lambda library, n: Noting(n, library.get_worker_info),
}
SAMPLERS = {
    "sequential": lambda library, dataset, _: library.SequentialSampler(dataset),
    "random": lambda library, dataset, about: library.RandomSampler(dataset, **about.settings),
    "child": lambda library, dataset, about: _backwards(library.RandomSampler)(dataset, **about.settings),
    "of another dataset": lambda library, _, about: library.SequentialSampler(range(about.indices)),
    "list": lambda _, __, about: about.indices,
}


def shown(library, about, device="cpu"):
    rows = about.rows
    if isinstance(rows, list | tuple):
        rows = [part.to(device) if isinstance(part, torch.Tensor) else part for part in rows]
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
        self.rung, self.impl, self.program = rung, impl, program
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

    def resumes(self):
        """The first loader is put away and another one goes on; whether there is a pass to go on with."""
        with self.turn():
            if isinstance(self.loaders[0], Raised):
                return False
            saved, before = pickle.dumps(self.loaders[0].state_dict()), states(self.generators)
            for generator in self.loaders[0].generators:
                generator.manual_seed(0)
            self.loaders[0] = build(self.rung, self.impl, self.program.streams[0], self.generators)
            self.loaders[0].load_state_dict(pickle.loads(saved))
            assert_same(states(self.generators), before, "state")
            going_on = bool(self.passes) and pickle.loads(saved)["pass"] is not None
            self.passes = [asker(self.loaders[0])] if going_on else []
            return going_on

    def does(self, act):
        """What comes of an act, and the generators that it leaves."""
        with self.turn():
            return {"came": act(self)} | states(self.generators)


# ── datasets and splits ─────────────────────────────────────────────────────────────────────────


def indexed(rung, impl, arrays, index):
    """What a dataset of these arrays shows at an index; of a refusal the class: its words are NumPy's or torch's."""
    rows = outcome(lambda: [snapshot(part) for part in _indexed(rung, impl, arrays, index)])
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
        return snapshot(torch.arange(n)[impl(outer, impl(inner, index))])
    subset = impl(impl(range(n), outer.tolist()), inner.tolist())
    if isinstance(index, int):
        return np.array(subset[index], np.int64)
    many = getattr(subset, "__getitems__", lambda index: [subset[i] for i in index])
    return np.array(many(index.tolist()), np.int64)


def _as_tensor(index):
    return torch.from_numpy(index) if isinstance(index, np.ndarray) else index


def ways(library, about, row, some):
    """What comes of each way of asking a dataset for rows."""
    dataset = shown(library, about)
    asked = [lambda: told(dataset[row]), lambda: told(dataset[some]), lambda: len(dataset)]
    if hasattr(dataset, "__getitems__"):
        asked.append(lambda: told(dataset.__getitems__(some)))
    return [outcome(ask) for ask in asked]


class Asked:
    """n rows that note when they are asked for."""

    def __init__(self, n):
        self.rows, self.asked = range(n), []

    def __getitem__(self, i):
        self.asked.append(i)
        return self.rows[i]


def noted_by(cls, n, view, batches):
    """What comes of each batch of a subset, and all rows that were asked for on the way."""
    whole = Asked(n)
    subset = cls(whole, view)
    return [outcome(lambda batch=batch: subset.__getitems__(batch)) for batch in batches], whole.asked


def row_of_parts(rung, impl, lengths, i):
    """Row i of datasets of these lengths, whose rows say which they are: (which dataset, which of its rows)."""
    if rung in (Rung.MANUAL, Rung.RAW):
        return tuple(int(number) for number in impl(lengths, i))
    return impl([[(k, j) for j in range(n)] for k, n in enumerate(lengths)])[i]


def row_of_stack(rung, impl, arrays, names, i):
    parts = arrays if rung is Rung.MANUAL else [*map(torch.from_numpy, arrays)]
    named = None if names is None else dict(zip(names, parts, strict=False))
    if rung in (Rung.MANUAL, Rung.RAW):
        row = impl(tuple(parts) if named is None else named, i)
    else:
        row = (impl(*parts) if named is None else impl(**named))[i]
    return {k: snapshot(v) for k, v in row.items()} if isinstance(row, dict) else [snapshot(v) for v in row]


class Joined(NamedTuple):
    """Datasets joined in one of the ways of WAYS_TO_JOIN."""

    way: str
    parts: list  # of Shown and Joined


WAYS_TO_JOIN = {
    "one after the other": lambda library, parts: library.ConcatDataset(parts),
    "added": lambda library, parts: functools.reduce(operator.add, parts, library.TensorDataset(torch.zeros(1))),
    "side by side": lambda library, parts: library.StackDataset(*parts),
    "side by side, by name": lambda library, parts: library.StackDataset(**{f"p{i}": p for i, p in enumerate(parts)}),
}


def joined(library, about):
    if isinstance(about, Shown):
        return shown(library, about)
    return WAYS_TO_JOIN[about.way](library, [joined(library, part) for part in about.parts])


def ways_through(library, about, rows, batches):
    """What comes of each way of asking joined datasets for rows."""
    dataset = outcome(lambda: joined(library, about))
    asked = [lambda: len(dataset), *(lambda row=row: told(dataset[row]) for row in rows)]
    if hasattr(dataset, "__getitems__"):
        asked += [lambda batch=batch: told(dataset.__getitems__(batch)) for batch in batches]
    return [dataset if isinstance(dataset, Raised) else type(dataset).__name__, *map(outcome, asked)]


class Short:
    """A dataset that gives one row for whatever batch it is asked."""

    def __len__(self):
        return 2

    def __getitems__(self, batch):
        return batch[:1]


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


class Stream(NamedTuple):
    n: int
    says: int | None  # how many rows it says to have
    options: dict  # of the loader
    asks_len: bool  # whether the loader's length is asked for before the pass
    requests: int


def stream_class(library, says):
    """A stream of n rows, of which those that have been read are noted, and which fails at the row called None."""
    body = {
        "__init__": lambda self, rows=(): (setattr(self, "rows", rows), setattr(self, "read", []))[0],
        "__iter__": _read,
        "__repr__": lambda _: "stream",
    }
    if says is not None:
        body["__len__"] = lambda _: says
    return type("Counted", (library.IterableDataset,), body)


def _read(self):
    for row in self.rows:
        self.read.append(row)
        if row is None:
            raise ValueError("no row")
        yield row


def read_along(library, about):
    """Of a chain, and of the sum of its streams, each row and what each stream has read by then; and the length."""
    parts = [stream_class(library, n)(range(n)) if n >= 0 else [7] for n in about]
    chain, lines = library.ChainDataset(parts), []
    for stream in (chain, library.ChainDataset(()) + chain):
        rows = iter(stream)
        for _ in range(sum(map(abs, about)) + 2):
            row = outcome(lambda: next(rows, "end"))
            lines.append([row, [list(getattr(part, "read", ())) for part in parts]])
    return [*lines, outcome(lambda: len(chain))]


def flow(rung, impl, about):
    """What a loader gives of a stream, what it warns of, and the generators after every request."""
    library = Library.of(rung)
    with torch.random.fork_rng(devices=[]):
        generators = seeded(rung, 0)
        stream = stream_class(library, about.says)([float(i) for i in range(about.n)])
        loader = impl(stream, **about.options, generator=generators["own"])
        lines = [outcome(lambda: len(loader)) if about.asks_len else None]
        for _ in range(2):
            batches = iter(loader)
            for _ in range(about.requests):
                line = with_warnings(lambda: told(next(batches, "end")))
                warned = [(kind, words) for kind, words, _ in line["warned"]]
                lines.append([line["result"], warned, list(stream.read), states(generators)])
        return lines


# ── workers ─────────────────────────────────────────────────────────────────────────────────────


class Noting:
    """Rows that show what they draw in their worker, what they know of it, and what worker_init_fn has told them."""

    def __init__(self, n, get_worker_info):
        self.n, self.ask, self.note = n, get_worker_info, "nothing"

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        about = [self.ask(), torch.utils.data.get_worker_info()]
        known = [info and (info.id, info.num_workers, info.seed, info.dataset is self) for info in about]
        drawn = (random.random(), float(np.random.rand()), torch.rand(2)) if about[0] else ()
        return torch.tensor(i), drawn, str(known), self.note, torch.get_num_threads()


def note_the_worker(id):
    torch.utils.data.get_worker_info().dataset.note = f"worker {id}, {torch.initial_seed()}"


def _working(n, **options):
    """A pass read to its end and beyond, one abandoned, and two side by side, with masks drawn in between."""
    whole = (1,) * (-(-n // (options.get("batch_size", 1) or 1)) + 2)
    feed = Feed(Shown("noting", n), options | {"shuffle": n > 0, "num_workers": 2}, "own")
    return Program([feed], 5, [Turn(0, whole), Turn(0, (1,), mask=7), Turn(0, whole, live=2, mask=7)])


WORKING = {
    "workers that are kept": _working(7, persistent_workers=True, worker_init_fn=note_the_worker),
    "the last batch dropped": _working(9, batch_size=4, drop_last=True, prefetch_factor=1, timeout=60),
    "more batches ahead than there are": _working(8, batch_size=4, prefetch_factor=3, multiprocessing_context="fork"),
    "row by row": _working(5, batch_size=None, prefetch_factor=1),
    "one row": _working(1, batch_size=2),
    "nothing": _working(0),
}
SHARED_STREAMS = {
    "in batches": {"batch_size": 2},
    "with a last batch dropped by each": {"batch_size": 4, "drop_last": True},
    "row by row": {"batch_size": None, "prefetch_factor": 1},
    "with workers kept": {"batch_size": 3, "persistent_workers": True},
}


def _share(self):
    info = self.ask()
    yield from range(info.id, 10, info.num_workers)


def shared_stream(rung):
    """A stream of which every worker shows its share; a worker that is spawned makes it anew."""
    library = Library.of(rung)
    body = {"__iter__": _share, "__len__": lambda _: 9, "__repr__": lambda _: "stream"}
    stream = type("Shared", (library.IterableDataset,), body | {"__reduce__": lambda _: (shared_stream, (rung,))})()
    stream.ask = library.get_worker_info
    return stream


def flow_of_workers(rung, impl, options):
    """Two passes over a stream that workers share, with the length that it claims, and warnings."""
    stream = shared_stream(rung)
    with torch.random.fork_rng(devices=[]):
        loader = impl(stream, num_workers=2, **options, generator=torch.Generator())
        about = [with_warnings(lambda: told(list(loader))), len(loader), with_warnings(lambda: told(list(loader)))]
    return [[w[:2] for w in each.pop("warned")] + [each] if isinstance(each, dict) else each for each in about]


def first_draws(rung, impl, seed):
    """The first numbers that two workers draw, of a pass whose generator has this seed."""
    if rung is Rung.MANUAL:
        draws = LADDERS["rng"].manual
        base_seed, _ = draws.random(draws.seed(seed))
        return [_first_of(impl(int(base_seed), id)) for id in range(2)]
    loader = getattr(LADDERS[LOADER], rung)
    rows = loader(Noting(2, impl), None, num_workers=2, generator=torch.Generator().manual_seed(seed))
    return [[drawn[0], drawn[1], snapshot(drawn[2])] for _, drawn, *_ in rows]


def _first_of(seeds):
    draws = LADDERS["rng"].manual
    torchs, _ = draws.rand(draws.seed(seeds.seed), (2,))
    return [random.Random(seeds.seed).random(), float(np.random.RandomState(seeds.numpy).rand()), torchs]


class Slow:
    """Rows of which some are slow."""

    def __init__(self, n, slow):
        self.n, self.slow = n, slow

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i in self.slow:
            time.sleep(1)
        return i


class Killing(Slow):
    """Rows of which the fifth kills whoever loads it, in the time in which a slow one is waited for."""

    def __init__(self, n, how=signal.SIGKILL):
        super().__init__(n, slow={1})
        self.how = how

    def __getitem__(self, i):
        if i == 4:
            time.sleep(0.2)
            os._exit(3) if self.how is None else os.kill(os.getpid(), self.how)
        return super().__getitem__(i)


class Raising(Slow):
    def __getitem__(self, i):
        if i == 2:
            raise KeyError("row 2")
        return i


def raise_at_once(id):
    raise ValueError(f"worker {id}")


FAILING = {
    "a row raises": (lambda: Raising(6, ()), {"num_workers": 2}),
    "worker_init_fn raises": (lambda: Slow(1, ()), {"num_workers": 1, "worker_init_fn": raise_at_once}),
    "a worker is killed": (lambda: Killing(8), {"num_workers": 2, "batch_size": None}),
    "a worker leaves": (lambda: Killing(8, None), {"num_workers": 1, "batch_size": None}),
    "a worker is late": (lambda: Slow(2, {0}), {"num_workers": 1, "timeout": 0.1}),
}


def not_sent(impl):
    """The error and the warning of a pass whose dataset cannot be sent to a process that is spawned."""
    loader = impl([print, lambda: None], num_workers=1, multiprocessing_context="spawn")
    about = with_warnings(lambda: iter(loader))
    return [about["result"], [warned[:2] for warned in about["warned"]]]


def failed(impl, failing):
    """What comes until the first error, the error and its cause, without what differs between processes and files."""
    dataset, options = FAILING[failing]
    lines, running = [], iter(impl(dataset(), **options))
    while not lines or lines[-1] != "end":
        try:
            lines.append(told(next(running, "end")))
        except Exception as error:
            lines.append([_essence(e) for e in (error, error.__cause__)])
            if failing != "a row raises":
                break
    return lines


def _essence(error):
    """The class and the words, of a worker's traceback the first and the last line."""
    lines = re.sub(r"pid(\(s\))? \d+", "pid", str(error)).strip().splitlines()
    return None if error is None else [type(error), *{0: lines[0], 1: lines[-1]}.values()]


def overwritten(rung, impl, n, b):
    """The batches of a pass during which the dataset is written to after each."""
    parts = [torch.arange(2.0 * n).reshape(n, 2), torch.arange(n)]
    batches = []
    for batch in impl(Library.of(rung).TensorDataset(*parts), b, generator=torch.Generator()):
        batches.append(told(batch))
        parts[len(batches) % 2].add_(100)
    return batches


def told_pinned(value):
    """What a batch is and which of its tensors are pinned."""
    if isinstance(value, torch.Tensor):
        return [told(value), value.is_pinned()]
    parts = value.values() if isinstance(value, Mapping) else value
    nested = isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes)
    return [told(value), *(told_pinned(part) for part in parts if nested)] if nested else told(value)


# ── going on ────────────────────────────────────────────────────────────────────────────────────


def resumed(impl, about, stop, masks):
    """What comes, with the generators, after `stop` requests: of a run resumed there, and of the run itself."""
    with torch.random.fork_rng(devices=[]):
        generators = seeded(Rung.CUSTOM, 1)
        loader = build(Rung.CUSTOM, impl, about, generators)
        run = _requests(loader, _watched(loader, generators), masks)
        for _ in range(stop):
            next(run)
        file = io.BytesIO()
        torch.save(loader.state_dict(), file)
        uninterrupted = list(run)
        generators = seeded(Rung.CUSTOM, 2)
        loader = build(Rung.CUSTOM, impl, about, generators)
        file.seek(0)
        loader.load_state_dict(torch.load(file))
        return list(_requests(loader, _watched(loader, generators), masks[stop:])), uninterrupted


def _watched(loader, generators):
    return {name: generator for name, generator in generators.items() if generator in loader.generators}


def _requests(loader, generators, masks):
    """One request after the other, with what it gives, pass after pass, and a mask drawn after each."""
    running = None
    for size in masks:
        if running is None:
            running = iter(loader)
        batch = outcome(lambda: told(next(running, "end")))
        running = None if isinstance(batch, str) and batch == "end" else running
        for generator in generators.values():
            torch.empty(size).bernoulli_(0.5, generator=generator)
        yield [batch, states(generators)]


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
        return [snapshot(part) for part in impl(n, sizes, **given)]
    return [np.array(list(part), np.int64) for part in impl(range(n), sizes, **given)]


# ── outcomes ────────────────────────────────────────────────────────────────────────────────────


class Raised(NamedTuple):
    kind: type
    words: str


def outcome(attempt):
    """What an attempt returns, or what it raises, in words that do not say which library it was."""
    try:
        return attempt()
    except Exception as refusal:  # whatever it is, it is what the caller sees
        words = str(refusal)
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
