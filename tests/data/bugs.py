"""Wrong datasets, samplers, splits, collations and loaders."""

from tests.planted import planter

SAME = "test_families.test_rungs_leave_the_same_trace"
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
INDEXED = "test_families.test_rungs_leave_the_same_trace"
ROWS = "test_data.test_custom_rows_are_native_rows"
FETCHED = "test_data.test_a_batch_is_fetched_row_by_row_until_one_fails"
COMPOSED = "test_families.test_rungs_leave_the_same_trace"
SPLITS = "test_families.test_rungs_leave_the_same_trace"
PARTS = "test_data.test_the_parts_of_a_split_share_no_row_and_leave_none_out"
STACKS = "test_families.test_rungs_leave_the_same_trace"
COLLATES = "test_data.test_custom_collates_what_native_collates"
LEAVES = "test_data.test_collating_leaves_the_rows_as_they_were"
GIVEN = "test_data.test_given_indices_all_come_once"
WEIGHTLESS = "test_data.test_rows_without_weight_do_not_come"
SHARES = "test_data.test_ranks_share_the_rows"
EPOCHS = "test_data.test_another_epoch_or_seed_is_another_order"
PLACED = "test_families.test_rungs_leave_the_same_trace"
STACKED = "test_families.test_rungs_leave_the_same_trace"
JOINS = "test_data.test_joined_datasets_give_natives_rows"
CHAINS = "test_data.test_a_chain_begins_a_stream_when_the_one_before_has_ended"
FLOWS = "test_data.test_custom_feeds_a_stream_as_native_does"
LARGE = "test_data.test_however_large_the_rows_batches_are_natives"
OVERWRITTEN = "test_data.test_what_is_written_into_the_dataset_is_in_the_batches_that_follow"
APART = "test_data.test_a_batch_may_be_written_in_while_another_waits_for_its_backward"
WORKS = "test_data.test_workers_give_native_batches_and_leave_the_same_generators"
SHARED = "test_data.test_workers_share_a_stream_as_natives_do"
SEEDED = "test_data.test_a_worker_is_seeded_by_the_pass_and_its_place"
READY = "test_data.test_the_first_batch_ready_comes_first_if_order_is_not_asked_for"
FAILS = "test_data.test_a_failing_worker_is_natives_error"
DIES = "test_data.test_a_pass_ends_with_its_first_dead_worker"
ABANDONED = "test_data.test_an_abandoned_pass_leaves_no_process"
AHEAD = "test_data.test_nothing_fetched_ahead_is_refused_when_a_pass_starts"
WARNS = "test_data.test_custom_warns_where_native_warns"
RESUMES = "test_data.test_a_resumed_run_is_the_run_that_was_never_stopped"
RESUMES_WORKERS = "test_data.test_a_resumed_run_has_its_workers_back"
FOREIGN = "test_data.test_what_others_drew_within_a_pass_is_not_forgotten"
UNRESUMABLE = "test_data.test_what_cannot_be_resumed_is_refused"
LINE = "test_data.test_the_line_is_the_documents"
ROUNDED = "test_data.test_a_source_in_another_dtype_is_the_source_rounded"
QUIET = "test_data.test_making_a_line_disturbs_no_generator"
DIGITS = "test_data.test_digits_are_sixteenths"
ARGUMENTS = "test_data.test_custom_takes_natives_arguments"
DEFAULTS = "test_data.test_the_lower_rungs_have_natives_defaults"
REFUSES = "test_families.test_custom_refuses_what_native_refuses_in_its_words"
REFUSES_STREAMS = "test_data.test_custom_refuses_of_a_stream_what_native_refuses_in_its_words"
TELLS = "test_data.test_a_loader_tells_its_options_as_native_does"
TWO_BAD = "test_data.test_of_two_bad_options_natives_is_refused"
FINISHED = "test_data.test_a_finished_loader_keeps_its_options"

CLAUSE = "clause"
PRIVATE = "torch.Generator().manual_seed(int(torch.empty((), dtype=torch.int64).random_()))"
RAW_PRIVATE = f"    if generator is None:\n        generator = {PRIVATE}\n    owed"
CUSTOM_PRIVATE = f"            generator = {PRIVATE}\n        whole"
SUBSET = '(indices, index):\n    """Where, in the whole set, the rows `index` of the subset are."""\n    return '
IN_ONE_REQUEST = 'if callable(getattr(self.dataset, "__getitems__", None)):'
REMAINDER = "lengths[i % len(lengths)] += 1"


