"""Formulas that branch on what they have computed: where a bound leaves a comparison open, a rung may go either way.

A comparison of bounded numbers decides no branch by itself.  Within `some_way` one that is certain decides, and one
that is open goes one way and then, if that is not what the rung did, the other: a rung is admissible if it is along
some way.
"""

from collections.abc import Callable
from typing import TypeVar

from tests.engine.bounded import Mask

T = TypeVar("T")
Answers = tuple[bool, ...]


class Way:
    """The answers given so far to the comparisons that are open; the first of them were given beforehand."""

    def __init__(self, given: Answers):
        self.given = given
        self.answers: list[bool] = []

    def decide(self, likely: bool, is_open: bool) -> bool:
        if not is_open:
            return likely
        i = len(self.answers)
        self.answers.append(self.given[i] if i < len(self.given) else likely)
        return self.answers[-1]

    def others(self) -> list[Answers]:
        """The ways that part from this one where it chose for itself."""
        return [(*self.answers[:i], not self.answers[i]) for i in range(len(self.given), len(self.answers))]


def some_way(attempt: Callable[[], T]) -> T:
    """What `attempt` returns along the first way on which it has no complaint; else the complaint of the likeliest."""
    ways: list[Answers] = [()]
    complaints = []
    while ways:
        way = Mask.way = Way(ways.pop())
        try:
            return attempt()
        except AssertionError as complaint:
            complaints.append(complaint)
            ways += way.others()
        finally:
            Mask.way = None
    raise complaints[0]
