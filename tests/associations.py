"""Other admissible ways to compute what a manual rung computes, where they round differently.

A reference admits what any of them may return.  Each entry is here because some rung computes that way.
"""

import contextlib

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.exactness import Bounded, bounded
from tests.variants import PLANTED, variant

ASSOCIATIONS = {
    "optim.adam": [
        # torch's lerp, in both of its branches: the average as a step towards g
        (
            "m = beta1 * state.exp_avg + (1 - beta1) * g",
            "k, d = 1 - beta1, g - state.exp_avg; m = state.exp_avg + k * d if k < 0.5 else g - d * (1 - k)",
        ),
    ],
}
ADAM = ASSOCIATIONS["optim.adam"]
ASSOCIATIONS |= {f"optim.{name}": ADAM for name in ("adamw", "adamax", "nadam", "radam")}
ASSOCIATIONS["optim.rmsprop"] = [
    (
        "a = alpha * a + (1 - alpha) * g if centered else None",
        "k, e = 1 - alpha, g - a; a = (a + k * e if k < 0.5 else g - e * (1 - k)) if centered else None",
    ),
]
WRITTEN_IN = {"optim.adamw": "optim.adam"}  # where a concept's formula stands in another's file


def ways(concept):
    """The manual rung of a concept, and it again in each other admissible way."""
    found = [LADDERS[concept].manual]
    for change in ASSOCIATIONS.get(concept, ()):
        with contextlib.suppress(*[LookupError] * (concept in PLANTED)):  # a bug may have taken the very line away
            found.append(variant(concept, change, file=WRITTEN_IN.get(concept)).manual)
    return found


def reference(observe, concept, problem, dtype):
    """The manual rung's trace on bounded numbers, widened by the other admissible ways."""
    return widened([observe(Rung.MANUAL, impl, problem, lift=lambda x: bounded(x, dtype)) for impl in ways(concept)])


def widened(traces):
    """One trace that admits what any of several does."""
    first, *others = traces
    for other in others:
        first = _union(first, other)
    return first


def _union(a, b):
    if isinstance(a, Bounded):
        return a.union(b)
    if isinstance(a, dict):
        return {key: _union(a[key], b[key]) for key in a}
    if isinstance(a, list):
        return [_union(x, y) for x, y in zip(a, b, strict=True)]
    return a
