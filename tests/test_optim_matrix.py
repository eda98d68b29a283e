"""Optimizers that look at a whole matrix: the step of an element depends on its row, its column and the size of all, so
elements are not parameters of their own; parameters still are, and the four rungs are the same map."""

import copy
import inspect

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.associations import reference
from tests.cells import DROP_IN, WORDS, cells
from tests.exactness import assert_bitwise, assert_same
from tests.observe.optim import Problem, grouped, observe
from tests.observe.tensors import seen, tensor
from tests.strategies.matrices import continued, problems

ALGORITHMS = ("optim.adafactor",)


def assert_rungs_agree(cell, problem):
    expected = reference(observe, cell.concept, problem, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(observe(rung, impl, problem, device=cell.device), expected, f"{cell.concept} {rung}: step")


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_leave_the_same_trace(cell, data):
    """Every rung leaves the trace of the formula: parameters, gradients and state after every step."""
    assert_rungs_agree(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_take_the_same_step_from_any_state(cell, data):
    """From a given state, up to the ten-thousandth step, every rung takes the step of the formula."""
    assert_rungs_agree(cell, data.draw(continued(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS, rungs=DROP_IN, cpu_because="it is a law about torch's CPU kernels")
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom performs native's operations in native's order, through saving and loading: not one bit differs."""
    problem = data.draw(problems(cell.concept, cell.dtype, restore=True), label="problem")
    custom, native = (observe(rung, getattr(cell.ladder, rung), problem) for rung in DROP_IN)
    assert_same(custom, native, f"{cell.concept} custom: step")


@cells(*ALGORITHMS)
@given(data=st.data())
def test_a_zero_learning_rate_moves_nothing(cell, data):
    """With lr = 0 at every step no parameter ever moves."""
    problem = data.draw(problems(cell.concept, cell.dtype, lrs=st.just(0.0)), label="problem")
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, problem, device=cell.device):
            for entry, w in zip(line, problem.params, strict=True):
                assert np.array_equal(entry["parameter"], w), rung


@cells(*ALGORITHMS)
@given(data=st.data())
def test_a_missing_gradient_is_not_a_zero_gradient(cell, data):
    """A parameter that has no gradient is left alone: it does not decay and has no state."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    without = problem._replace(script=[line._replace(grads=(None, *line.grads[1:])) for line in problem.script])
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, without, device=cell.device):
            assert_bitwise(line[0]["parameter"], problem.params[0], f"{rung} parameter")
            assert (line[0]["gradient"], line[0]["state"]) == (None, {}), rung


@cells(*ALGORITHMS)
@given(data=st.data())
def test_parameters_do_not_touch_each_other(cell, data):
    """Each parameter moves as if it were alone."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    for rung, impl in cell.implementations.items():
        together = observe(rung, impl, problem, device=cell.device)
        for i, w in enumerate(problem.params):
            script = [line._replace(grads=line.grads[i : i + 1]) for line in problem.script]
            alone = observe(rung, impl, Problem([w], problem.settings[i : i + 1], script), device=cell.device)
            assert_same([[line[i]] for line in together], alone, f"{rung} parameter {i}: step")


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_every_rung_has_natives_defaults(cell):
    """Whatever an argument is called with when it is not given, it is the same on every rung."""
    native = inspect.signature(cell.ladder.native).parameters
    for impl in cell.ladder[:3]:
        for name, parameter in inspect.signature(impl).parameters.items():
            if name in native and name not in ("params", "state"):
                assert parameter.default == native[name].default, (impl, name)


@cells(*ALGORITHMS, rungs=DROP_IN, cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    custom, native = cell.ladder.custom, cell.ladder.native
    expected = _handed_over(native, native, problem)
    assert_same(_handed_over(custom, native, problem), expected, "custom, then native")
    assert_same(_handed_over(native, custom, problem), expected, "native, then custom")


def _handed_over(first, second, problem):
    """Play half of a script on one class, and the rest on another that has loaded its state."""
    leaves, half = [tensor(w).requires_grad_() for w in problem.params], len(problem.script) // 2
    one = grouped(first, leaves, problem.settings)
    _play(one, leaves, problem.script[:half])
    other = second([{"params": group["params"]} for group in one.param_groups])
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    _play(other, leaves, problem.script[half:])
    saved = other.state_dict()
    state = {i: {k: seen(v) for k, v in s.items()} for i, s in saved["state"].items()}
    return [[seen(p) for p in leaves], {"state": state, "param_groups": saved["param_groups"]}]


def _play(optimizer, leaves, script):
    for line in script:
        for group in optimizer.param_groups:
            group["lr"] = line.lr
        for p, g in zip(leaves, line.grads, strict=True):
            p.grad = None if g is None else tensor(g)
        optimizer.step()


def _parameter(dtype=None):
    return torch.zeros(2, 2, dtype=dtype, requires_grad=True)


def _step(optimizer, grad):
    optimizer.param_groups[0]["params"][0].grad = grad
    optimizer.step()


REFUSED = {
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


@WORDS
@pytest.mark.parametrize("attempt", REFUSED)
@cells("optim.adafactor", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input raises with native's class and native's words."""
    answers = []
    for cls in (cell.ladder.custom, cell.ladder.native):
        with pytest.raises((ValueError, TypeError, RuntimeError)) as refusal:
            REFUSED[attempt](cls)
        answers.append((refusal.type, str(refusal.value)))
    custom, native = answers
    assert custom == native
