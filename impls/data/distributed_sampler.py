r"""One process's share of the rows, of as many shares of the same length as there are processes.

    π = randperm(n) of a generator seeded with seed + epoch, or 0 … n-1 without shuffling
    cut to ⌊n/R⌋ R indices with drop_last, else repeated from its beginning up to ⌈n/R⌉ R
    rank r takes π_r, π_{r+R}, π_{r+2R}, …

All ranks draw the same permutation, each from a generator of its own, and nothing is drawn from any other.  So the
order changes from epoch to epoch only if the sampler is told the epoch: without set_epoch every one is the
first (pytorch#31771; tests/planted: distributed_sampler_epoch_ignored).  Rows that fill up the last turn are
shown twice, to be counted twice in an evaluation.

Shapes   int64 indices, ⌈n/R⌉ of them, or ⌊n/R⌋ with drop_last; of fewer rows than processes the last is 0.
Units    none.
Raises   ValueError if rank is outside 0 … R-1, or if R or rank is not given and there is no process group to ask.
Source   torch/utils/data/distributed.py (PyTorch 2.13).
"""

import numpy as np
import torch
import torch.distributed as dist

from impls.data.dataset import Row
from impls.data.sequential_sampler import Cursor, Sampler, Stream, take
from impls.ladder import Ladder
from impls.rng import rng_manual

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def start(n, num_replicas, rank, *, shuffle=True, seed=0, drop_last=False, epoch=0):
    order = np.arange(n)
    if shuffle:
        order, _ = rng_manual.randperm(rng_manual.seed(seed + epoch), n)
    total = (n if drop_last else n + num_replicas - 1) // num_replicas * num_replicas
    return Cursor(np.resize(order, total)[rank::num_replicas])


distributed_sampler_manual = Stream(start, take)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def distributed_sampler_raw(n, num_replicas, rank, shuffle=True, seed=0, drop_last=False, epoch=0):
    """Return an iterator over the share of one rank."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch)) if shuffle else torch.arange(n)
    if drop_last:
        order = order[: n // num_replicas * num_replicas]
    else:
        order = order[torch.arange((n + num_replicas - 1) // num_replicas * num_replicas) % max(n, 1)]
    return iter(order[rank::num_replicas].tolist())


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class DistributedSampler(Sampler[Row]):
    """Drop-in for torch.utils.data.DistributedSampler."""

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        num_replicas = dist.get_world_size() if num_replicas is None else num_replicas
        rank = dist.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0
        self.num_samples = (len(dataset) if drop_last else len(dataset) + num_replicas - 1) // num_replicas
        self.total_size = self.num_samples * num_replicas

    def __iter__(self):
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            order = torch.randperm(n, generator=torch.Generator().manual_seed(self.seed + self.epoch)).tolist()
        if self.total_size > n:
            order *= -(-self.total_size // n)
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """The order of the next pass is that of this epoch."""
        self.epoch = epoch


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    distributed_sampler_manual,
    distributed_sampler_raw,
    DistributedSampler,
    torch.utils.data.DistributedSampler,
)
