"""Wrong L-BFGS: of the formula, of the line search that all rungs but native share, and of what holds them."""

from tests.planted import planter

ADMITTED = "test_families.test_rungs_leave_the_same_trace"
AS_OFTEN = "test_lbfgs.test_every_rung_asks_as_often"
AS_LONG = "test_lbfgs.test_every_rung_goes_on_as_long"
LED = "test_lbfgs.test_custom_is_led_where_native_is"
BITS = "test_families.test_custom_is_native_bit_for_bit"
SAVED = "test_families.test_saved_states_are_interchangeable"
CAST = "test_lbfgs.test_a_loaded_state_is_of_the_dtype_of_its_parameters"
COPIED = "test_lbfgs.test_a_copy_of_custom_goes_on_as_custom_does"
CLOSURE = "test_lbfgs.test_the_closure_is_called_with_gradients_and_its_first_answer_is_returned"
DEFAULTS = "test_families.test_every_rung_has_natives_defaults"
SPARSE = "test_lbfgs.test_a_sparse_gradient_is_the_dense_one"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"

lbfgs = planter("optim.lbfgs")

BUGS = [
    # ── the formula, manual rung
    lbfgs("ascends", "state._replace(d=-g, **now)", "state._replace(d=g, **now)", ADMITTED),
    lbfgs("y_of_the_other_sign", "y, s = g - state.prev_flat_grad, state.t * state.d\n", "y, s = state.prev_flat_grad - g, state.t * state.d\n", ADMITTED),
    lbfgs("s_without_the_step_length", "y, s = g - state.prev_flat_grad, state.t * state.d\n", "y, s = g - state.prev_flat_grad, state.d\n", ADMITTED),
    lbfgs("pair_of_any_curvature", "ys = y @ s\n    if ys > 1e-10:", "ys = y @ s\n    if True:", ADMITTED, "Nocedal and Wright 2006, section 7.2: the curvature condition"),
    lbfgs("rho_outlives_its_pair", "ro = (*state.ro, 1.0 / ys)[-history_size:]", "ro = (*state.ro, 1.0 / ys)", ADMITTED, "pytorch#8824"),
    lbfgs("history_without_end", "(*state.old_dirs, y)[-history_size:], (*state.old_stps, s)[-history_size:]", "(*state.old_dirs, y), (*state.old_stps, s)", ADMITTED, "clause",
        ("ro = (*state.ro, 1.0 / ys)[-history_size:]", "ro = (*state.ro, 1.0 / ys)")),
    lbfgs("history_of_the_oldest", "(*state.old_dirs, y)[-history_size:], (*state.old_stps, s)[-history_size:]", "(*state.old_dirs, y)[:history_size], (*state.old_stps, s)[:history_size]", ADMITTED),
    lbfgs("rho_not_inverted", "(*state.ro, 1.0 / ys)", "(*state.ro, ys)", ADMITTED),
    lbfgs("first_scale_kept", ", H_diag=ys / (y @ y))", ")", ADMITTED, "Nocedal and Wright 2006, equation 7.20"),
    lbfgs("scale_of_the_step", "H_diag=ys / (y @ y))", "H_diag=(s @ s) / ys)", ADMITTED, "Barzilai and Borwein 1988, the other of the two"),
    lbfgs("oldest_pair_first", "for y, s, r in reversed(pairs):", "for y, s, r in pairs:", ADMITTED, "clause", ("zip(pairs, reversed(alphas), strict=True)", "zip(pairs, alphas, strict=True)")),
    lbfgs("alphas_in_the_wrong_order", "zip(pairs, reversed(alphas), strict=True)", "zip(pairs, alphas, strict=True)", ADMITTED),
    lbfgs("alpha_without_rho", "alphas.append(s @ q * r)", "alphas.append(s @ q)", ADMITTED),
    lbfgs("first_loop_steps_along_s", "q = q - alphas[-1] * y\n", "q = q - alphas[-1] * s\n", ADMITTED),
    lbfgs("not_scaled", "d = state.H_diag * q\n    for", "d = q\n    for", ADMITTED),
    lbfgs("second_loop_steps_along_y", "d = d + (a - y @ d * r) * s", "d = d + (a - y @ d * r) * y", ADMITTED),
    lbfgs("no_second_loop", "d = d + (a - y @ d * r) * s", "d = d + a * s", ADMITTED),
    lbfgs("first_step_not_shortened", "t = min(1.0, 1.0 / abs(g).sum()) * lr if state.n_iter == 1 else lr", "t = lr", ADMITTED),
    lbfgs("first_step_by_the_largest", "1.0 / abs(g).sum()", "1.0 / abs(g).max()", ADMITTED),
    lbfgs("every_step_shortened", "* lr if state.n_iter == 1 else lr\n        start = Point(0, loss, g, g @ d)\n        if start.slope > -tolerance_change:\n            state", "* lr\n        start = Point(0, loss, g, g @ d)\n        if start.slope > -tolerance_change:\n            state", ADMITTED),
    lbfgs("first_step_without_lr", "1.0 / abs(g).sum()) * lr", "1.0 / abs(g).sum())", ADMITTED),
    lbfgs("no_line_search", "        if line_search_fn:\n            found, asked", "        if False:\n            found, asked", ADMITTED),
    lbfgs("asks_after_the_last_iteration", "(at(t), 1) if i < max_iter else (start._replace(t=t), 0)\n        w, evals", "(at(t), 1)\n        w, evals", ADMITTED),
    lbfgs("counts_before_it_is_done", "evals, i, done = 1, 0, abs(g).max() <= tolerance_grad", "evals, i, done = 1, 0, abs(g).max() <= tolerance_grad; state = state._replace(n_iter=state.n_iter + bool(done))", ADMITTED, "pytorch#1039"),
    lbfgs("gradient_tolerance_of_the_sum", "evals, i, done = 1, 0, abs(g).max() <= tolerance_grad", "evals, i, done = 1, 0, abs(g).sum() <= tolerance_grad", AS_OFTEN),
    lbfgs("gradient_tolerance_at_the_start_alone", "            or abs(g).max() <= tolerance_grad\n            or abs(found.t", "            or abs(found.t", AS_OFTEN),
    lbfgs("uphill_all_the_same", "        if start.slope > -tolerance_change:\n            state", "        if start.slope > 1e30:\n            state", ADMITTED),
    lbfgs("goes_on_beyond_max_eval", "            evals >= max_eval\n            or abs(g).max() <=", "            abs(g).max() <=", ADMITTED, "pytorch#91581"),
    lbfgs("goes_on_without_moving", "            or abs(found.t * d).max() <= tolerance_change\n", "", AS_LONG),
    lbfgs("goes_on_without_progress", "            or abs(loss - start.loss) < tolerance_change\n        )\n    return w", "        )\n    return w", AS_LONG),
    lbfgs("max_eval_is_max_iter", "max_eval = max_iter * 5 // 4 if max_eval is None else max_eval\n\n    def look(w):\n        loss, g", "max_eval = max_iter if max_eval is None else max_eval\n\n    def look(w):\n        loss, g", AS_OFTEN),
    lbfgs("evaluations_of_this_step_alone", "state._replace(func_evals=state.func_evals + evals)", "state._replace(func_evals=evals)", ADMITTED),
    lbfgs("other_default", "history_size: int = 100,\n    line_search_fn: str | None = None,\n    maximize: bool = False,\n) -> tuple", "history_size: int = 10,\n    line_search_fn: str | None = None,\n    maximize: bool = False,\n) -> tuple", DEFAULTS, "optax's and SciPy's memory"),
    # ── the line search, which all rungs but native share
    lbfgs("armijo_without_slope", "p.loss > start.loss + c1 * p.t * start.slope", "p.loss > start.loss", BITS),
    lbfgs("armijo_of_the_slope_there", "p.loss > start.loss + c1 * p.t * start.slope", "p.loss > start.loss + c1 * p.t * p.slope", BITS),
    lbfgs("weak_wolfe", "abs(p.slope) <= -c2 * start.slope", "p.slope >= c2 * start.slope", BITS, "Nocedal and Wright 2006, equation 3.6 for 3.7"),
    lbfgs("other_curvature_constant", "c2: float = 0.9", "c2: float = 0.1", BITS, "Nocedal and Wright 2006: 0.1 is for conjugate gradients"),
    lbfgs("rise_unnoticed", "or (i > 1 and new.loss >= last.loss)", "", BITS),
    lbfgs("rise_noticed_at_once", "(i > 1 and new.loss >= last.loss)", "(i > 0 and new.loss >= last.loss)", BITS, "Nocedal and Wright 2006, algorithm 3.5 has it so"),
    lbfgs("upward_slope_unnoticed", "        if new.slope >= 0:\n            break\n", "", BITS),
    lbfgs("extends_at_most_twice", "new.t * 10)", "new.t * 2)", BITS),
    lbfgs("extends_by_any_little", "new.t + 0.01 * (new.t - last.t)", "new.t", BITS),
    lbfgs("line_search_without_limit", "g, g @ d)\n\n        if line_search_fn:\n            found, asked = strong_wolfe(at, start, t, abs(d).max(), max_eval - evals)", "g, g @ d)\n\n        if line_search_fn:\n            found, asked = strong_wolfe(at, start, t, abs(d).max(), 25)", ADMITTED, "pytorch#91581"),
    lbfgs("bracket_of_the_last_two_at_the_limit", "last if i < limit else start", "last", BITS),
    lbfgs("smallest_bracket_in_t", "* size < smallest", "< smallest", BITS),
    lbfgs("margin_of_a_half", "margin = 0.1 * (right - left)", "margin = 0.5 * (right - left)", BITS),
    lbfgs("never_pushed_inwards", "if near and (was_near or t >= right or t <= left):", "if False:", BITS),
    lbfgs("pushed_inwards_at_once", "if near and (was_near or t >= right or t <= left):", "if near:", BITS),
    lbfgs("pushed_to_the_other_end", "if abs(t - right) < abs(t - left) else", "if abs(t - right) > abs(t - left) else", BITS),
    lbfgs("zoom_accepts_a_rise", "if high(new) or new.loss >= bracket[low].loss:", "if high(new):", BITS),
    lbfgs("bracket_not_turned", "            low = 0 if bracket[0].loss <= bracket[1].loss else 1\n            continue", "            continue", BITS),
    lbfgs("high_end_kept", "            bracket[1 - low] = bracket[low]\n", "            pass\n", LED),
    lbfgs("zoom_never_satisfied", "        if flat(new):\n            break\n", "", BITS),
    lbfgs("evaluated_twice", "last, new, i = start, at(t), 0", "last, new, i = start, (at(t), at(t))[1], 0", BITS, "pytorch#36453"),
    lbfgs("quadratic_interpolation", "    root = square**0.5\n", "    return min(max(a.t - a.slope * (a.t - b.t) / (a.slope - b.slope), left), right)\n", BITS),
    lbfgs("interpolation_unbounded", "return min(max(t, left), right)", "return t", BITS),
    lbfgs("no_minimum_to_the_end", "return (left + right) / 2.0", "return right", BITS),
    lbfgs("interpolation_of_points_in_any_order", "first, last = (a, b) if a.t <= b.t else (b, a)", "first, last = a, b", LED),
    # ── raw
    lbfgs("raw_missing_gradient_left_out", "torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1)", "torch.ones_like(p) if p.grad is None else p.grad).reshape(-1)", ADMITTED),
    lbfgs("raw_closure_without_gradients", "        with torch.enable_grad():\n            loss = closure()\n        sign", "        loss = closure()\n        sign", CLOSURE),
    lbfgs("raw_ends_where_it_last_looked", "    state[\"func_evals\"] += evals\n    _put(w, params)\n", "    state[\"func_evals\"] += evals\n", ADMITTED),
    # ── custom
    lbfgs("returns_the_last_loss", "        return first\n", "        return loss\n", CLOSURE),
    lbfgs("closure_without_gradients", "    with torch.enable_grad():\n        loss = closure()\n    grads", "    loss = closure()\n    grads", CLOSURE),
    lbfgs("stays_where_it_looked", "        for p, x in zip(params, here, strict=True):\n            p.copy_(x)\n", "", BITS),
    lbfgs("multiplied_then_added", "p.add_(part.view_as(p), alpha=t)", "p.add_(t * part.view_as(p))", BITS, "clause: the same bits need the same operation", fused=True),
    lbfgs("ro_not_popped", "            if len(state[name]) == history_size:\n", "            if len(state[name]) == history_size and name != \"ro\":\n", BITS, "pytorch#8824"),
    lbfgs("state_of_every_parameter", "state = self.state[params[0]]  # of all of them", "state = self.state[params[-1]]", SAVED),
    lbfgs("history_not_cast", "        return [_cast(v, p) for v in value]", "        return value", CAST, "clause", file="optim.optimizer"),
    lbfgs("parameters_kept_by_the_object", "params, search = group[\"params\"],", "self.__dict__.setdefault(\"_params\", group[\"params\"]); params, search = self._params,", COPIED, "torch 2.13 (docs/divergences.md)",
        ("raise ValueError(\"LBFGS doesn't support per-parameter options (parameter groups)\")", "raise ValueError(\"LBFGS doesn't support per-parameter options (parameter groups)\")\n        self._params = self.param_groups[0][\"params\"]"),
        ("self.__dict__.setdefault(\"_params\", group[\"params\"]); ", "")),
    lbfgs("sparse_as_it_is", "(g.to_dense() if g.is_sparse else g).view(-1)", "g.view(-1)", SPARSE),
    lbfgs("takes_any_line_search", "if search not in (None, \"strong_wolfe\"):", "if False:", REFUSES),
    lbfgs("takes_two_groups", "        if len(self.param_groups) != 1:\n            raise ValueError", "        if len(self.param_groups) > 2:\n            raise ValueError", REFUSES),
]
