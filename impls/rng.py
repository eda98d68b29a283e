r"""Random numbers: torch's CPU generator, word for word.

    v  ← the next word of MT19937, 32 bits, seeded with seed mod 2³²;  V ← 2³²v + v', two of them
    rand      u = (v mod 2²⁴)/2²⁴ in float32,  (V mod 2⁵³)/2⁵³ in float64
    uniform   x = u(high - low) + low,  and low where x rounds up to high (up to torch 2.11 high)
    randint   low + v mod m,  m = high - low;  V for v from m = 2²⁸ on
    random    v mod (max + 1) for integers, v mod (2^d + 1) for floats of d digits;  V for types of 64 bits
    randperm  r = 0, 1, …, n-1;  for i = 0, …, n-2 swap rᵢ and rᵢ₊ⱼ,  j = v mod (n - i)
    normal    z std + mean, z by Box and Muller:
        n < 16   z = r cos 2πu₁, and r sin 2πu₁ is kept for the next call;  r² = -2 log1p(-u₂), all in float64
        n ≥ 16   sixteen u at a time:  zⱼ = r cos 2πuⱼ₊₈,  zⱼ₊₈ = r sin 2πuⱼ₊₈,  r² = -2 log(1 - uⱼ),  j < 8;
                 unless 16 divides n, the last sixteen are drawn anew
    bernoulli u < p;  u in float64 for a number p, in p's own type for an array p

How many words a draw takes is part of its contract: it fixes every later draw.  randn(15) is not the
beginning of randn(16) (pytorch#80202), and what a short normal keeps the next one returns, whatever its type.
Up to torch 2.6, with MKL on an Intel CPU, a number p took ONE word, x₀ = v mod 2³¹-1 or 1 where that is 0,
and compared in float32: u = x/2³¹, x ← 1132489760 x mod 2³¹-1.  So a seed had two masks, one for each
kind of machine, and both are still in print (pytorch#84030, #121595): kernel="mcg31" gives the other one.
A multiply-add is rounded once where torch was compiled to FMA instructions, and twice elsewhere.  Which of its kernels
are is up to torch's build, the processor and ATEN_CPU_CAPABILITY: `rounding` measures it for each draw.

Shapes   any, 0 included; elements are drawn in C order (by torch in the order of the memory they fill).
Units    low, high, mean and std share one; p is a pure number.
Raises   raw: torch's RuntimeError if high <= low (randint), high < low (uniform), std < 0, p not in [0, 1].
Source   Matsumoto and Nishimura 1998; Box and Muller 1958; ATen/core/{MT19937RNGEngine,DistributionsHelper}.h and
         ATen/native/cpu/DistributionTemplates.h (PyTorch 2.13); MCG31m1 in Intel's Notes for oneMKL Vector Statistics.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from impls.ladder import Absent, Ladder


class Draws(NamedTuple):
    """The draws of one rung: seed(n) -> state, and of the others each (state, ...) -> (array, state)."""

    seed: Callable
    rand: Callable
    uniform: Callable
    randint: Callable
    random: Callable
    randperm: Callable
    normal: Callable
    bernoulli: Callable


# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class State(NamedTuple):
    key: np.ndarray  # the twister's 624 words
    pos: int  # how many of them are spent
    next_normal: float | None = None  # the sine that a short normal kept


def seed_manual(n: int) -> State:
    """Return the state of a new generator; torch takes a negative n modulo 2**64."""
    state = np.random.RandomState(n % 2**32).get_state(legacy=False)["state"]
    return State(state["key"], state["pos"])


def _words(state, n, wide):
    """Return (n words, of 64 bits if wide, state)."""
    twister = np.random.MT19937(0)
    twister.state = {"bit_generator": "MT19937", "state": {"key": state.key, "pos": state.pos}}
    words = twister.random_raw(2 * n if wide else n)
    if wide:
        words = words[0::2] << 32 | words[1::2]
    return words, state._replace(**twister.state["state"])


def rand_manual(state: State, shape: tuple[int, ...] = (), dtype: type = np.float32) -> tuple[np.ndarray, State]:
    words, state = _words(state, math.prod(shape), dtype == np.float64)
    digits = np.finfo(dtype).nmant + 1
    return (words % 2**digits * 2.0**-digits).astype(dtype).reshape(shape), state


def _two_sum(a, b):
    """Return a + b, rounded, and what the rounding lost (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _halves(x):
    """Split doubles into two parts of 26 bits (Veltkamp)."""
    t = x * (2.0**27 + 1)
    high = t - (t - x)
    return high, x - high


def _odd(s, lost):
    """Round to odd: where anything was lost, the neighbour whose last bit is 1, so that the next rounding is right."""
    bits = s.view(np.int64)
    away = np.where((lost > 0) == (s > 0), 1, -1)
    return np.where((lost != 0) & (bits % 2 == 0), bits + away, bits).view(np.float64)


def _fma(x, slope, offset):
    """Return x * slope + offset, rounded once to x's type (Boldo and Melquiond 2008).

    Barring overflow, and an underflow of what the product lost.
    """
    a, b, c = x.astype(np.float64), float(slope), float(offset)
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    product = a * b
    low, lower = _two_sum(c, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)
    high, middle = _two_sum(product, low)
    rest = _odd(*_two_sum(middle, lower))
    return high + rest if x.dtype == np.float64 else _odd(high, rest).astype(x.dtype)


def _twice(x, slope, offset):
    """Return x * slope + offset, of which the product is rounded, too."""
    return x * slope + offset


ROUNDINGS = {"once": _fma, "twice": _twice}


@functools.cache
def rounding(draw, dtype, n=64):
    """How torch's uniform_ or normal_ of n numbers rounds its multiply-add on this machine: one of ROUNDINGS."""

    def drawn(*settings):
        x = torch.empty(n, dtype=getattr(torch, np.dtype(dtype).name))
        return getattr(x, draw)(*settings, generator=torch.Generator().manual_seed(0)).numpy()

    a, b = dtype(-0.3), dtype(0.4)  # whose difference is no power of two
    slope, offset = (b - a, a) if draw == "uniform_" else (b, a)
    standard, found = drawn(0.0, 1.0), drawn(float(a), float(b))
    ways = (name for name, way in ROUNDINGS.items() if np.array_equal(way(standard, slope, offset), found))
    return next(ways, "once")


@functools.cache
def reaches_high():
    """Whether torch's uniform_ keeps what rounds up to high here: half of the numbers, where high is next to low."""
    return torch.empty(64).uniform_(1.0, 1 + 2.0**-23, generator=torch.Generator().manual_seed(0)).ne(1.0).any().item()


def uniform_manual(
    state: State,
    shape: tuple[int, ...] = (),
    low: float = 0.0,
    high: float = 1.0,
    dtype: type = np.float32,
    rounds=None,
    closed=None,
) -> tuple[np.ndarray, State]:
    low, high = dtype(low), dtype(high)
    u, state = rand_manual(state, shape, dtype)
    x = ROUNDINGS[rounds or rounding("uniform_", dtype)](u, high - low, low)
    kept = reaches_high() if closed is None else closed
    return np.where((x == high) & (not kept), low, x), state


def randint_manual(state: State, low: int, high: int, shape: tuple[int, ...] = ()) -> tuple[np.ndarray, State]:
    """Integers from low up to high - 1, as int64."""
    words, state = _words(state, math.prod(shape), high - low >= 2**28)
    return (words % (high - low)).astype(np.int64).reshape(shape) + low, state


def _largest(dtype):
    """The largest integer up to which the type holds every one."""
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1)
    return 1 if dtype.kind == "b" else np.iinfo(dtype).max


