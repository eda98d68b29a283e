"""Wrong training steps, loops, evaluations and clippings."""

from tests.planted import planter

STEPS = "test_training.test_a_few_steps_of_any_small_net_are_certified"
BITS = "test_training.test_custom_trains_like_native_bit_for_bit"
HOOKS = "test_training.test_a_step_calls_the_model_and_so_its_hooks"
LOOP = "test_training.test_an_epochs_loss_is_the_mean_over_rows"
VISITS = "test_training.test_an_epoch_visits_every_row_once"
MEAN = "test_training.test_evaluation_is_the_mean_over_rows_whatever_the_batch_size"
COUNT = "test_training.test_evaluation_counts_the_rows_that_are_right"
LEAVES = "test_training.test_evaluation_leaves_the_model_as_it_was"
CLIPS = "test_families.test_rungs_leave_the_same_trace"
CLIPS_BITS = "test_families.test_custom_is_native_bit_for_bit"
SHORT = "test_training.test_a_gradient_that_is_short_enough_is_left_alone"
SPREADS = "test_training.test_a_norm_that_is_not_finite_spreads"
TWICE = "test_training.test_a_gradient_that_is_listed_twice_counts_twice_and_is_scaled_twice"
LONE = "test_training.test_one_tensor_is_a_list_of_one"
ZERO = "test_training.test_the_norm_of_no_gradients_is_zero"
EMPTY = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
VALUE_BITS = "test_families.test_custom_is_native_bit_for_bit"
AVERAGE = "test_families.test_rungs_leave_the_same_trace"
AVERAGE_BITS = "test_families.test_custom_is_native_bit_for_bit"
DECAY = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
LOOK = "test_families.test_rungs_leave_the_same_trace"
LOOK_BITS = "test_averaging.test_custom_averages_a_model_like_native_bit_for_bit"
LOOK_SAVED = "test_averaging.test_a_saved_average_goes_on_in_the_other"
LOOK_REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
STATISTICS = "test_families.test_rungs_leave_the_same_trace"
STATISTICS_BITS = "test_averaging.test_custom_updates_statistics_like_native_bit_for_bit"
UNREAD = "test_averaging.test_without_batch_normalization_no_data_is_read"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
UNTOUCHED = "test_training.test_gradients_that_are_refused_are_left_alone"
VALUES = "test_families.test_rungs_leave_the_same_trace"
VALUE_TAKES = "test_training.test_clipping_by_value_takes_one_tensor_or_a_generator"
VALUE_NONE = "test_training.test_clipping_no_gradients_by_value_does_nothing"
WARNS = "test_families.test_custom_refuses_what_native_refuses_in_its_words"


def step(name, old, new, source="clause", law=STEPS):
    return planter("training.step")(name, old, new, law, source)


def loop(name, old, new, source="clause", law=LOOP):
    return planter("training.loop")(name, old, new, law, source)


def evaluation(name, law, old, new, source="clause"):
    return planter("training.evaluation")(name, old, new, law, source)


def clip(name, old, new, source="clause", law=CLIPS):
    return planter("training.clip_grad_norm")(name, old, new, law, source)


def value(name, old, new, source="clause", law=VALUES):
    return planter("training.clip_grad_value")(name, old, new, law, source)


def ema(name, old, new, source="clause", law=AVERAGE):
    return planter("training.ema")(name, old, new, law, source)


def swa(name, old, new, source="clause", law=AVERAGE):
    return planter("training.swa")(name, old, new, law, source)


def look(name, old, new, source="clause", law=LOOK):
    return planter("training.averaged_model")(name, old, new, law, source)


def statistics(name, old, new, source="clause", law=STATISTICS):
    return planter("training.update_bn")(name, old, new, law, source)


