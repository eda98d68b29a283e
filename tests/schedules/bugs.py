"""Wrong schedules."""

from tests.planted import planter

FORMULA = "test_families.test_rungs_leave_the_same_trace"
EXACT = "test_schedules.test_the_closed_form_is_the_chained_form_exactly"
PLATEAU = "test_families.test_rungs_leave_the_same_trace"
TOGETHER = "test_schedules.test_a_schedule_and_an_optimizer_take_the_same_steps"
BITS = "test_schedules.test_custom_is_native_bit_for_bit"
SAVED = "test_schedules.test_saved_states_are_interchangeable"
COPY = "test_schedules.test_a_copy_goes_on_like_the_original"
LIVES = "test_schedules.test_custom_and_native_live_through_the_same_lives"
DEFAULTS = "test_families.test_every_rung_has_natives_defaults"
TAKEN_UP = "test_schedules.test_custom_takes_up_a_run_where_native_does"
ORDER = "test_schedules.test_the_order_of_calls_is_remarked_on_in_natives_words"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
NOTHING = "test_schedules.test_what_no_schedule_can_start_on_is_refused_in_natives_words"
OWN = "test_schedules.test_a_schedule_of_ones_own_runs_alike_on_either_base"
ALIVE = "test_schedules.test_a_schedule_keeps_no_optimizer_alive"
JUMP = "test_schedules.test_a_jump_sets_the_rates_of_the_closed_form"
TENSOR = "test_schedules.test_a_rate_that_is_a_tensor_is_filled_in_place"
LOADED = "test_schedules.test_loading_leaves_the_saved_state_alone"

base = planter("schedules.lr_scheduler")
step, multi, exponential = (planter(f"schedules.{name}_lr") for name in ("step", "multi_step", "exponential"))
constant, linear, polynomial = (planter(f"schedules.{name}_lr") for name in ("constant", "linear", "polynomial"))
function, product = planter("schedules.lambda_lr"), planter("schedules.multiplicative_lr")
cosine, restarts = planter("schedules.cosine_annealing_lr"), planter("schedules.cosine_annealing_warm_restarts")
cyclic, one_cycle = planter("schedules.cyclic_lr"), planter("schedules.one_cycle_lr")
plateau, sequential = planter("schedules.reduce_lr_on_plateau"), planter("schedules.sequential_lr")
swalr = planter("schedules.swalr")
chained = planter("schedules.chained_scheduler")

