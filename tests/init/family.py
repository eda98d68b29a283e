"""The initializations, and the laws that judge them."""

from tests.families import Family

FAMILY = Family(
    name="init",
    entries={},
    judged_by={
        "init.calculate_gain": "test_init.test_every_rung_has_the_same_gains",
        "init.constant": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.dirac": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.eye": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.kaiming_normal": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.kaiming_uniform": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.normal": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.ones": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.orthogonal": "test_init.test_one_seed_is_one_orthogonal_parameter_on_every_rung",
        "init.sparse": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.trunc_normal": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.uniform": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.xavier_normal": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.xavier_uniform": "test_init.test_one_seed_is_one_parameter_on_every_rung",
        "init.zeros": "test_init.test_one_seed_is_one_parameter_on_every_rung",
    },
)
