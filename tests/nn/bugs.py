"""Wrong layers, modules and containers."""

import functools

from tests.planted import planter

AGREE = "test_families.test_rungs_leave_the_same_trace"
DROPPED = "test_families.test_rungs_leave_the_same_trace"
BITS = "test_families.test_custom_is_native_bit_for_bit"
ADJOINT = "test_families.test_backward_is_the_adjoint_of_forward"
NEEDS = "test_families.test_a_gradient_nobody_needs_is_none_and_the_others_stay"
ROWS = "test_nn.test_rows_do_not_see_each_other"
KINK = "test_nn.test_the_derivative_at_the_kink_is_zero"
NOT_DRAWN = "test_nn.test_where_nothing_is_random_nothing_is_drawn"
MASK = "test_nn.test_what_forward_drops_backward_drops"
MASKS = "test_nn.test_every_pass_has_a_mask_of_its_own"
BORN = "test_nn.test_one_seed_is_one_layer_on_every_rung"
REBORN = "test_nn.test_a_layer_is_reborn_as_it_was_born"
CHAIN = "test_families.test_rungs_leave_the_same_trace"
RULE = "test_nn.test_the_chain_rule_is_one_layer_after_the_other"
STOPS = "test_nn.test_the_chain_rule_stops_where_nobody_asks_on"
CHAINS = "test_nn.test_custom_and_native_chains_live_through_the_same_lives"
NAMES = "test_nn.test_every_rung_names_the_same_parameters"
REGISTERED = "test_nn.test_custom_and_native_modules_register_the_same"
LIVES = "test_nn.test_custom_and_native_modules_live_through_the_same_lives"
MIXED = "test_nn.test_modules_parameters_and_optimizers_of_either_rung_work_together"
TIED = "test_nn.test_copies_keep_what_is_tied_tied"
STATES = "test_nn.test_states_are_interchangeable"
RESULTS = "test_nn.test_a_parameter_is_a_leaf_and_what_comes_of_it_a_plain_tensor"
CLASS = "test_nn.test_its_class_makes_a_parameter"
SHARES = "test_nn.test_a_parameter_shares_its_data_and_not_its_history"
DEFAULTS = "test_nn.test_every_rung_has_natives_defaults"
REFUSED = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
REFUSES = "test_nn.test_custom_refuses_what_native_refuses_in_its_words"
HOOKS = "test_module.test_custom_and_native_call_their_hooks_alike"
ALWAYS = "test_module.test_a_hook_that_is_always_called_is_called_once"
SAVES = "test_module.test_custom_and_native_save_and_load_the_same_with_hooks_and_extra_state"
CONVERTS = "test_module.test_custom_and_native_convert_alike"
SAYS = "test_module.test_custom_refuses_what_native_refuses_in_its_words"
HOLDS = "test_module.test_custom_and_native_containers_live_through_the_same_lives"
IS_BUFFER = "test_module.test_a_buffer_is_a_plain_tensor_with_a_mark"

DROPOUT_ENDS = "    if not training or p == 0 or x.size == 0:\n"
WEIGHT, BIAS = "w, rng = kaiming_uniform_manual(rng, (out_features, in_features), SLOPE, dtype=dtype)", "b, rng = uniform_manual(rng, (out_features,), -bound, bound, dtype)"
CUSTOM_BIAS = "        if self.bias is not None:\n            bound = bias_bound(self.weight.shape)\n            uniform_(self.bias, -bound, bound)\n"


linear, relu, dropout = planter("nn.linear"), planter("nn.relu"), planter("nn.dropout")
module, parameter, sequential = planter("nn.module"), planter("nn.parameter"), planter("nn.sequential")
registration, traversal, conversion, state, hooks = (functools.partial(planter(f"nn.{part}"), of="nn.module") for part in ("registration", "traversal", "conversion", "state", "hooks"))
buffer, module_list, module_dict, parameter_list, parameter_dict = (planter(f"nn.{name}") for name in ("buffer", "module_list", "module_dict", "parameter_list", "parameter_dict"))

