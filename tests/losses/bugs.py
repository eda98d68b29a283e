"""Wrong losses."""

from tests.planted import planter

TRACE = "test_families.test_rungs_leave_the_same_trace"
BITS = "test_families.test_custom_is_native_bit_for_bit"
SOFT_BITS = "test_losses.test_custom_is_native_bit_for_bit_of_probabilities_too"
ADJOINT = "test_families.test_backward_is_the_adjoint_of_forward"
NEEDS = "test_families.test_a_gradient_nobody_needs_is_none_and_the_others_stay"
IGNORED = "test_losses.test_an_ignored_row_might_as_well_not_be_there"
NOTHING = "test_losses.test_a_mean_over_nothing_is_nan_and_moves_nothing"
SHIFT = "test_losses.test_a_shift_of_all_logits_changes_nothing"
CERTAIN = "test_losses.test_a_certain_target_is_its_class"
ALONE = "test_losses.test_one_row_alone_is_a_batch_of_one"
ORDER = "test_losses.test_the_order_of_the_classes_changes_nothing"
SWAPPED = "test_losses.test_an_error_does_not_know_which_side_is_the_target"
BROADCAST = "test_losses.test_manual_and_raw_refuse_to_broadcast"
NO_CLASS = "test_losses.test_what_is_neither_a_class_nor_ignored_is_refused"
DEFAULTS = "test_families.test_every_rung_has_natives_defaults"
CUT = "test_losses.test_no_cut_is_negative"
SILENT = "test_losses.test_custom_broadcasts_a_divergence_in_silence_as_native_does"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"

MSE_N = "count(d)"
CE_N = "n = (w * t).sum()"
CE_SHIFT = "z = z - z.max(axis=axis, keepdims=True)"
CE_SMOOTHED = "(1 - label_smoothing) * losses + label_smoothing / logits.shape[axis] * uniform"


mse, ce = planter("losses.mse"), planter("losses.cross_entropy")
l1, smooth_l1, huber = planter("losses.l1"), planter("losses.smooth_l1"), planter("losses.huber")
bce, logits = planter("losses.binary_cross_entropy"), planter("losses.binary_cross_entropy_with_logits")
nll, kl = planter("losses.nll"), planter("losses.kl_div")

