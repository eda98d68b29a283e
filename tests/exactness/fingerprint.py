"""What this machine's libraries are measured to do, so that another platform is told from a bug.

`fingerprint()` takes a fraction of a second.  `ADMITTED` holds the facts that proofs and claims to the bit take
for granted; every other fact only describes the machine, and any value will do.

Source  FPRev (arXiv 2411.00442) for the depth of a sum.
"""

import functools
import math
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath  # torch requires it, by way of sympy
import numpy as np
import torch

from impls.rng import bernoulli_kernel
from tests.exactness.formats import FORMATS, LONGDOUBLE_IS_WIDER, ULPS

FUNCTIONS = {  # exactly, and in the libraries that have it
    "sqrt": (mpmath.sqrt, {"numpy": np.sqrt, "torch": torch.sqrt}),
    "exp": (mpmath.exp, {"numpy": np.exp, "torch": torch.exp}),
    "log": (mpmath.log, {"numpy": np.log, "torch": torch.log}),
    "log1p": (mpmath.log1p, {"numpy": np.log1p, "torch": torch.log1p}),
    "erf": (mpmath.erf, {"numpy": lambda x: np.vectorize(math.erf, [x.dtype])(x), "torch": torch.erf}),
    "cos": (mpmath.cos, {"numpy": np.cos, "torch": torch.cos}),
    "power": (lambda x: x ** mpmath.mpf(1.375), {"numpy": lambda x: x**1.375, "torch": lambda x: x**1.375}),
    "tanh": (mpmath.tanh, {"numpy": np.tanh, "torch": torch.tanh}),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), {"torch": torch.sigmoid}),
}
SAMPLED = [(name, library, dtype) for name in FUNCTIONS for library in FUNCTIONS[name][1] for dtype in FORMATS]
EXACT = 160  # binary digits in which a library's result is judged


class Is(NamedTuple):
    value: Any

    def admits(self, found):
        return found == self.value

    def __str__(self):
        return f"{self.value}"


class AtMost(NamedTuple):
    limit: float

    def admits(self, found):
        return found <= self.limit

    def __str__(self):
        return f"at most {self.limit}"


ADMITTED = {
    # impls.rng rounds a uniform number once, as torch does where it has FMA instructions
    "uniform_ fuses its multiply-add": Is(True),
    # an operation that underflows is off by the smallest subnormal, not by the smallest normal number
    "subnormal numbers are kept": Is(True),
    # neither TF32 nor bfloat16 inside a product of float32 matrices
    "float32 matmul precision": Is("highest"),
    "digits that survive a float32 mm": Is(24),
    "the same call gives the same bits": Is(True),
    # the library functions' share of every bound
    **{f"ulps of {library}.{name}, {dtype}": AtMost(ULPS[name]) for name, library, dtype in SAMPLED if name in ULPS},
}


