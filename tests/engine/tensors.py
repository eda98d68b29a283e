"""Arrays into tensors and back."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch


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


def seen(x: object) -> object:
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
