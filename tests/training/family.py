"""What real runs do around a step: clipping, averages and their statistics; and by which laws steps, loops and
evaluations are judged."""

from hypothesis import strategies as st

from tests.families import Family
from tests.training import door
from tests.training.averaging import DECAYS, Average, AveragedModel, Statistics
from tests.training.clipping import ClipNorm, ClipValue
from tests.training.refused import REFUSED

FOREACH = {"bits": {"foreach": True}}
SAME_OPERATIONS = dict.fromkeys(("agreement", "bits"), "CUDA's are the same elementwise operations")
ITS_LAYER = dict.fromkeys(("agreement", "bits"), "the layer is compared on CUDA where it stands")

ENTRIES = {
    "training.clip_grad_norm": ClipNorm(
        refused=REFUSED["clip_grad_norm"],
        asks=FOREACH,
        on_cpu={"bits": "CUDA's default is foreach"},
        door=door.CLIP_NORM,
    ),
    "training.clip_grad_value": ClipValue(
        asks={"bits": {"foreach": True, "signs": (1, 0, -1)}},
        on_cpu={"bits": "CUDA's default is foreach"},
        door=door.CLIP_VALUE,
    ),
    "training.ema": Average(
        settings=st.fixed_dictionaries({"decay": DECAYS}),
        refused=REFUSED["ema"],
        asks={"bits": {"held": True}},
        on_cpu=SAME_OPERATIONS,
        door=door.AVERAGE,
    ),
    "training.swa": Average(
        settings=st.just({}), asks={"bits": {"held": True}}, on_cpu=SAME_OPERATIONS, door=door.AVERAGE
    ),
    "training.averaged_model": AveragedModel(
        refused=REFUSED["averaged_model"],
        on_cpu=SAME_OPERATIONS,
        exempt={"options": "test_custom_averages_a_model_like_native_bit_for_bit gives the others"},
        door=door.AVERAGED_MODEL,
    ),
    "training.update_bn": Statistics(on_cpu=ITS_LAYER, door=door.UPDATE_BN),
}
FAMILY = Family(
    name="training",
    entries=ENTRIES,
    judged_by={
        "training.evaluation": "test_training.test_evaluation_is_the_mean_over_rows_whatever_the_batch_size",
        "training.loop": "test_training.test_an_epoch_visits_every_row_once",
        "training.step": "test_training.test_a_few_steps_of_any_small_net_are_certified",
    },
)
