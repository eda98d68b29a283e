"""Wrong losses."""

from tests.planted import planter

TRACE = "test_losses.test_rungs_agree_on_the_loss_and_its_gradients"
BITS = "test_losses.test_custom_is_native_bit_for_bit"
SOFT_BITS = "test_losses.test_custom_is_native_bit_for_bit_of_probabilities_too"
ADJOINT = "test_losses.test_backward_is_the_adjoint_of_forward"
NEEDS = "test_losses.test_a_gradient_nobody_needs_is_none_and_the_others_stay"
IGNORED = "test_losses.test_an_ignored_row_might_as_well_not_be_there"
NOTHING = "test_losses.test_a_mean_over_nothing_is_nan_and_moves_nothing"
SHIFT = "test_losses.test_a_shift_of_all_logits_changes_nothing"
CERTAIN = "test_losses.test_a_certain_target_is_its_class"
ALONE = "test_losses.test_one_row_alone_is_a_batch_of_one"
ORDER = "test_losses.test_the_order_of_the_classes_changes_nothing"
SWAPPED = "test_losses.test_the_squared_error_does_not_know_which_side_is_the_target"
BROADCAST = "test_losses.test_manual_and_raw_refuse_what_native_only_warns_of"
NO_CLASS = "test_losses.test_what_is_neither_a_class_nor_ignored_is_refused"
DEFAULTS = "test_losses.test_every_rung_has_natives_defaults"
REFUSES = "test_losses.test_custom_refuses_what_native_refuses_in_its_words"

MSE_N = "d.dtype.type(d.size)"
CE_N = "n = (w * t).sum()"
CE_SHIFT = "z = z - z.max(axis=axis, keepdims=True)"
CE_SMOOTHED = "(1 - label_smoothing) * losses + label_smoothing / logits.shape[axis] * uniform"


mse, ce = planter("losses.mse"), planter("losses.cross_entropy")

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
    mse("broadcasts", "    _check_shapes(x, y)\n    d = x - y\n", "    d = x - y\n", BROADCAST, "discuss.pytorch.org 160720"),
    # ── mse: the raw and custom rungs
    mse("raw_broadcasts", "    _check_shapes(x, y)\n    return", "    return", BROADCAST, "discuss.pytorch.org 160720"),
    mse("custom_left_to_autograd", "torch.nn.functional.mse_loss(input, target, reduction=self.reduction)", "reduce_raw((input - target) ** 2, input.numel(), self.reduction)", BITS, "clause: the same bits need the same operation"),
    # ── what every loss shares
    mse("sum_is_mean", "        return losses.sum()\n", "        return losses.sum() / n\n", TRACE, "clause", file="losses.loss"),
    mse("old_arguments_ignored", "if size_average is not None or reduce is not None:", "if False:", REFUSES, "clause", file="losses.loss"),
    mse("other_default", "reduce=None, reduction=\"mean\"", "reduce=None, reduction=\"sum\"", DEFAULTS, "clause", file="losses.loss"),
    # ── cross entropy: what a mean divides by
    ce("mean_over_rows", CE_N, "n = logits.dtype.type(target.size)", IGNORED, "segmentation_models.pytorch#852, eladhoffer/utils.pytorch#4"),
    ce("mean_over_counted_rows", CE_N, "n = t.sum()", TRACE, "pytorch#54843"),
    ce("raw_mean_over_rows", "n = w[index].where(counts, 0).sum()", "n = w[index].sum()", IGNORED, "segmentation_models.pytorch#852"),
    ce("mean_over_elements", "n = logits.dtype.type(losses.size)", "n = logits.dtype.type(logits.size)", TRACE, "clause"),
    ce("raw_mean_over_elements", "n = losses.numel()", "n = logits.numel()", CERTAIN, "clause"),
    ce("nothing_costs_nothing", "n = w[index].where(counts, 0).sum()", "n = w[index].where(counts, 0).sum().clamp(min=1e-9)", NOTHING, "pytorch#75181"),
    # ── what is ignored, and what is no class
    ce("default_not_ignored", "counts = target != ignore_index\n        index", "counts = target == target if ignore_index == -100 else target != ignore_index\n        index", TRACE, "FlagGems#73"),
    ce("gathers_before_masking", "index = target.where(counts, 0)", "index = target", TRACE, "pytorch#69339, #72056, #91383"),
    ce("custom_gathers_before_masking", "self.weight[target[counts]].sum()", "self.weight[target].where(counts, 0.0).sum()", BITS, "pytorch#69339, #72056, #91383"),
    ce("bounds_checked_before_ignoring", "target[counts & (", "target[(target == target) & (", TRACE, "pytorch#15508"),
    ce("no_bounds", "if wrong.size:", "if False:", NO_CLASS, "pytorch#12670"),
    ce("negative_classes", "(target < 0) | (target >= classes)", "target >= classes", NO_CLASS, "pytorch#12670"),
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
    ce("other_default", "ignore_index=-100,\n        reduce=None", "ignore_index=-1,\n        reduce=None", DEFAULTS, "clause"),
]
