"""Somebody else's implementation on the ladder: it takes the place of `custom`, and the same laws judge it.

A law that every rung must hold judges a subject.  A law of drop-ins alone (bits, words, saved states) is a fact that is
told beside the verdict: other operations than torch's round otherwise, and are not wrong for it.  Every law runs in a
process of its own, so that whatever the subject does costs one verdict.
"""

import contextlib
import importlib.util
import io
import multiprocessing
import pathlib
import sys
import traceback
import warnings
from typing import NamedTuple

import hypothesis
import pytest
import torch

from impls.ladder import Absent
from tests import diagnosis, doors
from tests.cells import LADDERS
from tests.doors import Missing
from tests.exactness import LEDGER, Different, Inconclusive

LIMIT = 60  # seconds that a subject has for one law


class Subject(NamedTuple):
    role: str
    path: pathlib.Path
    name: str
    given: str  # as it stood on the command line

    def __str__(self):
        return f"{self.role}-{self.path.stem}-{self.name}"


class Outcome(NamedTuple):
    word: str  # "equal", "DIFFERENT", "inconclusive" or "not run"
    reason: str = ""
    ledger: tuple = (0, 0.0, 0)
    warned: tuple = ()


def roles():
    """Every concept that a stranger can have: one of a family with a door, with a class of torch's to compare with."""
    return {c: doors.of(c) for c, ladder in LADDERS.items() if doors.of(c) and not isinstance(ladder.native, Absent)}


def parse(given, directory):
    """ROLE=FILE.py:NAME as a subject; what is wrong with it is said in one line."""
    role, _, rest = given.partition("=")
    file, _, name = rest.rpartition(":")
    path = pathlib.Path(directory, file).resolve()
    if not (file and name):
        raise pytest.UsageError(f"--subject {given}: it is written ROLE=FILE.py:NAME")
    if role not in roles():
        raise pytest.UsageError(f"--subject {given}: no such role {role!r}; pytest --subjects lists them")
    if not path.is_file():
        raise pytest.UsageError(f"--subject {given}: there is no file {path}")
    subject = Subject(role, path, name, given)
    outcome = apart(lambda: _found(subject))
    if outcome.word != "equal":
        raise pytest.UsageError(f"--subject {given}: {outcome.reason}")
    return subject


def _found(subject):
    try:
        load(subject)
    except LookupError:
        raise
    except BaseException as raised:
        raise LookupError(f"{subject.path.name} cannot be imported: {type(raised).__name__}: {raised}") from None


def load(subject):
    """What the stranger wrote; a file in a package is imported as part of it."""
    root, parts = subject.path.parent, [subject.path.stem]
    while (root / "__init__.py").exists():
        root, parts = root.parent, [root.name, *parts]
    sys.path.insert(0, str(root))
    if len(parts) > 1 and parts[0] not in sys.modules:
        module = importlib.import_module(".".join(parts))
    else:
        spec = importlib.util.spec_from_file_location(subject.path.stem, subject.path)
        module = sys.modules[subject.path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    if not hasattr(module, subject.name):
        own = [k for k, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__]
        raise LookupError(f"{subject.path.name} has no {subject.name!r}; it defines {', '.join(own) or 'nothing'}")
    return getattr(module, subject.name)


def judge(subject, law, fact=False):
    """The outcome of a law for a subject, with a report where it differs; a fact is about its class as it is."""
    return apart(lambda: _judged(subject, law, fact))


def _judged(subject, law, fact):
    door, thing = doors.of(subject.role), load(subject)
    impl = thing if fact else door.adapt(thing)
    LADDERS[subject.role] = LADDERS[subject.role]._replace(custom=impl)
    if not fact:
        door.narrow(subject.role, impl.accepts)
    try:
        law()
    except (Missing, pytest.skip.Exception, Inconclusive):
        raise
    except Exception as complaint:
        report = None if fact else diagnosis.report(subject, door, impl)
        if report is None:
            raise
        raise Different(report) from complaint


def apart(act):
    """Run `act` in a process of its own."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(act, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(LIMIT):
            return Outcome("DIFFERENT", f"it did not return within {LIMIT} s")
        return here.recv()
    except EOFError:
        process.join()
        return Outcome("DIFFERENT", f"it ended the process (exit code {process.exitcode})")
    finally:
        process.kill()
        process.join()


def _child(act, pipe):
    LEDGER.clear()
    torch.set_num_threads(1)
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", hypothesis.errors.HypothesisWarning)
        outcome = _outcome(act)
    told = tuple(sorted({str(w.message).partition("\n")[0] for w in warned}))
    pipe.send(outcome._replace(ledger=(LEDGER.elements, LEDGER.share, LEDGER.inconclusive), warned=told))


def _outcome(act):
    try:
        act()
    except (Missing, pytest.skip.Exception) as absent:
        return Outcome("not run", str(absent))
    except Inconclusive as unknown:
        return Outcome("inconclusive", str(unknown))
    except (Different, LookupError) as complaint:
        return Outcome("DIFFERENT", complaint.args[0] if complaint.args else "")
    except BaseException as raised:
        return Outcome("DIFFERENT", f"{_where(raised)}{type(raised).__name__}: {str(raised).partition(chr(10))[0]}")
    return Outcome("equal")


def _where(raised):
    """The line of the stranger's file, not of ours."""
    ours = str(pathlib.Path(__file__).parents[1])
    theirs = [f for f in traceback.extract_tb(raised.__traceback__) if not f.filename.startswith((ours, sys.prefix, "<"))]
    return f"{pathlib.Path(theirs[-1].filename).name}:{theirs[-1].lineno}: " if theirs else ""


__all__ = ["LIMIT", "Missing", "Outcome", "Subject", "apart", "judge", "load", "parse", "roles"]
