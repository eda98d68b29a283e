"""Wrong tapes: a derivative, a rule of the engine, or a rule of the surface that is not torch's."""

from tests.planted import planter

VALUES = "test_autograd.test_an_operation_has_torchs_value_and_gradient"
SECOND = "test_autograd.test_an_operation_has_torchs_second_derivative"
EXACTLY = "test_autograd.test_where_nothing_rounds_custom_is_native_exactly"
PROGRAMS = "test_autograd.test_rungs_agree_on_the_gradients_of_programs"
ADDS = "test_autograd.test_backward_adds_to_each_leaf_what_grad_returns"
OWN = "test_autograd.test_a_leafs_gradient_is_its_own"
LONG = "test_autograd.test_a_chain_may_be_as_long_as_memory"
FREED = "test_autograd.test_what_was_saved_is_freed_by_backward"
GOES = "test_autograd.test_a_graph_goes_with_the_last_tensor_that_leads_to_it"
TELLS = "test_autograd.test_the_tape_tells_what_torch_tells"
REFUSES = "test_autograd.test_the_tape_refuses_what_torch_refuses_in_its_words"
LIVES = "test_autograd.test_tensors_live_through_the_same_lives_on_tape_and_torch"

CONCEPTS = {VALUES: "grad", SECOND: "grad", EXACTLY: "grad", PROGRAMS: "grad", ADDS: "backward", OWN: "backward", LONG: "backward", FREED: "backward"}


def of(file):
    """Bugs of a file, each noticed by the laws of the concept that its law is about."""

    def bug(name, old, new, law=VALUES, source="clause", *more):
        concept = f"autograd.{CONCEPTS.get(law, 'tensor')}"
        return planter(f"autograd.{file}")(name, old, new, law, source, *more, of=concept)

    return bug


tensor, node, grad, backward, no_grad, enable_grad = map(of, ("tensor", "node", "grad", "backward", "no_grad", "enable_grad"))

