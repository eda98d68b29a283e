"""Optimizers: each is one map from parameters, a script of gradients and settings to a trace of parameters,
gradients and state, and the four rungs are the same map."""

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from impls.ladder import Rung
from impls.since import TORCH
from tests.cells import DROP_IN, DTYPES, cells, live
from tests.engine import assert_same
from tests.engine.arrays import arrays, shapes
from tests.engine.tensors import seen, tensor
from tests.optim import steps
from tests.optim.problems import LRS, SETTINGS, continued, problems, settings_of
from tests.optim.trace import Line, Problem, observe

ALGORITHMS = tuple(SETTINGS)
ONE = ("float64",)  # of laws that the trace has already been held to in every dtype, or that round nothing


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_leave_the_same_trace(cell, data):
    """Every rung leaves the trace of the formula: parameters, gradients and state after every step."""
    steps.assert_agreement(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS, dtypes=ONE)
@settings(max_examples=5)  # a dozen steps take as long as four draws of the law above
@given(data=st.data())
def test_rungs_leave_the_same_trace_for_a_dozen_steps(cell, data):
    """So they do for twelve steps and more, with whatever has gathered by then."""
    problem = data.draw(problems(cell.concept, cell.dtype, sizes=[(3,)], steps=(12, 14)), label="problem")
    steps.assert_agreement(cell, problem)


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_take_the_same_step_from_any_state(cell, data):
    """From a given state, up to the ten-thousandth step, every rung takes the step of the formula."""
    steps.assert_agreement(cell, data.draw(continued(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS, rungs=DROP_IN)
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom performs native's operations in native's order, through saving and loading: not one bit differs."""
    problem = data.draw(problems(cell.concept, cell.dtype, restore=True), label="problem")
    steps.assert_native_bits(cell, problem)


@cells(*(name for name in ALGORITHMS if name != "optim.rprop"), dtypes=ONE)  # rprop clamps its rate from below
@given(data=st.data())
def test_a_zero_learning_rate_moves_nothing(cell, data):
    """With lr = 0 at every step no parameter ever moves."""
    problem = data.draw(problems(cell.concept, cell.dtype, lrs=st.just(0.0)), label="problem")
    steps.assert_nothing_moves(cell, problem)


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_a_missing_gradient_is_not_a_zero_gradient(cell, data):
    """A parameter that has no gradient is left alone: it does not decay and has no state."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    steps.assert_left_alone_without_a_gradient(cell, problem)


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_maximizing_is_stepping_on_the_negated_gradient(cell, data):
    """maximize=True with g is maximize=False with -g, weight decay included, exactly (a zero may change its sign)."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    negated = [line._replace(grads=tuple(g if g is None else -g for g in line.grads)) for line in problem.script]
    up = problem._replace(settings=[s | {"maximize": True} for s in problem.settings])
    down = problem._replace(settings=[s | {"maximize": False} for s in problem.settings], script=negated)
    for rung, impl in cell.implementations.items():
        for a, b in zip(
            observe(rung, impl, up, device=cell.device), observe(rung, impl, down, device=cell.device), strict=True
        ):
            for left, right in zip(a, b, strict=True):
                assert np.array_equal(left["parameter"], right["parameter"]), rung
                assert left["state"].keys() == right["state"].keys(), rung
                assert all(np.array_equal(left["state"][k], right["state"][k]) for k in left["state"]), rung


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_parameters_do_not_touch_each_other(cell, data):
    """Each parameter moves as if it were alone."""
    steps.assert_parameters_apart(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=("float32",), cpu_because="vectors and what is left over are the CPU's")
@given(data=st.data())
def test_elements_do_not_know_where_they_are(cell, data):
    """Cut in two and put in another order, a parameter moves as it did whole, to the bit but for the sign of a zero."""
    problem = data.draw(problems(cell.concept, cell.dtype, sizes=[(37,)]), label="problem")
    order = np.array(data.draw(st.permutations(range(37)), label="order"))
    steps.assert_elements_apart(cell, problem, np.split(order, [data.draw(st.integers(1, 36), label="cut")]))


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_every_rung_has_natives_defaults(cell):
    """Whatever an argument is called with when it is not given, it is the same on every rung."""
    steps.assert_native_defaults(cell)


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=ONE, cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    steps.assert_interchangeable(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells("optim.sgd", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_what_is_kept_under_a_name_is_saved_under_it(cell):
    """State that is no parameter's is saved, and loaded, under its own key."""
    for rung, impl in cell.implementations.items():
        one, other = impl([_parameter()]), impl([_parameter()])
        one.state["mine"] = 1
        other.load_state_dict(one.state_dict())
        assert other.state["mine"] == 1, rung


@cells("optim.adamw", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_adamw_decays_apart_whatever_it_loads(cell):
    """AdamW that has loaded what Adam saved is still AdamW."""
    for rung, impl in cell.implementations.items():
        optimizer = impl([_parameter()])
        optimizer.load_state_dict(torch.optim.Adam([_parameter()]).state_dict())
        assert optimizer.param_groups[0]["decoupled_weight_decay"], rung


def _parameter():
    return torch.zeros(2, requires_grad=True)


REFUSED = {
    "a-tensor": lambda cls: cls(_parameter()),
    "nothing": lambda cls: cls([]),
    "a-number": lambda cls: cls([1.0]),
    "a-non-leaf": lambda cls: cls([_parameter() * 2]),
    **({"a-set": lambda cls: cls({_parameter()})} if TORCH >= (2, 15) else {}),
    "a-set-in-a-group": lambda cls: cls([{"params": {_parameter()}}]),
    "a-group-that-is-no-dict": lambda cls: cls([_parameter()]).add_param_group([_parameter()]),
    "one-parameter-in-two-groups": lambda cls: (lambda p: cls([{"params": [p]}, {"params": [p]}]))(_parameter()),
    "one-parameter-twice": lambda cls: cls([_parameter()] * 2),
    "names-for-some": lambda cls: cls([("w", _parameter()), _parameter()]),
    "names-in-one-group-only": lambda cls: cls([("w", _parameter())]).add_param_group({"params": [_parameter()]}),
    "another-number-of-groups": lambda cls: cls([_parameter()]).load_state_dict({"state": {}, "param_groups": []}),
    "a-group-of-another-size": lambda cls: cls([_parameter()]).load_state_dict(
        cls([_parameter(), _parameter()]).state_dict()
    ),
    "an-argument-nobody-has": lambda cls: cls([_parameter()], learning_rate=1.0),
}
BAD_OPTIONS = [
    {"lr": -1.0},
    {"lr": float("nan")},
    {"lr": torch.ones(2)},
    {"lr": "1e-3"},
    {"eps": "1e-8"},
    {"weight_decay": None},
    {"fused": True, "foreach": True},
    {"fused": True, "differentiable": True},
    {"lr": torch.tensor(0.1), "foreach": True},
    {"weight_decay": -1.0},
    {"eps": -1.0},
    {"betas": (1.0, 0.9)},
    {"betas": (0.9, -0.1)},
    {"betas": (0, 0.9)},
    {"betas": (0.9,)},
    {"betas": None},
    {"betas": (torch.tensor(0.9), 0)},
    {"betas": (torch.tensor(0.9), torch.tensor(0.5)), "foreach": True},
    {"momentum": -0.1},
    {"nesterov": True},
    {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
    {"alpha": -0.1},
    {"rho": -0.1},
    {"rho": 1.1},
    {"lr_decay": -0.1},
    {"initial_accumulator_value": -0.1},
    {"momentum_decay": -0.1},
    {"etas": (0.0, 1.2)},
    {"etas": (0.5, 1.0)},
    {"lr": -1.0, "eps": -1.0, "weight_decay": -1.0},
    {"eps": -1.0, "betas": (1.0, 0.9)},
    {"betas": (1.0, 0.9), "weight_decay": -1.0},
]
OTHER_ROUTES = ("fused", "capturable", "differentiable")


def _answer(attempt, cls):
    """What a class says to bad input, as the class of the error or warning and its words; None when it takes it."""
    try:
        attempt(cls)
    except (Exception, Warning) as refusal:
        return type(refusal), str(refusal)
    return None


def _taken(cell, options):
    return options.keys() <= inspect.signature(cell.ladder.native).parameters.keys()


@pytest.mark.parametrize("attempt", REFUSED)
@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input raises, or warns, with native's class and native's words."""
    custom, native = (_answer(REFUSED[attempt], cls) for cls in cell.ladder[2:])
    assert native is not None
    assert custom == native


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_says_to_every_bad_option_what_native_says(cell):
    """Of an option that is out of range, and of two, custom says what native says, be it nothing."""
    asked = [options for options in BAD_OPTIONS if _taken(cell, options)]
    custom, native = (
        [_answer(lambda cls, given=options: cls([_parameter()], **given), cls) for options in asked]
        for cls in cell.ladder[2:]
    )
    assert custom == native


@cells(*ALGORITHMS, rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_custom_says_why_it_takes_no_other_route(cell):
    """Options that compute the same step by another kernel are refused with the reason, in a group too."""
    routes = [option for option in OTHER_ROUTES if _taken(cell, {option: True})]
    attempts = [
        lambda cls, option=option, place=place: (
            cls([_parameter()], **{option: True})
            if place == "constructor"
            else cls([{"params": [_parameter()], option: True}])
        )
        for option in routes
        for place in ("constructor", "group")
    ]
    answers = [_answer(attempt, cell.ladder.custom) for attempt in attempts]
    assert {kind for kind, _ in answers} == {NotImplementedError}
    assert all("is not on this rung" in words for _, words in answers)


def _stepped(cls, dtype=torch.float32, gradient=None, **options):
    """The parameter after two steps, the second along a gradient that has other numbers in other places."""
    p = torch.ones(2, 2, dtype=dtype, requires_grad=True)
    optimizer = cls([p], lr=0.1, **options)
    for factor in torch.tensor([[1.0, 2.0], [0.5, 3.0]]):
        p.grad = (gradient.to_dense() * factor).to_sparse() if gradient.is_sparse else gradient * factor
        optimizer.step()
    return seen(p)


SPARSE, COMPLEX = torch.eye(2).to_sparse(), torch.tensor([[1 + 2j, 0.5j], [3 - 1j, 1]])


@cells(
    *(name for name in ALGORITHMS if name not in ("optim.sgd", "optim.adagrad")),
    rungs=DROP_IN,
    dtypes=None,
    cpu_because="it computes nothing",
)
def test_a_sparse_gradient_is_refused_in_natives_words(cell):
    """Where native has no step along a sparse gradient, custom says so as native does."""
    custom, native = (_answer(lambda cls: _stepped(cls, gradient=SPARSE), cls) for cls in cell.ladder[2:])
    assert native is not None
    assert custom == native


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("kind", ["sparse", "complex"])
@cells("optim.sgd", rungs=DROP_IN, dtypes=None, cpu_because="it computes with few numbers")
def test_sgd_takes_the_gradients_that_native_takes(cell, kind, momentum):
    """Along a sparse gradient, and of complex parameters, custom takes native's step, bit for bit."""
    given = {"gradient": SPARSE} if kind == "sparse" else {"gradient": COMPLEX, "dtype": torch.complex64}
    custom, native = (_stepped(cls, momentum=momentum, **given) for cls in cell.ladder[2:])
    assert_same(custom, native, "custom")


@cells(
    *(name for name in ALGORITHMS if name != "optim.sgd"),
    rungs=(Rung.CUSTOM,),
    dtypes=None,
    cpu_because="it computes nothing",
)
def test_custom_says_what_it_has_no_step_for(cell):
    """Where native has a step and custom has none, custom says whose to take: of complex numbers, and a sparse one."""
    attempts = [lambda cls: _stepped(cls, gradient=COMPLEX, dtype=torch.complex64)]
    if cell.concept == "optim.adagrad":
        attempts.append(lambda cls: _stepped(cls, gradient=SPARSE))
    for kind, words in (_answer(attempt, cell.ladder.custom) for attempt in attempts):
        assert kind is NotImplementedError
        assert words.endswith(f"not on this rung; use torch.optim.{cell.ladder.native.__name__}")


@cells(*ALGORITHMS, rungs=(Rung.CUSTOM,), dtypes=ONE, cpu_because="foreach is how torch calls CUDA")
@given(data=st.data())
def test_foreach_changes_nothing_on_custom(cell, data):
    """foreach is accepted, and takes the very same step."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    traces = [
        observe(Rung.CUSTOM, cell.ladder.custom, problem._replace(settings=[s | extra for s in problem.settings]))
        for extra in ({}, {"foreach": True})
    ]
    assert_same(*traces, "foreach: step")


FOREACH_DIFFERS = ("optim.nadam", "optim.radam", "optim.asgd")  # and writes SGD's gradient: tests/test_divergences.py


@cells(
    *(name for name in ALGORITHMS if name not in FOREACH_DIFFERS),
    rungs=(Rung.NATIVE,),
    dtypes=("float32",),
    cpu_because="CPU kernels",
)
@given(data=st.data())
def test_natives_foreach_is_its_for_loop_bit_for_bit(cell, data):
    """What custom is to the bit it is to foreach too: on the CPU native's two are one, parameters and state."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    script = [line._replace(old="drop") for line in problem.script]
    traces = []
    for extra in ({}, {"foreach": True}):
        asked = problem._replace(script=script, settings=[s | extra for s in problem.settings])
        trace = observe(Rung.NATIVE, cell.ladder.native, asked)
        traces.append([[{k: entry[k] for k in ("parameter", "state")} for entry in line] for line in trace])
    assert_same(*traces, "foreach: step")


@cells(*(name for name in ALGORITHMS if name not in ("optim.sgd", "optim.asgd")), rungs=(Rung.NATIVE,))
@given(data=st.data())
def test_natives_foreach_leaves_the_trace_of_the_formula(cell, data):
    """Native's second way, all parameters at once, which on CUDA is its default, leaves the formula's trace, too."""
    steps.assert_foreach_agrees(cell, data.draw(problems(cell.concept, cell.dtype), label="problem"))


@cells("optim.sgd", rungs=(Rung.NATIVE,))
@given(data=st.data())
def test_natives_foreach_leaves_the_trace_of_sgd_without_nesterov(cell, data):
    """So it is of SGD, as long as it looks not ahead."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    steps.assert_foreach_agrees(cell, problem._replace(settings=[s | {"nesterov": False} for s in problem.settings]))


def two_steps(dtype, settings):
    line = Line(lr=0.1, old="drop", grads=(np.ones(1, dtype),))
    return Problem([np.ones(1, dtype)], [settings], [line, line])


@live("foreach adds the momentum to the gradient itself (pytorch#92706 mended the others)")
@cells("optim.sgd", rungs=(Rung.NATIVE,), dtypes=ONE)
def test_natives_foreach_leaves_the_trace_of_sgd(cell):
    """Looking ahead, too, it leaves the formula's trace, of which a gradient that stays as it is is a part."""
    steps.assert_foreach_agrees(cell, two_steps(cell.dtype, {"momentum": 0.5, "nesterov": True}))


@live("the rate is computed from the count, a float32 tensor, operation by operation in float32")
@cells("optim.asgd", rungs=(Rung.NATIVE,))
def test_natives_foreach_leaves_the_trace_of_asgd(cell):
    """It leaves the formula's trace, whose rate is rounded once, as it is kept."""
    steps.assert_foreach_agrees(cell, two_steps(cell.dtype, {"lambd": 0.1}))


@cells("optim.sgd", "optim.adam", "optim.adamw", "optim.adagrad", rungs=(Rung.NATIVE,), cpu_because="CPU kernels")
@given(data=st.data())
def test_natives_fused_takes_the_step_of_the_formula(cell, data):
    """Where torch has one kernel for the whole step on the CPU, it leaves the trace of the formula."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    steps.assert_agreement(cell, _heard(problem), lambda cls: functools.partial(cls, fused=True))


def _heard(problem):
    """The problem with a gradient for everybody: fused SGD fails on one that comes late (tests/test_divergences.py)."""
    grads = lambda line: tuple(
        np.zeros_like(w) if g is None else g for w, g in zip(problem.params, line.grads, strict=True)
    )
    return problem._replace(script=[line._replace(grads=grads(line)) for line in problem.script])


@cells("optim.sgd", "optim.adam", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_hooks_are_called_as_natives_are(cell):
    """Hooks are called when native's are, in that order, with what native hands them, and may replace it."""
    custom, native = (_hooked(cls) for cls in cell.ladder[2:])
    assert custom == native


def _hooked(cls):
    """What hooks of every kind see of a step, of a state saved and loaded, and of a copy."""
    optimizer, story = cls([_parameter()]), []
    told = lambda name, answer=None: lambda o, *rest: (story.append((name, o is optimizer, len(rest))), answer)[1]
    optimizer.register_step_pre_hook(told("before the step"))
    optimizer.register_step_pre_hook(lambda o, _args, _kwargs: ((o,), {"closure": lambda: 3.0}))
    optimizer.register_step_post_hook(lambda _o, args, kwargs: story.append((len(args), list(kwargs))))
    removed = optimizer.register_state_dict_pre_hook(told("before saving"))
    optimizer.register_state_dict_post_hook(told("saved", {"state": {}, "param_groups": [], "mine": 1}))
    optimizer.register_load_state_dict_pre_hook(told("before loading", cls([_parameter()]).state_dict()))
    optimizer.register_load_state_dict_post_hook(told("loaded"))
    for moment in ("state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post"):
        getattr(optimizer, f"register_{moment}_hook")(told(f"before others, {moment}"), prepend=True)
    story += [optimizer.step(), list(optimizer.state_dict())]
    optimizer.load_state_dict({})
    removed.remove()
    optimizer.state_dict()
    copy.deepcopy(optimizer).step()
    optimizer.register_step_pre_hook(lambda *_: 1)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 1\.$"):
        optimizer.step()
    return story


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_closure_is_called_once_with_gradients(cell):
    """step calls its closure first, once, with gradients on whatever is off outside, and returns its value."""
    for rung, impl in cell.implementations.items():
        p, calls = _parameter(), []
        optimizer = impl([p])

        def closure():
            calls.append(torch.is_grad_enabled())
            ((p - 1) ** 2).sum().backward()
            return "the loss"

        with torch.no_grad():
            assert optimizer.step(closure) == "the loss", rung
        assert calls == [True], rung
        assert (p > 0).all(), rung


SCHEDULERS = {
    "StepLR": lambda o: torch.optim.lr_scheduler.StepLR(o, 2, gamma=0.5),
    "OneCycleLR": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, max_lr=0.5, total_steps=6, cycle_momentum=bool({"momentum", "betas"} & o.defaults.keys())
    ),
    "ReduceLROnPlateau": lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
    "SequentialLR": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [torch.optim.lr_scheduler.ConstantLR(o, total_iters=2), torch.optim.lr_scheduler.CosineAnnealingLR(o, 4)],
        milestones=[2],
    ),
    "SWALR": lambda o: torch.optim.swa_utils.SWALR(o, swa_lr=0.5, anneal_epochs=3),
}


@pytest.mark.parametrize("name", SCHEDULERS)
@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="a rate is a number")
def test_torchs_schedulers_drive_custom_as_they_drive_native(cell, name):
    """A scheduler of torch's takes custom for an optimizer, and leads it to the same groups and parameters."""
    ends = []
    for cls in cell.ladder[2:]:
        p, trace = _parameter(), []
        optimizer = cls([p])
        scheduler = SCHEDULERS[name](optimizer)
        for t in range(5):
            p.grad = torch.full((2,), 1.0 + t)
            optimizer.step()
            scheduler.step(*([1.0] if name == "ReduceLROnPlateau" else []))
            trace.append([seen(p), {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}])
        ends.append(trace)
    assert_same(*ends, "step")


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_an_optimizer_survives_pickling(cell):
    """A pickled optimizer comes back as what it was: class, groups and state."""
    for rung, impl in cell.implementations.items():
        optimizer = impl([("w", _parameter())], lr=0.5)
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        optimizer.step()
        loaded = pickle.loads(pickle.dumps(optimizer))
        assert type(loaded) is type(optimizer), rung
        assert repr(loaded) == repr(optimizer), rung
        assert_same(steps.plain(loaded.state_dict()), steps.plain(optimizer.state_dict()), f"{rung} state_dict")


@live("Adagrad makes states at construction alone", KeyError, mended=(2, 12))
@pytest.mark.parametrize("rung", DROP_IN)
@cells("optim.adagrad", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_parameter_that_is_added_has_a_state(cell, rung):
    """A group that comes later is stepped as one that was there from the start."""
    late, there = _parameter(), _parameter()
    optimizer = getattr(cell.ladder, rung)([there])
    optimizer.add_param_group({"params": [late]})
    for p in (late, there):
        p.grad = torch.ones(2)
    optimizer.step()
    assert_same(seen(late), seen(there), "parameter")


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
def test_custom_and_native_live_through_the_same_lives(cell):
    """Whatever sequence of steps, clears, new rates, new groups, skips, saves and copies, custom stays native."""

    class Life(RuleBasedStateMachine):
        @initialize(data=st.data(), options=settings_of(cell.concept, 1), named=st.booleans())
        def birth(self, data, options, named):
            self.listed = lambda params: [("a name", p) for p in params] if named else params
            self.make = lambda cls, params: cls(self.listed(params), **options[0])
            w = data.draw(arrays((2,), "float64"))
            self.leaves = [[tensor(w).requires_grad_()] for _ in DROP_IN]
            self.pair = [self.make(cls, list(p)) for cls, p in zip(cell.ladder[2:], self.leaves, strict=True)]

        @rule(data=st.data(), shape=shapes(max_side=2), dtype=st.sampled_from(DTYPES))
        @precondition(
            lambda self: len(self.leaves[0]) < (1 if cell.concept == "optim.adagrad" and TORCH < (2, 12) else 4)
        )
        def add_a_group(self, data, shape, dtype):
            w, lr = data.draw(arrays(shape, dtype)), data.draw(LRS)
            for optimizer, leaves in zip(self.pair, self.leaves, strict=True):
                leaves.append(tensor(w).requires_grad_())
                optimizer.add_param_group({"params": self.listed(leaves[-1:]), "lr": lr})

        @rule(data=st.data(), lr=LRS | LRS.map(torch.tensor) | LRS.map(lambda lr: torch.tensor([lr])))
        def step(self, data, lr):
            grads = [data.draw(st.none() | arrays(tuple(p.shape), str(seen(p).dtype))) for p in self.leaves[0]]
            for optimizer, leaves in zip(self.pair, self.leaves, strict=True):
                optimizer.param_groups[0]["lr"] = lr
                for p, g in zip(leaves, grads, strict=True):
                    if g is not None:
                        p.grad = tensor(g) if p.grad is None else p.grad + tensor(g)
                optimizer.step()

        @rule(set_to_none=st.booleans())
        def clear(self, set_to_none):
            for optimizer in self.pair:
                optimizer.zero_grad(set_to_none)

        @rule(with_names=st.booleans())
        def save_and_load_into_a_fresh_pair(self, with_names):
            self.pair = [self.reloaded(o, list(p), with_names) for o, p in zip(self.pair, self.leaves, strict=True)]

        def reloaded(self, optimizer, leaves, with_names):
            fresh, saved = self.make(type(optimizer), leaves[:1]), copy.deepcopy(optimizer.state_dict())
            for p in leaves[1:]:
                fresh.add_param_group({"params": self.listed([p])})
            for group in saved["param_groups"]:
                if not with_names:
                    group.pop("param_names", None)
            fresh.load_state_dict(saved)
            return fresh

        @rule()
        def copy_both(self):
            self.pair = [copy.deepcopy(optimizer) for optimizer in self.pair]
            self.leaves = [[p for group in o.param_groups for p in group["params"]] for o in self.pair]

        @invariant()
        def custom_is_native(self):
            custom, native = ([{"w": seen(p), "g": seen(p.grad)} for p in leaves] for leaves in self.leaves)
            assert_same(custom, native, "custom")
            assert_same(*(steps.plain(optimizer.state_dict()) for optimizer in self.pair), "custom state_dict")
            assert repr(self.pair[0]) == repr(self.pair[1])

    run_state_machine_as_test(Life, settings=settings(stateful_step_count=20))
