"""Wrong optimizers."""

from tests.planted import planter

TRACE = "test_optim.test_rungs_leave_the_same_trace"
ANY_STATE = "test_optim.test_rungs_take_the_same_step_from_any_state"
LIVES = "test_optim.test_custom_and_native_live_through_the_same_lives"
BITS = "test_optim.test_custom_is_native_bit_for_bit"
MISSING = "test_optim.test_a_missing_gradient_is_not_a_zero_gradient"
DEFAULTS = "test_optim.test_every_rung_has_natives_defaults"
SAVED = "test_optim.test_saved_states_are_interchangeable"
ALONE = "test_optim.test_parameters_do_not_touch_each_other"
SGD_REFUSES = "test_optim.test_sgd_refuses_its_own_bad_options_in_natives_words"
ADAM_REFUSES = "test_optim.test_adam_refuses_its_own_bad_options_in_natives_words"

SGD_SIGN = "    g = -g if maximize else g\n    g = g + weight"
SGD_AVERAGE = "momentum * state.momentum_buffer + (1 - dampening) * g"
SGD_DECAY = "    g = g + weight_decay * w if weight_decay else g\n"
SGD_STEP = "return w - lr * (g + momentum * b if nesterov else b), State(b)"
ADAM_BRANCH = "    if weight_decay and decoupled_weight_decay:\n        w"
ADAM_BELOW = "denominator = np.sqrt(s if amsgrad else v) / (1 - beta2**t) ** 0.5 + eps"
ADAM_STEP = "return w - lr / (1 - beta1**t) * m / denominator, State(t, m, v, s)"


sgd, adam = planter("optim.sgd"), planter("optim.adam")

