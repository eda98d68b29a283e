"""What a difference is, told to whoever wrote the subject: where, how large, on what, why, and how to see it again."""

import json

import hypothesis
import numpy as np
import torch

from impls.ladder import Rung
from tests.associations import reference
from tests.cells import DTYPES, LADDERS
from tests.exactness import Bounded, Different, Inconclusive, array, assert_same, bounded
from tests.exactness.bounded import SLACK
from tests.exactness.untold import Untold
from tests.planted import bugs
from tests.variants import variant

EXAMPLES, WITNESSES = 300, 12


def report(subject, door, impl):
    """The report of the smallest problem on which the subject leaves another trace than the formula, if one is found."""
    for dtype in DTYPES:
        seen = []

        def differs(problem, dtype=dtype, seen=seen):
            try:
                trace = door.observe(Rung.CUSTOM, impl, problem)
                assert_same(trace, reference(door.observe, subject.role, problem, dtype))
            except Different:
                seen.append((problem, trace))
                return True
            except Inconclusive:
                pass
            return False

        try:
            problem = hypothesis.find(door.problems(subject.role, dtype), differs, settings=SETTINGS)
        except hypothesis.errors.NoSuchExample:
            continue
        return "\n".join(_lines(subject, door, impl, problem, dtype, seen))
    return None


SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)


def _lines(subject, door, impl, problem, dtype, seen):
    trace = door.observe(Rung.CUSTOM, impl, problem)
    expected = reference(door.observe, subject.role, problem, dtype)
    native = door.observe(Rung.NATIVE, LADDERS[subject.role].native, problem)
    yield f"{subject.path.stem}.{subject.name} is not {_home(LADDERS[subject.role].native)}"
    where, yours, torchs, allowed = next(_differences(trace, expected, native, ()))
    yield f"  first difference   {_place(where, problem)}"
    yield f"  yours              {yours!s}"
    yield f"  torch              {torchs!s}"
    if allowed is not None:
        error = abs(np.longdouble(yours) - np.longdouble(torchs))
        multiple = f"{error / allowed:.2g} × what rounding allows" if allowed else "where nothing rounds"
        yield f"  |difference|       {error:.3g} = {multiple} ({dtype})"
    yield f"  smallest input     {_told(problem)}"
    yield f"  looks like         {cause(subject, door, seen, dtype) or 'no bug that is known here'}"
    lines = reproduction(subject, problem)
    for i, line in enumerate(lines):
        yield ("  reproduce          " if i == 0 else " " * 21) + line


def _home(native):
    return f"{native.__module__.rpartition('.')[0] if 'torch.optim' in native.__module__ else 'torch.nn'}.{native.__name__}"


def _differences(actual, expected, native, where):
    """Each first element outside, in the trace's order: (where, yours, torch's, the bound)."""
    if isinstance(actual, Untold):
        return
    if isinstance(expected, Bounded):
        yield from _outside(actual, expected, native, where)
    elif isinstance(expected, dict):
        for key in expected:
            yield from _differences(actual.get(key), expected[key], native.get(key), (*where, key))
    elif isinstance(expected, list):
        for i, entry in enumerate(expected):
            yield from _differences(actual[i], entry, native[i], (*where, i))
    elif not np.array_equal(actual, expected, equal_nan=np.asarray(expected).dtype.kind == "f"):
        yield where, actual, expected, None


def _outside(actual, expected, native, where):
    a, n = (None if x is None else array(x) for x in (actual, native))
    if a is None or (a.dtype, a.shape) != (expected.dtype, expected.shape):
        yield where, "nothing" if a is None else f"{a.dtype}{list(a.shape)}", f"{expected.dtype}{list(expected.shape)}", None
        return
    bound = np.asarray(expected.error * SLACK)
    outside = ~(abs(a.astype(expected.format.wider) - expected.value) <= bound) & np.isfinite(bound)
    for i in np.argwhere(outside):
        i = tuple(map(int, i))
        yield (*where, f"element {list(i)}" if i else "the number"), a[i], n[i], bound[i]


def _place(where, problem):
    if isinstance(where[0], int):
        step, parameter, *rest = where
        of = len(problem.script)
        return ", ".join([f"step {step + 1} of {of}", f"parameter {parameter}", *[str(w) for w in rest if w != "parameter"]])
    return ", ".join(map(str, where))


def _told(problem):
    told = problem._asdict()
    if "script" in told:
        names = [f"w{i}={w.tolist()}" for i, w in enumerate(problem.params)]
        steps = [f"{line.old} lr={line.lr} g={[None if g is None else g.tolist() for g in line.grads]}" for line in problem.script]
        return " ".join([*names, *(f"options{i}={s}" for i, s in enumerate(problem.settings)), *steps])
    inputs = [f"{name}={np.asarray(a).tolist()}" for name, a in problem.inputs.items()]
    settings = [f"{k}={array(v).tolist() if isinstance(v, np.ndarray) else v!r}" for k, v in problem.settings.items()]
    return " ".join([*inputs, *settings, f"gradient from above={problem.dy.tolist()}"])


# ── why ─────────────────────────────────────────────────────────────────────────────────────────


def cause(subject, door, seen, dtype):
    """The planted bug that leaves the subject's trace on every problem on which it was seen to differ."""
    witnesses = seen[-WITNESSES:] + seen[:WITNESSES]
    for bug in bugs(subject.role):
        if all(_leaves(bug, door, problem, trace, dtype) for problem, trace in witnesses):
            return f"{bug.name.partition('_')[2].replace('_', ' ')} ({bug.source})"
    return None


def _leaves(bug, door, problem, trace, dtype):
    try:
        with np.errstate(all="ignore"):
            pair = variant(bug.concept, *bug.changes, file=bug.file).manual
            assert_same(trace, door.observe(Rung.MANUAL, pair, problem, lift=lambda x: bounded(x, dtype)))
    except Exception:
        return False
    return True


# ── how to see it again ─────────────────────────────────────────────────────────────────────────


def reproduction(subject, problem):
    """Lines to paste, where the subject is a class in torch's manner; else the command that shows it."""
    return [f"pytest --subject {subject.given}"]