BUGS = [
    # ── linear: the formula, manual rung
    linear("no_bias", "y if b is None else y + b), (x, w)", "y), (x, w)", AGREE, "clause"),
    linear("bias_subtracted", "y + b), (x, w)", "y - b), (x, w)", AGREE, "clause"),
    linear("transposed_gradient_of_the_weight", "rows.T @ _rows(x)", "(_rows(x).T @ rows).reshape(w.shape)", AGREE, "clause"),
    linear("weight_read_transposed", "y = x @ w.T\n    return (y", "y = x @ w.reshape(w.shape[::-1])\n    return (y", AGREE, "Keras's and Flax's kernel"),
    linear("gradient_of_the_input_transposed", "dx = dy @ w if", "dx = dy @ w.T.reshape(w.shape) if", ADJOINT, "clause"),
    linear("gradient_of_the_bias_averaged", "rows.sum(axis=0)", "rows.mean(axis=0)", AGREE, "clause"),
    linear("gradient_of_the_bias_of_one_dimension", "rows.sum(axis=0)", "dy.sum(axis=0)", AGREE, "clause"),
    linear("no_gradient_of_the_bias", "rows.sum(axis=0) if any(needs_b) else None", "None", AGREE, "clause"),
    linear("first_layer_differentiates_its_data", "dx = dy @ w if needs_x else None", "dx = dy @ w", NEEDS, "clause"),
    linear("bias_counted_twice", "y + b), (x, w)", "y + b + b), (x, w)", ADJOINT, "clause"),
    linear("raw_batch_in_the_bias", "return y if bias is None else y + bias", "return y if bias is None else y + bias * (y.shape[0] if y.dim() > 1 else 1)", ROWS, "clause"),
    linear("unfused", "torch.nn.functional.linear(input, self.weight, self.bias)", "input @ self.weight.T + (0 if self.bias is None else self.bias)", BITS, "clause: the same bits need the same operation"),
    # ── linear: how it is born
    linear("draws_bias_first", WEIGHT, f"bound = bias_bound((out_features, in_features))\n    {BIAS.replace('b, rng', 'first, rng', 1)}\n    {WEIGHT}", BORN, "clause", (BIAS, "b = first")),
    linear("textbook_bound", WEIGHT, "bound = 1 / math.sqrt(in_features)\n    w, rng = uniform_manual(rng, (out_features, in_features), -bound, bound, dtype)", BORN, "exactness.md: one ulp in float64"),
    linear("bound_of_the_outputs", "    inputs, _ = fans(shape)", "    _, inputs = fans(shape)", BORN, "Xavier's fan"),
    linear("he_bound", "SLOPE = math.sqrt(5)", "SLOPE = 0", BORN, "kaiming_uniform_ with its own default"),
    linear("not_centred", WEIGHT, f"{WEIGHT}\n    w = abs(w)", BORN, "denizyuret/Knet.jl#311, LBANN/lbann#316"),
    linear("bias_starts_at_zero", BIAS, "b = np.zeros(out_features, dtype)", BORN, "Keras's default"),
    linear("raw_bias_of_the_weights_bound", "    bound = bias_bound(w.shape)\n    b, generator", "    bound = math.sqrt(3) * (math.sqrt(2 / (1 + SLOPE**2)) / math.sqrt(in_features))\n    b, generator", BORN, "clause: one ulp in float64"),
    linear("custom_resets_bias_first", "        kaiming_uniform_(self.weight, SLOPE)\n" + CUSTOM_BIAS, CUSTOM_BIAS + "        kaiming_uniform_(self.weight, SLOPE)\n", REBORN, "clause", ("        self.reset_parameters()\n", "        kaiming_uniform_(self.weight, SLOPE)\n" + CUSTOM_BIAS)),
    linear("custom_default_without_bias", "bias: bool = True,\n        device", "bias: bool = False,\n        device", DEFAULTS, "clause"),
    linear("silent_about_no_elements", "        kaiming_uniform_(self.weight, SLOPE)\n", "        if self.weight.numel():\n            kaiming_uniform_(self.weight, SLOPE)\n", REFUSED, "clause"),
    # ── relu
    relu("lets_zero_through", "np.where(x <= 0.0, 0.0, dy)", "np.where(-x <= 0.0, dy, 0.0)", KINK, "torch.clamp's derivative at its bound"),
    relu("half_at_the_kink", "np.where(x <= 0.0, 0.0, dy)", "np.where(x <= 0.0, np.where(-x <= 0.0, 0.5 * dy, 0.0), dy)", KINK, "TensorFlow.js's step, jax.numpy.maximum"),
    relu("raw_clamps", "torch.where(x <= 0, 0, x)", "x.clamp(min=0)", KINK, "torch.clamp's derivative at its bound"),
    relu("raw_halves", "torch.where(x <= 0, 0, x)", "torch.maximum(x, torch.zeros_like(x))", KINK, "torch.maximum's derivative at a tie"),
    relu("leaks", "np.where(x <= 0.0, 0.0, dy)", "np.where(x <= 0.0, 0.0001 * dy, dy)", AGREE, "clause"),
    relu("absolute", "np.maximum(x, 0.0), x", "abs(x), x", AGREE, "clause"),
    relu("gradient_is_the_mask", "np.where(x <= 0.0, 0.0, dy)", "np.where(x <= 0.0, 0.0, 0.0 * dy + 1.0)", ADJOINT, "clause"),
    relu("swallows_nan", "np.where(x <= 0.0, 0.0, dy)", "np.where(-x <= 0.0, np.where(x <= 0.0, 0.0, dy), 0.0)", KINK, "a mask x > 0"),
    relu("custom_loses_the_sign_of_zero", "torch.relu(input)", "torch.where(input <= 0, 0, input)", BITS, "clause: the same bits need the same operation"),
    relu("custom_never_in_place", "torch.relu_(input) if self.inplace else torch.relu(input)", "torch.relu(input)", REFUSED, "clause"),
    # ── dropout
    dropout("not_rescaled", "return x * mask / (1 - p), (mask, 1 - p), rng", "return x * mask, (mask, 1.0), rng", DROPPED, "the first paper's, scaled in evaluation"),
    dropout("rescaled_by_p", "return x * mask / (1 - p)", "return x * mask / p", DROPPED, "clause"),
    dropout("keeps_p", "bernoulli_manual(rng, 1 - p,", "bernoulli_manual(rng, p,", DROPPED, "TensorFlow's keep_prob"),
    dropout("backward_not_rescaled", "(dy * mask / keep,)", "(dy * mask,)", MASK, "clause"),
    dropout("backward_without_mask", "(dy * mask / keep,)", "(dy / keep,)", MASK, "clause"),
    dropout("backward_draws_anew", "return x * mask / (1 - p), (mask, 1 - p), rng", "other, _ = bernoulli_manual(rng, 1 - p, x.shape, x.dtype)\n    return x * mask / (1 - p), (other, 1 - p), rng", ADJOINT, "clause"),
    dropout("raw_evaluates_unless_told", "x: torch.Tensor, *, p: float = 0.5, training: bool = True", "x: torch.Tensor, *, p: float = 0.5, training: bool = False", "test_layers.test_a_function_trains_when_nothing_is_said", "clause"),
    dropout("draws_in_evaluation", DROPOUT_ENDS, "    if not training and x.size:\n        _, rng = bernoulli_manual(rng, 1 - p, x.shape, x.dtype)\n" + DROPOUT_ENDS, NOT_DRAWN, "clause"),
    dropout("draws_at_zero", "if not training or p == 0 or x.size", "if not training or x.size", NOT_DRAWN, "clause"),
    dropout("draws_at_one", "    if p == 1:\n        return x * 0.0, (0.0, 1.0), rng\n", "    if p == 1:\n        _, rng = bernoulli_manual(rng, 1 - p, x.shape, x.dtype)\n        return x * 0.0, (0.0, 1.0), rng\n", NOT_DRAWN, "clause"),
    dropout("scales_in_evaluation", DROPOUT_ENDS, f"    if not training:\n        return x * (1 - p), None, rng\n{DROPOUT_ENDS}", NOT_DRAWN, "the first paper's"),
    dropout("generator_not_handed_on", "return x * mask / (1 - p), (mask, 1 - p), rng", "return x * mask / (1 - p), (mask, 1 - p), start", DROPPED, "clause", ("    mask, rng = ", "    start = rng\n    mask, rng = ")),
    dropout("raw_draws_rows", "torch.empty_like(x).bernoulli_", "torch.empty_like(x[..., :1]).bernoulli_", DROPPED, "clause"),
    dropout("raw_ignores_the_generator", "generator=generator) /", "generator=torch.Generator().manual_seed(0)) /", DROPPED, "clause"),
    dropout("mask_after_scale", ".bernoulli_(keep).div_(keep)", ".bernoulli_(keep)", BITS, "exactness.md: x (m / (1 - p)), not (x m) / (1 - p)", ("input * scale", "input * scale / (1 - self.p)")),
    dropout("one_mask_for_all", "        return torch.empty_like(input)", "        if not hasattr(self, '_mask'):\n            self._mask = torch.empty_like(input).bernoulli_(keep).div_(keep)\n        return self._mask\n        return torch.empty_like(input)", MASKS, "variational dropout"),
    dropout("always_on", "if not self.training or self.p == 0 or input", "if self.p == 0 or input", NOT_DRAWN, "joeynmt/joeynmt#184"),
    dropout("accepts_any_p", "if p < 0 or p > 1:", "if p < 0:", REFUSED, "clause"),
    dropout("p_checked_once", "        _check(self.p)  # it may have been set since\n", "", REFUSED, "found by a reviewer"),
    dropout("p_rounds_to_float32", "1 - float(self.p)", "1 - self.p", MASKS, "found by a reviewer: bernoulli_ draws otherwise for a tensor"),
    # ── parameter
    parameter("keeps_its_history", "torch.Tensor._make_subclass(cls, data, requires_grad)", "(data * 1).as_subclass(cls)", SHARES, "clause", ("else data.detach()", "else data")),
    parameter("copies_its_data", "else data.detach()", "else data.detach().clone()", SHARES, "clause"),
    parameter("raw_copies_its_data", "return data.detach().requires_grad_(requires_grad)", "return data.detach().clone().requires_grad_(requires_grad)", SHARES, "clause"),
    parameter("raw_keeps_its_history", "return data.detach().requires_grad_(requires_grad)", "return data.requires_grad_()", SHARES, "clause"),
    parameter("always_trained", "_make_subclass(cls, data, requires_grad)", "_make_subclass(cls, data, True)", SHARES, "clause"),
    parameter("results_are_parameters", "    __torch_function__ = torch._C._disabled_torch_function_impl", "    ignored = None", RESULTS, "clause"),
    parameter("copied_into_a_tensor", "return type(self)(self.data.clone(memory_format=torch.preserve_format), self.requires_grad)", "return self.data.clone().requires_grad_(self.requires_grad)", RESULTS, "clause"),
    parameter("copy_forgets_it_is_frozen", "type(self)(self.data.clone(memory_format=torch.preserve_format), self.requires_grad)", "type(self)(self.data.clone(memory_format=torch.preserve_format))", RESULTS, "clause"),
    parameter("printed_as_a_subclass", "{self.data.requires_grad_(self.requires_grad)!r}", "{super().__repr__()}", RESULTS, "found by this law"),
    parameter("any_tensor_is_one", "return super().__instancecheck__(instance) or (", "return isinstance(instance, torch.Tensor) or (", CLASS, "clause"),
    parameter("only_ours_is_one", "or (cls is Parameter and isinstance(instance, LADDER.native))", "", CLASS, "clause"),
    # ── module: names
    module("zero_grad_leaves_zeros", "def zero_grad(self, set_to_none=True)", "def zero_grad(self, set_to_none=False)", "test_ladder.test_methods_of_custom_have_natives_defaults", "torch before 2.0"),
    module("manual_sorts_its_names", "    for name, w in tree.items():\n        if w", "    for name, w in sorted(tree.items()):\n        if w", NAMES, "pytorch#40227 (ModuleDict)"),
    module("manual_counts_shared_twice", "        if id(w) not in seen:\n            seen.add(id(w))\n            yield name, w", "        yield name, w", NAMES, "torch7-distro#156, juliuskunze/jaxnet#8, wenet#2113"),
    module("manual_children_where_they_stand", "            yield dot + name, w\n    for name, child in tree.items():\n        if isinstance(child, dict):\n            yield from _leaves(child, dot + name)", "            yield dot + name, w\n        elif w is not None:\n            yield from _leaves(w, dot + name)", NAMES, "jax.tree_util sorts and mixes them"),
    module("manual_forgets_the_prefix", "in _leaves(tree, prefix):", "in _leaves(tree, \"\"):", NAMES, "clause"),
    module("manual_forgets_the_path", "yield from _leaves(child, dot + name)", "yield from _leaves(child, name)", NAMES, "clause"),
    traversal("unordered", "in getattr(module, table).items():", "in sorted(getattr(module, table).items()):", NAMES, "roytseng-tw/Detectron.pytorch#118"),
    traversal("shared_counted_twice", "                    if remove_duplicate:\n                        seen.add(tensor)\n", "", NAMES, "torch7-distro#156, juliuskunze/jaxnet#8, wenet#2113"),
    traversal("shared_never_shown", "                    if remove_duplicate:\n                        seen.add(tensor)\n", "                    seen.add(tensor)\n", REGISTERED, "clause"),
    traversal("prefix_with_a_dot", "return f\"{prefix}.{name}\" if prefix else name", "return f\"{prefix}.{name}\"", NAMES, "clause"),
    traversal("shared_module_twice", "        if remove_duplicate:\n            memo.add(self)\n", "", REGISTERED, "clause"),
    traversal("children_not_deduplicated", "                seen.add(child)\n", "", REGISTERED, "clause"),
    # ── module: what is registered
    registration("hook_of_buffers_is_told_nothing", 'return _registered("buffer", hook)', 'return _registered("parameter", hook)', "test_module.test_who_asks_is_told_of_all_that_is_registered", "mutmut"),
    registration("hook_replaces_nothing", "            value = value if other is None else other\n", "", "test_module.test_who_asks_is_told_of_all_that_is_registered", "mutmut"),
    registration("replaced_moves_to_the_end", "            self._forget(name, own, self._buffers, self._modules)\n", "            self._forget(name, own, self._buffers, self._modules, self._parameters)\n", REGISTERED, "clause"),
    registration("name_in_two_tables", "self._forget(name, own, self._buffers, self._modules)", "self._forget(name, own)", REGISTERED, "clause"),
    registration("none_deletes", "            self.register_parameter(name, None)\n", "            del self._parameters[name]\n", REGISTERED, "clause"),
    state("every_buffer_is_saved", "if name not in self._non_persistent_buffers_set}", "}", REGISTERED, "clause"),
    state("no_buffer_is_saved", "(self._parameters | buffers).items()", "self._parameters.items()", REGISTERED, "clause"),
    state("empty_place_is_saved", "items() if tensor is not None}", "items()}", REGISTERED, "clause"),
    registration("tensor_is_a_parameter", "        if isinstance(value, Parameter):\n            if", "        if isinstance(value, torch.Tensor) and value.is_floating_point() and name not in own.get('_buffers', ()):\n            value = value if isinstance(value, Parameter) else Parameter(value)\n            if", REGISTERED, "clause"),
    registration("methods_can_be_covered", "        taken = hasattr(self, name) and name not in getattr(self, f\"_{kind}s\")\n", "        taken = False\n", REFUSES, "clause"),
    registration("knows_only_its_own_parameters", "        if isinstance(value, Parameter):\n            if", "        if type(value) is Parameter:\n            if", MIXED, "clause"),
    registration("dots_in_names", "        if \".\" in name:\n", "        if False:\n", REFUSES, "clause"),
    registration("registers_before_it_is_born", "            if \"_parameters\" not in own:\n                raise AttributeError(\"cannot assign parameters before Module.__init__() call\")\n", "", REFUSES, "pytorch#16110"),
    registration("buffers_before_it_is_born", "        if \"_buffers\" not in vars(self):\n            raise AttributeError(\"cannot assign buffer before Module.__init__() call\")\n", "", REFUSES, "pytorch#16110"),
    # ── module: what is done to all, and what is saved
    module("switches_only_itself", "            child.train(mode)\n", "            pass\n", LIVES, "clause"),
    module("switches_only_its_children", "        self.training = mode\n", "", LIVES, "clause"),
    module("freezes_only_its_own", "        for p in self.parameters():\n            p.requires_grad_(requires_grad)", "        for p in self.parameters(False):\n            p.requires_grad_(requires_grad)", LIVES, "clause"),
    module("zeroes_always", "            if set_to_none:\n                p.grad = None\n            elif", "            if", LIVES, "torch before 2.0"),
    conversion("converts_only_its_own", "            child._apply(fn)\n", "            pass\n", LIVES, "clause"),
    conversion("into_new_parameters", "if p.is_meta == data.is_meta:", "if False:", LIVES, "clause: an optimizer would lose it"),
    state("state_is_a_copy", "tensor if keep_vars else tensor.detach()", "tensor if keep_vars else tensor.detach().clone()", LIVES, "clause"),
    state("state_keeps_the_graph", "tensor if keep_vars else tensor.detach()", "tensor", LIVES, "clause"),
    state("ignores_what_is_missing", "        if strict and found.missing_keys:\n", "        if False:\n", REFUSES, "PIQuIL/QuCumber#18, pytorch/examples#1029"),
    state("ignores_what_is_unexpected", "        if strict and found.unexpected_keys:\n", "        if False:\n", REFUSES, "PIQuIL/QuCumber#18, pytorch/examples#1029"),
    state("always_strict", "        if strict and found.missing_keys:\n", "        if found.missing_keys:\n", LIVES, "pytorch#156177"),
    state("tells_of_nothing_missing", "        return found\n", "        return _IncompatibleKeys([], found.unexpected_keys)\n", LIVES, "PIQuIL/QuCumber#18"),
    state("unexpected_under_an_empty_child", "name not in (self._modules if dot else own)", "name not in ([n for n, m in self._modules.items() if m] if dot else own)", LIVES, "facebookresearch/fairseq2#330: native overlooks them"),
    state("broadcasts_what_it_loads", "        if theirs.shape != mine.shape:\n", "        if False:\n", REFUSES, "clause"),
    state("assigned_is_copied", "        if not assign:\n", "        if True:\n", LIVES, "clause"),
    state("assigned_is_trained", "            theirs = theirs if isinstance(theirs, Parameter) else Parameter(theirs, mine.requires_grad)\n            theirs.requires_grad_(mine.requires_grad)\n", "            theirs = Parameter(theirs)\n", LIVES, "clause"),
    module("printed_without_indentation", "textwrap.indent(\"\\n\".join([text] * bool(text) + children), \"  \")", "\"\\n\".join([text] * bool(text) + children)", LIVES, "clause"),
    # ── sequential
    sequential("data_differentiated", "saved.append((key, layer, kept, flows))", "saved.append((key, layer, kept, True))", STOPS, "clause"),
    sequential("stops_too_early", "flows = flows or bool(layer.parameters)", "flows = bool(layer.parameters)", CHAIN, "clause"),
    sequential("never_stops", "        if not any(needs):\n            break\n", "", STOPS, "clause"),
    sequential("layers_in_the_wrong_order", "in reversed(saved):", "in saved:", RULE, "clause"),
    sequential("same_gradient_for_all", "dy, *dw = layer.function.backward(dy, kept, needs)", "dx, *dw = layer.function.backward(dy, kept, needs)", RULE, "clause"),
    sequential("generator_forked", "x, kept, rng = layer.function.forward(*inputs, rng,", "x, kept, _ = layer.function.forward(*inputs, rng,", CHAIN, "clause"),
    sequential("always_training", "rng, training=training, **layer", "rng, training=True, **layer", CHAIN, "clause"),
    sequential("raw_always_training", "{\"generator\": generator, \"training\": training}", "{\"generator\": generator}", CHAIN, "clause"),
    sequential("hole_left_by_del", "        self._modules = {str(i): module for i, module in enumerate(self)}\n", "", CHAINS, "pytorch#77067"),
    sequential("slice_renumbered", "return type(self)(OrderedDict(list(self._modules.items())[index]))", "return type(self)(*list(self)[index])", CHAINS, "clause: native keeps the keys"),
    sequential("insert_overwrites", "        for i in range(n, index, -1):\n            self._modules[str(i)] = self._modules[str(i - 1)]\n", "", CHAINS, "clause"),
    sequential("inserts_before_the_last", "index = index + n if index < 0 else index", "index = index + n + 1 if index < 0 else index", CHAINS, "clause"),
    sequential("adds_in_place", "return Sequential().extend(self).extend(self._summand(other))", "return self.extend(self._summand(other))", CHAINS, "clause"),
    sequential("grown_by_counting_anew", "            self.add_module(str(n + i), module)\n", "            self.append(module)\n", CHAINS, "found by this law"),
    sequential("multiplied_once_too_often", "range(n * (self._factor(other) - 1))", "range(n * self._factor(other))", CHAINS, "clause"),
    sequential("plain_dictionary_welcome", "isinstance(args[0], OrderedDict)", "isinstance(args[0], dict)", REFUSED, "clause"),
    sequential("counts_from_one", "else enumerate(args):", "else enumerate(args, 1):", STATES, "clause"),
    sequential("ties_broken_by_a_copy", "            self.add_module(key if named else str(key), module)\n", "            self.add_module(key if named else str(key), __import__('copy').copy(module))\n", TIED, "clause"),
    # ── module: hooks, buffers, extra state, conversions
    hooks("result_dropped", "        if result is not None:\n            self.result = result\n", "", HOOKS, "pytorch#82042 (review)"),
    hooks("pre_hook_result_dropped", "                if args is not None:\n                    self.args = args if isinstance(args, tuple) else (args,)\n", "", HOOKS, "pytorch#82042 (review)"),
    hooks("pre_hook_result_not_wrapped", "self.args = args if isinstance(args, tuple) else (args,)", "self.args = tuple(args)", HOOKS, "clause"),
    hooks("own_before_global", "[*getattr(EVERYWHERE, kind).items(), *getattr(self.own, kind).items()]", "[*getattr(self.own, kind).items(), *getattr(EVERYWHERE, kind).items()]", HOOKS, "clause"),
    hooks("prepend_ignored", "    if prepend:\n        table.move_to_end(handle.id, last=False)\n", "", HOOKS, "clause"),
    hooks("never_always_called", "            self._in_spite()\n", "", ALWAYS, "clause"),
    hooks("always_called_twice", "                self.called.add(i)\n", "                pass\n", ALWAYS, "clause"),
    hooks("error_swallowed", "            self._in_spite()\n            raise\n", "            self._in_spite()\n            return self.result\n", ALWAYS, "clause"),
    hooks("no_kwargs", "            self._show(hook, hook.with_kwargs)\n", "            self._show(hook, False)\n", HOOKS, "clause"),
    hooks("backward_forgotten", "BackwardHook(self.module, after, before) if after or before", "BackwardHook(self.module, after, before) if after", HOOKS, "clause"),
    state("extra_state_never_saved", "if type(self).get_extra_state is not State.get_extra_state:", "if False:", SAVES, "clause"),
    state("extra_state_never_missed", "        elif takes_extra and strict:\n            missing_keys.append(extra)\n", "", SAVES, "clause"),
    state("hooks_see_what_was_asked", "self._load_from_state_dict(state, prefix, local, True, found.missing_keys, found.unexpected_keys, errors)", "self._load_from_state_dict(state, prefix, local, False, *found, errors)", SAVES, "pytorch#156177: native tells them True"),
    state("child_is_given_all", "below = {key: t for key, t in state.items() if key.startswith(f\"{prefix}{name}.\")}", "below = dict(state)", SAVES, "clause"),
    state("child_is_given_another_kind", "below = {key: t for key, t in state.items() if key.startswith(f\"{prefix}{name}.\")}", "below = OrderedDict((key, t) for key, t in state.items() if key.startswith(f\"{prefix}{name}.\"))", SAVES, "found by this law"),
    state("post_hook_may_return", "            if hook(self, destination, prefix, metadata) is not None:\n                raise RuntimeError(\"state_dict post-hook must return None\")\n", "            hook(self, destination, prefix, metadata)\n", SAVES, "clause"),
    registration("buffer_always_persists", "value.persistent if isinstance(value, Buffer) else before", "True", SAVES, "clause"),
    registration("buffer_is_an_attribute", "elif isinstance(value, Buffer) or name in", "elif name in", SAVES, "clause"),
    conversion("integers_too", "kind = dtype if t.is_floating_point() or t.is_complex() else None", "kind = dtype", CONVERTS, "clause"),
    conversion("gradient_forgotten", "        grad.data = fn(grad)\n", "        pass\n", CONVERTS, "clause"),
    conversion("accepts_integers", "if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):", "if False:", CONVERTS, "clause"),
    conversion("type_keeps_integers", "t.type(dst_type))", "t.type(dst_type) if t.is_floating_point() else t)", CONVERTS, "clause"),
    conversion("half_is_bfloat16", "t.half() if", "t.bfloat16() if", CONVERTS, "clause"),
    buffer("is_a_class", "data.detach().requires_grad_(data.requires_grad)", "torch.Tensor._make_subclass(cls, data.detach(), data.requires_grad)", IS_BUFFER, "clause"),
    buffer("always_persists", "buffer.persistent, buffer._is_buffer = persistent, True", "buffer.persistent, buffer._is_buffer = True, True", IS_BUFFER, "clause"),
    buffer("is_none_of_its_own", 'getattr(instance, "_is_buffer", False)', 'getattr(instance, "is_buffer", False)', IS_BUFFER, "mutmut"),
    buffer("unmarked", "buffer.persistent, buffer._is_buffer = persistent, True", "buffer.persistent = persistent", IS_BUFFER, "clause"),
    # ── containers
    module_list("hole_left_by_del", "        self._modules = {str(i): module for i, module in enumerate(self)}\n", "", HOLDS, "pytorch#77067"),
    module_list("knows_no_negative_index", "    if not -n <= index < n:\n", "    if not 0 <= index < n:\n", HOLDS, "pytorch#15756 (ConcatDataset)"),
    module_list("chain_of_no_negative_index", "    if not -n <= index < n:\n", "    if not 0 <= index < n:\n", CHAINS, "pytorch#15756 (ConcatDataset)", of="nn.sequential"),
    module_list("slice_keeps_its_keys", "return type(self)(list(self)[index])", "sliced = type(self)()\n            sliced._modules = dict(list(self._modules.items())[index])\n            return sliced", HOLDS, "a chain's slice does"),
    module_list("insert_overwrites", "            self._modules[str(i)] = self._modules[str(i - 1)]\n", "            pass\n", HOLDS, "clause"),
    module_list("printed_one_by_one", "first == last else", "True else", HOLDS, "torch before 2.0"),
    module_list("adds_in_place", "return ModuleList(chain(self, other))", "return self.extend(other)", HOLDS, "clause"),
    module_list("extends_by_anything", "if not isinstance(modules, Iterable):", "if False:", SAYS, "clause"),
    module_dict("sorts_its_keys", "for key, module in modules.items() if mapping", "for key, module in sorted(modules.items()) if mapping", HOLDS, "pytorch#40227"),
    module_dict("pop_keeps", "        del self[key]\n", "", HOLDS, "clause"),
    module_dict("covers_methods", "self.add_module(key, module)", "self._modules[key] = module", HOLDS, "clause"),
    module_dict("clear_keeps", "self._modules.clear()", "pass", HOLDS, "clause"),
    parameter_list("keeps_tensors", "return Parameter(value) if isinstance(value, torch.Tensor) and not isinstance(value, Parameter) else value", "return value", HOLDS, "clause"),
    parameter_list("extends_by_a_tensor", " or isinstance(values, torch.Tensor)", "", SAYS, "clause"),
    parameter_list("callable", '        raise RuntimeError("ParameterList should not be called.")', "        return None", SAYS, "clause"),
    parameter_dict("never_sorts", "given = sorted(parameters.items())", "given = parameters.items()", HOLDS, "pytorch#40905 mended ModuleDict alone"),
    parameter_dict("popitem_takes_the_first", "list(self)[-1]", "list(self)[0]", HOLDS, "clause"),
    parameter_dict("or_in_place", "        union = self.copy()\n", "        union = self\n", HOLDS, "clause"),
    parameter_dict("setdefault_overwrites", "        if key not in self:\n", "        if True:\n", HOLDS, "clause"),
]
