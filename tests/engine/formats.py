"""Floating-point formats, and what is assumed of the libraries that compute in them."""

import functools
from typing import NamedTuple

import numpy as np

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
