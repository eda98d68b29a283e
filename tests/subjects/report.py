"""What a difference is, told to whoever wrote the subject: where, how large, on what, why, and how to see it again."""

import contextlib
import time

import hypothesis
import numpy as np

from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import Bounded, Different, Inconclusive, Opaque, array, assert_same
from tests.engine.bounded import SLACK
from tests.families import observe
from tests.planted.causes import FEW, QUIET, Case, Enough, cause, in_words, same
from tests.subjects import cell_of, load

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


class Search(Case):
    """The problems on which a subject differs in one dtype, the last of them the smallest."""

    def __init__(self, subject, cell, dtype):
        super().__init__(subject.role, cell._replace(dtype=dtype))
        self.subject, self.dtype, self.door = subject, dtype, subject.door

    def trace(self, problem):
        return observe(self.cell, self.cell.rungs[0], problem)

    def natives(self, problem):
        return self.on(Rung.NATIVE, problem)

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
        return not same(self.trace(problem), self.natives(problem))


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
    told += [("looks like", in_words(looks_like) if looks_like else "nothing that is planted here")]
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
    elif not same(actual, expected):
        yield path, actual, expected, None


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
