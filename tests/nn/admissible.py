"""Other admissible forms of the layers: of torch's kernels on the CPU and on CUDA, and of autograd's derivatives."""

import math

import numpy as np

from impls.ladder import Pair
from impls.nn import batch_norm1d, gelu, layer_norm, rms_norm, softplus
from impls.nn import scaled_dot_product_attention as attention
from impls.nn.dropout import dropout_backward, dropout_forward
from tests.engine.bounded import normcdf, rsqrt
from tests.families import admissible, rebound
from tests.platform.kernels import lanes_of_layer_norm

# ── CUDA's own functions ──

admissible("nn.rms_norm")(rebound(rms_norm.rms_norm_manual, rsqrt=rsqrt))
admissible("nn.layer_norm")(rebound(layer_norm.layer_norm_manual, rsqrt=rsqrt))
admissible("nn.batch_norm1d")(rebound(batch_norm1d.batch_norm1d_manual, rsqrt=rsqrt))
admissible("nn.gelu")(rebound(gelu.gelu_manual, normal_cdf=normcdf))


# ── GELU ──


def erf_of_vectors(z):
    """The erf of Abramowitz and Stegun, 7.1.26."""
    t = 1.0 / (1.0 + 0.3275911 * abs(z))
    p = (((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592
    tail = p * t * np.exp(-z * z)
    return np.where(z < 0.0, tail - 1.0, 1.0 - tail)


def _erf_of_float32_vectors(z):
    return erf_of_vectors(z) if z.dtype == np.float32 else gelu.erf(z)


# native's float32 vectors (ATen's Vectorized<float>, and oneDNN)
admissible("nn.gelu")(rebound(gelu.gelu_manual, normal_cdf=rebound(gelu.normal_cdf, erf=_erf_of_float32_vectors)))


# ── softplus ──


def softplus_by_autograd_forward(x, *, beta=1.0, threshold=20.0):
    """The formula's, which keeps β for autograd's derivative."""
    y, (curved, z) = softplus.softplus_manual.forward(x, beta=beta, threshold=threshold)
    return y, (curved, z, beta)


def softplus_by_autograd_backward(dy, saved, needs_input_grad=(True,)):
    """Autograd divides by β before it multiplies by it: what underflows in between is lost β times over."""
    curved, z, beta = saved
    slope = dy / beta * (1.0 / (1.0 + z)) * z * beta
    return (np.where(curved, slope, dy) if needs_input_grad[0] else None,)


admissible("nn.softplus")(Pair(softplus_by_autograd_forward, softplus_by_autograd_backward))


# ── batch norm ──


def batch_norm1d_by_feature_forward(x, w=None, b=None, *, stats=None, training=True, momentum=0.1, eps=1e-5):
    """Native scales and shifts a feature."""
    options = {"stats": stats, "training": training, "momentum": momentum, "eps": eps}
    _, (normal, r, _, rows, of_batch), left = batch_norm1d.batch_norm1d_manual.forward(x, **options)
    mean = x.sum(axis=rows) / batch_norm1d._count(x.shape) if of_batch else stats.running_mean
    k = r if w is None else r * w
    y = x * batch_norm1d._spread(k, x) + batch_norm1d._spread((0.0 if b is None else b) - mean * k, x)
    return y, (normal, r, w, rows, of_batch), left


def batch_norm1d_by_autograd_backward(dy, saved, needs_input_grad=(True, True, True)):
    """Autograd takes the mean of the whole away, that of n included, which is 0."""
    normal, r, w, rows, of_batch = saved
    dx, dw, db = batch_norm1d.batch_norm1d_manual.backward(dy, saved, needs_input_grad)
    if dx is None or not of_batch:
        return dx, dw, db
    g = dy * batch_norm1d._spread(r if w is None else r * w, dy)
    mean = lambda a: batch_norm1d._spread(a.sum(axis=rows) / batch_norm1d._count(dy.shape), dy)
    g = g - normal * mean(g * normal)
    return g - mean(g), dw, db


BATCH_NORM = batch_norm1d.batch_norm1d_manual
admissible("nn.batch_norm1d")(Pair(batch_norm1d_by_feature_forward, BATCH_NORM.backward))
admissible("nn.batch_norm1d")(Pair(BATCH_NORM.forward, batch_norm1d_by_autograd_backward))


# ── layer norm ──


def layer_norm_by_welford_forward(x, w=None, b=None, *, normalized_shape, eps=1e-5):
    """Native gathers its moments in lanes (ATen's RowwiseMoments), and scales and shifts a row."""
    axes = layer_norm.last_axes(normalized_shape)
    mean, var = _moments_over(x, axes)
    r = 1.0 / np.sqrt(var + eps)
    normal = x * r - mean * r
    y = normal if w is None else normal * w
    return (y if b is None else y + b), layer_norm.Saved(x, r, normal, w, axes)


def _moments_over(x, axes):
    """Mean and variance over the last axes, gathered in as many lanes as torch's kernel has on this machine."""
    kept = x.shape[: x.ndim - len(axes)]
    rows = x.reshape(*kept, int(np.prod(x.shape[x.ndim - len(axes) :])))
    return [m.reshape(*kept, *[1] * len(axes)) for m in _moments(rows, lanes_of_layer_norm(x.dtype.name))]


def _moments(rows, lanes):
    """Mean and variance of each row by Welford's recurrence: first of what fills no vector, and then lane by lane."""
    n, one = rows.shape[-1], 0.0 * rows[..., 0] + 1.0
    each = n // lanes
    count = n - each * lanes
    mean, squares = _running(rows, range(each * lanes, n), lambda d, j: d / float(j))
    for lane in range(lanes if each else 0):
        of_lane = _running(rows, range(lane, each * lanes, lanes), lambda d, j: d * (one / float(j)))
        mean, squares = _joined(count, mean, squares, *of_lane, one * float(each) / float(count + each))
        count += each
    return mean, squares / float(n)


def _running(rows, places, share):
    """The mean and the sum of squared distances of some places of each row, the first of which is taken as it is."""
    mean = squares = 0.0 * rows[..., 0]
    for j, place in enumerate(places, 1):
        d = rows[..., place] - mean
        mean = mean + share(d, j) if j > 1 else rows[..., place]
        squares = squares + d * (rows[..., place] - mean)
    return mean, squares


def _joined(count, mean, squares, mean_of_lane, squares_of_lane, share):
    """The moments of `count` numbers and of a lane together, whose share of all is given."""
    if not count:
        return mean_of_lane, squares_of_lane
    d = mean_of_lane - mean
    return mean + share * d, squares + (squares_of_lane + d * d * share * float(count))


def layer_norm_from_x_backward(dy, saved, needs_input_grad=(True, True, True)):
    """Native takes the gradient from x, whose moments it has gathered in lanes."""
    x, r, _, w, axes = saved
    dx, dw, db = layer_norm.layer_norm_manual.backward(dy, saved, needs_input_grad)
    if dx is None:
        return dx, dw, db
    g, mean = dy * r if w is None else dy * w * r, lambda a: a.mean(axis=axes, keepdims=True)
    m, _ = _moments_over(x, axes)
    a = (mean(g) * m - mean(g * x)) * r * r
    return g + a * x + (-a * m - mean(g)), dw, db


def layer_norm_by_autograd_backward(dy, saved, needs_input_grad=(True, True, True)):
    """Autograd takes the mean of the whole away, that of n included, which is 0."""
    _, r, normal, w, axes = saved
    dx, dw, db = layer_norm.layer_norm_manual.backward(dy, saved, needs_input_grad)
    if dx is None:
        return dx, dw, db
    g, mean = dy * r if w is None else dy * w * r, lambda a: a.mean(axis=axes, keepdims=True)
    g = g - normal * mean(g * normal)
    return g - mean(g), dw, db


LAYER_NORM = layer_norm.layer_norm_manual
admissible("nn.layer_norm")(Pair(layer_norm_by_welford_forward, layer_norm_from_x_backward))
admissible("nn.layer_norm")(Pair(LAYER_NORM.forward, layer_norm_by_autograd_backward))


# ── attention ──


def _attention_backward(row_sums, gradients_of_scores):
    """The derivative, by how the softmax subtracts its row sums, and how scores pass their gradients to q and k."""

    def backward(dy, saved, needs_input_grad=(True, True, True)):
        """Autograd's, native's math's or its fused kernel's, as these two have it."""
        _, _, dv, *dm = attention.scaled_dot_product_attention_manual.backward(dy, saved, needs_input_grad)
        needs_q, needs_k, *_ = needs_input_grad
        (dp,) = dropout_backward(dy @ saved.v.mT, saved.dropped)
        ds = saved.p * (dp - row_sums(dy, dp, saved).sum(axis=-1, keepdims=True))
        dq, dk = gradients_of_scores(ds, saved)
        dm = [None if m is None else attention._summed_to(ds, saved.mask_shape) for m in dm]
        return dq if needs_q else None, dk if needs_k else None, dv, *dm

    backward.__name__ = f"attention_backward{row_sums.__name__}{gradients_of_scores.__name__}"
    return backward


def attention_by_roots_forward(q, k, v, attn_mask=None, rng=None, *, dropout_p=0.0, is_causal=False, scale=None):
    """Native's math scales queries and keys, each by the root."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    root = math.sqrt(scale)
    allowed, m = attention._mask(attn_mask, is_causal, (q.shape[-2], k.shape[-2]))
    _, e, total = _exponentials((q * root) @ (k * root).mT + m, allowed)
    p = e / total
    kept, dropped, rng = dropout_forward(p, rng, p=dropout_p)
    return _returned(attn_mask, rng, q, k, v, p, kept, dropped, kept @ v, scale)


def attention_by_logsumexp_forward(q, k, v, attn_mask=None, rng=None, *, dropout_p=0.0, is_causal=False, scale=None):
    """Native's fused kernel divides by the sum at the end, and comes back to p by the logarithm of the sum."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    allowed, m = attention._mask(attn_mask, is_causal, (q.shape[-2], k.shape[-2]))
    s = (q @ k.mT) * scale + m
    top, e, total = _exponentials(s, allowed)
    p = np.where(allowed, np.exp(s - (top + np.log(total))), 0.0)
    kept, dropped, rng = dropout_forward(p, rng, p=dropout_p)
    y = kept @ v if dropped else (e @ v) * (1.0 / total)
    return _returned(attn_mask, rng, q, k, v, p, kept, dropped, y, scale)


def _exponentials(s, allowed):
    """The largest allowed score of each row, every score's exponential below it, and their sum."""
    top = np.where(allowed, s, -(-s).max(axis=-1, keepdims=True)).max(axis=-1, keepdims=True)
    e = np.where(allowed, np.exp(np.where(allowed, s - top, 0.0)), 0.0)
    return top, e, np.where(allowed.any(axis=-1, keepdims=True), e.sum(axis=-1, keepdims=True), 1.0)


def _returned(attn_mask, rng, *saved):
    """What the formula returns: y, what is saved, and the generator's state where one was given."""
    saved = attention.Saved(*saved, None if attn_mask is None else attn_mask.shape)
    return (saved.y, saved) if rng is None else (saved.y, saved, rng)


def _of_y(dy, _, saved):
    return dy * saved.y


def _of_p(_, dp, saved):
    return dp * saved.p


def _scaled_after(ds, saved):
    return (ds @ saved.k) * saved.scale, (ds.mT @ saved.q) * saved.scale


def _scaled_before(ds, saved):
    return (ds * saved.scale) @ saved.k, (ds * saved.scale).mT @ saved.q


def _scaled_by_roots(ds, saved):
    root = math.sqrt(saved.scale)
    return (ds @ (saved.k * root)) * root, (ds.mT @ (saved.q * root)) * root


ATTENTION = attention.scaled_dot_product_attention_manual
OF_ATTENTION = admissible("nn.scaled_dot_product_attention")
# autograd's derivative of a softmax
OF_ATTENTION(Pair(ATTENTION.forward, _attention_backward(_of_p, _scaled_after)))
# and native's math, in which queries and keys are scaled, each by the root
OF_ATTENTION(Pair(attention_by_roots_forward, _attention_backward(_of_p, _scaled_by_roots)))
# native's fused kernel divides by the sum at the end, and comes back to p by the logarithm of the sum
OF_ATTENTION(Pair(attention_by_logsumexp_forward, _attention_backward(_of_y, _scaled_before)))