BUGS = [
    # ── mse: one bug per clause of the formula, manual rung
    mse("half", "reduce_forward(d * d", "reduce_forward(0.5 * d * d", TRACE, "the convention with 1/2"),
    mse("derivative_without_its_2", "2.0 * dl * d", "dl * d", ADJOINT, "clause"),
    mse("mean_over_rows", MSE_N, "d.dtype.type(d.shape[0] if d.ndim else 1)", TRACE, "a mean of sums over features"),
    mse("unbiased", MSE_N, "d.dtype.type(max(d.size - 1, 1))", TRACE, "variance's n - 1"),
    mse("not_squared", "reduce_forward(d * d", "reduce_forward(abs(d)", TRACE, "clause"),
    mse("target_pulled_along", "-dx if needs_y", "dx if needs_y", SWAPPED, "clause"),
    mse("gradient_not_asked_for", "-dx if needs_y else None", "-dx", NEEDS, "clause"),
    mse("gradient_of_the_mean_is_the_sums", "(dl,) = reduce_backward(dy, reduced)", "dl = dy", ADJOINT, "clause"),
    mse("broadcasts", "    check_shapes(x, y)\n    d = x - y\n", "    d = x - y\n", BROADCAST, "discuss.pytorch.org 160720"),
    # ── mse: the raw and custom rungs
    mse("raw_broadcasts", "    check_shapes(x, y)\n    return", "    return", BROADCAST, "discuss.pytorch.org 160720"),
    mse("custom_left_to_autograd", "torch.nn.functional.mse_loss(input, target, reduction=self.reduction)", "reduce_raw((input - target) ** 2, input.numel(), self.reduction)", BITS, "clause: the same bits need the same operation"),
    # ── what every loss shares
    mse("sum_is_mean", "        return losses.sum()\n", "        return losses.sum() / n\n", TRACE, "clause", file="losses.loss"),
    mse("old_arguments_ignored", "if size_average is not None or reduce is not None:", "if False:", REFUSES, "clause", file="losses.loss"),
    mse("other_default", "= None, reduction: str = \"mean\"", "= None, reduction: str = \"sum\"", DEFAULTS, "clause", file="losses.loss"),
    # ── cross entropy: what a mean divides by
    ce("mean_over_rows", CE_N, "n = logits.dtype.type(target.size)", IGNORED, "segmentation_models.pytorch#852, eladhoffer/utils.pytorch#4"),
    ce("mean_over_counted_rows", CE_N, "n = t.sum()", TRACE, "pytorch#54843"),
    ce("raw_mean_over_rows", "n = w[index].where(counts, 0).sum()", "n = w[index].sum()", IGNORED, "segmentation_models.pytorch#852"),
    ce("mean_over_elements", "n = count(losses)", "n = logits.dtype.type(logits.size)", TRACE, "clause"),
    ce("raw_mean_over_elements", "= losses.numel()", "= logits.numel()", CERTAIN, "clause"),
    ce("nothing_costs_nothing", "n = w[index].where(counts, 0).sum()", "n = w[index].where(counts, 0).sum().clamp(min=1e-9)", NOTHING, "pytorch#75181"),
    # ── what is ignored, and what is no class
    ce("default_not_ignored", "counts = target != ignore_index\n        index", "counts = target == target if ignore_index == -100 else target != ignore_index\n        index", TRACE, "FlagGems#73"),
    ce("gathers_before_masking", "index = target.where(counts, 0)", "index = target", TRACE, "pytorch#69339, #72056, #91383"),
    ce("custom_gathers_before_masking", "self.weight.gather(0, target[counts]).sum()", "self.weight[target].where(counts, 0.0).sum()", BITS, "pytorch#69339, #72056, #91383"),
    ce("bounds_checked_before_ignoring", "target[counts & (", "target[(target == target) & (", TRACE, "pytorch#15508", file="losses.nll"),
    ce("no_bounds", "if wrong.size:", "if False:", NO_CLASS, "pytorch#12670", file="losses.nll"),
    ce("negative_classes", "(target < 0) | (target >= classes)", "target >= classes", NO_CLASS, "pytorch#12670", file="losses.nll"),
    ce("ignored_but_smoothed", "-np.where(counts, weighted, 0.0)", "-np.where(True, weighted, 0.0)", IGNORED, "clause"),
    ce("ignored_but_pulled", "dz = np.where(counts, dz * dl, 0.0)", "dz = dz * dl", IGNORED, "clause"),
    # ── smoothing
    ce("smoothing_without_weights", "uniform = -np.where(counts, weighted, 0.0)", "uniform = -np.where(counts, log_p, 0.0)", TRACE, "pytorch#104776"),
    ce("smoothing_over_the_others", CE_SMOOTHED, "(1 - label_smoothing) * losses + label_smoothing / max(logits.shape[axis] - 1, 1) * uniform", TRACE, "pytorch#148884"),
    ce("smoothing_backwards", CE_SMOOTHED, "label_smoothing * losses + (1 - label_smoothing) / logits.shape[axis] * uniform", TRACE, "clause"),
    ce("smoothing_not_averaged", CE_SMOOTHED, "(1 - label_smoothing) * losses + label_smoothing * uniform", TRACE, "clause"),
    ce("smoothing_adds", CE_SMOOTHED, "losses + label_smoothing / logits.shape[axis] * uniform", TRACE, "clause"),
    ce("smoothing_has_no_gradient", "    if label_smoothing:\n        dz =", "    if False:\n        dz =", ADJOINT, "clause"),
    ce("target_gradient_not_smoothed", "dt = -(1 - label_smoothing) * (", "dt = -(", ADJOINT, "clause"),
    # ── the formula
    ce("overflows", f"    {CE_SHIFT}\n", "", TRACE, "PAIR-code/tiny-transformers#67"),
    ce("raw_overflows", "logits - logits.amax(axis, keepdim=True).detach()", "logits", TRACE, "PAIR-code/tiny-transformers#67"),
    ce("one_shift_for_all", CE_SHIFT, "z = z - z.max()", TRACE, "clause"),
    ce("shift_by_the_smallest", CE_SHIFT, "z = z + (-z).max(axis=axis, keepdims=True)", TRACE, "clause"),
    ce("shift_added_back", CE_SHIFT, "m, z = z.max(axis=axis, keepdims=True), z - z.max(axis=axis, keepdims=True)", SHIFT, "clause",
        ("return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))", "return z - np.log(np.exp(z).sum(axis=axis, keepdims=True)) + m")),
    ce("probabilities_not_logits", CE_SHIFT, "return np.log(abs(z) + 1e-8)", SHIFT, "a softmax before the loss"),
    ce("softmax_twice", CE_SHIFT, f"{CE_SHIFT}\n    z = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)", TRACE, "torch's forum, again and again"),
    ce("log_with_a_floor", "np.log(np.exp(z).sum(axis=axis, keepdims=True))", "np.log(np.exp(z).sum(axis=axis, keepdims=True) + 1e-8)", TRACE, "log(p + 1e-8)"),
    ce("classes_last", "axis = min(1, logits.ndim - 1)", "axis = logits.ndim - 1", TRACE, "Keras's axis"),
    ce("raw_classes_first", "axis = min(1, logits.dim() - 1)", "axis = 0", ALONE, "clause"),
    ce("weight_ignored", "weighted = w * log_p", "weighted = log_p", TRACE, "clause"),
    ce("weight_of_another_class", "if weight is None else weight, logits, axis", "if weight is None else weight[::-1], logits, axis", ORDER, "clause"),
    ce("softmax_minus_target", "p * a.sum(axis=axis, keepdims=True) - a", "p - a", ADJOINT, "the gradient of an unweighted loss"),
    ce("target_gradient_without_weight", "* (w * log_p) * dl", "* log_p * dl", ADJOINT, "clause"),
    ce("gradient_from_above_ignored", "(dl,), (_, reduction) = reduce_backward(dy, reduced), reduced", "(dl,), (_, reduction) = reduce_backward(dy * 0.0 + 1.0, reduced), reduced", TRACE, "clause"),
    # ── the custom rung
    ce("custom_divides_late", "uniform * (self.label_smoothing / log_p.size(axis))", "uniform / log_p.size(axis) * self.label_smoothing", BITS, "clause: the same bits need the same operation"),
    ce("custom_weighs_first", "self._weighted(input.log_softmax(axis) * target, axis)", "self._weighted(input.log_softmax(axis), axis) * target", SOFT_BITS, "clause: the same bits need the same operation"),
    ce("accepts_too_much_smoothing", "if self.label_smoothing > 1.0:", "if self.label_smoothing > 2.0:", REFUSES, "clause"),
    ce("other_default", "ignore_index: int = -100,\n        reduce", "ignore_index: int = -1,\n        reduce", DEFAULTS, "clause"),
    # ── l1
    l1("squared", "reduce_forward(abs(d)", "reduce_forward(d * d", TRACE, "clause"),
    l1("signed", "reduce_forward(abs(d)", "reduce_forward(d", TRACE, "clause"),
    l1("pushes_what_is_right", "np.sign(d) * dl", "np.where(0.0 <= d, dl, -dl)", TRACE, "the kink at 0"),
    l1("gradient_is_the_difference", "np.sign(d) * dl", "d * dl", ADJOINT, "clause"),
    l1("target_pulled_along", "-dx if needs_y", "dx if needs_y", SWAPPED, "clause"),
    l1("mean_over_rows", "count(d)", "d.dtype.type(d.shape[0] if d.ndim else 1)", TRACE, "clause"),
    l1("gradient_not_asked_for", "-dx if needs_y else None", "-dx", NEEDS, "clause"),
    l1("broadcasts", "    check_shapes(x, y)\n    d = x - y\n", "    d = x - y\n", BROADCAST, "discuss.pytorch.org 160720"),
    l1("raw_broadcasts", "    check_shapes(x, y)\n    return", "    return", BROADCAST, "discuss.pytorch.org 160720"),
    l1("raw_pushes_what_is_right", "(x - y).abs()", "torch.where(x >= y, x - y, y - x)", TRACE, "the kink at 0"),
    l1("custom_broadcasts_in_silence", "if target.size() != input.size():", "if False:", REFUSES, "discuss.pytorch.org 160720"),
    l1("custom_pushes_what_is_right", "(input - target).abs()", "torch.where(input >= target, input - target, target - input)", BITS, "the kink at 0"),
    # ── smooth l1
    smooth_l1("signed", "np.where(beta <= size, size", "np.where(beta <= d, size", TRACE, "ml-explore/mlx#1974, BobMcDear/attorch#13"),
    smooth_l1("gradient_signed", "np.where(beta <= abs(d),", "np.where(beta <= d,", TRACE, "ml-explore/mlx#1974, BobMcDear/attorch#13"),
    smooth_l1("is_hubers", "size - 0.5 * beta, 0.5 * size * size / beta)", "beta * (size - 0.5 * beta), 0.5 * size * size)", TRACE, "pytorch#48595"),
    smooth_l1("gradient_is_hubers", "np.sign(d), d / beta)", "beta * np.sign(d), d)", ADJOINT, "pytorch#48595"),
    smooth_l1("jumps_at_its_cut", "size - 0.5 * beta, 0.5 * size * size / beta)", "size, 0.5 * size * size / beta)", TRACE, "clause"),
    smooth_l1("without_its_half", "0.5 * size * size / beta)", "size * size / beta)", TRACE, "clause"),
    smooth_l1("at_no_cut_it_pushes", "np.sign(d), d / beta)", "np.where(0.0 <= d, 1.0, -1.0) + 0.0 * d, d / beta)", TRACE, "the kink at 0"),
    smooth_l1("accepts_a_negative_cut", "    _check_beta(beta)\n    d = x", "    d = x", CUT, "pytorch#45532"),
    smooth_l1("raw_accepts_a_negative_cut", "    _check_beta(beta)\n    size = (x", "    size = (x", CUT, "pytorch#45532"),
    smooth_l1("raw_signed", "torch.where(size >= beta,", "torch.where(x - y >= beta,", TRACE, "ml-explore/mlx#1974"),
    smooth_l1("raw_divides_by_no_cut", "square = size * size * (0.5 / beta) if beta else 0.0", "square = size * size * (0.5 / torch.tensor(beta, dtype=x.dtype))", TRACE, "clause: 0 times infinity"),
    smooth_l1("other_default", "beta: float = 1.0\n    ):\n        super", "beta: float = 0.5\n    ):\n        super", DEFAULTS, "clause"),
    smooth_l1("custom_is_hubers", "torch.nn.functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)", "torch.nn.functional.huber_loss(input, target, reduction=self.reduction, delta=self.beta or 1.0)", BITS, "pytorch#48595"),
    # ── huber
    huber("without_its_scale", "delta * (size - 0.5 * delta))\n    loss", "size - 0.5 * delta)\n    loss", TRACE, "pytorch#48595"),
    huber("gradient_without_its_scale", "d, delta * np.sign(d))", "d, np.sign(d))", ADJOINT, "pytorch#48595"),
    huber("signed", "np.where(size <= delta, 0.5", "np.where(d <= delta, 0.5", TRACE, "ml-explore/mlx#1974, BobMcDear/attorch#13"),
    huber("gradient_signed", "np.where(abs(d) <= delta, d", "np.where(d <= delta, d", TRACE, "BobMcDear/attorch#13"),
    huber("without_its_half", "0.5 * size * size, delta * (size - 0.5 * delta))\n    loss", "size * size, delta * (size - 0.5 * delta))\n    loss", TRACE, "clause"),
    huber("jumps_at_its_cut", "delta * (size - 0.5 * delta))\n    loss", "delta * size)\n    loss", TRACE, "clause"),
    huber("accepts_a_negative_cut", "    _check_delta(delta)\n    d = x", "    d = x", CUT, "pytorch#45532"),
    huber("accepts_no_cut", "if delta <= 0:", "if delta < 0:", CUT, "pytorch#45532"),
    huber("target_pulled_along", "-dx if needs_y", "dx if needs_y", SWAPPED, "clause"),
    huber("custom_accepts_words", "if TORCH >= (2, 13) and not isinstance(delta, float | int):", "if False:", REFUSES, "clause"),
    # ── binary cross entropy
    bce("without_the_other_class", "-(y * log_p + (1.0 - y) * log_q)", "-(y * log_p)", TRACE, "clause"),
    bce("classes_exchanged", "-(y * log_p + (1.0 - y) * log_q)", "-(y * log_q + (1.0 - y) * log_p)", TRACE, "clause"),
    bce("without_a_floor", "np.where(p <= 0.0, -100.0, np.maximum(np.log(p), -100.0))", "np.log(p)", TRACE, "log(0)"),
    bce("with_an_epsilon", "np.where(p <= 0.0, -100.0, np.maximum(np.log(p), -100.0))", "np.log(p + 1e-8)", TRACE, "log(p + 1e-8), Keras's epsilon"),
    bce("without_a_floor_above", "np.where(p >= 1.0, -100.0, np.maximum(np.log1p(-p), -100.0))", "np.log1p(-p)", TRACE, "log(0)"),
    bce("cancels", "np.maximum(np.log1p(-p), -100.0)", "np.maximum(np.log(p * 1e6 - p * 1e6 + 1.0 - p + 1e-9), -100.0)", TRACE, "clause"),
    bce("gradient_of_the_other_class", "dp = (p - y) /", "dp = (p + y) /", TRACE, "clause"),
    bce("gradient_not_cut_off", "np.maximum((1.0 - p) * p, EPSILON)", "((1.0 - p) * p)", TRACE, "clause"),
    bce("gradient_cut_off_in_double", "float(np.float32(1e-12))", "1e-12", TRACE, "found by this law"),
    bce("weight_ignored", "losses if weight is None else weight * losses\n    loss", "losses\n    loss", TRACE, "clause"),
    bce("gradient_not_weighted", "dl if weight is None else weight * dl", "dl", TRACE, "clause"),
    bce("mean_over_weights", "count(p), reduction", "count(p) if weight is None else (weight + 0.0 * p).sum(), reduction", TRACE, "pytorch#54843"),
    bce("target_gradient_reversed", "(np.log1p(-p) - np.log(p)) * dl", "(np.log(p) - np.log1p(-p)) * dl", ADJOINT, "clause"),
    bce("broadcasts", "    check_shapes(p, y)\n    log_p = np", "    log_p = np", BROADCAST, "discuss.pytorch.org 160720"),
    bce("raw_left_to_autograd", "known = p.detach()", "known = p", TRACE, "clause: 0 times infinity"),
    bce("custom_composed", "torch.nn.functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)", "reduce_raw(-(target * input.log().clamp(min=-100) + (1 - target) * (-input).log1p().clamp(min=-100)), input.numel(), self.reduction)", BITS, "clause: the same bits need the same operation"),
    # ── binary cross entropy of logits
    logits("overflows", "np.maximum(x, 0.0) + np.log1p(np.exp(-abs(x)))", "np.log1p(np.exp(x))", TRACE, "pytorch#13863"),
    logits("misses_a_minus", "np.maximum(x, 0.0) + np.log1p", "np.maximum(-x, 0.0) + np.log1p", TRACE, "pytorch#2221"),
    logits("raw_overflows", "tail = (-x.abs()).exp().log1p()", "tail = (-x).exp().log1p()", TRACE, "pytorch#13863"),
    logits("raw_halved_at_zero", "torch.maximum(x, zero) + tail", "torch.where(x <= 0, 0, x) + tail", TRACE, "clause: the derivatives at 0 of two kinks that cancel"),
    logits("pos_weight_ignored", "positive = y if pos_weight is None else pos_weight * y\n    losses = (1.0", "positive = y\n    losses = (1.0", TRACE, "clause"),
    logits("pos_weight_of_both", "(1.0 - y) * _softplus(x) + positive", "(1.0 - y) * (1.0 if pos_weight is None else pos_weight) * _softplus(x) + positive", TRACE, "clause"),
    logits("gradient_without_pos_weight", "- pos_weight * y * _sigmoid(-x)", "- y * _sigmoid(-x)", ADJOINT, "clause"),
    logits("weight_ignored", "losses if weight is None else weight * losses\n    loss", "losses\n    loss", TRACE, "clause"),
    logits("gradient_not_weighted", "dl if weight is None else weight * dl", "dl", TRACE, "clause"),
    logits("mean_over_weights", "count(x), reduction", "count(x) if weight is None else (weight + 0.0 * x).sum(), reduction", TRACE, "pytorch#54843"),
    logits("gradient_of_the_sigmoid_too", "((1.0 - y) * _sigmoid(x) - pos", "_sigmoid(x) * _sigmoid(-x) * ((1.0 - y) * _sigmoid(x) - pos", ADJOINT, "a sigmoid before the loss"),
    logits("target_gradient_reversed", "(pos_weight * _softplus(-x) - _softplus(x)) * dl", "(_softplus(x) - pos_weight * _softplus(-x)) * dl", ADJOINT, "clause"),
    logits("broadcasts", "    check_shapes(x, y)\n    positive = y if pos_weight is None else pos_weight * y\n    losses = (1.0", "    positive = y if pos_weight is None else pos_weight * y\n    losses = (1.0", BROADCAST, "discuss.pytorch.org 160720"),
    logits("custom_forgets_pos_weight", "reduction=self.reduction, pos_weight=self.pos_weight", "reduction=self.reduction", BITS, "clause"),
    # ── negative log-likelihood
    nll("mean_over_rows", "(w * chosen.astype(x.dtype)).sum()", "x.dtype.type(target.size)", IGNORED, "segmentation_models.pytorch#852, eladhoffer/utils.pytorch#4"),
    nll("mean_over_counted_rows", "(w * chosen.astype(x.dtype)).sum()", "chosen.astype(x.dtype).sum()", TRACE, "pytorch#54843"),
    nll("raw_mean_over_rows", "w.where(counts, 0).sum()", "w.sum()", IGNORED, "segmentation_models.pytorch#852"),
    nll("nothing_costs_nothing", "w.where(counts, 0).sum()", "w.where(counts, 0).sum().clamp(min=1e-9)", NOTHING, "pytorch#75181"),
    nll("default_not_ignored", "    counts = target != ignore_index\n    index", "    counts = target == target if ignore_index == -100 else target != ignore_index\n    index", TRACE, "FlagGems#73"),
    nll("gathers_before_masking", "index = target.where(counts, 0)", "index = target", TRACE, "pytorch#69339, #72056, #91383"),
    nll("bounds_checked_before_ignoring", "target[counts & (", "target[(target == target) & (", TRACE, "pytorch#15508"),
    nll("no_bounds", "if wrong.size:", "if False:", NO_CLASS, "pytorch#12670"),
    nll("negative_classes", "(target < 0) | (target >= classes)", "target >= classes", NO_CLASS, "pytorch#12670"),
    nll("weight_ignored", "losses = -np.where(chosen, w * x, 0.0)", "losses = -np.where(chosen, x, 0.0)", TRACE, "clause"),
    nll("weight_of_another_class", "if weight is None else weight, x, axis", "if weight is None else weight[::-1], x, axis", ORDER, "clause"),
    nll("gradient_without_weight", "np.where(chosen, -w * dl, 0.0)", "np.where(chosen, -dl + 0.0 * w, 0.0)", ADJOINT, "clause"),
    nll("gradient_of_all_classes", "np.where(chosen, -w * dl, 0.0)", "-w * dl * np.ones(chosen.shape, w.dtype)", ADJOINT, "clause"),
    nll("ascends", "-np.where(chosen, w * x, 0.0)", "np.where(chosen, w * x, 0.0)", TRACE, "clause"),
    nll("takes_a_logarithm", "-np.where(chosen, w * x, 0.0)", "-np.where(chosen, w * np.log(np.exp(x)), 0.0)", TRACE, "a logarithm taken twice"),
    nll("classes_last", "axis = min(1, x.ndim - 1)", "axis = x.ndim - 1", TRACE, "Keras's axis"),
    nll("raw_classes_first", "axis = min(1, x.dim() - 1)", "axis = 0", ALONE, "clause"),
    nll("custom_default", "ignore_index: int = -100,\n        reduce", "ignore_index: int = -1,\n        reduce", DEFAULTS, "clause"),
    # ── Kullback-Leibler
    kl("zero_is_nan", "np.where(y <= 0.0, 0.0, y * np.log(y))", "y * np.log(y)", TRACE, "0 log 0"),
    kl("without_the_entropy", "np.where(y <= 0.0, 0.0, y * np.log(y)) - y * x", "-y * x", TRACE, "a cross entropy"),
    kl("reversed", "np.where(y <= 0.0, 0.0, y * np.log(y)) - y * x", "np.exp(x) * (x - np.log(y))", TRACE, "KL(q, p) for KL(p, q)"),
    kl("log_target_ignored", "if log_target else np.where(y", "if False else np.where(y", TRACE, "clause"),
    kl("log_target_not_exponentiated", "losses = np.exp(y) * (y - x)", "losses = y * (y - x)", TRACE, "clause"),
    kl("gradient_of_the_log", "p = np.exp(y) if log_target else y", "p = y", TRACE, "clause"),
    kl("target_gradient_of_the_cross_entropy", "(np.log(y) + 1.0 - x)", "(np.log(y) - x)", ADJOINT, "clause"),
    kl("log_target_gradient_without_its_product", "(p * (y - x) + p)", "(p * (y - x))", ADJOINT, "clause"),
    kl("batchmean_is_mean", "return (x.shape[0] if x.ndim else 1), \"mean\"", "return x.size, \"mean\"", TRACE, "pytorch#5801"),
    kl("batchmean_is_sum", "losses.sum() / input.size(0) if input.dim() else losses.sum()", "losses.sum()", BITS, "pytorch#5801"),
    kl("mean_is_batchmean", "    return x.size, reduction", "    return (x.shape[0] if x.ndim else 1), reduction", TRACE, "what torch announces"),
    kl("broadcasts", "    check_shapes(x, y)\n    losses = np.exp", "    losses = np.exp", BROADCAST, "discuss.pytorch.org 160720"),
    kl("raw_zero_is_nan", "torch.xlogy(y, y) - y * x\n    if", "y * y.log() - y * x\n    if", TRACE, "0 log 0"),
    kl("of_integers", "(_is_integral, \"Integral\")", "(torch.is_complex, \"\")", REFUSES, "found by this law"),
    kl("silent_about_mean", "if self.reduction == \"mean\":", "if False:", REFUSES, "clause"),
    kl("custom_warns_of_shapes", "        losses = target.exp()", "        assert input.shape == target.shape\n        losses = target.exp()", SILENT, "clause"),
    kl("custom_in_another_order", "_in_order(input, target, _takes_cross_first())", "_in_order(input, target, not _takes_cross_first())", BITS, "found by this law: the order is torch's compiler's"),
]
