"""Scripts for samplers and loaders, datasets, splits, and rows of every kind that can be collated.

The sizes are those around which everything happens: n = k * batch + {-1, 0, 1}, so nothing, one row, fewer rows than
a batch, whole batches, one row over; and with replacement, around the 32 indices that torch draws at once.
"""

import array
import collections
import types
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from tests.observe.data import BATCHES, LOADER, RANDOM, SEQUENTIAL, Feed, Order, Sampled, Shown, Turn

SEEDS = st.integers(0, 2**32 - 1)
GENERATORS = st.sampled_from(["own", None, "global"])
BATCH_SIZES = st.sampled_from([3, 1, 2, 4, 8])


@st.composite
def sizes(draw):
    """(number of rows, batch size)"""
    b = draw(BATCH_SIZES)
    return max(draw(st.integers(0, 3)) * b + draw(st.sampled_from([0, 1, -1])), 0), b


@st.composite
def given_options(draw, **every):
    """Of every option a value, one time in five none, so that the default is run."""
    return {name: draw(value) for name, value in every.items() if draw(st.integers(0, 4))}


@st.composite
def turns(draw, requests):
    """Several passes; masks and second passes are drawn often enough that most scripts have one."""
    return [
        Turn(draw(requests), live=draw(st.sampled_from([1, 1, 1, 2])), mask=draw(st.sampled_from([0, 7, 0])))
        for _ in range(draw(st.integers(2, 4)))
    ]


