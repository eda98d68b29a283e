r"""From a list of rows to one batch: every part of the row becomes a column.

    [(x₁, y₁), …, (x_b, y_b)]  ↦  (stack(x₁ … x_b), stack(y₁ … y_b))

The first row decides how every row is read.  Its floats become float64, its ints int64, so [1, 2.5] gives
float32 and [2.5, 1] float64; a tensor keeps its dtype, and a 0-d tensor is a tensor, not a number: read
as a number, float32 targets come back float64 (pytorch#2178, #1113).  Text is a value, not a sequence of
characters (pytorch#99227).  A tuple comes back as a list; a named tuple, a mapping and any other
sequence keep their type.

Shapes   b rows of shape s give (b, …s); all rows of a part share s.
Units    those of the data.
Raises   RuntimeError if shapes or lengths differ, or a tensor is nested or sparse; TypeError for a kind of
         value that cannot be stacked; KeyError for a missing key; IndexError for an empty batch.
Source   torch/utils/data/_utils/collate.py (PyTorch 2.13).
"""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np
import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def collate_manual(rows):
    """Return one array for each part of the rows, which are tuples of arrays or numbers."""
    return tuple(np.stack(part) for part in zip(*rows, strict=True))


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def collate_raw(rows):
    """Return one tensor for each part of the rows, which are tuples of tensors."""
    return tuple(torch.stack(part) for part in zip(*rows, strict=True))


# ── custom ──────────────────────────────────────────────────────────────────────────────────────

TEXT_OR_OBJECTS = "SUO"  # NumPy's kinds of arrays that have no tensor


def default_collate(batch):
    """Drop-in for torch.utils.data.default_collate."""
    first = batch[0]
    if isinstance(first, torch.Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in TEXT_OR_OBJECTS:
            raise unstackable(first.dtype)
        return stack([torch.as_tensor(a) for a in batch])
    if isinstance(first, np.bool_ | np.number):  # before float, which np.float64 is too
        return torch.as_tensor(batch)
    if isinstance(first, float):
        return torch.tensor(batch, dtype=torch.float64)
    if isinstance(first, int):
        return torch.tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return like(first, {key: default_collate([row[key] for row in batch]) for key in first})
    if is_named(first):
        return type(first)(*(default_collate(part) for part in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(row) != len(first) for row in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return like(first, [default_collate(part) for part in zip(*batch, strict=True)])
    raise unstackable(type(first))


def default_convert(row):
    """Drop-in for torch.utils.data.default_convert: the same walk over one row, where nothing is stacked."""
    if type(row).__module__ == "numpy" and not isinstance(row, np.str_):  # not a child: a masked array stays one
        has_no_tensor = isinstance(row, np.ndarray) and row.dtype.kind in TEXT_OR_OBJECTS
        return row if has_no_tensor else torch.as_tensor(row)
    if isinstance(row, torch.Tensor | str | bytes):
        return row
    if isinstance(row, Mapping):
        return like(row, {key: default_convert(row[key]) for key in row})
    if is_named(row):
        return type(row)(*map(default_convert, row))
    if isinstance(row, Sequence):
        return like(row, [default_convert(part) for part in row])
    return row


def pinned(batch):
    """The same walk over a batch whose tensors are copied to pinned memory; here a tuple stays a tuple."""
    if hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    if isinstance(batch, str | bytes):
        return batch
    if isinstance(batch, Mapping):
        return like(batch, {key: pinned(part) for key, part in batch.items()})
    if is_named(batch):
        return type(batch)(*map(pinned, batch))
    if isinstance(batch, tuple):
        return type(batch)(map(pinned, batch))
    if isinstance(batch, Sequence):
        return like(batch, [pinned(part) for part in batch])
    return batch


def stack(tensors):
    kind = "nested" if tensors[0].is_nested else "sparse" if tensors[0].layout is not torch.strided else None
    if kind:
        raise RuntimeError(
            f"Batches of {kind} tensors are not currently supported by the default collate_fn; "
            "please provide a custom collate_fn to handle them appropriately."
        )
    return torch.stack(tensors)


def unstackable(kind):
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
    )


def is_named(row):
    return isinstance(row, tuple) and hasattr(row, "_fields")


def like(container, values):
    """`values`, a dictionary or a list, in a container of the given one's type; a tuple becomes a list."""
    try:
        if isinstance(container, MutableMapping):  # a copy keeps what else the type carries, a default factory say
            clone = copy.copy(container)
            clone.update(values)
            return clone
        if isinstance(container, MutableSequence):
            entries = copy.copy(container)
            for i, value in enumerate(values):
                entries[i] = value
            return entries
        return values if isinstance(container, tuple) else type(container)(values)
    except TypeError:  # the type cannot be built from its values: a range, for one
        return values


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(collate_manual, collate_raw, default_collate, torch.utils.data.default_collate)
