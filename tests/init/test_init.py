"""Initialization: from one seed every rung draws the same parameters, and leaves the generator in the same state."""

import inspect

import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.families import assert_refused_alike
from tests.init.problems import FEW, GAINS, MANY, births
from tests.init.trace import born, reference, within_rounding
from tests.nn.trace import outcome
from tests.rng.trace import state_of

ON_THE_CPU = "parameters are drawn on the CPU"
FILLS = tuple(f"init.{name}" for name in sorted(MANY))
DRAWN = tuple(name for name in FILLS if name != "init.orthogonal")  # and not computed of what is drawn
TAKE_A_GENERATOR = [name for name in FILLS if "generator" in inspect.signature(LADDERS[name].native).parameters]


@cells(*DRAWN, cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_one_seed_is_one_parameter_on_every_rung(cell, data):
    """Up to fifteen elements, where a normal draw is the C library's on every rung, no bit differs."""
    birth = data.draw(births(cell.concept, FEW), label="birth")
    expected = reference(cell.concept, birth, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(born(rung, impl, birth, cell.dtype), expected, f"{cell.concept} {rung}")


@cells("init.orthogonal", cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_one_seed_is_one_orthogonal_parameter_on_every_rung(cell, data):
    """Every rung has the same orthogonal factor of one draw, to the rounding of Householder's reflections, LAPACK's
    included."""
    birth = data.draw(births(cell.concept, FEW), label="birth")
    expected = within_rounding(cell.concept, birth, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(born(rung, impl, birth, cell.dtype), expected, f"{cell.concept} {rung}")


@cells(*FILLS, rungs=(Rung.RAW, *DROP_IN), cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_torch_draws_the_same_at_any_size(cell, data):
    """Raw and custom draw what native draws, also where there are many elements or none."""
    birth = data.draw(births(cell.concept, MANY), label="birth")
    expected = reference(cell.concept, birth, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(born(rung, impl, birth, cell.dtype), expected, f"{cell.concept} {rung}")


@cells(*FILLS, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_a_parameter_is_filled_in_place_and_no_gradient_sees_it(cell, data):
    """A leaf that requires a gradient, a view with gaps for one, stays a leaf, and has what was drawn in it."""
    birth = data.draw(births(cell.concept, MANY), label="birth")
    found = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(birth.seed)
            memory = torch.zeros(*birth.shape, 2)
            w = memory[..., 0].requires_grad_()
            cls(w, **birth.settings)
            found.append([snapshot(memory), w.is_leaf, w.requires_grad])
    assert_same(*found, "custom")


@cells(*FILLS, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
@given(data=st.data())
def test_what_has_no_memory_is_left_as_it_is(cell, data):
    """On the meta device nothing is written, and what is drawn all the same is what native draws."""
    birth = data.draw(births(cell.concept, MANY), label="birth")
    found = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            generator = torch.manual_seed(birth.seed)
            w = torch.empty(birth.shape, device="meta")
            found.append([outcome(lambda: cls(w, **birth.settings) is w), state_of(generator)._asdict()])
    assert_same(*found, "custom")


@cells("init.calculate_gain", dtypes=None, cpu_because="a number has no device")
def test_every_rung_has_the_same_gains(cell):
    """A gain is one number, whatever the rung."""
    for asked in GAINS:
        expected = cell.ladder.native(*asked)
        for rung, impl in cell.implementations.items():
            assert impl(*asked) == expected, (rung, asked)


REFUSED = {
    "init.calculate_gain": {
        "an unknown nonlinearity": lambda f: f("mish"),
        "a truth for a slope": lambda f: f("leaky_relu", True),
        "a word for a slope": lambda f: f("leaky_relu", "steep"),
    },
    "init.uniform": {"bounds in the wrong order": lambda f: f(torch.empty(1), 1.0, 0.0)},
    "init.normal": {"a negative deviation": lambda f: f(torch.empty(1), 0.0, -1.0)},
    "init.eye": {"a vector": lambda f: f(torch.empty(2))},
    "init.dirac": {"a matrix": lambda f: f(torch.empty(2, 2)), "no multiple": lambda f: f(torch.empty(3, 2, 2), 2)},
    "init.sparse": {"a vector": lambda f: f(torch.empty(2), 0.5)},
    "init.orthogonal": {"a vector": lambda f: f(torch.empty(2))},
    "init.xavier_uniform": {"a vector": lambda f: f(torch.empty(2))},
    "init.xavier_normal": {"a vector": lambda f: f(torch.empty(2))},
    "init.kaiming_uniform": {
        "a vector": lambda f: f(torch.empty(2)),
        "nothing": lambda f: f(torch.empty(0, 2)),
        "another mode": lambda f: f(torch.empty(2, 2), mode="fan_avg"),
        "another nonlinearity": lambda f: f(torch.empty(2, 2), nonlinearity="mish"),
    },
    "init.kaiming_normal": {"a vector": lambda f: f(torch.empty(2)), "nothing": lambda f: f(torch.empty(0, 2))},
    "init.trunc_normal": {
        "a mean far outside": lambda f: f(torch.empty(1), 5.0),
        "bounds in the wrong order, of nothing": lambda f: f(torch.empty(0), a=1.0, b=0.0),
    },
}


@cells(*{*TAKE_A_GENERATOR} - {"init.sparse"}, rungs=DROP_IN, dtypes=None, cpu_because=ON_THE_CPU)
def test_a_generator_that_is_given_is_drawn_from(cell):
    """A generator that is given yields what the global one would from the same seed, which is left alone."""
    for rung, impl in cell.implementations.items():
        with torch.random.fork_rng(devices=()):
            mine, everybodys = torch.Generator().manual_seed(1), torch.default_generator.manual_seed(1)
            found = [snapshot(impl(torch.empty(2, 3), generator=mine)), state_of(mine)._asdict()]
            assert_same(found, [snapshot(impl(torch.empty(2, 3))), state_of(everybodys)._asdict()], f"{rung}")


@cells(*REFUSED, rungs=DROP_IN, dtypes=None, cpu_because="refusals are words")
def test_custom_refuses_what_native_refuses_in_its_words(cell):
    """Bad input raises, or warns, with native's class and native's words."""
    assert_refused_alike(cell, REFUSED[cell.concept])


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
