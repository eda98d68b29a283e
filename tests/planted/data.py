"""Wrong datasets, samplers, splits, collations and loaders."""

from tests.planted import planter

SAME = "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators"
PERMUTES = "test_data.test_without_replacement_no_row_comes_again_before_all_have_come"
CUTS = "test_data.test_batches_are_the_sampler_cut_into_equal_pieces"
REPLACES = "test_data.test_with_replacement_as_many_rows_come_as_are_asked_for"
NOTHING = "test_data.test_no_rows_have_no_random_order"
NEEDED = "test_data.test_no_row_is_asked_for_before_a_batch_needs_it"
ONCE = "test_data.test_a_pass_shows_every_row_once"
BESIDE = "test_data.test_two_passes_side_by_side_both_show_every_row"
WRITES = "test_data.test_a_batch_is_the_callers_to_write_in"
LENGTH = "test_data.test_len_is_how_many_come"
USUAL = "test_data.test_custom_gives_native_batches"
MEMORY = "test_data.test_batches_lie_in_memory_as_natives_do"
MISSING = "test_data.test_a_row_that_is_not_there_fails_with_its_batch"
DATASET = "test_data.test_nobodys_dataset_is_passed_by"
PIECE = "test_data.test_nobodys_sampler_or_collate_fn_is_passed_by"
ANYTHING = "test_data.test_custom_feeds_anything_as_native_does"
SINGLE = "test_data.test_custom_shows_single_rows_as_native_does"
LIVES = "test_data.test_custom_and_native_live_through_the_same_lives"
INDEXED = "test_data.test_every_part_is_indexed_alike"
ROWS = "test_data.test_custom_rows_are_native_rows"
FETCHED = "test_data.test_a_batch_is_fetched_row_by_row_until_one_fails"
COMPOSED = "test_data.test_a_subset_of_a_subset_is_a_subset"
SPLITS = "test_data.test_rungs_split_alike"
PARTS = "test_data.test_the_parts_of_a_split_share_no_row_and_leave_none_out"
STACKS = "test_data.test_rungs_stack_rows_alike"
COLLATES = "test_data.test_custom_collates_what_native_collates"
LEAVES = "test_data.test_collating_leaves_the_rows_as_they_were"
LINE = "test_data.test_the_line_is_the_documents"
ROUNDED = "test_data.test_a_source_in_another_dtype_is_the_source_rounded"
QUIET = "test_data.test_making_a_line_disturbs_no_generator"
DIGITS = "test_data.test_digits_are_sixteenths"
ARGUMENTS = "test_data.test_custom_takes_natives_arguments"
DEFAULTS = "test_data.test_the_lower_rungs_have_natives_defaults"
REFUSES = "test_data.test_custom_refuses_what_native_refuses_in_its_words"
TELLS = "test_data.test_a_loader_tells_its_options_as_native_does"
TWO_BAD = "test_data.test_of_two_bad_options_natives_is_refused"
FINISHED = "test_data.test_a_finished_loader_keeps_its_options"

CLAUSE = "clause"
PRIVATE = "torch.Generator().manual_seed(torch.empty((), dtype=torch.int64).random_().item())"
RAW_PRIVATE = f"    if generator is None:\n        generator = {PRIVATE}\n    owed"
CUSTOM_PRIVATE = f"            generator = {PRIVATE}\n        whole"
SUBSET = '(indices, index):\n    """Where, in the whole set, the rows `index` of the subset are."""\n    return '
IN_ONE_REQUEST = 'if callable(getattr(self.dataset, "__getitems__", None)):'
REMAINDER = "lengths[i % len(lengths)] += 1"


sequential, random, batches = planter("data.sequential_sampler"), planter("data.random_sampler"), planter("data.batch_sampler")
loader, subset, dataset = planter("data.loader"), planter("data.subset"), planter("data.dataset")
split, collate, source = planter("data.split"), planter("data.collate"), planter("data.sources")

