"""Arrays into tensors and back."""

import contextlib

import numpy as np
import torch


def tensor(array, device="cpu"):
    """A tensor of its own with an array's values; laid out as torch would, where NumPy's empty arrays are not."""
    return torch.empty(np.shape(array), dtype=torch.as_tensor(array).dtype, device=device).copy_(torch.as_tensor(array))


def seen(x):
    """What a caller sees of a value: a copy, as a NumPy array; bounded numbers and None stay as they are."""
    if isinstance(x, torch.Tensor):
        return x.numpy(force=True).copy()
    return np.asarray(x) if np.isscalar(x) else x


@contextlib.contextmanager
def in_any_order(device):
    """While this lasts a card may add up as it likes, each time anew: what is claimed there is within a bound of all
    orders.  On the CPU nothing changes."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(before if device == "cpu" else "default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