BUGS = [
    # ── sgd: one bug per clause of the formula, manual rung
    sgd("not_maximized", SGD_SIGN, "    g = g + weight", TRACE, "clause"),
    sgd("no_decay", SGD_DECAY, "", TRACE, "kozistr/pytorch_optimizer#517, tinygrad#17708"),
    sgd("decay_needs_momentum", "weight_decay * w if weight_decay", "weight_decay * w if weight_decay and momentum", TRACE, "ml-explore/mlx#440"),
    sgd("decay_without_the_weight", "weight_decay * w if", "weight_decay if", TRACE, "jettify/pytorch-optimizer#454"),
    sgd("decay_decoupled", SGD_DECAY, "    w = w - lr * weight_decay * w\n", TRACE, "pytorch#22466"),
    sgd("decay_before_the_sign", "    g = -g if maximize else g\n" + SGD_DECAY, SGD_DECAY + "    g = -g if maximize else g\n", TRACE, "clause"),
    sgd("first_gradient_dampened", "b = g if state", "b = (1 - dampening) * g if state", TRACE, "ml-explore/mlx#473"),
    sgd("never_dampened", SGD_AVERAGE, "momentum * state.momentum_buffer + g", TRACE, "accelerated-model-architectures#436"),
    sgd("average_instead_of_sum", SGD_AVERAGE, "momentum * state.momentum_buffer + (1 - momentum) * g", TRACE, "ml-explore/mlx#87"),
    sgd("momentum_and_dampening_swapped", SGD_AVERAGE, "dampening * state.momentum_buffer + (1 - momentum) * g", TRACE, "NVIDIA/warp#1143"),
    sgd("no_momentum", SGD_AVERAGE, "g", TRACE, "clause"),
    sgd("lr_inside_velocity", SGD_AVERAGE, "momentum * state.momentum_buffer + lr * (1 - dampening) * g", TRACE, "Sutskever et al. 2013, Keras; pytorch#32545",
        ("b = g if state", "b = lr * g if state"), (SGD_STEP, "return w - b, State(b)")),
    sgd("no_nesterov", "w - lr * (g + momentum * b if nesterov else b)", "w - lr * b", TRACE, "clause"),
    sgd("nesterov_without_momentum", "w - lr * (g + momentum * b if", "w - lr * (g + b if", TRACE, "clause"),
    sgd("ascends", "return w - lr * g, state", "return w + lr * g, state", TRACE, "PaddlePaddle/Paddle#4743 (Adagrad)"),
    sgd("other_default", "state=State(), *, lr=1e-3", "state=State(), *, lr=1e-2", DEFAULTS, "clause"),
    # ── sgd: the raw rung
    sgd("raw_buffer_aliases_the_gradient", "g.clone()\n                s", "g\n                s", TRACE, "found by this suite",
        ("                b = momentum * s", "                b = s['momentum_buffer'].mul_(momentum).add_((1 - dampening) * g) if s else g\n                b0 = momentum * s")),
    sgd("raw_steps_on_no_gradient", "            if p.grad is None:\n                continue\n            g = -p.grad", "            if p.grad is None:\n                p.grad = torch.zeros_like(p)\n            g = -p.grad", MISSING, "pytorch#83769"),
    # ── sgd: the custom rung
    sgd("decays_the_gradient_itself", "g = g.add(p, alpha=group", "g = g.add_(p, alpha=group", TRACE, "pytorch#92706, #83858"),
    sgd("nesterov_writes_the_gradient", "g = g.add(b, alpha=momentum)", "g = g.add_(b, alpha=momentum)", TRACE, "torch's own foreach=True, 2.13"),
    sgd("buffer_aliases_the_gradient", "g.detach().clone()", "g.detach()", TRACE, "clause"),
    sgd("state_shared_by_the_group", "state = self.state[p]", "state = self.state[group['params'][0]]", ALONE, "clause"),
    sgd("unfused_update", "p.add_(g, alpha=-float(group[\"lr\"]))", "p.sub_(float(group[\"lr\"]) * g)", BITS, "clause: the same bits need the same operation"),
    sgd("accepts_a_negative_momentum", "if momentum < 0.0:", "if momentum < -1.0:", SGD_REFUSES, "clause"),
    # ── what every optimizer shares
    sgd("missing_gradient_is_zero", "                    if p.grad is not None:\n                        self.update(p, p.grad, group)", "                    self.update(p, torch.zeros_like(p) if p.grad is None else p.grad, group)", MISSING, "pytorch#83769, #42754", file="optim.optimizer"),
    sgd("manual_missing_gradient_stops_the_rest", "            new_params[name], new_states[name] = w, state\n", "            return params, states\n", TRACE, "clause", file="optim.optimizer"),
    sgd("state_loaded_in_reverse", "_flat(saved), _flat(self.param_groups)", "_flat(saved), _flat(self.param_groups)[::-1]", SAVED, "pytorch#1489, #6031", file="optim.optimizer"),
    sgd("state_not_loaded", "for key, value in state_dict[\"state\"].items()", "for key, value in {}.items()", SAVED, "clause", file="optim.optimizer"),
    sgd("options_not_loaded", ", \"param_groups\": saved}", "}", SAVED, "pytorch#29697 (a scheduler's)", file="optim.optimizer"),
    sgd("zero_grad_forgets", "p.grad.zero_()", "p.grad", TRACE, "clause", file="optim.optimizer"),
    sgd("new_group_without_options", "param_group.setdefault(name, default)", "param_group[name] = default", LIVES, "clause", file="optim.optimizer"),
    sgd("accepts_a_parameter_twice", "raise ValueError(\"some parameters appear in more", "ValueError(\"some parameters appear in more", "test_optim.test_custom_refuses_what_native_refuses_in_its_words", "clause", file="optim.optimizer"),
    # ── adam: one bug per clause of the formula, manual rung
    adam("not_maximized", "    g = -g if maximize else g\n", "", TRACE, "clause"),
    adam("maximized_twice", "g = -g if maximize else g", "g = -(-g) if maximize else g", TRACE, "pytorch#75968"),
    adam("no_decay", "        g = g + weight_decay * w\n", "        pass\n", TRACE, "kozistr/pytorch_optimizer#517"),
    adam("decay_always_decoupled", ADAM_BRANCH, "    if weight_decay:\n        w", TRACE, "FlagGems#4988, nntrainer#3527"),
    adam("decay_never_decoupled", ADAM_BRANCH, "    if False:\n        w", TRACE, "keras-team/keras#19051"),
    adam("decay_without_lr", "(1 - lr * weight_decay) * w", "(1 - weight_decay) * w", TRACE, "pytorch#22466"),
    adam("decay_after_the_step", "        w = (1 - lr * weight_decay) * w\n", "        pass\n", TRACE, "clause",
        (ADAM_STEP, "w = w - lr / (1 - beta1**t) * m / denominator\n    return (1 - lr * weight_decay) * w if decoupled_weight_decay else w, State(t, m, v, s)")),
    adam("decay_inside_the_division", "        g = g + weight_decay * w\n", "        eps = eps + weight_decay * w\n", TRACE, "joennlae/tensorli#1"),
    adam("moment_without_weight", "beta1 * state.exp_avg + (1 - beta1) * g", "beta1 * state.exp_avg + g", TRACE, "metaopt/torchopt#54 (RMSprop)"),
    adam("first_moment_forgets", "beta1 * state.exp_avg + (1 - beta1) * g", "(1 - beta1) * g", TRACE, "clause"),
    adam("second_moment_forgets", "beta2 * state.exp_avg_sq + (1 - beta2) * (g * g)", "(1 - beta2) * (g * g)", TRACE, "clause"),
    adam("betas_swapped", "beta1, beta2 = betas\n    t", "beta2, beta1 = betas\n    t", TRACE, "NVIDIA/warp#1143 (arguments permuted)"),
    adam("gradient_not_squared", "(1 - beta2) * (g * g)", "(1 - beta2) * abs(g)", TRACE, "clause"),
    adam("no_first_correction", "lr / (1 - beta1**t) * m", "lr * m", TRACE, "unsloth-zoo#819, ml-explore/mlx#1640"),
    adam("no_second_correction", "/ (1 - beta2**t) ** 0.5 + eps", "+ eps", TRACE, "ml-explore/mlx#1640, NVIDIA/apex#1124"),
    adam("correction_without_its_power", "lr / (1 - beta1**t) * m / d", "lr / (1 - beta1) * m / d", TRACE, "eriklindernoren/ML-From-Scratch#35"),
    adam("correction_off_by_one", "t = state.step + 1", "t = state.step + 2", TRACE, "tracel-ai/burn#614"),
    adam("correction_subtracted_twice", "lr / (1 - beta1**t) * m / d", "lr / (1 - (1 - beta1**t)) * m / d", TRACE, "kozistr/pytorch_optimizer#308"),
    adam("correction_without_root", "(1 - beta2**t) ** 0.5 + eps", "(1 - beta2**t) + eps", TRACE, "clause"),
    adam("epsilon_hat", ADAM_BELOW, "denominator = (np.sqrt(s if amsgrad else v) + eps) / (1 - beta2**t) ** 0.5", TRACE, "tensorflow#9047, pytorch#2060, karpathy/nanochat#304"),
    adam("eps_inside_the_root", ADAM_BELOW, "denominator = np.sqrt((s if amsgrad else v) / (1 - beta2**t) + eps)", TRACE, "keras-team/keras#17391"),
    adam("eps_subtracted", "(1 - beta2**t) ** 0.5 + eps", "(1 - beta2**t) ** 0.5 - eps", TRACE, "tensorflow#61411"),
    adam("no_eps", "(1 - beta2**t) ** 0.5 + eps", "(1 - beta2**t) ** 0.5 + 1e-8", TRACE, "pytorch#70230 (RAdam)"),
    adam("amsgrad_ignored", "np.sqrt(s if amsgrad else v)", "np.sqrt(v)", TRACE, "clause"),
    adam("amsgrad_of_the_corrected", "np.maximum(state.max_exp_avg_sq, v)", "np.maximum(state.max_exp_avg_sq, v / (1 - beta2**t))", TRACE, "google-deepmind/optax#1389"),
    adam("amsgrad_forgets", "s = v if state.max_exp_avg_sq is None else np.maximum(state.max_exp_avg_sq, v)", "s = v", TRACE, "clause"),
    adam("other_default", "eps=1e-8,\n    weight_decay=0.0,\n    amsgrad=False,\n    maximize=False,\n    decoupled_weight_decay=False,\n):\n    \"\"\"Return", "eps=1e-7,\n    weight_decay=0.0,\n    amsgrad=False,\n    maximize=False,\n    decoupled_weight_decay=False,\n):\n    \"\"\"Return", DEFAULTS, "Keras's default eps"),
    adam("lr_applied_late", ADAM_STEP, "return w - 1e-3 / (1 - beta1**t) * m / denominator, State(t, m, v, s)", TRACE, "clause"),
    # ── adam: the custom rung
    adam("count_shared", "state = self.state[p]", "state = self.state[group['params'][0]]", ALONE, "clause"),
    adam("writes_the_gradient", "g = g.add(p, alpha=decay)", "g = g.add_(p, alpha=decay)", TRACE, "pytorch#92706"),
    adam("average_instead_of_lerp", "m.lerp_(g, 1 - beta1)", "m.mul_(beta1).add_(g, alpha=1 - beta1)", BITS, "clause: the same bits need the same operation"),
    adam("correction_in_float32", "state[\"step\"].item()", "state[\"step\"]", BITS, "pytorch#88173, optax"),
    adam("amsgrad_not_stored", ", out=state[\"max_exp_avg_sq\"])", ")", TRACE, "clause"),
    adam("accepts_a_beta_of_one", "if not 0.0 <= beta < 1.0:", "if not 0.0 <= beta <= 1.0:", ADAM_REFUSES, "clause", file="optim.optimizer"),
    adam("step_cast_to_the_parameter", "if key == \"step\" or not", "if not", SAVED, "pytorch#102619, #3658", file="optim.optimizer"),
]
