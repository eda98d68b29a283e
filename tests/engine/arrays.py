"""Arrays of three kinds, each good at exposing something else.

lattice   small multiples of one power of two: nothing rounds, ties and exact zeros occur
graded    full significands over many magnitudes, within the range where no product overflows
special   cancellation, one huge number among tiny ones, constants

Strategies are made once for each shape and dtype: hypothesis validates a new one, which takes longer than a draw.
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from hypothesis import strategies as st

from tests.engine import FORMATS

Shape: TypeAlias = tuple[int, ...]
Drawn: TypeAlias = st.SearchStrategy[np.ndarray]

TENTHS, FIFTHS, EXPONENTS, HUGE = st.integers(0, 9), st.integers(0, 4), st.integers(-3, 3), st.integers(10, 30)
PATTERNS, CONSTANTS = st.sampled_from(["constant", "cancelling", "one huge"]), st.sampled_from([0.1, 1.0, 3.0])


@functools.cache
@st.composite
def shapes(draw: st.DrawFn, max_dims: int = 2, max_side: int = 4, min_dims: int = 0, empty: bool = True) -> Shape:
    """Any rank from min_dims on, each as often; one shape in ten may be empty, unless none may be."""
    empty = empty and max_dims > 0 and draw(TENTHS) == 9
    return draw(_sides(draw(_whole(max(min_dims, empty), max_dims)), 1 - empty, max_side))


_whole = functools.cache(st.integers)


@functools.cache
def _sides(rank: int, least: int, most: int) -> st.SearchStrategy[Shape]:
    """Each side by itself; and, where there are several, as often all the same."""
    apart = st.tuples(*[_whole(least, most)] * rank)
    return apart if rank < 2 else apart | _whole(least, most).map(lambda side: (side,) * rank)


@functools.cache
def _bytes(shape: Shape, each: int) -> Drawn:
    """An array of bytes, `each` of them per element, in one draw: hypothesis takes long over elements one by one."""
    size = int(np.prod(shape)) * each
    return st.binary(min_size=size, max_size=size).map(
        lambda drawn: np.frombuffer(drawn, np.uint8).reshape(*shape, each)
    )


DIGITS = np.array([0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, *[0] * 6, *[1, -1] * 4])


@functools.cache
@st.composite
def lattice(draw: st.DrawFn, shape: Shape, dtype: str, largest: int = 8) -> np.ndarray:
    """One element in five is 0, and one in three 1 or -1, so that ties occur."""
    table = DIGITS[abs(DIGITS) <= largest]
    digits = table[draw(_bytes(shape, 1))[..., 0] % len(table)]
    numbers: np.ndarray = np.ldexp(digits.astype(dtype), draw(EXPONENTS))
    return numbers


@functools.cache
@st.composite
def graded(draw: st.DrawFn, shape: Shape, dtype: str, exponents: tuple[int, int] = (-20, 6)) -> np.ndarray:
    """sign · m · 2^e with the format's full precision in m, and e drawn element by element."""
    low, high = exponents
    bits, drawn = FORMATS[dtype].precision, draw(_bytes(shape, 9)).astype(np.int64)
    digits = sum(drawn[..., i] << 8 * i for i in range(7)) % 2**bits
    scale = low + drawn[..., 7] % (high - low + 1) - bits
    signed = np.where(drawn[..., 8] % 2, -digits, digits)
    numbers: np.ndarray = np.ldexp(signed.astype(dtype), scale.astype(np.int32))
    return numbers.astype(dtype)


@functools.cache
@st.composite
def special(draw: st.DrawFn, shape: Shape, dtype: str) -> np.ndarray:
    bits = FORMATS[dtype].precision
    pattern = draw(PATTERNS)
    size = int(np.prod(shape))
    if pattern == "constant":
        flat = np.full(size, draw(CONSTANTS))
    elif pattern == "cancelling":
        flat = np.resize([1.0, -(1 + 2.0 ** -draw(st.integers(1, bits - 1)))], size)
    else:
        flat = np.resize([2.0 ** draw(HUGE), *[2.0**-20] * 7], size)
    return flat.astype(dtype).reshape(shape)


