"""Datasets, samplers and loaders, and the laws that judge them."""

from tests.families import Family

FAMILY = Family(
    name="data",
    entries={},
    judged_by={
        "data.batch_sampler": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.chain_dataset": "test_data.test_a_chain_begins_a_stream_when_the_one_before_has_ended",
        "data.collate": "test_data.test_custom_collates_what_native_collates",
        "data.concat_dataset": "test_data.test_a_row_of_the_whole_is_a_row_of_one_part",
        "data.dataset": "test_data.test_custom_refuses_what_native_refuses_in_its_words",
        "data.distributed_sampler": "test_data.test_ranks_share_the_rows",
        "data.iterable_dataset": "test_data.test_custom_feeds_a_stream_as_native_does",
        "data.loader": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.random_sampler": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.sequential_sampler": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.sources": "test_data.test_the_line_is_the_documents",
        "data.split": "test_data.test_rungs_split_alike",
        "data.stack_dataset": "test_data.test_a_row_of_the_stack_has_a_row_of_each_part",
        "data.stateful_loader": "test_data.test_what_others_drew_within_a_pass_is_not_forgotten",
        "data.subset": "test_data.test_custom_rows_are_native_rows",
        "data.subset_random_sampler": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.weighted_random_sampler": "test_data.test_rungs_give_the_same_rows_and_leave_the_same_generators",
        "data.workers": "test_data.test_a_worker_is_seeded_by_the_pass_and_its_place",
    },
)
