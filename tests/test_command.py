"""The command line: a slice is what was asked for, what is left out is listed, and a wrong value is one clear line."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def run(*arguments):
    """Run pytest on the project in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


WRONG = {
    "--concept optim.adma": "did you mean optim.adam?",
    "--concept adam": "did you mean optim.adam?",
    "--rung scratch": "manual, raw, custom, native",
    "--device gpu": "did you mean cpu?",
    "--dtype float16": "did you mean float",
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda a: a.lstrip("-").replace(" ", "-"))
def test_a_wrong_value_is_one_clear_line(arguments):
    """A value that an option does not have is answered in one line that says which it has, with a non-zero exit."""
    done = run(*arguments.split())
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(said) == 1, said
    assert WRONG[arguments] in said[0]


def test_a_concept_is_exactly_that_concept():
    """--concept optim.adam collects the cells of optim.adam and of no other concept."""
    ids = [line for line in run("--collect-only", "--concept", "optim.adam").stdout.splitlines() if "[" in line]
    assert ids
    assert all("[optim.adam-" in line for line in ids)


def test_ids_have_neither_spaces_nor_equals_signs():
    """Every id can be pasted into a shell."""
    ids = [line for line in run("--collect-only").stdout.splitlines() if "::" in line]
    assert ids
    assert not [line for line in ids if " " in line or "=" in line]


def test_the_specification_is_the_laws():
    """--spec prints each chapter's thesis and each law's statement as Markdown, and runs nothing."""
    done = run("--spec", "tests/test_optim.py")
    assert done.returncode == 0
    assert "## Optimizers: each is one map" in done.stdout
    assert "- With lr = 0 at every step no parameter ever moves." in done.stdout
    assert "passed" not in done.stdout


def test_what_a_slice_leaves_out_is_listed():
    """What --rung, --dtype and --device leave out is counted in the verdict with its reason."""
    done = run("tests/test_optim.py", "--concept", "optim.sgd", "--rung", "custom", "--dtype", "float64", "-k", "same_trace")
    assert done.returncode == 0, done.stdout
    for reason in ("--rung custom", "--dtype float64", "--concept optim.sgd"):
        assert f"× {reason}" in done.stdout


def test_the_report_holds_every_cell_with_its_reason(tmp_path):
    """--report writes the verdict of every cell as JSON and Markdown, with versions and no host name."""
    run("tests/test_optim.py", "--concept", "optim.sgd", "-k", "zero_learning_rate", "--report", str(tmp_path))
    report = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    verdicts = {r["cell"]: r["verdict"] for r in report["results"]}
    assert verdicts["optim.sgd-manual-raw-custom-native-float64-cpu"] == "equal"
    assert all(r["reason"] for r in report["results"] if r["verdict"] == "not run")
    assert {"torch", "numpy", "python"} <= report["environment"].keys()
    assert "optim.sgd-manual-raw-custom-native-float64-cpu" in (tmp_path / "summary.md").read_text(encoding="utf-8")
