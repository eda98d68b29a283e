"""The cells of the suite: which concept, on which rungs, in which dtype, on which device, a law is checked.

A law says what it is about, `@cells("optim", rungs=DROP_IN)`, and is run once per cell; one draw goes through
all rungs of a cell.  The cell's id is `optim.adam-custom-native-float64-cpu`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
import torch

from impls.ladder import Ladder, Rung, concepts
from impls.since import TORCH

ALL = tuple(Rung)
DROP_IN = (Rung.CUSTOM, Rung.NATIVE)  # to the bit: the same ATen operations in the same order
DTYPES = ("float64", "float32")  # float64 first: it proves the formula, float32 the kernels
DEVICES = ("cpu", "cuda")

# Whose numbers on CUDA no bound of a sum covers, and why.
CPU_ONLY = {
    "nn.conv2d": "CUDA's convolutions may be Winograd's or Fourier's, or in TF32",
    "nn.scaled_dot_product_attention": "CUDA's fused kernels have an exp of their own, and products in TF32",
}

LADDERS: dict[str, Ladder] = dict(concepts())  # what the laws look a concept up in; tests/planted swaps entries

# The versions of torch that were looked at: what differs between them is stated.
LOOKED_AT = ((2, 11), (2, 12), (2, 13), (2, 14), (2, 15))


def torch_bug(reason, raises=AssertionError, where=True, mended=None):
    """A law that torch breaks: in the versions in which it was seen to it must, and since it was mended it must not; in
    one that was not looked at it may, and where it does not the verdict tells."""
    seen = [version for version in LOOKED_AT if mended is None or version < mended]
    is_new = TORCH not in LOOKED_AT and (mended is None or mended > TORCH)
    ends = " to ".join(f"{major}.{minor}" for major, minor in dict.fromkeys((seen[0], seen[-1])))
    reason = f"seen in torch {ends}: {reason}"
    return pytest.mark.xfail(where and (TORCH in seen or is_new), reason=reason, raises=raises, strict=not is_new)


class Cell(NamedTuple):
    concept: str
    rungs: tuple[Rung, ...]
    dtype: str | None = None
    device: str = "cpu"
    ladders: Mapping[str, Ladder] = LADDERS  # in a subject's cell, with the subject on it
    entry: Any = None  # in a subject's cell, its role's entry (tests/families.py), narrowed to what it takes
    roundings: int = 1  # that one operation of the formula may cost
    own_words: bool = False  # what is judged refuses in words of its own

    @property
    def ladder(self) -> Ladder:
        return self.ladders[self.concept]

    @property
    def implementations(self) -> dict:
        """The rungs of this cell that exist, bottom up."""
        return {rung: impl for rung, impl in self.ladder.rungs().items() if rung in self.rungs}

    def __repr__(self):
        return str(self)  # a failure names the cell, not every ladder in it

    def __str__(self):
        return "-".join([self.concept, *self.rungs, *([self.dtype] if self.dtype else []), self.device])


def cells(*names, rungs=ALL, dtypes=DTYPES, devices=DEVICES, cpu_because=None, of_tables=False):
    """Mark a law with its cells: concepts by name or by family; `cpu_because` says why CUDA has no such law, and
    `of_tables` that it judges what the suite draws, and no implementation.

    `dtypes` and `cpu_because` may be dictionaries, which say it of each concept.
    """
    return pytest.mark.cells(
        names=names, rungs=rungs, dtypes=dtypes, devices=devices, cpu_because=cpu_because, of_tables=of_tables
    )


def of_concept(told, concept):
    """What an argument of `cells` says of one concept."""
    return told.get(concept) if isinstance(told, dict) else told


def why_on_cpu(mark, concept):
    """Why a law is not asked of a concept on CUDA, if it is not."""
    return of_concept(mark.kwargs["cpu_because"], concept) or CPU_ONLY.get(concept)


def expand(mark) -> list[Cell]:
    """All cells of a law, before anybody chooses among them."""
    about = mark.kwargs
    named = set()
    for name in about["names"]:
        found = {c for c in LADDERS if c == name or c.startswith(name + ".")}
        if not found:
            raise LookupError(f"no concept or family {name!r}")
        named |= found
    return [
        Cell(c, tuple(r for r in LADDERS[c].rungs() if r in about["rungs"]), dtype, device)
        for c in LADDERS
        if c in named
        for dtype in of_concept(about["dtypes"], c) or (None,)
        for device in about["devices"]
        if device == "cpu" or not why_on_cpu(mark, c)
    ]


# ── what the command line asks for; laws and benchmarks are told alike ──────────────────────────


def unasked(asked, **values):
    """The first option that was given, and not with this value; `asked` looks an option up."""
    return next((name for name, value in values.items() if value and asked(name) and value not in asked(name)), None)


def as_option(asked, name):
    """An option as it was given."""
    return f"--{name} {' '.join(asked(name))}"


LEFT_OUT = object()  # the cell of a law of which no cell is asked


def parametrize(metafunc, cells):
    """One test for each cell; a law without one is left out once all are collected."""
    metafunc.parametrize("cell", cells or [pytest.param(LEFT_OUT, id="left-out")])


def is_left_out(item):
    """Whether nobody has asked for any cell of a law; what was left out is counted already."""
    return hasattr(item, "callspec") and item.callspec.params.get("cell") is LEFT_OUT


def is_there(device):
    """Whether something can be run on a device."""
    return device == "cpu" or torch.cuda.is_available()


def on_device(what):
    """A cell or case as a parameter, skipped where its device is not there."""
    absent = [] if is_there(what.device) else [pytest.mark.skip(reason="no CUDA device")]
    return pytest.param(what, id=str(what), marks=absent)
