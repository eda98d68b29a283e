"""Every law is worth what it can reject: each known wrong variant is rejected by the law it names."""

import pytest

from tests.planted import bugs, verdict


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in bugs()])
def test_planted_bug_is_rejected_by_the_law_it_names(bug):
    """A law that holds for the sound concept does not hold once the bug is planted."""
    assert verdict(bug) is not None, f"{bug.name} survives {bug.law}"


@pytest.mark.parametrize(("law", "concept"), sorted({(bug.law, bug.concept) for bug in bugs()}))
def test_the_sound_concept_passes_the_law_that_rejects_its_bugs(law, concept):
    """The unchanged baseline is green, on the very draws on which the bugs are rejected."""
    bug = next(bug for bug in bugs() if (bug.law, bug.concept) == (law, concept))
    assert verdict(bug._replace(changes=(), file=None)) is None
