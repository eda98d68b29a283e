"""Initialization: from one seed every rung draws the same parameters, and leaves the generator in the same state."""

import inspect

import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.families import expected, observe, problems
from tests.init.family import ENTRIES
from tests.init.problems import Fill
from tests.nn.trace import outcome
from tests.rng.trace import state_of

ON_THE_CPU = "parameters are drawn on the CPU"
FILLS = tuple(concept for concept, own in ENTRIES.items() if isinstance(own, Fill))
TAKE_A_GENERATOR = [name for name in FILLS if "generator" in inspect.signature(LADDERS[name].native).parameters]


@cells(*FILLS, rungs=(Rung.RAW, *DROP_IN), cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_torch_draws_the_same_at_any_size(cell, data):
    """Raw and custom draw what native draws, also where there are many elements or none."""
    problem = data.draw(problems(cell, many=True), label="problem")
    wanted = observe(cell, Rung.NATIVE, problem) if cell.roundings == 1 else expected(cell, problem)
    for rung in cell.rungs:
        assert_same(observe(cell, rung, problem), wanted, f"{cell.concept} {rung}")


@cells(*FILLS, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_a_parameter_is_filled_in_place_and_no_gradient_sees_it(cell, data):
    """A leaf that requires a gradient, a view with gaps for one, stays a leaf, and has what was drawn in it."""
    problem = data.draw(problems(cell, many=True), label="problem")
    found = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(problem.seed)
            memory = torch.zeros(*problem.shape, 2)
            w = memory[..., 0].requires_grad_()
            cls(w, **problem.settings)
            found.append([snapshot(memory), w.is_leaf, w.requires_grad])
    assert_same(*found, "custom")


@cells(*FILLS, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_what_has_no_memory_is_left_as_it_is(cell, data):
    """On the meta device nothing is written, and what is drawn all the same is what native draws."""
    problem = data.draw(problems(cell, many=True), label="problem")
    found = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            generator = torch.manual_seed(problem.seed)
            w = torch.empty(problem.shape, device="meta")
            found.append([outcome(lambda: cls(w, **problem.settings) is w), state_of(generator)._asdict()])
    assert_same(*found, "custom")


@cells(*{*TAKE_A_GENERATOR} - {"init.sparse"}, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
def test_a_generator_that_is_given_is_drawn_from(cell):
    """A generator that is given yields what the global one would from the same seed, which is left alone."""
    for rung, impl in cell.implementations.items():
        with torch.random.fork_rng(devices=()):
            mine, everybodys = torch.Generator().manual_seed(1), torch.default_generator.manual_seed(1)
            found = [snapshot(impl(torch.empty(2, 3), generator=mine)), state_of(mine)._asdict()]
            assert_same(found, [snapshot(impl(torch.empty(2, 3))), state_of(everybodys)._asdict()], f"{rung}")


@torch_bug("sparse_ draws its rows from the global generator")
@cells("init.sparse", rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
def test_a_generator_that_is_given_draws_everything(cell):
    """Whatever the global generator's state, a given one fixes the parameter."""
    found = []
    for seed in range(2):
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(seed)
            generator = torch.Generator().manual_seed(0)
            found.append([snapshot(f(torch.empty(9, 9), 0.5, generator=generator)) for f in cell.ladder[2:]])
    assert_same(*found, "sparse")
