"""Other admissible ways to compute what a manual rung computes, where they round differently.

A reference admits what any of them may return.  Each entry is here because some rung computes that way; one that takes
several changes is a tuple of them.
"""

import contextlib

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import Bounded, bounded
from tests.variants import PLANTED, variant

OF_CUDA = ("import numpy as np\n", "import numpy as np\nfrom tests.engine.bounded import normcdf, rsqrt\n")
RSQRT = (OF_CUDA, ("1.0 / np.sqrt(", "rsqrt("))  # what CUDA's kernels normalize by
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
    "nn.rms_norm": [RSQRT],
    "nn.gelu": [
        # CUDA's
        (OF_CUDA, ("cdf = 0.5 * (1.0 + erf(z))", "cdf = normcdf(z)")),
        # native's float32 vectors have the erf of Abramowitz and Stegun, 7.1.26 (ATen's Vectorized<float>, and oneDNN)
        (
            "cdf = 0.5 * (1.0 + erf(z))",
            "t = 1.0 / (1.0 + 0.3275911 * abs(z))\n"
            "    p = (((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592\n"
            "    tail = p * t * np.exp(-z * z)\n"
            "    of_vectors = np.where(z < 0.0, tail - 1.0, 1.0 - tail)\n"
            "    cdf = 0.5 * (1.0 + (of_vectors if x.dtype == np.float32 else erf(z)))",
        ),
    ],
    "nn.scaled_dot_product_attention": [
        # autograd's derivative of a softmax
        ("(dy * y).sum(axis=-1", "(dp * p).sum(axis=-1"),
        # and native's math, in which queries and keys are scaled, each by the root
        (
            ("(dy * y).sum(axis=-1", "(dp * p).sum(axis=-1"),
            ("(q @ k.mT) * scale + m", "(q * math.sqrt(scale)) @ (k * math.sqrt(scale)).mT + m"),
            ("(ds @ k) * scale", "(ds @ (k * math.sqrt(scale))) * math.sqrt(scale)"),
            ("(ds.mT @ q) * scale", "(ds.mT @ (q * math.sqrt(scale))) * math.sqrt(scale)"),
        ),
        # native's fused kernel divides by the sum at the end, and comes back to p by the logarithm of the sum
        (
            ("p = e / total", "p = np.where(allowed, np.exp(s - (top + np.log(total))), 0.0)"),
            ("y = kept @ v", "y = kept @ v if dropped else (e @ v) * (1.0 / total)"),
            ("(ds @ k) * scale", "(ds * scale) @ k"),
            ("(ds.mT @ q) * scale", "(ds * scale).mT @ q"),
        ),
    ],
    "nn.layer_norm": [
        RSQRT,
        # native's moments are Welford's (ATen's RowwiseMoments): of what fills no vector element by element, and then
        # each lane's are added, where the first is taken as it is; it scales and shifts a row, and takes the gradient
        # from x
        (
            (
                "def last_axes(normalized_shape):",
                "from tests.platform.kernels import lanes_of_layer_norm\n\n\n"
                "def _moments(x, axes):\n"
                "    rows = x.reshape(*x.shape[: x.ndim - len(axes)], int(np.prod(x.shape[x.ndim - len(axes) :])))\n"
                "    n, lanes = rows.shape[-1], lanes_of_layer_norm(x.dtype.name)\n"
                "    each, one = n // lanes, 0.0 * rows[..., 0] + 1.0\n"
                "    count, mean, squares = 0, 0.0 * one, 0.0 * one\n"
                "    for k in range(each * lanes, n):\n"
                "        count, d = count + 1, rows[..., k] - mean\n"
                "        mean = mean + d / float(count) if count > 1 else rows[..., k]\n"
                "        squares = squares + d * (rows[..., k] - mean)\n"
                "    for lane in range(lanes if each else 0):\n"
                "        m, s = 0.0 * one, 0.0 * one\n"
                "        for j in range(each):\n"
                "            d = rows[..., lane + j * lanes] - m\n"
                "            m = m + d * (one / (j + 1.0)) if j else rows[..., lane]\n"
                "            s = s + d * (rows[..., lane + j * lanes] - m)\n"
                "        c, d = one * float(each) / float(count + each), m - mean\n"
                "        joined = mean + c * d, squares + (s + d * d * c * float(count))\n"
                "        mean, squares = joined if count else (m, s)\n"
                "        count += each\n"
                "    kept = (*x.shape[: x.ndim - len(axes)], *[1] * len(axes))\n"
                "    return mean.reshape(*kept), (squares / float(n)).reshape(*kept)\n\n\n"
                "def last_axes(normalized_shape):",
            ),
            (
                "    mean = x.mean(axis=axes, keepdims=True)\n"
                "    d = x - mean\n"
                "    r = 1.0 / np.sqrt((d * d).mean(axis=axes, keepdims=True) + eps)\n"
                "    normal = d * r\n",
                "    mean, var = _moments(x, axes)\n    r = 1.0 / np.sqrt(var + eps)\n    normal = x * r - mean * r\n",
            ),
            (
                "return g - mean(g) - normal * mean(g * normal), dw, db",
                "m, _ = _moments(x, axes); a = (mean(g) * m - mean(g * x)) * r * r; "
                "return g + a * x + (-a * m - mean(g)), dw, db",
            ),
        ),
        # autograd takes the mean of the whole away, that of n included, which is 0
        (
            "return g - mean(g) - normal * mean(g * normal), dw, db",
            "g = g - normal * mean(g * normal); return g - mean(g), dw, db",
        ),
    ],
    "nn.batch_norm1d": [
        RSQRT,
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
    "nn.softplus": [
        # autograd divides the gradient by β before it multiplies by it: what underflows in between is lost β times over
        (
            ("np.log1p(z) / beta, x), (curved, z)", "np.log1p(z) / beta, x), (curved, z, beta)"),
            ("curved, z = saved", "curved, z, beta = saved"),
            ("dy * (z / (1.0 + z))", "dy / beta * (1.0 / (1.0 + z)) * z * beta"),
        ),
    ],
    "training.ema": [
        # torch's lerp, in both of its branches, by which many are averaged at once
        (
            "return decay * average + (1 - decay) * current",
            "k, d = 1 - decay, current - average; return average + k * d if k < 0.5 else current - d * (1 - k)",
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
LERP = (  # torch's, in both of its branches: the average as a step towards g
    "m = beta1 * state.exp_avg + (1 - beta1) * g",
    "k, d = 1 - beta1, g - state.exp_avg; m = state.exp_avg + k * d if k < 0.5 else g - d * (1 - k)",
)


def _addcmul(k, g):
    """torch's: not a share of the square, which may be exact, but a share of the one factor, times the other."""
    return f"({k}) * ({g} * {g})", f"({k}) * {g} * {g}"


ASSOCIATIONS["optim.adamax"] = [LERP]
ASSOCIATIONS |= {f"optim.{name}": [(LERP, _addcmul("1 - beta2", "g"))] for name in ("adam", "adamw", "nadam", "radam")}
ASSOCIATIONS["optim.adadelta"] = [(_addcmul("1 - rho", "g"), _addcmul("1 - rho", "d"))]
ASSOCIATIONS["optim.rmsprop"] = [
    (
        _addcmul("1 - alpha", "g"),
        (
            "a = alpha * a + (1 - alpha) * g if centered else None",
            "k, e = 1 - alpha, g - a; a = (a + k * e if k < 0.5 else g - e * (1 - k)) if centered else None",
        ),
    ),
]
WRITTEN_IN = {"optim.adamw": "optim.adam"}  # where a concept's formula stands in another's file


def ways(concept):
    """The manual rung of a concept, and it again in each other admissible way."""
    found = [LADDERS[concept].manual]
    for way in ASSOCIATIONS.get(concept, ()):
        changes = (way,) if isinstance(way[0], str) else way
        with contextlib.suppress(*[LookupError] * (concept in PLANTED)):  # a bug may have taken the very line away
            found.append(variant(concept, *changes, file=WRITTEN_IN.get(concept)).manual)
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
