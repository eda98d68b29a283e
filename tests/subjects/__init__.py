"""Somebody else's implementation on the ladder: a class takes the place of `custom`, a function that of `raw`, and the
laws that every rung must hold judge it.

Other operations than torch's round otherwise, and are not wrong for it.  So the bound is that of a machine on which
each operation of the formula may cost `ROUNDINGS` roundings; whether the bits are torch's is a fact told beside it.
Four is what a coefficient of four numbers costs where they are rounded, combined and applied in the tensor's format:
4 + 3 + 1, in place of the formula's 2.  docs/is-my-optimizer-torchs.md says which rewritings are so admitted.
Every law runs in a process of its own: whatever a subject does costs one verdict.
"""

import contextlib
import faulthandler
import functools
import importlib.util
import io
import multiprocessing
import os
import pathlib
import random
import sys
import traceback
import warnings
from typing import Any, NamedTuple

import hypothesis
import numpy as np
import pytest
import torch

from impls.ladder import Absent, Rung
from tests.capabilities import Missing
from tests.cells import LADDERS, Cell
from tests.engine import LEDGER, AnotherPlatform, Different, Inconclusive
from tests.families import entry_of, with_entry

LIMIT = 30  # seconds that a subject has for one law, where it has a core for itself
ROUNDINGS = 4  # of a rewriting, where the formula of record rounds once; see above
OURS = ("impls", "tests", "conftest")

NO_ROLE = {  # a concept, or else its family, and why it has none
    "rng": "its laws are about the words of torch's own generator",
    "autograd": "a tape is many functions that share their objects, and none of them can be another's",
    "nn": "what belongs to a module is judged with the module that it is part of",
    "losses.loss": "torch's base class is private",
    "optim.optimizer": "a base class steps nothing",
    "data.iterable_dataset": "a base class has no rows",
    "data.chain_dataset": "itertools.chain is one: what is told of it is when a stream begins, a law of drop-ins alone",
    "data.sources": "its rows are the project's own",
    "data.workers": "what a worker knows of itself its loader tells it",
    "data.stateful_loader": "torch has no such class to equal",
    "schedules.lr_scheduler": "a base class sets no rate",
    "training": "torch has no such function to equal",
}


class Subject(NamedTuple):
    role: str
    path: pathlib.Path
    name: str
    given: str  # as it stood on the command line

    @property
    def door(self) -> Any:
        return roles()[self.role]

    def __str__(self):
        return f"{self.role}-{self.path.stem}-{self.name}"


class Outcome(NamedTuple):
    word: str  # "equal", "DIFFERENT", "inconclusive" or "not run"
    told: object = ""  # why; or what an act that went well has returned
    ledger: tuple = (0, 0.0, 0)
    warned: tuple = ()


@functools.cache
def roles():
    """Every concept that a stranger can have, with its door: it has problems, and something of torch's to equal."""
    having = {concept: entry.door for concept, entry in with_entry().items() if entry.door}
    return {c: door for c, door in having.items() if not isinstance(LADDERS[c].native, Absent)}


def without_role():
    """Every other concept, and why a stranger cannot have it."""
    having = roles()
    return {c: NO_ROLE.get(c) or NO_ROLE[c.partition(".")[0]] for c in LADDERS if c not in having}


# ── what stood on the command line ──────────────────────────────────────────────────────────────


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
    import_late(roles()[role])
    outcome = isolated(lambda: load(subject))
    if outcome.word != "equal":
        raise pytest.UsageError(f"--subject {given}: {outcome.told}")
    return subject


def load(subject):
    """What the stranger wrote; a file of a package is imported as part of it."""
    try:
        module = _imported(subject.path)
    except BaseException as raised:
        raise LookupError(f"{subject.path.name} cannot be imported: {_words(raised)}") from None
    if not hasattr(module, subject.name):
        own = [k for k, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__]
        raise LookupError(f"{subject.path.name} has no {subject.name!r}; it defines {', '.join(own) or 'nothing'}")
    return getattr(module, subject.name)


def _imported(path):
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").exists():
        root, parts = root.parent, [root.name, *parts]
    sys.path.insert(0, str(root))
    if len(parts) > 1 and parts[0] not in sys.modules:
        return importlib.import_module(".".join(parts))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ── what is asked of a subject, each in a process of its own ────────────────────────────────────


