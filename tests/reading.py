"""python -m tests.reading: how much is read to understand one failing law, and how long the suite's functions are.

A law is called once for a concept, and every function of the suite that it enters is noted.  What compares numbers
(tests/engine) knows no concept and is used like a library: its files are counted apart.
"""

import ast
import collections
import pathlib
import statistics
import sys

import hypothesis

from tests.cells import expand
from tests.families import family_of
from tests.planted import again, law_of, prepare

HERE = pathlib.Path(__file__).parent
JUDGE = HERE / "planted" / "__init__.py"  # it calls the law here, and pytest does elsewhere
AGREEMENT = "test_families.test_rungs_leave_the_same_trace"
CONCEPTS = ("optim.sgd", "nn.linear", "losses.mse", "data.loader", "schedules.step_lr")


def entered(name, concept):
    """The functions of the suite on the path of a law, by the file they stand in."""
    law, found = law_of(name), collections.defaultdict(set)
    cell = next(c for mark in law.pytestmark if mark.name == "cells" for c in expand(mark) if c.concept == concept)

    def note(frame, event, _):
        path = pathlib.Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(HERE) and path != JUDGE:
            found[path.relative_to(HERE).as_posix()].add(frame.f_code.co_qualname)

    once = hypothesis.settings(max_examples=1, derandomize=True, database=None, phases=[hypothesis.Phase.generate])
    sys.setprofile(note)
    try:
        once(again(law))(cell=cell)
    finally:
        sys.setprofile(None)
    return dict(found)


def lengths(is_test):
    """How many lines each function of the suite has, without its docstring: laws, or all others."""
    for path in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") == is_test:
                body = node.body[1:] if ast.get_docstring(node) else node.body
                yield body[-1].end_lineno - body[0].lineno + 1 if body else 0


def main():
    prepare()
    for concept in CONCEPTS:
        found = entered(family_of(concept).judged_by.get(concept, AGREEMENT), concept)
        own = sorted(file for file in found if not file.startswith("engine/"))
        print(f"{concept}: {len(own)} files, and {len(found) - len(own)} of the engine: {', '.join(own)}")
    print(f"a law has {statistics.median(lengths(True))} lines at the median, and its docstring")
    print(f"a function of the suite has {statistics.median(lengths(False))} lines at the median")


if __name__ == "__main__":
    main()
