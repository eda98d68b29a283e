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
from tests.cells import DROP_IN, DTYPES, LADDERS, cells, torch_bug
from tests.engine import assert_bitwise, assert_same
from tests.engine.arrays import arrays, in_layout, shapes, snapshot, tensor
from tests.engine.compare import PARAMETER, STEP
from tests.families import answer, entry, expected, observe, problems
from tests.optim.family import ENTRIES
from tests.optim.problems import LRS
from tests.optim.refused import OPTIONS, parameter
from tests.optim.trace import Line, Problem, plain

MATRIX = ("optim.adafactor", "optim.muon")  # the step of an element depends on its row, its column and the size of all
ELEMENTWISE = tuple(c for c in ENTRIES if c not in (*MATRIX, "optim.lbfgs"))
ALGORITHMS = (*ELEMENTWISE, *MATRIX)
DROPPED_IN = tuple(c for c in ELEMENTWISE if {*DROP_IN} <= LADDERS[c].rungs().keys())  # where torch has its own
ONE = ("float64",)  # of laws that the trace has already been held to in every dtype, or that round nothing


@cells(*ELEMENTWISE, dtypes=ONE)
@settings(max_examples=5)  # a dozen steps take as long as four draws of the law of agreement
@given(data=st.data())
def test_rungs_leave_the_same_trace_for_a_dozen_steps(cell, data):
    """Every rung leaves the trace of the formula for twelve steps and more, with whatever has gathered by then."""
    problem = data.draw(problems(cell, sizes=[(3,)], steps=(12, 14)), label="problem")
    entry(cell).assert_agreement(cell, problem)


@cells(*ALGORITHMS)
@given(data=st.data())
def test_rungs_take_the_same_step_from_any_state(cell, data):
    """From a given state, up to the last count that float32 has, every rung takes the step of the formula."""
    entry(cell).assert_agreement(cell, data.draw(entry(cell).continued(cell.dtype), label="problem"))


@cells(*(name for name in ALGORITHMS if name != "optim.rprop"), dtypes=ONE)  # rprop clamps its rate from below
@given(data=st.data())
def test_a_zero_learning_rate_moves_nothing(cell, data):
    """With lr = 0 at every step no parameter ever moves."""
    problem = data.draw(problems(cell, lrs=st.just(0.0)), label="problem")
    for rung in cell.rungs:
        for line in observe(cell, rung, problem):
            for one, w in zip(line, problem.params, strict=True):
                assert np.array_equal(one["parameter"], w), rung


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_a_missing_gradient_is_not_a_zero_gradient(cell, data):
    """A parameter that has no gradient is left alone: it does not decay and has no state."""
    problem = data.draw(problems(cell), label="problem")
    without = problem._replace(script=[line._replace(grads=(None, *line.grads[1:])) for line in problem.script])
    for rung in cell.rungs:
        for first, *_ in observe(cell, rung, without):
            assert_bitwise(first["parameter"], problem.params[0], f"{rung} parameter")
            assert (first["gradient"], first["state"]) == (None, {}), rung


@cells(*ELEMENTWISE, dtypes=ONE)
@given(data=st.data())
def test_maximizing_is_stepping_on_the_negated_gradient(cell, data):
    """maximize=True with g is maximize=False with -g, weight decay included, exactly (a zero may change its sign)."""
    problem = data.draw(problems(cell), label="problem")
    negated = [line._replace(grads=tuple(g if g is None else -g for g in line.grads)) for line in problem.script]
    up = problem._replace(settings=[s | {"maximize": True} for s in problem.settings])
    down = problem._replace(settings=[s | {"maximize": False} for s in problem.settings], script=negated)
    for rung in cell.rungs:
        for a, b in zip(observe(cell, rung, up), observe(cell, rung, down), strict=True):
            for left, right in zip(a, b, strict=True):
                assert np.array_equal(left["parameter"], right["parameter"]), rung
                assert left["state"].keys() == right["state"].keys(), rung
                assert all(np.array_equal(left["state"][k], right["state"][k]) for k in left["state"]), rung


