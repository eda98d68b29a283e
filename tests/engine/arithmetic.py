"""Floating-point formats, and what proofs take for granted of the libraries that compute in them.

What is taken for granted is measured on this machine when a proof first rests on it.  `accuracy("exp", "float32")` is
how exact the libraries' exp is known to be; `assume(name)` is for the other facts.  Where a fact does not hold they
raise `AnotherPlatform`: the law that rests on it is not run, and all others are.
"""

import functools
import math
import unittest
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import mpmath  # torch requires it, by way of sympy
import numpy as np
import torch


class Format(NamedTuple):
    name: str
    precision: int  # bits of the significand, the hidden one included
    emin: int  # exponent of the smallest subnormal
    largest: float
    wider: type[np.floating]  # what the reference is computed in
    roundings: int = 1  # that one operation of the formula of record may cost

    @property
    def roundoff(self) -> float:
        """u, the largest relative error of one correctly rounded operation."""
        return 2.0**-self.precision

    @property
    @functools.cache
    def wider_roundoff(self) -> float:
        return float(np.finfo(self.wider).eps) / 2

    @property
    @functools.cache
    def tiny(self) -> np.floating:
        """What one operation may lose to underflow: the smallest subnormal."""
        smallest: np.floating = np.ldexp(self.wider(1), self.emin)
        return self.roundings * smallest

    @functools.cache
    def gamma(self, n: int) -> float:
        """nu / (1 - nu): the relative error that n roundings can add up to, in whatever order."""
        nu = n * self.roundings * self.roundoff
        return nu / (1 - nu) if nu < 1 else np.inf


FLOAT32 = Format("float32", 24, -149, float(np.finfo(np.float32).max), np.float64)
FLOAT64 = Format("float64", 53, -1074, float(np.finfo(np.float64).max), np.longdouble)
FORMATS = {f.name: f for f in (FLOAT32, FLOAT64)}


@functools.cache
def format_of(dtype: str, roundings: int = 1) -> Format:
    """A format by name, in which an operation of the formula of record may cost so many roundings."""
    return FORMATS[dtype]._replace(roundings=roundings)


LONGDOUBLE_IS_WIDER = FLOAT64.wider_roundoff < FLOAT64.roundoff

# ── library functions ──

# Ulps within which torch and NumPy evaluate these functions.  sqrt: 1 where it is not IEEE's (MKL: 0.75).
# The others: the largest error over all 2^32 float32 inputs was 2.5 (exp) and 3.8 (log), both NumPy's, and
# 2.5 (torch.sigmoid), before this was written; float64 has only been sampled, by the fingerprint on each run.
ULPS = {"sqrt": 1, "exp": 4, "log": 4, "log1p": 4, "cos": 4, "tanh": 4, "erf": 4, "power": 4}

# CUDA's own, in which its kernels normalize and its GELU is written: the CUDA C++ Programming Guide admits 2 ulps of
# rsqrtf and 1 of rsqrt, 5 of normcdff and up to 8 of normcdf.
ULPS_OF_CUDA = {"rsqrt": 2, "normcdf": 8}

# Errors that do not shrink with the result.  torch's vectors on Arm have the erf of Abramowitz and Stegun, 7.1.26
# (ATen's Vectorized<float> for NEON), which is off by 1.5e-7 before anything is rounded.
ABSOLUTE = {"erf": [2.0**-21]}

Function: TypeAlias = Callable[..., Any]
FUNCTIONS: dict[str, tuple[Function, dict[str, Function]]] = {  # exactly, and in the libraries that have it
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
DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]


class AnotherPlatform(unittest.SkipTest):
    """A fact that a proof rests on does not hold here, so that nothing can be concluded."""

    def __init__(self, departure: str):
        super().__init__(f"another platform: {departure}")


class Accuracy(NamedTuple):
    """The error of a library function: so many units in the last place, and an absolute part besides."""

    ulps: int
    absolute: float = 0.0


KNOWN = {name: [Accuracy(ulps), *[Accuracy(ulps, a) for a in ABSOLUTE.get(name, ())]] for name, ulps in ULPS.items()}


def accuracy(name: str, dtype: str) -> Accuracy:
    """The first accuracy known of a function that every library keeps to here."""
    kept = _kept(name, dtype)
    if kept is None:
        raise AnotherPlatform("; ".join(_departures_of(name, dtype)))
    return kept


@functools.cache
def _kept(name: str, dtype: str) -> Accuracy | None:
    return next((known for known in KNOWN[name] if _all_keep(known, name, dtype)), None)


def _all_keep(known: Accuracy, name: str, dtype: str) -> bool:
    return all(ulps(name, library, dtype, known.absolute) <= known.ulps for library in FUNCTIONS[name][1])


