"""What a difference is, told to whoever wrote the subject: where, how large, on what, why, and how to see it again."""

import contextlib
import functools
import time
import unittest

import hypothesis
import numpy as np

from impls.ladder import Rung
from tests.capabilities import left_to
from tests.cells import LADDERS
from tests.engine import Bounded, Different, Inconclusive, Opaque, array, assert_same
from tests.engine.bounded import SLACK
from tests.families import expected, formulas_alone, observe
from tests.planted import bugs
from tests.subjects import cell_of, load
from tests.variants import planted, source_of

FIRST, PATIENCE = 10, 2  # seconds of computing in which a difference is looked for, and then one on a smaller problem
HOMES = (  # where a stranger imports torch's from
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.nn",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.utils.data",
    "torch.autograd.functional",
)
RUNGS = (Rung.MANUAL, Rung.RAW, Rung.CUSTOM)
WITNESSES = 8  # problems on which a cause has to show the very same difference
QUIET = hypothesis.settings(
    max_examples=300,
    backend="independent",
    derandomize=True,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    suppress_health_check=list(hypothesis.HealthCheck),
)


FEW = hypothesis.settings(QUIET, max_examples=25, phases=[hypothesis.Phase.generate])


class Enough(unittest.SkipTest):
    """The patience is at its end; hypothesis lets this one through."""


class Search:
    """The problems on which a subject differs in one dtype, the last of them the smallest."""

    def __init__(self, subject, cell, dtype):
        self.subject, self.cell, self.dtype, self.door = subject, cell._replace(dtype=dtype), dtype, subject.door
        self.seen = []  # of (problem, trace or None, complaint)
        self.agreed = []  # of (problem, trace), where there was nothing to complain of

    def on(self, rung, problem):
        """What is seen of what stands on a rung of ours now, perhaps with a bug in it."""
        return observe(self.cell, rung, problem, getattr(LADDERS[self.cell.concept], rung))

    def trace(self, problem):
        return (
            observe(self.cell, self.cell.rungs[0], problem) if self.cell.entry else self.on(self.cell.rungs[0], problem)
        )

    def natives(self, problem):
        return self.on(Rung.NATIVE, problem)

    def expected(self, problem):
        return expected(self.cell._replace(ladders=LADDERS), problem)

    def by_formula(self, problem):
        """What the formula that stands there now admits, perhaps with a bug in it, and no other form of it."""
        with formulas_alone():
            return self.expected(problem)

    def wrong(self, bug):
        """What a bug that is planted now may leave: within rounding what its formula says, or the bits of a rung.

        A rung is built on what stands above it in its file, and not on what follows.
        """
        rungs = RUNGS[RUNGS.index(rung_of(bug)) :]
        formula = [lambda problem: self.by_formula(self.spared(problem))] if Rung.MANUAL in rungs else []
        return formula + [lambda p, rung=rung: self.on(rung, self.spared(p)) for rung in rungs if rung in self.able]

    @functools.cached_property
    def able(self):
        """The rungs that, as they are without a bug, do what this door asks."""
        problem = self.seen[-1][0]
        expected = self.expected(problem)
        with planted(self.subject.role), np.errstate(all="ignore"):
            return [rung for rung in RUNGS if _attempt(lambda: _same(self.on(rung, problem), expected))]

    def spared(self, problem):
        """The problem, in which a default is left to whoever has it: the bug may be there."""
        native, settings = LADDERS[self.subject.role].native, getattr(problem, "settings", None)
        if isinstance(settings, dict):
            return problem._replace(settings=left_to(native, native, settings))
        if isinstance(settings, list):
            return problem._replace(settings=[left_to(native, native, each) for each in settings])
        return problem

    def find(self):
        for strategy in self.strategies:
            self.end = time.process_time() + FIRST
            with contextlib.suppress(hypothesis.errors.NoSuchExample, hypothesis.errors.Flaky, Enough):
                hypothesis.find(strategy, self.differs, settings=QUIET)
            if self.seen:
                return self.seen[-1]
        return None

    @property
    def strategies(self):
        """Where a difference is looked for: in what is easy to tell, and last in everything."""
        return self.door.searched(self.cell.entry, self.dtype)

    def differs(self, problem):
        if time.process_time() > self.end:
            raise Enough
        trace = None
        try:
            trace = self.trace(problem)
            assert_same(trace, self.expected(problem))
            self.agreed.append((problem, trace))
        except Inconclusive:
            return False
        except Exception as complaint:
            if not self.seen:
                self.end = time.process_time() + PATIENCE
            self.seen.append((problem, trace, complaint))
            return True
        return False

    def differs_in_a_bit(self, problem):
        return not _same(self.trace(problem), self.natives(problem))


def explain(subject, dtypes):
    """The report of the smallest problem on which a subject leaves another trace than the formula, if one is found."""
    cell = cell_of(subject)
    for dtype in dtypes:
        search = Search(subject, cell, dtype)
        found = search.find()
        if found:
            return "\n".join(_lines(subject, search, *found))
    return ""


