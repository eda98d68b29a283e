"""Steps, loops and averages, and the laws that judge them."""

from tests.families import Family

FAMILY = Family(
    name="training",
    entries={},
    judged_by={
        "training.averaged_model": "test_averaging.test_the_first_look_copies_and_the_others_average",
        "training.clip_grad_norm": "test_training.test_clipping_scales_all_gradients_by_one_number",
        "training.clip_grad_value": "test_training.test_clipping_by_value_brings_each_element_into_the_interval",
        "training.ema": "test_averaging.test_every_rung_takes_the_step_of_the_formula",
        "training.evaluation": "test_training.test_evaluation_is_the_mean_over_rows_whatever_the_batch_size",
        "training.loop": "test_training.test_an_epoch_visits_every_row_once",
        "training.step": "test_training.test_a_few_steps_of_any_small_net_are_certified",
        "training.swa": "test_averaging.test_every_rung_takes_the_step_of_the_formula",
        "training.update_bn": "test_averaging.test_statistics_are_the_means_over_the_batches",
    },
)
