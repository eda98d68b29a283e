"""Known wrong variants, each as the smallest change to the right one, with its citation and the law that rejects it.

Most are bugs that somebody shipped.  `python -m tests.planted [NAME ...]` plants them one by one.
"""

import contextlib
import functools
import importlib
import inspect
import itertools
import math
import multiprocessing
import operator
import pkgutil
import unittest
import warnings
from typing import NamedTuple

import hypothesis
import pytest
import torch

import tests
from tests.cells import expand, is_there
from tests.engine import AnotherPlatform
from tests.platform.kernels import add_fuses
from tests.variants import Change, planted

FAMILIES = ("rng", "init", "autograd", "nn", "losses", "optim", "schedules", "training", "data")
NO_DEVICE = "only a device shows it: `python -m tests.platform.emulated tests.planted devices` has an emulated one"
NOT_A_VERDICT = (NameError, SyntaxError, ImportError)  # the bug itself is mistyped


class Bug(NamedTuple):
    name: str
    concept: str  # whose laws must notice
    changes: tuple[Change, ...]
    law: str  # "test_optim.test_rungs_leave_the_same_trace"
    source: str  # who shipped it, or "clause" where it removes one clause of the formula
    file: str | None = None  # the concept whose file is changed, when it is another
    fused: bool = False  # it rounds a multiply-add twice, which is no bug where torch does so, too


def planter(concept):
    """How the bugs of a concept are written down, one a line; `of` names another concept, whose laws must notice."""

    def bug(name, old, new, law, source="clause", *more, file=None, of=None, fused=False):
        name = f"{concept.rpartition('.')[2]}_{name}"
        return Bug(name, of or concept, ((old, new), *more), law, source, concept if of else file, fused)

    return bug


def prepare():
    """As in the suite: one thread, its hypothesis profiles, and warnings that are part of what laws compare."""
    multiprocessing.set_start_method(None, force=True)  # a process that was spawned would spawn a loader's workers, too
    suite = importlib.import_module("conftest")
    warnings.simplefilter("error")
    for message, category in suite.EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message, category)
    torch.set_warn_always(True)


def bugs(*names):
    """The planted bugs, or those that a name stands for: of a family, of a concept, or the bug itself."""
    found = [("devices", bug) for bug in importlib.import_module("tests.planted.devices").BUGS]
    found += [(family, bug) for family in FAMILIES for module in _tables(family) for bug in module.BUGS]
    return [
        bug
        for family, bug in found
        if not names or {family, bug.concept.partition(".")[0], bug.concept, bug.name} & set(names)
    ]


@functools.cache
def _tables(family):
    """The modules in a family's folder that hold its bugs."""
    folder = importlib.import_module(f"tests.{family}").__path__
    return [importlib.import_module(f"tests.{family}.{m.name}") for m in pkgutil.iter_modules(folder) if m.name.endswith("bugs")]


def law_of(name):
    """A law by its chapter and its own name, as a bug names it."""
    chapter, _, name = name.partition(".")
    return getattr(chapters()[chapter], name)


def name_of(law):
    """A law as a bug names it: its chapter and its own name."""
    return f"{law.__module__.rpartition('.')[2]}.{law.__name__}"


@functools.cache
def chapters():
    """Every chapter by the name of its file, which no two share."""
    found = [m.name for m in pkgutil.walk_packages(tests.__path__, "tests.") if m.name.rpartition(".")[2].startswith("test_")]
    return {name.rpartition(".")[2]: importlib.import_module(name) for name in found}


def not_here(bug):
    """Why a bug does not show on this machine; None where it does."""
    if only_on_a_device(bug) and not is_there("cuda"):
        return NO_DEVICE
    return "it is no bug where torch rounds a multiply-add twice" if bug.fused and not add_fuses() else None


def only_on_a_device(bug):
    """Whether the law that a bug names is about a device, and so the bug shows nowhere else."""
    return "cpu" not in _devices_of(law_of(bug.law))


@functools.cache
def _devices_of(law):
    return {cell.device for mark in law.pytestmark if mark.name == "cells" for cell in expand(mark)}


class Verdict(NamedTuple):
    """None when a law holds, else the first line of its complaint; how often the law was called to find out; and why it
    could not be judged here, if so."""

    complaint: str | None
    calls: int
    elsewhere: str | None = None


