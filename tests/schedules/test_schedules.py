"""Schedules: each is a function of the count of steps, and its closed form, its chained form and the objects that set
an optimizer's rates by it are that one function."""

import copy
import gc
import inspect
import pickle
import warnings
import weakref
from fractions import Fraction

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
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_same, bounded
from tests.engine.compare import STEP
from tests.families import expected, problems
from tests.schedules.problems import LRS, TABLES, halves, is_exact, measures
from tests.schedules.trace import (
    Part,
    Problem,
    follow,
    observe,
    optimizer_of,
    outcome,
    plain,
    rates,
    schedule_of,
)

EVERY = tuple(c for c in LADDERS if c.startswith("schedules.") and c != "schedules.lr_scheduler")
OF_SCHEDULES = {
    "schedules.sequential_lr": {"schedulers": [Part("schedules.exponential_lr", {"gamma": 0.5})], "milestones": []},
    "schedules.chained_scheduler": {"schedulers": [Part("schedules.exponential_lr", {"gamma": 0.5})]},
}
OF_THE_STEP = tuple(c for c in EVERY if c != "schedules.reduce_lr_on_plateau")
RATIONAL = tuple(f"schedules.{c}_lr" for c in ("step", "multi_step", "constant", "linear", "exponential", "polynomial"))
WITH_A_JUMP = (
    *RATIONAL,
    *(f"schedules.{c}" for c in ("lambda_lr", "cosine_annealing_lr", "cosine_annealing_warm_restarts")),
)
NEEDED = {
    "schedules.step_lr": {"step_size": 2},
    "schedules.multi_step_lr": {"milestones": [2]},
    "schedules.exponential_lr": {"gamma": 0.5},
    "schedules.lambda_lr": {"lr_lambda": halves},
    "schedules.multiplicative_lr": {"lr_lambda": halves},
    "schedules.cosine_annealing_lr": {"T_max": 2},
    "schedules.cosine_annealing_warm_restarts": {"T_0": 2},
    "schedules.cyclic_lr": {"base_lr": 0.1, "max_lr": 0.2},
    "schedules.one_cycle_lr": {"max_lr": 0.2, "total_steps": 8},
    "schedules.swalr": {"swa_lr": 0.05},
}
NUMBERS = "rates are Python's numbers"
NOTHING = "it computes nothing"
PAIRS = ((Rung.CUSTOM, Rung.NATIVE), (Rung.NATIVE, Rung.CUSTOM), (Rung.NATIVE, Rung.NATIVE))


# ── the formula ─────────────────────────────────────────────────────────────────────────────────


@cells(
    *RATIONAL,
    "schedules.chained_scheduler",
    "schedules.sequential_lr",
    rungs=(Rung.MANUAL, Rung.RAW),
    dtypes=None,
    cpu_because=NUMBERS,
)
@given(data=st.data())
def test_the_closed_form_is_the_chained_form_exactly(cell, data):
    """On fractions, where nothing rounds, the closed and the chained form are equal at every step."""
    problem = data.draw(problems(cell).filter(is_exact), label="problem")
    closed, chained = (follow(rung, cell.concept, problem, Fraction) for rung in (Rung.MANUAL, Rung.RAW))
    assert closed == chained


