"""Wrong layers."""

from tests.planted import planter

AGREE = "test_layers.test_rungs_agree_on_values_and_gradients"
BITS = "test_layers.test_custom_is_native_bit_for_bit"
ADJOINT = "test_layers.test_backward_is_the_adjoint_of_forward"
NEEDS = "test_layers.test_a_gradient_nobody_needs_is_none_and_the_others_stay"
SHIFT = "test_layers.test_a_shift_of_a_row_changes_nothing"
ROWS = "test_layers.test_rows_are_normalized_one_by_one"
ALONE = "test_layers.test_in_evaluation_a_row_does_not_see_its_neighbours"
ONE_ROW = "test_layers.test_of_one_row_there_is_no_variance"
NO_ROW = "test_layers.test_what_is_no_row_is_refused"
TABLE = "test_layers.test_custom_has_natives_options_of_a_table"
SEED = "test_layers.test_one_seed_is_one_table_on_every_rung"
LAYOUT = "test_layers.test_a_state_from_before_batches_were_counted_is_taken"
BORN = "test_layers.test_a_layer_is_born_as_natives_is"
COPIED = "test_layers.test_nothing_is_copied"
REFUSES = "test_layers.test_custom_refuses_what_native_refuses_in_its_words"

identity, flatten, leaky_relu = planter("nn.identity"), planter("nn.flatten"), planter("nn.leaky_relu")
sigmoid, tanh, silu, softplus = planter("nn.sigmoid"), planter("nn.tanh"), planter("nn.silu"), planter("nn.softplus")
gelu, softmax, log_softmax = planter("nn.gelu"), planter("nn.softmax"), planter("nn.log_softmax")
embedding, layer_norm, batch_norm = planter("nn.embedding"), planter("nn.layer_norm"), planter("nn.batch_norm1d")
rms_norm = planter("nn.rms_norm")

NORMAL = "return g - mean(g) - normal * mean(g * normal)"

