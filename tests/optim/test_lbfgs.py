"""L-BFGS, which asks for the loss as often as it likes: a step is what the formula admits from where it began, and
custom asks where native asks."""

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, cells
from tests.engine import assert_bitwise, assert_same
from tests.engine.tensors import seen
from tests.nn.trace import outcome
from tests.optim import steps
from tests.optim.lbfgs_problems import Hollows, Noise, any_problems, problems
from tests.optim.lbfgs_trace import Problem, assert_admissible, observe, told


@cells("optim.lbfgs", cpu_because="the closure is NumPy's")
@given(data=st.data())
def test_every_step_is_one_that_the_formula_admits(cell, data):
    """From its own state and with its own answers a rung asks, moves and remembers as the formula does."""
    problem = data.draw(problems(cell.dtype), label="problem")
    for rung, impl in cell.implementations.items():
        for i, step in enumerate(observe(rung, impl, problem), 1):
            assert_admissible(cell.ladder.manual, step, problem.settings, f"{rung} step {i}")


@cells("optim.lbfgs", dtypes=("float64",), cpu_because="the closure is NumPy's")
@given(data=st.data())
def test_a_step_of_iterations_is_so_many_steps_of_one(cell, data):
    """Where no tolerance stops it, a step of three iterations is three steps of one, with a line search too."""
    problem = data.draw(problems(cell.dtype), label="problem")
    free = {"tolerance_grad": 0.0, "tolerance_change": 0.0, "max_eval": 1000}
    settings = problem.settings | free | {"line_search_fn": data.draw(st.sampled_from([None, "strong_wolfe"]))}
    for rung, impl in cell.implementations.items():
        ends = []
        for steps_, max_iter in ((1, 3), (3, 1)):
            asked = problem._replace(settings=settings | {"max_iter": max_iter}, steps=steps_)
            ends.append(observe(rung, impl, asked)[-1].end)
        assert_bitwise(*ends, f"{rung} in one step and in three")


@pytest.mark.parametrize("max_eval", [None, 3, 8])
@pytest.mark.parametrize("max_iter", [1, 4, 9])
@pytest.mark.parametrize("tolerance_grad", [1e-7, 0.3, 3.0])
@cells("optim.lbfgs", dtypes=("float64",), cpu_because="the closure is NumPy's")
def test_every_rung_asks_as_often(cell, max_iter, max_eval, tolerance_grad):
    """In a hollow every rung asks for the loss as often as native in each of three steps, with a line search."""
    settings = {"max_iter": max_iter, "max_eval": max_eval, "tolerance_grad": tolerance_grad}
    settings |= {"line_search_fn": "strong_wolfe"}
    answer = Hollows(np.array([1.0, 3.0, 10.0]), 0.3, np.array([0.3, -0.2, 0.7]), 0.2)
    problem = Problem([np.array([2.0, -1.5, 4.0])], settings, answer, steps=3)
    assert_asked_as_often(cell, problem)


@pytest.mark.parametrize("flat", [0.02, 0.05, 0.5])
@pytest.mark.parametrize("tolerance_change", [1e-3, 0.05, 0.3, 1.0])
@cells("optim.lbfgs", dtypes=("float64",), cpu_because="the closure is NumPy's")
def test_every_rung_goes_on_as_long(cell, tolerance_change, flat):
    """Across a flat bowl, where far moves change the loss little, every rung ends a step where native does."""
    settings = {"max_iter": 9, "tolerance_change": tolerance_change, "lr": 0.5, "line_search_fn": None}
    answer = Hollows(np.full(2, flat), 0.0, np.array([4.0, 3.0]), 0.0)
    assert_asked_as_often(cell, Problem([np.zeros(2)], settings, answer, steps=3))


def assert_asked_as_often(cell, problem):
    often = {rung: [len(s.asked) for s in observe(rung, impl, problem)] for rung, impl in cell.implementations.items()}
    expected = [len(step.asked) for step in observe(Rung.NATIVE, cell.ladder.native, problem)]
    assert often == dict.fromkeys(often, expected)


