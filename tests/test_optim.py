"""Optimizers: each is one map from parameters, a script of gradients and settings to a trace of parameters,
gradients and state, and the four rungs are the same map."""

import copy
import inspect

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
from tests.associations import reference
from tests.cells import DROP_IN, DTYPES, WORDS, cells
from tests.exactness import assert_bitwise, assert_same
from tests.observe.optim import Problem, grouped, observe
from tests.observe.tensors import seen, tensor
from tests.strategies.arrays import arrays, shapes
from tests.strategies.optim import LRS, SETTINGS, continued, problems, settings_of

ALGORITHMS = tuple(SETTINGS)
ONE = ("float64",)  # of laws that the trace has already been held to in every dtype, or that round nothing


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_leave_the_same_trace(cell, data):
    """Every rung leaves the trace of the formula: parameters, gradients and state after every step."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    expected = reference(observe, cell.concept, problem, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(observe(rung, impl, problem, device=cell.device), expected, f"{cell.concept} {rung}: step")


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_take_the_same_step_from_any_state(cell, data):
    """From a given state, up to the ten-thousandth step, every rung takes the step of the formula."""
    problem = data.draw(continued(cell.concept, cell.dtype), label="problem")
    expected = reference(observe, cell.concept, problem, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(observe(rung, impl, problem, device=cell.device), expected, f"{cell.concept} {rung}: step")


@cells(*ALGORITHMS, rungs=DROP_IN, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom performs native's operations in native's order, through saving and loading: not one bit differs."""
    problem = data.draw(problems(cell.concept, cell.dtype, restore=True), label="problem")
    custom, native = (observe(rung, cell.ladder[i], problem) for i, rung in ((2, Rung.CUSTOM), (3, Rung.NATIVE)))
    assert_same(custom, native, f"{cell.concept} custom: step")


@cells(*(name for name in ALGORITHMS if name != "optim.rprop"), dtypes=ONE)  # rprop clamps its rate from below
@given(data=st.data())
def test_a_zero_learning_rate_moves_nothing(cell, data):
    """With lr = 0 at every step no parameter ever moves."""
    problem = data.draw(problems(cell.concept, cell.dtype, lrs=st.just(0.0)), label="problem")
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, problem, device=cell.device):
            for entry, w in zip(line, problem.params, strict=True):
                assert np.array_equal(entry["parameter"], w), rung


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_a_missing_gradient_is_not_a_zero_gradient(cell, data):
    """A parameter that has no gradient is left alone: it does not decay and has no state."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    without = problem._replace(script=[line._replace(grads=(None, *line.grads[1:])) for line in problem.script])
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, without, device=cell.device):
            assert_bitwise(line[0]["parameter"], problem.params[0], f"{rung} parameter")
            assert (line[0]["gradient"], line[0]["state"]) == (None, {}), rung


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


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=ONE, cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    problem = data.draw(problems(cell.concept, cell.dtype), label="problem")
    half = len(problem.script) // 2
    ends = []
    for first, second in ((2, 3), (3, 2), (3, 3)):
        leaves = [tensor(w).requires_grad_() for w in problem.params]
        one = grouped(cell.ladder[first], leaves, problem.settings)
        _play(one, leaves, problem.script[:half])
        other = cell.ladder[second]([{"params": group["params"]} for group in one.param_groups])
        other.load_state_dict(copy.deepcopy(one.state_dict()))
        _play(other, leaves, problem.script[half:])
        ends.append([[seen(p) for p in leaves], _plain(other.state_dict())])
    assert_same(ends[0], ends[2], "custom, then native")
    assert_same(ends[1], ends[2], "native, then custom")


@cells("optim.adamw", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_adamw_decays_apart_whatever_it_loads(cell):
    """AdamW that has loaded what Adam saved is still AdamW."""
    for rung, impl in cell.implementations.items():
        optimizer = impl([_parameter()])
        optimizer.load_state_dict(torch.optim.Adam([_parameter()]).state_dict())
        assert optimizer.param_groups[0]["decoupled_weight_decay"], rung


def _play(optimizer, leaves, script):
    for line in script:
        for group in optimizer.param_groups:
            group["lr"] = line.lr
        for p, g in zip(leaves, line.grads, strict=True):
            p.grad = None if g is None else tensor(g)
        optimizer.step()


def _plain(state_dict):
    """A state_dict with its tensors as arrays."""
    state = {i: {k: seen(v) for k, v in s.items()} for i, s in state_dict["state"].items()}
    return {"state": state, "param_groups": state_dict["param_groups"]}


def _parameter():
    return torch.zeros(2, requires_grad=True)


REFUSED = {
    "a-tensor": lambda cls: cls(_parameter()),
    "nothing": lambda cls: cls([]),
    "a-number": lambda cls: cls([1.0]),
    "a-non-leaf": lambda cls: cls([_parameter() * 2]),
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
    "lr-below-0": lambda cls: cls([_parameter()], lr=-1.0),
    "lr-of-two-elements": lambda cls: cls([_parameter()], lr=torch.ones(2)),
    "weight_decay-below-0": lambda cls: cls([_parameter()], weight_decay=-1.0),
    "an-argument-nobody-has": lambda cls: cls([_parameter()], learning_rate=1.0),
}
REFUSED_SGD = {
    "momentum-below-0": lambda cls: cls([_parameter()], momentum=-0.1),
    "nesterov-without-momentum": lambda cls: cls([_parameter()], nesterov=True),
    "nesterov-with-dampening": lambda cls: cls([_parameter()], nesterov=True, momentum=0.9, dampening=0.1),
}
REFUSED_ADAM = {
    "eps-below-0": lambda cls: cls([_parameter()], eps=-1.0),
    "first-beta-1": lambda cls: cls([_parameter()], betas=(1.0, 0.9)),
    "second-beta-below-0": lambda cls: cls([_parameter()], betas=(0.9, -0.1)),
    "betas-of-two-kinds": lambda cls: cls([_parameter()], betas=(0, 0.9)),
    "betas-of-tensor-and-int": lambda cls: cls([_parameter()], betas=(torch.tensor(0.9), 0)),
    "tensor-lr-with-foreach": lambda cls: cls([_parameter()], lr=torch.tensor(0.1), foreach=True),
}


def _words(cell, attempt):
    """Native's and custom's answer to bad input, as class and words."""
    answers = []
    for cls in cell.ladder[2:]:
        with pytest.raises((Exception, Warning)) as refusal:
            attempt(cls)
        answers.append((refusal.type, str(refusal.value)))
    return answers


@WORDS
@pytest.mark.parametrize("attempt", REFUSED)
@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_refuses_what_native_refuses_in_its_words(cell, attempt):
    """Bad input raises, or warns, with native's class and native's words."""
    custom, native = _words(cell, REFUSED[attempt])
    assert custom == native


@WORDS
@pytest.mark.parametrize("attempt", REFUSED_SGD)
@cells("optim.sgd", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_sgd_refuses_its_own_bad_options_in_natives_words(cell, attempt):
    """What only SGD can be asked wrongly is refused with native's class and words."""
    custom, native = _words(cell, REFUSED_SGD[attempt])
    assert custom == native


