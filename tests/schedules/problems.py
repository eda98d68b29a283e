"""Settings of schedules, short enough that every milestone, end and restart is passed within a few steps."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from impls.since import TORCH
from tests.capabilities import taken
from tests.engine.arrays import graded
from tests.engine.compare import Level
from tests.families import Entry
from tests.schedules import trace
from tests.schedules.trace import Part, Problem

# Strategies are made once: hypothesis validates a new one, which takes longer than a draw.
ROUND = st.sampled_from([0.1, 1.0, 0.3, 1e-3, 2.0**-5])
FULL = graded((), "float64", exponents=(-6, 0)).map(lambda x: abs(float(x)))
LRS = ROUND | FULL | FULL
RATES = st.lists(LRS, min_size=1, max_size=2) | st.lists(LRS, min_size=2, max_size=2) | LRS.map(lambda lr: [lr, lr])
GAMMAS = st.sampled_from([0.1, 0.5, 0.9, 1 / 3, 1.5])
FACTORS = st.sampled_from([1 / 3, 0.7, 0.1, 0.3, 1.0, 0.9])
COUNTS = st.integers(1, 5)
FLOORS = st.sampled_from([0.0, 1e-3, 0.05])


class Table:
    """A function of the step that has a state, so that a schedule saves it."""

    def __init__(self, values):
        self.values = values

    def __call__(self, t):
        return self.values[t % len(self.values)]


def halves(t):
    return 0.5**t


def slowly(t):
    return 1 / (1 + t)


TABLES = st.lists(st.sampled_from([0.5, 0.9, 0.1, 1.0, 1.25]), min_size=1, max_size=4).map(Table)
FUNCTIONS = TABLES | st.sampled_from([halves, slowly])


def some(required=None, /, **optional):
    """Settings: what is required, and all of the rest; one time in ten nothing of it, so that the defaults are run."""
    return _some(required or {}, optional)


@st.composite
def _some(draw, required, optional):
    asked = required | optional if draw(st.integers(0, 9)) < 9 else required
    return {name: draw(values) for name, values in asked.items()}


def each(values, groups):
    """One value for all groups, or one for each."""
    return values | st.lists(values, min_size=groups, max_size=groups)


@functools.cache
def _cyclic(groups):
    return st.builds(
        lambda a, b: a | b,
        some(
            {"base_lr": each(LRS, groups), "max_lr": each(LRS, groups), "step_size_up": COUNTS},
            step_size_down=st.none() | COUNTS,
            mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
            gamma=st.sampled_from([0.9, 0.7]),
            scale_fn=st.none() | FUNCTIONS,
            scale_mode=st.sampled_from(["cycle", "iterations"]),
        ),
        some(cycle_momentum=st.booleans(), base_momentum=st.just(0.5), max_momentum=st.just(0.75)),
    )


def _in_steps(total):
    return {"total_steps": total}


def _in_epochs(total):
    """The same number of steps, in epochs of two if that goes up."""
    per_epoch = 2 - total % 2
    return {"epochs": total // per_epoch, "steps_per_epoch": per_epoch}


@functools.cache
def _one_cycle(groups):
    """A share of the steps that is a whole number of them: where a phase ends is then no question of rounding."""
    lengths = st.sampled_from([(8, 0.25), (8, 0.5), (6, 0.5), (12, 0.25), (16, 0.125), (9, 1.0), (8, 0.0625)])
    rest = some(
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        cycle_momentum=st.booleans(),
        base_momentum=st.just(0.5),
        max_momentum=each(st.sampled_from([0.75, 0.9]), groups),
        div_factor=st.sampled_from([25.0, 4.0]),
        final_div_factor=st.sampled_from([1e4, 10.0]),
        three_phase=st.booleans(),
    )
    return st.builds(
        lambda lr, length, rest, told: {"max_lr": lr} | told(length[0]) | {"pct_start": length[1]} | rest,
        each(LRS, groups),
        lengths,
        rest,
        st.sampled_from([_in_steps, _in_epochs]),
    ).filter(lambda s: not (s.get("three_phase") and s["pct_start"] > 0.5))


@functools.cache
def _plateau(groups):
    return some(
        {"patience": st.sampled_from([0, 1, 0, 2, 3])},
        mode=st.sampled_from(["min", "max"]),
        factor=st.sampled_from([0.1, 0.5]),
        threshold=st.sampled_from([0.25, 0.5, 0.25, 0.0, 1e-4]),
        threshold_mode=st.sampled_from(["rel", "abs"]),
        cooldown=st.sampled_from([0, 1, 0, 2]),
        min_lr=each(st.sampled_from([0, 0.02, 0.2]), groups),
        eps=st.sampled_from([1e-8, 0.01]),
    )


SIMPLE = {  # those that know no steps but their own, and no groups but one
    "schedules.step_lr": some({"step_size": COUNTS}, gamma=GAMMAS),
    "schedules.multi_step_lr": some({"milestones": st.lists(st.integers(0, 8), max_size=4)}, gamma=GAMMAS),
    "schedules.constant_lr": some(factor=FACTORS, total_iters=COUNTS),
    "schedules.linear_lr": some(start_factor=FACTORS, end_factor=FACTORS | st.just(0.0), total_iters=COUNTS),
    "schedules.exponential_lr": some({"gamma": GAMMAS}),
    "schedules.polynomial_lr": some(total_iters=COUNTS, power=st.sampled_from([1.0, 2.0, 0.5, 0.9, 3.0])),
    "schedules.cosine_annealing_lr": some({"T_max": COUNTS}, eta_min=FLOORS),
    "schedules.cosine_annealing_warm_restarts": some({"T_0": COUNTS}, T_mult=st.integers(1, 3), eta_min=FLOORS),
}
PROPORTIONAL = [name for name in SIMPLE if "cosine" not in name]


def _parts(concepts):
    return st.one_of([st.builds(Part, st.just(concept), SIMPLE[concept]) for concept in concepts])


FIRST = 0 if TORCH >= (2, 13) else 1  # the milestone up to which the first part may be left out


@functools.cache
def _sequential(groups):
    parts = _parts(list(SIMPLE)) | st.builds(Part, st.just("schedules.lambda_lr"), _lambdas(groups))
    gaps = st.lists(st.integers(1, 4), min_size=2, max_size=2)
    return st.builds(_in_sequence, st.lists(parts, min_size=1, max_size=3), st.integers(FIRST, 3), gaps)


def _in_sequence(schedulers, first, gaps):
    """Each part, and where the next one begins."""
    milestones = [first, first + gaps[0], first + sum(gaps)]
    return {"schedulers": schedulers, "milestones": milestones[: len(schedulers) - 1]}


@functools.cache
def _chained(groups):
    parts = _parts(PROPORTIONAL) | st.builds(Part, st.just("schedules.multiplicative_lr"), _lambdas(groups))
    return st.fixed_dictionaries({"schedulers": st.lists(parts, min_size=1, max_size=3)})


@functools.cache
def _swalr(groups):
    rest = some(anneal_epochs=st.integers(0, 5), anneal_strategy=st.sampled_from(["cos", "linear"]))
    return st.builds(lambda lr, rest: {"swa_lr": lr} | rest, each(LRS, groups), rest)


@functools.cache
def _lambdas(groups):
    return st.fixed_dictionaries({"lr_lambda": each(FUNCTIONS, groups)})


GROUPED = {
    "schedules.lambda_lr": _lambdas,
    "schedules.multiplicative_lr": _lambdas,
    "schedules.cyclic_lr": _cyclic,
    "schedules.one_cycle_lr": _one_cycle,
    "schedules.swalr": _swalr,
    "schedules.reduce_lr_on_plateau": _plateau,
    "schedules.sequential_lr": _sequential,
    "schedules.chained_scheduler": _chained,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Entry[Problem]):
    """How the problems for one schedule are drawn."""

    concept: str
    settings_of: Callable[[int], SearchStrategy[dict[str, Any]]]  # of so many groups
    dtypes: tuple[str | None, ...] = (None,)
    levels = (Level("step"), Level("group"))
    varieties = {
        "one group": lambda problem: len(problem.lrs) == 1,
        "groups with rates of their own": lambda problem: len({*problem.lrs}) > 1,
        "groups with one rate": lambda problem: len({*problem.lrs}) < len(problem.lrs),
    }

    def problems(self, dtype, max_steps=12, measured=True):
        return problems(self.settings_of, max_steps)

    def trace(self, run, problem):
        return trace.observe(run.rung, self.concept, problem, ladders=run.ladders)

    def expected(self, cell, problem):
        return trace.reference(self.concept, problem, cell.roundings)

    def options(self, problem):
        return [*problem.settings.items(), ("optimizer", problem.optimizer)]

    def narrowed(self, role, thing):
        without = functools.partial(taken, thing)
        return dataclasses.replace(self, settings_of=lambda groups: self.settings_of(groups).map(without))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """A schedule whose steps are told a measure, so that a problem has measures for steps."""

    levels = (Level("measure"), Level("group"))

    def problems(self, dtype, max_steps=12, measured=True):
        drawn = super().problems(dtype, max_steps)
        with_measures = st.tuples(drawn, measures()).map(lambda two: two[0]._replace(steps=two[1]))
        return with_measures if measured else drawn

    def trace(self, run, problem):
        return trace.plateaus(run.rung, run.impl, problem, problem.steps, run.ladders)

    def expected(self, cell, problem):
        return trace.reference_of_plateaus(self.concept, problem, problem.steps, cell.roundings)


@functools.cache
@st.composite
def problems(draw, settings_of, max_steps=12):
    """One or two groups, with a rate each, and a schedule on them."""
    lrs = draw(RATES, label="rates")
    settings = draw(settings_of(len(lrs)), label="settings")
    last = trace.in_steps(settings).get("total_steps", max_steps + 1) - 1  # no rate beyond the end of one cycle
    steps = draw(st.integers(1, min(max_steps, last)), label="steps")
    return Problem(lrs, settings, steps, draw(st.sampled_from(["optim.sgd", "optim.adam"]), label="optimizer"))


@functools.cache
def measures(count=14):
    """What a schedule may be told of the run: eighths, so that no comparison hangs on a rounding, and NaN; often all
    the way down or up, where a threshold shows."""
    eighths = [i / 8 for i in range(4, 17)]
    values = st.sampled_from([*eighths, *[1.0] * 4, *[float("nan")] * 2, -0.5, -0.25])
    drawn = st.lists(values, min_size=count, max_size=count)
    return drawn | drawn.map(sorted) | drawn.map(lambda measures: sorted(measures, reverse=True))


def is_exact(problem):
    """Whether it has no power that is no whole number, and no factor that the chained form cannot undo."""
    whole = lambda part: part.get("power", 1.0).is_integer() and not _is_cosine_or_function(part)
    return all(whole(s) for s in [problem.settings, *_settings_of_parts(problem)])


def _settings_of_parts(problem):
    return [part.settings for part in problem.settings.get("schedulers", [])]


def _is_cosine_or_function(settings):
    return bool({"T_max", "T_0", "lr_lambda"} & set(settings))
