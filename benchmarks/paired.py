"""A time means something only beside another one: every contestant is timed in the same rounds as native, a block of
the one between two blocks of the other, and what is published is the ratio within a round.

A machine that is busy, warm or throttled slows both alike; the median of the ratios stays within about a percent while
the times themselves double.  How exact that is on this machine is measured in the same run: native races against
itself, and how far that ratio strays from 1 is the noise floor.

And nothing is timed that has not first been shown to compute the same: a race begins with the comparison, on its own
input, of the very functions that are timed.  Where it fails there is no race.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from impls.ladder import Rung

BLOCK = 0.02  # seconds that a block of steps takes, where one step takes less
ROUNDS, FEWER = 10, 6  # of a race, and of one whose single step takes longer than two blocks; even, for fairness
DTYPES = ("float32", "float64")  # the first one unless the command line asks
NUMPY_HAS_NO_DEVICE = {"manual"}


class Size:
    """A size by its name, "64x10", and by its numbers, batch=64, width=10."""

    def __init__(self, label, **numbers):
        self.label, self.numbers = label, numbers

    def __getitem__(self, name):
        return self.numbers[name]


class Case(NamedTuple):
    concept: str
    contestant: str  # a rung, or a rung and what is different about it: "native+fused"
    dtype: str
    device: str
    size: Size

    @property
    def rung(self):
        return Rung(self.contestant.partition("+")[0])

    @property
    def native(self):
        """The same case, run by what everything is measured against."""
        return self._replace(contestant="native")

    def __str__(self):
        return f"{self.concept}-{self.contestant}-{self.dtype}-{self.device}-{self.size.label}"


def contest(concepts, sizes, contestants=tuple(Rung), devices=("cpu", "cuda")):
    """Mark a benchmark of one concept, or of several, with its cases; the contestant called native is native against
    itself."""
    cases = [
        Case(concept, str(who), dtype, device, size)
        for concept in ([concepts] if isinstance(concepts, str) else concepts)
        for size in sizes
        for dtype in DTYPES
        for device in devices
        for who in contestants
        if device == "cpu" or who.partition("+")[0] not in NUMPY_HAS_NO_DEVICE
    ]
    return pytest.mark.contest(cases=cases)


class Runner(NamedTuple):
    """A contestant at its start."""

    step: Callable[[], Any]  # does what is timed, once
    look: Callable[[], Any]  # what a caller sees after it, as arrays

    @classmethod
    def remembering(cls, work, look=lambda found: found):
        """A contestant whose step is `work`, and who shows what it found last."""
        found = None

        def step():
            nonlocal found
            found = work()

        return cls(step, lambda: look(found))


class Race:
    """Times `start(case)` against `start(case.native)`, after `assert_equivalent(case)`.

    Every round begins with fresh Runners, started in alternating order: where in memory a tensor happens to lie makes a
    difference of up to a quarter, and should fall to either side alike.
    """

    def __init__(self, benchmark, case):
        self.benchmark, self.case, self.timed = benchmark, case, not benchmark.disabled
        self.clock = _synchronized if case.device == "cuda" else time.process_time

    def __call__(self, assert_equivalent, start):
        assert_equivalent(self.case)
        cases = {"own": self.case, "native": self.case.native}
        cost = {who: self.calibrated(start(case).step) if self.timed else BLOCK for who, case in cases.items()}
        steps = {who: max(1, round(BLOCK / seconds)) for who, seconds in cost.items()}
        running, before, own, after = {}, [], [], []

        def begin():
            running.clear()  # so that the memory is free again that the first one takes
            for who in reversed(cases) if len(own) % 2 else cases:
                running[who] = start(cases[who]).step
                if self.timed:
                    self.seconds(running[who], max(1, steps[who] // 4))  # warm-up: an optimizer's state is made, say
            before.append(self.block(running["native"], steps["native"]))

        self.benchmark.group = f"{self.case.concept} {self.case.size.label} {self.case.dtype} {self.case.device}"
        self.benchmark.pedantic(
            lambda: own.append(self.block(running["own"], steps["own"])),
            setup=begin,
            teardown=lambda: after.append(self.block(running["native"], steps["native"])),
            rounds=FEWER if max(cost.values()) > 2 * BLOCK else ROUNDS,
        )
        if self.timed:
            self.benchmark.extra_info.update(self.told(before, own, after))

    def seconds(self, step, steps):
        begin = self.clock()
        for _ in range(steps):
            step()
        return self.clock() - begin

    def block(self, step, steps):
        """Seconds per step."""
        if steps > 1:
            step()  # the other one has had the cache
        return self.seconds(step, steps) / steps

    def calibrated(self, step):
        """Seconds per step, roughly."""
        steps = 1
        while (seconds := self.seconds(step, steps)) < BLOCK / 4:
            steps *= 2
        return seconds / steps

    def told(self, before, own, after):
        ratios = [2 * b / (a + c) for a, b, c in zip(before, own, after, strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4)
        return {
            "concept": self.case.concept,
            "contestant": self.case.contestant,
            "dtype": self.case.dtype,
            "device": self.case.device,
            "size": {"label": self.case.size.label, **self.case.size.numbers},
            "ratio": {"q1": low, "median": median, "q3": high},
            "microseconds": {
                "contestant": 1e6 * statistics.median(own),
                "native": 1e6 * statistics.median(before + after),
            },
            "rounds": len(ratios),
        }


def _synchronized():
    torch.cuda.synchronize()
    return time.perf_counter()


def drawn(shape, dtype, seed=0):
    """Normal numbers: the input of a benchmark."""
    return np.random.RandomState(seed).standard_normal(shape).astype(dtype)