def random_manual(state: State, shape: tuple[int, ...] = (), dtype: type = np.int64) -> tuple[np.ndarray, State]:
    """Integers from 0 to the type's largest; random_manual(state) draws the base seed of a DataLoader."""
    kind = np.dtype(dtype)
    words, state = _words(state, math.prod(shape), kind.itemsize == 8)
    return (words % (_largest(kind) + 1)).astype(kind).reshape(shape), state


def randperm_manual(state: State, n: int) -> tuple[np.ndarray, State]:
    """A permutation of range(n); from n = 2**32 / 20 on torch draws wide words, but such a list does not fit here."""
    words, state = _words(state, max(n - 1, 0), False)
    r = list(range(n))
    for i, word in enumerate(words.tolist()):
        j = word % (n - i)
        r[i], r[i + j] = r[i + j], r[i]
    return np.array(r, np.int64), state


# The C library's, which torch calls: NumPy's own differ by an ulp or two in one double of 700.
_log, _log1p, _cos, _sin = (np.vectorize(f, otypes=[float]) for f in (math.log, math.log1p, math.cos, math.sin))


def _polar(r, u):
    """Return r cos 2πu and r sin 2πu, on a new axis before the last."""
    angle = 2 * math.pi * u
    return np.stack([r * _cos(angle), r * _sin(angle)], -2)


