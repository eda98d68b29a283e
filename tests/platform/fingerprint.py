"""The fingerprint of a machine: what its libraries are measured to do, as plain values, for the report of a run.

It describes; what proofs rest on is in tests/engine/arithmetic.py, and what chooses among kernels is measured where
the kernel is written down.
"""

import functools
import hashlib

import numpy as np
import torch

from impls.rng import bernoulli_kernel
from tests.engine.arithmetic import ASSUMPTIONS, FORMATS, LONGDOUBLE_IS_WIDER, SAMPLED, found, ulps
from tests.platform.kernels import add_fuses, depth_of_sums, possible_lanes


@functools.cache
def fingerprint() -> dict[str, object]:
    """The facts by name."""
    return {
        "longdouble is wider than double": LONGDOUBLE_IS_WIDER,
        "kernel of bernoulli_": bernoulli_kernel(),
        "add(alpha) fuses its multiply-add": add_fuses(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        **{name: found(name) for name in ASSUMPTIONS},
        **{f"torch.sqrt is IEEE's, {dtype}": ulps("sqrt", "torch", dtype, 0.0) <= 0.5 for dtype in FORMATS},
        **{f"lanes of layer_norm, {dtype}": possible_lanes(dtype) for dtype in FORMATS},
        **{
            f"ulps of {library}.{name}, {dtype}": round(ulps(name, library, dtype, 0.0), 3)
            for name, library, dtype in SAMPLED
        },
        **{
            f"depth of {name} of 256, {dtype}": depth_of_sums(SUMS[name], 256, dtype)
            for name in SUMS
            for dtype in FORMATS
        },
        **{f"bits of {name}": _digest(np.concatenate([r.ravel() for r in call()])) for name, call in BITS.items()},
    }


def _digest(x):
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()[:8]


def _points(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _mm(library):
    a, b = _points(65, 300), _points(300, 33)
    return a @ b if library is np else (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


BITS = {  # calls whose bits tell one set of kernels from another
    "torch.mm": lambda: [
        _mm(torch),
        (torch.from_numpy(_points(65, 300)).double() @ torch.ones(300, 3).double()).numpy(),
    ],
    "torch.conv2d": lambda: [
        torch.conv2d(torch.from_numpy(_points(4, 3, 17, 17)), torch.from_numpy(_points(8, 3, 3, 3))).numpy()
    ],
    "torch.gelu": lambda: [torch.nn.functional.gelu(torch.from_numpy(_points(999))).numpy()],
    "torch.add": lambda: [torch.from_numpy(_points(999)).add(torch.from_numpy(_points(2, 999)[1]), alpha=0.1).numpy()],
    "np.matmul": lambda: [_mm(np)],
    "np.exp": lambda: [np.exp(_points(999))],
}


def _as_products(x):
    """Two matrices whose product is the sum of x, everywhere."""
    return np.tile(x, (8, 1)), np.ones((x.size, 8), x.dtype)


SUMS = {
    "np.sum": np.sum,
    "torch.sum": lambda x: torch.from_numpy(x).sum(),
    "np.matmul": lambda x: np.matmul(*_as_products(x))[0, 0],
    "torch.mm": lambda x: torch.mm(*map(torch.from_numpy, _as_products(x)))[0, 0],
}
