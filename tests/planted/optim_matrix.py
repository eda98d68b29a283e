"""Wrong optimizers of matrices."""

from tests.planted import planter

TRACE = "test_optim_matrix.test_rungs_leave_the_same_trace"
BITS = "test_optim_matrix.test_custom_is_native_bit_for_bit"
MISSING = "test_optim_matrix.test_a_missing_gradient_is_not_a_zero_gradient"
DEFAULTS = "test_optim_matrix.test_every_rung_has_natives_defaults"
ALONE = "test_optim_matrix.test_parameters_do_not_touch_each_other"
REFUSES = "test_optim_matrix.test_custom_refuses_what_native_refuses_in_its_words"

MANUAL_FLOOR = "v, state = r * c / np.maximum(r.mean(-2, keepdims=True), eps1), State(t, r, c)"
MANUAL_STEP = "return w - alpha / np.maximum(1.0, _rms(u) / d) * u, state"
MANUAL_DECAY = "    w = (1 - lr * weight_decay) * w if weight_decay else w\n"
MANUAL_SIZE = "    alpha = np.maximum(eps2, _rms(w)) * min(lr, 1 / t**0.5)\n"

adafactor = planter("optim.adafactor")

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
    adafactor("other_default", "eps=(None, 1e-3), d=1.0, weight_decay=0.0, maximize=False\n):\n    \"\"\"Return", "eps=(1e-30, 1e-3), d=1.0, weight_decay=0.0, maximize=False\n):\n    \"\"\"Return", DEFAULTS, "Keras's and optax's default"),
    # ── adafactor: the raw rung
    adafactor("raw_steps_on_no_gradient", "            if p.grad is None:\n                continue\n", "            if p.grad is None:\n                p.grad = torch.zeros_like(p)\n", MISSING, "pytorch#83769"),
    # ── adafactor: the custom rung
    adafactor("state_shared_by_the_group", "self.state[p], float", "self.state[group['params'][0]], float", ALONE),
    adafactor("mean_of_squares", "g.norm(dim=dim, keepdim=True).square_().div_(g.size(dim))", "g.square().mean(dim=dim, keepdim=True)", BITS, "clause: the same bits need the same operation"),
    adafactor("writes_the_variance", "lerp_(g * g, k).clone()", "lerp_(g * g, k)", TRACE),
    adafactor("accepts_a_threshold_below_one", "if not d >= 1.0:", "if not d >= 0.0:", REFUSES),
]
