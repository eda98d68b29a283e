"""L-BFGS, which asks for the loss as often as it likes: a step is what the formula admits from where it began, and
custom asks where native asks."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, cells, torch_bug
from tests.engine import assert_bitwise, assert_same
from tests.engine.arrays import snapshot
from tests.engine.compare import STEP
from tests.families import Run, problems
from tests.nn.trace import outcome
from tests.optim.lbfgs_problems import Hollows, Noise
from tests.optim.lbfgs_trace import Problem, observe, outside, told
from tests.optim.refused import along_a_bowl


@cells("optim.lbfgs", dtypes=("float64",), cpu_because="the closure is NumPy's")
@given(data=st.data())
def test_a_step_of_iterations_is_so_many_steps_of_one(cell, data):
    """Where no tolerance stops it, a step of three iterations is three steps of one, with a line search too."""
    problem = data.draw(problems(cell), label="problem")
    free = {"tolerance_grad": 0.0, "tolerance_change": 0.0, "max_eval": 1000}
    settings = problem.settings | free | {"line_search_fn": data.draw(st.sampled_from([None, "strong_wolfe"]))}
    for rung, impl in cell.implementations.items():
        ends = []
        for steps_, max_iter in ((1, 3), (3, 1)):
            asked = problem._replace(settings=settings | {"max_iter": max_iter}, steps=steps_)
            ends.append(observe(Run(rung, impl), asked)[-1].end)
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
    count = lambda rung, impl: [len(step.asked) for step in observe(Run(rung, impl), problem)]
    often = {rung: count(rung, impl) for rung, impl in cell.implementations.items()}
    assert often == dict.fromkeys(often, count(Rung.NATIVE, cell.ladder.native))


@cells("optim.lbfgs", rungs=(Rung.RAW, *DROP_IN), dtypes=("float64",), cpu_because="the closure is NumPy's")
@given(data=st.data())
def test_a_step_writes_no_gradient(cell, data):
    """What the closure left in the gradients last is there when the step is over."""
    problem = data.draw(problems(cell), label="problem")
    for rung, impl in cell.implementations.items():
        for step in observe(Run(rung, impl), problem):
            assert_bitwise(step.grad, step.asked[-1][2], f"{rung} gradient")


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lot", range(8))
@cells("optim.lbfgs", rungs=DROP_IN, dtypes=("float64",), cpu_because="custom runs torch's operations on one thread")
def test_custom_is_led_where_native_is(cell, lot):
    """Told anything by lot, a line search of custom's looks where native's looks, through all of its branches."""
    problem = Problem([np.linspace(-1, 2, 3)], {"line_search_fn": "strong_wolfe"}, Noise(lot), steps=6)
    custom, native = (outside(observe(Run(rung, impl), problem)) for rung, impl in cell.implementations.items())
    assert_same(custom, native, "custom", levels=(STEP,))


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


@torch_bug("a gradient is seen as one row, which one that lies otherwise in memory is not", RuntimeError)
@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_transposed_parameter_is_stepped(cell):
    """A parameter whose columns follow each other in memory is stepped as one whose rows do."""
    for impl in cell.implementations.values():
        p = torch.ones(2, 3).t().requires_grad_()
        along_a_bowl(impl([p]))
        assert (p < 1).all()


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
            ends.append(snapshot(p))
        assert_same(*ends, f"{rung}: dense and sparse")


@cells("optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="a saved state is the same on any device")
def test_a_loaded_state_is_of_the_dtype_of_its_parameters(cell):
    """What a float32 run has saved a float64 run goes on from in float64, history included."""
    ends = []
    for impl in cell.implementations.values():
        narrow, wide = impl([_parameter()], max_iter=4), impl([_parameter(torch.float64)], max_iter=2)
        along_a_bowl(narrow)
        wide.load_state_dict(copy.deepcopy(narrow.state_dict()))
        along_a_bowl(wide)
        ends.append(told(wide.state_dict()["state"][0], snapshot))
    assert_same(*ends, "custom, loaded")


@cells("optim.lbfgs", rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_a_copy_of_custom_goes_on_as_custom_does(cell):
    """A copy, which native's cannot, takes the step that the original takes."""
    p = _parameter()
    optimizer = cell.ladder.custom([p], max_iter=2)
    along_a_bowl(optimizer)
    copied = copy.deepcopy(optimizer)
    for one in (optimizer, copied):
        along_a_bowl(one)
    assert_same(*(snapshot(one.param_groups[0]["params"][0]) for one in (copied, optimizer)), "copy")


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


@cells("optim.lbfgs", rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_custom_says_that_it_has_no_complex_step(cell):
    """What native does and custom does not is refused with the reason."""
    with pytest.raises(NotImplementedError, match="complex parameters are not on this rung"):
        along_a_bowl(cell.ladder.custom([_parameter(torch.complex64)]))
