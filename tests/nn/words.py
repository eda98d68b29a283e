"""What is claimed of every drop-in that is handed what it cannot take."""

from tests.engine import assert_same
from tests.nn.trace import refusal


def assert_refused_alike(cell, attempts):
    """Each attempt is refused, or warned of, with native's class and in native's words."""
    custom, native = ({name: refusal(attempt, impl) for name, attempt in attempts.items()} for impl in cell.ladder[2:])
    assert_same(custom, native, f"custom {cell.concept}, refusal of")