BUGS = [
    step("forgets_to_clear", "    optimizer.zero_grad()\n", "", "document 002: gradients accumulate"),
    step("clears_before_the_update", "    optimizer.step()\n", "    optimizer.zero_grad()\n    optimizer.step()\n"),
    step("raw_forgets_to_clear", "        p.grad = None\n", "        pass\n", "document 002: gradients accumulate"),
    step("steps_twice", "    optimizer.step()\n", "    optimizer.step()\n    optimizer.step()\n"),
    step("never_steps", "    optimizer.step()\n", ""),
    step("stays_in_evaluation_mode", "model.train()", "model.eval()", "joeynmt#184, coRNN#1"),
    step("does_not_clip", "        clip(model.parameters())\n", "        pass\n", "NVIDIA/OpenSeq2Seq#192"),
    step("clips_one_parameter", "clip(model.parameters())", "clip(next(model.parameters()))", "huggingface/transformers#614"),
    step("manual_does_not_clip", "grads, _ = clip(grads)", "clip(grads)", "NVIDIA/OpenSeq2Seq#192"),
    step("sees_no_input", "loss_fn(model(x), y)", "loss_fn(model(x * 0), y)"),
    step("calls_forward", "loss_fn(model(x), y)", "loss_fn(model.forward(x), y)", "document 004", HOOKS),
    step("scales_the_loss", "    loss.backward()\n", "    (loss * 2).backward()\n"),
    step("manual_backward_of_another_scale", "loss.backward(1.0, kept", "loss.backward(2.0, kept"),
    step("manual_keeps_old_parameters", "    params, state = optimizer_manual", "    _, state = optimizer_manual"),
    step("manual_forgets_its_state", "    params, state = optimizer_manual(update, params, grads, state)", "    params, state = optimizer_manual(update, params, grads, {})"),
    step("manual_reuses_its_masks", "saved, rng = sequential_manual.forward", "saved, _ = sequential_manual.forward"),
    step("draws_more_than_native", "    model.train()\n", "    model.train()\n    __import__('torch').rand(1) if type(optimizer).__module__.startswith('impls') else None\n", law=BITS),
    # ── the loop
    loop("mean_of_batch_means", "total += step(x, y).item() * len(x)\n            count += len(x)", "total += step(x, y).item()\n            count += 1", "transformers#24839"),
    loop("raw_mean_of_batch_means", ".item() * len(rows)", ".item() * batch_size", "OpenNMT-py#526"),
    loop("manual_divides_by_batches", "total / len(x), params", "total / -(-len(x) // batch_size), params", "zsyOAOA/ResShift#25"),
    loop("manual_same_order_every_epoch", "rows, cursor, rng = loader_manual.advance(cursor, rng)\n        while", "rows, cursor, _ = loader_manual.advance(cursor, rng)\n        while", "meta-pytorch/data#1441", VISITS),
    loop("manual_misses_the_last_batch", "        while rows is not None:\n", "        while rows is not None and len(rows) == min(batch_size, len(x)):\n", "source document 000: (n - 1) // bs", VISITS),
    loop("raw_misses_the_last_batch", "batch_size, shuffle=True, generator=generator)", "batch_size, True, len(x) > batch_size, generator=generator)", "source document 000: (n - 1) // bs", VISITS),
    loop("raw_does_not_shuffle", "shuffle=True, generator=generator)", "shuffle=False, generator=generator)", law=VISITS),
    # ── evaluation
    evaluation("never_undone", LEAVES, "            module.training = mode\n", "            pass\n", "joeynmt#184, vsepp#4"),
    evaluation("one_mode_for_all", LEAVES, "            module.training = mode\n", "            module.training = modes[0][1]\n", "found by a reviewer"),
    evaluation("always_back_to_training", LEAVES, "            module.training = mode\n", "            module.training = True\n"),
    evaluation("in_training_mode", MEAN, "    model.eval()\n", "", "pytorch-3dunet#53, pytorch_stacked_hourglass#44"),
    evaluation("manual_in_training_mode", MEAN, "params, training=False)\n        value", "params, __import__('impls.rng').rng.seed_manual(0), training=True)\n        value"),
    evaluation("mean_of_batch_means", MEAN, "total += loss_fn(prediction, y).item() * len(x)\n                count += len(x)", "total += loss_fn(prediction, y).item()\n                count += 1", "transformers#24839"),
    evaluation("raw_mean_of_batch_means", MEAN, ".item() * len(target)", ".item() * batch_size", "OpenNMT-py#526"),
    evaluation("misses_the_last_batch", MEAN, "range(0, len(x), batch_size)", "range(0, max(len(x) // batch_size, 1) * batch_size, batch_size)", "source document 000: (n - 1) // bs"),
    evaluation("with_gradients", LEAVES, "                total += loss_fn(prediction, y)", "                with torch.enable_grad():\n                    loss_fn(model(x), y).backward()\n                total += loss_fn(prediction, y)"),
    evaluation("counts_the_last_batch_only", COUNT, "correct = (correct or 0) + int(", "correct = int("),
    evaluation("raw_argmin", COUNT, "correct += int((prediction.argmax(dim=1)", "correct += int((prediction.argmin(dim=1)"),
    evaluation("manual_counts_along_rows", COUNT, "argmax(axis=1) == target", "argmax(axis=0)[: len(target)] == target[: prediction.shape[1]]"),
    # ── clipping
    clip("each_tensor_by_its_own_norm", "        for g in grads:\n            g.mul_(scale.to(g.device))", "        for g in grads:\n            g.mul_(torch.clamp(max_norm / (g.norm(norm_type) + 1e-6), max=1.0))", "huggingface/transformers#614"),
    clip("squared", "return np.sqrt(sum((a * a).sum() for a in arrays))", "return sum((a * a).sum() for a in arrays)", "paiml/entrenar#311"),
    clip("scales_up", "np.minimum(max_norm / (total + 1e-6), 1.0)", "max_norm / (total + 1e-6)", law=SHORT),
    clip("without_1e_6", "max_norm / (total + 1e-6), 1.0", "max_norm / total, 1.0"),
    clip("does_nothing", "return _scaled(grads, np.minimum", "return _scaled(grads, 1.0 + 0 * np.minimum", "NVIDIA/OpenSeq2Seq#192"),
    clip("raw_without_1e_6", "max_norm / (total + 1e-6), max=1.0)\n    return", "max_norm / total, max=1.0)\n    return"),
    clip("always_the_2_norm", "norms = [_norm([g], norm_type)", "norms = [_norm([g], 2)"),
    clip("inf_is_the_smallest", "[abs(a).max() for a in arrays]", "[-abs(a).max() for a in arrays]"),
    clip("trips_over_a_missing_gradient", "if p.grad is not None]\n    if not grads:\n        return torch.tensor(0.0)\n    with", "]\n    if not grads:\n        return torch.tensor(0.0)\n    with", "pytorch#38615"),
    clip("returns_the_clipped_norm", "            g.mul_(scale.to(g.device))\n    return total", "            g.mul_(scale.to(g.device))\n    return total * scale"),
    clip("norm_of_everything_at_once", "total = torch.linalg.vector_norm(torch.stack(norms), norm_type)", "total = torch.linalg.vector_norm(torch.cat([g.flatten() for g in grads]), norm_type)", "clause: the same bits need the same order", CLIPS_BITS),
    clip("infinite_norm_accepted", "if error_if_nonfinite and not total.isfinite():", "if error_if_nonfinite and total.isnan():", law=REFUSES),
    clip("silent_about_nothing", "        if not parameters:\n            warnings", "        if False:\n            warnings", law=WARNS),
    clip("counts_all", "    total = _norm(norms, norm_type)\n", "    total = sum(norms) if norm_type == 0 else _norm(norms, norm_type)\n"),
    clip("negative_inf_is_the_largest", "functools.reduce(np.minimum, [-(-abs(a)).max()", "functools.reduce(np.maximum, [abs(a).max()"),
    clip("zero_is_one", "np.where(abs(a) <= 0, 0 * a, 0 * a + 1)", "(0 * a + 1)"),
    clip("no_root", "for a in arrays) ** (1 / p)", "for a in arrays)"),
    clip("swallows_a_nan", "functools.reduce(np.maximum, ", "functools.reduce(np.fmax, ", law=SPREADS),
    clip("hides_a_nan", "scale = torch.clamp(float(max_norm) / (total + 1e-6), max=1.0)", "scale = torch.clamp(torch.nan_to_num(float(max_norm) / (total + 1e-6)), max=1.0)", law=SPREADS),
    clip("each_gradient_once", "params = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)", "params = [parameters] if isinstance(parameters, torch.Tensor) else list(dict.fromkeys(parameters))", law=TWICE),
    clip("iterates_over_one_tensor", "params = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)", "params = list(parameters)", law=LONE),
    clip("scales_before_it_refuses", "        if error_if_nonfinite and", "        for g in grads:\n            g.mul_(0)\n        if error_if_nonfinite and", law=UNTOUCHED),
    clip("infinite_where_there_is_nothing", "        norms = [torch", "        grads = [g for g in grads if g.numel()] or [torch.zeros(1)]\n        norms = [torch", law=EMPTY),
    clip("no_norm_of_nothing", "    if not norms:\n        return grads, 0.0\n", "", law=ZERO),
    # ── clipping by value
    value("one_sided", "np.minimum(np.maximum(grads, -clip_value), clip_value)", "np.minimum(grads, clip_value)"),
    value("raw_does_nothing", "            p.grad.copy_(torch.clamp(p.grad, -clip_value, clip_value))", "            torch.clamp(p.grad, -clip_value, clip_value)", "NVIDIA/OpenSeq2Seq#192"),
    value("custom_one_sided", ".clamp_min_(-clip_value).clamp_max_(clip_value)", ".clamp_max_(clip_value)"),
    value("refuses_an_empty_interval", ".clamp_min_(-clip_value).clamp_max_(clip_value)", ".clamp_max_(clip_value).clamp_min_(-clip_value)", law=VALUE_BITS),
    value("trips_over_a_missing_gradient", "            if p.grad is not None:\n                p.grad.clamp_min_", "            if True:\n                p.grad.clamp_min_", "pytorch#38615", VALUE_NONE),
    value("takes_no_lone_tensor", "[parameters] if isinstance(parameters, torch.Tensor) else parameters", "parameters", law=VALUE_TAKES),
    # ── averaging
    ema("decay_weighs_what_is_new", "return decay * average + (1 - decay) * current\n", "return (1 - decay) * average + decay * current\n", "clause: as momentum does in batch normalization"),
    ema("no_decay", "return decay * average + (1 - decay) * current\n", "return average + (1 - decay) * current\n"),
    ema("raw_forgets_to_decay", "        average *= decay\n", ""),
    ema("raw_out_of_place", "        average += (1 - decay) * current", "        average = average + (1 - decay) * current"),
    ema("custom_towards_the_new", "return decay * ema_param + (1 - decay) * current_param", "return ema_param + (1 - decay) * (current_param - ema_param)", "clause: the same bits need the same operation", AVERAGE_BITS),
    ema("many_the_other_way", "average.lerp_(current, 1 - decay)", "average.lerp_(current, decay)", law=AVERAGE_BITS),
    ema("only_the_first_of_many", "in zip(ema_param_list, current_param_list, strict=True)", "in list(zip(ema_param_list, current_param_list, strict=True))[:1]", law=AVERAGE_BITS),
    ema("many_by_one_formula", "average.lerp_(current, 1 - decay)", "average.mul_(decay).add_(current, alpha=1 - decay)", "clause: the same bits need the same operation", AVERAGE_BITS),
    ema("accepts_growth", "if decay < 0.0 or decay > 1.0:", "if decay < 0.0:", law=DECAY),
    swa("one_of_n", "(current - average) / (num_averaged + 1)\n\n\n# ── raw", "(current - average) / num_averaged\n\n\n# ── raw"),
    swa("adds_up", "return average + (current - average) / (num_averaged + 1)", "return average + current / (num_averaged + 1)"),
    swa("raw_halves", "average += (current - average) / (num_averaged + 1)", "average += (current - average) / 2"),
    swa("custom_multiplies", "(current_param - averaged_param) / (num_averaged + 1)", "(current_param - averaged_param) * (1.0 / (num_averaged + 1))", "clause: the same bits need the same operation", AVERAGE_BITS),
    swa("many_in_float64", "float(1 / (num_averaged + 1))", "1 / (float(num_averaged) + 1)", "clause: the same bits need the same operation", AVERAGE_BITS),
    look("counts_the_copy", "return w if n == 0 else average(a, w, n)", "return average(a, w, n + 1)"),
    look("never_averages", "return w if n == 0 else average(a, w, n)", "return w"),
    look("keeps_the_first", "return w if n == 0 else average(a, w, n)", "return w if n == 0 else a"),
    look("manual_counts_nothing", "average), n + 1", "average), n"),
    look("raw_counts_the_copy", "        if n == 0:\n            a.data", "        if n < 0:\n            a.data"),
    look("custom_counts_the_copy", "        if self.n_averaged == 0:\n", "        if self.n_averaged < 0:\n", "clause"),
    look("custom_counts_nothing", "        self.n_averaged += 1\n", "        pass\n"),
    look("averages_the_model_itself", "self.module = copy.deepcopy(model)", "self.module = model"),
    look("averages_half", "(a.detach(), w.detach().to(a.device)) for a, w in both]", "(a.detach(), w.detach().to(a.device)) for a, w in both][:1]"),
    look("leaves_buffers_behind", "        if not self.use_buffers:\n", "        if False:\n", law=LOOK_BITS),
    look("always_copies_buffers", "        if not self.use_buffers:\n", "        if True:\n", law=LOOK_BITS),
    look("never_averages_buffers", " if self.use_buffers else model.parameters()", " if False else model.parameters()", law=LOOK_BITS),
    look("ignores_what_is_asked", "average = self.avg_fn or get_swa_avg_fn()", "average = get_swa_avg_fn()"),
    look("ignores_what_is_asked_of_many", "        elif self.multi_avg_fn is not None:", "        elif False:", law=LOOK_BITS),
    look("count_is_not_saved", "self.register_buffer(\"n_averaged\", torch.tensor(0, dtype=torch.long, device=device))", "self.n_averaged = torch.tensor(0)", law=LOOK_SAVED),
    look("accepts_two_averages", "if avg_fn is not None and multi_avg_fn is not None:", "if False:", law=LOOK_REFUSES),
    statistics("in_evaluation_mode", "    model.train()\n", "    model.eval()\n"),
    statistics("not_reset", "        module.reset_running_stats()\n", "", law=STATISTICS_BITS),
    statistics("follows_slowly", "        module.momentum = None\n", "        pass\n"),
    statistics("momentum_lost", "        module.momentum = momentum\n", "        pass\n"),
    statistics("stays_in_training_mode", "    model.train(training)\n", ""),
    statistics("feeds_the_target", "batch[0] if isinstance(batch, list | tuple) else batch", "batch[-1] if isinstance(batch, list | tuple) else batch"),
    statistics("manual_follows_slowly", "stats = batch_norm1d_manual.forward(x, stats=stats, momentum=None)", "stats = batch_norm1d_manual.forward(x, stats=stats)"),
    statistics("raw_follows_slowly", "stats = batch_norm1d_raw(x, stats=stats, momentum=None)", "stats = batch_norm1d_raw(x, stats=stats)"),
    statistics("reads_data_for_nothing", "    if not momenta:\n        return\n", "", law=UNREAD),
]
