"""Optimizers that look at a whole matrix: the step of an element depends on its row, its column and the size of all, so
elements are not parameters of their own; parameters still are, and the four rungs are the same map."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, cells
from tests.optim import steps
from tests.optim.matrix_problems import any_matrices, continued, problems

ALGORITHMS = ("optim.adafactor", "optim.muon")


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_leave_the_same_trace(cell, data):
    """Every rung leaves the trace of the formula: parameters, gradients and state after every step."""
    steps.assert_agreement(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_take_the_same_step_from_any_state(cell, data):
    """From a given state, up to the ten-thousandth step, every rung takes the step of the formula."""
    steps.assert_agreement(cell, data.draw(continued(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS, rungs=DROP_IN)
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom performs native's operations in native's order, through saving and loading: not one bit differs."""
    drawn = (
        any_matrices(cell.dtype) if cell.concept == "optim.muon" else problems(cell.concept, cell.dtype, restore=True)
    )
    steps.assert_native_bits(cell, data.draw(drawn, label="problem"))


@cells("optim.adafactor", rungs=(Rung.NATIVE,))
@given(data=st.data())
def test_natives_foreach_leaves_the_trace_of_the_formula(cell, data):
    """Native's second way, all parameters at once, which on CUDA is its default, leaves the formula's trace, too."""
    steps.assert_foreach_agrees(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS)
@given(data=st.data())
def test_a_zero_learning_rate_moves_nothing(cell, data):
    """With lr = 0 at every step no parameter ever moves."""
    problem = data.draw(problems(cell.concept, cell.dtype, lrs=st.just(0.0)), label="problem")
    steps.assert_nothing_moves(cell, problem)


@cells(*ALGORITHMS)
@given(data=st.data())
def test_a_missing_gradient_is_not_a_zero_gradient(cell, data):
    """A parameter that has no gradient is left alone: it does not decay and has no state."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    steps.assert_left_alone_without_a_gradient(cell, problem)


@cells(*ALGORITHMS)
@given(data=st.data())
def test_parameters_do_not_touch_each_other(cell, data):
    """Each parameter moves as if it were alone."""
    steps.assert_parameters_apart(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_every_rung_has_natives_defaults(cell):
    """Whatever an argument is called with when it is not given, it is the same on every rung."""
    steps.assert_native_defaults(cell)


@cells(*ALGORITHMS, rungs=DROP_IN, cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    steps.assert_interchangeable(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


def _parameter(dtype=None):
    return torch.zeros(2, 2, dtype=dtype, requires_grad=True)


def _step(optimizer, grad):
    optimizer.param_groups[0]["params"][0].grad = grad
    optimizer.step()


ADAFACTOR = {
    "lr-below-0": lambda cls: cls([_parameter()], lr=-1.0),
    "lr-not-a-number": lambda cls: cls([_parameter()], lr=float("nan")),
    "lr-of-two-elements": lambda cls: cls([_parameter()], lr=torch.ones(2)),
    "weight_decay-below-0": lambda cls: cls([_parameter()], weight_decay=-1.0),
    "beta2_decay-above-0": lambda cls: cls([_parameter()], beta2_decay=0.1),
    "first-eps-below-0": lambda cls: cls([_parameter()], eps=(-1.0, 1e-3)),
    "second-eps-below-0": lambda cls: cls([_parameter()], eps=(None, -1.0)),
    "d-below-1": lambda cls: cls([_parameter()], d=0.5),
    "a-complex-parameter": lambda cls: _step(cls([_parameter(torch.complex64)]), torch.ones(2, 2) + 0j),
    "a-sparse-gradient": lambda cls: _step(cls([_parameter()]), torch.eye(2).to_sparse()),
    "an-argument-nobody-has": lambda cls: cls([_parameter()], learning_rate=1.0),
}


MUON = {name: attempt for name, attempt in ADAFACTOR.items() if not name.startswith(("beta2", "first", "second", "d-"))}
MUON |= {
    "momentum-below-0": lambda cls: cls([_parameter()], momentum=-0.1),
    "another-ratio": lambda cls: cls([_parameter()], adjust_lr_fn="spectral"),
    "a-vector": lambda cls: cls([_parameter(), torch.zeros(3, requires_grad=True)]),
    "a-stack-of-matrices": lambda cls: cls([torch.zeros(2, 2, 2, requires_grad=True)]),
    "a-hundred-steps": lambda cls: _step(cls([_parameter()], ns_steps=100), torch.ones(2, 2)),
    "two-coefficients": lambda cls: _step(cls([_parameter()], ns_coefficients=(1.0, 2.0)), torch.ones(2, 2)),
}


@pytest.mark.parametrize("attempt", ADAFACTOR)
@cells("optim.adafactor", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_adafactor_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input raises with native's class and native's words."""
    assert_refused_as_by_native(cell, ADAFACTOR[attempt])


@pytest.mark.parametrize("attempt", MUON)
@cells("optim.muon", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_muon_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input, parameters that are no matrices among it, raises with native's class and native's words."""
    assert_refused_as_by_native(cell, MUON[attempt])


def assert_refused_as_by_native(cell, attempt):
    answers = []
    for cls in cell.ladder[2:]:
        with pytest.raises((ValueError, TypeError, RuntimeError)) as refusal:
            attempt(cls)
        answers.append((refusal.type, str(refusal.value)))
    custom, native = answers
    assert custom == native
