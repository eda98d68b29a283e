"""Wrong generators: one for every clause of how words become numbers."""

from tests.planted import planter

EACH = "test_rng.test_each_draw_leaves_the_same_values_and_the_same_generator"
ROUNDED = "test_rng.test_a_multiply_add_is_rounded_once_or_twice"
CLAUSE = "test_rng.test_every_clause_is_read_as_torch_reads_it"
PRINTED = "test_rng.test_each_kernel_of_bernoulli_gives_the_masks_in_print"
DROPPED = "test_rng.test_what_is_drawn_equal_to_p_is_dropped"
EDGES = "test_rng.test_mcg31_gives_what_mkl_gives_at_its_edges"
SEEDS = "test_rng.test_any_64_bits_are_a_seed_of_which_32_count"
SCRIPT = "test_rng.test_a_script_of_draws_leaves_the_same_values_and_the_same_generator"


bug = planter("rng")

BUGS = [
    bug('seed_mod_2_32', 'n % 2**32', 'abs(n) % 2**32', EACH),
    bug('seed_63_bits', 'RandomState(n % 2**32)', 'RandomState(min(n, 2**63 - 1) % 2**32)', EACH, 'pytorch#42206'),
    bug('state_not_advanced', 'state._replace(**twister.state["state"])', 'state', EACH),
    bug('low_word_first', 'words[0::2] << 32 | words[1::2]', 'words[1::2] << 32 | words[0::2]', EACH),
    bug('rand_high_bits', 'words % 2**digits * 2.0**-digits', '(words >> np.uint64((64 if dtype == np.float64 else 32) - digits)) * 2.0**-digits', EACH),
    bug('rand_23_bits', 'digits = np.finfo(dtype).nmant + 1', 'digits = np.finfo(dtype).nmant', EACH),
    bug('rand_double_from_one_word', 'math.prod(shape), dtype == np.float64)', 'math.prod(shape), False)', EACH),
    bug('rand_closed', 'words % 2**digits * 2.0**-digits', 'words % 2**digits / (2**digits - 1)', EACH, 'pytorch#2740 (the symptom)'),
    bug('twice_for_once', '{"once": _fma,', '{"once": _twice,', ROUNDED),
    bug('once_for_twice', '"twice": _twice}', '"twice": _fma}', ROUNDED),
    bug('rounding_not_this_machines', 'return next(ways, "once")', 'return "twice" if next(ways) == "once" else "once"', EACH),
    bug('uniform_width_in_double', '(u, high - low, low)', '(u, np.float64(high) - np.float64(low), low)', CLAUSE),
    bug('uniform_reaches_high', 'np.where((x == high) & (not kept), low, x)', 'x', ROUNDED, 'tensorflow#51465, torch up to 2.11'),
    bug('uniform_high_below', '(not kept), low, x)', '(not kept), np.nextafter(high, low), x)', ROUNDED),
    bug('uniform_closed_elsewhere', 'kept = reaches_high() if', 'kept = not reaches_high() if', CLAUSE),
    bug('uniform_ends_in_double', 'low, high = dtype(low), dtype(high)', 'low, high = float(low), float(high)', EACH),
    bug('fma_float32_through_float64', '_odd(high, rest).astype(x.dtype)', '(high + rest).astype(x.dtype)', ROUNDED),
    bug('fma_float64_three_roundings', 'rest = _odd(*_two_sum(middle, lower))', 'rest = middle + lower', ROUNDED),
    bug('fma_no_product_error', '((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2', '0.0', ROUNDED),
    bug('randint_from_2_32', 'high - low >= 2**28', 'high - low >= 2**32', CLAUSE, 'torch-xpu-ops#3495'),
    bug('randint_above_2_28', 'high - low >= 2**28', 'high - low > 2**28', CLAUSE),
    bug('randint_inclusive', 'words % (high - low))', 'words % (high - low + 1))', EACH),
    bug('randint_low_forgotten', '.astype(np.int64).reshape(shape) + low', '.astype(np.int64).reshape(shape)', EACH),
    bug('random_below_largest', '_largest(kind) + 1', '_largest(kind)', EACH),
    bug('random_float_largest', 'return 2 ** (np.finfo(dtype).nmant + 1)', 'return 2 ** (np.finfo(dtype).nmant + 1) - 1', EACH),
    bug('random_32_bits', 'math.prod(shape), kind.itemsize == 8)', 'math.prod(shape), False)', EACH, 'pytorch#3042'),
    bug('random_signed', 'return 1 if dtype.kind == "b" else np.iinfo(dtype).max', 'return 1 if dtype.kind == "b" else 2 ** np.iinfo(dtype).bits - 1', EACH),
    bug('randperm_biased', 'j = word % (n - i)', 'j = (word % n) % (n - i)', EACH),
    bug('randperm_backwards', 'for i, word in enumerate(words.tolist()):\n        j = word % (n - i)\n        r[i], r[i + j] = r[i + j], r[i]', 'for i, word in zip(range(n - 1, 0, -1), words.tolist()):\n        j = word % (i + 1)\n        r[i], r[j] = r[j], r[i]', EACH, 'PaddlePaddle/Paddle#78614 (the kind)'),
    bug('randperm_one_word_more', 'max(n - 1, 0), False', 'n, False', EACH),
    bug('randperm_wide', 'max(n - 1, 0), False', 'max(n - 1, 0), True', EACH),
    bug('randperm_sattolo', 'j = word % (n - i)', 'j = 1 + word % (n - i - 1) if n - i > 1 else 0', EACH),
    bug('normal_kept_forgotten', 'next_normal=float(z[n]) if len(z) > n else None', 'next_normal=None', EACH),
    bug('normal_kept_not_returned', '[] if state.next_normal is None else [state.next_normal]', '[]', EACH, 'torch7#8'),
    bug('normal_sine_first', 'return np.stack([r * _cos(angle), r * _sin(angle)], -2)', 'return np.stack([r * _sin(angle), r * _cos(angle)], -2)', EACH),
    bug('normal_u_swapped', '_polar(np.sqrt(-2 * _log1p(-u[:, 1])), u[:, 0])', '_polar(np.sqrt(-2 * _log1p(-u[:, 0])), u[:, 1])', EACH),
    bug('normal_log_of_1_minus_u', '_log1p(-u[:, 1])', '_log(1 - u[:, 1])', CLAUSE),
    bug('normal_short_in_own_type', '_short_normal(state, n) if n < 16', '_short_normal(state, n) if n < 16 and dtype == np.float64', EACH),
    bug('normal_16_short', 'if n < 16 else', 'if n <= 16 else', CLAUSE, 'pytorch#80202'),
    bug('normal_all_short', 'if n < 16 else', 'if True else', EACH, 'pytorch#79703'),
    bug('normal_tail_kept', 'if n % 16:\n', 'if False:\n', EACH),
    bug('normal_tail_appended', 'z = np.concatenate([z[: n - 16], last])', 'z = np.concatenate([z, last[: n % 16]])', EACH),
    bug('normal_adjacent_pairs', 'u = u[: n - n % 16].reshape(-1, 2, 8).astype(np.float64)', 'u = u[: n - n % 16].reshape(-1, 8, 2).swapaxes(1, 2).astype(np.float64)', EACH),
    bug('normal_log_of_u', '_log(1 - u[:, 0])', '_log(np.maximum(u[:, 0], 2.0**-53))', EACH),
    bug('normal_half_angle', '2 * math.pi * u', 'math.pi * u', EACH),
    bug('normal_variance', 'kind(std)', 'kind(std**0.5)', EACH),
    bug('normal_rounds_as_uniform', 'rounding("normal_", kind, min(max(n, 15), 16))', '("twice" if rounding("normal_", kind, 16) == "once" else "once")', CLAUSE),
    bug('normal_long_drops_kept', 'z, state = _sixteens(state, n, dtype)\n    if', 'z, state = _sixteens(state._replace(next_normal=None), n, dtype)\n    if', EACH),
    bug('bernoulli_at_most', '(u.reshape(shape) < u.dtype.type(p))', '(u.reshape(shape) <= u.dtype.type(p))', DROPPED, 'pytorch#15356, #26807'),
    bug('bernoulli_inverted', '(u.reshape(shape) < u.dtype.type(p))', '(u.reshape(shape) >= u.dtype.type(p))', EACH),
    bug('bernoulli_rand', 'return rand_manual(state, (n,), np.float64)', 'return rand_manual(state, (n,), np.float32)', EACH, 'pytorch#94388'),
    bug('bernoulli_array_in_double', 'rand_manual(state, shape, p.dtype.type)', 'rand_manual(state, shape, np.float64)', EACH, 'pytorch#94388'),
    bug('bernoulli_always_mcg31', 'kernel or bernoulli_kernel()', 'kernel or "mcg31"', EACH, 'pytorch#84030, #121595'),
    bug('mcg31_multiplier', 'pow(1132489760, len(powers), m)', 'pow(1583458089, len(powers), m)', PRINTED),
    bug('mcg31_modulus', 'm, powers = 2**31 - 1,', 'm, powers = 2**31,', PRINTED),
    bug('mcg31_zero', 'np.maximum(word % m, 1)', 'word % m', EDGES, "Intel's notes on MCG31m1"),
    bug('mcg31_skips_first', 'np.ones(1, np.uint64)', 'np.full(1, 1132489760, np.uint64)', PRINTED),
    bug('mcg31_in_double', 'return x.astype(np.float32) * np.float32(2.0**-31), state', 'return x / m, state', EDGES, 'measured on MKL 2024.2'),
    bug('mcg31_wide_seed', 'word, state = _words(state, 1, False)', 'word, state = _words(state, 1, True)', PRINTED),
]
