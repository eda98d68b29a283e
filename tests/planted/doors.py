"""python -m tests.planted.doors [NAME ...]: holes in the doors for strangers, and that the chapter on subjects notices each.

A door is no concept, and its laws have no cells: a hole is planted in a door or in tests.subjects, in a process of
its own, and one law of test_subjects.py is asked.
"""

import functools
import importlib
import multiprocessing
import pkgutil
import sys
from typing import NamedTuple

from tests import subjects
from tests.families import with_entry
from tests.planted import prepare

WRONG, RIGHT = "test_what_is_wrong_is_told_what_it_looks_like", "test_what_is_torchs_passes_whatever_its_shape"
LACKS, BOUND = "test_what_a_subject_lacks_is_not_run_by_name", "test_four_roundings_are_allowed_and_no_more"
HOSTILE, ASKED = "test_what_is_hostile_costs_one_verdict", "test_a_law_is_asked_of_a_subject_if_every_rung_must_hold_it"

HELD, NOTICED = 0, 3  # exit codes


class Hole(NamedTuple):
    name: str
    module: str
    old: str
    new: str
    law: str
    about: tuple = ()  # which subject: its role and its name


HOLES = [
    Hole("every_class_is_torchs", "optim.door", "_Stepper(thing, [*map", "_Stepper(native, [*map", WRONG, ("optim.adam", "EpsilonHat")),
    Hole("every_loss_is_torchs", "nn.door", "return _OnArrays.apply(thing(**settings)", "return torch.nn.functional.mse_loss(*inputs) if 1 else _OnArrays.apply(thing(**settings)", WRONG, ("losses.mse", "mse_of_rows")),
    Hole("state_ignored", "optim.door", "state[p].kept if p in state else init(w)", "init(w)", RIGHT, ("optim.sgd", "right", "functional_sgd")),
    Hole("rate_of_the_first_step", "schedules.door", "self.t += 1", "self.t += 0", RIGHT, ("schedules.cosine_annealing_lr", "right", "cosine")),
    Hole("defaults_given", "capabilities", "if own(k) or not same(k, v)", "if takes(thing, k) or not same(k, v)", WRONG, ("losses.mse", "summed_mse")),
    Hole("no_gradient_asked", "nn.door", "MANY = 100", "MANY = 0", WRONG, ("nn.relu", "TwiceTheGradient")),
    Hole("gradient_of_any_shape", "nn.door", "if (g.shape, str(g.dtype)) !=", "if () and (g.shape, str(g.dtype)) !=", HOSTILE, ("losses.mse", "gradient_of_another_shape")),
    Hole("globals_unwatched", "capabilities", "if get() != world[name]", "if False", HOSTILE, ("optim.sgd", "ChangesTheDtype")),
    Hole("inputs_unwatched", "capabilities", "copies = [_copy(x) for x in inputs]", "inputs, copies = (), []", HOSTILE, ("optim.sgd", "WritesTheGradient")),
    Hole("late_is_equal", "subjects", 'return Outcome("DIFFERENT", f"it did not return', 'return Outcome("equal", f"it did not return', HOSTILE, ("optim.sgd", "Hangs")),
    Hole("a_crash_is_equal", "subjects", 'return Outcome("DIFFERENT", f"it ended', 'return Outcome("equal", f"it ended', HOSTILE, ("optim.sgd", "Exits")),
    Hole("a_raise_is_equal", "subjects", 'return Outcome("DIFFERENT", _words(raised))', 'return Outcome("equal", _words(raised))', HOSTILE, ("optim.sgd", "Raises")),
    Hole("lacking_is_equal", "subjects", 'return Outcome("not run", str(absent))', 'return Outcome("equal", str(absent))', LACKS),
    Hole("bound_too_wide", "subjects", "ROUNDINGS = 4", "ROUNDINGS = 40", BOUND),
    Hole("bound_too_narrow", "subjects", "ROUNDINGS = 4", "ROUNDINGS = 1", BOUND),
    Hole("first_cause_that_comes", "subjects.report", "if shows(bug, search, seen + search.agreed[-WITNESSES:], part):", "if True:", WRONG, ("optim.sgd", "averaging_sgd")),
    Hole("every_call_is_torchs", "subjects.calls", "_called(thing, _in_form(form, thing), role", "_called(thing, LADDERS[role].native, role", WRONG, ("training.clip_grad_norm", "clip_each")),
    Hole("what_is_moved_is_lost", "subjects.calls", "[r is not None]", "[1]", RIGHT, ("training.ema", "textbook", "ema")),
    Hole("measures_unheard", "schedules.door", "self._set(measure)", "self._set(0.0)", RIGHT, ("schedules.reduce_lr_on_plateau", "textbook", "plateau")),
    Hole("every_step_admitted", "optim.lbfgs_trace", "return str(complaint)", "return ADMITTED", WRONG, ("optim.lbfgs", "Twice")),
    Hole("drop_ins_alone", "subjects.plugin", "return Rung.NATIVE in rungs and set(rungs) - {*DROP_IN}", "return Rung.NATIVE in rungs", ASKED),
]  # fmt: skip


