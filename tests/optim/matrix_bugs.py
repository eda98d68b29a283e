"""Wrong optimizers of matrices."""

from tests.planted import planter

TRACE = "test_families.test_rungs_leave_the_same_trace"
BITS = "test_families.test_custom_is_native_bit_for_bit"
MISSING = "test_optim.test_a_missing_gradient_is_not_a_zero_gradient"
KEPT = "test_optim.test_the_defaults_that_custom_keeps_are_natives"
DEFAULTS = "test_families.test_every_rung_has_natives_defaults"
ALONE = "test_optim.test_parameters_do_not_touch_each_other"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"

MANUAL_FLOOR = "v, state = r * c / np.maximum(r.mean(-2, keepdims=True), eps1), State(t, r, c)"
MANUAL_STEP = "return w - alpha / np.maximum(1.0, _rms(u) / d) * u, state"
MANUAL_DECAY = "    w = (1 - lr * weight_decay) * w if weight_decay else w\n"
MANUAL_SIZE = "    alpha = np.maximum(eps2, _rms(w)) * min(lr, 1 / t**0.5)\n"

adafactor, muon = planter("optim.adafactor"), planter("optim.muon")

MUON_REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
MUON_MEAN = "b = momentum * state.momentum_buffer + (1 - momentum) * g"