@functools.cache
def fingerprint() -> dict:
    """The facts by name, as plain values."""
    return {
        "longdouble is wider than double": LONGDOUBLE_IS_WIDER,
        "kernel of bernoulli_": bernoulli_kernel(),
        "add(alpha) fuses its multiply-add": _add_fuses(),
        "uniform_ fuses its multiply-add": all(map(_uniform_fuses, FORMATS)),
        "subnormal numbers are kept": _keeps_subnormals(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "digits that survive a float32 mm": _digits_of_mm(),
        "the same call gives the same bits": _repeats(),
        **{f"torch.sqrt is IEEE's, {dtype}": _ulps("sqrt", "torch", dtype) <= 0.5 for dtype in FORMATS},
        **{f"ulps of {library}.{name}, {dtype}": _ulps(name, library, dtype) for name, library, dtype in SAMPLED},
        **{f"depth of {name} of 256, {dtype}": _depth(SUMS[name], 256, dtype) for name in SUMS for dtype in FORMATS},
    }


@functools.cache
def departures():
    """What was found and is not admitted, a line each."""
    facts = fingerprint()
    wrong = {name: rule for name, rule in ADMITTED.items() if not rule.admits(facts[name])}
    return [f"{name}: found {facts[name]}, admitted {rule}" for name, rule in wrong.items()]


# ── library functions ──


def ulps_off(name, library, x):
    """The largest error of a library's function over the points x, in units in the last place of the exact result."""
    exactly, libraries = FUNCTIONS[name]
    function, f = libraries[library], FORMATS[str(x.dtype)]
    if library == "torch":  # which has two kernels for many a function: one for whole vectors, one for what is strided
        t = torch.from_numpy(x)
        results = [function(t).numpy(), function(t.repeat_interleave(2)[::2]).numpy()]
    else:
        results = [function(x)]
    with mpmath.workprec(EXACT):
        exact = [exactly(mpmath.mpf(float(a))) for a in x]
        return max((_ulps_between(float(a), b, f) for y in results for a, b in zip(y, exact, strict=True)), default=0.0)


def _ulps_between(found, exact, f):
    ulp = mpmath.ldexp(1, max(int(mpmath.frexp(exact)[1]) - f.precision, f.emin))
    return float(abs(found - exact) / ulp) if found == found else np.inf


def _ulps(name, library, dtype):
    x = _points(dtype)
    return round(ulps_off(name, library, abs(x) if name in ("log", "log1p", "sqrt", "power") else x), 3)


def _points(dtype):
    """Three hundred numbers with full significands, of many magnitudes and both signs."""
    k = np.arange(300)
    significand = 1 + k * 0.6180339887498949 % 1  # multiples of the golden ratio leave no gap
    return (np.where(k % 2, -1, 1) * np.ldexp(significand, k * 5 % 34 - 28)).astype(dtype)


# ── how products and sums are rounded ──


def _add_fuses():
    """(1 + e)(1 - e) - 1 is -e² when it is rounded once, and 0 when the product is rounded first."""
    e = 2.0**-13
    return torch.full((64,), -1.0).add(torch.full((64,), 1 - e), alpha=1 + e).ne(0).all().item()


def _uniform_fuses(dtype):
    """u(high - low) + low, rounded once, of the u that rand draws from the same seed."""
    low, high = -1.0, 1 - 2.0 ** (1 - FORMATS[dtype].precision)  # a difference with every digit
    kind = getattr(torch, dtype)
    u = torch.rand(64, dtype=kind, generator=torch.Generator().manual_seed(0)).tolist()
    x = torch.empty(64, dtype=kind).uniform_(low, high, generator=torch.Generator().manual_seed(0)).tolist()
    once = [float(Fraction(v) * Fraction(high - low) + Fraction(low)) for v in u]  # in float32 exact so far
    return x == np.array(once, dtype).tolist()


def _keeps_subnormals():
    """In NumPy and in torch, elementwise and in a product of matrices."""
    smallest, one = np.full((8, 8), 2.0**-149, np.float32), np.eye(8, dtype=np.float32)
    s, i = torch.from_numpy(smallest), torch.from_numpy(one)
    return all(bool((result > 0).all()) for result in (smallest * 1.0, smallest @ one, s * 1.0, s @ i))


def _digits_of_mm():
    """The most digits of a number that goes through a product with 1 unchanged."""
    one = torch.eye(64)
    odd = {d: one * (2.0 ** (d - 1) + 1) for d in range(2, 25)}
    return max(d for d, x in odd.items() if torch.equal(x @ one, x))


def _repeats():
    x = torch.from_numpy(_points("float32")[:256].reshape(16, 16))
    return all(torch.equal(f(x), f(x.clone())) for f in (lambda a: a @ a.T, torch.sum, torch.exp))


def _as_products(x):
    """Two matrices whose product is the sum of x, everywhere."""
    return np.tile(x, (8, 1)), np.ones((x.size, 8), x.dtype)


SUMS = {
    "np.sum": np.sum,
    "torch.sum": lambda x: torch.from_numpy(x).sum(),
    "np.matmul": lambda x: np.matmul(*_as_products(x))[0, 0],
    "torch.mm": lambda x: torch.mm(*map(torch.from_numpy, _as_products(x)))[0, 0],
}


def _depth(total, n, dtype):
    """How many additions the first of n terms goes through: n - 1 if one by one, about log2(n) if pairwise.

    With a huge number first, its negative at j and ones elsewhere, only the ones that join above both are left:
    their number tells the size of the smallest partial sum that holds the first term and the j-th.  As many
    sizes as there are, so many partial sums hold the first term.
    """
    sizes = set()
    for j in range(1, n):
        x = np.ones(n, dtype)
        x[0] = 2.0 ** (FORMATS[dtype].precision + 8)
        x[j] = -x[0]
        sizes.add(n - int(total(x)))
    return len(sizes)
