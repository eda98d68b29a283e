"""The command line: a slice is what was asked for, what is left out is listed, and a wrong value is one clear line."""

import json
import pathlib
import re
import subprocess
import sys
import types

import pytest

from conftest import _in_one_word, check_choice
from impls.walkthroughs import digits, regression
from tests import cells
from tests.engine.verdict import Verdict, _result

ROOT = pathlib.Path(__file__).parents[1]


def run(*arguments):
    """Run pytest on the project in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


LINES = {
    ("--concept", "optim.sdg"): "no such concept; did you mean optim.sgd?",
    ("--hypothesis-profile", "nope"): "no such profile; it is one of dev, ci, nightly, quick",
    ("--report", __file__): "File exists",
    ("--expected-failures", "known.toml"): "it is about a --subject, and none is given",
}


@pytest.mark.parametrize(("option", "value"), LINES, ids=lambda each: each.strip("-").partition("/")[0])
def test_a_wrong_value_is_one_clear_line(option, value):
    """A value that an option does not have is answered in one line, with a non-zero exit."""
    done = run(option, value)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert said == [f"ERROR: {option} {value}: {LINES[option, value]}"]
    assert done.returncode == pytest.ExitCode.USAGE_ERROR


WRONG = {
    ("concept", "adam"): "no such concept; did you mean optim.adam?",
    ("rung", "scratch"): "no such rung; it is one of manual, raw, custom, native",
    ("concept", "nope"): "no such concept; it has a file's name: impls/optim/adam.py is optim.adam",
    ("dtype", "float16"): "no such dtype; it is one of float64, float32",
    ("device", "gpu"): "no such device; it is one of cpu, cuda",
}


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_a_wrong_value_is_told_what_there_is(option, value):
    """The line says which value was meant, or which there are."""
    with pytest.raises(pytest.UsageError) as refusal:
        check_choice(option, value)
    assert str(refusal.value) == f"--{option} {value}: {WRONG[option, value]}"


def test_the_readme_shows_the_code_and_the_output_that_there_are():
    """What README does not shorten of a concept stands in the file, and its walkthroughs have their titles."""
    readme, file = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "impls/optim/sgd.py"))
    shown = readme.partition("```python\n")[2].partition("```")[0]
    assert not [line for line in shown.splitlines() if "..." not in line and line.strip() not in file]
    for name, walk in (("regression", regression), ("digits", digits)):
        assert f"\n{name}: {walk.__doc__.splitlines()[0]}\n" in readme


def test_a_report_may_go_into_a_directory_that_is_there(tmp_path):
    """The processes of a whole run read --report DIR as one word, so that DIR is not taken for what is to be run."""
    assert _in_one_word(["-q", "--report", str(tmp_path), "tests"]) == ("-q", f"--report={tmp_path}", "tests")


def test_a_concept_is_exactly_that_concept():
    """--concept optim.adam collects the cells of optim.adam and of no other concept."""
    ids = [line for line in run("--collect-only", "--concept", "optim.adam").stdout.splitlines() if "[" in line]
    assert ids
    assert all("[optim.adam-" in line for line in ids)


def test_ids_have_neither_spaces_nor_equals_signs(request):
    """Every id can be pasted into a shell."""
    assert not [item.nodeid for item in request.session.items if " " in item.nodeid or "=" in item.nodeid]


def test_the_specification_is_the_laws():
    """--spec prints each chapter's thesis, and each law's name and statement, as Markdown and nothing else."""
    done = run("--spec", "tests/optim/test_optim.py")
    assert done.returncode == 0
    assert done.stdout.startswith("## Optimizers: each is one map")
    assert "- **a zero learning rate moves nothing.** With lr = 0 at every step no parameter ever moves." in done.stdout
    assert [line for line in done.stdout.splitlines()[1:] if line and not line.startswith("- **")] == []


def test_quick_is_agreement_and_bits():
    """--quick asks the laws of agreement and of bits alone, and says how many others it leaves out."""
    done = run("--quick", "--concept", "nn.relu", "--concept", "nn.module")
    assert done.returncode == 0, done.stdout
    assert "profile quick" in done.stdout
    assert re.search(r"not run: \d+ × --quick: other laws", done.stdout)
    assert re.search(r"\b[1-9]\d* equal · 0 DIFFERENT", done.stdout), done.stdout


def test_the_verdict_lists_what_a_slice_leaves_out_and_the_report_holds_it(tmp_path):
    """What --rung, --dtype and --concept leave out is counted with its reason, on the terminal and in the report."""
    slice_ = ["--concept", "optim.sgd", "--rung", "custom", "--dtype", "float64", "-k", "zero_learning_rate"]
    done = run("tests/optim/test_optim.py", *slice_, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    for reason in ("--rung custom", "--dtype float64", "--concept optim.sgd"):
        assert f"× {reason}" in done.stdout
        assert report["left_out"][reason] > 0
    verdicts = {r["cell"]: r["verdict"] for r in report["results"]}
    assert verdicts["optim.sgd-custom-float64-cpu"] == "equal"
    assert all(r["reason"] for r in report["results"] if r["verdict"] == "not run")
    assert {"torch", "numpy", "python"} <= report["environment"].keys()
    assert report["fingerprint"]
    assert "optim.sgd-custom-float64-cpu" in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("torch", "mended", "is_expected", "is_strict"),
    [
        ((2, 13), (2, 14), True, True),
        ((2, 14), (2, 14), False, True),
        ((2, 16), (2, 14), False, True),
        ((2, 15), None, True, True),
        ((2, 16), None, True, False),
    ],
)
def test_a_failure_is_expected_where_it_was_seen(monkeypatch, torch, mended, is_expected, is_strict):
    """An expected failure must come in the versions in which it was seen, must not since it was mended, and may in one
    that is new."""
    monkeypatch.setattr(cells, "TORCH", torch)
    mark = cells.torch_bug("it is wrong", mended=mended).mark
    assert (mark.args, mark.kwargs["strict"]) == ((is_expected,), is_strict)
    seen = "2.11 to 2.13" if mended else "2.11 to 2.15"
    assert mark.kwargs["reason"] == f"seen in torch {seen}: it is wrong"


def test_a_failure_that_was_expected_and_did_not_come_is_told(request):
    """A law that passes where it was expected to fail is equal, and the verdict says that it is mended."""
    passed = types.SimpleNamespace(wasxfail="seen in torch 2.11", skipped=False, failed=False)
    verdict = Verdict(request.config)
    verdict.results = [_result(request.node, types.SimpleNamespace(excinfo=None), passed)]
    assert list(verdict.lines())[:2] == [
        "1 equal · 0 DIFFERENT · 0 inconclusive · 0 expected · 0 not run",
        "mended: 1 × seen in torch 2.11",
    ]
