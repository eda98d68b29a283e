"""Causes: a rung that leaves another trace than the formula is told which planted bug it looks like."""

import pathlib
import re
import subprocess
import sys

import pytest

from tests.cells import ALL, LADDERS, Cell
from tests.engine import Different
from tests.planted import again, bugs
from tests.planted.causes import looks_like
from tests.test_families import test_rungs_leave_the_same_trace as agreement
from tests.variants import planted

DENOMINATOR = 'v.sqrt().div_((1 - beta2**t) ** 0.5).add_(group["eps"])'  # of the custom rung, which has no such bug
HAT = 'v.sqrt().add_(group["eps"]).div_((1 - beta2**t) ** 0.5)'


def told_of(concept, *changes):
    """What a concept with changes made looks like, where the law of agreement fails."""
    with planted(concept, *changes):
        with pytest.raises(Different) as complaint:
            again(agreement, seed=0)(cell=Cell(concept, ALL, "float64"))
        return looks_like(*complaint.value.about)


def test_a_wrong_rung_looks_like_the_planted_bug_that_leaves_its_trace():
    """A custom rung that is wrong as a formula with a planted bug is, in operations of its own, is told that bug; and
    what was planted to find out is planted no more."""
    before = dict(LADDERS)
    assert told_of("optim.adam", (DENOMINATOR, HAT)).startswith("looks like: epsilon hat (tensorflow#9047, ")
    assert before == LADDERS


def test_what_looks_like_no_planted_bug_is_told_so():
    """A rung that is wrong as nothing that is planted here is told so."""
    told = told_of("optim.sgd", ("p -= lr * g\n", "p -= 7 * lr * g\n"))
    assert told == "looks like nothing that is planted here"


PLANT = """
import sys
import pytest

class Plant:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self):
        from tests.planted import bugs
        from tests.variants import planted

        (bug,) = bugs(sys.argv[1])
        with planted(bug.concept, *bug.changes):
            return (yield)

sys.exit(pytest.main(sys.argv[2:], plugins=[Plant()]))
"""
ONE = ["-q", "-n0", "-p", "no:cacheprovider", "--concept", "optim.sgd", "--dtype", "float64", "tests/test_families.py"]


def test_an_ordinary_failure_names_the_planted_bug_and_shows_the_law_alone():
    """Where a planted bug stands, the failure of `pytest` says the place, and in its last line what it looks like; it
    has no line of ours but the law's."""
    (bug,) = bugs("sgd_average_instead_of_sum")
    command = [sys.executable, "-c", PLANT, bug.name, *ONE, "-k", agreement.__name__]
    done = subprocess.run(command, capture_output=True, text=True, cwd=pathlib.Path(__file__).parents[2], timeout=300)
    told = [line.removeprefix("E").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    assert re.search(r"Different: optim\.sgd raw, step \d, parameter \d, [a-z_ ]+\[", told[0]), done.stdout + done.stderr
    assert told[-1] == f"looks like: average instead of sum ({bug.source}), a planted bug of optim.sgd"
    assert set(re.findall(r"\b\w+\.py\b", done.stdout)) == {"test_families.py"}
