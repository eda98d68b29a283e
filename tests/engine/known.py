"""Numbers that every rung has exactly, and that a program may ask: they decide branches, count, and index.

As long as an operation on them is exact its result is such a number too; the first one that rounds gives a bounded
number.  A formula whose branches depend on counts and whose values round, like a schedule, is run on them as it is.
"""

import operator
from fractions import Fraction

import numpy as np

from tests.engine.bounded import bounded


class Known(float):
    """A float64 that is what it should be, to the last bit."""

    def __index__(self):
        if not self.is_integer():
            raise TypeError(f"{self} is no count")
        return int(self)

    def __neg__(self):
        return Known(-float(self))

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        lifted = [bounded(np.float64(x)) if isinstance(x, Known) else x for x in inputs]
        return getattr(ufunc, method)(*lifted, **settings)


def _operation(operate):
    def forward(a, b):
        if not isinstance(b, int | float):
            return NotImplemented
        rounded = operate(float(a), float(b))
        if _is_exact(operate, a, b, rounded):
            return Known(rounded)
        return operate(bounded(np.float64(a)), bounded(np.float64(b)))

    return forward, lambda a, b: forward(b, a)


def _is_exact(operate, a, b, rounded):
    """Whether the result is a number of the format; a remainder always is, and a root is taken never to be."""
    if operate in (operator.mod, operator.floordiv):
        return True
    if operate is operator.pow and not (float(b).is_integer() and abs(b) < 64):
        return False
    return Fraction(rounded) == operate(Fraction(a), int(b) if operate is operator.pow else Fraction(b))


for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    forward, swapped = _operation(getattr(operator, name))
    setattr(Known, f"__{name}__", forward)
    setattr(Known, f"__r{name}__", swapped)
