"""Programs of samplers and loaders, datasets, splits, and rows of every kind that can be collated.

The sizes are those around which everything happens: n = k * batch + {-1, 0, 1}, so nothing, one row, fewer rows than
a batch, whole batches, one row over; and with replacement, around the 32 indices that torch draws at once.
"""

import array
import collections
import itertools
import types

import numpy as np
import torch
from hypothesis import strategies as st

from tests.data.trace import (
    BATCHES,
    DISTRIBUTED,
    LOADER,
    RANDOM,
    SEQUENTIAL,
    SUBSET_RANDOM,
    WEIGHTED,
    Feed,
    Joined,
    Order,
    Program,
    Sampled,
    Shown,
    Split,
    Stream,
    Turn,
)

SEEDS = st.integers(0, 2**32 - 1)
GENERATORS = st.sampled_from(["own", None, "global"])


@st.composite
def sizes(draw):
    """(number of rows, batch size)"""
    b = draw(st.sampled_from([3, 2, 4, 8, 1]))
    return max(draw(st.integers(0, 3)) * b + draw(st.sampled_from([0, 1, -1])), 0), b


@st.composite
def given_options(draw, **every):
    """Of every option a value, one time in five none, so that the default is run."""
    return {name: draw(value) for name, value in every.items() if draw(st.integers(0, 4))}


# ── orders, on any rung ─────────────────────────────────────────────────────────────────────────


