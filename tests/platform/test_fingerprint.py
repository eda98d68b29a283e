"""The platform: what the proofs take for granted of this machine's libraries is measured, fact by fact.  A fact that
does not hold is one failure here; the laws that rest on it are not run, and every other law is judged."""

import numpy as np
import pytest

from tests import subjects
from tests.engine import FORMATS, AnotherPlatform, arithmetic
from tests.engine.arithmetic import ASSUMPTIONS, FUNCTIONS, KNOWN, Accuracy, accuracy, assume
from tests.planted import Bug, verdict
from tests.platform.kernels import lanes_of_layer_norm

AGREE = "test_families.test_rungs_leave_the_same_trace"


def _holds(fact, *arguments):
    try:
        fact(*arguments)
    except AnotherPlatform as departure:
        pytest.fail(str(departure), pytrace=False)


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_a_fact_that_proofs_rest_on_holds_here(name):
    """What proofs take for granted of the way the libraries compute is so on this machine."""
    _holds(assume, name)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", KNOWN)
def test_a_library_function_is_as_exact_as_is_known(name, dtype):
    """A function is off, in every library, by no more than an error that is known of it."""
    _holds(accuracy, name, dtype)


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_order_in_which_layer_norm_gathers_a_mean_is_known(dtype):
    """torch's layer norm gathers a row's mean in lanes, whose number can be measured."""
    _holds(lanes_of_layer_norm, dtype)


@pytest.fixture
def installed(monkeypatch):
    """A function of torch's, replaced and measured anew."""

    def install(name, function):
        monkeypatch.setitem(FUNCTIONS, name, (FUNCTIONS[name][0], {"torch": function}))
        for measured in ("ulps", "_kept"):
            monkeypatch.setattr(arithmetic, measured, getattr(arithmetic, measured).__wrapped__)

    return install


@pytest.mark.parametrize(("concept", "judged"), [("nn.gelu", False), ("nn.tanh", True)])
def test_only_the_laws_that_rest_on_a_fact_are_not_run(concept, judged, installed):
    """Where erf is less exact than is known, the laws of gelu are not run and name it, and those of tanh are judged."""
    installed("erf", lambda x: x)
    said = verdict(Bug("sound", concept, (), AGREE, ""))
    assert said.complaint is None
    assert said.elsewhere is None if judged else "erf" in said.elsewhere


def test_a_bug_that_cannot_be_judged_here_is_not_rejected(installed):
    """A planted bug counts as rejected by what a law says of it, never because the law is not run."""
    installed("erf", lambda x: x)
    bug = Bug("wrong", "nn.gelu", (("return 0.5 * (1.0 + erf(z))", "return 1.0 + erf(z)"),), AGREE, "")
    assert verdict(bug).complaint is None


def test_a_subject_is_not_blamed_for_the_machine(installed):
    """What a subject's law cannot conclude because of the machine is not run, and no difference."""
    installed("erf", lambda x: x)
    outcome = subjects.isolated(lambda: accuracy("erf", "float32"))
    assert outcome.word == "not run"
    assert "erf" in outcome.told


def _abramowitz(x):
    """Equation 7.1.26: off by 1.5e-7, also where erf is far smaller."""
    t = 1 / (1 + 0.3275911 * x.abs())
    p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return x.sign() * (1 - p * (-x * x).exp())


def test_an_error_that_does_not_shrink_with_the_result_is_known(installed):
    """An erf by the formula that torch's vectors have on Arm is a known one, with an absolute error."""
    installed("erf", _abramowitz)
    assert accuracy("erf", "float32") == Accuracy(4, 2.0**-21)


def test_torch_is_measured_on_strided_numbers_too(installed):
    """A function that is exact on whole vectors and off on what is strided is found to be off."""
    installed("exp", lambda x: x.exp() * (1 if x.is_contiguous() else 2))
    assert arithmetic.ulps_off("exp", "torch", np.ones(3)) > KNOWN["exp"][0].ulps