def _short_normal(state, n):
    kept = [] if state.next_normal is None else [state.next_normal]
    u, state = rand_manual(state, ((n - len(kept) + 1) // 2, 2), np.float64)
    z = np.concatenate([kept, _polar(np.sqrt(-2 * _log1p(-u[:, 1])), u[:, 0]).T.ravel()])
    return z[:n], state._replace(next_normal=float(z[n]) if len(z) > n else None)


def _sixteens(state, n, dtype):
    u, state = rand_manual(state, (n,), dtype)
    u = u[: n - n % 16].reshape(-1, 2, 8).astype(np.float64)
    return _polar(np.sqrt(-2 * _log(1 - u[:, 0])), u[:, 1]).ravel(), state


def _long_normal(state, n, dtype):
    z, state = _sixteens(state, n, dtype)
    if n % 16:
        last, state = _sixteens(state, 16, dtype)
        z = np.concatenate([z[: n - 16], last])
    return z.astype(dtype), state


def normal_manual(
    state: State, shape: tuple[int, ...] = (), mean: float = 0.0, std: float = 1.0, dtype: type = np.float32
) -> tuple[np.ndarray, State]:
    """torch.randn by default; from 16 elements on torch's float32 has a log, cos and sin of its own, a few ulps off."""
    n = math.prod(shape)
    z, state = _short_normal(state, n) if n < 16 else _long_normal(state, n, dtype)
    kind = z.dtype.type
    scaled = ROUNDINGS[rounding("normal_", kind, min(max(n, 15), 16))](z, kind(std), kind(mean))
    return scaled.astype(dtype).reshape(shape), state


def _double(state, n):
    return rand_manual(state, (n,), np.float64)


def _mcg31(state, n):
    """Jump ahead: the powers of the multiplier are doubled in number until there are n."""
    word, state = _words(state, 1, False)
    m, powers = 2**31 - 1, np.ones(1, np.uint64)
    while len(powers) < n:
        powers = np.concatenate([powers, powers * pow(1132489760, len(powers), m) % m])
    x = np.maximum(word % m, 1) * powers[:n] % m
    return x.astype(np.float32) * np.float32(2.0**-31), state


KERNELS = {"double": _double, "mcg31": _mcg31}


@functools.cache
def bernoulli_kernel():
    """The kernel of torch's bernoulli_ on this machine: mcg31 if a mask costs one word, as a bool does."""
    one, mask = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    torch.empty((), dtype=torch.bool).random_(generator=one)
    torch.empty(2).bernoulli_(0.5, generator=mask)
    return "mcg31" if torch.equal(one.get_state(), mask.get_state()) else "double"


def bernoulli_manual(
    state: State, p: float, shape: tuple[int, ...] = (), dtype: type | np.dtype = np.float32, kernel=None
) -> tuple[np.ndarray, State]:
    """Ones with probability p, a number or an array; of what dropout keeps, bernoulli_manual(state, 1 - p, x.shape)."""
    if isinstance(p, np.ndarray):
        u, state = rand_manual(state, shape, p.dtype.type)
    else:
        u, state = KERNELS[kernel or bernoulli_kernel()](state, math.prod(shape))
    return (u.reshape(shape) < u.dtype.type(p)).astype(dtype), state


rng_manual = Draws(
    seed_manual,
    rand_manual,
    uniform_manual,
    randint_manual,
    random_manual,
    randperm_manual,
    normal_manual,
    bernoulli_manual,
)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def seed_raw(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def rand_raw(
    generator: torch.Generator, shape: tuple[int, ...] = (), dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.rand(shape, dtype=dtype, device=generator.device, generator=generator), generator


def uniform_raw(
    generator: torch.Generator,
    shape: tuple[int, ...] = (),
    low: float = 0.0,
    high: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.empty(shape, dtype=dtype, device=generator.device).uniform_(low, high, generator=generator), generator


def randint_raw(
    generator: torch.Generator, low: int, high: int, shape: tuple[int, ...] = ()
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.randint(low, high, shape, device=generator.device, generator=generator), generator


def random_raw(
    generator: torch.Generator, shape: tuple[int, ...] = (), dtype: torch.dtype = torch.int64
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.empty(shape, dtype=dtype, device=generator.device).random_(generator=generator), generator


def randperm_raw(generator: torch.Generator, n: int) -> tuple[torch.Tensor, torch.Generator]:
    return torch.randperm(n, device=generator.device, generator=generator), generator


def normal_raw(
    generator: torch.Generator,
    shape: tuple[int, ...] = (),
    mean: float = 0.0,
    std: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.empty(shape, dtype=dtype, device=generator.device).normal_(mean, std, generator=generator), generator


def bernoulli_raw(
    generator: torch.Generator, p: float, shape: tuple[int, ...] = (), dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Generator]:
    return torch.empty(shape, dtype=dtype, device=generator.device).bernoulli_(p, generator=generator), generator


rng_raw = Draws(seed_raw, rand_raw, uniform_raw, randint_raw, random_raw, randperm_raw, normal_raw, bernoulli_raw)

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

rng_custom = Absent("a generator of our own would be the manual rung again; torch.Generator is used as it is")

# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(rng_manual, rng_raw, rng_custom, torch.Generator)