@cells(*WITH_A_JUMP, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
@given(data=st.data())
def test_a_jump_sets_the_rates_of_the_closed_form(cell, data):
    """step(epoch), from wherever, sets the rates of that step."""
    problem = data.draw(problems(cell), label="problem")
    admitted = expected(cell, problem)
    order = data.draw(st.permutations(range(problem.steps + 1)), label="order")
    for rung in cell.implementations:
        optimizer, schedule = build(rung, cell.concept, problem)
        for t in order:
            outcome(lambda: schedule.step(t))
            assert_same(rates(optimizer, momentum=False), admitted[t], f"{rung}, at step {t}: group")


@cells("schedules.linear_lr", "schedules.multi_step_lr", "schedules.sequential_lr", dtypes=None, cpu_because=NUMBERS)
@given(data=st.data())
def test_a_schedule_and_an_optimizer_take_the_same_steps(cell, data):
    """The optimizer's step t is taken at the schedule's rate t: every rung's weights are the formula's."""
    problem = data.draw(problems(cell, max_steps=6), label="problem")._replace(optimizer="optim.sgd")
    grads = data.draw(st.lists(st.sampled_from([1.0, -0.5, 3.0]), min_size=problem.steps, max_size=problem.steps))
    admitted = weights_of_lrs([[entry["lr"] for entry in line] for line in expected(cell, problem)], grads)
    for rung in cell.implementations:
        assert_same(weights(cell, rung, problem, grads), admitted, f"{rung}", levels=(STEP,))


def weights_of_lrs(lrs, grads, lift=lambda x: bounded(np.float64(x))):
    """Each group's weight after each step of the manual rung, from 1."""
    step, trace = LADDERS["optim.sgd"].manual, []
    ws = [lift(1.0) for _ in lrs[0]]
    for line, g in zip(lrs, grads, strict=False):
        ws = [step(w, lift(g), lr=lr)[0] for w, lr in zip(ws, line, strict=True)]
        trace.append(list(ws))
    return trace


def weights(cell, rung, problem, grads):
    """The same of any rung."""
    if rung is Rung.MANUAL:
        lrs = [[entry["lr"] for entry in line] for line in observe(rung, cell.concept, problem)]
        return weights_of_lrs(lrs, grads, np.float64)
    leaves = [torch.ones((), dtype=torch.float64, requires_grad=True) for _ in problem.lrs]
    if rung is Rung.RAW:
        lrs = [[float(entry["lr"]) for entry in line] for line in observe(rung, cell.concept, problem)]
        act = lambda t: [LADDERS["optim.sgd"].raw([p], {}, lr=lr) for p, lr in zip(leaves, lrs[t], strict=True)]
    else:
        groups = [{"params": [p], "lr": lr} for p, lr in zip(leaves, problem.lrs, strict=True)]
        optimizer = getattr(cell.ladders["optim.sgd"], rung)(groups)
        schedule = schedule_of(rung, cell.concept, problem.settings, optimizer, cell.ladders)
        act = lambda t: (optimizer.step(), schedule.step())
    trace = []
    for t, g in enumerate(grads):
        for p in leaves:
            p.grad = torch.tensor(g, dtype=torch.float64)
        act(t)
        trace.append([p.detach().numpy().copy() for p in leaves])
    return trace


# ── custom is native ────────────────────────────────────────────────────────────────────────────

KINDS = {"float": float, "float32": lambda x: torch.tensor([x]), "float64": lambda x: torch.tensor(x).double()}


@cells(*OF_THE_STEP, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """On custom's optimizers and on torch's own, with floats or tensors, one set by hand, not one bit differs."""
    make = KINDS[data.draw(st.sampled_from(list(KINDS)), label="rates are")]
    problem = data.draw(problems(cell), label="problem")
    by_hand = data.draw(st.tuples(st.integers(0, problem.steps), LRS), label="set by hand, at step and to")
    native = observe(Rung.NATIVE, cell.concept, problem, Rung.NATIVE, make, by_hand)
    for on in DROP_IN:
        custom = observe(Rung.CUSTOM, cell.concept, problem, on, make, by_hand)
        assert_same(custom, native, f"custom on {on}'s optimizer", levels=(STEP,))


@cells(*NEEDED, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
def test_a_rate_that_is_a_tensor_is_filled_in_place(cell):
    """The optimizer's own tensor holds the rate, whoever else has it; what a schedule says of it is a copy."""
    for rung in cell.implementations:
        lr, problem = torch.tensor(0.5), Problem([0.5], NEEDED[cell.concept], 1)
        optimizer, schedule = build(rung, cell.concept, problem, [lr])
        play(optimizer, schedule, [None] * 3)
        assert optimizer.param_groups[0]["lr"] is lr, rung
        assert schedule.get_last_lr()[0] is not lr, rung


@cells(*EVERY, rungs=DROP_IN, dtypes=None, cpu_because="a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    problem = data.draw(problems(cell, measured=False), label="problem")
    half, metrics = problem.steps // 2, data.draw(measures(), label="measures")
    ends = []
    for first, second in PAIRS:
        one = build(first, cell.concept, problem)
        play(*one, metrics[:half])
        other = build(second, cell.concept, problem)
        for old, new in zip(one, other, strict=True):
            new.load_state_dict(copy.deepcopy(old.state_dict()))
        play(*other, metrics[half : problem.steps])
        ends.append([rates(other[0]), plain(other[1].state_dict())])
    assert_same(ends[0], ends[2], "custom, then native")
    assert_same(ends[1], ends[2], "native, then custom")


def build(rung, concept, problem, lrs=None):
    """An optimizer, and a schedule on it."""
    optimizer = optimizer_of(rung, problem, lrs)
    return optimizer, schedule_of(rung, concept, problem.settings, optimizer)


def play(optimizer, schedule, metrics):
    """A step of both for each measure, which only a schedule that asks for one is told."""
    asks = hasattr(schedule, "patience")
    for metric in metrics:
        optimizer.step()
        schedule.step(*[metric] * asks)


ASKING = {
    "schedules.lambda_lr": lambda table: {"lr_lambda": table},
    "schedules.multiplicative_lr": lambda table: {"lr_lambda": table},
    "schedules.cyclic_lr": lambda table: {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 4, "scale_fn": table},
}


@cells(*ASKING, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
@given(saved=TABLES, fresh=TABLES)
def test_a_functions_state_is_loaded(cell, saved, fresh):
    """A function that is an object is saved with its state, and whoever loads it goes on by that state."""
    for rungs in PAIRS:
        problems = [Problem([0.1], ASKING[cell.concept](copy.deepcopy(table)), 3) for table in (saved, fresh)]
        one, other = (build(rung, cell.concept, problem) for rung, problem in zip(rungs, problems, strict=True))
        for old, new in zip(one, other, strict=True):
            new.load_state_dict(copy.deepcopy(old.state_dict()))
        for pair in (one, other):
            play(*pair, [None] * 3)
        assert_same(rates(other[0]), rates(one[0]), f"from {rungs[0]} to {rungs[1]}: group")


@cells(*EVERY, rungs=(Rung.CUSTOM,), dtypes=None, cpu_because=NUMBERS)
@given(data=st.data())
def test_a_copy_goes_on_like_the_original(cell, data):
    """A deep or pickled copy of a schedule, with the optimizer that comes with it, sets the original's rates."""
    problem = data.draw(problems(cell, measured=False), label="problem")
    half, metrics = problem.steps // 2, data.draw(measures(), label="measures")
    one = build(Rung.CUSTOM, cell.concept, problem)
    play(*one, metrics[:half])
    copies = [copy.deepcopy(one[1]), pickle.loads(pickle.dumps(one[1]))]
    play(*one, metrics[half : problem.steps])
    for other in copies:
        _, error = outcome(lambda: play(other.optimizer, other, metrics[half : problem.steps]))
        assert error is None
        assert_same(rates(other.optimizer), rates(one[0]), "group")


@cells(*EVERY, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
@given(data=st.data())
def test_custom_takes_up_a_run_where_native_does(cell, data):
    """Built with a last_epoch, on groups that have had a schedule, custom goes on as native does, words included."""
    if "last_epoch" not in inspect.signature(cell.ladder.native).parameters:
        pytest.skip(f"{cell.concept} takes no last_epoch")
    problem = data.draw(problems(cell, measured=False), label="problem")
    last, grown = (
        data.draw(st.sampled_from([-1, -1, 0, 1, 2, 3, 5, 9]), label="last epoch"),
        data.draw(st.booleans(), label="has had a schedule"),
    )
    custom, native = (taken_up(rung, cell.concept, problem, last, grown) for rung in DROP_IN)
    assert_same(custom, native, "custom")


def taken_up(rung, concept, problem, last_epoch, had):
    """What comes of it, and the rates at its steps."""
    optimizer, trace = optimizer_of(rung, problem), []
    if had:
        schedule_of(rung, concept, problem.settings, optimizer)

    def run():
        schedule = schedule_of(rung, concept, problem.settings, optimizer, last_epoch=last_epoch)
        for _ in range(problem.steps):
            trace.append(rates(optimizer))
            optimizer.step()
            schedule.step()

    return list(outcome(run)), trace


# ── what is said ────────────────────────────────────────────────────────────────────────────────

ORDERS = {
    "the-schedule-first": lambda optimizer, schedule: schedule.step(),
    "the-schedule-twice-first": lambda optimizer, schedule: (schedule.step(), schedule.step()),
    "the-optimizer-first": lambda optimizer, schedule: (optimizer.step(), schedule.step(), schedule.step()),
    "a-step-that-was-overridden": lambda optimizer, schedule: (
        setattr(optimizer, "step", lambda: None),
        optimizer.step(),
        schedule.step(),
    ),
    "a-second-schedule": lambda optimizer, schedule: (
        optimizer.step(),
        type(schedule)(optimizer, 0.5).step(),
        schedule.step(),
    ),
    "a-question-outside-a-step": lambda optimizer, schedule: schedule.get_lr(),
    "an-epoch": lambda optimizer, schedule: (optimizer.step(), schedule.step(3)),
}


@pytest.mark.parametrize("order", ORDERS)
@cells("schedules.exponential_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_the_order_of_calls_is_remarked_on_in_natives_words(cell, order):
    """Who goes first, whose step was overridden, who asks for what no longer exists: custom warns as native warns."""
    problem, said = Problem([0.1], {"gamma": 0.5}, 1), {}
    for rung, on in ((Rung.NATIVE, Rung.NATIVE), (Rung.CUSTOM, Rung.CUSTOM), (Rung.CUSTOM, Rung.NATIVE)):
        optimizer = optimizer_of(on, problem)
        schedule = schedule_of(rung, cell.concept, problem.settings, optimizer)
        said[rung, on] = outcome(lambda: ORDERS[order](optimizer, schedule))
    assert said[Rung.CUSTOM, Rung.CUSTOM] == said[Rung.NATIVE, Rung.NATIVE]
    assert said[Rung.CUSTOM, Rung.NATIVE] == said[Rung.NATIVE, Rung.NATIVE]


@cells(*NEEDED, rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_what_no_schedule_can_start_on_is_refused_in_natives_words(cell):
    """What is no optimizer, and groups without an initial rate where a last_epoch is given, raise native's error."""
    needed, problem = NEEDED[cell.concept], Problem([0.1, 0.2], {}, 1)
    for wrong in (
        lambda rung: getattr(cell.ladder, rung)(object(), **needed),
        lambda rung: getattr(cell.ladder, rung)(optimizer_of(rung, problem), **needed, last_epoch=3),
    ):
        custom, native = (outcome(lambda: wrong(rung))[1] for rung in DROP_IN)
        assert custom == native is not None


@cells(*EVERY, rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
def test_custom_and_native_live_through_the_same_lives(cell):
    """Whatever sequence of steps, jumps, rates set by hand, new groups, copies and states of the other, they agree."""

    class Life(RuleBasedStateMachine):
        @initialize(data=st.data())
        def birth(self, data):
            self.problem = data.draw(problems(cell, measured=False))
            self.pair = [build(rung, cell.concept, self.problem) for rung in DROP_IN]

        def both(self, act):
            custom, native = (outcome(lambda: act(*one)) for one in self.pair)
            assert custom == native

        @rule(metric=measures(1))
        def step(self, metric):
            self.both(lambda optimizer, schedule: play(optimizer, schedule, metric))

        @rule()
        def step_the_schedule_alone(self):
            self.both(lambda _, schedule: schedule.step())

        @rule(epoch=st.integers(0, 20))
        def jump(self, epoch):
            self.both(lambda _, schedule: schedule.step(epoch))

        @rule()
        def ask_for_the_next_rates(self):
            self.both(lambda _, schedule: schedule.get_lr())

        @rule(lr=LRS)
        def set_a_rate_by_hand(self, lr):
            self.both(lambda optimizer, _: optimizer.param_groups[0].update(lr=lr))

        @rule(lr=LRS)
        @precondition(lambda self: len(self.pair[0][0].param_groups) == len(self.problem.lrs))
        def add_a_group(self, lr):
            group = lambda: {"params": [torch.zeros(1, requires_grad=True)], "lr": lr}
            self.both(lambda optimizer, _: optimizer.add_param_group(group()))

        @rule()
        @precondition(lambda self: len(self.pair[0][0].param_groups) == len(self.problem.lrs))
        def load_the_other_ones_state_into_a_fresh_pair(self):
            saved = [[copy.deepcopy(part.state_dict()) for part in one] for one in self.pair]
            self.pair = [build(rung, cell.concept, self.problem) for rung in DROP_IN]
            for one, states in zip(self.pair, reversed(saved), strict=True):
                for part, state in zip(one, states, strict=True):
                    part.load_state_dict(state)

        @rule()
        def copy_both(self):
            copies = [copy.deepcopy(schedule) for _, schedule in self.pair]
            self.pair = [(schedule.optimizer, schedule) for schedule in copies]

        @invariant()
        def custom_is_native(self):
            (one, custom), (other, native) = self.pair
            assert_same(plain(one.state_dict()), plain(other.state_dict()), "custom's optimizer")
            assert custom.get_last_lr() == native.get_last_lr()
            assert_same(plain(custom.state_dict()), plain(native.state_dict()), "custom state_dict")

    run_state_machine_as_test(Life, settings=settings(stateful_step_count=10))


@pytest.mark.parametrize("closed", [True, False], ids=["closed-form", "chained-form"])
@cells("schedules.lr_scheduler", rungs=DROP_IN, dtypes=None, cpu_because=NUMBERS)
@given(acts=st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=8))
def test_a_schedule_of_ones_own_runs_alike_on_either_base(cell, acts, closed):
    """A child that says its rates, in one form or in both, steps, jumps, warns and saves the same on custom's base."""
    lives = []
    for rung, on in ((Rung.CUSTOM, Rung.CUSTOM), (Rung.CUSTOM, Rung.NATIVE), (Rung.NATIVE, Rung.NATIVE)):
        optimizer = optimizer_of(on, Problem([0.1, 0.3], {}, 1))
        schedule = own(getattr(cell.ladder, rung), closed)(optimizer)
        see = lambda: [rates(optimizer), plain(schedule.state_dict())]
        lives.append([[*outcome(lambda: schedule.step(epoch)), *see()] for epoch in acts])
    assert_same(lives[0], lives[2], "custom")
    assert_same(lives[1], lives[2], "custom on native's optimizer")


def own(base, closed):
    """A schedule as a user writes it."""

    class Own(base):
        def get_lr(self):
            return [group["lr"] * 0.5 ** (self.last_epoch > 0) for group in self.optimizer.param_groups]

    class OwnWithClosedForm(Own):
        def _get_closed_form_lr(self):
            return [lr * 0.5**self.last_epoch for lr in self.base_lrs]

    return OwnWithClosedForm if closed else Own


@cells("schedules.exponential_lr", rungs=(Rung.CUSTOM,), dtypes=None, cpu_because=NOTHING)
def test_a_schedule_keeps_no_optimizer_alive(cell):
    """When the last name of a schedule and of its optimizer goes they go, without a search for cycles."""
    optimizer, schedule = build(Rung.CUSTOM, cell.concept, Problem([0.1], NEEDED[cell.concept], 1))
    play(optimizer, schedule, [None])
    gone = weakref.ref(optimizer)
    gc.disable()
    try:
        del optimizer, schedule
        assert gone() is None
    finally:
        gc.enable()


@cells("schedules.lr_scheduler", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_base_alone_has_no_rates(cell):
    """A child that does not say its rates cannot be built."""
    for rung in cell.implementations:
        with pytest.raises(NotImplementedError):
            getattr(cell.ladder, rung)(optimizer_of(rung, Problem([0.1], {}, 1)))


@cells(
    *ASKING,
    "schedules.sequential_lr",
    "schedules.chained_scheduler",
    rungs=(Rung.CUSTOM,),
    dtypes=None,
    cpu_because=NOTHING,
)
def test_loading_leaves_the_saved_state_alone(cell):
    """What is loaded can be loaded again, also where a part of it is taken out for functions or for parts."""
    _, schedule = build(Rung.CUSTOM, cell.concept, Problem([0.5], (NEEDED | OF_SCHEDULES)[cell.concept], 1))
    saved = schedule.state_dict()
    before = plain(saved)
    schedule.load_state_dict(saved)
    assert_same(plain(saved), before, "saved state")


# ── where torch disagrees with torch ────────────────────────────────────────────────────────────
# Custom is native bit for bit, so it is found in the same places.


def sgd(rung, lr=1.0):
    return optimizer_of(rung, Problem([lr], {}, 1))


@torch_bug("CyclicLR.load_state_dict takes an entry out of the dictionary that it is given")
@cells("schedules.cyclic_lr", rungs=(Rung.NATIVE,), dtypes=None, cpu_because=NOTHING)
def test_natives_saved_state_can_be_loaded_twice(cell):
    """Loading leaves the saved state alone, in native's CyclicLR too."""
    schedule = cell.ladder.native(sgd(Rung.NATIVE), 0.1, 1.0)
    saved = schedule.state_dict()
    before = list(saved)
    schedule.load_state_dict(saved)
    assert list(saved) == before


@torch_bug("the chained form lowers the rate at construction, and step 0 has passed when it would undo that")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.constant_lr", "schedules.linear_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_warm_up_of_no_steps_leaves_the_rate_whole(cell, rung):
    """With total_iters=0 there is no step at which the rate is lowered."""
    optimizer = sgd(rung)
    schedule = getattr(cell.ladder, rung)(optimizer, total_iters=0)
    play(optimizer, schedule, [None])
    assert optimizer.param_groups[0]["lr"] == 1.0


@torch_bug("the chained form multiplies by 1/factor", ZeroDivisionError)
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.constant_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_rate_that_was_nothing_comes_back(cell, rung):
    """With factor=0, which is allowed, the rate is whole again after total_iters steps."""
    optimizer = sgd(rung)
    play(optimizer, getattr(cell.ladder, rung)(optimizer, factor=0, total_iters=1), [None])
    assert optimizer.param_groups[0]["lr"] == 1.0


@torch_bug("step(epoch) finds the cycle by a logarithm, which falls short at the restart itself")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.cosine_annealing_warm_restarts", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_jump_to_a_restart_is_a_restart(cell, rung):
    """A jump to step 121, where the cycles of 1, 3, 9, 27 and 81 have passed, sets the whole rate."""
    optimizer = sgd(rung)
    schedule = getattr(cell.ladder, rung)(optimizer, T_0=1, T_mult=3)
    outcome(lambda: schedule.step(121))
    assert optimizer.param_groups[0]["lr"] == 1.0


@torch_bug("a step more than total_steps - 1 is taken, and extrapolates")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.one_cycle_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_cycle_never_leaves_its_bounds(cell, rung):
    """No rate of a linear cycle is negative, also not at step total_steps, which is not refused."""
    optimizer = sgd(rung)
    schedule = getattr(cell.ladder, rung)(optimizer, 1.0, total_steps=4, pct_start=0.5, anneal_strategy="linear")
    play(optimizer, schedule, [None] * 4)
    assert optimizer.param_groups[0]["lr"] > 0


@torch_bug("a SequentialLR inside another starts at its step 1 (pytorch#196243)")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.sequential_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_sequence_in_a_sequence_is_the_sequence(cell, rung):
    """A sequence whose only part is a sequence sets that sequence's rates."""
    half = lambda o: getattr(LADDERS["schedules.constant_lr"], rung)(o, 0.5, 9)
    tenth = lambda o: getattr(LADDERS["schedules.constant_lr"], rung)(o, 0.1, 9)
    sequence = lambda o: getattr(cell.ladder, rung)(o, [half(o), tenth(o)], [2])
    nested = lambda o: getattr(cell.ladder, rung)(o, [sequence(o)], [])
    found = []
    for make in (sequence, nested):
        optimizer = sgd(rung)
        with warnings.catch_warnings(action="ignore"):  # of the inner one's step during construction
            schedule = make(optimizer)
        found.append([(rates(optimizer), play(optimizer, schedule, [None]))[0] for _ in range(4)])
    assert_same(found[1], found[0])


@torch_bug("the first part takes the step at construction, whatever its milestone (pytorch#185872)", mended=(2, 13))
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.sequential_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_part_that_ends_at_step_0_sets_no_rate(cell, rung):
    """Where the first milestone is 0 the second part sets the first rate."""
    optimizer = sgd(rung)
    half, tenth = (getattr(LADDERS["schedules.constant_lr"], rung)(optimizer, factor, 9) for factor in (0.5, 0.1))
    getattr(cell.ladder, rung)(optimizer, [half, tenth], [0])
    assert optimizer.param_groups[0]["lr"] == 0.1


@torch_bug("a MultiplicativeLR has no closed form, so at its milestone it multiplies the rate that it finds")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.sequential_lr", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_every_part_of_a_sequence_starts_from_the_initial_rate(cell, rung):
    """At its milestone a MultiplicativeLR of ones sets the initial rate, whatever the part before has made of it."""
    optimizer = sgd(rung)
    halving = getattr(LADDERS["schedules.exponential_lr"], rung)(optimizer, 0.5)
    constant = getattr(LADDERS["schedules.multiplicative_lr"], rung)(optimizer, lambda t: 1.0)
    play(optimizer, getattr(cell.ladder, rung)(optimizer, [halving, constant], [2]), [None] * 2)
    assert optimizer.param_groups[0]["lr"] == 1.0


@torch_bug("of a negative best the relative threshold lies above it (pytorch#47513)")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.reduce_lr_on_plateau", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_a_measure_that_stays_is_no_better(cell, rung):
    """A measure that stays at -1 is a plateau."""
    optimizer = sgd(rung)
    play(optimizer, getattr(cell.ladder, rung)(optimizer, patience=1), [-1.0] * 9)
    assert optimizer.param_groups[0]["lr"] < 1.0


@torch_bug("infinity times nothing is NaN")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("schedules.reduce_lr_on_plateau", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_the_first_measure_is_the_best_so_far(cell, rung):
    """A first measure is better than none, also with a relative threshold of 1."""
    schedule = getattr(cell.ladder, rung)(sgd(rung), threshold=1.0)
    schedule.step(0.5)
    assert schedule.best == 0.5


LAGGING = tuple(f"schedules.{c}_lr" for c in ("exponential", "linear", "polynomial", "cosine_annealing"))


@torch_bug("these chained forms take no step at construction, so a run that is taken up lags by one")
@pytest.mark.parametrize("rung", DROP_IN)
@cells(*LAGGING, rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_every_run_that_is_taken_up_goes_on(cell, rung):
    """Built with last_epoch=2 on an optimizer that has had two steps, a schedule sets the rate of step 3."""
    straight, taken_up = with_and_without_a_break(getattr(cell.ladder, rung), rung, NEEDED.get(cell.concept, {}))
    assert taken_up == straight


@cells(
    *(f"schedules.{c}_lr" for c in ("step", "multi_step", "lambda")), rungs=DROP_IN, dtypes=None, cpu_because=NOTHING
)
def test_some_runs_that_are_taken_up_go_on(cell):
    """Those that do take a step at construction set the rate of step 3."""
    for rung, cls in cell.implementations.items():
        straight, taken_up = with_and_without_a_break(cls, rung, NEEDED[cell.concept])
        assert taken_up == straight, rung


def with_and_without_a_break(cls, rung, needed):
    """The rate of step 3 in one run, and where it is taken up after two."""
    straight, broken = sgd(rung), sgd(rung)
    play(straight, cls(straight, **needed), [None] * 3)
    play(broken, cls(broken, **needed), [None] * 2)
    cls(broken, **needed, last_epoch=2)
    return [optimizer.param_groups[0]["lr"] for optimizer in (straight, broken)]
