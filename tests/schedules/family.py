"""The schedules: of each the settings that are drawn, for so many groups, and what is refused."""

from tests.families import Family
from tests.schedules import door, problems, refused
from tests.schedules.problems import Plateau, Schedule


def schedule(concept, settings_of, kind=Schedule):
    return kind(concept=concept, settings_of=settings_of, refused=refused.of(concept), door=door)


def of_any_number(settings):
    """Settings that are the same for any number of groups."""
    return lambda _groups: settings


ENTRIES = {concept: schedule(concept, of_any_number(settings)) for concept, settings in problems.SIMPLE.items()}
ENTRIES |= {concept: schedule(concept, settings_of) for concept, settings_of in problems.GROUPED.items()}
PLATEAU = "schedules.reduce_lr_on_plateau"
ENTRIES[PLATEAU] = schedule(PLATEAU, problems.GROUPED[PLATEAU], Plateau)
FAMILY = Family(
    name="schedules",
    entries=ENTRIES,
    judged_by={"schedules.lr_scheduler": "test_schedules.test_a_schedule_of_ones_own_runs_alike_on_either_base"},
)
