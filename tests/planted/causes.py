"""Which planted bug a difference looks like: one that leaves the same trace where something differs and where not.

A stranger's report asks it of a subject (tests/subjects/report.py), and a law of agreement that fails of a rung of ours.
"""

import contextlib
import dataclasses
import functools
import time
import unittest

import hypothesis
import numpy as np

from impls.ladder import Rung
from tests.capabilities import left_to
from tests.cells import LADDERS, Cell
from tests.engine import LEDGER, Different, assert_same
from tests.families import expected, formulas_alone, observe, problems
from tests.planted import bugs
from tests.subjects import ROUNDINGS
from tests.variants import planted, source_of

RUNGS = (Rung.MANUAL, Rung.RAW, Rung.CUSTOM)
WITNESSES = 8  # problems on which a cause has to show the very same difference
OTHERS, PATIENCE = 3, 5  # problems beside the one that failed, of each kind, and seconds in which they are looked for
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


class Case:
    """What is seen of something that differs from a concept's formula, and of the rungs that stand there now, perhaps
    with a bug in them."""

    def __init__(self, concept, cell):
        self.concept, self.cell = concept, cell
        self.seen = []  # of (problem, trace or None, complaint)
        self.agreed = []  # of (problem, trace), where there was nothing to complain of

    def on(self, rung, problem):
        return observe(self.cell, rung, problem, getattr(Cell(self.concept, ()).ladder, rung))

    def expected(self, problem, **changed):
        return expected(self.cell._replace(ladders=LADDERS, **changed), problem)

    def by_formula(self, problem):
        """What the formula that stands there now admits, perhaps with a bug in it: no other form, but any rewriting."""
        with formulas_alone():
            return self.expected(problem, roundings=ROUNDINGS)

    def wrong(self, bug):
        """What a bug that is planted now may leave: within rounding what its formula says, or the bits of a rung.

        A rung is built on what stands above it in its file, and not on what follows.
        """
        rungs = RUNGS[RUNGS.index(rung_of(bug)) :]
        formula = [lambda problem: self.by_formula(self.spared(problem))] if Rung.MANUAL in rungs else []
        return formula + [lambda p, rung=rung: self.on(rung, self.spared(p)) for rung in rungs if rung in self.able]

    @functools.cached_property
    def able(self):
        """The rungs that, as they are without a bug, do what is asked."""
        problem = self.seen[-1][0]
        expected = self.expected(problem)
        with planted(self.concept), np.errstate(all="ignore"):
            return [rung for rung in RUNGS if attempt(lambda: same(self.on(rung, problem), expected))]

    def spared(self, problem):
        """The problem, in which a default is left to whoever has it: the bug may be there."""
        native, settings = LADDERS[self.concept].native, getattr(problem, "settings", None)
        if isinstance(settings, dict):
            return problem._replace(settings=left_to(native, native, settings))
        if isinstance(settings, list):
            return problem._replace(settings=[left_to(native, native, each) for each in settings])
        return problem


def cause(case):
    """The planted bug that leaves the trace that is seen, or at least what comes first in it, where it differs and where
    not."""
    seen = [(problem, trace) for problem, trace, _ in case.seen[: -WITNESSES - 1 : -1] + case.seen[:WITNESSES]]
    if any(trace is None for _, trace in seen):
        return None
    first = [lambda trace: next(iter(trace.values()))] if isinstance(seen[0][1], dict) else []
    for part in [lambda trace: trace, *first]:
        if all(same(part(trace), part(case.expected(problem))) for problem, trace in seen):
            continue  # of this part there is nothing to explain
        for bug in known(case.concept):
            if shows(bug, case, seen + case.agreed[-WITNESSES:], part):
                return bug
    return None


def known(concept):
    """The planted bugs that a concept may have, its own first."""
    found = [bug for bug in bugs() if _is_built_on(concept, bug.file or bug.concept)]
    return sorted(found, key=lambda bug: (bug.concept != concept, bug.source.startswith("clause")))


def _is_built_on(concept, other):
    """Whether a change in the file of one concept is a change of another."""
    return other == concept or f"from impls.{other} import" in source_of(concept)


def rung_of(bug):
    """The rung in whose section of the file a bug is; what stands before all sections is the first one's."""
    source, (old, _) = source_of(bug.file or bug.concept), bug.changes[0]
    before = source[: source.index(old)]
    return max(RUNGS, key=lambda rung: before.rfind(f"# ── {rung} "))


def in_words(bug):
    """A bug by its name and who had it."""
    words = bug.name.removeprefix(f"{(bug.file or bug.concept).rpartition('.')[2]}_").split("_")
    return f"{' '.join(words[words[0] in tuple(Rung) :])} ({bug.source})"


def shows(bug, case, seen, part=lambda trace: trace):
    """Whether a planted bug leaves this part of the traces that are seen."""

    def tried():
        ways = case.wrong(bug)
        leaves = lambda way: all(same(part(trace), part(way(problem))) for problem, trace in seen)
        with _planted(case, bug, bug.changes), np.errstate(all="ignore"):
            return any(attempt(lambda: leaves(way)) for way in ways)

    return attempt(tried)


def _planted(case, bug, changes):
    file = bug.file or (bug.concept if bug.concept != case.concept else None)
    return planted(case.concept, *changes, file=file)


def same(actual, expected):
    try:
        assert_same(actual, expected)
    except Different:
        return False
    return True


def attempt(holds):
    """Whether it holds; of what crashes, or has no place in a file, it does not."""
    try:
        return holds()
    except Exception:
        return False


# ── of a rung of ours ───────────────────────────────────────────────────────────────────────────


def looks_like(cell, rung, problem):
    """In one line: the planted bug that a rung may have, which on a problem leaves another trace than is expected."""
    ledger = dataclasses.replace(LEDGER)
    try:
        bug = _found(_case(cell, rung, problem), rung)
    finally:
        vars(LEDGER).update(vars(ledger))
    if bug is None:
        return "looks like nothing that is planted here"
    return f"looks like: {in_words(bug)}, a planted bug of {bug.file or bug.concept}"


def _found(case, rung):
    if not case.seen:  # it does not come again
        return None
    return next((bug for bug in known(case.concept) if _is_there(bug, case, rung)), None) or cause(case)


def _case(cell, rung, problem):
    """The problem and a few others, on which the rung differs or does not."""
    case, end = Case(cell.concept, cell), time.process_time() + PATIENCE

    def look(problem):
        if time.process_time() > end or min(len(case.seen), len(case.agreed)) > OTHERS:
            raise Enough
        trace = None
        try:
            expected = case.expected(problem)
            trace = case.on(rung, problem)
            assert_same(trace, expected)
            case.agreed.append((problem, trace))
        except Different as complaint:
            case.seen.append((problem, trace, complaint))

    look(problem)
    with contextlib.suppress(Exception, Enough):
        hypothesis.find(problems(cell, "agreement"), look, settings=FEW)
    return case


def _is_there(bug, case, rung):
    """Whether a planted bug is what stands in the file: with it undone the rung differs nowhere."""

    def holds():
        undone = [(new, old) for old, new in reversed(bug.changes)]
        with _planted(case, bug, undone), np.errstate(all="ignore"):
            return all(same(case.on(rung, problem), case.expected(problem)) for problem, *_ in case.seen)

    return attempt(holds)
