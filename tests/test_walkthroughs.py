"""The whole runs: what a source document prints is reproduced as it prints it, and every rung learns."""

import subprocess
import sys

from impls.walkthroughs import __main__ as command
from impls.walkthroughs import digits, regression


def test_every_number_that_the_document_prints_is_reproduced():
    """Document 002's numbers come out of every rung, to the last digit it prints."""
    assert [(what, printed) for what, printed, found in regression.run(lambda line: None) if printed != found] == []


def test_every_rung_learns_the_digits_from_one_seed():
    """From one integer all rungs start alike, and after 40 epochs each has at least 95 % of the 360 rows right."""
    results = list(digits.run(lambda line: None))
    assert len({r.first for r in results}) == 1
    assert {r.rung: r.test.correct for r in results if r.test.correct < digits.ENOUGH} == {}
    assert {r.test.rows for r in results} == {360}


def test_the_command_runs_and_says_so():
    """`python -m impls.walkthroughs regression` prints what it reproduced and exits with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "impls.walkthroughs", "regression"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reproduced") >= 11


def test_a_number_that_is_not_reproduced_is_an_error(monkeypatch, capsys):
    """When a printed number does not come out, the command names it and exits with 1."""
    monkeypatch.setattr(regression, "LR", 0.2)
    monkeypatch.setattr(regression, "EPOCHS", 100)
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "regression"])
    assert command.main() == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_a_rung_that_does_not_learn_is_an_error(monkeypatch, capsys):
    """When a rung stays below 95 % the command exits with 1."""
    monkeypatch.setattr(digits, "ENOUGH", 360)
    monkeypatch.setattr(digits, "EPOCHS", 1)
    monkeypatch.setattr(digits.run, "__defaults__", (print, 1))
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "digits"])
    assert command.main() == 1
    assert "NOT as it should be" in capsys.readouterr().out


def test_an_unknown_name_is_one_clear_line():
    """An unknown walkthrough is answered in one line, with a non-zero exit."""
    done = subprocess.run(
        [sys.executable, "-m", "impls.walkthroughs", "nope"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nope" in done.stderr