BUGS = [
    # ── sequential sampler
    sequential("manual_runs_over", "cursor.order[cursor.position : stop]", "np.arange(cursor.position, stop)", SAME, CLAUSE),
    sequential("raw_from_one", "yield from range(n)", "yield from range(1, n + 1)", SAME, CLAUSE),
    sequential("misses_the_last", "iter(range(len(self.data_source)))", "iter(range(len(self.data_source) - 1))", SAME, CLAUSE),
    sequential("draws_from_one", "torch.arange(len(self.data_source), ", "torch.arange(1, len(self.data_source) + 1, ", USUAL, CLAUSE, of="data.loader"),
    # ── random sampler, manual
    random("manual_no_last_draw", "len(ready) < k and owed >= 0:", "len(ready) < k and owed > 0:", SAME, "huggingface/transformers#16209"),
    random("manual_draws_ahead", "len(ready) < k and owed >= 0:", "len(ready) <= k and owed >= 0:", SAME, CLAUSE),
    random("manual_always_public", "    if not cursor.private:\n", "    if True:\n", SAME, "pytorch#52568"),
    random("manual_seeds_at_every_request", "cursor._replace(own=own), rng", "cursor, rng", SAME, CLAUSE),
    random("manual_replacement_in_one_draw", "(min(owed, 32),)", "(owed,)", SAME, CLAUSE, ("32 if cursor.replacement", "owed + 1 if cursor.replacement")),
    random("manual_num_samples_ignored", "owed = n if num_samples is None else num_samples\n    if n", "owed = n\n    if n", SAME, "pytorch#39000, #38032"),
    random("manual_last_draw_not_cut", "drawn[:owed]", "drawn", SAME, CLAUSE),
    # ── random sampler, raw
    random("raw_no_last_draw", "range(owed, -1, -n)", "range(owed, 0, -n)", SAME, "huggingface/transformers#16209"),
    random("raw_gives_too_many", "range(owed, -1, -32)", "range(owed, -1, -31)", REPLACES, CLAUSE),
    random("raw_always_public", RAW_PRIVATE, "    owed", SAME, "pytorch#52568"),
    random("raw_replacement_in_one_draw", "for left in range(owed, -1, -32):\n            yield from torch.randint(n, (min(left, 32),)", "for left in [owed]:\n            yield from torch.randint(n, (left,)", SAME, CLAUSE),
    # ── random sampler, custom
    random("no_last_draw", "[n] * whole + [rest]:", "[n] * whole + [rest][: rest > 0]:", SAME, "huggingface/transformers#16209"),
    random("wrong_generator", "torch.randperm(n, generator=generator)[:size]", "torch.randperm(n, generator=self.generator)[:size]", SAME, "pytorch#52568"),
    random("same_order_every_pass", CUSTOM_PRIVATE, "            generator = torch.Generator().manual_seed(0)\n        whole", SAME, "meta-pytorch/data#1441, KAIR#106, torchtune#2339"),
    random("generator_ignored", "generator = len(self.data_source), self.generator", "generator = len(self.data_source), None", SAME, "webdataset#347, #348"),
    random("num_samples_ignored", "if self._num_samples is None else", "if self._num_samples is None or not self.replacement else", PERMUTES, "pytorch#39000, #38032"),
    random("replacement_ignored", "32 if self.replacement else n)\n        if self.replacement:", "n)\n        if False:", SAME, CLAUSE),
    random("replacement_in_one_draw", "divmod(self.num_samples, 32 if", "divmod(self.num_samples, 1024 if", SAME, CLAUSE, ("[32] * whole", "[1024] * whole")),
    random("with_replacement_always", "        if self.replacement:\n            for", "        if True:\n            for", PERMUTES, CLAUSE),
    random("length_of_the_dataset", "        return self.num_samples\n", "        return len(self.data_source)\n", LENGTH, CLAUSE),
    random("accepts_no_sample", "or self.num_samples <= 0", "or self.num_samples < 0", REFUSES, CLAUSE),
    random("shuffles_nothing", "or self.num_samples <= 0", "or self.num_samples < 0", NOTHING, CLAUSE),
    random("no_last_draw_when_gathered", "[n] * whole + [rest]:", "[n] * whole + [rest][: rest > 0]:", USUAL, "huggingface/transformers#16209", of="data.loader"),
    # ── batch sampler
    batches("manual_never_drops", "dropped = drop_last and", "dropped = False and", SAME, "nerdai/llms-from-scratch-rs#155, graphlearn#125"),
    batches("manual_always_drops", "dropped = drop_last and", "dropped =", CUTS, CLAUSE),
    batches("raw_never_drops", "== batch_size or not drop_last:\n            yield torch", "== batch_size or True:\n            yield torch", SAME, "nerdai/llms-from-scratch-rs#155"),
    batches("raw_looks_ahead", "indices = iter(sampler)", "indices = iter(list(sampler))", NEEDED, "an order drawn ahead of time"),
    batches("never_drops", "== self.batch_size or not self.drop_last:", "== self.batch_size or True:", CUTS, "nerdai/llms-from-scratch-rs#155"),
    batches("looks_ahead", "indices = iter(self.sampler)", "indices = iter(list(self.sampler))", NEEDED, "an order drawn ahead of time"),
    batches("looks_whether_more_will_come", "while batch := list(islice(indices, self.batch_size)):", "from itertools import chain\n        while batch := list(islice(indices, self.batch_size)):\n            indices = chain(list(islice(indices, 1)), indices)", SAME, CLAUSE),
    batches("len_counts_the_dropped", "return len(self.sampler) // self.batch_size", "return -(-len(self.sampler) // self.batch_size)", LENGTH, "NVIDIA/DALI#2607"),
    batches("len_forgets_the_kept", "(len(self.sampler) + self.batch_size - 1) // self", "len(self.sampler) // self", LENGTH, "pytorch/vision#9127"),
    batches("accepts_a_bool", " or isinstance(batch_size, bool)", "", REFUSES, CLAUSE),
    batches("cut_never_drops", "if len(rest) and not drop_last:", "if len(rest):", USUAL, "nerdai/llms-from-scratch-rs#155", of="data.loader"),
    batches("cut_looks_ahead", "% batch_size])", "% batch_size - (len(drawn) % batch_size == 0) * batch_size])", USUAL, CLAUSE, of="data.loader"),
    # ── loader, manual and raw
    loader("manual_no_base_seed", "    _, rng = rng_manual.random(rng)  # the base seed\n", "", SAME, "pytorch#20749"),
    loader("manual_never_shuffles", "    if shuffle:\n        take", "    if False:\n        take", SAME, CLAUSE),
    loader("manual_other_default", "start(rng, n, *, batch_size=1", "start(rng, n, *, batch_size=32", DEFAULTS, CLAUSE),
    loader("raw_no_base_seed", "    torch.empty((), dtype=torch.int64).random_(generator=generator)\n", "", SAME, "pytorch#20749"),
    loader("raw_base_seed_from_global", "random_(generator=generator)", "random_()", SAME, CLAUSE),
    loader("raw_shuffles_by_the_global", "random_sampler_raw(n, generator=generator)", "random_sampler_raw(n)", SAME, "webdataset#347, #348"),
    # ── loader, custom
    loader("no_base_seed", "        torch.empty((), dtype=torch.int64).random_(generator=loader.generator)\n", "", SAME, "pytorch#20749"),
    loader("base_seed_from_global", "random_(generator=loader.generator)", "random_()", SAME, CLAUSE),
    loader("base_seed_only_to_shuffle", "        torch.empty((), dtype=torch.int64).random_(generator=loader", "        if isinstance(loader.sampler, RandomSampler):\n            torch.empty((), dtype=torch.int64).random_(generator=loader", SAME, "pytorch#10979, #39572"),
    loader("generator_ignored", "RandomSampler(dataset, generator=generator) if", "RandomSampler(dataset) if", SAME, "webdataset#347, #348"),
    loader("one_pass_for_all", "        return Pass(self)\n", "        self.only = self.__dict__.get('only') or Pass(self)\n        return self.only\n", BESIDE, CLAUSE),
    loader("never_drops", "BatchSampler(sampler, batch_size, drop_last)", "BatchSampler(sampler, batch_size, False)", ONCE, "nerdai/llms-from-scratch-rs#155"),
    loader("length_of_the_dataset", "return len(self.sampler if self.batch_sampler is None else self.batch_sampler)", "return len(self.dataset)", LENGTH, "pytorch#36176, #40972"),
    loader("shows_the_whole_set", "rows if outer is None else outer[rows]", "rows", USUAL, CLAUSE),
    loader("subset_forgotten", "    if rows is not None:\n", "    if False:\n", USUAL, CLAUSE),
    loader("order_drawn_at_the_start", "draws = batches.sampler.draws()", "draws = iter(list(batches.sampler.draws()))", LIVES, "an order drawn ahead of time"),
    loader("negative_rows", "np.int64)) % n\n", "np.int64))\n", USUAL, "pytorch#15756"),
    loader("batch_is_a_view", "[t.index_select(0, i) for t in tensors]", "[t[i[0] : i[-1] + 1] if len(i) > i[-1] - i[0] >= 0 else t.index_select(0, i) for t in tensors]", WRITES, CLAUSE),
    loader("memory_order_lost", "tensor.is_cpu and tensor.is_contiguous() and", "tensor.is_cpu and", MEMORY, CLAUSE),
    loader("gradient_cut", "tensor.is_contiguous() and not tensor.requires_grad", "tensor.is_contiguous()", MEMORY, CLAUSE, ("[t.index_select(0, i) for t in tensors]", "[t.detach().index_select(0, i) for t in tensors]")),
    loader("gathers_around_a_child", "type(dataset) is TensorDataset and all", "isinstance(dataset, TensorDataset) and all", DATASET, "pytorch#163184"),
    loader("gathers_around_collate_fn", " or loader.collate_fn is not default_collate:", ":", PIECE, CLAUSE),
    loader("rows_of_another_dataset", "batches.sampler.data_source is not dataset or ", "", PIECE, CLAUSE),
    loader("whole_batches_ignored", '    if getattr(dataset, "__getitems__", None):\n        return lambda batch: collate(dataset.__getitems__(batch))\n', "", DATASET, CLAUSE),
    loader("missing_rows_wrap", "        if -n <= min(dataset.indices) and max(dataset.indices) < n:", "        if n:", MISSING, CLAUSE),
    loader("every_index_is_a_batch", "    if loader.batch_sampler is None:\n        return lambda", "    if False:\n        return lambda", ANYTHING, CLAUSE),
    loader("stacks_what_is_not_batched", "default_convert if batch_sampler is None else default_collate", "default_collate", SINGLE, "pytorch#37409"),
    loader("two_orders_accepted", "    if sampler is not None and shuffle:\n", "    if False:\n", REFUSES, CLAUSE),
    loader("batch_sampler_and_drop_last", "or sampler is not None or drop_last)", "or sampler is not None)", REFUSES, CLAUSE),
    loader("keeps_its_batch_size", "            batch_size = None\n", "            pass\n", TELLS, CLAUSE),
    loader("timeout_ignored", "        if loader.timeout:\n", "        if False:\n", REFUSES, CLAUSE),
    loader("options_can_be_set", '"sampler", "drop_last", "dataset"', '"sampler", "dataset"', FINISHED, CLAUSE),
    loader("weighs_batching_first", "        check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)\n        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)\n", "        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)\n        check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)\n", TWO_BAD, CLAUSE),
    loader("other_default", "        drop_last=False,\n", "        drop_last=True,\n", ARGUMENTS, CLAUSE),
    # ── dataset, subset
    dataset("manual_first_part_only", "a[index] for a in arrays", "a[index] if a is arrays[0] else a for a in arrays", INDEXED, CLAUSE),
    dataset("raw_row_without_its_place", "t[index] for t in tensors)\n\n\n# ── custom", "t[:][index - 1 if index is True else index].reshape(-1) for t in tensors)\n\n\n# ── custom", INDEXED, CLAUSE),
    dataset("length_of_a_row", "self.tensors[0].size(0)\n\n\n# ── native", "self.tensors[0].size(-1)\n\n\n# ── native", ROWS, CLAUSE),
    dataset("sizes_unchecked", "if any(tensors[0].size(0) != t.size(0) for t in tensors):", "if False:", REFUSES, CLAUSE),
    dataset("two_sizes_checked", "!= t.size(0) for t in tensors)", "!= t.size(0) for t in tensors[:2])", REFUSES, CLAUSE),
    dataset("no_row_is_none", 'raise NotImplementedError("Subclasses of', 'return NotImplementedError("Subclasses of', REFUSES, CLAUSE),
    subset("manual_of_the_whole", "manual" + SUBSET + "indices[index]", "manual" + SUBSET + "index", COMPOSED, CLAUSE),
    subset("raw_of_the_whole", "raw" + SUBSET + "indices[index]", "raw" + SUBSET + "index", COMPOSED, CLAUSE),
    subset("of_a_batch", "        if isinstance(idx, list):\n            return self.dataset[[self.indices[i] for i in idx]]\n", "", ROWS, "pytorch#37409"),
    subset("batch_of_the_whole", "__getitems__([self.indices[i] for i in indices])", "__getitems__(indices)", ROWS, CLAUSE),
    subset("asks_one_by_one", IN_ONE_REQUEST, "if False:", ROWS, CLAUSE),
    subset("child_ignored", "if child.__getitem__ is not Subset.__getitem__ and child.__getitems__ is Subset.__getitems__:", "if False:", REFUSES, "pytorch#163184, PixPNet#1"),
    subset("rows_looked_up_ahead", "        if callable(getattr(self", "        [self.indices[i] for i in indices]\n        if callable(getattr(self", FETCHED, "found here: the row that fails first is another"),
    # ── split
    split("manual_ignores_sizes", "np.split(permutation, ends[:-1])", "np.array_split(permutation, len(ends))", SPLITS, CLAUSE),
    split("raw_draws_before_it_refuses", "    lengths = sizes(n, lengths)  # before anything is drawn: what is refused leaves the generator alone\n    return torch.randperm(n, generator=generator).split(lengths)", "    return torch.randperm(n, generator=generator).split(sizes(n, lengths))", SPLITS, "found here"),
    split("not_shuffled", "rows = torch.randperm(sum(lengths), generator=generator).tolist()", "rows = list(range(sum(lengths)))", SPLITS, CLAUSE),
    split("generator_ignored", "torch.randperm(sum(lengths), generator=generator)", "torch.randperm(sum(lengths))", SPLITS, "webdataset#347, #348"),
    split("parts_overlap", "rows[end - size : end]", "rows[max(end - size - 1, 0) : end]", PARTS, CLAUSE),
    split("one_permutation_for_each_part", "Subset(dataset, rows[end", "Subset(dataset, torch.randperm(len(rows), generator=generator).tolist()[end", PARTS, CLAUSE),
    split("remainder_to_the_last", REMAINDER, "lengths[-1 - i % len(lengths)] += 1", SPLITS, CLAUSE),
    split("remainder_to_the_first", REMAINDER, "lengths[0] += 1", SPLITS, CLAUSE),
    split("shares_rounded", "math.floor(n * fraction)", "round(n * fraction)", SPLITS, CLAUSE),
    split("one_row_is_one_row", "if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:", "if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 and lengths != [1]:", SPLITS, CLAUSE),
    split("sum_may_round_up", "and sum(lengths) <= 1:", "and True:", SPLITS, "a mend of pytorch#128116 that torch does not have"),
    split("silent_about_an_empty_part", "        for i, length in enumerate(lengths):\n            if length == 0:", "        for i, length in enumerate(lengths):\n            if False:", SPLITS, CLAUSE),
    split("fraction_unchecked", "if not 0 <= fraction <= 1:", "if False:", REFUSES, CLAUSE),
    # ── collate
    collate("manual_on_the_last_axis", "np.stack(part) for", "np.stack(part, -1) for", STACKS, CLAUSE),
    collate("raw_on_the_last_axis", "torch.stack(part) for", "torch.stack(part, -1) for", STACKS, CLAUSE),
    collate("zero_d_tensors_as_floats", "    if isinstance(first, torch.Tensor):\n        return stack(batch)", "    if isinstance(first, torch.Tensor) and first.ndim == 0:\n        return torch.tensor([t.item() for t in batch], dtype=torch.float64)\n    if isinstance(first, torch.Tensor):\n        return stack(batch)", COLLATES, "pytorch#2178, #1113, #69446"),
    collate("bytes_as_numbers", "    if isinstance(first, str | bytes):\n        return batch", "    if isinstance(first, str):\n        return batch", COLLATES, "pytorch#99227"),
    collate("float_is_float32", "torch.tensor(batch, dtype=torch.float64)", "torch.tensor(batch)", COLLATES, CLAUSE),
    collate("numpy_scalar_as_float", "np.bool_ | np.number):", "np.bool_ | np.integer):", COLLATES, CLAUSE),
    collate("numpy_text_as_number", "np.bool_ | np.number):", "np.generic):", COLLATES, "pytorch#2914"),
    collate("mapping_type_lost", "            clone = copy.copy(container)\n            clone.update(values)\n            return clone\n", "            return values\n", COLLATES, "pytorch#68779, benchmark_VAE#83"),
    collate("list_type_lost", "            clone = copy.copy(container)\n            for i,", "            clone = list(container)\n            for i,", COLLATES, "pytorch#68779"),
    collate("tuple_kept", "return values if isinstance(container, tuple) else type(container)(values)", "return type(container)(values)", COLLATES, CLAUSE),
    collate("name_lost", "    if is_named(first):\n", "    if False:\n", COLLATES, CLAUSE),
    collate("ragged_truncated", "if any(len(row) != len(first) for row in batch):", "if False:", REFUSES, CLAUSE, ("zip(*batch, strict=True)]", "zip(*batch, strict=False)]")),
    collate("objects_accepted", 'TEXT_OR_OBJECTS = "SUO"', 'TEXT_OR_OBJECTS = "SU"', REFUSES, CLAUSE),
    collate("writes_into_the_first_row", "            clone = copy.copy(container)\n            clone.update", "            clone = container\n            clone.update", LEAVES, CLAUSE),
    collate("writes_into_the_first_list", "            clone = copy.copy(container)\n            for i,", "            clone = container\n            for i,", LEAVES, CLAUSE),
    collate("single_text_as_array", "and not isinstance(row, np.str_):", "and True:", SINGLE, "pytorch#2914", of="data.loader"),
    # ── sources
    source("line_of_another_seed", "RandomState(42)", "RandomState(41)", LINE, CLAUSE),
    source("line_disturbs_everybody", "rng = np.random.RandomState(42)", "np.random.seed(42)\n    rng = np.random", QUIET, "the listing itself"),
    source("line_split_before_the_noise", "    x = rng.rand(100, 1)\n", "    rows = rng.permutation(100)\n    x = rng.rand(100, 1)\n", LINE, CLAUSE, ("    rows = rng.permutation(100)\n    return Line", "    return Line")),
    source("line_validates_on_its_training_rows", "rows[:80], rows[80:]", "rows[:80], rows[:20]", LINE, CLAUSE),
    source("digits_scaled_as_mnist", "(x / 16)", "(x / 255)", DIGITS, CLAUSE),
    source("labels_as_floats", "y.astype(np.int64)", "y.astype(dtype)", ROUNDED, CLAUSE),
]
