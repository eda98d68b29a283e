"""How things are compared: to the bit, on a lattice where nothing rounds, or within a proven bound."""

from tests.engine.bounded import Bounded, bounded
from tests.engine.compare import (
    Different,
    Inconclusive,
    Untold,
    array,
    assert_bitwise,
    assert_same,
    assert_within,
    judge,
)
from tests.engine.formats import FORMATS, LONGDOUBLE_IS_WIDER
from tests.engine.ledger import LEDGER
from tests.engine.libraries import AnotherPlatform

__all__ = [
    "FORMATS",
    "LEDGER",
    "LONGDOUBLE_IS_WIDER",
    "AnotherPlatform",
    "Bounded",
    "Different",
    "Inconclusive",
    "Untold",
    "array",
    "assert_bitwise",
    "assert_same",
    "assert_within",
    "bounded",
    "judge",
]
