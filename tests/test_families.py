"""What every family is asked: its rungs leave one trace, custom is native to the bit, and nothing is left undrawn."""

import ast
import contextlib
import inspect
import sys
import textwrap
import traceback

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Pair, Rung
from impls.since import TORCH
from tests.cells import ALL, DROP_IN, LADDERS, cells
from tests.engine import LONGDOUBLE_IS_WIDER, assert_same
from tests.families import (
    assert_refused_alike,
    bits,
    entry,
    entry_of,
    expected,
    family_of,
    observe,
    problems,
    with_entry,
)
from tests.planted import again, arguments_of, bugs, law_of, laws, profile
from tests.planted.kill_matrix import SLOW

ENTRIES = with_entry()
AGREEMENT = "test_families.test_rungs_leave_the_same_trace"

# Options that no problem gives, and why.
NOT_DRAWN = {
    "foreach": "it chooses another kernel for the same step: laws of the optimizers compare them",
    "fused": "it chooses another kernel for the same step: laws of the optimizers compare them",
    "capturable": "it chooses another kernel for the same step, for graphs of CUDA's",
    "differentiable": "it chooses the same step, recorded by autograd",
    **({} if TORCH >= (2, 14) else {"optim.lbfgs maximize": "native has it from torch 2.14 on"}),
    "last_epoch": "a law of its own takes up runs at it, of which a formula knows nothing",
    "return_indices": "it makes two results of one: a law of its own compares the places",
    "sparse": "its gradient is no array of a strided tensor: a law of its own compares it",
    "size_average": "it is an argument of before, and refused",
    "reduce": "it is an argument of before, and refused",
}


# Refusals of native's that no attempt meets, by a part of their words, and why.
UNMET = {
    "Tensor betas": "two elements are compared with 1 before, which torch refuses in other words",
    "Requires distributed package": "every torch that is judged is built with it",
}

LOOK = hypothesis.settings(max_examples=400, derandomize=True, database=None, phases=[hypothesis.Phase.generate])
NOTHING = "it computes nothing"
GIVEN = ("device", "dtype")  # as a law's cell says


def asked(law, rungs=ALL, applies=lambda ladder, entry: True, dtypes=None, cpu_because=None, of_tables=False):
    """The cells of a law of all families: of each concept that has an entry, unless the law does not apply to it."""
    names = [c for c, e in ENTRIES.items() if law not in e.exempt and applies(LADDERS[c], e)]
    because = {c: cpu_because or ENTRIES[c].on_cpu.get(law) for c in names}
    dtypes = dtypes or {c: ENTRIES[c].dtypes for c in names}
    return cells(*names, rungs=rungs, dtypes=dtypes, cpu_because=because, of_tables=of_tables)


def has_a_drop_in(ladder, _entry):
    return {*DROP_IN} <= ladder.rungs().keys()


def has_a_derivative(ladder, _entry):
    return isinstance(ladder.manual, Pair)


def has_a_constructor(ladder, entry):
    return has_a_drop_in(ladder, entry) and "__init__" in getattr(ladder.native, "__dict__", {})


def saves(ladder, entry):
    return entry.saves and has_a_drop_in(ladder, entry)


# ── what the rungs share ────────────────────────────────────────────────────────────────────────


@asked("agreement")
@given(data=st.data())
def test_rungs_leave_the_same_trace(cell, data):
    """Every rung leaves the trace of the formula: all that a caller sees, after every step."""
    entry(cell).assert_agreement(cell, data.draw(problems(cell, "agreement"), label="problem"))


@asked("bits", DROP_IN, has_a_drop_in)
@given(data=st.data())
def test_custom_is_native_bit_for_bit(cell, data):
    """Custom performs native's operations in native's order: not one bit of the trace differs."""
    problem = data.draw(problems(cell, "bits"), label="problem")
    custom, native = (bits(cell, rung, problem) for rung in DROP_IN)
    assert_same(custom, native, f"{cell.concept} custom", entry(cell).levels)


@asked("defaults", DROP_IN, has_a_drop_in, (None,), NOTHING)
def test_every_rung_has_natives_defaults(cell):
    """An argument that a rung lets its caller leave out stands for the same on every rung."""
    native = signature(cell.ladder.native)
    for rung, impl in cell.ladder.rungs().items():
        for name, parameter in signature(impl).items():
            if name in native and parameter.default is not parameter.empty:
                assert parameter.default == native[name].default, f"{rung}: {name}"


@asked("refusals", DROP_IN, has_a_drop_in, (None,), "refusals are words")
def test_custom_refuses_what_native_refuses_in_its_words(cell):
    """Bad input raises, or warns, with native's class and in native's words."""
    assert_refused_alike(cell, entry(cell).refused)


