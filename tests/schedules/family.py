"""The schedules, and the laws that judge them."""

from tests.families import Family

FAMILY = Family(
    name="schedules",
    entries={},
    judged_by={
        "schedules.chained_scheduler": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.constant_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.cosine_annealing_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.cosine_annealing_warm_restarts": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.cyclic_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.exponential_lr": "test_schedules.test_the_order_of_calls_is_remarked_on_in_natives_words",
        "schedules.lambda_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.linear_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.lr_scheduler": "test_schedules.test_a_schedule_of_ones_own_runs_alike_on_either_base",
        "schedules.multi_step_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.multiplicative_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.one_cycle_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.polynomial_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.reduce_lr_on_plateau": "test_schedules.test_every_rung_takes_the_same_plateaus_for_plateaus",
        "schedules.sequential_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.step_lr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
        "schedules.swalr": "test_schedules.test_every_rung_sets_the_rates_of_the_formula",
    },
)