@cells(*ALGORITHMS, dtypes=ONE)
@given(data=st.data())
def test_parameters_do_not_touch_each_other(cell, data):
    """Each parameter moves as if it were alone."""
    problem = data.draw(problems(cell), label="problem")
    for rung in cell.rungs:
        together = observe(cell, rung, problem)
        for i, w in enumerate(problem.params):
            script = [line._replace(grads=line.grads[i : i + 1]) for line in problem.script]
            alone = observe(cell, rung, Problem([w], problem.settings[i : i + 1], script))
            assert_same([[line[i]] for line in together], alone, f"{rung} parameter {i}", levels=(STEP, PARAMETER))


@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=("float32",), cpu_because="vectors and what is left over are the CPU's")
@given(data=st.data())
def test_elements_do_not_know_where_they_are(cell, data):
    """Cut in two and put in another order, a parameter moves as it did whole, to the bit but for the sign of a zero."""
    problem = data.draw(problems(cell, sizes=[(37,)]), label="problem")
    order = np.array(data.draw(st.permutations(range(37)), label="order"))
    places = np.split(order, [data.draw(st.integers(1, 36), label="cut")])
    cut = lambda x: [None if x is None else x[i] for i in places]
    script = [line._replace(grads=tuple(cut(line.grads[0]))) for line in problem.script]
    apart = Problem(cut(problem.params[0]), problem.settings * len(places), script)
    for rung in cell.rungs:
        for whole, parts in zip(observe(cell, rung, problem), observe(cell, rung, apart), strict=True):
            found, of_the_whole = [_at(part, ...) for part in parts], [_at(whole[0], i) for i in places]
            assert_same(found, of_the_whole, f"{rung}, in parts: part")