@asked("saved", DROP_IN, saves, ("float64",), "a saved state is the same on any device")
@given(data=st.data())
def test_saved_states_are_interchangeable(cell, data):
    """What custom saves native loads and goes on with bit for bit, and the reverse."""
    problem, resumed = data.draw(problems(cell, "saved"), label="problem"), entry(cell).resumed
    custom, native = cell.ladder[2:]
    alone = resumed(native, native, problem)
    assert_same(resumed(custom, native, problem), alone, "custom, then native")
    assert_same(resumed(native, custom, problem), alone, "native, then custom")


@pytest.mark.skipif(not LONGDOUBLE_IS_WIDER, reason="a complex step in double is no exacter than the gradient")
@asked("adjoint", (Rung.MANUAL,), has_a_derivative, ("float64",), "NumPy has no device")
@given(data=st.data())
def test_backward_is_the_adjoint_of_forward(cell, data):
    """The gradients by hand are the transpose of the derivative: <v, J'u> = <Jv, u>, J by the complex step."""
    problem = entry(cell).all_needed(data.draw(problems(cell, "adjoint"), label="problem"))
    directions = data.draw(entry(cell).directions(problem), label="directions")
    gradients = expected(cell, problem)["gradient"]
    forth = {name: entry(cell).along(cell.ladder.manual, problem, name, v) for name, v in directions.items()}
    back = {name: (v * gradients[name]).sum() for name, v in directions.items()}
    assert_same(forth, back, f"{cell.concept} <Jv, u>")


@asked("needs", ALL, has_a_derivative)
@given(data=st.data())
def test_a_gradient_nobody_needs_is_none_and_the_others_stay(cell, data):
    """Only the gradients that are asked for are computed, and each is what it is among all."""
    problem = data.draw(problems(cell, "needs"), label="problem")
    every = expected(cell, entry(cell).all_needed(problem))["gradient"]
    wanted = {n: g if needed else None for (n, g), needed in zip(every.items(), problem.needs, strict=True)}
    for rung in cell.rungs:
        assert_same(observe(cell, rung, problem)["gradient"], wanted, f"{cell.concept} {rung} gradient")


# ── nothing is left out ─────────────────────────────────────────────────────────────────────────


@cells(*LADDERS, dtypes=None, cpu_because=NOTHING, of_tables=True)
def test_every_concept_is_drawn(cell):
    """Each concept has an entry in its family's table, or a law of its own that is named there."""
    family = family_of(cell.concept)
    if cell.concept not in family.judged_by:
        entry_of(cell.concept)
        return
    assert law_of(family.judged_by[cell.concept]).__doc__


@cells(*LADDERS, dtypes=None, cpu_because=NOTHING, of_tables=True)
def test_every_concept_has_a_planted_bug(cell):
    """Each concept has a wrong variant that the law of agreement rejects."""
    law = family_of(cell.concept).judged_by.get(cell.concept, AGREEMENT)
    about = [bug for bug in bugs() if cell.concept in (bug.concept, bug.file)]
    assert law in {bug.law for bug in about}, f"plant a bug that {law} rejects, in {folder(cell)}/bugs.py"


@asked("options", ALL, dtypes=(None,), cpu_because=NOTHING, of_tables=True)
def test_every_option_is_drawn(cell):
    """Some problem gives each option of each rung a value that is not its default, or NOT_DRAWN says why none does."""
    own = entry(cell)
    options = [(r, n, p.default) for r, impl in cell.implementations.items() for n, p in options_of(impl).items()]
    is_listed = lambda option: option in GIVEN or {option, f"{cell.concept} {option}"} & NOT_DRAWN.keys()
    missing = {f"{rung}: {name}" for rung, name, _ in options if not is_listed(name)}

    def all_are_given(problem):
        drawn = [*own.options(problem)]
        is_given = lambda option, default: any(option == name and differs(value, default) for name, value in drawn)
        missing.difference_update([f"{rung}: {n}" for rung, n, default in options if is_given(n, default)])
        return not missing

    look_until(all_are_given, [problems(cell, law) for law in ("agreement", *own.asks)])
    assert not missing, f"no problem gives {', '.join(sorted(missing))}: draw it in {folder(cell)}/family.py"


def look_until(found, strategies):
    """Draw from any of them, until what is looked for has been found."""
    with contextlib.suppress(hypothesis.errors.NoSuchExample):
        hypothesis.find(st.one_of(strategies), found, settings=LOOK)


@asked("varieties", ALL, lambda _, entry: entry.varieties, (None,), NOTHING, of_tables=True)
def test_what_can_differ_is_drawn(cell):
    """Some problem shows each way in which problems of its kind can differ: layouts in memory, sizes that coincide,
    counts that a format can no longer tell apart, rates that change, gradients that are missing."""
    own = entry(cell)
    missing = {*own.varieties} - {*own.lacks}

    def all_are_shown(problem):
        missing.difference_update({name for name in missing if own.varieties[name](problem)})
        return not missing

    look_until(all_are_shown, own.drawn("float64"))
    assert not missing, f"no problem shows {', '.join(sorted(missing))}: draw it in {folder(cell)}/problems.py"