@functools.cache
def arrays(shape: Shape, dtype: str) -> Drawn:
    """One array of any of the three kinds, the one that shows most drawn most."""
    return st.one_of(lattice(shape, dtype), graded(shape, dtype), graded(shape, dtype), special(shape, dtype))


# ── the same numbers, elsewhere in memory ──

LAYOUTS = st.sampled_from(["contiguous", "transposed", "contiguous", "strided", "channels last", "offset"])
EXPANDED = st.sampled_from([False, False, False, True])


@st.composite
def laid_out(draw: st.DrawFn, array: np.ndarray, expanded: bool = False) -> np.ndarray:
    """An array's numbers, laid out in memory in another way at times; expanded, if it may be, to its first row."""
    if expanded and array.ndim and array.shape[0] > 1 and draw(EXPANDED, label="expanded"):
        return np.broadcast_to(array[:1], array.shape)
    return in_layout(array, draw(LAYOUTS, label="layout"))


def in_layout(array: np.ndarray, layout: str) -> np.ndarray:
    """The numbers of an array: columns first, every second place, channels last, or behind another element."""
    if not array.size or not array.ndim:
        return array
    if layout == "transposed":
        return np.asfortranarray(array)
    if layout == "channels last":
        channels = min(1, array.ndim - 1)
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, channels, -1)), -1, channels)
    if layout == "strided":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "offset":
        return np.append(array.flat[:1], array).view()[1:].reshape(array.shape)
    return np.ascontiguousarray(array)


def kinds_of(array: np.ndarray) -> set[str]:
    """What is special about an array: how it lies in memory, and which of its sizes coincide."""
    if not array.ndim or not array.size:
        return {"a scalar" if array.size else "an empty array"}
    steps = [step for step, n in zip(array.strides, array.shape, strict=True) if n > 1]
    kinds = {"square"} if len({*array.shape}) < array.ndim else {"oblong"} if array.ndim > 1 else set()
    if 0 in steps:
        return kinds | {"expanded"}
    if steps and min(steps) > array.itemsize:
        return kinds | {"strided"}
    if steps != sorted(steps, reverse=True):
        kinds |= {"transposed"} if steps == sorted(steps) else {"channels last"}
    return kinds | ({"behind an offset"} if _offset(array) else set())


# ── as tensors, and back ──


def tensor(array: np.typing.ArrayLike, device: str = "cpu") -> torch.Tensor:
    """A tensor of its own with an array's values and its layout in memory; an empty one is laid out as torch would."""
    like = torch.as_tensor(array)
    once = like[tuple(slice(n if step else 1) for n, step in zip(like.shape, like.stride(), strict=True))]
    if once.numel() < like.numel():  # expanded: one element stands in many places
        return tensor(once, device).expand(like.shape)
    strides = like.stride() if like.numel() else torch.empty(like.shape, device="meta").stride()
    room = torch.empty(_offset(array) + _span(like.shape, strides), dtype=like.dtype, device=device)
    return room.as_strided(like.shape, strides, _offset(array)).copy_(like)


def _span(shape: Sequence[int], strides: Sequence[int]) -> int:
    """How many elements of memory lie between the first and the last of a tensor, both included."""
    return 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) if 0 not in shape else 0


def _offset(array: np.typing.ArrayLike) -> int:
    """How many elements of an array's memory lie before its first."""
    if not isinstance(array, np.ndarray) or not isinstance(array.base, np.ndarray):
        return 0
    return (array.ctypes.data - array.base.ctypes.data) // array.itemsize


def snapshot(x: object) -> object:
    """What a caller sees of a value: a copy, as a NumPy array; bounded numbers and None stay as they are."""
    if isinstance(x, torch.Tensor):
        return x.numpy(force=True).copy()
    return np.asarray(x) if np.isscalar(x) else x


@contextlib.contextmanager
def in_any_order(device: str) -> Iterator[None]:
    """While this lasts a card may add up as it likes, each time anew: what is claimed there is within a bound of all
    orders.  On the CPU nothing changes."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(before if device == "cpu" else "default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
