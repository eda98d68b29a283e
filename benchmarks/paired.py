"""A time means something only beside another one: every contestant is timed in the same rounds as native, a block of
the one between two blocks of the other, and what is published is the ratio within a round.

A machine that is busy, warm or throttled slows both alike; the median of the ratios stays within about a percent while
the times themselves double.  How exact that is on this machine is measured in the same run: native races against
itself, and how far that ratio strays from 1 is the noise floor.  And nothing is timed that has not first been shown to
compute the same: a race begins with the comparison, of the very objects that are timed, on the very input.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from impls.ladder import Rung

ROUNDS, BLOCK = 15, 0.03  # rounds of a race, and seconds that a block of native's steps takes
NUMPY_HAS_NO_DEVICE = {"manual"}


class Size(NamedTuple):
    label: str
    numbers: tuple  # pairs of a name and a number

    def __getitem__(self, name):
        return dict(self.numbers)[name]


def size(label, **numbers):
    return Size(label, tuple(numbers.items()))


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


def contest(concept, sizes, contestants=tuple(Rung), dtypes=("float32",), devices=("cpu", "cuda")):
    """Mark a benchmark with its cases; the contestant called native is native against itself."""
    cases = [
        Case(concept, str(who), dtype, device, size)
        for size in sizes
        for dtype in dtypes
        for device in devices
        for who in contestants
        if device == "cpu" or who.partition("+")[0] not in NUMPY_HAS_NO_DEVICE
    ]
    return pytest.mark.contest(cases=cases)


class Runner(NamedTuple):
    """A contestant at its start."""

    step: Callable[[], Any]  # does what is timed, once
    look: Callable[[], Any]  # what a caller sees after it, as arrays


class Race:
    """Times `start(case)` against `start(case.native)`; each returns a Runner, a fresh one every time."""

    def __init__(self, benchmark, case):
        self.benchmark, self.case = benchmark, case
        self.clock = _synchronized if case.device == "cuda" else time.process_time

    def __call__(self, start):
        timed = not self.benchmark.disabled
        own, native = (self.block(start, case, timed) for case in (self.case, self.case.native))
        mine, theirs = [], []
        self.benchmark.group = f"{self.case.concept} {self.case.size.label} {self.case.dtype} {self.case.device}"
        self.benchmark.pedantic(
            lambda: mine.append(own()), setup=lambda: theirs.append(native()), rounds=ROUNDS, warmup_rounds=1
        )
        if timed:
            theirs.append(native())
            self.benchmark.extra_info.update(self.told(mine[1:], theirs[1:]))

    def block(self, start, case, timed):
        """A function that runs a block of steps from a fresh start, and returns the seconds per step."""
        steps = self.calibrated(start(case).step) if timed else 1

        def run():
            step = start(case).step
            if timed:
                step()  # what is only made once, an optimizer's state say, is not what is timed
            return self.seconds(step, steps)

        return run

    def seconds(self, step, steps):
        begin = self.clock()
        for _ in range(steps):
            step()
        return (self.clock() - begin) / steps

    def calibrated(self, step):
        """How many steps make a block."""
        steps = 1
        while (each := self.seconds(step, steps)) * steps < BLOCK / 4:
            steps *= 2
        return max(1, round(BLOCK / each))

    def told(self, mine, theirs):
        case, ratios = self.case, _ratios(mine, theirs)
        low, median, high = statistics.quantiles(ratios, n=4)
        return {
            "concept": case.concept,
            "contestant": case.contestant,
            "dtype": case.dtype,
            "device": case.device,
            "size": {"label": case.size.label, **dict(case.size.numbers)},
            "ratio": {"q1": low, "median": median, "q3": high},
            "microseconds": {"contestant": 1e6 * statistics.median(mine), "native": 1e6 * statistics.median(theirs)},
            "rounds": len(ratios),
        }


def _ratios(mine, theirs):
    """Each of ours by the mean of the two of native's around it."""
    return [2 * a / (before + after) for a, before, after in zip(mine, theirs, theirs[1:], strict=True)]


def _synchronized():
    torch.cuda.synchronize()
    return time.perf_counter()


def drawn(shape, dtype, seed=0):
    """Normal numbers: the input of a benchmark."""
    return np.random.RandomState(seed).standard_normal(shape).astype(dtype)
