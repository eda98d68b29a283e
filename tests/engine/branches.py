"""Formulas that branch on what they have computed: where a bound leaves a comparison open, a rung may go either way.

A comparison of bounded numbers decides no branch by itself.  Within `some_way` one that is certain decides, and one
that is open goes one way and then, if that is not what the rung did, the other: a rung is admissible if it is along
some way.
"""

from tests.engine.bounded import Mask


class Way:
    """The answers given so far to the comparisons that are open; the first of them were given beforehand."""

    def __init__(self, given):
        self.given, self.answers = given, []

    def decide(self, likely, is_open):
        if not is_open:
            return likely
        i = len(self.answers)
        self.answers.append(self.given[i] if i < len(self.given) else likely)
        return self.answers[-1]

    def others(self):
        """The ways that part from this one where it chose for itself."""
        return [(*self.answers[:i], not self.answers[i]) for i in range(len(self.given), len(self.answers))]


def some_way(attempt):
    """What `attempt` returns along the first way on which it has no complaint; else the complaint of the likeliest."""
    ways, first = [()], None
    while ways:
        way = Mask.way = Way(ways.pop())
        try:
            return attempt()
        except AssertionError as complaint:
            first = first or complaint
            ways += way.others()
        finally:
            Mask.way = None
    raise first
