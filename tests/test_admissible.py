"""Other admissible forms of a formula: what makes the bound that they widen worth believing."""

import pytest

from impls.ladder import Rung
from tests.cells import LADDERS, Cell
from tests.engine import Different
from tests.families import FORMS, admissible, forms, functions_of, name_of
from tests.planted import again
from tests.test_families import test_rungs_leave_the_same_trace as agreement


def test_a_form_of_another_quantity_is_refused(monkeypatch):
    """A form that averages five times too fast is named, and so the law of agreement is red: it widens no bound."""

    def five_times_too_fast(average, current, *, decay=0.999):
        return average + 5 * (1 - decay) * (current - average)

    monkeypatch.setitem(FORMS, "training.ema", [*forms("training.ema"), five_times_too_fast])
    law = again(agreement)
    with pytest.raises(Different, match="five_times_too_fast is no admissible form of training.ema, tests/training/"):
        law(cell=Cell("training.ema", (Rung.RAW,), "float64"))


def test_a_form_of_no_concept_is_refused():
    """Who registers a form of a concept that does not exist is told so."""
    with pytest.raises(LookupError, match="'training.emma'.: no such concept"):
        admissible("training.emma")


@pytest.mark.parametrize("concept", LADDERS)
def test_a_form_is_called_as_its_formula(concept):
    """A form has a derivative where its formula has one."""
    for form in forms(concept):
        assert hasattr(form, "backward") == hasattr(LADDERS[concept].manual, "backward")


@pytest.mark.parametrize("concept", LADDERS)
def test_a_form_has_a_name_to_be_blamed_by(concept):
    """No two of a concept's forms share a name, and none has the name of the formula itself."""
    names = [name_of(form) for form in [LADDERS[concept].manual, *forms(concept)] if forms(concept)]
    assert len({*names}) == len(names), names


@pytest.mark.parametrize("concept", LADDERS)
def test_a_form_says_who_computes_that_way(concept):
    """Each function that is written for a form has a docstring, which says which rung or kernel computes that way."""
    written = [f for form in forms(concept) for f in functions_of(form) if f.__module__.startswith("tests.")]
    assert [f.__name__ for f in written if not f.__doc__] == []