BUGS = [
    # ── derivatives
    tensor("add_one_side", '"AddBackward0", (self, _same, ()), (other, _same, ())', '"AddBackward0", (self, _same, ()), (other, lambda g: g * 0.5, ())'),
    tensor("sub_both_alike", '"SubBackward0", (self, _same, ()), (other, lambda g: -g, ())', '"SubBackward0", (self, _same, ()), (other, _same, ())'),
    tensor("rsub_as_sub", '"RsubBackward1", (self, lambda g: -g, ())', '"RsubBackward1", (self, _same, ())'),
    tensor("mul_reads_its_own", '(self, times, (other,)), (other, times, (self,))', '(self, times, (self,)), (other, times, (other,))'),
    tensor("mul_square_counted_once", '(self, times, (other,)), (other, times, (self,))', '(self, times, (other,)), (other if other is not self else None, times, (self,))', PROGRAMS, "micrograd's first lesson: gradients add up"),
    tensor("div_sign", "lambda g, a, b: -g * ((a / b) / b)", "lambda g, a, b: g * ((a / b) / b)"),
    tensor("div_not_squared", "lambda g, a, b: -g * ((a / b) / b)", "lambda g, a, b: -g * (a / b)"),
    tensor("div_above", "lambda g, b: g / b", "lambda g, b: g * b"),
    tensor("reciprocal_not_squared", "-g * (y * y)", "-g * y"),
    tensor("neg_forgotten", '"NegBackward0", (self, lambda g: -g, ())', '"NegBackward0", (self, _same, ())'),
    tensor("pow_exponent_kept", "n * _power(a, n - 1)", "n * _power(a, n)"),
    tensor("pow_factor_forgotten", "g * (n * _power(a, n - 1))", "g * _power(a, n - 1)"),
    tensor("pow_zeroth", "if n else _nothing(g)", "if n else g", EXACTLY),
    tensor("pow_cube_as_square", "return a * a * a if n == 3", "return a * a if n == 3", EXACTLY),
    tensor("mm_not_turned", "left = lambda g, b: g @ _turned(b)", "left = lambda g, b: g @ b", VALUES),
    tensor("mm_wrong_way_round", "else (lambda g, a: _turned(a) @ g)", "else (lambda g, a: (_turned(g) @ a))"),
    tensor("mm_by_columns_not_turned_back", "(lambda g, a: (g.T @ a).T)", "(lambda g, a: (a.T @ g) * 0.5)"),
    tensor("mm_of_batches", "return a.T if a.ndim == 2 else a.mT", "return a.T if a.ndim == 2 else a", EXACTLY),
    tensor("vector_kept_as_row", "squeeze(-1 if other.ndim == 1 else -2)", "squeeze(-1)"),
    tensor("exp_of_operand", '"ExpBackward0", (self, lambda g, y: g * y', '"ExpBackward0", (self, lambda g, y: g / y'),
    tensor("log_inverted", "lambda g, a: g / a, (self,)", "lambda g, a: g * a, (self,)"),
    tensor("sqrt_not_halved", "g / (2.0 * y)", "g / y"),
    tensor("tanh_of_raw", "g * (1.0 - y * y)", "g * (1.0 - y)", VALUES, "discuss.pytorch.org 187917 (the kind)"),
    tensor("sigmoid_as_tanh", "g * (1.0 - y) * y", "g * (1.0 - y * y)"),
    tensor("sigmoid_halves_swapped", "np.where(x <= 0.0, e, 1.0)", "np.where(x <= 0.0, 1.0, e)"),
    tensor("relu_open_at_zero", "np.where(y <= 0.0, 0.0, g), (RESULT,)", "np.where(0.0 <= y, g, 0.0), (RESULT,)", VALUES, "exactness.md: the mask x >= 0"),
    tensor("relu_by_a_product", "np.where(y <= 0.0, 0.0, g), (RESULT,)", "g * np.where(y <= 0.0, 0.0 * y, 1.0), (RESULT,)", TELLS, "where-gradient: 0 times inf"),
    tensor("maximum_both_get_all", "np.where(b <= a, g / 2.0, 0.0)", "np.where(b <= a, g, 0.0)"),
    tensor("maximum_first_gets_all", "right = lambda g, b, a: left(g, a, b)", "right = lambda g, b, a: np.where(b <= a, 0.0, g) * 1.0"),
    tensor("maximum_wrong_side", "right = lambda g, b, a: left(g, a, b)", "right = left"),
    tensor("where_wrong_side", "lambda g, c: np.where(c, 0.0, g)", "lambda g, c: np.where(c, g, 0.0)"),
    tensor("where_by_a_product", "left, right = lambda g, c: np.where(c, g, 0.0)", "left, right = lambda g, c: g * np.where(c, g / g, 0.0)", TELLS, "pytorch#156707 (the kind): 0 times inf"),
    tensor("sum_not_spread", "spread = lambda g: np.broadcast_to(g.reshape(kept), shape)", "spread = lambda g: np.broadcast_to(g.reshape(kept), shape) / math.prod(shape)"),
    tensor("mean_as_sum", "np.broadcast_to((g / n).reshape(kept), shape)", "np.broadcast_to(g.reshape(kept), shape)"),
    tensor("mean_counts_all", "n = self.numel() / math.prod(kept) if", "n = self.numel() if"),
    tensor("amax_all_get_all", "return g * ties / ties.sum(dim).reshape(kept)", "return g * ties", EXACTLY),
    tensor("amax_over_everything", "ties.sum(dim).reshape(kept)", "ties.sum()", EXACTLY),
    tensor("softmax_diagonal", "y * (g - (g * y).sum(dim).reshape(kept))", "y * (g - g * y)"),
    tensor("softmax_mean_of_g", "(g * y).sum(dim)", "(g * 1.0).sum(dim)"),
    tensor("softmax_over_all", "e / e.sum(axis=dim, keepdims=True)", "e / e.sum(keepdims=True)"),
    tensor("log_softmax_not_pulled", "g - np.exp(y) * g.sum(dim).reshape(kept)", "g - np.exp(y) * g"),
    tensor("log_softmax_reads_logs", "g - np.exp(y) * g.sum", "g - y * g.sum"),
    tensor("t_for_transposed_data", 'self._viewed("TBackward0", _reversed, _reversed)', 'self._viewed("TBackward0", _reversed, lambda g: g.reshape(g.shape[::-1]))'),
    tensor("permute_not_inverted", "lambda g: np.transpose(g, back)", "lambda g: np.transpose(g, dims) * 0.5", EXACTLY),
    tensor("reshape_reversed", 'self._viewed("ViewBackward0", lambda a: a.reshape(shape), lambda g: g.reshape(before))', 'self._viewed("ViewBackward0", lambda a: a.reshape(shape), lambda g: g.reshape(-1)[::-1].reshape(before))'),
    tensor("squeeze_reversed", "self._viewed(name, lambda a: a.reshape(shape), lambda g: g.reshape(before))", "self._viewed(name, lambda a: a.reshape(shape), lambda g: g.reshape(-1)[::-1].reshape(before))"),
    tensor("index_written_over", "np.add.at(whole, key, g)", "whole[key] = g", VALUES, "an index that stands there twice is added twice"),
    tensor("index_twice_counted_once_when_differentiated", "0.0).sum(-1)", "0.0)[..., 0]", SECOND),
    tensor("gather_transposed", "grid[dim] = _payload(index)", "grid[dim] = _payload(index)[::-1]"),
    tensor("scatter_add_forgets_src", '"ScatterAddBackward0", (self, _same, ()), (part, lambda g, _: g[key], (index,))', '"ScatterAddBackward0", (self, _same, ()), (None, lambda g, _: g[key], (index,))'),
    tensor("scatter_add_spreads_all", "(part, lambda g, _: g[key], (index,))", "(part, lambda g, _: g[key] * 0.5, (index,))"),
    tensor("clone_is_detached", '"CloneBackward0", (self, _same, ())', '"CloneBackward0", (None, _same, ())', EXACTLY),
    tensor("to_is_detached", 'if copy.dtype.kind == "f" else copy', 'if copy.dtype == np.float64 else copy', EXACTLY),
    tensor("second_derivative_of_a_result_is_lost", "        other._node = node\n        return other", "        return other", SECOND, "a derivative that is no program"),
    # ── the node
    node("broadcast_not_summed", "return d.sum(dims).reshape(shape)", "return d[tuple(slice(1) if i in dims else slice(None) for i in range(d.ndim))].reshape(shape)", VALUES, "micrograd and its many children have no broadcasting"),
    node("broadcast_summed_over_all", "if i < added or n != shape[i - added])", "if i < added)", VALUES, "clause", ("return d.sum(dims).reshape(shape)", "return np.resize(d.sum(dims), shape)"), ("import torch\n", "import numpy as np\nimport torch\n")),
    node("gradient_in_the_results_dtype", "d if d.dtype == dtype else d.astype(dtype)", "d", TELLS),
    node("freed_and_run_again", "        if self._parts is None:\n            raise RuntimeError(FREED)\n        parts, found = self._parts, []", "        parts, found = self._parts or [], []", REFUSES, "clause", ("zip(self.edges, parts, strict=True)", "zip(self.edges, parts, strict=False)")),
    node("never_freed", "if saved and not retain_graph:", "if False:", FREED),
    node("always_freed", "if saved and not retain_graph:", "if not retain_graph:", TELLS, "torch frees only what saved something"),
    node("retained_graph_is_freed", "if saved and not retain_graph:", "if saved:", FREED),
    node("versions_not_compared", "if tensor._version != self.version:", "if False:", REFUSES, "HIPS autograd, micrograd: silently wrong"),
    node("result_holds_itself", "return Saved(result.detach(), True)", "return Saved(result, True)", GOES, "a cycle per operation"),
    node("numbers_have_a_box", "return x._edge() if hasattr(x, \"_edge\") else None", "return x._edge() if hasattr(x, \"_edge\") else AccumulateGrad(x)", VALUES),
    node("records_always", "    if MODE.enabled:\n", "    if True:\n", TELLS),
    # ── the engine
    grad("order_of_discovery", "dict.fromkeys(sorted(found, key=lambda node: -node.serial))", "dict.fromkeys(found)", PROGRAMS, "a depth-first walk without an order"),
    grad("oldest_first", "key=lambda node: -node.serial", "key=lambda node: node.serial", PROGRAMS),
    grad("last_part_wins", "arrived[edge] = arrived[edge] + part if edge in arrived else part\n\n\ndef _hooked", "arrived[edge] = part\n\n\ndef _hooked", PROGRAMS, "gradients of a value used twice"),
    grad("seed_of_two", "output._filled(1.0) if seed is None", "output._filled(2.0) if seed is None", TELLS),
    grad("any_output_is_a_number", "if seed is None and output.numel() != 1:", "if False:", REFUSES, "micrograd: any value is a scalar"),
    grad("seed_of_any_shape", "if seed is not None and seed.shape != output.shape:", "if False:", REFUSES),
    grad("output_without_a_graph", "    if not output.requires_grad:\n        raise RuntimeError(f\"element {i} of", "    if False:\n        raise RuntimeError(f\"element {i} of", REFUSES),
    grad("unused_is_zero", "if unused and not (allow_unused or materialize_grads):", "if False:", REFUSES, "a parameter that is not in the graph is noticed late"),
    grad("unused_never_allowed", "if unused and not (allow_unused or materialize_grads):", "if unused:", TELLS),
    grad("unused_not_materialized", "x._filled(0.0) if materialize_grads else None", "None", TELLS),
    grad("input_without_gradient_allowed", "if any(edge is None for edge in edges):", "if False:", REFUSES),
    grad("never_recorded", "with enable_grad() if create_graph else no_grad()", "with no_grad()", SECOND),
    grad("always_freed_when_recorded", "retain_graph = create_graph if retain_graph is None else retain_graph", "retain_graph = bool(retain_graph)", TELLS),
    grad("always_retained", "retain_graph = create_graph if retain_graph is None else retain_graph", "retain_graph = True", REFUSES),
    grad("hooks_are_deaf", "g = g if new is None else unpack(new)", "g = g", TELLS),
    grad("hooks_must_answer", "g = g if new is None else unpack(new)", "g = unpack(new if new is not None else pack(g * 0))", TELLS),
    grad("leaves_have_no_hooks", "leaves = {leaf: _hooked(leaf, g, pack, unpack) for leaf, g in arrived.items()}", "leaves = dict(arrived)", TELLS),
    grad("inner_inputs_are_passed_by", "kept[node] = g", "kept[node] = g * 0", TELLS),
    grad("kept_before_hooks", "                g = _hooked(node, arrived.pop(node), pack, unpack)\n", "                node.retained and accumulate(node.retained(), pack(arrived[node]))\n                was, node.retained = node.retained, None\n                g = _hooked(node, arrived.pop(node), pack, unpack)\n                node.retained = was\n", TELLS),
    grad("accumulates_into_another_tensor", "tensor._kept.add_(g)", "tensor._kept = tensor._kept + g", TELLS, "clause: an optimizer may hold it"),
    grad("recursion", "    found, stack = set(), list(edges)\n    while stack:\n        edge = stack.pop()\n        if edge not in found and edge.edges:\n            found.add(edge)\n            stack.extend(e for e in edge.edges if e is not None)\n", "    found = set()\n\n    def visit(edge):\n        if edge not in found and edge.edges:\n            found.add(edge)\n            for e in edge.edges:\n                e is not None and visit(e)\n\n    for edge in edges:\n        visit(edge)\n", LONG, "micrograd: RecursionError at 2,000 operations"),
    backward("overwrites", "accumulate(edge.variable if at is None else at[edge], _own(g, taken))", "setattr(edge.variable if at is None else at[edge], '_kept', _own(g, taken))", ADDS, "micrograd's second pass"),
    backward("gradients_shared", "        return g.clone()\n    taken", "        return g\n    taken", OWN, "clause"),
    backward("spread_gradient_kept", "if owner in taken or not g._array.flags.writeable:", "if owner in taken:", TELLS),
    backward("goes_everywhere", "        if at is None or edge in at:\n", "        if True:\n", TELLS, "clause", ("at[edge], _own", "at.get(edge, getattr(edge, 'variable', None)), _own")),
    backward("empty_inputs", "if inputs is not None and not as_tuple(inputs):", "if False:", REFUSES),
    backward("cycle_unmentioned", "    if create_graph:\n", "    if False:\n", REFUSES),
    no_grad("always_turns_on", "MODE.enabled = self._found.pop()", "MODE.enabled = True", TELLS, "a block inside a block"),
    no_grad("never_turns_on_again", "MODE.enabled = self._found.pop()", "self._found.pop()", TELLS),
    no_grad("records", "    enabled = False\n", "    enabled = True\n", TELLS),
    enable_grad("changes_nothing", "    enabled = True\n", "    enabled = False\n", TELLS),
    # ── the surface
    tensor("write_keeps_its_version", "        self._counter[0] += 1\n", "", REFUSES, "tinygrad, HIPS autograd: no versions"),
    tensor("views_have_versions_of_their_own", "record(Tensor._of(array, self._counter), name", "record(Tensor._of(array), name", REFUSES),
    tensor("detached_has_a_version_of_its_own", "return Tensor._of(self._array, self._counter)", "return Tensor._of(self._array)", REFUSES),
    tensor("detached_keeps_its_graph", "return Tensor._of(self._array, self._counter)", "other = Tensor._of(self._array, self._counter)\n        other._node = self._node\n        return other", TELLS),
    tensor("detached_is_a_copy", "return Tensor._of(self._array, self._counter)", "return Tensor._of(self._array.copy(), self._counter)", TELLS),
    tensor("leaf_updated_in_place", "if MODE.enabled and (base._trained or self._trained):", "if False:", REFUSES),
    tensor("leaf_never_updated_in_place", "if MODE.enabled and (base._trained or self._trained):", "if base._trained or self._trained:", TELLS),
    tensor("view_of_a_leaf_updated_in_place", "if MODE.enabled and (base._trained or self._trained):", "if MODE.enabled and self._trained:", REFUSES),
    tensor("view_writes_to_itself_only", "base._node = value._node if base is self else _with_slice(base, self._look, value)", "self._node = value._node", TELLS),
    tensor("slice_not_cut_out", "(base, lambda g: np.where(written, 0.0, g), ())", "(base, _same, ())", TELLS),
    tensor("views_not_looked_at_again", "if self._base is not None and self._seen != self._counter[0]:", "if False:", TELLS),
    tensor("write_reads_what_it_wrote", "        before = Tensor._of(self._array.copy())\n", "        before = Tensor._of(self._array)\n", TELLS),
    tensor("filled_remembers", "def _nothing(g):\n    return np.where(True, 0.0, g)", "def _nothing(g):\n    return g", TELLS),
    tensor("writes_what_does_not_fit", "        if value.shape != self.shape:\n            raise RuntimeError(\n                f\"output", "        if False:\n            raise RuntimeError(\n                f\"output", REFUSES),
    tensor("writes_fractions_into_integers", "if RANK[value.dtype.kind] > RANK[self.dtype.kind]:", "if False:", REFUSES),
    tensor("integers_may_be_differentiated", "if requires_grad and self.dtype.kind != \"f\":", "if False:", REFUSES),
    tensor("flag_of_what_was_computed", "if not requires_grad and not self.is_leaf:", "if False:", REFUSES),
    tensor("what_was_computed_becomes_a_leaf", "self._trained = requires_grad and self.is_leaf", "self._trained = requires_grad\n        self._node = None", TELLS),
    tensor("grad_read_in_silence", "warnings.warn(GRAD_OF_NO_LEAF, stacklevel=2)", "pass", REFUSES),
    tensor("intermediate_kept", "self.grad_fn.retained = weakref.ref(self)", "self.grad_fn.retained = lambda: self", GOES, "clause", ("        view._seen = self._counter[0]\n", "        view._seen = self._counter[0]\n        view._node and view.retain_grad()\n")),
    tensor("retain_grad_does_nothing", "self.grad_fn.retained = weakref.ref(self)", "pass", TELLS),
    tensor("grad_of_any_size", "if grad is not None and grad.shape != self.shape:", "if False:", REFUSES),
    tensor("array_of_what_is_differentiated", "        if self.requires_grad:\n            raise RuntimeError(\"Can't call numpy()", "        if False:\n            raise RuntimeError(\"Can't call numpy()", REFUSES),
    tensor("copy_of_a_leaf_is_a_leaf", "if copy.dtype.kind == \"f\" else copy", "if copy.dtype.kind == \"f\" and self._node else copy.requires_grad_(self._trained)", TELLS, "document 002: w.to(device) is no leaf"),
    tensor("same_dtype_is_copied", "        if self.dtype == dtype:\n            return self\n", "", TELLS),
    tensor("numbers_decide_the_dtype", "if isinstance(y, bool | int | float):", "if False:", TELLS, "clause", ("    x, y = _payload(a), _payload(b)\n", "    x, y = _payload(a), np.asarray(_payload(b))\n")),
    tensor("scalars_decide_the_dtype", "    if bool(x.ndim) != bool(y.ndim):\n        return x.dtype if x.ndim else y.dtype\n", "", TELLS, "NumPy's rule since 2.0"),
    tensor("integers_meet_as_doubles", "    if ranks[0] != ranks[1]:\n        return x.dtype if ranks[0] > ranks[1] else y.dtype\n", "", TELLS, "NumPy: int64 and float32 make float64"),
    tensor("integers_divide_to_doubles", "        y = _floating(y) if hasattr(y, \"dtype\") else y\n", "", TELLS, "clause", ("Tensor._of(_floating(x) / y)", "Tensor._of(x / y)")),
    tensor("negative_step", "if item.step is not None and item.step <= 0:", "if False:", REFUSES),
    tensor("index_wraps", "if not -n <= i < n:", "if False:", REFUSES, "clause", ("dim + (i, Ellipsis)", "dim + (i % n, Ellipsis)")),
    tensor("removed_hook_stays", "self._hooks.pop(self._number, None)", "self._hooks.get(self._number, None)", TELLS),
]