def batch_requests(n, b):
    """A pass is read until it is dry, once or twice more, or exactly to its last batch; or abandoned before."""
    last = -(-n // b)
    return st.sampled_from([last + 1, last + 1, last, last + 2, max(last - 1, 0), 1, 0]).map(lambda k: (1,) * k)


def index_requests(m):
    """A sampler is asked for any number at a time, and often for more than it has."""
    return st.lists(st.sampled_from([m, 1, 2, 31, 32, m + 1]), max_size=4).map(tuple)


@st.composite
def random_settings(draw, n):
    """(settings of a random sampler, how many indices it gives)"""
    if draw(st.booleans()):
        m = draw(st.sampled_from([33, 64, 70, n, 32, 31, 1]))
        return {"replacement": True, "num_samples": m}, m
    m = draw(st.sampled_from([n, n + 1, 2 * n, max(n - 1, 1), 3 * n - 1]))
    if m == n and draw(st.booleans()):
        return {}, n
    return draw(given_options(replacement=st.just(False))) | {"num_samples": m}, m


@st.composite
def _sequential(draw):
    n, _ = draw(sizes())
    return {"n": n, "settings": {}, "script": draw(turns(index_requests(n)))}


@st.composite
def _random(draw):
    n = max(draw(sizes())[0], 1)
    settings, m = draw(random_settings(n))
    return {"n": n, "settings": settings, "script": draw(turns(index_requests(m)))}


@st.composite
def _batches(draw):
    n, b = draw(sizes())
    sampler, settings, m = SEQUENTIAL, {}, n
    if n and draw(st.integers(0, 3)):
        sampler, (settings, m) = RANDOM, draw(random_settings(n))
    about = {"batch_size": b, "drop_last": draw(st.booleans())}
    script = draw(turns(batch_requests(m, b)))
    return {"n": n, "settings": about, "sampler": sampler, "sampler_settings": settings, "script": script}


@st.composite
def _loader(draw):
    n, b = draw(sizes())
    settings = draw(given_options(shuffle=st.sampled_from([n > 0, False, n > 0]), drop_last=st.booleans()))
    if b > 1 or draw(st.booleans()):
        settings["batch_size"] = b
    return {"n": n, "settings": settings, "script": draw(turns(batch_requests(n, b)))}


PROBLEMS = {SEQUENTIAL: _sequential(), RANDOM: _random(), BATCHES: _batches(), LOADER: _loader()}


@st.composite
def orders(draw, concept):
    return Order(generator=draw(GENERATORS), seed=draw(SEEDS), **draw(PROBLEMS[concept]))


def whole_pass(problem, concept):
    """The same order, in one pass that is read to its end."""
    most = problem.sampler_settings.get("num_samples", problem.settings.get("num_samples", problem.n))
    return problem._replace(script=[Turn((1,) * (most + 1) if concept in (BATCHES, LOADER) else (most + 1,))])


# ── datasets ────────────────────────────────────────────────────────────────────────────────────

DTYPES = [torch.float32, torch.int64, torch.float64, torch.uint8, torch.bool, torch.bfloat16, torch.complex64]
ROW_SHAPES = [(), (3,), (2, 3), (2, 3, 2), (1,), (0,), (1, 3, 1), (2, 1, 1), (2, 2, 3, 2)]


class Tagged(torch.Tensor):
    """A child of Tensor."""


FORMS = {
    "plain": lambda t: t,
    "every other row": lambda t: t.repeat_interleave(2, 0)[::2],
    "transposed": lambda t: t.permute(0, *range(t.ndim - 1, 0, -1)).contiguous().permute(0, *range(t.ndim - 1, 0, -1)),
    "channels last": lambda t: t.movedim(1, -1).contiguous().movedim(-1, 1) if t.ndim > 1 else t,
    "one row, seen n times": lambda t: t[:1].expand(len(t), *t.shape[1:]),
    "with a gradient": lambda t: t.requires_grad_() if t.is_floating_point() else t,
    "conjugated": lambda t: t.conj(),
    "a child of Tensor": lambda t: t.as_subclass(Tagged),
}


@st.composite
def tensors(draw, n, usual=False):
    """Tensors of n rows, no number twice; usually contiguous, otherwise of any type and lying in memory in any way."""
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        shape = (n, *draw(st.sampled_from(ROW_SHAPES)))
        dtype = draw(st.sampled_from(DTYPES if usual else [*DTYPES, torch.uint16]))
        numbers = torch.arange(1, 1 + int(np.prod(shape))).reshape(shape)
        numbers = (numbers % 3 == 0 if dtype is torch.bool else numbers).to(dtype)
        parts.append(numbers if usual else FORMS[draw(st.sampled_from(sorted(FORMS)))](numbers))
    return parts


@st.composite
def rows_of(draw, n, size=None, usual=False):
    """Indices into n rows, from either end, some repeated; usually a list, otherwise any sequence, and some too large."""
    least, most = (0, 6) if size is None else (size, size)
    rows = draw(st.lists(st.integers(-n, n - 1), min_size=least, max_size=most)) if n else []
    if usual or not rows:
        return rows
    if not draw(st.integers(0, 3)):
        rows[draw(st.integers(0, len(rows) - 1))] = draw(st.sampled_from([n, -n - 1]))
    return draw(st.sampled_from([list, np.array, torch.tensor, tuple]))(rows)


@st.composite
def datasets(draw, n, usual=False, least_views=0):
    """A dataset that shows n rows, half of the time through subsets."""
    kind = draw(st.sampled_from(["tensors", "tensors", "child", "whole batches", "anything"]))
    kind = "tensors" if usual else kind
    shows = [n]  # from the outermost subset to the dataset itself
    for _ in range(draw(st.integers(least_views, 2))):
        shows.insert(0, draw(st.integers(1, 6)))
    rows = draw(tensors(shows[0], usual) if kind in ("tensors", "child") else samples(shows[0]))
    views = [draw(rows_of(m, size, usual)) for m, size in zip(shows, shows[1:], strict=False)]
    return Shown(kind, rows, views)


@st.composite
def _sampled(draw, n, usual=False):
    kinds = ["random", "sequential", *([] if usual else ["child", "list", "of another dataset"])]
    kind = draw(st.sampled_from(kinds))
    if kind in ("random", "child") and n:
        settings, _ = draw(random_settings(n))
        return Sampled(kind, settings | draw(given_options(generator=GENERATORS)))
    if kind == "list":
        return Sampled(kind, indices=draw(rows_of(n)))
    return Sampled("of another dataset", indices=n + 2) if kind == "of another dataset" else Sampled("sequential")


@st.composite
def feeds(draw):
    """A loader: half of the time as most people have it, over tensors in memory, perhaps subsets of them; otherwise
    over anything, in any of the ways in which a loader can be told which rows come."""
    usual = draw(st.booleans())
    n, b = draw(sizes())
    batching = {"batch_size": b, "drop_last": draw(st.booleans())}
    ways = ["shuffle", "plain", "sampler", *([] if usual else ["batch sampler", "unbatched", "whole batches"])]
    way = draw(st.sampled_from(ways))
    options = {
        "shuffle": lambda: batching | {"shuffle": True},
        "plain": lambda: batching,
        "sampler": lambda: batching | {"sampler": draw(_sampled(n, usual))},
        "batch sampler": lambda: {"batch_sampler": draw(_sampled(n))._replace(batches=batching)},
        "unbatched": lambda: {"batch_size": None, "shuffle": n > 0},
        "whole batches": lambda: {"batch_size": None, "sampler": draw(_sampled(n))._replace(batches=batching)},
    }[way]()
    if not usual and not draw(st.integers(0, 7)):
        options["collate_fn"] = list
    return Feed(
        dataset=draw(datasets(n, usual)),
        options=options,
        generator=draw(GENERATORS),
        seed=draw(SEEDS),
        script=draw(turns(batch_requests(n, b))),
        borrowed=not usual and not draw(st.integers(0, 4)),
    )


@st.composite
def asked_datasets(draw, through):
    """(a dataset, perhaps seen through subsets, and a row and some rows to ask it for)"""
    n = draw(st.integers(1, 5))
    about = draw(datasets(n, least_views=1)) if through else Shown("tensors", draw(tensors(n)))
    some = st.integers(-n, n - 1)
    return about, draw(some), draw(st.lists(some, max_size=4))


@st.composite
def columns(draw):
    """Arrays that share their first dimension, and no element; of rows of nothing torch does not check the index."""
    n, _ = draw(sizes())
    shapes = draw(st.lists(st.sampled_from([shape for shape in ROW_SHAPES if 0 not in shape]), min_size=1, max_size=3))
    shapes = [(n, *shape) for shape in shapes]
    kinds = [draw(st.sampled_from([np.float32, np.int64, np.float64])) for _ in shapes]
    return [np.arange(np.prod(s)).reshape(s).astype(k) + k(100 * i) for i, (s, k) in enumerate(zip(shapes, kinds, strict=True))]


def noted(rows, asked):
    """The rows, one by one; those that have been asked for are noted."""
    for row in rows:
        asked.append(row)
        yield row


def some_rows(n, beyond=0):
    """Any rows, from either end, as an index array."""
    rows = st.lists(st.integers(-n - beyond, n - 1 + beyond), max_size=5) if n + beyond else st.just([])
    return rows.map(lambda rows: np.array(rows, np.int64))


def row_or_rows(n):
    return some_rows(n) | st.integers(-n, n - 1) if n else some_rows(n)


# ── indices, splits ─────────────────────────────────────────────────────────────────────────────


def indices(n):
    """What a dataset of n rows may be asked for: a row, from either end or beyond, a slice, some rows, a mask."""
    end = st.none() | st.integers(-n - 1, n + 1)
    return st.one_of(
        st.integers(-n - 1, n),
        st.builds(slice, end, end, st.none() | st.integers(1, 2)),
        some_rows(n, beyond=1) | some_rows(n),
        st.lists(st.booleans(), min_size=n, max_size=n).map(lambda mask: np.array(mask, bool)),
    )


class Split(NamedTuple):
    n: int
    lengths: list
    generator: str | None
    seed: int
    default: bool  # whether no generator is mentioned at all: then it is the global one


@st.composite
def _numbers_of_rows(draw, n):
    ends = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    return [b - a for a, b in zip([0, *ends], [*ends, n], strict=True)]


@st.composite
def _fractions(draw):
    """Shares of a whole of which some are nothing; their rounded sum may be one, or a bit more or less."""
    shares = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any))
    return [share / sum(shares) for share in shares]


