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
INSIDE = 'v.div(1 - beta2**t).add_(group["eps"]).sqrt_()'


def told_of(concept, *changes):
    """What a concept with changes made looks like, where the law of agreement fails."""
    with planted(concept, *changes):
        with pytest.raises(Different) as complaint:
            again(agreement, seed=0)(cell=Cell(concept, ALL, "float64"))
        return looks_like(*complaint.value.about)


@pytest.mark.parametrize(
    ("wrong", "looks"),
    [
        pytest.param(HAT, ": epsilon hat (tensorflow#9047, ", id="epsilon-hat"),
        pytest.param(INSIDE, ": eps inside the root (keras-team/keras#17391), ", id="eps-inside-the-root"),
        pytest.param(f"{DENOMINATOR}.mul_(7)", " nothing that is planted here", id="nothing"),
    ],
)
def test_a_wrong_rung_looks_like_the_planted_bug_that_leaves_its_trace(wrong, looks):
    """A custom rung that is wrong as a formula with a planted bug is, in operations of its own, is told that bug; one
    that is wrong as none is told so."""
    assert told_of("optim.adam", (DENOMINATOR, wrong)).startswith(f"looks like{looks}")


@pytest.mark.parametrize("name", ["adam_no_decay", "adam_eps_inside_the_root", "sgd_average_instead_of_sum"])
def test_a_planted_bug_looks_like_itself(name):
    """A bug that is planted, after which its text stands no more, is named: with it undone nothing differs."""
    (bug,) = bugs(name)
    assert told_of(bug.concept, *bug.changes).endswith(f"({bug.source}), a planted bug of {bug.concept}")


def test_a_cause_is_looked_for_and_nothing_is_left_changed():
    """What was looked for is planted no more: the ladders are those of before."""
    before = dict(LADDERS)
    told_of("optim.adam", (DENOMINATOR, HAT))
    assert before == LADDERS


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