BUGS = [
    # ── what every schedule shares
    base("never_warns", "if self._step_count == 1:", "if False:", ORDER, of="schedules.exponential_lr"),
    base("always_warns", "elif not getattr(optimizer, \"_opt_called\", False):", "else:", ORDER, of="schedules.exponential_lr"),
    base("does_not_watch", "        _watch(optimizer)\n", "", ORDER, of="schedules.exponential_lr"),
    base("watches_twice", "    if hasattr(optimizer.step, \"_wrapped_by_lr_sched\"):\n        return\n", "    optimizer._opt_called = False\n", ORDER, of="schedules.exponential_lr"),
    base("silent_about_an_epoch", "        if epoch is not None:\n            warn_of_epoch()\n        self._update", "        self._update", OWN),
    base("silent_outside_a_step", "if not scheduler._get_lr_called_within_step:", "if False:", ORDER, of="schedules.exponential_lr"),
    base("steps_from_minus_one", "self.last_epoch + 1 if epoch", "self.last_epoch + 2 if epoch", OWN),
    base("jumps_in_the_chained_form", "jump = epoch is not None and", "jump = False and", OWN, "pytorch#21623"),
    base("first_group_only", "            set_value(group, \"lr\", lr)\n", "            set_value(self.optimizer.param_groups[0], \"lr\", lr)\n", OWN),
    base("rate_not_remembered", "        self._last_lr = values(self.optimizer, \"lr\")\n", "        self._last_lr = lrs and self.base_lrs\n", OWN),
    base("initial_rate_overwritten", "group.setdefault(\"initial_lr\", lr)", "group[\"initial_lr\"] = lr", TAKEN_UP, of="schedules.lambda_lr"),
    base("initial_rate_is_the_rate_itself", "return [value.clone() if isinstance(value, torch.Tensor) else value for value in found]", "return found", BITS, "pytorch#162359", of="schedules.cosine_annealing_lr"),
    base("tensor_replaced", "    if isinstance(group[key], torch.Tensor):", "    if False:", TENSOR, "pytorch#162359", of="schedules.step_lr"),
    base("takes_anything_for_an_optimizer", "if not hasattr(optimizer, \"param_groups\"):", "if optimizer is None:", NOTHING, of="schedules.step_lr"),
    base("starts_without_an_initial_rate", "            if \"initial_lr\" not in group:", "            if group.setdefault(\"initial_lr\", group[\"lr\"]) is None:", NOTHING, of="schedules.step_lr"),
    base("saves_the_optimizer", "items() if key != \"optimizer\"}", "items()}", OWN),
    base("loads_nothing", "        self.__dict__.update(state_dict)\n", "", SAVED, of="schedules.step_lr"),
    base("stuck_in_its_first_step", "        setattr(scheduler, flag, False)\n", "        pass\n", OWN),
    base("keeps_its_optimizer_alive", "weakref.ref(optimizer)  # a", "(lambda: optimizer)  # a", ALIVE, of="schedules.exponential_lr"),
    base("takes_the_optimizers_step_away", "        return step(stepped, *args, **kwargs)\n", "", TOGETHER, of="schedules.linear_lr"),
    # ── step
    step("falls_at_once", "return lr * gamma if t > 0 and t % step_size == 0 else lr", "return lr * gamma if t % step_size == 0 else lr", FORMULA),
    step("falls_one_step_early", "gamma ** (t // step_size)", "gamma ** ((t + 1) // step_size)", FORMULA, "synthetic neighbour"),
    step("falls_once", "gamma ** (t // step_size)", "gamma ** min(t // step_size, 1)", FORMULA),
    step("custom_falls_at_once", "self.last_epoch == 0 or ", "", LIVES),
    step("custom_falls_from_the_initial_rate", "        return [lr * self.gamma for lr in lrs]\n", "        return [lr * self.gamma for lr in self.base_lrs]\n", FORMULA),
    step("closed_form_with_a_fraction", "self.last_epoch // self.step_size)", "self.last_epoch / self.step_size)", JUMP),
    step("other_default", "gamma: float = 0.1) -> float:\n    \"\"\"The rate after t steps, in", "gamma: float = 0.5) -> float:\n    \"\"\"The rate after t steps, in", DEFAULTS),
    step("raw_never_falls", "return lr * gamma if t > 0", "return lr if t > 0", EXACT),
    # ── multi step
    multi("all_at_once", "sum(m <= t for m in milestones)", "len(milestones)", FORMULA, "pytorch#31828, #36913"),
    multi("one_step_late", "sum(m <= t for", "sum(m < t for", FORMULA),
    multi("a_milestone_counts_once", "sum(m <= t for m in milestones)", "sum(m <= t for m in set(milestones))", FORMULA, "synthetic neighbour"),
    multi("raw_counts_once", "gamma ** milestones.count(t)", "gamma", EXACT),
    multi("custom_counts_once", "Counter(milestones)", "Counter(set(milestones))", FORMULA),
    multi("squared_at_the_milestone", "[lr * self.gamma ** self.milestones[self.last_epoch] for lr in lrs]", "[lr * self.gamma ** (2 * self.milestones[self.last_epoch]) for lr in lrs]", FORMULA, "pytorch#20486"),
    multi("closed_form_counts_all", "bisect_right(sorted(self.milestones.elements()), self.last_epoch)", "len(list(self.milestones.elements()))", JUMP, "pytorch#31828"),
    multi("closed_form_unsorted", "sorted(self.milestones.elements())", "list(self.milestones.elements())", JUMP),
    multi("closed_form_one_step_late", "passed = bisect_right(", "passed = __import__('bisect').bisect_left(", JUMP),
    # ── exponential
    exponential("decays_on_construction", "return lrs if self._is_initial else ", "return ", FORMULA, "pytorch#102261"),
    exponential("decays_on_being_taken_up", "return lrs if self._is_initial else ", "return lrs if self.last_epoch == 0 else ", TAKEN_UP, "pytorch#102261"),
    exponential("one_step_ahead", "gamma**t", "gamma ** (t + 1)", FORMULA),
    exponential("linear_decay", "lr * gamma**t", "lr * gamma * t", FORMULA),
    exponential("raw_never_decays", "return lr * gamma if t > 0 else lr", "return lr", EXACT),
    exponential("closed_form_from_the_last_rate", "self.gamma**self.last_epoch for lr in self.base_lrs", "self.gamma**self.last_epoch for lr in self.get_last_lr()", JUMP, "pytorch#21623"),
    # ── constant
    constant("one_step_too_long", "lr * factor if t < total_iters", "lr * factor if t <= total_iters", FORMULA, "synthetic neighbour"),
    constant("never_whole_again", " if t < total_iters else lr", "", FORMULA),
    constant("whole_from_the_start", "        return lr * factor\n    return lr * (1 / f", "        return lr\n    return lr * (1 / f", EXACT),
    constant("raw_divides_by_the_square", "lr * (1 / factor) if", "lr * (1 / factor**2) if", EXACT),
    constant("custom_divides", "lr * (1.0 / self.factor) for", "lr / self.factor for", BITS, "clause: the same bits need the same operation"),
    constant("closed_form_one_step_late", "(self.last_epoch >= self.total_iters)", "(self.last_epoch > self.total_iters)", JUMP),
    constant("accepts_any_factor", "if factor > 1.0 or factor < 0:", "if factor > 1.0:", REFUSES),
    constant("other_default", "factor: float = 1.0 / 3, total_iters: int = 5) -> float:\n    \"\"\"The rate after t steps, in", "factor: float = 1.0 / 2, total_iters: int = 5) -> float:\n    \"\"\"The rate after t steps, in", DEFAULTS),
    # ── linear
    linear("one_step_longer", "min(t, total_iters) / total_iters", "min(t, total_iters + 1) / (total_iters + 1)", FORMULA, "synthetic neighbour"),
    linear("never_ends", "min(t, total_iters) / total_iters", "t / total_iters", FORMULA),
    linear("from_nothing", "lr * (start_factor + (end", "lr * ((end", FORMULA),
    linear("ends_at_the_sum", "(end_factor - start_factor) * min", "end_factor * min", FORMULA),
    linear("raw_one_step_ahead", "(t - 1) * rise", "t * rise", EXACT),
    linear("raw_starts_whole", "        return lr * start_factor\n    if t", "        return lr\n    if t", EXACT),
    linear("raw_never_ends", "    if t > total_iters:\n        return lr\n", "", EXACT),
    linear("custom_never_ends", "self._is_initial or self.last_epoch > self.total_iters", "self._is_initial", FORMULA),
    linear("steps_on_being_taken_up", "self._is_initial or self.last_epoch > self.total_iters", "self.last_epoch > self.total_iters", TAKEN_UP),
    linear("custom_starts_whole", "            return [lr * self.start_factor for lr in lrs]", "            return lrs", FORMULA),
    linear("closed_form_never_ends", "min(self.total_iters, self.last_epoch)", "self.last_epoch", JUMP),
    linear("starts_from_nothing", "or start_factor <= 0:", "or start_factor < 0:", REFUSES),
    linear("ends_anywhere", "if end_factor > 1.0 or end_factor < 0:", "if end_factor < 0:", REFUSES),
    # ── polynomial
    polynomial("never_ends", "(1 - min(t, total_iters) / total_iters)", "(1 - t / total_iters)", FORMULA, "synthetic neighbour: unclamped"),
    polynomial("no_power", ") ** power\n\n\n# ── raw", ")\n\n\n# ── raw", FORMULA),
    polynomial("power_of_the_fraction", "(1 - min(t, total_iters) / total_iters) ** power", "(1 - (min(t, total_iters) / total_iters) ** power)", FORMULA),
    polynomial("raw_one_step_ahead", "(1 - t / total_iters) / (1 - (t - 1)", "(1 - (t + 1) / total_iters) / (1 - t", EXACT),
    polynomial("raw_stops_before_the_end", "if t == 0 or t > total_iters:", "if t == 0 or t >= total_iters:", EXACT),
    polynomial("custom_stops_before_the_end", "self._is_initial or t > end", "self._is_initial or t >= end", FORMULA),
    polynomial("custom_powers_apart", "((1.0 - t / end) / (1.0 - (t - 1) / end)) ** self.power", "(1.0 - t / end) ** self.power / (1.0 - (t - 1) / end) ** self.power", BITS, "clause: the same bits need the same operation"),
    polynomial("decays_on_being_taken_up", "self._is_initial or t > end", "t == 0 or t > end", TAKEN_UP),
    polynomial("closed_form_never_ends", "min(self.total_iters, self.last_epoch)", "self.last_epoch", JUMP),
    # ── functions
    function("multiplies_the_last", "return lr * lr_lambda(t)", "return lr if t == 0 else lambda_lr_manual(t - 1, lr, lr_lambda=lr_lambda) * lr_lambda(t)", FORMULA),
    function("one_step_ahead", "lr * lr_lambda(t)", "lr * lr_lambda(t + 1)", FORMULA),
    function("custom_multiplies_the_last", "function, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)", "function, lr in zip(self.lr_lambdas, [g['lr'] for g in self.optimizer.param_groups], strict=True)", FORMULA),
    function("one_function_for_all", "list(lr_lambda) if isinstance", "[lr_lambda[0]] * groups if isinstance", FORMULA),
    function("accepts_too_many", "        if len(self.lr_lambdas) != groups:", "        if len(self.lr_lambdas) < groups:", REFUSES),
    function("saves_no_state", "return None if isinstance(function, types.FunctionType) else function.__dict__.copy()", "return None", LIVES),
    function("loads_no_state", "                function.__dict__.update(state)", "                pass", "test_schedules.test_a_functions_state_is_loaded", "clause"),
    function("takes_the_state_apart", "state_dict[\"lr_lambdas\"], strict=False", "state_dict.pop(\"lr_lambdas\"), strict=False", LOADED, "pytorch#32756; torch's own CyclicLR, 2.13"),
    product("starts_at_zero", "range(1, t + 1)", "range(t + 1)", FORMULA),
    product("from_the_base", "for i in range(1, t + 1):", "for i in range(t, t + 1):", FORMULA),
    product("raw_starts_at_zero", "return lr * lr_lambda(t) if t > 0 else lr", "return lr * lr_lambda(t)", FORMULA),
    product("custom_starts_at_zero", "        if self._is_initial:\n            return lrs\n", "", FORMULA),
    product("takes_a_number", "            if not callable(function):", "            if function is None:", REFUSES),
    # ── cosine
    cosine("stays_down", "np.cos(np.pi * t / T_max)) / 2", "np.cos(np.pi * min(t, T_max) / T_max)) / 2", FORMULA, "synthetic neighbour: clamp after T"),
    cosine("one_step_shorter", "(1 + np.cos(np.pi * t / T_max)) / 2", "(1 + np.cos(np.pi * t / (T_max - 1 or 1))) / 2", FORMULA, "synthetic neighbour: T_max - 1"),
    cosine("no_floor", "return eta_min + (lr - eta_min) * (1", "return lr * (1", FORMULA),
    cosine("floor_added", "eta_min + (lr - eta_min) * (1", "eta_min + lr * (1", FORMULA),
    cosine("whole_period", "(1 + np.cos(np.pi * t / T_max)) / 2", "(1 + np.cos(2 * np.pi * t / T_max)) / 2", FORMULA),
    cosine("raw_stuck_in_the_valley", "(t - 1 - T_max) % (2 * T_max) == 0", "(t - 1 - T_max) == 0", FORMULA),
    cosine("raw_leaves_by_the_initial_rate", "(initial_lr - eta_min) * (1 - np", "initial_lr * (1 - np", FORMULA),
    cosine("raw_forgets_the_floor", "return ratio * (lr - eta_min) + eta_min", "return ratio * lr", FORMULA),
    cosine("custom_forgets_the_floor", "return [ratio * (lr - self.eta_min) + self.eta_min for lr in lrs]", "return [ratio * lr for lr in lrs]", FORMULA),
    cosine("custom_leaves_the_valley_by_the_closed_form", "lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2", "self.eta_min + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2", BITS, "clause: the same bits need the same operation"),
    cosine("steps_on_being_taken_up", "        if self._is_initial:\n            return lrs\n", "        if t == 0:\n            return lrs\n", TAKEN_UP),
    cosine("closed_form_stays_down", "1 + math.cos(math.pi * self.last_epoch / self.T_max)", "1 + math.cos(math.pi * min(self.last_epoch, self.T_max) / self.T_max)", JUMP),
    # ── warm restarts
    restarts("never_whole", "while t >= T_0:", "while t > T_0:", FORMULA),
    restarts("restarts_once", "while t >= T_0:", "if t >= T_0:", FORMULA, "pytorch#88791"),
    restarts("always_as_long", "t - T_0, T_0 * T_mult", "t - T_0, T_0", FORMULA),
    restarts("grows_by_addition", "t - T_0, T_0 * T_mult", "t - T_0, T_0 + T_mult", FORMULA),
    restarts("raw_never_restarts", "    if place >= length:\n        place, length = place % length, length * T_mult\n", "", FORMULA),
    restarts("custom_never_restarts", "            if self.T_cur >= self.T_i:", "            if False:", FORMULA),
    restarts("place_not_wrapped", "self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult", "self.T_cur, self.T_i = self.T_cur - self.T_i - 0 * self.T_mult, self.T_i * self.T_mult", TAKEN_UP, "pytorch#88791, #110497"),
    restarts("place_set_too_late", "        self.T_cur = last_epoch\n        super().__init__(optimizer, last_epoch)", "        super().__init__(optimizer, last_epoch)\n        self.T_cur = last_epoch", TAKEN_UP, "pytorch#49630, #52238, #36989"),
    restarts("jumps_to_the_wrong_place", "self.T_cur = epoch % self.T_0", "self.T_cur = epoch - self.T_0", JUMP, "pytorch#88791"),
    restarts("jumps_without_the_length", "            self.T_i = self.T_0 * self.T_mult**cycle\n", "", JUMP),
    restarts("goes_back_in_time", "        elif epoch < 0:", "        elif epoch < -9:", REFUSES),
    # ── cyclic
    cyclic("never_down", "x = place / up if place <= up else (up + down - place) / down", "x = place / (up + down)", FORMULA),
    cyclic("as_fast_down_as_up", "down = up if step_size_down is None else step_size_down", "down = up", FORMULA),
    cyclic("no_scale", "return base_lr + (max_lr - base_lr) * x * k, momentum", "return base_lr + (max_lr - base_lr) * x, momentum", FORMULA),
    cyclic("halves_in_the_first_cycle", "1 / 2 ** (cycle - 1), \"exp", "1 / 2**cycle, \"exp", FORMULA),
    cyclic("cycles_counted_from_zero", "t // (up + down) + 1, t", "t // (up + down), t", FORMULA),
    cyclic("scales_the_whole_rate", "return base_lr + (max_lr - base_lr) * x * k, momentum", "return (base_lr + (max_lr - base_lr) * x) * k, momentum", FORMULA),
    cyclic("momentum_goes_along", "max_momentum - (max_momentum - base_momentum) * x * k if", "base_momentum + (max_momentum - base_momentum) * x * k if", FORMULA),
    cyclic("scale_mode_ignored", "scale_fn(cycle if scale_mode == \"cycle\" else t)", "scale_fn(cycle)", FORMULA),
    cyclic("raw_top_is_the_other_share", "top = step_size_up / total", "top = 1 - step_size_up / total", FORMULA),
    cyclic("raw_scale_mode_ignored", "t if scale_mode == \"iterations\" else cycle", "t", FORMULA),
    cyclic("touches_the_momentum", "        if self.cycle_momentum:\n            bounds", "        if True:\n            bounds", FORMULA, "pytorch#19003"),
    cyclic("wants_a_momentum_anyway", "        if cycle_momentum:\n            self.use_beta1", "        if True:\n            self.use_beta1", LIVES, "pytorch#19003"),
    cyclic("custom_momentum_goes_along", "high - (high - low) * share * self.scale_fn(at) for low, high in bounds]\n            for", "low + (high - low) * share * self.scale_fn(at) for low, high in bounds]\n            for", FORMULA),
    cyclic("starts_where_the_optimizer_is", "                set_value(group, \"lr\", lr)\n", "                pass\n", LIVES),
    cyclic("custom_ignores_the_mode", "else MODES[mode]", "else scale_mode", FORMULA),
    cyclic("custom_from_the_other_end", "lrs = [low + (high - low) * share * self.scale_fn(at)", "lrs = [high - (high - low) * (1 - share * self.scale_fn(at))", BITS, "clause: the same bits need the same operation"),
    cyclic("forgets_the_second_beta", "(momentum, *group[\"betas\"][1:])", "(momentum, momentum)", LIVES),
    cyclic("cannot_be_pickled", "        self.mode = mode\n", "        self.mode = mode\n        self.scale = lambda x: x\n", COPY),
    cyclic("accepts_any_mode", "if mode not in MODES and scale_fn is None:", "if False:", REFUSES),
    cyclic("cycles_what_is_not_there", "    if \"momentum\" not in optimizer.defaults and", "    if False and", REFUSES),
    # ── one cycle
    one_cycle("ends_one_step_later", "max_lr, base_momentum), total_steps - 1", "max_lr, base_momentum), total_steps", FORMULA, "pytorch#91853, #91765"),
    one_cycle("top_one_step_later", "(pct_start * total_steps - 1, max_lr", "(pct_start * total_steps, max_lr", FORMULA, "pytorch#91853"),
    one_cycle("two_phases_always", "    if three_phase:\n        points", "    if False:\n        points", FORMULA, "pytorch#40362"),
    one_cycle("back_one_step_later", "2 * pct_start * total_steps - 2", "2 * pct_start * total_steps - 1", FORMULA),
    one_cycle("ends_at_the_start", "start / final_div_factor", "start", FORMULA),
    one_cycle("end_from_the_top", "start / final_div_factor", "max_lr / final_div_factor", FORMULA),
    one_cycle("starts_at_the_top", "start = max_lr / div_factor", "start = max_lr", FORMULA),
    one_cycle("always_linear", "    if anneal_strategy == \"cos\":", "    if False:", FORMULA),
    one_cycle("momentum_goes_along", "[(0, start, max_momentum), top", "[(0, start, base_momentum), top", FORMULA),
    one_cycle("phase_starts_at_zero", "s = (t - before) / (after - before)", "s = t / after", FORMULA),
    one_cycle("custom_two_phases_always", "if three_phase else [UP, DOWN]", "if False else [UP, DOWN]", FORMULA, "pytorch#40362"),
    one_cycle("custom_ends_one_step_later", "[self.total_steps - 1]", "[self.total_steps]", FORMULA, "pytorch#91853"),
    one_cycle("custom_momentum_forgotten", "                set_momentum(group, self.use_beta1, between(group, \"momentum\"))\n", "                pass\n", FORMULA),
    one_cycle("custom_annealed_from_the_other_end", "end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)", "start + (end - start) / 2.0 * (1 - math.cos(math.pi * share))", BITS, "clause: the same bits need the same operation"),
    one_cycle("steps_for_ever", "if self.last_epoch > self.total_steps:", "if False:", REFUSES),
    one_cycle("stops_at_the_end", "if self.last_epoch > self.total_steps:", "if self.last_epoch >= self.total_steps:", REFUSES),
    one_cycle("takes_a_product_of_nothing", "    _check_positive(\"epochs\", epochs)\n", "", REFUSES),
    one_cycle("accepts_any_start", "if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):", "if pct_start < 0:", REFUSES),
    # ── towards the rate of averaging
    swalr("waits_for_a_step", "if anneal_epochs > 0 else 1\n", "if anneal_epochs > 0 else min(t, 1)\n", FORMULA),
    swalr("never_arrives", "min(t, anneal_epochs) / anneal_epochs", "t / anneal_epochs", FORMULA),
    swalr("goes_the_other_way", "swa_lr * a + lr * (1 - a)", "swa_lr * (1 - a) + lr * a", FORMULA),
    swalr("always_linear", "if anneal_strategy == \"cos\" else s\n", "if False else s\n", FORMULA),
    swalr("raw_takes_the_last_rate_for_the_first", "(lr - before * swa_lr) / (1 - before) * (1 - now)", "lr * (1 - now)", FORMULA),
    swalr("custom_takes_the_last_rate_for_the_first", "end if before == 1 else (lr - before * end) / (1 - before) for", "end if before == 1 else lr for", FORMULA),
    swalr("custom_waits_for_a_step", "            step = max(1, step)\n", "            pass\n", FORMULA),
    swalr("counts_epochs", "step = self._step_count - 1", "step = self.last_epoch", TAKEN_UP),
    swalr("other_bits", "return [end * now + start * (1 - now)", "return [start + (end - start) * now", BITS, "clause: the same bits need the same operation"),
    swalr("accepts_any_length", "not isinstance(anneal_epochs, int) or anneal_epochs < 0", "anneal_epochs < -9", REFUSES),
    swalr("forgets_its_strategy", "        self._anneal_strategy = anneal_strategy\n", "        type(self)._anneal_strategy = anneal_strategy\n", LIVES),
    # ── plateau
    plateau("one_less_patience", "        if bad > patience:\n            lower", "        if bad >= patience:\n            lower", PLATEAU, "pytorch#2545, #7151"),
    plateau("no_patience", "        if bad > patience:\n            lower", "        if bad > 0:\n            lower", PLATEAU, "nitrain/nitrain#23"),
    plateau("no_cooldown", "lr, bad, cooling = lower if lr - lower > eps else lr, 0, cooldown\n", "lr, bad, cooling = lower if lr - lower > eps else lr, 0, 0\n", PLATEAU),
    plateau("counts_while_it_cools", "            cooling, bad = cooling - 1, 0\n        if bad > patience:\n            lower", "            cooling = cooling - 1\n        if bad > patience:\n            lower", PLATEAU),
    plateau("no_floor", "lower = lr * factor if lr * factor > min_lr else min_lr", "lower = lr * factor", PLATEAU),
    plateau("no_smallest_change", "lower if lr - lower > eps else lr, 0", "lower, 0", PLATEAU),
    plateau("always_absolute", "if threshold_mode == \"rel\" else best - threshold\n", "if False else best - threshold\n", PLATEAU),
    plateau("no_threshold", "best * (1 - sign * threshold) if threshold_mode == \"rel\" else best - threshold", "best", PLATEAU),
    plateau("always_the_least", "sign = 1 if mode == \"min\" else -1", "sign = 1", PLATEAU),
    plateau("an_equal_measure_is_better", "(m, 0) if m < needed", "(m, 0) if m <= needed", PLATEAU),
    plateau("bad_for_ever", "best, bad = (m, 0) if m < needed else", "best, bad = (m, bad) if m < needed else", PLATEAU),
    plateau("raw_forgets_the_best", "lr, State(best, bad, cooling)", "lr, State(metric, bad, cooling)", PLATEAU),
    plateau("custom_one_less_patience", "if self.num_bad_epochs > self.patience:", "if self.num_bad_epochs >= self.patience:", PLATEAU, "pytorch#2545, #7151"),
    plateau("custom_patience_not_renewed", "            self.cooldown_counter = self.cooldown\n            self.num_bad_epochs = 0\n", "            self.cooldown_counter = self.cooldown\n", PLATEAU),
    plateau("custom_first_floor_for_all", "for group, lowest in zip(groups, self.min_lrs, strict=True):", "for group, lowest in zip(groups, self.min_lrs[:1] * len(groups), strict=True):", PLATEAU),
    plateau("nan_is_better", "return metric < (", "return not metric >= (", PLATEAU),
    plateau("accepts_growth", "        if factor >= 1.0:", "        if False:", REFUSES),
    plateau("new_group_without_a_floor", "                raise RuntimeError(\n", "                RuntimeError(\n", REFUSES, "clause"),
    # ── several
    sequential("first_part_at_zero", "schedulers[bisect_right(milestones, 0) if TORCH >= (2, 13) else 0]", "schedulers[0]", FORMULA, "torch up to 2.12, pytorch#185872"),
    sequential("goes_on_from_the_part_before", "schedulers[i](since, lr if since > 0 else initial_lr, initial_lr)", "schedulers[i](since, lr, initial_lr)", FORMULA),
    sequential("parts_count_from_the_start", "return schedulers[i](t - [0, *milestones][i], lr)", "return schedulers[i](t, lr)", FORMULA),
    sequential("one_step_late", "sum(m <= t for m in milestones)\n", "sum(m < t for m in milestones)\n", FORMULA),
    sequential("milestone_is_a_step", "            scheduler._update_lr(0)\n", "            scheduler.step()\n", FORMULA, "pytorch#67586"),
    sequential("restarts_by_the_chained_form", "            scheduler._update_lr(0)\n", "            scheduler.last_epoch = -1\n            scheduler._update_lr()\n", FORMULA, "pytorch#67586"),
    sequential("nothing_is_undone", "        self.recursive_undo()\n", "", FORMULA),
    sequential("starts_where_the_parts_left_it", "            set_value(group, \"lr\", group[\"initial_lr\"])\n", "            pass\n", FORMULA),
    sequential("saves_no_parts", "[scheduler.state_dict() for scheduler in self._schedulers]", "[]", SAVED),
    sequential("counts_one_less", "self.last_epoch = last_epoch + 1", "self.last_epoch = last_epoch", FORMULA),
    sequential("accepts_a_plateau", "            if isinstance(scheduler, ReduceLROnPlateau):", "            if False:", REFUSES),
    sequential("accepts_another_optimizer", "            if optimizer != scheduler.optimizer:", "            if False:", REFUSES),
    sequential("accepts_a_milestone_too_many", "if len(milestones) != len(schedulers) - 1:", "if False:", REFUSES),
    chained("only_the_last", "        lr = lr * schedule(t, 1)\n    return lr", "        last = lr * schedule(t, 1)\n    return last", FORMULA),
    chained("sum_of_rates", "        lr = lr * schedule(t, 1)\n", "        lr = lr + schedule(t, 1)\n", FORMULA),
    chained("custom_only_the_last", "for scheduler in self._schedulers:\n            scheduler.step()", "for scheduler in self._schedulers[-1:]:\n            scheduler.step()", FORMULA),
    chained("rate_not_remembered", "            scheduler.step()\n        self._last_lr = values(self.optimizer, \"lr\")\n", "            scheduler.step()\n", LIVES),
    chained("accepts_no_part", "        if len(schedulers) < 1:", "        if False:", REFUSES),
]