@WORDS
@pytest.mark.parametrize("attempt", REFUSED_ADAM)
@cells("optim.adam", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_adam_refuses_its_own_bad_options_in_natives_words(cell, attempt):
    """What only Adam can be asked wrongly is refused with native's class and words."""
    custom, native = _words(cell, REFUSED_ADAM[attempt])
    assert custom == native


@pytest.mark.parametrize("option", ["fused", "capturable", "differentiable"])
@cells(*ALGORITHMS, rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_custom_says_why_it_takes_no_other_route(cell, option):
    """Options that compute the same step by another kernel are refused with the reason."""
    if option not in inspect.signature(cell.ladder.native).parameters:
        pytest.skip(f"{cell.concept} has no {option}")
    with pytest.raises(NotImplementedError, match="is not on this rung"):
        cell.ladder.custom([_parameter()], **{option: True})


@cells(*ALGORITHMS, rungs=DROP_IN, dtypes=None, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
def test_custom_and_native_live_through_the_same_lives(cell):
    """Whatever sequence of steps, clears, new rates, new groups, skips, saves and copies, custom stays native."""

    class Life(RuleBasedStateMachine):
        @initialize(data=st.data(), options=settings_of(cell.concept, 1))
        def birth(self, data, options):
            self.make = lambda cls, params: cls(params, **options[0])
            w = data.draw(arrays((2,), "float64"))
            self.leaves = [[tensor(w).requires_grad_()] for _ in DROP_IN]
            self.pair = [self.make(cls, list(p)) for cls, p in zip(cell.ladder[2:], self.leaves, strict=True)]

        @rule(data=st.data(), shape=shapes(max_side=2), dtype=st.sampled_from(DTYPES))
        @precondition(lambda self: len(self.leaves[0]) < 4)
        def add_a_group(self, data, shape, dtype):
            w, lr = data.draw(arrays(shape, dtype)), data.draw(LRS)
            for optimizer, leaves in zip(self.pair, self.leaves, strict=True):
                leaves.append(tensor(w).requires_grad_())
                optimizer.add_param_group({"params": leaves[-1], "lr": lr})

        @rule(data=st.data(), lr=LRS)
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

        @rule()
        def save_and_load_into_a_fresh_pair(self):
            self.pair = [_reloaded(self.make, o, list(p)) for o, p in zip(self.pair, self.leaves, strict=True)]

        @rule()
        def copy_both(self):
            self.pair = [copy.deepcopy(optimizer) for optimizer in self.pair]
            self.leaves = [[p for group in o.param_groups for p in group["params"]] for o in self.pair]

        @invariant()
        def custom_is_native(self):
            custom, native = ([{"w": seen(p), "g": seen(p.grad)} for p in leaves] for leaves in self.leaves)
            assert_same(custom, native, "custom")
            assert_same(*(_plain(optimizer.state_dict()) for optimizer in self.pair), "custom state_dict")
            assert repr(self.pair[0]) == repr(self.pair[1])

    run_state_machine_as_test(Life, settings=settings(stateful_step_count=20))


def _reloaded(make, optimizer, leaves):
    groups = [len(group["params"]) for group in optimizer.param_groups]
    fresh = make(type(optimizer), leaves[: groups[0]])
    for i, size in enumerate(groups[1:], 1):
        fresh.add_param_group({"params": leaves[sum(groups[:i]) :][:size]})
    fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return fresh