BUGS = [
    # ── identity and flatten
    identity("copies", "    return x\n\n\n# ── custom", "    return x.clone()\n\n\n# ── custom", COPIED, "clause"),
    identity("gradient_not_asked_for", "(dy if needs_input_grad[0] else None,)", "(dy,)", NEEDS, "clause"),
    flatten("from_the_first", "(x, *, start_dim=1, end_dim=-1):\n    return x.reshape(*", "(x, *, start_dim=0, end_dim=-1):\n    return x.reshape(*", AGREE, "torch.flatten's default"),
    flatten("without_the_last", "shape[start : end + 1]), *shape[end + 1 :]", "shape[start:end]), *shape[end:]", AGREE, "clause"),
    flatten("gradient_stays_flat", "dy.reshape(*shape)", "dy", AGREE, "clause"),
    flatten("copies", "input.flatten(self.start_dim, self.end_dim)", "input.flatten(self.start_dim, self.end_dim).clone()", COPIED, "clause"),
    # ── leaky relu
    leaky_relu("passes_at_zero", "np.where(x <= 0.0, negative_slope * dy, dy)", "np.where(0.0 <= x, dy, negative_slope * dy)", AGREE, "the kink at 0"),
    leaky_relu("is_a_maximum", "np.where(x <= 0.0, negative_slope * x, x)", "np.maximum(negative_slope * x, x)", AGREE, "max(x, a x), right for a ≤ 1"),
    leaky_relu("does_not_leak", "np.where(x <= 0.0, negative_slope * dy, dy)", "np.where(x <= 0.0, 0.0 * dy, dy)", ADJOINT, "clause"),
    leaky_relu("raw_passes_at_zero", "torch.where(x > 0, x,", "torch.where(x >= 0, x,", AGREE, "the kink at 0"),
    leaky_relu("selects", "torch.nn.functional.leaky_relu(input, self.negative_slope, self.inplace)", "torch.where(input > 0, input, input * self.negative_slope)", REFUSES, "clause"),
    leaky_relu("other_default", "negative_slope=0.01, inplace", "negative_slope=0.2, inplace", BORN, "TensorFlow's default"),
    # ── sigmoid, tanh, silu
    sigmoid("overflows", "np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-abs(x)))", "1.0 / (1.0 + np.exp(-x))", AGREE, "pytorch#13863"),
    sigmoid("derivative_of_x", "(1.0 - y) * y)", "(1.0 - x) * x)", ADJOINT, "discuss.pytorch.org 187917", ("return y, y", "return y, x"), ("dy, y, needs", "dy, x, needs")),
    sigmoid("derivative_without_its_second_half", "dy * ((1.0 - y) * y)", "dy * (1.0 - y)", ADJOINT, "clause"),
    sigmoid("reversed", "np.minimum(x, 0.0)", "np.minimum(-x, 0.0)", AGREE, "clause"),
    sigmoid("raw_is_a_tanh", "x.sigmoid()", "x.tanh()", AGREE, "clause"),
    sigmoid("custom_by_hand", "torch.sigmoid(input)", "1 / (1 + (-input).exp())", BITS, "clause: the same bits need the same operation"),
    tanh("derivative_of_x", "dy * (1.0 - y * y)", "dy * (1.0 - x * x)", ADJOINT, "discuss.pytorch.org 187917", ("return y, y", "return y, x"), ("dy, y, needs", "dy, x, needs")),
    tanh("derivative_not_squared", "1.0 - y * y", "1.0 - y", ADJOINT, "clause"),
    tanh("custom_of_a_sigmoid", "torch.tanh(input)", "2 * torch.sigmoid(2 * input) - 1", BITS, "clause: the same bits need the same operation"),
    silu("derivative_without_its_bend", "dy * (s * (1.0 + x * (1.0 - s)))", "dy * s", ADJOINT, "a mask in place of the derivative"),
    silu("derivative_of_the_sigmoid", "s * (1.0 + x * (1.0 - s))", "x * s * (1.0 - s)", ADJOINT, "clause"),
    silu("is_a_sigmoid", "return x * s, (x, s)", "return s, (x, s)", AGREE, "clause"),
    silu("custom_by_hand", "torch.nn.functional.silu(input, inplace=self.inplace)", "input * input.sigmoid()", BITS, "clause: the same bits need the same operation"),
    # ── softplus
    softplus("without_its_threshold", "curved = scaled <= threshold\n    return np", "curved = scaled <= 1e300\n    return np", AGREE, "clause"),
    softplus("threshold_of_x", "curved = scaled <= threshold\n    return np", "curved = x <= threshold\n    return np", AGREE, "clause"),
    softplus("not_divided", "np.log1p(z) / beta, x), (", "np.log1p(z), x), (", AGREE, "clause"),
    softplus("gradient_scaled", "dy * (z / (1.0 + z))", "dy * (z / (1.0 + z)) * 0.5", ADJOINT, "clause"),
    softplus("gradient_reversed", "dy * (z / (1.0 + z))", "dy / (1.0 + z)", ADJOINT, "clause"),
    softplus("raw_threshold_of_x", "curved = scaled <= threshold\n    return torch", "curved = x <= threshold\n    return torch", AGREE, "clause"),
    softplus("custom_left_to_autograd", "torch.nn.functional.softplus(input, self.beta, self.threshold)", "(input * self.beta).exp().log1p() / self.beta", BITS, "clause"),
    # ── gelu
    gelu("approximates", 'if approximate == "tanh":\n        t = np', "if True:\n        approximate = \"tanh\"\n        t = np", AGREE, "which of the two a file means"),
    gelu("never_approximates", 'if approximate == "tanh":\n        return 0.5', "if False:\n        return 0.5", AGREE, "which of the two a file means"),
    gelu("without_its_root", "z = ROOT_HALF * x", "z = x", AGREE, "clause"),
    gelu("without_its_density", "dy * (cdf + x * (DENSITY * np.exp(-z * z)))", "dy * cdf", ADJOINT, "a mask in place of the derivative"),
    gelu("density_of_another_width", "np.exp(-z * z)", "np.exp(-x * x)", ADJOINT, "clause"),
    gelu("tanh_without_the_inner_derivative", "(1.0 - kept * kept) * slope", "(1.0 - kept * kept)", ADJOINT, "clause"),
    gelu("inner_derivative_without_its_3", "3.0 * CUBE * (x * x)", "CUBE * (x * x)", ADJOINT, "clause"),
    gelu("of_a_sigmoid", "x * cdf, (x", "x / (1.0 + np.exp(-1.702 * x)), (x", AGREE, "the third approximation, x σ(1.702 x)"),
    gelu("custom_always_exact", "gelu(input, approximate=self.approximate)", "gelu(input)", BITS, "clause"),
    # ── softmax
    softmax("overflows", "np.exp(x - x.max(axis=dim, keepdims=True))", "np.exp(x)", AGREE, "PAIR-code/tiny-transformers#67"),
    softmax("one_shift_for_all", "x.max(axis=dim, keepdims=True)", "x.max()", AGREE, "clause"),
    softmax("sums_over_all", "e / e.sum(axis=dim, keepdims=True)", "e / e.sum()", ROWS, "clause"),
    softmax("derivative_is_diagonal", "y * (dy - (dy * y).sum(axis=dim, keepdims=True))", "dy * (y * (1.0 - y))", ADJOINT, "a sigmoid's derivative"),
    softmax("derivative_of_all_alike", "(dy - (dy * y).sum(axis=dim, keepdims=True))", "(dy - dy.sum(axis=dim, keepdims=True))", ADJOINT, "clause"),
    softmax("last_dimension", "return input.softmax(chosen_dim(self.dim, input, \"softmax\"))", "return input.softmax(-1)", BITS, "clause"),
    softmax("chooses_the_last_dimension", "return 0 if input.dim() in (0, 1, 3) else 1", "return -1", "test_layers.test_a_dimension_that_is_not_given_is_natives", "clause"),
    softmax("chooses_in_silence", "    warnings.warn(\n", "    str(\n", REFUSES, "clause", ("argument.\",\n        stacklevel=4,", "argument.\",")),
    log_softmax("in_two_pieces", "y = z - np.log(np.exp(z).sum(axis=dim, keepdims=True))", "y = np.log(np.exp(z) / np.exp(z).sum(axis=dim, keepdims=True))", AGREE, "log(softmax(x))"),
    log_softmax("overflows", "z = x - x.max(axis=dim, keepdims=True)", "z = x", AGREE, "PAIR-code/tiny-transformers#67"),
    log_softmax("shift_added_back", "np.log(np.exp(z).sum(axis=dim, keepdims=True))", "np.log(np.exp(z).sum(axis=dim, keepdims=True)) + x.max(axis=dim, keepdims=True)", SHIFT, "clause"),
    log_softmax("gradient_without_the_others", "dy - np.exp(y) * dy.sum(axis=dim, keepdims=True)", "dy - np.exp(y) * dy", ADJOINT, "clause"),
    log_softmax("raw_along_the_last", "z.exp().sum(dim, keepdim=True)", "z.exp().sum(-1, keepdim=True)", AGREE, "clause"),
    # ── embedding
    embedding("last_one_wins", "chosen.T.astype(dy.dtype) @ dy.reshape(i.size, k)", "(chosen & (np.cumsum(chosen[::-1], axis=0)[::-1] == 1)).T.astype(dy.dtype) @ dy.reshape(i.size, k)", ADJOINT, "NumPy's dw[i] += dy"),
    embedding("averages", "chosen.T.astype(dy.dtype) @ dy", "(chosen / np.maximum(chosen.sum(axis=0), 1)).T.astype(dy.dtype) @ dy", ADJOINT, "scale_grad_by_freq"),
    embedding("padding_learns", "    if padding_idx is not None:\n        chosen", "    if False:\n        chosen", AGREE, "clause"),
    embedding("padding_from_the_end_learns", "padding_idx % rows)\n", "padding_idx)\n", AGREE, "clause"),
    embedding("pads_with_zeros", "return w[i], (i", "return (w[i] if padding_idx is None else np.where((i == padding_idx % len(w))[..., None], 0.0, w[i])), (i", AGREE, "clause"),
    embedding("raw_padding_learns", "    if padding_idx is None:\n        return y", "    if True:\n        return y", AGREE, "clause"),
    embedding("counts_from_the_end", "if ((i < 0) | (i >= w.shape[0])).any():", "if False:", NO_ROW, "Python's negative indices"),
    embedding("born_with_padding", "if self.padding_idx is not None:\n            with", "if False:\n            with", BORN, "clause"),
    embedding("born_uniform", "normal_manual(rng, (num_embeddings, embedding_dim), dtype=dtype)", "__import__('impls.rng').rng.uniform_manual(rng, (num_embeddings, embedding_dim), -0.05, 0.05, dtype)", SEED, "Keras's default"),
    embedding("manual_born_with_padding", "    if padding_idx is not None:\n        w = np", "    if False:\n        w = np", SEED, "clause"),
    embedding("raw_pads_the_first", "w[padding_idx] = 0", "w[0] = 0", SEED, "clause"),
    embedding("of_a_table_without_its_norm", "*embeddings.shape, padding_idx, max_norm,", "*embeddings.shape, padding_idx, None,", BORN, "clause"),
    embedding("never_frozen", "Parameter(_weight, requires_grad=not _freeze)", "Parameter(_weight)", TABLE, "clause"),
    embedding("norm_ignored", "            self.max_norm,\n", "            None,\n", TABLE, "clause"),
    embedding("frequency_ignored", "            self.scale_grad_by_freq,\n", "            False,\n", TABLE, "clause"),
    # ── layer norm
    layer_norm("born_on_the_cpu", "torch.empty(self.normalized_shape, device=device, dtype=dtype)", "torch.empty(self.normalized_shape, dtype=dtype)", "test_layers.test_a_layer_is_born_where_and_as_it_is_told", "mutmut"),
    layer_norm("epsilon_outside_the_root", "np.sqrt((d * d).mean(axis=axes, keepdims=True) + eps)", "(np.sqrt((d * d).mean(axis=axes, keepdims=True)) + eps)", AGREE, "√v + ε for √(v + ε)"),
    layer_norm("unbiased", "(d * d).mean(axis=axes, keepdims=True)", "(d * d).sum(axis=axes, keepdims=True) / max(x.size // mean.size - 1, 1)", AGREE, "torch.std's default"),
    layer_norm("another_epsilon", "normalized_shape, eps=1e-5):\n    axes = last_axes(normalized_shape)\n    mean", "normalized_shape, eps=1e-5):\n    eps = eps / 10\n    axes = last_axes(normalized_shape)\n    mean", AGREE, "exactness.md: LayerNorm eps 1e-6 for 1e-5"),
    layer_norm("not_centred", "d = x - mean\n    r", "d = x\n    r", AGREE, "RMSNorm"),
    layer_norm("over_one_dimension", "return tuple(range(-n, 0))", "return (-1,)", AGREE, "clause"),
    layer_norm("weight_ignored", "y = normal if w is None else normal * w", "y = normal", AGREE, "clause"),
    layer_norm("bias_ignored", "(y if b is None else y + b), Saved", "y, Saved", AGREE, "clause"),
    layer_norm("mean_is_a_constant", NORMAL, "return g - normal * mean(g * normal)", ADJOINT, "clause"),
    layer_norm("variance_is_a_constant", NORMAL, "return g - mean(g)", ADJOINT, "clause"),
    layer_norm("gradient_without_the_weight", "g = dy * r if w is None else dy * w * r", "g = dy * r", ADJOINT, "clause"),
    layer_norm("gradient_of_the_weight_not_normalized", "(dy * normal).sum(axis=rows)", "(dy * x).sum(axis=rows)", ADJOINT, "clause"),
    layer_norm("raw_unbiased", "(d * d).mean(axes, keepdim=True)", "x.var(axes, keepdim=True)", AGREE, "torch.std's default"),
    layer_norm("custom_epsilon", "self.weight, self.bias, self.eps)", "self.weight, self.bias)", BITS, "clause"),
    # ── rms norm
    rms_norm("centred", "    r = 1.0 / np.sqrt((x", "    x = x - x.mean(axis=axes, keepdims=True)\n    r = 1.0 / np.sqrt((x", AGREE, "layer norm"),
    rms_norm("epsilon_of_layer_norm", "float(np.finfo(x.dtype).eps) if eps is None", "1e-5 if eps is None", AGREE, "layer norm's default"),
    rms_norm("epsilon_outside_the_root", "np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)", "(np.sqrt((x * x).mean(axis=axes, keepdims=True)) + eps)", AGREE, "√s + ε for √(s + ε)"),
    rms_norm("of_the_sum", "(x * x).mean(axis=axes, keepdims=True)", "(x * x).sum(axis=axes, keepdims=True)", AGREE, "clause: a unit vector"),
    rms_norm("weight_ignored", "(normal if w is None else normal * w)", "normal", AGREE, "clause"),
    rms_norm("weight_counts_from_one", "(normal if w is None else normal * w)", "(normal if w is None else normal * (1.0 + w))", AGREE, "Gemma's"),
    rms_norm("root_is_a_constant", "return g - normal * (g * normal).mean(axis=axes, keepdims=True), dw", "return g, dw", ADJOINT, "clause"),
    rms_norm("gradient_summed", "(g * normal).mean(axis=axes, keepdims=True), dw", "(g * normal).sum(axis=axes, keepdims=True), dw", ADJOINT, "clause"),
    rms_norm("gradient_without_the_weight", "g = dy * r if w is None else dy * w * r", "g = dy * r", ADJOINT, "clause"),
    rms_norm("gradient_of_the_weight_not_normalized", "(dy * normal).sum(", "(dy * normal / r).sum(", ADJOINT, "clause"),
    rms_norm("raw_epsilon_of_layer_norm", "torch.finfo(x.dtype).eps if eps is None", "1e-5 if eps is None", AGREE, "layer norm's default"),
    rms_norm("custom_epsilon", "self.weight, self.eps)", "self.weight)", BITS, "clause"),
    rms_norm("custom_other_default", "normalized_shape, eps=None, elementwise", "normalized_shape, eps=1e-6, elementwise", BORN, "T5's and Llama's"),
    # ── batch norm
    batch_norm("remembers_the_biased", "squares / (n - 1), momentum)\n    else:\n        mean, var, _ = stats\n        d = x - _spread(mean, x)\n    r", "squares / n, momentum)\n    else:\n        mean, var, _ = stats\n        d = x - _spread(mean, x)\n    r", AGREE, "pytorch#19902, #7028, #60528"),
    batch_norm("normalizes_by_the_unbiased", "        var = squares / n\n        if stats is not None:\n            stats = _followed(stats, mean, squares", "        var = squares / (n - 1)\n        if stats is not None:\n            stats = _followed(stats, mean, squares", AGREE, "pytorch#19902, #106366"),
    batch_norm("momentum_weighs_what_is_old", "(1 - m) * old + m * new", "m * old + (1 - m) * new", AGREE, "Keras's momentum"),
    batch_norm("cumulates_from_zero", "m = 1.0 / t if", "m = 1.0 / (t + 1) if", AGREE, "clause"),
    batch_norm("forgets_to_count", "unbiased), t)", "unbiased), t - 1)", AGREE, "clause"),
    batch_norm("remembers_in_evaluation", "of_batch = (0, 2)[: x.ndim - 1], training or stats is None", "of_batch = (0, 2)[: x.ndim - 1], True", ALONE, "wolny/pytorch-3dunet#53"),
    batch_norm("never_by_the_batch", "of_batch = (0, 2)[: x.ndim - 1], training or stats is None", "of_batch = (0, 2)[: x.ndim - 1], stats is None", AGREE, "joeynmt/joeynmt#184"),
    batch_norm("positions_apart", "rows, of_batch = (0, 2)[: x.ndim - 1]", "rows, of_batch = (0,)", AGREE, "clause"),
    batch_norm("one_row_is_normal", "    if n <= 1:", "    if n < 1:", ONE_ROW, "clause"),
    batch_norm("mean_is_a_constant", NORMAL, "return g - normal * mean(g * normal)", ADJOINT, "clause"),
    batch_norm("variance_is_a_constant", NORMAL, "return g - mean(g)", ADJOINT, "clause"),
    batch_norm("evaluation_differentiates_the_batch", "    if not of_batch:\n", "    if False:\n", ALONE, "clause"),
    batch_norm("epsilon_outside_the_root", "r = 1.0 / np.sqrt(var + eps)", "r = 1.0 / (np.sqrt(var) + eps)", AGREE, "√v + ε for √(v + ε)"),
    batch_norm("raw_remembers_the_biased", "squares.detach() / (n - 1)", "squares.detach() / n", AGREE, "pytorch#19902, #7028, #60528"),
    batch_norm("custom_does_not_count", "self.num_batches_tracked.add_(1)", "self.num_batches_tracked.add_(0)", AGREE, "clause", ("1.0 / float(self.num_batches_tracked)", "1.0 / float(self.num_batches_tracked + 1)")),
    batch_norm("custom_remembers_untracked", "untouched = self.training and not", "untouched = False and not", AGREE, "clause", ("        tracked = track_running_stats\n", "        tracked = True\n")),
    batch_norm("refuses_the_first_layout", "        if (local_metadata.get(\"version\") or 1) < 2 and", "        if False and", LAYOUT, "torch before 0.4.1 saved no count"),
    batch_norm("first_layout_counts_from_zero", "torch.tensor(0) if own is None or own.is_meta else own", "torch.tensor(0)", LAYOUT, "clause"),
    batch_norm("every_layout_may_lack_the_count", "if (local_metadata.get(\"version\") or 1) < 2 and self", "if self", LAYOUT, "clause"),
    batch_norm("any_dimensions", "if n not in (2, 3):", "if n < 2:", REFUSES, "clause"),
]
