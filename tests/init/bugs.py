"""Wrong initializations."""

from tests.planted import planter

DRAWN = "test_families.test_rungs_leave_the_same_trace"
MANY = "test_init.test_torch_draws_the_same_at_any_size"
META = "test_init.test_what_has_no_memory_is_left_as_it_is"
LEAF = "test_init.test_a_parameter_is_filled_in_place_and_no_gradient_sees_it"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"

uniform, normal, constant, eye, dirac, gain = (planter(f"init.{name}") for name in ("uniform", "normal", "constant", "eye", "dirac", "calculate_gain"))
xavier_uniform, xavier_normal = planter("init.xavier_uniform"), planter("init.xavier_normal")
kaiming_uniform, kaiming_normal = planter("init.kaiming_uniform"), planter("init.kaiming_normal")
ones, zeros = planter("init.ones"), planter("init.zeros")
trunc_normal, orthogonal, sparse = planter("init.trunc_normal"), planter("init.orthogonal"), planter("init.sparse")

BUGS = [
    uniform("not_centred", "rng.uniform_manual(state, shape, a, b, dtype)", "rng.uniform_manual(state, shape, a if a == 0 else 0.0, b, dtype)", DRAWN, "denizyuret/Knet.jl#311, LBANN/lbann#316"),
    uniform("from_the_global_generator", "rng.uniform_raw(generator, shape, a, b, dtype)", "rng.uniform_raw(None, shape, b, b, dtype)", DRAWN, "clause"),
    uniform("seen_by_the_gradient", "@torch.no_grad()\n", "", LEAF, "clause"),
    uniform("of_a_copy", "return tensor.uniform_(", "return tensor.clone().uniform_(", DRAWN, "clause"),
    normal("given_its_variance", "rng.normal_manual(state, shape, mean, std, dtype)", "rng.normal_manual(state, shape, mean, std**0.5, dtype)", DRAWN, "clause"),
    normal("centred", "rng.normal_raw(generator, shape, mean, std, dtype)", "rng.normal_raw(generator, shape, 0.0, std, dtype)", DRAWN, "clause"),
    normal("default_of_embedding", "def normal_(\n    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0", "def normal_(\n    tensor: torch.Tensor, mean: float = 0.0, std: float = 0.02", DRAWN, "GPT-2's"),
    constant("draws", "return tensor.fill_(val)", "return tensor.uniform_().fill_(val)", DRAWN, "clause"),
    constant("rounded_to_an_integer", "np.full(shape, val, dtype)", "np.full(shape, int(val), dtype)", DRAWN, "clause"),
    ones("are_zeros", "constant_(tensor, 1)", "constant_(tensor, 0)", DRAWN, "clause"),
    ones("are_drawn", "return constant_manual(state, shape, 1, dtype)", "w, _ = constant_manual(state, shape, 1, dtype)\n    return w, __import__('impls.rng').rng.rand_manual(state, shape, dtype)[1]", DRAWN, "clause"),
    zeros("are_ones", "constant_raw(generator, shape, 0, dtype)", "constant_raw(generator, shape, 1, dtype)", DRAWN, "clause"),
    trunc_normal("draws_without_memory", "if tensor.is_meta and TORCH >= (2, 12):", "if False:", META, "found by this law, and torch up to 2.11"),
    trunc_normal("silent_of_bounds_of_nothing", "    while True:\n        drawn = fresh()", "    while pending.any():\n        drawn = fresh()", REFUSES, "found by this law"),
    eye("reversed", "np.eye(*shape, dtype=dtype)", "np.eye(*shape, dtype=dtype)[::-1]", DRAWN, "clause"),
    eye("square", "torch.eye(*shape, dtype=dtype, device=generator.device)", "torch.eye(max(shape), dtype=dtype)[: shape[0], : shape[1]].fliplr()", DRAWN, "clause"),
    eye("kept_what_was_there", "tensor.zero_().fill_diagonal_(1)", "tensor.fill_diagonal_(1)", DRAWN, "clause"),
    dirac("one_group", "for g in range(groups) for d in range(min(n, channels))", "for g in range(1) for d in range(min(n, channels))", DRAWN, "clause"),
    dirac("centre_left", "k // 2 for k in kernel", "(k - 1) // 2 for k in kernel", DRAWN, "clause"),
    dirac("groups_run_on", "(g * n + d, d, *centre)", "(g * n + d, (g * n + d) % channels, *centre)", DRAWN, "clause"),
    dirac("accepts_no_multiple", "if tensor.shape[0] % groups:", "if False:", REFUSES, "clause"),
    gain("slope_not_squared", "(0.01 if param is None else param) ** 2", "(0.01 if param is None else param)", DRAWN, "clause"),
    gain("slope_of_zero_is_the_default", "0.01 if param is None else param", "param or 0.01", DRAWN, "clause"),
    gain("of_tanh_is_one", '"tanh": 5 / 3', '"tanh": 1', DRAWN, "Keras has none"),
    gain("of_relu_is_two", '"relu": math.sqrt(2)', '"relu": 2', DRAWN, "the variance's"),
    gain("of_selu_is_one", '"selu": 3 / 4', '"selu": 1', DRAWN, "torch before 1.8"),
    gain("accepts_a_truth", "isinstance(param, bool) or ", "", REFUSES, "clause"),
    xavier_uniform("missing_parentheses", "math.sqrt(2 / sum(fans(shape)))", "math.sqrt(2 / fans(shape)[0] + fans(shape)[1])", DRAWN, "mlverse/torch#555"),
    xavier_uniform("bound_is_the_deviation", "    bound = math.sqrt(3) * xavier_std(shape, gain)\n    return uniform_manual", "    bound = xavier_std(shape, gain)\n    return uniform_manual", DRAWN, "clause"),
    xavier_uniform("kernel_forgotten", "inputs * field, outputs * field", "inputs, outputs", DRAWN, "clause"),
    xavier_uniform("not_centred", "uniform_manual(state, shape, -bound, bound, dtype)", "uniform_manual(state, shape, 0.0, bound, dtype)", DRAWN, "denizyuret/Knet.jl#311, LBANN/lbann#316"),
    xavier_uniform("ignores_its_gain", "return gain * math", "return math", DRAWN, "clause"),
    xavier_normal("of_the_bound", "normal_manual(state, shape, 0.0, xavier_std(shape, gain), dtype)", "normal_manual(state, shape, 0.0, 3**0.5 * xavier_std(shape, gain), dtype)", DRAWN, "clause"),
    xavier_normal("ignores_its_gain", "normal_(tensor, 0.0, xavier_std(tensor.shape, gain), generator)", "normal_(tensor, 0.0, xavier_std(tensor.shape, 1), generator)", DRAWN, "clause"),
    kaiming_uniform("generator_passed_by", "return uniform_(tensor, -bound, bound, generator)", "return uniform_(tensor, -bound, bound)", "test_init.test_a_generator_that_is_given_is_drawn_from", "mutmut"),
    kaiming_uniform("always_fan_in", "fans(shape)[MODES.index(mode.lower())]", "fans(shape)[0]", DRAWN, "clause"),
    kaiming_uniform("fans_swapped", "fans(shape)[MODES.index(mode.lower())]", "fans(shape)[1 - MODES.index(mode.lower())]", DRAWN, "Keras's kernel is transposed"),
    kaiming_uniform("ignores_its_slope", "calculate_gain(nonlinearity, a)", "calculate_gain(nonlinearity)", DRAWN, "clause"),
    kaiming_uniform("silent_of_nothing", '        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)\n', "", REFUSES, "clause"),
    kaiming_normal("of_linear", "def kaiming_normal_(\n    tensor: torch.Tensor,\n    a: float = 0,", "def kaiming_normal_(\n    tensor: torch.Tensor,\n    a: float = 5**0.5,", DRAWN, "clause"),
    kaiming_normal("variance", "0.0, kaiming_std(shape, a, mode, nonlinearity), dtype)\n\n\n# ── raw", "0.0, kaiming_std(shape, a, mode, nonlinearity) ** 2, dtype)\n\n\n# ── raw", DRAWN, "clause"),
    trunc_normal("bounds_in_deviations", "_redrawn(state, shape, mean, std, dtype(a), dtype(b), dtype)", "_redrawn(state, shape, mean, std, dtype(mean + a * std), dtype(mean + b * std), dtype)", DRAWN, "TensorFlow's truncated_normal"),
    trunc_normal("clipped", "w = np.where(outside, again, w)", "w = np.clip(w, a, b)", DRAWN, "clause"),
    trunc_normal("not_truncated", "while (outside := (w < a) | (w > b)).any():", "while (outside := (w > b)).any():", DRAWN, "clause"),
    trunc_normal("variance_compensated", "rng.normal_manual(state, shape, mean, std, dtype)\n    while", "rng.normal_manual(state, shape, mean, std / 0.87962566103423978, dtype)\n    while", DRAWN, "tensorflow/tensorflow#18706"),
    trunc_normal("always_redrawn", "    if _inside(mean, std, a, b) > 0.3:\n        return _redrawn", "    if True:\n        return _redrawn", DRAWN, "clause"),
    trunc_normal("peak_outside", "_log_density(max(a, min(mean, b)), mean, std)\n    while pending.any():\n        drawn, state", "0.0\n    while pending.any():\n        drawn, state", DRAWN, "clause"),
    trunc_normal("silent_of_a_mean_outside", "if mean < a - 2 * std or mean > b + 2 * std:", "if False:", REFUSES, "clause"),
    orthogonal("manual_signs_dropped", "np.where(rows == k, np.sign(r), 1.0)", "1.0", DRAWN, "Mezzadri 2007"),
    orthogonal("signs_are_the_columns", "np.where(x[k] < 0.0, norm, -norm)", "-norm", DRAWN, "clause: the sign of what is reflected"),
    orthogonal("projected_and_not_reflected", "2.0 / (v * v).sum()", "1.0 / (v * v).sum()", DRAWN, "clause"),
    orthogonal("reflected_whole", "np.where(rows < k, 0.0, a[:, k])", "a[:, k]", DRAWN, "clause: r is not triangular"),
    orthogonal("of_what_is_not_reduced", "        a = a - u * (v * a).sum(axis=0)\n", "", DRAWN, "clause"),
    orthogonal("reflections_the_other_way_round", "q - (q * v.T).sum(axis=1, keepdims=True) * u.T", "q - u * (v * q).sum(axis=0)", DRAWN, "clause: q transposed"),
    orthogonal("manual_wide_not_transposed", "return _householder(a.T).T", "return _householder(a.T).reshape(*a.shape)", DRAWN, "clause"),
    orthogonal("manual_ignores_its_gain", "(_householder(a) * gain)", "_householder(a)", DRAWN, "clause"),
    orthogonal("signs_dropped", "return q * r.diag().sign()", "return q", MANY, "Mezzadri 2007"),
    orthogonal("of_a_uniform_draw", ".normal_(0, 1, generator=generator)", ".uniform_(0, 1, generator=generator)", MANY, "tensorflow/tensorflow#10719"),
    orthogonal("wide_not_transposed", "return _orthogonal(a.T).T", "return _orthogonal(a.T).reshape(a.shape)", MANY, "clause"),
    orthogonal("ignores_its_gain", ".mul_(gain)", "", MANY, "clause"),
    orthogonal("accepts_a_vector", "if tensor.dim() < 2:", "if tensor.dim() < 1:", REFUSES, "clause"),
    sparse("draws_without_memory", "if tensor.is_meta and TORCH >= (2, 12):", "if False:", META, "found by this law, and torch up to 2.11"),
    sparse("rounds_down", "kept[order[: math.ceil(sparsity * rows)], j]", "kept[order[: math.floor(sparsity * rows)], j]", DRAWN, "clause"),
    sparse("same_rows_in_every_column", "    for j in range(columns):\n        order, state = rng.randperm_manual(state, rows)\n", "    order, state = rng.randperm_manual(state, rows)\n    for j in range(columns):\n", DRAWN, "clause"),
    sparse("keeps_what_it_should_drop", "tensor[torch.randperm(rows)[:zeros], j] = 0", "tensor[torch.randperm(rows)[zeros:], j] = 0", DRAWN, "clause"),
]