def batch_requests(n, b):
    """A pass is read until it is dry, once or twice more, or exactly to its last batch; or it is abandoned before."""
    last = -(-n // b)
    return st.sampled_from([last + 1, last, last + 1, last + 2, max(last - 1, 0), 1, 0]).map(lambda k: (1,) * k)


def index_requests(n, m):
    """A sampler is asked for a few indices or for just as many as it draws at once, and then often for all the rest."""
    first = st.sampled_from([1, 2, n, 31, 32])
    return st.tuples(first, st.just(m + 1)) | st.tuples(first, st.sampled_from([1, n, 32])) | st.just((m, 1))


@st.composite
def random_settings(draw, n):
    """(settings of a random sampler, how many indices it gives)"""
    if draw(st.booleans()):
        m = draw(st.sampled_from([33, 64, 70, n, 31, 1]))
        return {"replacement": True, "num_samples": m}, m
    m = draw(st.sampled_from([n, 2 * n, n, n + 1, max(n - 1, 1)]))
    if m == n and draw(st.booleans()):
        return {}, n
    return draw(given_options(replacement=st.just(False))) | {"num_samples": m}, m


@st.composite
def _sequential(draw):
    n, _ = draw(sizes())
    return Order(n, {}, draw(GENERATORS)), index_requests(n, n)


@st.composite
def _random(draw):
    n = max(draw(sizes())[0], 1)
    settings, m = draw(random_settings(n))
    return Order(n, settings, draw(GENERATORS)), index_requests(n, m)


@st.composite
def _batches(draw):
    n, b = draw(sizes())
    sampler, settings, m = SEQUENTIAL, {}, n
    if n and draw(st.integers(0, 3)):
        sampler, (settings, m) = RANDOM, draw(random_settings(n))
    about = {"batch_size": b, "drop_last": draw(st.booleans())}
    return Order(n, about, draw(GENERATORS), sampler, settings), batch_requests(m, b)


@st.composite
def _loader(draw):
    n, b = draw(sizes())
    settings = draw(given_options(shuffle=st.sampled_from([n > 0, False, n > 0]), drop_last=st.booleans()))
    if b > 1 or draw(st.booleans()):
        settings["batch_size"] = b
    return Order(n, settings, draw(GENERATORS)), batch_requests(n, b)


@st.composite
def _subset_random(draw):
    n, _ = draw(sizes())
    indices = draw(st.lists(st.integers(0, 2 * n), min_size=n, max_size=n))
    return Order(n, {}, draw(GENERATORS), source=indices), index_requests(n, n)


@st.composite
def _weighted(draw):
    """Some rows have no weight; without replacement no more samples are asked for than rows that have one."""
    n = max(draw(sizes())[0], 1)
    weights = draw(st.lists(st.sampled_from([1.0, 0.0, 0.5, 3.0, 1e-3]), min_size=n, max_size=n).filter(any))
    settings = draw(given_options(replacement=st.booleans()))
    some = [1, 2, 33, n] if settings.get("replacement", True) else [1, n - weights.count(0.0)]
    settings["num_samples"] = m = draw(st.sampled_from(some))
    return Order(n, settings, draw(GENERATORS), source=weights), index_requests(n, m)


@st.composite
def _distributed(draw):
    n, num_replicas = draw(sizes())
    options = given_options(shuffle=st.booleans(), seed=SEEDS, drop_last=st.booleans(), epoch=st.integers(1, 3))
    settings = {"num_replicas": num_replicas, "rank": draw(st.integers(0, num_replicas - 1))} | draw(options)
    return Order(n, settings, "global"), index_requests(n, n)


ORDERS = {
    SEQUENTIAL: _sequential(),
    RANDOM: _random(),
    SUBSET_RANDOM: _subset_random(),
    WEIGHTED: _weighted(),
    DISTRIBUTED: _distributed(),
    BATCHES: _batches(),
    LOADER: _loader(),
}


@st.composite
def programs(draw, stream, n=3):
    """n streams and their turns; `stream` draws one of them, together with the requests that suit it."""
    streams, requests = zip(*(draw(stream) for _ in range(n)), strict=True)
    turns = [*range(n), *draw(st.lists(st.integers(0, n - 1), max_size=3))]
    live, mask = st.sampled_from([1, 1, 1, 2]), st.sampled_from([0, 7])
    script = [Turn(i, draw(requests[i]), draw(live), draw(mask)) for i in turns]
    return Program(list(streams), draw(SEEDS), script)


def whole(program, concept, live=1):
    """The same streams, one pass over each, or two side by side, read to its end and once more."""
    script = []
    for which, order in enumerate(program.streams):
        m, b = order.count, order.settings.get("batch_size", 1)
        requests = (1,) * (-(-m // b) + 1) if concept in (BATCHES, LOADER) else (m + 1,)
        script.append(Turn(which, requests, live))
    return program._replace(script=script)


# ── loaders, on custom and native ───────────────────────────────────────────────────────────────

DTYPES = [torch.float32, torch.int64, torch.float64, torch.uint8, torch.bool, torch.bfloat16, torch.complex64]
ROW_SHAPES = [(), (3,), (2, 3), (2, 3, 2), (1,), (0,), (1, 3, 1), (2, 1, 1), (2, 2, 3, 2)]
IMAGES = [(2, 2, 3, 2), (1, 3, 2, 2), (2, 2, 2, 1)]  # rows of four dimensions, of which a stack may keep the order


class Tagged(torch.Tensor):
    """A child of Tensor."""


def _last_first(t):
    return (0, *range(t.ndim - 1, 0, -1))


# How a tensor may lie in memory, or what else it may be.
FORMS = {
    "every other row": lambda t: t.repeat_interleave(2, 0)[::2],
    "transposed": lambda t: t.permute(_last_first(t)).contiguous().permute(_last_first(t)),
    "channels last": lambda t: t.movedim(2, -1).contiguous().movedim(-1, 2) if t.ndim > 2 else t,
    "one row, seen n times": lambda t: t[:1].expand(t.shape),
    "with a gradient": lambda t: t.real.double().requires_grad_(),
    "conjugated": lambda t: t.conj(),
    "a child of Tensor": lambda t: t.as_subclass(Tagged),
    "of 16 bits without sign": lambda t: t.real.to(torch.uint16),
}


PLAIN = st.none()


@st.composite
def tensors(draw, n, forms=PLAIN):
    """Tensors of n rows, no number twice; all contiguous, or some of them of one other form."""
    parts, other = [], draw(forms)
    for form in draw(st.lists(st.sampled_from([other, other, None]), min_size=1, max_size=3)):
        dtype = draw(st.sampled_from(DTYPES))
        shape = (n, *draw(st.sampled_from(IMAGES if form == "channels last" else ROW_SHAPES)))
        numbers = torch.arange(1, 1 + int(np.prod(shape))).reshape(shape)
        numbers = (numbers % 3 == 0 if dtype is torch.bool else numbers).to(dtype)
        parts.append(FORMS[form](numbers) if form else numbers)
    return parts


def some_rows(n, beyond=0):
    """Any rows, from either end, as an index array."""
    rows = st.lists(st.integers(-n - beyond, n - 1 + beyond), max_size=5) if n + beyond else st.just([])
    return rows.map(lambda rows: np.array(rows, np.int64))


@st.composite
def _view(draw, n, size, wild):
    """Indices of `size` of n rows, from either end; if wild, in any sequence and perhaps one that does not exist."""
    rows = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
    if not wild or not rows:
        return rows
    if draw(st.booleans()):
        rows[draw(st.integers(0, size - 1))] = draw(st.sampled_from([n, -n - 1]))
    return draw(st.sampled_from([list, list, np.array, torch.tensor, tuple]))(rows)


@st.composite
def datasets(draw, n, kind="tensors", forms=PLAIN, wild=False, least_views=0):
    """A dataset that shows n rows, most of the time through subsets."""
    shows = [n]  # from the outermost subset to the dataset itself
    for _ in range(draw(st.integers(least_views, 2))):
        shows.insert(0, draw(st.integers(1, 6)))
    rows = draw(samples(shows[0]) if kind in ("whole batches", "anything") else tensors(shows[0], forms))
    views = [draw(_view(m, size, wild)) for m, size in itertools.pairwise(shows)]
    return Shown(kind, rows, views)


@st.composite
def _sampled(draw, n, kinds=("random", "random", "sequential")):
    kind = draw(st.sampled_from(kinds))
    if kind in ("random", "child") and n:
        settings, _ = draw(random_settings(n))
        return Sampled(kind, settings | draw(given_options(generator=GENERATORS)))
    if kind == "list":
        return Sampled(kind, indices=draw(some_rows(n, beyond=1)).tolist())
    return Sampled(kind, indices=n + 2) if kind == "of another dataset" else Sampled("sequential")


@st.composite
def usual(draw, forms=PLAIN, wild=False):
    """A loader as most people have it: over tensors in memory or subsets of them, shuffled or not."""
    n, b = draw(sizes())
    way = draw(st.sampled_from(["shuffle", "plain", "sampler"]))
    options = {"batch_size": b, "drop_last": draw(st.booleans())}
    options |= {"shuffle": n > 0} if way == "shuffle" else {"sampler": draw(_sampled(n))} if way == "sampler" else {}
    dataset = draw(datasets(n, forms=forms, wild=wild, least_views=int(wild)))
    return Feed(dataset, options, draw(GENERATORS)), batch_requests(n, b)


@st.composite
def with_a_dataset(draw):
    """The usual loader, over a dataset that somebody has written."""
    feed, requests = draw(usual())
    n = len(feed.dataset.views[-1] if feed.dataset.views else feed.dataset.rows[0])
    kind = draw(st.sampled_from(["child", "child of a subset", "whole batches"]))
    return feed._replace(dataset=draw(datasets(n, kind))), requests


@st.composite
def with_a_piece(draw):
    """The usual loader, with a sampler or a collate_fn that somebody has written, or taken from elsewhere."""
    feed, requests = draw(usual())
    n = len(feed.dataset.views[-1] if feed.dataset.views else feed.dataset.rows[0])
    batching = {"batch_size": feed.options["batch_size"], "drop_last": feed.options["drop_last"]}
    sampler = draw(_sampled(n, ["child", "of another dataset"]))
    changed = [
        {"options": feed.options | {"collate_fn": list}},
        {"options": batching | {"sampler": sampler}},
        {"options": {"batch_sampler": sampler._replace(batches=batching)}},
        {"borrowed": True},
    ]
    return feed._replace(**draw(st.sampled_from(changed))), requests


@st.composite
def anything(draw):
    """A loader over anything, in any of the ways in which it can be told which rows come."""
    n, b = draw(sizes())
    batching = {"batch_size": b, "drop_last": draw(st.booleans())}
    sampler = draw(_sampled(n, ["random", "sequential", "child", "list", "of another dataset"]))
    options = draw(
        st.sampled_from(
            [
                batching | {"shuffle": True},
                batching | {"sampler": sampler},
                {"batch_sampler": sampler._replace(batches=batching)},
                {"batch_size": None, "shuffle": n > 0},
                {"batch_size": None, "sampler": sampler},
                {"batch_size": None, "sampler": sampler._replace(batches=batching)},
            ]
        )
    )
    kind = draw(st.sampled_from(["tensors", "whole batches", "anything", "child"]))
    dataset = draw(datasets(n, kind, forms=PLAIN | st.sampled_from(sorted(FORMS)), wild=True))
    return Feed(dataset, options, draw(GENERATORS), borrowed=not draw(st.integers(0, 3))), batch_requests(n, b)


@st.composite
def stopped(draw):
    """(a loader in one process, after how many requests it is stopped, the sizes of the masks drawn after each)"""
    feed, _ = draw(st.one_of(usual(), with_a_piece(), with_a_dataset()).filter(lambda pair: not pair[0].borrowed))
    masks = draw(st.lists(st.sampled_from([7, 0]), min_size=10, max_size=10))
    return feed, draw(st.sampled_from([2, 1, 3, 5, 0])), masks


USUAL = programs(usual())
STOPPED = stopped()
OF_ANY_FORM = programs(usual(forms=st.sampled_from(sorted(FORMS))), n=6)
WITH_MISSING_ROWS = programs(usual(wild=True), n=5)
WITH_A_DATASET = programs(with_a_dataset())
WITH_A_PIECE = programs(with_a_piece())
ANYTHING = programs(anything())


# ── rows, indices and splits ────────────────────────────────────────────────────────────────────


def noted(rows, asked):
    """The rows, one by one; those that have been asked for are noted."""
    for row in rows:
        asked.append(row)
        yield row


@st.composite
def asked_datasets(draw, through):
    """(a dataset, perhaps seen through subsets, and a row and some rows to ask it for)"""
    n = draw(st.integers(1, 5))
    kind = draw(st.sampled_from(["tensors", "whole batches", "anything"])) if through else "tensors"
    about = draw(datasets(n, kind, wild=True, least_views=1)) if through else Shown(kind, draw(tensors(n)))
    some = st.integers(-n, n - 1)
    return about, draw(some), draw(st.lists(some, max_size=4))


LENGTHS = st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any)
NAMES = st.none() | st.permutations("abcd")  # of datasets side by side
CHAINS = st.lists(st.sampled_from([0, 1, 2, 3, 2, 1, -1]), max_size=4)  # lengths of streams; -1 is none


@st.composite
def joined(draw, concept, depth=1):
    """(datasets joined as a concept does, rows to ask for and batches of rows)"""
    side_by_side = concept == "data.stack_dataset"
    n = draw(st.integers(1, 4))
    ways = ["side by side", "side by side, by name"] if side_by_side else ["one after the other", "added"]
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        m = n if side_by_side else draw(st.integers(1, 3))
        kind = draw(st.sampled_from(["tensors", "whole batches", "child of a subset"]))
        parts.append(draw(datasets(m, kind)))
    if depth and draw(st.booleans()):
        other = [each for each in ("data.stack_dataset", "data.concat_dataset") if each != concept]
        parts.insert(0, draw(joined(other[0], depth=0))[0])
    total = 4 if side_by_side else 8
    row = st.integers(-total - 1, total)
    return (
        Joined(draw(st.sampled_from(ways)), parts),
        draw(st.lists(row, max_size=6)),
        draw(st.lists(st.lists(st.integers(0, n - 1), max_size=4), max_size=2)),
    )


@st.composite
def streams(draw):
    """A stream and a loader over it."""
    n, b = draw(sizes())
    options = draw(st.sampled_from([{}, {"batch_size": None}, {"batch_size": b}, {"batch_size": b, "drop_last": True}]))
    options |= draw(given_options(shuffle=st.sampled_from([False, None])))
    says = draw(st.sampled_from([None, n, max(n - 1, 0), n + 1, 1]))
    asked = n if options.get("batch_size", 1) is None else -(-n // options.get("batch_size", 1))
    return Stream(n, says, options, draw(st.booleans()), draw(st.sampled_from([asked + 2, max(asked - 1, 0)])))


@st.composite
def columns(draw):
    """Arrays that share their first dimension, and no element; of rows of nothing torch does not check the index."""
    n, _ = draw(sizes())
    shapes = draw(st.lists(st.sampled_from([shape for shape in ROW_SHAPES if 0 not in shape]), min_size=2, max_size=4))
    kinds = [draw(st.sampled_from([np.float32, np.int64, np.float64])) for _ in shapes]
    return [_counted((n, *s), 100 * i).astype(k) for i, (s, k) in enumerate(zip(shapes, kinds, strict=True))]


def _counted(shape, first=0):
    return np.arange(first, first + int(np.prod(shape))).reshape(shape)


def indices(n):
    """What a dataset of n rows may be asked for: a row, from either end or beyond, a slice, some rows, a mask."""
    end = st.none() | st.integers(-n - 1, n + 1)
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda mask: np.array(mask, bool))
    slices = st.builds(slice, end, end, st.none() | st.integers(1, 2))
    return st.one_of(st.integers(-n - 1, n), slices, some_rows(n), some_rows(n, beyond=1), masks)


def row_or_rows(n):
    return some_rows(n) | st.integers(-n, n - 1) if n else some_rows(n)


@st.composite
def _numbers_of_rows(draw, n):
    ends = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    return [b - a for a, b in itertools.pairwise([0, *ends, n])]


@st.composite
def _fractions(draw):
    """Shares of a whole, some of them nothing."""
    shares = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any))
    return [share / sum(shares) for share in shares]


