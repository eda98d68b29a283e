"""python -m tests.subjects.diagnosis [--every N]: planted bugs as subjects, and whether their reports name them.

A planted bug becomes a stranger's file: the file of its concept with the change made, and the rung that it is in, in a
shape that a stranger's would have.  Where that is wrong in what a subject shows, its report is to name the cause.
Right is the bug itself; or one that leaves the same trace on problems that neither was chosen by.
"""

import argparse
import collections
import importlib
import json
import pathlib
import sys
import tempfile
from typing import NamedTuple

import hypothesis

from tests import subjects
from tests.cells import LADDERS
from tests.engine.verdict import versions
from tests.planted import bugs, prepare
from tests.planted.causes import QUIET, cause, rung_of, shows
from tests.subjects import Subject, cell_of, isolated
from tests.subjects.report import Search
from tests.variants import source_of

RESULTS = pathlib.Path(__file__).parents[2] / "results" / "diagnosis.json"
FRESH = 30  # problems on which a named bug has to be the planted one

OPTIMIZER_OF_ARRAYS = """
def subject(lr, **options):
    def update(g, state, w):
        new, state = {rung}(w, g, state or State(), lr=lr, **options)
        return new - w, state

    return lambda w: None, update
"""
OPTIMIZER_OF_TENSORS = """
class subject:
    def __init__(self, params, lr=None, **options):
        self.params, self.lr, self.options, self.state = list(params), lr, options, {{}}

    def step(self):
        {rung}(self.params, self.state, lr=self.lr, **self.options)
"""
LAYER_OF_ARRAYS = """
class subject:
    def __init__(self, **settings):
        self.settings = settings

    def forward(self, *inputs):
        self.needs = tuple(x.dtype.kind == "f" for x in inputs)
        y, self.saved = {rung}.forward(*inputs, **self.settings)
        return y

    def backward(self, dy):
        return {rung}.backward(dy, self.saved, self.needs)
"""
RATE = """
def subject(initial_lr, **settings):
    return lambda t: {rung}(t, initial_lr, **settings)
"""
INITIAL_ARRAYS = """
def subject(shape, *given, generator=None, **settings):
    from tests.rng.trace import generator_of, state_of

    generator, dtype = generator or torch.default_generator, str(torch.get_default_dtype()).removeprefix("torch.")
    w, state = {rung}(state_of(generator), shape, *given, dtype=np.dtype(dtype).type, **settings)
    generator.set_state(generator_of(state, generator.initial_seed()).get_state())
    return w
"""
INITIAL_TENSORS = """
def subject(shape, *given, generator=None, **settings):
    generator = generator or torch.default_generator
    return {rung}(generator, shape, *given, dtype=torch.get_default_dtype(), **settings)[0]
"""
SIGNED = """
import inspect

given = inspect.signature({rung}).parameters.values()
subject.__signature__ = inspect.Signature([p for p in given if p.kind is p.KEYWORD_ONLY])
"""
SHAPES = {  # in which a rung of a family is handed over; custom is taken as it is
    ("optim", "manual"): OPTIMIZER_OF_ARRAYS + SIGNED,
    ("optim", "raw"): OPTIMIZER_OF_TENSORS + SIGNED,
    ("losses", "manual"): LAYER_OF_ARRAYS + SIGNED.replace("{rung}", "{rung}.forward"),
    ("nn", "manual"): LAYER_OF_ARRAYS + SIGNED.replace("{rung}", "{rung}.forward"),
    ("losses", "raw"): "subject = {rung}",
    ("nn", "raw"): "subject = {rung}",
    ("schedules", "manual"): RATE,
    ("init", "manual"): INITIAL_ARRAYS,
    ("init", "raw"): INITIAL_TENSORS,
    ("training", "manual"): "subject = {rung}",
    ("training", "raw"): "subject = {rung}",
    **{(family, "custom"): "subject = {rung}" for family in ("optim", "losses", "schedules", "data")},
    **{(family, "custom"): "subject = {rung}" for family in ("init", "training")},
}