def _at(entry, places):
    """What stands at some places of a parameter, of its gradient and of its state; lerp's zeros have any sign."""
    if isinstance(entry, dict):
        return {name: _at(value, places) for name, value in entry.items()}
    return entry[places] + 0 if isinstance(entry, np.ndarray) else entry


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells(*DROPPED_IN, *MATRIX, "optim.lbfgs", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_the_defaults_that_custom_keeps_are_natives(cell):
    """Built with a parameter alone, custom and native have the same defaults."""
    custom, native = (impl([parameter(1, 1)]).defaults for impl in cell.ladder[2:])
    assert custom == native


@cells("optim.sgd", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_what_is_kept_under_a_name_is_saved_under_it(cell):
    """State that is no parameter's is saved, and loaded, under its own key."""
    for rung, impl in cell.implementations.items():
        one, other = impl([parameter()]), impl([parameter()])
        one.state["mine"] = 1
        other.load_state_dict(one.state_dict())
        assert other.state["mine"] == 1, rung


@cells("optim.adamw", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_adamw_decays_apart_whatever_it_loads(cell):
    """AdamW that has loaded what Adam saved is still AdamW."""
    for rung, impl in cell.implementations.items():
        optimizer = impl([parameter()])
        optimizer.load_state_dict(torch.optim.Adam([parameter()]).state_dict())
        assert optimizer.param_groups[0]["decoupled_weight_decay"], rung


OTHER_ROUTES = ("fused", "capturable", "differentiable")


def _has(cell, options):
    return options.keys() <= inspect.signature(cell.ladder.native).parameters.keys()


@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_says_to_every_bad_option_what_native_says(cell):
    """Custom says what native says, be it nothing, to an option that is out of range, and to two of them."""
    asked = {name: given for name, given in OPTIONS.items() if _has(cell, given)}
    build = lambda given: lambda cls: cls([parameter()], **given)
    custom, native = ({name: answer(build(given), cls) for name, given in asked.items()} for cls in cell.ladder[2:])
    assert custom == native


@cells(*DROPPED_IN, rungs=(Rung.CUSTOM,), dtypes=None, cpu_because="it computes nothing")
def test_custom_says_why_it_takes_no_other_route(cell):
    """Options that compute the same step by another kernel are refused with the reason, in a group too."""
    routes = [option for option in OTHER_ROUTES if _has(cell, {option: True})]
    attempts = [
        lambda cls, option=option, place=place: (
            cls([parameter()], **{option: True})
            if place == "constructor"
            else cls([{"params": [parameter()], option: True}])
        )
        for option in routes
        for place in ("constructor", "group")
    ]
    answers = [answer(attempt, cell.ladder.custom) for attempt in attempts]
    assert {kind for kind, _ in answers} == {NotImplementedError}
    assert all("is not on this rung" in words for _, words in answers)


def _stepped(cls, dtype=torch.float32, gradient=None, **options):
    """The parameter after two steps, the second along a gradient that has other numbers in other places."""
    p = torch.ones(2, 2, dtype=dtype, requires_grad=True)
    optimizer = cls([p], lr=0.1, **options)
    for factor in torch.tensor([[1.0, 2.0], [0.5, 3.0]]):
        p.grad = (gradient.to_dense() * factor).to_sparse() if gradient.is_sparse else gradient * factor
        optimizer.step()
    return snapshot(p)


SPARSE, COMPLEX = torch.eye(2).to_sparse(), torch.tensor([[1 + 2j, 0.5j], [3 - 1j, 1]])


@cells(
    *(name for name in DROPPED_IN if name not in ("optim.sgd", "optim.adagrad")),
    rungs=DROP_IN,
    dtypes=None,
    cpu_because="it computes nothing",
)
def test_a_sparse_gradient_is_refused_in_natives_words(cell):
    """Where native has no step along a sparse gradient, custom says so as native does."""
    custom, native = (answer(lambda cls: _stepped(cls, gradient=SPARSE), cls) for cls in cell.ladder[2:])
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
    *(name for name in DROPPED_IN if name != "optim.sgd"),
    rungs=(Rung.CUSTOM,),
    dtypes=None,
    cpu_because="it computes nothing",
)
def test_custom_says_what_it_has_no_step_for(cell):
    """Where native has a step and custom has none, custom says whose to take: of complex numbers, and a sparse one."""
    attempts = [lambda cls: _stepped(cls, gradient=COMPLEX, dtype=torch.complex64)]
    if cell.concept == "optim.adagrad":
        attempts.append(lambda cls: _stepped(cls, gradient=SPARSE))
    for kind, words in (answer(attempt, cell.ladder.custom) for attempt in attempts):
        assert kind is NotImplementedError
        assert words.endswith(f"not on this rung; use torch.optim.{cell.ladder.native.__name__}")


@cells(*DROPPED_IN, rungs=(Rung.CUSTOM,), dtypes=ONE, cpu_because="foreach is how torch calls CUDA")
@given(data=st.data())
def test_foreach_changes_nothing_on_custom(cell, data):
    """foreach is accepted, and takes the very same step."""
    problem = data.draw(problems(cell), label="problem")
    traces = [
        observe(cell, Rung.CUSTOM, problem._replace(settings=[s | extra for s in problem.settings]))
        for extra in ({}, {"foreach": True})
    ]
    assert_same(*traces, "foreach", levels=(STEP, PARAMETER))


def _assert_foreach_agrees(cell, problem):
    asked = problem._replace(settings=[options | {"foreach": True} for options in problem.settings])
    assert_same(
        observe(cell, Rung.NATIVE, asked),
        expected(cell, problem),
        f"{cell.concept} native, foreach",
        levels=(STEP, PARAMETER),
    )


FOREACH_DIFFERS = ("optim.nadam", "optim.radam", "optim.asgd")  # and writes SGD's gradient: tests/test_divergences.py


@cells(
    *(name for name in DROPPED_IN if name not in FOREACH_DIFFERS),
    rungs=(Rung.NATIVE,),
    dtypes=("float32",),
    cpu_because="CPU kernels",
)
@given(data=st.data())
def test_natives_foreach_is_its_for_loop_bit_for_bit(cell, data):
    """What custom is to the bit it is to foreach too: on the CPU native's two are one, parameters and state."""
    problem = data.draw(problems(cell), label="problem")
    script = [line._replace(old="drop") for line in problem.script]
    traces = []
    for extra in ({}, {"foreach": True}):
        asked = problem._replace(script=script, settings=[s | extra for s in problem.settings])
        found = observe(cell, Rung.NATIVE, asked)
        traces.append([[{k: one[k] for k in ("parameter", "state")} for one in line] for line in found])
    assert_same(*traces, "foreach", levels=(STEP, PARAMETER))


@cells(*(c for c in (*DROPPED_IN, *MATRIX) if c not in ("optim.sgd", "optim.asgd", "optim.muon")), rungs=(Rung.NATIVE,))
@given(data=st.data())
def test_natives_foreach_leaves_the_trace_of_the_formula(cell, data):
    """Native's second way, all parameters at once, which on CUDA is its default, leaves the formula's trace, too."""
    _assert_foreach_agrees(cell, data.draw(problems(cell), label="problem"))


@cells("optim.sgd", rungs=(Rung.NATIVE,))
@given(data=st.data())
def test_natives_foreach_leaves_the_trace_of_sgd_without_nesterov(cell, data):
    """Native's second way leaves the formula's trace of SGD without Nesterov's momentum, too."""
    problem = data.draw(problems(cell), label="problem")
    _assert_foreach_agrees(cell, problem._replace(settings=[s | {"nesterov": False} for s in problem.settings]))


def two_steps(dtype, settings):
    line = Line(lr=0.1, old="drop", grads=(np.ones(1, dtype),))
    return Problem([np.ones(1, dtype)], [settings], [line, line])


@torch_bug("foreach adds the momentum to the gradient itself (pytorch#92706 mended the others)")
@cells("optim.sgd", rungs=(Rung.NATIVE,), dtypes=ONE)
def test_natives_foreach_leaves_the_trace_of_sgd(cell):
    """Looking ahead, too, it leaves the formula's trace, of which a gradient that stays as it is is a part."""
    _assert_foreach_agrees(cell, two_steps(cell.dtype, {"momentum": 0.5, "nesterov": True}))


@torch_bug("the rate is computed from the count, a float32 tensor, operation by operation in float32")
@cells("optim.asgd", rungs=(Rung.NATIVE,))
def test_natives_foreach_leaves_the_trace_of_asgd(cell):
    """Native's second way leaves the formula's trace of ASGD, whose rate is rounded once, as it is kept."""
    _assert_foreach_agrees(cell, two_steps(cell.dtype, {"lambd": 0.1}))


@cells("optim.sgd", "optim.adam", "optim.adamw", "optim.adagrad", rungs=(Rung.NATIVE,), cpu_because="CPU kernels")
@given(data=st.data())
def test_natives_fused_takes_the_step_of_the_formula(cell, data):
    """Where torch has one kernel for the whole step on the CPU, it leaves the trace of the formula."""
    problem = data.draw(problems(cell), label="problem")
    fused = functools.partial(cell.ladder.native, fused=True)
    found = observe(cell, Rung.NATIVE, _heard(problem), fused)
    assert_same(found, expected(cell, _heard(problem)), f"{cell.concept} native, fused", levels=(STEP, PARAMETER))


def _heard(problem):
    """The problem with a gradient for everybody, since fused SGD fails on one that comes late
    (tests/test_divergences.py), and with parameters whose elements follow each other in memory."""
    grads = lambda line: tuple(
        np.zeros_like(w) if g is None else g for w, g in zip(problem.params, line.grads, strict=True)
    )
    script = [line._replace(grads=grads(line)) for line in problem.script]
    params = [in_layout(w, "contiguous") for w in problem.params]
    return problem._replace(params=params, script=script, frozen=None)


@torch_bug("the kernel takes the elements that follow each other in memory, whatever the strides are")
@cells("optim.sgd", "optim.adam", "optim.adamw", "optim.adagrad", rungs=(Rung.NATIVE,), cpu_because="CPU kernels")
def test_natives_fused_takes_the_step_of_a_strided_parameter(cell):
    """Native's kernel for the whole step takes the formula's step of a parameter whose elements lie apart in memory."""
    w, line = in_layout(np.ones((2, 3), cell.dtype), "strided"), Line(0.1, "drop", (np.ones((2, 3), cell.dtype),))
    problem = Problem([w], [{}], [line, line])
    fused = functools.partial(cell.ladder.native, fused=True)
    assert_same(
        observe(cell, Rung.NATIVE, problem, fused),
        expected(cell, problem),
        f"{cell.concept} fused",
        levels=(STEP, PARAMETER),
    )


@cells("optim.sgd", "optim.adam", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_hooks_are_called_as_natives_are(cell):
    """Hooks are called when native's are, in that order, with what native hands them, and may replace it."""
    custom, native = (_hooked(cls) for cls in cell.ladder[2:])
    assert custom == native


def _hooked(cls):
    """What hooks of every kind see of a step, of a state saved and loaded, and of a copy."""
    optimizer, log = cls([parameter()]), []
    told = lambda name, answer=None: lambda o, *rest: (log.append((name, o is optimizer, len(rest))), answer)[1]
    optimizer.register_step_pre_hook(told("before the step"))
    optimizer.register_step_pre_hook(lambda o, _args, _kwargs: ((o,), {"closure": lambda: 3.0}))
    optimizer.register_step_post_hook(lambda _o, args, kwargs: log.append((len(args), list(kwargs))))
    removed = optimizer.register_state_dict_pre_hook(told("before saving"))
    optimizer.register_state_dict_post_hook(told("saved", {"state": {}, "param_groups": [], "mine": 1}))
    optimizer.register_load_state_dict_pre_hook(told("before loading", cls([parameter()]).state_dict()))
    optimizer.register_load_state_dict_post_hook(told("loaded"))
    for moment in ("state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post"):
        getattr(optimizer, f"register_{moment}_hook")(told(f"before others, {moment}"), prepend=True)
    log += [optimizer.step(), list(optimizer.state_dict())]
    optimizer.load_state_dict({})
    removed.remove()
    optimizer.state_dict()
    copy.deepcopy(optimizer).step()
    optimizer.register_step_pre_hook(lambda *_: 1)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 1\.$"):
        optimizer.step()
    return log


@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_closure_is_called_once_with_gradients(cell):
    """step calls its closure first, once, with gradients on whatever is off outside, and returns its value."""
    for rung, impl in cell.implementations.items():
        p, calls = parameter(), []
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
@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=None, cpu_because="a rate is a number")
def test_torchs_schedulers_drive_custom_as_they_drive_native(cell, name):
    """A scheduler of torch's takes custom for an optimizer, and leads it to the same groups and parameters."""
    ends = []
    for cls in cell.ladder[2:]:
        p, trace = parameter(), []
        optimizer = cls([p])
        scheduler = SCHEDULERS[name](optimizer)
        for t in range(5):
            p.grad = torch.full((2,), 1.0 + t)
            optimizer.step()
            scheduler.step(*([1.0] if name == "ReduceLROnPlateau" else []))
            trace.append([snapshot(p), {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}])
        ends.append(trace)
    assert_same(*ends, "custom", levels=(STEP,))


@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_an_optimizer_survives_pickling(cell):
    """A pickled optimizer comes back as what it was: class, groups and state."""
    for rung, impl in cell.implementations.items():
        optimizer = impl([("w", parameter())], lr=0.5)
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        optimizer.step()
        loaded = pickle.loads(pickle.dumps(optimizer))
        assert type(loaded) is type(optimizer), rung
        assert repr(loaded) == repr(optimizer), rung
        assert_same(plain(loaded.state_dict()), plain(optimizer.state_dict()), f"{rung} state_dict")


@torch_bug("Adagrad makes states at construction alone", KeyError, mended=(2, 12))
@pytest.mark.parametrize("rung", DROP_IN)
@cells("optim.adagrad", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_parameter_that_is_added_has_a_state(cell, rung):
    """A group that comes later is stepped as one that was there from the start."""
    late, there = parameter(), parameter()
    optimizer = getattr(cell.ladder, rung)([there])
    optimizer.add_param_group({"params": [late]})
    for p in (late, there):
        p.grad = torch.ones(2)
    optimizer.step()
    assert_same(snapshot(late), snapshot(there), "parameter")


@cells(*DROPPED_IN, rungs=DROP_IN, dtypes=None, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
def test_custom_and_native_live_through_the_same_lives(cell):
    """Whatever sequence of steps, clears, new rates, new groups, skips, saves and copies, custom stays native."""

    class Life(RuleBasedStateMachine):
        @initialize(data=st.data(), options=ENTRIES[cell.concept].settings_of(1), named=st.booleans())
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
            grads = [data.draw(st.none() | arrays(tuple(p.shape), str(snapshot(p).dtype))) for p in self.leaves[0]]
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
            custom, native = ([{"w": snapshot(p), "g": snapshot(p.grad)} for p in leaves] for leaves in self.leaves)
            assert_same(custom, native, "custom")
            assert_same(*(plain(optimizer.state_dict()) for optimizer in self.pair), "custom state_dict")
            assert repr(self.pair[0]) == repr(self.pair[1])

    run_state_machine_as_test(Life, settings=settings(stateful_step_count=20))