# Not to be accepted, or only just: the first is one in all where Python rounds it so.
ODD = [[0.05] * 20, [0.5, 0.5 + 2**-40], [0.5, 0.5 - 2**-40], [0.5, 0.6], [0.5, 0.4], [1.5, -0.5], [1], [1], [1.0, 0]]


@st.composite
def splits(draw, accepted=False):
    """Six splits by numbers of rows or by fractions, some of them odd."""
    every = []
    for _ in range(6):
        n = draw(st.integers(0, 12))
        kinds = [_numbers_of_rows(n), _fractions(), st.sampled_from([*ODD, [n + 1], [n, 1]])]
        lengths = draw(draw(st.sampled_from(kinds[:-1] if accepted else kinds)))
        if accepted and sum(lengths) > 1 and sum(lengths) != n:  # fractions whose sum is rounded up
            lengths = [n]
        generator = draw(GENERATORS)
        every.append(Split(n, lengths, generator, default=generator == "global" and draw(st.booleans())))
    return Program(every, draw(SEEDS), [])


# ── what a row may be ───────────────────────────────────────────────────────────────────────────


class Grown(dict):
    """A mapping that carries something besides its items."""

    def __init__(self, *items):
        super().__init__(*items)
        self.tag = "kept"


class Listed(list):
    """A child of list."""