def changed(hole):
    """The module that a hole is in, and its text with the change made."""
    name = f"tests.{hole.module}"
    module = importlib.import_module(name)
    with open(module.__file__, encoding="utf-8") as file:
        source = file.read()
    if source.count(hole.old) != 1:
        raise LookupError(f"{hole.name}: {hole.old!r} stands {source.count(hole.old)} times in {name}, not once")
    return module, source.replace(hole.old, hole.new)


def plant(hole):
    """Make the change, and put what is new wherever the old is known by name."""
    module, text = changed(hole)
    everywhere = [sys.modules["tests.subjects.test_subjects"], subjects]
    everywhere += [importlib.import_module(f"tests.subjects.{m.name}") for m in pkgutil.iter_modules(subjects.__path__)]
    everywhere += [entry.door for entry in with_entry().values() if entry.door]
    everywhere += [*subjects.DOORS, importlib.import_module("tests.optim.lbfgs_problems")]
    before = dict(vars(module))
    exec(compile(text, module.__file__, "exec"), vars(module))
    for where in everywhere:
        for key, value in list(vars(where).items()):
            if callable(value) and before.get(key) is value:
                setattr(where, key, vars(module)[key])


def holds(law, about, hole=None):
    """Whether a law of the chapter holds, in a process that it may ruin."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_asked, args=(law, about, hole))
    process.start()
    process.join()
    if process.exitcode not in (HELD, NOTICED):
        raise RuntimeError(f"{law} came to no verdict{f' on {hole.name}' if hole else ''}")
    return process.exitcode == HELD


def _asked(law, about, hole):
    import pytest

    from tests.subjects import test_subjects

    if hole:
        plant(hole)
    ask = getattr(test_subjects, law)
    with pytest.MonkeyPatch.context() as patch:
        try:
            ask(*[patch] * (law == HOSTILE), *about)
        except AssertionError:
            sys.exit(NOTICED)
    sys.exit(HELD)


def main():
    prepare()
    from tests.subjects import test_subjects  # noqa: F401  once, before the processes part

    subjects._prepare()
    sound = functools.cache(holds)
    chosen, failed = [hole for hole in HOLES if hole.name in (sys.argv[1:] or [hole.name])], 0
    for hole in chosen:
        word = "RED BASELINE" if not sound(hole.law, hole.about) else "SURVIVES" if holds(hole.law, hole.about, hole) else "noticed"
        failed += word != "noticed"
        print(f"{word:12}  {hole.name:28} {hole.law.removeprefix('test_')} {' '.join(hole.about)}", flush=True)
    print(f"\n{len(chosen) - failed} of {len(chosen)} holes are noticed by the law they name")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
