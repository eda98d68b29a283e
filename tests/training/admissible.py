"""Other admissible forms of the averages."""

from tests.engine.bounded import lerp
from tests.families import admissible


@admissible("training.ema")
def ema_by_lerp(average, current, *, decay=0.999):
    """torch averages many tensors at once by lerp."""
    return lerp(average, current, 1 - decay)