BUGS = [
    # ── adafactor: one bug per clause of the formula, manual rung
    adafactor("not_maximized", "    g = -g if maximize else g\n    alpha", "    alpha", TRACE),
    adafactor("no_decay", MANUAL_DECAY, "", TRACE, "kozistr/pytorch_optimizer#517"),
    adafactor("decay_without_lr", "(1 - lr * weight_decay) * w if", "(1 - weight_decay) * w if", TRACE, "pytorch#22466 (SGDW)"),
    adafactor("decay_before_the_size", MANUAL_SIZE + MANUAL_DECAY, MANUAL_DECAY + MANUAL_SIZE, TRACE),
    adafactor("not_relative_to_the_weight", "np.maximum(eps2, _rms(w)) * min(lr", "min(lr", TRACE, "Shazeer and Stern 2018, algorithm 4 without section 8"),
    adafactor("size_without_floor", "np.maximum(eps2, _rms(w))", "_rms(w)", TRACE),
    adafactor("size_is_the_norm", "np.sqrt((x * x).sum()) / x.size**0.5", "np.sqrt((x * x).sum())", TRACE),
    adafactor("rate_does_not_fall", "* min(lr, 1 / t**0.5)\n    w =", "* lr\n    w =", TRACE),
    adafactor("rate_falls_from_lr", "* min(lr, 1 / t**0.5)\n    w =", "* lr / t**0.5\n    w =", TRACE),
    adafactor("decay_of_the_mean_constant", "k = float(t) ** beta2_decay\n    g = -g if m", "k = 1 + beta2_decay if t > 1 else 1\n    g = -g if m", TRACE, "Shazeer and Stern 2018, section 7.2"),
    adafactor("count_off_by_one", "t = state.step + 1", "t = state.step + 2", TRACE),
    adafactor("mean_forgets", "return new if old is None else (1 - k) * old + k * new", "return new", TRACE),
    adafactor("gradient_not_squared", "new = g * g if axis is None", "new = abs(g) if axis is None", TRACE),
    adafactor("sum_of_squares", "(g * g).mean(axis, keepdims=True)", "(g * g).sum(axis, keepdims=True)", TRACE, "Shazeer and Stern 2018, algorithm 4, state compared"),
    adafactor("not_normalized", MANUAL_FLOOR, "v, state = r * c, State(t, r, c)", TRACE),
    adafactor("normalized_without_floor", MANUAL_FLOOR, "v, state = r * c / (r.mean(-2, keepdims=True) + 1e-30), State(t, r, c)", TRACE),
    adafactor("rows_and_columns_swapped", "State(t, r, c)", "State(t, c, r)", TRACE),
    adafactor("eps_added_to_the_square", "new = g * g if axis is None else (g * g).mean", "new = g * g + 1e-30 if axis is None else (g * g + 1e-30).mean", TRACE, "Shazeer and Stern 2018, algorithm 4; Keras, optax",
        ("eps1, eps2 = float(np.finfo(w.dtype).eps) if eps[0] is None else eps[0], eps[1]\n    t", "eps1, eps2 = 0.0, eps[1]\n    t")),
    adafactor("floor_not_squared", "np.maximum(v, eps1**2)", "np.maximum(v, eps1)", TRACE),
    adafactor("eps_added_to_the_root", "u = 1 / np.sqrt(np.maximum(v, eps1**2)) * g", "u = 1 / (np.sqrt(v) + eps1) * g", TRACE),
    adafactor("no_root", "1 / np.sqrt(np.maximum(v, eps1**2)) * g", "1 / np.maximum(v, eps1**2) * g", TRACE),
    adafactor("not_clipped", MANUAL_STEP, "return w - alpha * u, state", TRACE),
    adafactor("always_clipped", "np.maximum(1.0, _rms(u) / d) * u", "(_rms(u) / d + 1e-30) * u", TRACE),
    adafactor("threshold_ignored", "_rms(u) / d) * u", "_rms(u)) * u", TRACE),
    adafactor("other_default", "(None, 1e-3),\n    d: float = 1.0,\n    weight_decay: float = 0.0,\n    maximize: bool = False,\n) -> tuple", "(1e-30, 1e-3),\n    d: float = 1.0,\n    weight_decay: float = 0.0,\n    maximize: bool = False,\n) -> tuple", DEFAULTS, "Keras's and optax's default"),
    # ── adafactor: the raw rung
    adafactor("raw_steps_on_no_gradient", "            if p.grad is None:\n                continue\n", "            if p.grad is None:\n                p.grad = torch.zeros_like(p)\n", MISSING, "pytorch#83769"),
    # ── adafactor: the custom rung
    adafactor("state_shared_by_the_group", "self.state[p], float", "self.state[group['params'][0]], float", ALONE),
    adafactor("mean_of_squares", "g.norm(dim=dim, keepdim=True).square_().div_(g.size(dim))", "g.square().mean(dim=dim, keepdim=True)", BITS, "clause: the same bits need the same operation"),
    adafactor("writes_the_variance", "lerp_(g * g, k).clone()", "lerp_(g * g, k)", TRACE),
    adafactor("accepts_a_threshold_below_one", "if not d >= 1.0:", "if not d >= 0.0:", REFUSES),
    # ── muon: the formula, manual rung
    muon("sum_instead_of_mean", MUON_MEAN, "b = momentum * state.momentum_buffer + g", TRACE, "Keras, and torch's documentation"),
    muon("no_momentum", MUON_MEAN, "b = g", TRACE),
    muon("no_nesterov", "u = momentum * b + (1 - momentum) * g if nesterov else b", "u = b", TRACE),
    muon("always_nesterov", "u = momentum * b + (1 - momentum) * g if nesterov else b", "u = momentum * b + (1 - momentum) * g", TRACE),
    muon("nesterov_from_the_old_mean", "u = momentum * b + (1 - momentum) * g if nesterov else b", "u = b if nesterov else momentum * b + (1 - momentum) * g", TRACE),
    muon("not_normalized", "x = x / np.maximum(np.sqrt((x * x).sum()), eps)", "x = x", TRACE),
    muon("normalized_by_the_square", "np.sqrt((x * x).sum())", "(x * x).sum()", TRACE),
    muon("eps_added", "np.maximum(np.sqrt((x * x).sum()), eps)", "(np.sqrt((x * x).sum()) + eps)", TRACE, "Keras, optax"),
    muon("no_steps", "    for _ in range(steps):\n        gram = x @ x.T\n        x = a * x + (b * gram + c", "    for _ in range(0):\n        gram = x @ x.T\n        x = a * x + (b * gram + c", TRACE),
    muon("cubic", "(b * gram + c * (gram @ gram)) @ x\n    return x", "(b * gram) @ x\n    return x", TRACE, "Higham 2008, section 8.3: the classical Newton-Schulz iteration"),
    muon("coefficients_swapped", "a, b, c = coefficients\n    x = x / np", "a, c, b = coefficients\n    x = x / np", TRACE),
    muon("tall_as_it_is", "u.T if rows > columns else u", "u", TRACE, "clause", ("x.T if rows > columns else x", "x"), ("gram = x @ x.T\n        x = a * x + (b * gram", "gram = x.T @ x\n        x = a * x + x @ (b * gram"), ("c * (gram @ gram)) @ x\n    return x", "c * (gram @ gram)) if False else a * x\n    return x")),
    muon("ratio_of_the_transpose", "max(least, rows / columns) **", "max(least, columns / rows) **", TRACE),
    muon("ratio_not_at_least_one", "max(least, rows / columns) ** 0.5", "(rows / columns) ** 0.5", TRACE),
    muon("ratio_without_root", "max(least, rows / columns) ** 0.5", "max(least, rows / columns)", TRACE),
    muon("matches_nothing", "0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn", "max(least, rows / columns) ** 0.5 if adjust_lr_fn", TRACE),
    muon("matches_by_the_shorter_side", "0.2 * max(rows, columns)", "0.2 * min(rows, columns)", TRACE),
    muon("no_decay", "(1 - lr * weight_decay) * w", "w", TRACE, "kozistr/pytorch_optimizer#517"),
    muon("decay_by_the_adjusted_rate", "(1 - lr * weight_decay) * w", "(1 - lr * ratio * weight_decay) * w", TRACE),
    muon("decay_without_lr", "(1 - lr * weight_decay) * w", "(1 - weight_decay) * w", TRACE, "pytorch#22466 (SGDW)"),
    muon("decay_in_the_gradient", MUON_MEAN, "g = g + weight_decay * w; " + MUON_MEAN, TRACE, "clause", ("(1 - lr * weight_decay) * w", "w")),
    muon("forgets_an_option", "                adjust_lr_fn=adjust_lr_fn,\n            ),", "            ),", KEPT, "mutmut"),
    muon("other_default", "State(),\n    *,\n    lr: float = 1e-3,\n    weight_decay: float = 0.1", "State(),\n    *,\n    lr: float = 1e-3,\n    weight_decay: float = 0.0", DEFAULTS, "optax's default"),
    # ── muon: raw
    muon("raw_steps_on_no_gradient", "            if p.grad is None:\n                continue\n", "            if p.grad is None:\n                p.grad = torch.zeros_like(p)\n", MISSING, "pytorch#83769"),
    muon("raw_tall_as_it_is", "tall = p.size(0) > p.size(1)", "tall = p.size(0) < p.size(1)", TRACE, "clause", ("gram = x @ x.T\n                x = a * x + (b * gram + c * (gram @ gram)) @ x", "gram = x @ x.T\n                x = a * x + b * (gram @ x)")),
    # ── muon: custom
    muon("in_the_dtype_of_the_gradient", "x = u.bfloat16().T if tall else u.bfloat16()", "x = (u.T if tall else u).clone()", BITS, "clause: the same bits need the same operation"),
    muon("product_then_sum", "torch.addmm(gram, gram, gram, beta=b, alpha=c)", "(b * gram + c * (gram @ gram))", BITS, "clause: the same bits need the same operation"),
    muon("mean_summed", "b = state[\"momentum_buffer\"].lerp_(g, 1 - momentum)", "b = state[\"momentum_buffer\"].mul_(momentum).add_(g, alpha=1 - momentum)", BITS, "clause: the same bits need the same operation"),
    muon("decay_after_the_step", "        p.mul_(1 - lr * group[\"weight_decay\"])\n        p.add_(x, alpha=-lr * _ratio(p.shape[0], p.shape[1], group[\"adjust_lr_fn\"]))\n", "        p.add_(x, alpha=-lr * _ratio(p.shape[0], p.shape[1], group[\"adjust_lr_fn\"]))\n        p.mul_(1 - lr * group[\"weight_decay\"])\n", TRACE),
    muon("state_shared_by_the_group", "self.state[p], rate", "self.state[group['params'][0]], rate", ALONE),
    muon("writes_the_gradient", "u = g.lerp(b, momentum) if", "u = g.lerp_(b, momentum) if", TRACE, "pytorch#92706"),
    muon("takes_a_vector", "            if p.ndim != 2:", "            if p.ndim > 2:", MUON_REFUSES),
    muon("takes_a_hundred_steps", "if steps >= 100:", "if steps > 100:", MUON_REFUSES),
]