@cells("optim.lbfgs", rungs=(Rung.RAW, *DROP_IN), dtypes=("float64",), cpu_because="the closure is NumPy's")
@given(data=st.data())
def test_a_step_writes_no_gradient(cell, data):
    """What the closure left in the gradients last is there when the step is over."""
    problem = data.draw(problems(cell.dtype), label="problem")
    for rung, impl in cell.implementations.items():
        for step in observe(rung, impl, problem):
            assert_bitwise(step.grad, step.asked[-1][2], f"{rung} gradient")


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells("optim.lbfgs", rungs=DROP_IN, cpu_because="custom runs torch's operations on one thread")
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom asks for the loss where native asks and remembers what native remembers, whatever the answers are."""
    problem = data.draw(any_problems(cell.dtype), label="problem")
    custom, native = (_outside(observe(rung, impl, problem)) for rung, impl in cell.implementations.items())
    assert_same(custom, native, "custom: step")


@pytest.mark.parametrize("lot", range(8))
@cells("optim.lbfgs", rungs=DROP_IN, dtypes=("float64",), cpu_because="custom runs torch's operations on one thread")
def test_custom_is_led_where_native_is(cell, lot):
    """Told anything by lot, a line search of custom's looks where native's looks, through all of its branches."""
    problem = Problem([np.linspace(-1, 2, 3)], {"line_search_fn": "strong_wolfe"}, Noise(lot), steps=6)
    custom, native = (_outside(observe(rung, impl, problem)) for rung, impl in cell.implementations.items())
    assert_same(custom, native, "custom: step")


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=("float64",), cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """When custom and native take turns, each loading what the other has saved, they go where native goes alone."""
    problem = data.draw(problems(cell.dtype), label="problem")._replace(restore=True)
    for first in (cell.ladder[2:], cell.ladder[:1:-1]):
        turns = itertools.cycle(first)
        taken = observe(Rung.CUSTOM, lambda *args, turns=turns, **options: next(turns)(*args, **options), problem)
        assert_same(_outside(taken), _outside(observe(Rung.NATIVE, cell.ladder.native, problem)), "in turns: step")


def _outside(steps):
    """What there is to see of a run: torch keeps some numbers as tensors, and the order of its keys is no matter."""
    return [step._asdict() | {"state": None, "end_state": told(step.end_state, seen)} for step in steps]


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_every_rung_has_natives_defaults(cell):
    """Whatever an argument is called with when it is not given, it is the same on every rung."""
    steps.assert_native_defaults(cell)


@cells("optim.lbfgs", rungs=(Rung.RAW, *DROP_IN), dtypes=None, cpu_because="it computes nothing")
def test_the_closure_is_called_with_gradients_and_its_first_answer_is_returned(cell):
    """Gradients are on whenever the closure is called, whatever is off outside; a drop-in returns the first loss."""
    for rung, impl in cell.implementations.items():
        p, losses = _parameter(), []

        def closure(p=p, losses=losses):
            p.grad = None
            losses.append(((p - 1) ** 2).sum())
            losses[-1].backward()
            return losses[-1]

        with torch.no_grad():
            returned = impl(closure, [p], {}) if rung is Rung.RAW else impl([p]).step(closure)
        assert rung is Rung.RAW or returned is losses[0], rung
        assert losses[-1] < losses[0], rung


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_sparse_gradient_is_the_dense_one(cell):
    """Custom and native take from a sparse gradient the step that they take from the same one, dense."""
    for rung, impl in cell.implementations.items():
        ends = []
        for layout in (torch.strided, torch.sparse_coo):
            p = _parameter()
            optimizer = impl([p])

            def closure(p=p, layout=layout):
                p.grad = (2 * (p.detach() - torch.tensor([0.0, 3.0]))).to_sparse(layout=layout)
                return ((p.detach() - torch.tensor([0.0, 3.0])) ** 2).sum()

            optimizer.step(closure)
            ends.append(seen(p))
        assert_same(*ends, f"{rung}: dense and sparse")


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="a saved state is the same on any device")
def test_a_loaded_state_is_of_the_dtype_of_its_parameters(cell):
    """What a float32 run has saved a float64 run goes on from in float64, history included."""
    ends = []
    for impl in cell.implementations.values():
        narrow, wide = impl([_parameter()], max_iter=4), impl([_parameter(torch.float64)], max_iter=2)
        _stepped(narrow)
        wide.load_state_dict(copy.deepcopy(narrow.state_dict()))
        _stepped(wide)
        ends.append(told(wide.state_dict()["state"][0], seen))
    assert_same(*ends, "custom, loaded")


@cells("optim.lbfgs", rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_a_copy_of_custom_goes_on_as_custom_does(cell):
    """A copy, which native's cannot, takes the step that the original takes."""
    p = _parameter()
    optimizer = cell.ladder.custom([p], max_iter=2)
    optimizer.step(_bowl(optimizer))
    copied = copy.deepcopy(optimizer)
    for one in (optimizer, copied):
        one.step(_bowl(one))
    assert_same(*(seen(one.param_groups[0]["params"][0]) for one in (copied, optimizer)), "copy")


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_of_no_parameters_custom_says_what_native_says(cell):
    """Where a group is empty the closure is called, with gradients, or refused, up to torch 2.13, in native's words."""
    with torch.no_grad():
        custom, native = (
            outcome(lambda: impl([{"params": []}]).step(lambda: torch.ones(2, requires_grad=True) * 1.0))
            for impl in cell.implementations.values()
        )
    assert_same(custom, native, "custom")


def _parameter(dtype=None):
    return torch.tensor([2.0, -1.0], dtype=dtype, requires_grad=True)


def _bowl(optimizer):
    def closure():
        (p,) = optimizer.param_groups[0]["params"]
        p.grad = 2 * p.detach() ** 3
        return (p.detach() ** 4).sum() / 2

    return closure


def _stepped(optimizer):
    optimizer.step(_bowl(optimizer))


REFUSED = {
    "lr-below-0": lambda cls: cls([_parameter()], lr=-1.0),
    "lr-not-a-number": lambda cls: cls([_parameter()], lr=float("nan")),
    "lr-of-two-elements": lambda cls: cls([_parameter()], lr=torch.ones(2)),
    "two-groups": lambda cls: cls([{"params": [_parameter()]}, {"params": [_parameter()]}]),
    "a-group-that-was-added": lambda cls: (lambda o: (o.add_param_group({"params": [_parameter()]}), _stepped(o)))(
        cls([_parameter()])
    ),
    "another-line-search": lambda cls: _stepped(cls([_parameter()], line_search_fn="armijo")),
    "no-closure": lambda cls: cls([_parameter()]).step(),
    "an-argument-nobody-has": lambda cls: cls([_parameter()], learning_rate=1.0),
}


@pytest.mark.parametrize("attempt", REFUSED)
@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input raises with native's class and native's words."""
    answers = []
    for cls in cell.ladder[2:]:
        with pytest.raises((ValueError, TypeError, RuntimeError, AssertionError)) as refusal:
            REFUSED[attempt](cls)
        answers.append((refusal.type, str(refusal.value)))
    custom, native = answers
    assert custom == native


@cells("optim.lbfgs", rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_custom_says_that_it_has_no_complex_step(cell):
    """What native does and custom does not is refused with the reason."""
    with pytest.raises(NotImplementedError, match="complex parameters are not on this rung"):
        _stepped(cell.ladder.custom([_parameter(torch.complex64)]))