class Told(NamedTuple):
    bug: str
    named: str | None  # the bug that the report names
    word: str  # "itself", "equivalent", "another", "nothing"; or "equal" and "no shape", which are no wrong subjects


def written(concept, rung, changes, path):
    """A rung, with changes, as a stranger's file."""
    text, impl = source_of(concept), getattr(LADDERS[concept], rung)
    for old, new in changes:
        text = text.replace(old, new)
    name = next(n for n, v in vars(importlib.import_module(f"impls.{concept}")).items() if v is impl)
    path.write_text(text + SHAPES[concept.partition(".")[0], rung].format(rung=name), encoding="utf-8")
    return Subject(concept, path, "subject", f"{concept}={path.name}:subject")


def diagnosed(bug, subject):
    """What the report of a bug says that it looks like, as (named, word)."""
    search = Search(subject, cell_of(subject), "float64")
    if search.find() is None:
        return None, "equal"
    named = cause(search)
    if named is None:
        return None, "nothing"
    if named == bug:
        return named.name, "itself"
    return named.name, "equivalent" if shows(named, search, fresh(search)) else "another"


def fresh(search):
    """Problems that the search has not seen, each with the trace of the subject."""
    found = []

    @hypothesis.seed(2)
    @hypothesis.settings(QUIET, max_examples=FRESH, derandomize=False, phases=[hypothesis.Phase.generate])
    @hypothesis.given(search.strategies[-1])
    def draw(problem):
        found.append((problem, search.trace(problem)))

    draw()
    return found


def candidates(every):
    """Planted bugs of roles, in files of their own, of which each n-th of a concept is taken."""
    roles, of = subjects.roles(), collections.defaultdict(list)
    for bug in bugs():
        if bug.concept in roles and bug.file is None and (bug.concept.partition(".")[0], rung_of(bug)) in SHAPES:
            of[bug.concept].append(bug)
    return [bug for group in of.values() for bug in group[::every]]


def told_of(chosen, directory):
    """What is told of each bug; first of the sound rung in that shape, which has to be torch's for it to count."""
    fits = {}
    for bug in chosen:
        where = bug.concept, rung_of(bug)
        if where not in fits:
            right = written(*where, (), directory / f"{'_'.join(where).replace('.', '_')}.py")
            fits[where] = isolated(lambda: diagnosed(None, right)).told == (None, "equal")
        if not fits[where]:
            yield Told(bug.name, None, "no shape")
            continue
        subject = written(*where, bug.changes, directory / f"{bug.name}.py")
        outcome = isolated(lambda: diagnosed(bug, subject))
        yield Told(bug.name, *(outcome.told if outcome.word == "equal" else (None, "nothing")))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.subjects.diagnosis", description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each n-th bug of a concept alone (1)")
    parser.add_argument("names", nargs="*", metavar="CONCEPT", help="of these concepts alone, which writes no results")
    options = parser.parse_args()
    prepare()
    chosen, told = [b for b in candidates(options.every) if not options.names or b.concept in options.names], []
    with tempfile.TemporaryDirectory() as directory:
        for each in told_of(chosen, pathlib.Path(directory)):
            told.append(each)
            print(f"{each.bug:46} {each.word:12} {each.named or ''}", flush=True)
            if not options.names:
                RESULTS.write_text(json.dumps(result(told, options.every), indent=1) + "\n", encoding="utf-8")
    print("{right} of {wrong} causes are right".format(**result(told, options.every)))
    return 0


def result(told, every):
    count = collections.Counter(each.word for each in told)
    return {
        "command": f"python -m tests.subjects.diagnosis --every {every}",
        "versions": versions(),
        "right": count["itself"] + count["equivalent"],
        "wrong": sum(count[word] for word in ("itself", "equivalent", "another", "nothing")),
        "words": dict(count),
        "bugs": [each._asdict() for each in told],
    }


if __name__ == "__main__":
    sys.exit(main())