sequential, random, batches = planter("data.sequential_sampler"), planter("data.random_sampler"), planter("data.batch_sampler")
loader, subset, dataset = planter("data.loader"), planter("data.subset"), planter("data.dataset")
subset_random, weighted, distributed = planter("data.subset_random_sampler"), planter("data.weighted_random_sampler"), planter("data.distributed_sampler")
concat, stacked, chain, stream = planter("data.concat_dataset"), planter("data.stack_dataset"), planter("data.chain_dataset"), planter("data.iterable_dataset")
workers, stateful = planter("data.workers"), planter("data.stateful_loader")
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
    # ── random sampler of given indices
    subset_random("manual_of_the_whole", "cursor.indices[order[cursor.position : stop]]", "order[cursor.position : stop]", GIVEN, CLAUSE),
    subset_random("manual_draws_at_every_request", "if order is None:", "if True:", SAME, CLAUSE),
    subset_random("raw_generator_ignored", "torch.randperm(len(indices), generator=generator)", "torch.randperm(len(indices))", SAME, "webdataset#347, #348"),
    subset_random("as_the_random_one", "            yield self.indices[i]\n", "            yield self.indices[i]\n        torch.randperm(len(self.indices), generator=self.generator)\n", SAME, CLAUSE),
    subset_random("not_shuffled", "for i in torch.randperm(len(self.indices), generator=self.generator).tolist():", "for i in range(len(self.indices)):", SAME, CLAUSE),
    subset_random("of_the_whole", "yield self.indices[i]", "yield i", GIVEN, CLAUSE),
    subset_random("length_of_the_whole", "return len(self.indices)", "return max(self.indices, default=0) + 1", LENGTH, CLAUSE),
    # ── weighted random sampler
    weighted("manual_one_by_the_sum", "if replacement and num_samples > 1:", "if replacement:", SAME, CLAUSE),
    weighted("manual_weights_as_keys", "np.argsort(weights / log1p(-u))", "np.argsort(log1p(-u))", WEIGHTLESS, CLAUSE),
    weighted("manual_smallest_first", "np.argsort(weights / log1p(-u))", "np.argsort(weights / -log1p(-u))", WEIGHTLESS, CLAUSE),
    weighted("manual_weights_not_summed_up", "shares = np.cumsum(weights)", "shares = np.sort(weights)", SAME, CLAUSE),
    weighted("manual_without_replacement_by_default", "*, replacement=True):", "*, replacement=False):", DEFAULTS, CLAUSE),
    weighted("raw_always_replaces", "multinomial(weights, num_samples, replacement, generator=generator)", "multinomial(weights, num_samples, True, generator=generator)", SAME, CLAUSE),
    weighted("weights_cut_to_integers", "torch.as_tensor(weights, dtype=torch.float64)\n        if", "torch.as_tensor(weights, dtype=torch.float64).floor()\n        if", SAME, CLAUSE),
    weighted("generator_ignored", "self.replacement, generator=self.generator)", "self.replacement)", SAME, "webdataset#347, #348"),
    weighted("always_replaces", "self.num_samples, self.replacement, generator", "self.num_samples, True, generator", WEIGHTLESS, CLAUSE),
    weighted("one_at_a_time", "        yield from drawn.tolist()", "        for _ in range(self.num_samples):\n            yield from torch.multinomial(self.weights, 1, generator=self.generator).tolist()", SAME, CLAUSE),
    weighted("length_of_the_weights", "        return self.num_samples\n", "        return len(self.weights)\n", LENGTH, CLAUSE),
    weighted("accepts_a_bool", " or isinstance(num_samples, bool)", "", REFUSES, CLAUSE),
    weighted("accepts_a_table", "if weights.ndim != 1:", "if weights.ndim > 2:", REFUSES, CLAUSE),
    weighted("weighs_at_construction", "        self.weights, self", "        torch.multinomial(weights, 1)\n        self.weights, self", REFUSES, CLAUSE),
    # ── distributed sampler
    distributed("manual_epoch_ignored", "rng_manual.seed(seed + epoch)", "rng_manual.seed(seed)", EPOCHS, "pytorch#31771, KAIR#106"),
    distributed("manual_in_blocks", "[rank::num_replicas])\n\n\ndistributed", "[rank * (total // num_replicas) :][: total // num_replicas])\n\n\ndistributed", SAME, CLAUSE),
    distributed("manual_padded_with_the_last", "np.resize(order, total)", "order[np.minimum(np.arange(total), n - 1)]", SAME, CLAUSE),
    distributed("raw_never_drops", "    if drop_last:\n        order", "    if False:\n        order", SHARES, "nerdai/llms-from-scratch-rs#155"),
    distributed("epoch_ignored", "manual_seed(self.seed + self.epoch)", "manual_seed(self.seed)", EPOCHS, "pytorch#31771, KAIR#106, torchtune#2339"),
    distributed("seed_ignored", "manual_seed(self.seed + self.epoch)", "manual_seed(self.epoch)", EPOCHS, "webdataset#347, #348"),
    distributed("shuffles_by_the_global", "torch.randperm(n, generator=torch.Generator().manual_seed(self.seed + self.epoch))", "torch.randperm(n)", SAME, CLAUSE),
    distributed("not_padded", "        if self.total_size > n:\n            order *= -(-self.total_size // n)\n", "", SHARES, CLAUSE),
    distributed("never_drops", "(len(dataset) if drop_last else len(dataset) + num_replicas - 1)", "(len(dataset) + num_replicas - 1)", SHARES, "nerdai/llms-from-scratch-rs#155"),
    distributed("every_rank_the_same", "order[self.rank : self", "order[0 : self", SHARES, CLAUSE),
    distributed("length_of_all", "        return self.num_samples\n", "        return self.total_size\n", LENGTH, CLAUSE),
    distributed("rank_unchecked", "if not 0 <= rank < num_replicas:", "if not 0 <= rank <= num_replicas:", REFUSES, CLAUSE),
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
    loader("no_base_seed", "torch.empty((), dtype=torch.int64).random_(generator=loader.generator).item()", "0", SAME, "pytorch#20749"),
    loader("base_seed_from_global", "random_(generator=loader.generator)", "random_()", SAME, CLAUSE),
    loader("base_seed_only_to_shuffle", "base_seed = torch", "base_seed = isinstance(loader.sampler, RandomSampler) and torch", SAME, "pytorch#10979, #39572"),
    loader("generator_ignored", "RandomSampler(dataset, generator=generator) if", "RandomSampler(dataset) if", SAME, "webdataset#347, #348"),
    loader("one_pass_for_all", "begun = Pass(self)", "self.only = begun = self.__dict__['only'] if 'only' in self.__dict__ else Pass(self)", BESIDE, CLAUSE),
    loader("never_drops", "BatchSampler(sampler, batch_size, drop_last)", "BatchSampler(sampler, batch_size, False)", ONCE, "nerdai/llms-from-scratch-rs#155"),
    loader("length_of_the_dataset", "            return len(self.indices)\n", "            return len(self.dataset)\n", LENGTH, "pytorch#36176, #40972"),
    loader("shows_the_whole_set", "rows if outer is None else outer[rows]", "rows", USUAL, CLAUSE),
    loader("subset_forgotten", "    if rows is not None:\n", "    if False:\n", USUAL, CLAUSE),
    loader("order_drawn_at_the_start", "draws = batches.sampler.draws()", "draws = iter(list(batches.sampler.draws()))", LIVES, "an order drawn ahead of time"),
    loader("negative_rows", "np.int64)) % n\n", "np.int64))\n", USUAL, "pytorch#15756"),
    loader("batch_is_a_view", "t.index_select(0, rows).unsafe", "(t[rows[0] : rows[-1] + 1] if len(rows) > rows[-1] - rows[0] >= 0 else t.index_select(0, rows)).unsafe", WRITES, CLAUSE),
    loader("memory_order_lost", "tensor.is_cpu and tensor.is_contiguous() and", "tensor.is_cpu and", MEMORY, CLAUSE),
    loader("gradient_cut", "tensor.is_contiguous() and not tensor.requires_grad", "tensor.is_contiguous()", MEMORY, CLAUSE, ("t.index_select(0, rows).unsafe", "t.detach().index_select(0, rows).unsafe")),
    loader("gathers_around_a_child", "type(dataset) is TensorDataset and all", "isinstance(dataset, TensorDataset) and all", DATASET, "pytorch#163184"),
    loader("gathers_around_collate_fn", " or loader.collate_fn is not default_collate:", ":", PIECE, CLAUSE),
    loader("rows_of_another_dataset", "batches.sampler.data_source is not dataset or ", "", PIECE, CLAUSE),
    workers("main_process_is_one", "this_worker: WorkerInfo | None = None", "this_worker: WorkerInfo | None = WorkerInfo(0, 1, 0, None)", "test_data.test_the_main_process_is_no_worker"),
    workers("whole_batches_ignored", '        if getattr(dataset, "__getitems__", None):\n            return lambda batch: collate(dataset.__getitems__(batch))\n', "", DATASET, CLAUSE, of="data.loader"),
    loader("missing_rows_wrap", "        if -n <= min(dataset.indices) and max(dataset.indices) < n:", "        if n:", MISSING, CLAUSE),
    workers("every_index_is_a_batch", "        if not batched:\n            return", "        if False:\n            return", ANYTHING, CLAUSE, of="data.loader"),
    loader("stacks_what_is_not_batched", "default_convert if batch_sampler is None else default_collate", "default_collate", SINGLE, "pytorch#37409"),
    loader("two_orders_accepted", "    if sampler is not None and shuffle:\n", "    if False:\n", REFUSES, CLAUSE),
    loader("batch_sampler_and_drop_last", "or sampler is not None or drop_last)", "or sampler is not None)", REFUSES, CLAUSE),
    loader("keeps_its_batch_size", "            batch_size = None\n", "            pass\n", TELLS, CLAUSE),
    loader("timeout_ignored", "        if loader.timeout and not", "        if False and not", REFUSES, CLAUSE),
    loader("options_can_be_set", '"sampler", "drop_last", "dataset"', '"sampler", "dataset"', FINISHED, CLAUSE),
    loader("weighs_batching_first", "        check_workers(", "        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)\n        check_workers(", TWO_BAD, CLAUSE),
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
    # ── datasets one after the other, side by side, streams
    concat("manual_negative_handed_on", "np.where(np.less(index, 0), index + ends[-1], index)", "np.asarray(index)", PLACED, "pytorch#15756"),
    concat("manual_first_row_is_the_last", 'side="right"', 'side="left"', PLACED, CLAUSE),
    concat("raw_negative_handed_on", "torch.where(index < 0, index + ends[-1], index)", "index", PLACED, "pytorch#15756"),
    concat("raw_first_row_is_the_last", "right=True", "right=False", PLACED, CLAUSE),
    concat("negative_handed_on", "            idx += len(self)\n", "            return self.datasets[0][idx]\n", PLACED, "pytorch#15756"),
    concat("first_row_is_the_last", "import bisect_right", "import bisect_left as bisect_right", PLACED, CLAUSE),
    concat("too_negative_unchecked", "if -idx > len(self):", "if False:", REFUSES, CLAUSE),
    concat("streams_accepted", "if any(map(is_stream, self.datasets)):", "if False:", REFUSES, CLAUSE),
    concat("nothing_accepted", "if not self.datasets:", "if False:", REFUSES, CLAUSE),
    dataset("sum_backwards", "ConcatDataset([self, other])", "ConcatDataset([other, self])", JOINS, CLAUSE, of="data.concat_dataset"),
    stacked("manual_names_lost", "return {name: dataset[index] for name, dataset in datasets.items()}\n    return tuple(dataset[index] for dataset in datasets)\n\n\n# ── raw", "datasets = datasets.values()\n    return tuple(dataset[index] for dataset in datasets)\n\n\n# ── raw", STACKED, CLAUSE),
    stacked("raw_names_lost", "return {name: dataset[index] for name, dataset in datasets.items()}\n    return tuple(dataset[index] for dataset in datasets)\n\n\n# ── custom", "datasets = datasets.values()\n    return tuple(dataset[index] for dataset in datasets)\n\n\n# ── custom", STACKED, CLAUSE),
    stacked("names_lost", "if isinstance(self.datasets, dict) else tuple(parts)", "if False else tuple(parts)", STACKED, CLAUSE),
    stacked("asks_one_by_one", 'if not callable(getattr(dataset, "__getitems__", None)):', "if True:", JOINS, "pytorch#163184"),
    stacked("rows_uncounted", "if len(rows) != len(indices):", "if False:", REFUSES, CLAUSE, ("zip(*columns, strict=True)", "zip(*columns, strict=False)")),
    stacked("two_lengths_checked", "for dataset in self.each()):", "for dataset in self.each()[:2]):", REFUSES, CLAUSE),
    stacked("names_and_none_accepted", "if args and kwargs:", "if False:", REFUSES, CLAUSE),
    chain("looks_at_all_first", "for stream in self.streams():", "for stream in list(self.streams()):", CHAINS, CLAUSE),
    chain("anything_accepted", "if not is_stream(dataset):", "if False:", REFUSES_STREAMS, CLAUSE),
    chain("length_in_streams", "sum(map(len, self.streams()))", "sum(1 for _ in self.streams())", CHAINS, CLAUSE),
    stream("sum_forgets", "ChainDataset([self, other])", "ChainDataset([self])", CHAINS, CLAUSE, of="data.chain_dataset"),
    stream("is_no_stream", 'cls.__name__ == "IterableDataset"', 'cls.__name__ == "IterDataPipe"', FLOWS, CLAUSE, of="data.loader"),
    # ── streams in a loader
    loader("length_of_a_stream_in_rows", "return n // self.batch_size if self.drop_last else -(-n // self.batch_size)", "return n", FLOWS, "pytorch#36176, #40972"),
    loader("length_of_a_stream_floored", "if self.drop_last else -(-n // self.batch_size)", "if True else 0", FLOWS, "pytorch#38925 (review)"),
    loader("longer_stream_unnoticed", "if self.given > self.promised:", "if False:", FLOWS, CLAUSE),
    loader("as_long_a_stream_warned_of", "if self.given > self.promised:", "if self.given >= self.promised:", FLOWS, CLAUSE),
    loader("warns_unasked", "self._promised = n = len(self.dataset)", "n = len(self.dataset)", FLOWS, CLAUSE, ("        self.batches = self.fetched if", "        loader._promised = len(loader.dataset) if is_stream(loader.dataset) and hasattr(loader.dataset, '__len__') else None\n        self.batches = self.fetched if")),
    loader("stream_shuffled", "    if is_stream(dataset):\n        return Forever()\n", "    if is_stream(dataset) and not shuffle:\n        return Forever()\n", REFUSES, CLAUSE, ("        if is_stream(dataset):\n            check_stream(shuffle, sampler, batch_sampler)\n", "")),
    workers("last_batch_of_a_stream_kept", "(drop_last and len(taken) < len(batch))", "(False and len(taken) < len(batch))", FLOWS, "nerdai/llms-from-scratch-rs#155, pytorch#1133", of="data.loader"),
    workers("stream_read_ahead", "list(itertools.islice(rows, len(batch)))", "list(itertools.islice(rows, len(batch) + 1))[: len(batch)]", FLOWS, CLAUSE, of="data.loader"),
    # ── what is gathered at once
    batches("cut_across_batches", "whole.split(at_once * batch_size)", "whole.split(at_once * batch_size + 1)", LARGE, CLAUSE, of="data.loader"),
    loader("dataset_read_ahead", "if t._version != version:", "if False:", OVERWRITTEN, "found here: batches gathered before the dataset was changed"),
    loader("versions_shared", ".unsafe_split(", ".split(", APART, "found here: autograd counts writes to all parts of a split together"),
    # ── worker processes
    workers("seeds_of_worker_0", "base_seed + id, words", "base_seed, words", SEEDED, "facebookresearch/fairseq#1383"),
    workers("manual_words_swapped", "base_seed % 2**32, base_seed // 2**32", "base_seed // 2**32, base_seed % 2**32", SEEDED, CLAUSE),
    workers("numpy_unseeded", "    np.random.seed(words)\n", "", WORKS, "pytorch#5059, #3880, CenterNet#233, OpenPCDet#886", of="data.loader"),
    workers("python_unseeded", "    random.seed(seed)\n", "", WORKS, CLAUSE, of="data.loader"),
    workers("same_in_every_pass", "worker_seeds_manual(base_seed, id)\n    random", "worker_seeds_manual(0, id)\n    random", WORKS, "Lightning-AI/pytorch-lightning#20412", of="data.loader"),
    workers("init_fn_ignored", "if init_fn is not None:", "if False:", WORKS, CLAUSE, of="data.loader"),
    workers("info_for_ours_alone", "    vars(torch.utils.data._utils.worker)[\"_worker_info\"] = this_worker  # for datasets that ask torch\n", "", WORKS, CLAUSE, of="data.loader"),
    workers("info_of_the_wrong_worker", "WorkerInfo(id, num", "WorkerInfo(0, num", WORKS, CLAUSE, of="data.loader"),
    workers("unsent_without_a_word", "        warnings.warn(CANNOT_BE_SENT, stacklevel=2)\n", "", "test_data.test_what_cannot_be_sent_to_a_worker_is_natives_error_and_warning", "samestep 0.1.0, on macOS", of="data.loader"),
    workers("prefetch_factor_ignored", "loader.prefetch_factor * loader.num_workers,", "2 * loader.num_workers,", WORKS, CLAUSE, of="data.loader"),
    workers("all_sent_for_at_once", "for _ in range(self.depth):", "for _ in range(10**3):", WORKS, "an order drawn ahead of time", of="data.loader"),
    workers("reseeded_for_every_pass", "                fetch = fetching.begin()\n", "                fetch = fetching.begin()\n                seed_worker(base_seed, id)\n", WORKS, "the mend asked for in VeOmni#940, meta-pytorch/data#426", of="data.loader"),
    loader("persistent_base_seed", "        self.source.begin_again(", "        torch.empty((), dtype=torch.int64).random_(generator=loader.generator)\n        self.source.begin_again(", WORKS, CLAUSE),
    loader("never_persistent", "        if self.persistent_workers:\n            self._kept", "        if False:\n            self._kept", WORKS, CLAUSE),
    workers("stream_not_begun_again", "                fetch = fetching.begin()\n", "", SHARED, CLAUSE, of="data.loader"),
    workers("ended_worker_waited_for", "            if ended:\n                self.dismiss(id)\n            self.send()", "            if ended:\n                self.at_work[id] = False\n            self.send()", SHARED, CLAUSE, ("            if not ended:\n", "            if True:\n"), of="data.loader"),
    workers("order_kept_unasked", "due = ids[:1] if self.in_order else ids", "due = ids[:1]", READY, CLAUSE, of="data.loader"),
    workers("cause_lost", "exited unexpectedly\") from death", "exited unexpectedly\")", FAILS, CLAUSE, of="data.loader"),
    workers("timeout_ignored", "loader.timeout or None", "None", FAILS, CLAUSE, of="data.loader"),
    workers("place_lost", "where = f\"in DataLoader worker process {id}\"", "where = \"in a worker\"", FAILS, CLAUSE, of="data.loader"),
    workers("others_left", "        self.stop()\n        self.sent = {}\n", "        self.sent = {}\n", DIES, "pytorch#21554", of="data.loader"),
    workers("outlive_their_pass", "weakref.finalize(self, stop,", "weakref.finalize(stop, stop,", ABANDONED, CLAUSE, of="data.loader"),
    workers("end_with_every_pass", "        if not self.persistent:\n            self.stop()\n", "        self.stop()\n", ABANDONED, CLAUSE, of="data.loader"),
    workers("nothing_ahead_accepted", "if loader.prefetch_factor <= 0:", "if loader.prefetch_factor < 0:", AHEAD, CLAUSE, of="data.loader"),
    loader("any_context_accepted", "        if context not in known:", "        if False:", REFUSES, CLAUSE),
    loader("many_workers_unnoticed", "if num_workers > cpus:", "if False:", WARNS, CLAUSE),
    loader("unpinned_in_silence", "    if not torch.accelerator.is_available():\n", "    if False:\n", WARNS, CLAUSE),
    # ── a loader that is resumed
    stateful("never_ends", "self.ended = True", "pass", RESUMES, "huggingface/datasets#7447, meta-pytorch/data#1437"),
    stateful("generators_left_where_they_were", '        put_back(self.generators, state_dict["generators"])\n', "", RESUMES, CLAUSE),
    stateful("start_forgotten", "            put_back(self.generators, start)\n", "            pass\n", FOREIGN, CLAUSE),
    stateful("foreign_draws_forgotten", "            if number in moved:", "            if False:", FOREIGN, "found here: a sampler that draws within a pass, from a generator that the caller draws from too"),
    stateful("one_batch_again", "for number in range(asked):", "for number in range(asked - 1):", RESUMES, CLAUSE),
    stateful("samplers_generator_forgotten", ', *(getattr(s, "generator", None) for s in samplers)]', "]", FOREIGN, "meta-pytorch/data#1441"),
    stateful("forgets_what_it_was_told", "self.asked + 1, after", "max(self.asked, 1), after", FOREIGN, CLAUSE),
    stateful("workers_rows_skipped", "for number in range(asked):", "for number in range(0 if loader.num_workers else asked):", RESUMES_WORKERS, CLAUSE),
    stateful("persistent_accepted", "if self.persistent_workers:", "if False:", UNRESUMABLE, CLAUSE),
    stateful("any_order_accepted", "if not self.in_order:", "if False:", UNRESUMABLE, CLAUSE),
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
    collate("list_type_lost", "            entries = copy.copy(container)\n            for i,", "            entries = list(container)\n            for i,", COLLATES, "pytorch#68779"),
    collate("tuple_kept", "return values if isinstance(container, tuple) else type(container)(values)", "return type(container)(values)", COLLATES, CLAUSE),
    collate("name_lost", "    if is_named(first):\n", "    if False:\n", COLLATES, CLAUSE),
    collate("name_of_a_single_row_lost", "    if is_named(row):\n", "    if False:\n", "test_data.test_custom_converts_what_native_converts", "mutmut"),
    collate("type_of_a_single_row_lost", "return like(row, {key: default_convert(row[key]) for key in row})", "return {key: default_convert(row[key]) for key in row}", "test_data.test_custom_converts_what_native_converts", "pytorch#68779"),
    collate("ragged_truncated", "if any(len(row) != len(first) for row in batch):", "if False:", REFUSES, CLAUSE, ("zip(*batch, strict=True)]", "zip(*batch, strict=False)]")),
    collate("objects_accepted", 'TEXT_OR_OBJECTS = "SUO"', 'TEXT_OR_OBJECTS = "SU"', REFUSES, CLAUSE),
    collate("writes_into_the_first_row", "            clone = copy.copy(container)\n            clone.update", "            clone = container\n            clone.update", LEAVES, CLAUSE),
    collate("writes_into_the_first_list", "            entries = copy.copy(container)\n            for i,", "            entries = container\n            for i,", LEAVES, CLAUSE),
    collate("single_text_as_array", "and not isinstance(row, np.str_):", "and True:", SINGLE, "pytorch#2914", of="data.loader"),
    # ── sources
    source("line_of_another_seed", "RandomState(42)", "RandomState(41)", LINE, CLAUSE),
    source("line_disturbs_everybody", "rng = np.random.RandomState(42)", "np.random.seed(42)\n    rng = np.random", QUIET, "the listing itself"),
    source("line_split_before_the_noise", "    x = rng.rand(100, 1)\n", "    rows = rng.permutation(100)\n    x = rng.rand(100, 1)\n", LINE, CLAUSE, ("    rows = rng.permutation(100)\n    return Line", "    return Line")),
    source("line_validates_on_its_training_rows", "rows[:80], rows[80:]", "rows[:80], rows[:20]", LINE, CLAUSE),
    source("digits_scaled_as_mnist", "(x / 16)", "(x / 255)", DIGITS, CLAUSE),
    source("labels_as_floats", "y.astype(np.int64)", "y.astype(dtype)", ROUNDED, CLAUSE),
]
