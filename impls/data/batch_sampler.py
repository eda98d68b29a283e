r"""Consecutive indices, b at a time.

    batches of i₀, i₁, …:   (i₀ … i_{b-1}), (i_b … i_{2b-1}), …
    how many, of n:         ⌈n/b⌉, or ⌊n/b⌋ with drop_last

The last batch is what is left, n mod b indices.  drop_last drops it only if it is short: an even division loses
nothing, and an odd one must not be counted (NVIDIA/DALI#2607 counts the dropped batch, pytorch/vision#9127
does not count the kept one).  No index is asked for before a batch needs it: a full batch does not look
whether more will come, so what a sampler does when it runs dry, it does at the next request.

Shapes   each batch (b,), the last possibly shorter.
Units    none.
Raises   ValueError if b is not a positive int, or drop_last not a bool.
Source   torch/utils/data/sampler.py (PyTorch 2.13).
"""

from itertools import islice

import torch

from impls.data.sequential_sampler import Sampler
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def batch_sampler_manual(take, cursor, rng, *, batch_size, drop_last=False):
    """Return (batch, cursor, rng), the batch being None when there is no more; `take` is the sampler's."""
    batch, cursor, rng = take(cursor, rng, batch_size)
    dropped = drop_last and len(batch) < batch_size
    return None if len(batch) == 0 or dropped else batch, cursor, rng


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def batch_sampler_raw(sampler, batch_size, drop_last=False):
    """Yield index tensors; `sampler` is any iterable of indices."""
    indices = iter(sampler)
    while batch := list(islice(indices, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield torch.tensor(batch)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class BatchSampler(Sampler[list[int]]):
    """Drop-in for torch.utils.data.BatchSampler."""

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self):
        if self.drop_last:
            return len(self.sampler) // self.batch_size
        return (len(self.sampler) + self.batch_size - 1) // self.batch_size


def cut(draws, batch_size, drop_last, at_once):
    """The sampler's draws in pieces of up to `at_once` whole batches, then what is left; each in its time."""
    rest = torch.empty(0, dtype=torch.int64, device="cpu")
    for drawn in draws:
        drawn = torch.cat([rest, drawn]) if len(rest) else drawn
        whole, rest = drawn.tensor_split([len(drawn) - len(drawn) % batch_size])
        if len(whole):
            yield from whole.split(at_once * batch_size)
    if len(rest) and not drop_last:
        yield rest


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(batch_sampler_manual, batch_sampler_raw, BatchSampler, torch.utils.data.BatchSampler)
