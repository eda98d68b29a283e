"""The only place where numbers are compared: to the bit, or within a proven bound.

There is no tolerance to set.  A comparison that fails raises `Different`; one about which the bound says
nothing raises `Inconclusive`, which is a failure too, but not the same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from tests.engine.arithmetic import REPEATS, assume
from tests.engine.bounded import SLACK, Bounded

Array: TypeAlias = torch.Tensor | np.typing.ArrayLike | None  # what a caller sees; None equals no array

__tracebackhide__ = True  # a failure shows the law, and not how it is judged


class Different(AssertionError):
    """Two things that should be the same are not."""

    about: tuple[Any, ...] = ()  # the cell, the rung and the problem, where it is what a rung left of one


class Inconclusive(AssertionError):
    """The bound is infinite somewhere: nothing is proven."""


class Opaque(dict[str, Any]):
    """What somebody keeps, such as the state of an optimizer that is not ours: the entries that it shows are compared,
    and what it does not show, or shows under other names, differs from nothing."""

    def __init__(self, shown: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), kept: Any = None):
        super().__init__(shown)
        self.kept = kept

    def __eq__(self, other: object) -> bool:
        return True


@dataclass
class Ledger:
    """What was compared while one law ran: how much, how close to the bound, how often without a bound."""

    elements: int = 0
    share: float = 0.0  # the worst error as a share of its bound
    inconclusive: int = 0

    def compared(self, elements: int, share: float = 0.0, inconclusive: int = 0) -> None:
        self.elements += int(elements)
        self.share = max(self.share, float(share))
        self.inconclusive += inconclusive

    def clear(self) -> None:
        self.elements, self.share, self.inconclusive = 0, 0.0, 0


LEDGER = Ledger()


def array(x: Array) -> np.ndarray:
    """What a caller sees, as a NumPy array."""
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


def assert_bitwise(actual: Array, expected: Array, what: str = "value") -> None:
    """Same dtype, shape, values, signs of zero and places of NaN: not one bit differs."""
    a, b = array(actual), array(expected)
    LEDGER.compared(a.size)
    if a.dtype != b.dtype or a.shape != b.shape:
        raise Different(f"{what}: {a.dtype}{list(a.shape)}, expected {b.dtype}{list(b.shape)}")
    same = a == b
    if a.dtype.kind == "f":
        assume(REPEATS)
        same = (same & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
    if not np.all(same):
        i = tuple(map(int, np.unravel_index(np.argmin(same), a.shape)))
        raise Different(f"{what}{list(i)}: {a[i]!r}, expected {b[i]!r} to the bit; {np.sum(~same)} of {a.size} differ")


def assert_within(actual: Array, reference: Bounded, what: str = "value") -> None:
    """Every element lands inside the reference's bound; where the bound is 0, on its very value."""
    verdict = judge(actual, reference, what)
    if verdict is not None:
        raise verdict


def judge(actual: Array, reference: Bounded, what: str = "value") -> Different | Inconclusive | None:
    """None when `actual` is admissible, otherwise what there is to say against it."""
    a = array(actual)
    if a.dtype != reference.dtype or a.shape != reference.shape:
        return Different(f"{what}: {a.dtype}{list(a.shape)}, expected {reference.dtype}{list(reference.shape)}")
    with np.errstate(all="ignore"):
        error = abs(a.astype(reference.format.wider) - reference.value)
        bound = reference.error * SLACK
        share = np.where(error == 0, 0, error / bound)
    unknown = ~np.isfinite(bound)
    outside = ~(error <= bound) & ~unknown  # NaN is outside
    LEDGER.compared(a.size, share[~unknown & ~outside].max(initial=0), int(unknown.sum()))
    if np.any(outside):
        i = tuple(
            map(int, np.unravel_index(np.argmax(np.where(outside, np.nan_to_num(share, nan=np.inf), -1)), a.shape))
        )
        allowed = f"{share[i]:.3g} times what rounding allows" if bound[i] else "where nothing rounds"
        return Different(
            f"{what}{list(i)}: {a[i]!r}, expected {reference.value[i]!r}: off by {error[i]:.3g}, {allowed} "
            f"({reference.format.name}); {outside.sum()} of {a.size} outside"
        )
    if np.any(unknown):
        return Inconclusive(f"{what}: no finite bound for {unknown.sum()} of {a.size} elements")
    return None


class Level(NamedTuple):
    """What the entries of a list are, and from which number on they are counted."""

    name: str
    first: int = 0


Levels: TypeAlias = tuple[Level, ...]
STEP, PARAMETER = Level("step", 1), Level("parameter")


def assert_same(actual: Any, reference: Any, what: str = "value", levels: Levels = ()) -> None:
    """Compare two traces, or two entries of them: by bound where the reference has one, else exactly.

    `levels` says what the lists of a trace are lists of, from the outside in.
    """
    _compare(actual, reference, what, levels, " ")


def _compare(actual: Any, reference: Any, what: str, levels: Levels, joint: str) -> None:
    if isinstance(reference, Opaque):
        return
    if isinstance(actual, Opaque):
        reference = {key: value for key, value in reference.items() if key in actual}
        actual = {key: actual[key] for key in reference}
    if isinstance(reference, Bounded):
        assert_within(actual, reference, what)
    elif isinstance(reference, dict):
        if not isinstance(actual, dict) or list(actual) != list(reference):
            raise Different(f"{what}: {_keys(actual)}, expected {_keys(reference)}")
        for key in reference:
            _compare(actual[key], reference[key], f"{what}{joint}{key}", levels, " ")
    elif isinstance(reference, list | tuple):
        if not isinstance(actual, list | tuple) or len(actual) != len(reference):
            raise Different(f"{what}: {_length(actual)}, expected {_length(reference)}")
        _compare_entries(actual, reference, what, *(levels or (None,)))
    elif isinstance(reference, np.ndarray | torch.Tensor | np.generic):
        if not isinstance(actual, np.ndarray | torch.Tensor | np.generic):
            raise Different(f"{what}: {actual!r}, expected an array")
        assert_bitwise(actual, reference, what)
    elif type(actual) is not type(reference) or actual != reference:
        raise Different(f"{what}: {actual!r}, expected {reference!r}")


def _compare_entries(
    actual: Sequence[Any], reference: Sequence[Any], what: str, level: Level | None, *inner: Level
) -> None:
    for i, (a, b) in enumerate(zip(actual, reference, strict=True)):
        if level is None:
            _compare(a, b, f"{what} {i}", inner, " ")
        else:
            _compare(a, b, f"{what}, {level.name} {i + level.first}", inner, ", ")


def _keys(x: object) -> str:
    return f"keys {list(x)}" if isinstance(x, dict) else repr(x)


def _length(x: object) -> str:
    return f"{len(x)} entries" if isinstance(x, list | tuple) else repr(x)
