"""The matrix of platforms: a row says of every cell that the reference judges how it ended elsewhere, and the committed
table is what the committed rows say."""

import json
import subprocess
import sys

import pytest

from tests.platform.runs import PLATFORMS, RECORD, REFERENCE, ROOT, is_declared, is_green, row, table

ABOUT = {"torch": "2.13.0", "python": "3.11.7", "numpy": "2.4.6", "hypothesis": "6.170", "pytest": "9.2"}
ABOUT |= {"machine": "x86_64", "cpu capability": "AVX512"}


def report(**verdicts):
    """A report with one law, whose cells ended so."""
    results = [
        {"law": "a_law", "cell": cell, "verdict": word, "reason": reason} for cell, (word, reason) in verdicts.items()
    ]
    return {"commit": "0123456", "environment": ABOUT, "fingerprint": {}, "results": results}


HERE = report(
    one=("equal", None), two=("equal", None), three=("expected", "seen in torch 2.13"), four=("not run", "no device")
)
ELSEWHERE = {
    "judged alike": (HERE, {}),
    "mended there": (report(**dict.fromkeys(("one", "two", "three"), ("equal", None))), {}),
    "not run": (
        report(one=("not run", "another platform"), two=("equal", None), three=("expected", "seen in torch 2.13")),
        {"a_law[one]": "not run: another platform"},
    ),
    "demoted": (
        report(one=("expected", "seen in torch 2.13"), two=("equal", None), three=("expected", "seen in torch 2.13")),
        {"a_law[one]": "expected: seen in torch 2.13"},
    ),
    "not collected": (
        report(one=("equal", None), three=("expected", "seen in torch 2.13")),
        {"a_law[two]": "not collected"},
    ),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_a_row_names_every_cell_that_is_judged_otherwise(case):
    """A cell that the reference judges stands in the row with its cause, unless it ended alike or equal."""
    elsewhere, named = ELSEWHERE[case]
    assert row(REFERENCE, elsewhere, HERE)["otherwise"] == named


def test_the_committed_table_is_what_the_rows_say():
    """results/platforms.md is written from results/platforms.json, and every row of it is of a known platform."""
    rows = json.loads(RECORD.read_text(encoding="utf-8"))
    assert RECORD.with_suffix(".md").read_text(encoding="utf-8") == table(rows)
    assert {r["platform"] for r in rows} <= PLATFORMS.keys()


def test_every_row_is_green_and_judges_what_the_reference_judges():
    """No committed run of a declared torch has a difference, and each judges 98 % of what the reference judges."""
    rows = [r for r in json.loads(RECORD.read_text(encoding="utf-8")) if is_declared(r)]
    assert not [r["platform"] for r in rows if not is_green(r) or r["judged"] < 0.98 * r["asked"]]


def test_an_unknown_platform_is_one_clear_line():
    """A name that no platform has is answered in one line, with a non-zero exit."""
    command = [sys.executable, "-m", "tests.platform", "amiga"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"no platform 'amiga'; it is one of {', '.join(PLATFORMS)}\n"