@st.composite
def splits(draw, accepted=False):
    """A split by numbers of rows or by fractions; one time in five, unless it has to be accepted, by other numbers."""
    n = draw(st.integers(0, 12))
    lengths = draw(_numbers_of_rows(n) | _fractions())
    if not accepted and not draw(st.integers(0, 4)):
        wrong = [[n + 1], [n, 1], [0.5, 0.6], [0.5, 0.4], [1.5, -0.5], [-0.5, 1.5], [0.05] * 20, [1], [1.0, 0]]
        lengths = draw(st.sampled_from(wrong))
    if accepted and sum(lengths) > 1 and sum(lengths) != n:  # fractions whose rounded sum is refused
        lengths = [n]
    generator = draw(GENERATORS)
    return Split(n, lengths, generator, draw(SEEDS), default=generator == "global" and draw(st.booleans()))


# ── rows ────────────────────────────────────────────────────────────────────────────────────────


class Grown(dict):
    """A mapping that carries something besides its items."""

    def __init__(self, *items):
        super().__init__(*items)
        self.tag = "kept"


class Listed(list):
    """A child of list."""


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024

# The i-th row of each kind of value.
VALUES = {
    "tensor": lambda i: torch.arange(3.0) + i,
    "tensor of a number": lambda i: torch.tensor(i + 0.5),
    "int8 tensor": lambda i: torch.full((2, 1), i, dtype=torch.int8),
    "channels last tensor": lambda i: (torch.arange(24.0) + i).reshape(1, 2, 2, 6).permute(0, 3, 1, 2)[0],
    "promoted tensor": lambda i: torch.tensor(i, dtype=torch.float64 if i else torch.float32),
    "array": lambda i: np.arange(4, dtype=np.int16).reshape(2, 2) + np.int16(i),
    "array of a number": lambda i: np.array(i, np.float32),
    "float": lambda i: i + 0.1,
    "int": lambda i: i,
    "bool": lambda i: i % 2 == 0,
    "int, then float": lambda i: i + 0.1 if i else 0,
    "float, then int": lambda i: i or 0.1,
    "float32": lambda i: np.float32(i) / 3,
    "float64": lambda i: np.float64(i) / 3,
    "int16": lambda i: np.int16(i),
    "bool_": lambda i: np.bool_(i % 2),
    "str": lambda i: f"row {i}",
    "bytes": lambda i: b"row %d" % i,
    "str_": lambda i: np.str_(f"row {i}"),
    "bytes_": lambda i: np.bytes_(f"row {i}"),
    "range": lambda i: range(i, i + 2),
    "bytearray": lambda i: bytearray([i, 7]),
    "numbers": lambda i: array.array("d", [i, 0.5]),
}