Point = collections.namedtuple("Point", "x y")

# The i-th row of each kind of value.
VALUES = {
    "tensor": lambda i: torch.arange(3.0) + i,
    "tensor of a number": lambda i: torch.tensor(i + 0.5),
    "int8 tensor": lambda i: torch.full((2, 1), i, dtype=torch.int8),
    "channels last tensor": lambda i: (torch.arange(24.0) + i).reshape(1, 2, 2, 6).permute(0, 3, 1, 2),
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
    "named tuple": lambda values: Point(values, 1),
    "ordered": lambda values: collections.OrderedDict(reversed(_dictionary(values).items())),
    "defaults": lambda values: collections.defaultdict(list, _dictionary(values)),
    "child of dict": lambda values: Grown(_dictionary(values)),
    "read-only dict": lambda values: types.MappingProxyType(_dictionary(values)),
    "user's dict": lambda values: collections.UserDict(_dictionary(values)),
    "child of list": Listed,
    "user's list": collections.UserList,
    "deque": collections.deque,
}

_VALUE = st.sampled_from(sorted(VALUES))
_CONTAINER = st.sampled_from(sorted(CONTAINERS))
# What a row looks like: a kind of value, or a container of several; some of these may be containers again.
_PART = st.one_of(_VALUE, _VALUE, st.tuples(_CONTAINER, st.lists(_VALUE, max_size=2)))
_SEVERAL = st.tuples(_CONTAINER, st.lists(_PART, min_size=3, max_size=8))
LOOKS = st.one_of(_VALUE, _SEVERAL, _SEVERAL, _SEVERAL)


def _row(look, i):
    if isinstance(look, str):
        return VALUES[look](i)
    container, inner = look
    return CONTAINERS[container]([_row(part, i) for part in inner])


@st.composite
def samples(draw, n):
    """n rows that look alike."""
    look = draw(LOOKS)
    return [_row(look, i) for i in range(n)]


@st.composite
def several_samples(draw):
    """Four batches of rows, of one to four rows each, in lists and tuples."""
    return [draw(st.sampled_from([list, tuple]))(draw(samples(draw(st.integers(1, 4))))) for _ in range(4)]


@st.composite
def plain_samples(draw):
    """Rows as the manual and raw rungs know them: tuples of arrays."""
    shapes = draw(st.lists(st.sampled_from(ROW_SHAPES), min_size=2, max_size=4))
    kinds = [draw(st.sampled_from([np.float32, np.int64, np.float64])) for _ in shapes]
    rows = range(draw(st.integers(1, 4)))
    return [tuple(_counted(s, 100 * i).astype(k) for s, k in zip(shapes, kinds, strict=True)) for i in rows]