def folder(cell):
    """Where the tables stand that a law's complaint sends its reader to."""
    return f"tests/{family_of(cell.concept).name}"


def differs(value, default):
    """Whether a value is not the default; an array never is."""
    return hasattr(value, "shape") or type(value) is not type(default) or value != default


def options_of(impl):
    """What has a default, but for the state, which is no option."""
    return {n: p for n, p in signature(impl).items() if p.default is not p.empty and n != "state" and n[0] != "_"}


def signature(impl):
    try:
        begin = getattr(impl, "start", impl)  # of a stream that is begun and then asked
        return inspect.signature(impl.forward if isinstance(impl, Pair) else begin).parameters
    except ValueError:  # one of torch's own that states none
        return {}


def test_few_options_are_not_drawn():
    """No more than ten options are left undrawn, each with a reason."""
    assert len(NOT_DRAWN) <= 10
    assert all(len(reason.split()) > 3 for reason in NOT_DRAWN.values())


OURS = (Rung.MANUAL, Rung.RAW, Rung.CUSTOM)
BY_LAWS = [  # concepts of which no problem draws the options
    c for c in LADDERS if c.startswith(("autograd.", "nn.")) and (c not in ENTRIES or "options" in ENTRIES[c].exempt)
]


@cells(*BY_LAWS, rungs=OURS, dtypes=None, cpu_because=NOTHING, of_tables=True)
def test_every_option_is_given_by_a_law(cell):
    """Where no problem draws them, some law gives each option of each rung of ours a value that is not its default."""
    options = {rung: options_of(impl) for rung, impl in cell.implementations.items()}
    missing = {(rung, name) for rung, of in options.items() for name in of if name not in GIVEN}
    for law, arguments in laws_about(cell.concept):
        if missing:
            missing -= options_given(cell, options, law, arguments)
    assert missing == set(), f"no law of {cell.concept} gives it"


def laws_about(concept):
    """Laws with what they are called with: that which judges a concept, and then its others and those that judge the
    rest of its family, of which those that draw nothing are the quicker ones."""
    judged_by = family_of(concept).judged_by
    others = sorted([*laws(concept), *map(law_of, judged_by.values())], key=lambda law: hasattr(law, "hypothesis"))
    for law in dict.fromkeys([law_of(judged_by.get(concept, AGREEMENT)), *others]):
        if law.__name__ not in (*SLOW, test_every_option_is_given_by_a_law.__name__):
            of_any = (arguments_of(law, c) for c in (concept, *judged_by))
            yield from ((law, arguments) for arguments in next(filter(None, of_any), []))


def options_given(cell, options, law, arguments):
    """The options of each rung to which a law gives a value that is not the default, whether the law holds or not."""
    codes, given = [(code_of(impl), rung) for rung, impl in cell.implementations.items()], set()

    def note(frame, event, _):
        for rung in [rung for code, rung in codes if event == "call" and code is frame.f_code]:
            found = frame.f_locals
            given.update((rung, n) for n, p in options[rung].items() if differs(found.get(n, p.default), p.default))

    with profile(examples=5), contextlib.suppress(Exception, pytest.skip.Exception):
        sys.setprofile(note)
        try:
            again(law)(**arguments)
        finally:
            sys.setprofile(None)
    return given


def code_of(impl):
    """What is run when an implementation is called: of a class, its own constructor."""
    impl = impl.forward if isinstance(impl, Pair) else impl
    made = [impl.__new__, impl.__init__] if isinstance(impl, type) else [impl]
    return next((f.__code__ for f in map(inspect.unwrap, made) if hasattr(f, "__code__")), None)


@asked("raises", DROP_IN, has_a_constructor, (None,), NOTHING)
def test_every_refusal_of_natives_constructor_is_asked(cell):
    """Each `raise` of native's constructor is met by some attempt of the entry."""
    lines, first = inspect.getsourcelines(cell.ladder.native.__init__)
    code = ast.parse(textwrap.dedent("".join(lines)))
    raises = {first + node.lineno - 1: ast.unparse(node) for node in ast.walk(code) if isinstance(node, ast.Raise)}
    met = {line for attempt in entry(cell).refused.values() for line in raised_at(attempt, cell.ladder.native)}
    unmet = [
        text for line, text in raises.items() if line not in met and not any(n in text for n in (*NOT_DRAWN, *UNMET))
    ]
    assert unmet == [], f"attempt it in {folder(cell)}/refused.py"


def raised_at(attempt, native):
    """The lines of native's file on which an attempt was refused."""
    try:
        attempt(native)
    except (Exception, Warning) as refusal:
        file = native.__init__.__code__.co_filename
        return [line for frame, line in traceback.walk_tb(refusal.__traceback__) if frame.f_code.co_filename == file]
    return []
