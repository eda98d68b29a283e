r"""Convolution of images, which is a correlation: the kernel is not turned over.

    y[n, o, i, j] = Σ w[o, c, a, b] x'[n, c, h, w] + b[o]    Σ over c, a, b;  h = s i + d a,  w of j likewise
    ∂x' = Σ w ∂y over all o, a, b that see the place,    ∂w = Σ x' ∂y,    ∂b = Σ ∂y
    at first  w ~ U(-β, β),  then  b ~ U(-1/√k, 1/√k),    of nn.linear, k = C/g times the size of the kernel

x' is x with p rows and columns before and behind: of zeros, or of x itself, mirrored without repeating its edge
(reflect), continued by its edge (replicate) or from its other side (circular).  Their gradient goes to the places that
they show (tests/planted: conv2d_border_learns_nothing).  padding="same" adds d (k - 1) in all, half of it before; of an
odd one the larger half stands behind (tests/planted: conv2d_same_larger_half_before).  A kernel turned over is what
mathematics calls a convolution (tests/planted: conv2d_turns_the_kernel_over).

With groups, output channel o sees only the C/g input channels of its own group, which stand side by side.

Shapes   x (N, C, H, W) or (C, H, W), N may be 0;  w (O, C/g, k, k);  b (O,) or None;  y (N, O, …), each side
         ⌊(H + 2p - d (k - 1) - 1)/s⌋ + 1.
Units    [y] = [x] [w] = [b].
Raises   custom: native's RuntimeErrors, and its ValueErrors for groups and padding;  manual: ValueError where no window
         fits in.
Source   LeCun et al. 1989; torch/nn/modules/conv.py, ATen/native/Convolution.cpp (PyTorch 2.13).  Convolutions by
         Winograd or by Fourier, as on CUDA, round otherwise, and lie outside of a sum's bound.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch

from impls.init.kaiming_uniform import kaiming_uniform_, kaiming_uniform_manual, kaiming_uniform_raw
from impls.init.uniform import uniform_, uniform_manual, uniform_raw
from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.linear import SLOPE, bias_bound
from impls.nn.max_pool2d import Axis, Size2, flat, pair, windows_on
from impls.nn.module import Module
from impls.nn.parameter import Parameter, parameter_raw
from impls.rng import State
from impls.since import TORCH

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Saved(NamedTuple):
    columns: np.ndarray  # what each window sees
    w: np.ndarray
    shape: tuple[int, ...]  # of x
    shown: tuple[np.ndarray, np.ndarray]  # which row of x a row of x' shows, and which column
    grid: tuple[Axis, Axis]  # the windows on x'


def conv2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: Size2 = 1,
    padding: Size2 | str = 0,
    dilation: Size2 = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> tuple[np.ndarray, Any]:
    options = pair(stride), sides(padding), pair(dilation)
    axes = [_axis(*each, padding_mode) for each in zip(x.shape[-2:], w.shape[2:], *options, strict=True)]
    shown, grid = zip(*axes, strict=True)
    columns = _columns(_bordered(_batch(x), shown), [axis.places() for axis in grid], groups)
    y = _images(w.reshape(groups, -1, columns.shape[1]) @ columns, [axis.outputs for axis in grid])
    y = y if b is None else y + b.reshape(-1, 1, 1)
    return (y if x.ndim == 4 else y[0]), Saved(columns, w, x.shape, shown, grid)


def conv2d_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (True, True, True)) -> Grads:
    """Return (dx, dw, db); a layer without b is asked for two gradients, and db is None."""
    needs_x, needs_w, *needs_b = needs_input_grad
    dy = _batch(dy)
    dx = _of_images(dy, saved) if needs_x else None
    dw = _of_weight(dy, saved) if needs_w else None
    return dx, dw, dy.sum(axis=(0, 2, 3)) if any(needs_b) else None


def _of_images(dy, saved):
    """A place of x' has w ∂y of every window that sees it, and hands it on to the place of x that it shows."""
    columns, w, shape, shown, grid = saved
    groups, (outputs, channels, *_) = len(columns), w.shape
    seen_by = _columns(dy, [axis.windows() for axis in grid], groups)
    turned = w.reshape(groups, outputs // groups, channels, -1).transpose(0, 2, 1, 3)
    bordered = _images(turned.reshape(groups, channels, -1) @ seen_by, [axis.size for axis in grid])
    rows, cols = ((at[:, None] == np.arange(n)).astype(dy.dtype) for at, n in zip(shown, shape[-2:], strict=True))
    return (rows.T @ bordered @ cols).reshape(*shape)


def _of_weight(dy, saved):
    groups, _, windows = saved.columns.shape
    rows = dy.transpose(1, 0, 2, 3).reshape(groups, dy.shape[1] // groups, windows)
    return (rows @ saved.columns.mT).reshape(*saved.w.shape)


def _batch(x):
    return x if x.ndim == 4 else x[None]


def sides(padding: Size2 | str) -> tuple[Any, ...]:
    """Padding of rows and of columns; a word is said of both."""
    return (padding, padding) if isinstance(padding, str) else pair(padding)


def border(padding: int | str, kernel: int, dilation: int) -> tuple[int, int]:
    """How many places stand before an axis, and how many behind."""
    if isinstance(padding, str):
        total = dilation * (kernel - 1) if padding == "same" else 0
        return total // 2, total - total // 2
    return padding, padding


def _axis(size, kernel, stride, padding, dilation, mode):
    """Which place each place of x' shows, and the windows on x'."""
    before, behind = border(padding, kernel, dilation)
    shown = SHOWN[mode](np.arange(-before, size + behind), size)
    return shown, windows_on(len(shown), kernel, stride, 0, dilation)


SHOWN = {  # by place i of n, which outside of the image is below 0 or not below n
    "zeros": lambda i, _: i,  # none, for it is not there
    "reflect": lambda i, n: (n - 1) - abs((n - 1) - abs(i)),
    "replicate": lambda i, n: np.clip(i, 0, n - 1),
    "circular": lambda i, n: i % n,
}


def _bordered(images, shown):
    (rows, columns), (h, w) = shown, images.shape[-2:]
    there = ((rows >= 0) & (rows < h))[:, None] & (columns >= 0) & (columns < w)
    return np.where(there, images[..., (rows % h)[:, None], columns % w], 0.0)


def _columns(images, tables, groups):
    """What each window sees, in a column: (groups, channels of one by offsets, images by windows)."""
    (n, channels, h, w), (places, there) = images.shape, flat(tables, images.shape[-1])
    seen = np.where(there, images.reshape(n, channels, h * w)[..., places], 0.0)
    offsets, windows = places.shape
    return seen.transpose(1, 2, 0, 3).reshape(groups, channels // groups * offsets, n * windows)


def _images(columns, sizes):
    """Images, from (groups, channels of one, images by places)."""
    groups, channels, places = columns.shape
    return columns.reshape(groups * channels, places // math.prod(sizes), *sizes).transpose(1, 0, 2, 3)


def conv2d_init(
    rng: State,
    in_channels: int,
    out_channels: int,
    kernel_size: Size2,
    groups: int = 1,
    bias: bool = True,
    dtype: type = np.float32,
) -> tuple[dict[str, np.ndarray], State]:
    """Return ({"weight": w, "bias": b}, rng), torch's from the same seed."""
    shape = out_channels, in_channels // groups, *pair(kernel_size)
    w, rng = kaiming_uniform_manual(rng, shape, SLOPE, dtype=dtype)
    if not bias:
        return {"weight": w}, rng
    b, rng = uniform_manual(rng, (out_channels,), -bias_bound(shape), bias_bound(shape), dtype)
    return {"weight": w, "bias": b}, rng


conv2d_manual = Pair(conv2d_forward, conv2d_backward, conv2d_init)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def conv2d_raw(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    stride: Size2 = 1,
    padding: Size2 | str = 0,
    dilation: Size2 = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> torch.Tensor:
    (high, wide), (down, right), (rows, columns) = weight.shape[2:], pair(stride), pair(dilation)
    above_below, left_right = map(border, sides(padding), (high, wide), (rows, columns))
    x = torch.nn.functional.pad(x, left_right + above_below, "constant" if padding_mode == "zeros" else padding_mode)
    windows = x.unfold(-2, rows * (high - 1) + 1, down).unfold(-2, columns * (wide - 1) + 1, right)
    windows = windows[..., ::rows, ::columns].unflatten(-5, (groups, weight.shape[1]))
    y = torch.einsum("...gchwij,gocij->...gohw", windows, weight.unflatten(0, (groups, -1))).flatten(-4, -3)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


def conv2d_init_raw(
    generator: torch.Generator,
    in_channels: int,
    out_channels: int,
    kernel_size: Size2,
    groups: int = 1,
    bias: bool = True,
    dtype: torch.dtype = torch.float32,
) -> tuple[dict[str, torch.Tensor], torch.Generator]:
    """Return ({"weight": w, "bias": b}, generator), two leaves."""
    shape = out_channels, in_channels // groups, *pair(kernel_size)
    w, generator = kaiming_uniform_raw(generator, shape, SLOPE, dtype=dtype)
    if not bias:
        return {"weight": parameter_raw(w)}, generator
    b, generator = uniform_raw(generator, (out_channels,), -bias_bound(shape), bias_bound(shape), dtype)
    return {"weight": parameter_raw(w), "bias": parameter_raw(b)}, generator


conv2d_raw.init = conv2d_init_raw  # type: ignore[attr-defined]  # where the manual rung has it, in a Pair

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Conv2d(Module):
    """Drop-in for torch.nn.Conv2d, bit for bit on one CPU thread."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size2,
        stride: Size2 = 1,
        padding: Size2 | str = 0,
        dilation: Size2 = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = pair(kernel_size), pair(stride), pair(dilation)
        self.padding = padding if isinstance(padding, str) else pair(padding)
        self.padding_mode, self.transposed, self.output_padding = padding_mode, False, (0, 0)
        self._check()
        borders = map(border, sides(padding), self.kernel_size, self.dilation)
        self._reversed_padding_repeated_twice = [n for both in [*borders][::-1] for n in both]
        shape = out_channels, in_channels // groups, *self.kernel_size
        self.weight = Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check(self):
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"{name} must be divisible by groups")
        words = {"same", "valid"}
        if isinstance(self.padding, str) and self.padding not in words:
            raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {words}")
        if self.padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        modes = {"zeros", "reflect", "replicate", "circular"}
        if self.padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode='{self.padding_mode}'")

    def reset_parameters(self) -> None:
        # Drawn in reading order, however the weight is laid out; up to torch 2.11 in the order of its memory.
        order = torch.contiguous_format if TORCH >= (2, 12) else torch.preserve_format
        drawn = torch.empty_like(self.weight, memory_format=order, requires_grad=False)
        with torch.no_grad():
            self.weight.copy_(kaiming_uniform_(drawn, SLOPE))
        if self.bias is not None:
            bound = bias_bound(self.weight.shape)
            uniform_(self.bias, -bound, bound)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input, weight, bias):  # what a subclass calls with a weight of its own
        padding = self.padding
        if self.padding_mode != "zeros":
            input = torch.nn.functional.pad(input, self._reversed_padding_repeated_twice, self.padding_mode)
            padding = (0, 0)
        # Products of columns round in another order: only conv2d has native's bits.
        return torch.nn.functional.conv2d(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        told = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1, "bias": True, "padding_mode": "zeros"}
        has = vars(self) | {"bias": self.bias is not None}
        return told + "".join(f", {name}={has[name]}" for name in usual if has[name] != usual[name])


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(conv2d_manual, conv2d_raw, Conv2d, torch.nn.Conv2d)
