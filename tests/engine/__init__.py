"""How things are compared: to the bit, on a lattice where nothing rounds, or within a proven bound."""

from tests.engine.arithmetic import FORMATS, LONGDOUBLE_IS_WIDER, AnotherPlatform
from tests.engine.bounded import Bounded, bounded
from tests.engine.compare import (
    LEDGER,
    Different,
    Inconclusive,
    Opaque,
    array,
    assert_bitwise,
    assert_same,
    assert_within,
    judge,
)

__all__ = [
    "FORMATS",
    "LEDGER",
    "LONGDOUBLE_IS_WIDER",
    "AnotherPlatform",
    "Bounded",
    "Different",
    "Inconclusive",
    "Opaque",
    "array",
    "assert_bitwise",
    "assert_same",
    "assert_within",
    "bounded",
    "judge",
]
