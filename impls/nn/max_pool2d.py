r"""Max pooling: the largest number in each window of an image.

    y[i, j]  = max x[h, w]   over the places  h = s i + d a - p,  a < k,  that are in the image;  w of j likewise
    ∂x[h, w] = Σ ∂y[i, j]    over the windows whose largest stands at h, w

k kernel_size, s stride (k where none is given), p padding, d dilation: one number, or one for rows and one for columns.
Padding is no number: a window of negative ones has a negative maximum, not 0 (tests/planted:
max_pool2d_pads_with_zeros).  Of several largest the first in reading order has all of the gradient (tests/planted:
max_pool2d_takes_the_last).  NaN is larger than any number, and of several the last has it.

With ceil_mode a window may reach beyond the padding, but starts in the image or before it.  return_indices adds where
each largest stands, counted in reading order through the image without its padding.

Shapes   x (N, C, H, W) or (C, H, W), N may be 0;  y likewise, with ⌊(H + 2p - d (k - 1) - 1)/s⌋ + 1 rows, or ⌈⌉ + 1.
Units    [y] = [x].
Raises   custom: native's RuntimeErrors;  manual and raw: ValueError where no window fits in, or where one sees nothing
         but padding, for which native has -∞ and an index that may lie outside of the image.
Source   Ranzato et al. 2007; torch/nn/modules/pooling.py, ATen/native/cpu/MaxPoolKernel.cpp (PyTorch 2.13).
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module

Size2: TypeAlias = int | tuple[int, int]  # of rows and of columns, or of both alike

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def max_pool2d_forward(
    x: np.ndarray,
    *,
    kernel_size: Size2,
    stride: Size2 | None = None,
    padding: Size2 = 0,
    dilation: Size2 = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> tuple[Any, Any]:
    grid = _grid(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    images, places = x.reshape(*_rows_of(x.shape)), _places(grid)
    chosen = places[_largest(images[:, places]), np.arange(places.shape[1])]
    y = images[np.arange(len(images))[:, None], chosen]
    y, indices = (a.reshape(*_pooled(x.shape, grid)) for a in (y, chosen))
    return ((y, indices) if return_indices else y), (x.shape, grid, chosen)


def max_pool2d_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True,)) -> Grads:
    """A place has the gradient of each window that sees it and has chosen it."""
    if not needs_input_grad[0]:
        return (None,)
    shape, grid, chosen = saved
    windows, there = flat([axis.windows() for axis in grid], grid[1].outputs)
    gained = there & (chosen[:, windows] == np.arange(windows.shape[1]))
    return (np.where(gained, dy.reshape(*chosen.shape)[:, windows], 0.0).sum(axis=1).reshape(*shape),)


class Axis(NamedTuple):
    """The rows of an image, or its columns, and the windows on them."""

    size: int
    kernel: int
    stride: int
    padding: int  # before the first place
    dilation: int
    outputs: int  # so many windows

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Which place window i sees at offset a, (kernel, outputs), or the nearest one, and whether it sees any."""
        h = self.stride * np.arange(self.outputs) + self.dilation * np.arange(self.kernel)[:, None] - self.padding
        there = (h >= 0) & (h < self.size)
        first, last = np.where(there, h, self.size).min(axis=0), np.where(there, h, -1).max(axis=0)
        return np.clip(h, first, last), there

    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """Which window sees place h at offset a, (kernel, size), or 0, and whether any does."""
        start = np.arange(self.size) + self.padding - self.dilation * np.arange(self.kernel)[:, None]
        i, between = np.divmod(start, self.stride)
        there = (between == 0) & (i >= 0) & (i < self.outputs)
        return np.where(there, i, 0), there


def flat(tables: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of rows and one of columns as one in reading order: offsets in its rows, windows or places in columns."""
    (rows, row_there), (columns, column_there) = tables
    both = rows[:, None, :, None] * width + columns[:, None, :]
    there = row_there[:, None, :, None] & column_there[:, None, :]
    shape = len(rows) * len(columns), rows.shape[1] * columns.shape[1]
    return both.reshape(shape), there.reshape(shape)


def pair(n: Size2) -> tuple[int, ...]:
    """One number, or one for rows and one for columns."""
    return tuple(n) if isinstance(n, Iterable) else (n, n)


def _grid(shape, kernel_size, stride, padding, dilation, ceil_mode):
    each = map(pair, (kernel_size, kernel_size if stride is None else stride, padding, dilation))
    return tuple(windows_on(n, k, s, p, d, ceil_mode) for n, k, s, p, d in zip(shape[-2:], *each, strict=True))


def windows_on(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> Axis:
    """Return how many windows fit on `size` places, and where they stand."""
    left = size + 2 * padding - dilation * (kernel - 1) - 1
    outputs = (left + (stride - 1) * ceil_mode) // stride + 1
    if ceil_mode and (outputs - 1) * stride >= size + padding:
        outputs -= 1
    if outputs < 1:
        raise ValueError(f"no window of {kernel} fits in {size}")
    return Axis(size, kernel, stride, padding, dilation, outputs)


def _places(grid):
    places, there = flat([axis.places() for axis in grid], grid[1].size)
    if not there.any(axis=0).all():
        raise ValueError("a window sees nothing but padding")
    return places


def _largest(windows):
    """The first of the largest, or the last NaN, by offset; windows (images, offsets, windows)."""
    nan = np.isnan(windows)
    return np.where(nan.any(axis=1), nan.shape[1] - 1 - nan[:, ::-1].argmax(axis=1), windows.argmax(axis=1))


def _rows_of(shape):
    """One row for each image and channel."""
    return math.prod(shape[:-2]), math.prod(shape[-2:])


def _pooled(shape, grid):
    return *shape[:-2], *(axis.outputs for axis in grid)


max_pool2d_manual = Pair(max_pool2d_forward, max_pool2d_backward)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def max_pool2d_raw(
    x: torch.Tensor,
    *,
    kernel_size: Size2,
    stride: Size2 | None = None,
    padding: Size2 = 0,
    dilation: Size2 = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> Any:
    grid = _grid(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    images, places = x.reshape(_rows_of(x.shape)), torch.from_numpy(_places(grid)).to(x.device)
    windows = images.detach()[:, places]
    nan = windows.isnan()
    last_nan = len(places) - 1 - nan.flip(1).byte().argmax(1)
    chosen = torch.where(nan.any(1), last_nan, windows.argmax(1))
    indices = places[chosen, torch.arange(places.shape[1])]
    y = images.gather(1, indices).reshape(_pooled(x.shape, grid))
    return (y, indices.reshape(y.shape)) if return_indices else y


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class MaxPool2d(Module):
    """Drop-in for torch.nn.MaxPool2d, bit for bit on one CPU thread."""

    def __init__(
        self,
        kernel_size: Size2,
        stride: Size2 | None = None,
        padding: Size2 = 0,
        dilation: Size2 = 1,
        return_indices: Any = False,
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: torch.Tensor) -> Any:
        # Where windows overlap gradients meet in one place, and only max_pool2d adds them in native's order.
        return torch.nn.functional.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(max_pool2d_manual, max_pool2d_raw, MaxPool2d, torch.nn.MaxPool2d)