def _dictionary(values):
    return {str(k): v for k, v in enumerate(values)}


CONTAINERS = {
    "tuple": tuple,
    "list": list,
    "dict": _dictionary,
    "named tuple": lambda values: Point(values, 1) if len(values) != 2 else Point(*values),
    "ordered": lambda values: collections.OrderedDict(reversed(_dictionary(values).items())),
    "defaults": lambda values: collections.defaultdict(list, _dictionary(values)),
    "child of dict": lambda values: Grown(_dictionary(values)),
    "read-only dict": lambda values: types.MappingProxyType(_dictionary(values)),
    "user's dict": lambda values: collections.UserDict(_dictionary(values)),
    "child of list": Listed,
    "user's list": collections.UserList,
    "deque": collections.deque,
}

# What a row looks like: a kind of value, or a container and what is in it.
LOOKS = st.recursive(
    st.sampled_from(sorted(VALUES)),
    lambda inner: st.tuples(st.sampled_from(sorted(CONTAINERS)), st.lists(inner, max_size=2)),
    max_leaves=4,
)


def _row(look, i):
    if isinstance(look, str):
        return VALUES[look](i)
    container, inner = look
    return CONTAINERS[container]([_row(part, i) for part in inner])


@st.composite
def samples(draw, n):
    """n rows of one look."""
    look = draw(LOOKS)
    return [_row(look, i) for i in range(n)]


@st.composite
def plain_samples(draw):
    """Rows as the manual and raw rungs know them: tuples of arrays."""
    shapes = draw(st.lists(st.sampled_from(ROW_SHAPES), min_size=1, max_size=3))
    n, kinds = draw(st.integers(1, 4)), [draw(st.sampled_from([np.float32, np.int64, np.float64])) for _ in shapes]
    count = [int(np.prod(shape)) for shape in shapes]
    return [
        tuple((np.arange(c) + c * i).reshape(s).astype(k) for c, s, k in zip(count, shapes, kinds, strict=True))
        for i in range(n)
    ]
