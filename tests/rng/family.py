"""The random numbers: one concept, judged by laws of its own."""

from tests.families import Family

FAMILY = Family(
    name="rng",
    entries={},
    judged_by={
        "rng": "test_rng.test_each_draw_leaves_the_same_values_and_the_same_generator",
    },
)