def _departures_of(name: str, dtype: str) -> list[str]:
    measured = {library: ulps(name, library, dtype, 0.0) for library in FUNCTIONS[name][1]}
    return [
        f"{library}'s {name}, {dtype}: off by {off:.3g} ulps, where at most {ULPS[name]} are known"
        for library, off in measured.items()
        if off > ULPS[name]
    ]


@functools.cache
def ulps(name: str, library: str, dtype: str, absolute: float) -> float:
    """The error of a library's function at points of many magnitudes, beyond an absolute part."""
    x = _points(dtype)
    return ulps_off(name, library, abs(x) if name in ("log", "log1p", "sqrt", "power") else x, absolute)


def ulps_off(name: str, library: str, x: np.ndarray, absolute: float = 0.0) -> float:
    """The largest error of a library's function over the points x, in units in the last place of the exact result."""
    exactly, libraries = FUNCTIONS[name]
    f = FORMATS[str(x.dtype)]
    results = _on_every_path(libraries[library], x) if library == "torch" else [libraries[library](x)]
    with mpmath.workprec(EXACT):
        exact = [exactly(mpmath.mpf(float(a))) for a in x]
        pairs = [pair for y in results for pair in zip(y, exact, strict=True)]
        return max((_ulps_between(float(a), b, f, absolute) for a, b in pairs), default=0.0)


def _on_every_path(function: Function, x: np.ndarray) -> list[np.ndarray]:
    """torch has two kernels for many a function, one for whole vectors and one for what is strided, on each device."""
    tensors = [torch.from_numpy(x).to(device) for device in DEVICES]
    return [function(t).cpu().numpy() for t in tensors for t in (t, t.repeat_interleave(2)[::2])]


def _ulps_between(found: float, exact: mpmath.mpf, f: Format, absolute: float) -> float:
    ulp = mpmath.ldexp(1, max(int(mpmath.frexp(exact)[1]) - f.precision, f.emin))
    return float(max(abs(found - exact) - absolute, 0) / ulp) if found == found else np.inf


def _points(dtype: str) -> np.ndarray:
    """Three hundred numbers with full significands, of many magnitudes and both signs."""
    k = np.arange(300)
    significand = 1 + k * 0.6180339887498949 % 1  # multiples of the golden ratio leave no gap
    points: np.ndarray = np.where(k % 2, -1, 1) * np.ldexp(significand, k * 5 % 34 - 28)
    return points.astype(dtype)


# ── how they compute ──


class Assumption(NamedTuple):
    measured: Callable[[], object]
    admitted: object


def assume(name: str) -> None:
    """Raise AnotherPlatform unless a fact is what proofs take for granted."""
    if departure := _departure(name):
        raise AnotherPlatform(departure)


def _departure(name: str) -> str:
    value, admitted = found(name), ASSUMPTIONS[name].admitted
    return "" if value == admitted else f"{name}: found {value}, admitted {admitted}"


@functools.cache
def found(name: str) -> object:
    """What a fact is measured to be."""
    return ASSUMPTIONS[name].measured()


def _keeps_subnormals() -> bool:
    """In NumPy and in torch, elementwise and in a product of matrices."""
    smallest, one = np.full((8, 8), 2.0**-149, np.float32), np.eye(8, dtype=np.float32)
    tensors = [(torch.from_numpy(smallest).to(device), torch.from_numpy(one).to(device)) for device in DEVICES]
    results: list[np.ndarray | torch.Tensor] = [smallest * 1.0, smallest @ one]
    results += [r for s, i in tensors for r in (s * 1.0, s @ i)]
    return all(bool((result > 0).all()) for result in results)


def _digits_of_mm(dtype: str) -> int:
    """The most digits of a number that goes through a product with 1 unchanged."""
    kept = range(2, FORMATS[dtype].precision + 1)
    return min(max(d for d in kept if _survives(d, dtype, device)) for device in DEVICES)


def _survives(digits: int, dtype: str, device: str) -> bool:
    one = torch.eye(64, dtype=getattr(torch, dtype), device=device)
    x = one * (2.0 ** (digits - 1) + 1)
    return torch.equal(x @ one, x)


def _repeats() -> bool:
    tensors = [torch.from_numpy(_points("float32")[:256].reshape(16, 16)).to(device) for device in DEVICES]
    return all(torch.equal(f(x), f(x.clone())) for x in tensors for f in (lambda a: a @ a.T, torch.sum, torch.exp))


SUBNORMALS = "subnormal numbers are kept"
REPEATS = "the same call gives the same bits"
DIGITS = {dtype: f"digits that survive a {dtype} mm" for dtype in FORMATS}
ASSUMPTIONS = {
    # an operation that underflows is off by the smallest subnormal, not by the smallest normal number
    SUBNORMALS: Assumption(_keeps_subnormals, True),
    REPEATS: Assumption(_repeats, True),
    # neither TF32 nor bfloat16 inside a product of float32 matrices
    **{DIGITS[d]: Assumption(functools.partial(_digits_of_mm, d), FORMATS[d].precision) for d in FORMATS},
}
