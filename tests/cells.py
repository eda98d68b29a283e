"""The cells of the matrix: which concept, on which rungs, in which dtype, on which device, a law is checked.

A law says what it is about, `@cells("optim", rungs=DROP_IN)`, and is run once per cell; one draw goes through
all rungs of a cell.  The cell's id is `optim.adam-custom-native-float64-cpu`.
"""

from typing import NamedTuple

import pytest
import torch

from impls.ladder import Ladder, Rung, concepts

ALL = tuple(Rung)
DROP_IN = (Rung.CUSTOM, Rung.NATIVE)  # to the bit: the same ATen operations in the same order
DTYPES = ("float64", "float32")  # float64 first: it proves the formula, float32 the kernels
DEVICES = ("cpu", "cuda")

LADDERS: dict[str, Ladder] = dict(concepts())  # what the laws look a concept up in; tests/planted swaps entries


# Words change from release to release: laws about them are judged where they were last read, and listed elsewhere.
SEEN = "2.13"
WORDS = pytest.mark.skipif(
    not torch.__version__.startswith(SEEN),
    reason=f"torch's words were last read in {SEEN}, this is {torch.__version__}",
)


class Cell(NamedTuple):
    concept: str
    rungs: tuple[Rung, ...]
    dtype: str | None = None
    device: str = "cpu"

    @property
    def ladder(self) -> Ladder:
        return LADDERS[self.concept]

    @property
    def implementations(self) -> dict:
        """The rungs of this cell that exist, bottom up."""
        return {rung: impl for rung, impl in self.ladder.rungs().items() if rung in self.rungs}

    def __str__(self):
        return "-".join([self.concept, *self.rungs, *([self.dtype] if self.dtype else []), self.device])


def cells(*names, rungs=ALL, dtypes=DTYPES, devices=DEVICES, cpu_because=None):
    """Mark a law with its cells: concepts by name or by family; `cpu_because` says why CUDA has no such law."""
    if cpu_because:
        devices = ("cpu",)
    return pytest.mark.cells(names=names, rungs=rungs, dtypes=dtypes, devices=devices, cpu_because=cpu_because)


def expand(mark) -> list[Cell]:
    """All cells of a law, before anybody chooses among them."""
    about = mark.kwargs
    for name in about["names"]:
        if not any(c == name or c.startswith(name + ".") for c in LADDERS):
            raise LookupError(f"no concept or family {name!r}")
    named = [c for c in LADDERS if any(c == n or c.startswith(n + ".") for n in about["names"])]
    return [
        Cell(c, tuple(r for r in LADDERS[c].rungs() if r in about["rungs"]), dtype, device)
        for c in named
        for dtype in about["dtypes"] or (None,)
        for device in about["devices"]
    ]
