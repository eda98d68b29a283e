"""What the laws know of a sampler, a loader, a dataset, a collation and a split: how each is drawn, and what is seen
of it.  Rows are chosen and counted, and nothing rounds: expected is what native gives."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from impls.ladder import Rung
from tests.capabilities import takes
from tests.data import problems as drawn
from tests.data import trace
from tests.data.trace import Order, Program
from tests.engine.arrays import snapshot, tensor
from tests.engine.compare import Level
from tests.families import Entry, observe

ON_THE_CPU = "rows are counted, drawn and cut on the CPU"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows(Entry[Any]):
    """Anything that gives rows."""

    dtypes: tuple[str | None, ...] = (None,)

    def expected(self, cell, problem):
        return observe(cell, Rung.NATIVE, problem)


# ── samplers and loaders ──


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stream(Rows):
    """A sampler or a loader: programs of passes over several of them."""

    concept: str
    order: SearchStrategy[tuple[Order, Any]]  # and the requests that suit it
    kept: Callable[[Order], Order] = lambda order: order  # of the options, those that can be given
    watched: bool = True  # whether the generators are
    levels = (Level("turn"), Level("request"))
    varieties = {
        "no rows": lambda program: any(order.n == 0 for order in program.streams),
        "a generator of its own": lambda program: any(order.generator == "own" for order in program.streams),
        "the global generator": lambda program: any(order.generator == "global" for order in program.streams),
        "no generator": lambda program: any(order.generator is None for order in program.streams),
        "a pass that is abandoned": lambda program: any(map(program.abandons, program.script)),
        "two passes side by side": lambda program: any(turn.live > 1 for turn in program.script),
    }

    def problems(self, dtype, without=(), **settings):
        """Programs; with settings, all of their streams have these, and none has an option that they are without."""

        def asked(pair):
            order = self.kept(pair[0]._replace(settings=pair[0].settings | settings))
            return order._replace(settings={k: v for k, v in order.settings.items() if k not in without}), pair[1]

        return drawn.programs(self.order.map(asked), n=5)

    def trace(self, run, problem):
        return trace.observe(run, self.concept, problem, self.watched)

    def read_whole(self, program):
        """The same streams, one pass over each."""
        return drawn.whole(program, self.concept)

    def options(self, problem):
        for order in problem.streams:
            yield from order.settings.items()
            yield from (("generator", order.generator), ("private", order.generator is None))

    def narrowed(self, role, thing):
        """Without a generator nothing is known of the order of what is shuffled, but which rows come."""
        kept = lambda order: order._replace(settings={k: v for k, v in order.settings.items() if takes(thing, k)})
        if takes(thing, "generator") or role not in (*trace.DRAWING, trace.LOADER):
            return dataclasses.replace(self, kept=kept)
        unseeded = lambda order: kept(order)._replace(generator=None)
        return dataclasses.replace(self, kept=unseeded, watched=False, asks={"agreement": {"without": ("shuffle",)}})


# ── datasets ──


class Parts(NamedTuple):
    lengths: list[int]
    i: int


class Concat(Rows):
    """Datasets one after the other, whose rows say which they are."""

    def problems(self, dtype):
        place = lambda lengths: st.builds(Parts, st.just(lengths), st.integers(-sum(lengths), sum(lengths) - 1))
        return drawn.LENGTHS.flatmap(place)

    def trace(self, run, problem):
        row = trace.row_of_parts(run.rung, run.impl, *problem)
        return {"row": row, "type": type(row)}

    def expected(self, cell, problem):
        """From either end, a row of all rows in a list."""
        rows = [(k, i) for k, n in enumerate(problem.lengths) for i in range(n)]
        return {"row": rows[problem.i], "type": tuple}


class Columns(NamedTuple):
    arrays: list[np.ndarray]
    i: Any
    names: Any = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stack(Rows):
    """Datasets side by side, with names or without."""

    names: SearchStrategy[Any] = drawn.NAMES

    def problems(self, dtype):
        return drawn.columns().filter(lambda arrays: len(arrays[0])).flatmap(self._with_a_row)

    def _with_a_row(self, arrays):
        n = len(arrays[0])
        return st.builds(Columns, st.just(arrays), st.integers(-n, n - 1), self.names)

    def trace(self, run, problem):
        return {"row": trace.row_of_stack(run.rung, run.impl, problem.arrays, problem.names, problem.i)}

    def expected(self, cell, problem):
        """A row of each, in a tuple or under its name."""
        rows = [a[problem.i] for a in problem.arrays]
        return {"row": rows if problem.names is None else dict(zip(problem.names, rows, strict=False))}

    def narrowed(self, role, thing):
        return self if takes(thing, "a") else dataclasses.replace(self, names=st.none())


class Tensors(Rows):
    """Parts that share their first dimension: a row of them, a slice, some rows, a mask, or an index that is beyond."""

    def problems(self, dtype, alone=False):
        """Parts with an index; `alone`, with that of one row that is there."""

        def with_an_index(arrays):
            n = len(arrays[0])
            index = st.integers(-n, n - 1) if alone else drawn.indices(n)
            return st.builds(Columns, st.just(arrays), index, st.none())

        return drawn.columns().filter(lambda arrays: len(arrays[0]) or not alone).flatmap(with_an_index)

    def trace(self, run, problem):
        return {"row": trace.indexed(run.rung, run.impl, problem.arrays, problem.i)}


class Selection(NamedTuple):
    n: int
    outer: np.ndarray
    inner: np.ndarray
    i: Any


class Subset(Rows):
    """A subset of a subset: row i of s of r of the whole is row r[s[i]] of the whole."""

    def problems(self, dtype, alone=False):
        """A row, or several; `alone`, one row."""
        return of_subsets(alone)

    def trace(self, run, problem):
        return {"row": trace.composed(run.rung, run.impl, *problem)}

    def expected(self, cell, problem):
        return {"row": np.arange(problem.n)[problem.outer][problem.inner][problem.i]}


@st.composite
def of_subsets(draw, alone):
    n = draw(st.integers(1, 6), label="rows")
    outer = draw(drawn.some_rows(n).filter(lambda rows: len(rows) or not alone), label="outer")
    inner = draw(drawn.some_rows(len(outer)).filter(lambda rows: len(rows) or not alone), label="inner")
    rows = st.integers(-len(inner), len(inner) - 1) if alone else drawn.row_or_rows(len(inner))
    return Selection(n, outer, inner, draw(rows, label="i"))


# ── collation and splits ──


class Batch(NamedTuple):
    rows: list[tuple[np.ndarray, ...]]


class Collate(Rows):
    """Rows of arrays, of which one array for each part is made."""

    def problems(self, dtype):
        return drawn.plain_samples().map(Batch)

    def trace(self, run, problem):
        rows = problem.rows if run.rung is Rung.MANUAL else [tuple(map(tensor, row)) for row in problem.rows]
        return {"parts": [snapshot(part) for part in run.impl(rows)]}

    def expected(self, cell, problem):
        return {"parts": [np.stack(part) for part in zip(*problem.rows, strict=True)]}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split(Rows):
    """One split after the other, by numbers of rows or by fractions, some of them to be refused or warned of."""

    plain: bool = False  # whether none is
    unseeded: bool = False  # whether a generator is left out
    levels = (Level("split"),)

    def problems(self, dtype, accepted=False):
        every = drawn.splits(accepted=accepted or self.plain)
        return every.map(_from_the_global_generator) if self.unseeded else every

    def trace(self, run, problem):
        found = trace.splitting(run.rung, run.impl, problem)
        return [{k: v for k, v in entry.items() if k != "warned"} for entry in found] if self.plain else found

    def options(self, problem):
        return [("generator", split.generator) for split in problem.streams if not split.default]

    def narrowed(self, role, thing):
        """What is refused, and what is warned of, is told in words of its own."""
        return dataclasses.replace(self, plain=True, unseeded=not takes(thing, "generator"))


def _from_the_global_generator(program):
    streams = [split._replace(generator="global", default=True) for split in program.streams]
    return Program(streams, program.seed, program.script)