def cell_of(subject):
    """The cell in which a subject stands, torch's own things around it, and problems that it can do."""
    thing = load(subject)
    torch.set_default_dtype(torch.float32)  # whatever its file has set
    entry = entry_of(subject.role)
    rung, impl = entry.door.adapt(subject.role, thing)
    around = {name: _torchs(ladder) for name, ladder in LADDERS.items()}
    around[subject.role] = around[subject.role]._replace(**{rung: impl})
    narrowed = entry.narrowed(subject.role, thing)
    return Cell(subject.role, (rung,), None, "cpu", around, narrowed, ROUNDINGS, own_words=True)


def _torchs(ladder):
    """A ladder with torch's own in the place of ours."""
    return ladder._replace(custom=ladder.native) if Rung.NATIVE in ladder.rungs() else ladder


def judge(subject, law, cell, **arguments):
    """The outcome of a law in a cell."""

    def act():
        placed = cell_of(subject)
        if placed.rungs[0] not in cell.rungs:
            raise Missing(f"a law of {' and '.join(cell.rungs)} alone")
        law(cell=placed._replace(dtype=cell.dtype), **arguments)

    return isolated(act)


def isolated(act):
    """Run `act` in a process of its own, and give it LIMIT seconds, or more where others want the cores."""
    _prepare()
    limit = LIMIT * max(1.0, os.getloadavg()[0] / os.cpu_count())
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(act, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(limit):
            return Outcome("DIFFERENT", f"it did not return within {limit:.0f} s")
        return here.recv()
    except EOFError:
        process.join()
        return Outcome("DIFFERENT", f"it ended the process (exit code {process.exitcode})")
    finally:
        process.kill()
        process.join()


@functools.cache
def _prepare():
    """What hypothesis looks for at its first draws, in all files that are imported, it looks for once."""
    numbers = hypothesis.strategies.lists(hypothesis.strategies.integers(), min_size=100, max_size=100)
    once = hypothesis.settings(database=None, phases=[hypothesis.Phase.generate])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hypothesis would rather not be asked before pytest is configured
        hypothesis.find(numbers, all, settings=once)  # the first lists are zeros


@functools.cache
def import_late(door):
    """What torch imports for a gradient from above, and more for an optimizer, is there before processes part."""
    w = torch.zeros(1, requires_grad=True)
    w.backward(torch.ones(1))
    torch.optim.SGD([w])


def _child(act, pipe):
    LEDGER.clear()
    faulthandler.disable()
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", hypothesis.errors.HypothesisWarning)
        outcome = _outcome(act)
    theirs = {str(w.message).partition("\n")[0] for w in warned if not _is_ours(w.filename)}
    ledger = (LEDGER.elements, LEDGER.share, LEDGER.inconclusive)
    pipe.send(outcome._replace(ledger=ledger, warned=tuple(sorted(theirs))))


def _outcome(act):
    try:
        return Outcome("equal", _plain(act()))
    except (pytest.skip.Exception, AnotherPlatform) as absent:
        return Outcome("not run", str(absent))
    except Inconclusive as unknown:
        return Outcome("inconclusive", str(unknown))
    except (Different, LookupError) as complaint:
        return Outcome("DIFFERENT", str(complaint.args[0]) if complaint.args else "")
    except AssertionError:
        return Outcome("DIFFERENT", "it does not")
    except BaseException as raised:
        return Outcome("DIFFERENT", _words(raised))


def _plain(returned):
    """What can be sent to another process."""
    return returned if isinstance(returned, str | int | tuple | list) else None


def _words(raised):
    """What was raised, in one line, and where in the stranger's files."""
    frames = traceback.extract_tb(raised.__traceback__)
    theirs = [f for f in frames if not _is_ours(f.filename)]
    where = f"{pathlib.Path(theirs[-1].filename).name}:{theirs[-1].lineno}: " if theirs else ""
    return f"{where}{type(raised).__name__}: {' '.join(str(raised).split())[:200]}"


def _is_ours(file):
    """Whether a file is of this project, of Python or of an installed package."""
    of_the_project = {getattr(m, "__file__", None) for n, m in sys.modules.items() if n.partition(".")[0] in OURS}
    return file in of_the_project or file.startswith((sys.prefix, sys.base_prefix, "<"))


__all__ = [
    "LIMIT",
    "Missing",
    "Outcome",
    "Subject",
    "cell_of",
    "import_late",
    "isolated",
    "judge",
    "load",
    "parse",
    "roles",
    "without_role",
]
