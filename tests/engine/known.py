"""Numbers that a program may ask, and of which a bound is known besides: they decide branches, count, and index.

An `Exact` number is what it should be, to the last bit.  As long as an operation on it is exact its result is such a
number too; the first one that rounds gives a bounded number.  A formula whose branches depend on counts, like a
schedule, is run on them as it is.

A `Setting` goes on: what is made of settings alone, like Adam's 1 - βᵗ, is computed by Python in double, as every rung
computes it, and may cancel.  So it is known to an interval, the formula's own roundings included, and a rung that
computes it more exactly is within.
"""

import functools
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Self, TypeAlias

import numpy as np

from tests.engine.bounded import Bounded, Number, bounded

Operator: TypeAlias = Callable[[Any, Any], Any]  # of two numbers of any kind


class Exact(float):
    """A float64 that is what it should be, to the last bit."""

    def __index__(self) -> int:
        if not self.is_integer():
            raise TypeError(f"{self} is no count")
        return int(self)

    def __neg__(self) -> "Exact":
        return Exact(-float(self))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **settings: object) -> Any:
        lifted = [bounded(np.float64(x)) if isinstance(x, Exact) else x for x in inputs]
        return getattr(ufunc, method)(*lifted, **settings)


class Setting(Number):
    """A float64 that is made of settings, and the interval in which any way to compute it lands."""

    def __new__(cls, value: float, interval: Bounded | None = None) -> Self:
        self = super().__new__(cls, value)
        self.interval = bounded(np.float64(value)) if interval is None else interval
        return self

    def __neg__(self) -> "Setting":
        return Setting(-float(self), -self.interval)


def setting(value: Any) -> Any:
    """A setting as a formula's number, and each number of a tuple; what is no real number stays as it is."""
    if isinstance(value, tuple):
        return tuple(map(setting, value))
    return Setting(value) if type(value) is float else value


def _operation(operate: Operator) -> tuple[Operator, Operator]:
    def forward(a: Any, b: Any) -> Any:
        if not isinstance(b, int | float):
            return NotImplemented
        rounded = operate(float(a), float(b))
        if _is_exact(operate, a, b, rounded):
            return Exact(rounded)
        return operate(bounded(np.float64(a)), bounded(np.float64(b)))

    return forward, lambda a, b: forward(b, a)


def _is_exact(operate: Operator, a: float, b: float, rounded: float) -> bool:
    """Whether the result is a number of the format; a remainder always is, and a root is taken never to be."""
    if operate in (operator.mod, operator.floordiv):
        return True
    if operate is operator.pow and not (float(b).is_integer() and abs(b) < 64):
        return False
    return bool(Fraction(rounded) == operate(Fraction(a), int(b) if operate is operator.pow else Fraction(b)))


def _operation_on_settings(operate: Operator) -> tuple[Operator, Operator]:
    def forward(a: Any, b: Any) -> Any:
        if not isinstance(b, int | float) or not isinstance(a, int | float):
            return NotImplemented
        x, y = _interval(a), _interval(b)
        if x.error or y.error:
            return Setting(operate(float(a), float(b)), operate(x, y))
        return _of_exact(operate, float(a), float(b))

    def swapped(a: Any, b: Any) -> Any:
        return forward(b, a)

    return forward, swapped


@functools.lru_cache(4096)
def _of_exact(operate: Operator, a: float, b: float) -> Setting:
    rounded = operate(a, b)
    return Setting(rounded, None if _is_exact(operate, a, b, rounded) else operate(_interval(a), _interval(b)))


def _interval(x: float) -> Bounded:
    return x.interval if isinstance(x, Setting) else bounded(np.float64(x))


for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    forward, swapped = _operation(getattr(operator, name))
    setattr(Exact, f"__{name}__", forward)
    setattr(Exact, f"__r{name}__", swapped)
for name in ("add", "sub", "mul", "truediv", "pow"):
    forward, swapped = _operation_on_settings(getattr(operator, name))
    setattr(Setting, f"__{name}__", forward)
    setattr(Setting, f"__r{name}__", swapped)