def verdict(bug, law=None, calls=math.inf, examples=60, seed=0):
    """What the law that a bug names, or another, says of it; after so many calls, if it has not complained, it holds."""
    law = law or law_of(bug.law)
    with planted(bug.concept, *bug.changes, file=bug.file):
        return _run(law, bug.concept, calls, examples, seed)


class Enough(unittest.SkipTest):
    """A law has been called as often as was asked; hypothesis lets this one through."""


def _run(law, concept, limit, examples, seed):
    calls = itertools.count(1)

    def counted(inner):
        @functools.wraps(inner)
        def law(*args, **kwargs):
            n = next(calls)
            inner(*args, **kwargs)
            if n >= limit:
                raise Enough

        return law

    try:
        with profile(examples):
            said, elsewhere = _said(law, concept, counted, seed), None
    except AnotherPlatform as fact:
        said, elsewhere = None, str(fact)
    return Verdict(said, next(calls) - 1, elsewhere)


def _said(law, concept, counted, seed):
    for arguments in arguments_of(law, concept):
        try:
            again(law, counted, seed)(**arguments)
        except (*NOT_A_VERDICT, AnotherPlatform):
            raise
        except Enough:
            return None
        except pytest.skip.Exception:
            continue
        except (Exception, pytest.fail.Exception) as complaint:  # a crash on good input is a complaint too
            return f"{type(complaint).__name__}: {str(complaint).partition(chr(10))[0]}"
    return None


def laws(concept):
    """Every law that has a cell of a concept, judges implementations, holds here, and asks pytest for nothing else."""
    return [law for law in functions() if _can_be_asked(law, concept)]


def functions():
    """Every function that a chapter has, the laws among them."""
    found = [f for chapter in chapters().values() for f in vars(chapter).values() if inspect.isfunction(f)]
    return [*dict.fromkeys(found)]


def _can_be_asked(law, concept):
    marks, arguments = getattr(law, "pytestmark", ()), arguments_of(law, concept)
    if any(mark.kwargs.get("of_tables") or mark.name == "xfail" or (mark.name == "skipif" and mark.args[0]) for mark in marks):
        return False
    return bool(arguments) and inspect.signature(law).parameters.keys() <= arguments[0].keys()


def arguments_of(law, concept):
    """What a law is called with: each of the concept's cells on the CPU, or on the device that the law is about where
    that is there, with each of the law's own parameters."""
    marks = getattr(law, "pytestmark", ())
    cells = [c for mark in marks if mark.name == "cells" for c in expand(mark) if c.concept == concept]
    choices = [[{"cell": c} for c in cells if c.device == cells[0].device and is_there(c.device)]]
    for mark in marks:
        if mark.name == "parametrize":
            names, values = mark.args
            names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
            rows = [getattr(value, "values", value if len(names) > 1 else (value,)) for value in values]
            choices.append([dict(zip(names, row, strict=True)) for row in rows])
    return [functools.reduce(operator.or_, parts) for parts in itertools.product(*choices)]


@contextlib.contextmanager
def profile(examples):
    """The dev profile with so many examples, not shrunk: to be rejected is enough.  A machine, which takes no seed, lives
    the same lives every time."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    dev, before = hypothesis.settings.get_profile("dev"), hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile(
        "planted", parent=dev, max_examples=examples, derandomize=True, database=None, phases=phases, suppress_health_check=[*hypothesis.HealthCheck]
    )
    hypothesis.settings.load_profile("planted")
    try:
        yield
    finally:
        hypothesis.settings.load_profile(before)


def again(law, wrapped=lambda law: law, seed=None):
    """The law, under the profile that is loaded now and a seed; what it does with one example, wrapped in something."""
    if not hasattr(law, "hypothesis"):
        return wrapped(law)
    law = hypothesis.given(**law.hypothesis._given_kwargs)(wrapped(law.hypothesis.inner_test))
    return law if seed is None else hypothesis.seed(seed)(law)


__all__ = ["FAMILIES", "Bug", "Verdict", "again", "arguments_of", "bugs", "functions", "law_of", "laws", "name_of", "not_here", "only_on_a_device", "prepare", "profile", "verdict"]
