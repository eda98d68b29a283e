"""Samplers, loaders, datasets, collations and splits; and by which laws streams and workers are judged."""

from tests.data import door, problems
from tests.data.entries import ON_THE_CPU, Collate, Concat, Split, Stack, Stream, Subset, Tensors
from tests.data.refused import REFUSED
from tests.data.trace import DISTRIBUTED, LOADER, RANDOM, WEIGHTED
from tests.families import Family

ON_CPU = dict.fromkeys(("agreement", "bits"), ON_THE_CPU)
DEFAULTS = {
    "defaults": "a law of its own, test_data.test_the_lower_rungs_have_natives_defaults: rungs of two functions"
}
OF_LOADERS = {
    "options": "those that need a process, a device or somebody's code have laws of their own in test_data: "
    "test_workers_give_native_batches_and_leave_the_same_generators, "
    "test_the_first_batch_ready_comes_first_if_order_is_not_asked_for, test_custom_warns_where_native_warns, "
    "test_pinned_batches_are_natives, test_nobodys_sampler_or_collate_fn_is_passed_by"
}

LACKS = {
    RANDOM: {"no rows": "they have no random order, which is a law of its own"},
    WEIGHTED: {"no rows": "weights are of some rows"},
    DISTRIBUTED: dict.fromkeys(("a generator of its own", "no generator"), "it has a seed, and makes its generators"),
}


def stream(concept):
    exempt = DEFAULTS | (OF_LOADERS if concept == LOADER else {})
    return Stream(
        concept=concept,
        order=problems.ORDERS[concept],
        refused=REFUSED[concept],
        on_cpu=ON_CPU,
        exempt=exempt,
        lacks=LACKS.get(concept, {}),
        door=door.STREAM,
    )


def rows(kind, name, door):
    return kind(refused=REFUSED[f"data.{name}"], on_cpu=ON_CPU, exempt=DEFAULTS, door=door)


ENTRIES = {concept: stream(concept) for concept in problems.ORDERS} | {
    "data.dataset": rows(Tensors, "dataset", door.TENSORS),
    "data.subset": rows(Subset, "subset", door.SUBSET),
    "data.concat_dataset": rows(Concat, "concat_dataset", door.CONCAT),
    "data.stack_dataset": rows(Stack, "stack_dataset", door.STACK),
    "data.collate": rows(Collate, "collate", door.COLLATE),
    "data.split": rows(Split, "split", door.SPLIT),
}
FAMILY = Family(
    name="data",
    entries=ENTRIES,
    judged_by={
        "data.chain_dataset": "test_data.test_a_chain_begins_a_stream_when_the_one_before_has_ended",
        "data.iterable_dataset": "test_data.test_custom_feeds_a_stream_as_native_does",
        "data.sources": "test_data.test_the_line_is_the_documents",
        "data.stateful_loader": "test_data.test_what_others_drew_within_a_pass_is_not_forgotten",
        "data.workers": "test_data.test_a_worker_is_seeded_by_the_pass_and_its_place",
    },
)