def _lines(subject, search, problem, trace, complaint):
    native, path = torchs_name(subject.role), ()
    told = [("", f"{subject.path.stem}.{subject.name} is not {native}")]
    if trace is None:
        raised = "" if isinstance(complaint, Different) else f"{type(complaint).__name__}: "
        told += [("it raises" if raised else "difference", f"{raised}{' '.join(str(complaint).split())}")]
    else:
        path, *values = next(differences(trace, search.expected(problem), search.natives(problem)))
        problem = search.door.until(path, problem)
        told += [("first difference", ", ".join(map(str, search.door.where(path, problem)))), *_values(search, *values)]
    told += [("smallest input", search.door.describe(problem))]
    looks_like = cause(search)
    words = f"{_in_words(looks_like)} ({looks_like.source})" if looks_like else "nothing that is planted here"
    told += [("looks like", words)]
    code = list(search.door.reproduce(subject, load(subject), native, problem, search.dtype, path))
    told += [("reproduce", code[0]), *[("", line) for line in code[1:]]]
    yield told[0][1]
    for name, line in told[1:]:
        yield f"  {name:18} {line}".rstrip()


def torchs_name(role):
    native = LADDERS[role].native
    home = native.__module__
    for public in HOMES:
        home = public if native.__module__.startswith(public) else home
    return f"{home}.{native.__name__}"


def _values(search, yours, torchs, allowed):
    yield "yours", str(yours)
    yield "torch", str(torchs)
    if allowed is not None:
        error = abs(np.longdouble(yours) - np.longdouble(torchs))
        multiple = f" = {error / allowed:.2g} × what rounding allows" if allowed else ", where nothing rounds"
        yield "|difference|", f"{error:.3g}{multiple} ({search.dtype})"


def differences(actual, expected, native, path=()):
    """What is outside, in the order of the trace: (where, yours, torch's, the bound if there is one)."""
    if isinstance(expected, Bounded):
        yield from _outside(actual, expected, native, path)
    elif isinstance(expected, dict):
        for key in [k for k in expected if k in actual or not isinstance(actual, Opaque)]:
            yield from differences(actual.get(key), expected[key], native.get(key), (*path, key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(actual) == len(expected):
        for i, entry in enumerate(expected):
            yield from differences(actual[i], entry, native[i], (*path, i))
    elif not _same(actual, expected):
        yield path, actual, expected, None


def _same(actual, expected):
    try:
        assert_same(actual, expected)
    except Different:
        return False
    return True


def _outside(actual, expected, native, path):
    if actual is None or (array(actual).dtype, array(actual).shape) != (expected.dtype, expected.shape):
        mine = actual if actual is None else f"{array(actual).dtype}{list(array(actual).shape)}"
        yield path, mine, f"{expected.dtype}{list(expected.shape)}", None
        return
    a, n, bound = array(actual), array(native), np.asarray(expected.error * SLACK)
    with np.errstate(all="ignore"):
        outside = ~(abs(a.astype(expected.format.wider) - expected.value) <= bound) & np.isfinite(bound)
    for i in np.argwhere(outside):
        i = tuple(map(int, i))
        yield (*path, *([f"element {list(i)}"] if i else [])), a[i], n[i], bound[i]


# ── why ─────────────────────────────────────────────────────────────────────────────────────────


def cause(search):
    """The planted bug that leaves the subject's trace, or at least what comes first in it, where it differs and where
    not."""
    role = search.subject.role
    seen = [(problem, trace) for problem, trace, _ in search.seen[: -WITNESSES - 1 : -1] + search.seen[:WITNESSES]]
    if any(trace is None for _, trace in seen):
        return None
    known = [bug for bug in bugs() if _is_built_on(role, bug.file or bug.concept)]
    known.sort(key=lambda bug: (bug.concept != role, bug.source.startswith("clause")))
    first = [lambda trace: next(iter(trace.values()))] if isinstance(seen[0][1], dict) else []
    for part in [lambda trace: trace, *first]:
        if all(_same(part(trace), part(search.expected(problem))) for problem, trace in seen):
            continue  # of this part there is nothing to explain
        for bug in known:
            if shows(bug, search, seen + search.agreed[-WITNESSES:], part):
                return bug
    return None


def _is_built_on(role, concept):
    """Whether a change in the file of one concept is a change of another."""
    return concept == role or f"from impls.{concept} import" in source_of(role)


def rung_of(bug):
    """The rung in whose section of the file a bug is; what stands before all sections is the first one's."""
    source, (old, _) = source_of(bug.file or bug.concept), bug.changes[0]
    before = source[: source.index(old)]
    return max(RUNGS, key=lambda rung: before.rfind(f"# ── {rung} "))


def _in_words(bug):
    words = bug.name.removeprefix(f"{(bug.file or bug.concept).rpartition('.')[2]}_").split("_")
    return " ".join(words[words[0] in tuple(Rung) :])


def shows(bug, search, seen, part=lambda trace: trace):
    """Whether a planted bug leaves this part of the traces that a subject has left."""
    role, ways = search.subject.role, search.wrong(bug)
    file = bug.file or (bug.concept if bug.concept != role else None)
    leaves = lambda way: all(_same(part(trace), part(way(problem))) for problem, trace in seen)

    def tried():
        with planted(role, *bug.changes, file=file), np.errstate(all="ignore"):
            return any(_attempt(lambda: leaves(way)) for way in ways)

    return bool(ways) and _attempt(tried)


def _attempt(holds):
    """Whether it holds; of what crashes, or has no place in a file, it does not."""
    try:
        return holds()
    except Exception:
        return False


# ── a fact beside the verdict ───────────────────────────────────────────────────────────────────


def bits(subject, dtypes):
    """Whether every value is torch's to the bit, on a few problems."""
    cell = cell_of(subject)
    for dtype in dtypes:
        search = Search(subject, cell, dtype)

        everything = search.strategies[-1]
        with contextlib.suppress(hypothesis.errors.NoSuchExample):
            hypothesis.find(everything, search.differs_in_a_bit, settings=FEW)
            return "no"
    return "yes"
