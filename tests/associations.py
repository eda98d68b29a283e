"""Other admissible ways to compute what a manual rung computes, where they round differently.

A reference admits what any of them may return.  Each entry is here because some rung computes that way.
"""

import contextlib

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.exactness import Bounded, bounded
from tests.variants import PLANTED, variant

ASSOCIATIONS = {
    "losses.binary_cross_entropy_with_logits": [
        # native's, in which x and s(-x) may cancel: s(x) = x + s(-x)
        (
            "(1.0 - y) * _softplus(x) + positive * _softplus(-x)",
            "(1.0 - y) * x + (positive - y + 1.0) * _softplus(-x)",
        ),
        # and of its gradient: σ(-x) = 1 - σ(x)
        (
            "((1.0 - y) * _sigmoid(x) - pos_weight * y * _sigmoid(-x))",
            "((pos_weight * y + 1.0 - y) * _sigmoid(x) - pos_weight * y)",
        ),
    ],
    "nn.gelu": [
        # native's float32 vectors have 1 - p exp(-z²) for erf, exact to a few last places of 1: measured, up to 4.3
        # roundings of Φ
        ("cdf = 0.5 * (1.0 + erf(z))", "cdf = 0.5 * (1.0 + (1.0 - (1.0 - erf(z)) * np.exp(0.0 * z)))"),
    ],
    "nn.layer_norm": [
        # native's mean is a running one, which divides by every count on its way, and it scales and shifts the row
        (
            "    mean = x.mean(axis=axes, keepdims=True)\n"
            "    d = x - mean\n"
            "    r = 1.0 / np.sqrt((d * d).mean(axis=axes, keepdims=True) + eps)\n"
            "    normal = d * r\n",
            "    mean = (x / 3.0).mean(axis=axes, keepdims=True) * 3.0\n"
            "    d = x - mean\n"
            "    r = 1.0 / np.sqrt((d * d).mean(axis=axes, keepdims=True) + eps)\n"
            "    normal = x * r - mean * r\n",
        ),
        # and so its gradient, from sums over x that is not centred
        (
            "return g - mean(g) - normal * mean(g * normal), dw, db",
            "m = mean(x / 3.0) * 3.0; a = (mean(g) * m - mean(g * x)) * r * r; "
            "return g + a * x + (-a * m - mean(g)), dw, db",
        ),
        # autograd takes the mean of the whole away, that of n included, which is 0
        (
            "return g - mean(g) - normal * mean(g * normal), dw, db",
            "g = g - normal * mean(g * normal); return g - mean(g), dw, db",
        ),
    ],
    "nn.batch_norm1d": [
        # native scales and shifts a feature
        (
            "    y = normal if w is None else normal * _spread(w, x)\n"
            "    return (y if b is None else y + _spread(b, x)), (normal",
            "    k = r if w is None else r * w\n"
            "    y = x * _spread(k, x) + _spread((0.0 if b is None else b) - mean * k, x)\n"
            "    return y, (normal",
        ),
        # autograd takes the mean of the whole away, that of n included, which is 0
        (
            "return g - mean(g) - normal * mean(g * normal), dw, db",
            "g = g - normal * mean(g * normal); return g - mean(g), dw, db",
        ),
    ],
    "optim.adam": [
        # torch's lerp, in both of its branches: the average as a step towards g
        (
            "m = beta1 * state.exp_avg + (1 - beta1) * g",
            "k, d = 1 - beta1, g - state.exp_avg; m = state.exp_avg + k * d if k < 0.5 else g - d * (1 - k)",
        ),
    ],
    "optim.adafactor": [
        # torch's lerp, in both of its branches, of the mean square as a norm squared
        (
            "(g * g).mean(axis, keepdims=True)\n    return new if old is None else (1 - k) * old + k * new",
            "np.sqrt((g * g).sum(axis, keepdims=True)); new = new if axis is None else new * new / g.shape[axis]\n"
            "    old, d = (0.0, new) if old is None else (old, new - old)\n"
            "    return old + k * d if k < 0.5 else new - d * (1 - k)",
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
