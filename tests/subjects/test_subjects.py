"""Subjects: a stranger's code is judged by the laws of its role, is told where it differs, and can do no harm."""

import functools
import pathlib
import re
import shutil
import subprocess
import sys
import types

import hypothesis
import numpy as np
import pytest

from tests import subjects, test_families
from tests.cells import ALL, DROP_IN, LADDERS, Cell, cells
from tests.families import entry
from tests.losses import test_losses
from tests.optim import test_optim
from tests.optim.trace import Line, Problem
from tests.planted import again
from tests.subjects import Subject, cell_of, isolated, judge, parse, report
from tests.subjects.__main__ import RIGHT
from tests.subjects.plugin import Judge, about_any_rung, roles
from tests.training import test_training

SAMPLES = pathlib.Path(__file__).parent / "samples"
HEADLINE = {  # where another law than that of agreement shows more
    "training.clip_grad_norm": test_training.test_a_gradient_that_is_listed_twice_counts_twice_and_is_scaled_twice,
}
AGREEMENT = test_families.test_rungs_leave_the_same_trace


@functools.cache
def subject(sample, role, name):
    """As it comes of a command line, where nobody doubts that its file can be loaded."""
    subjects.import_late(subjects.roles()[role])
    return Subject(role, SAMPLES / f"{sample}.py", name, f"{role}={sample}.py:{name}")


def verdict(subject, law=None, examples=16):
    """The outcome of a law, on a few examples that nobody shrinks."""
    law = law or HEADLINE.get(subject.role, AGREEMENT)
    phases, before = [hypothesis.Phase.generate], hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("few", max_examples=examples, phases=phases, database=None, derandomize=True)
    hypothesis.settings.load_profile("few")
    try:
        return judge(subject, again(law), Cell(subject.role, ALL, "float32"))
    finally:
        hypothesis.settings.load_profile(before)


# ── what is right passes ────────────────────────────────────────────────────────────────────────


TAKEN = [(role, "right", name) for role, names in RIGHT["right"].items() for name in names] + [
    (role, "textbook", name)  # in every form that a door takes
    for role, name in {
        "optim.lbfgs": "LBFGS",
        "init.xavier_uniform": "xavier_uniform",
        "init.dirac": "dirac",
        "training.clip_grad_norm": "clip_grad_norm",
        "training.ema": "ema",
        "training.swa": "swa",
        "training.averaged_model": "EMA",
        "data.concat_dataset": "Joined",
        "data.split": "split",
        "nn.sequential": "Chain",
        "autograd.jacobian": "jacobian",
        "schedules.lambda_lr": "lambda_lr",
        "schedules.reduce_lr_on_plateau": "plateau",
    }.items()
]


@pytest.mark.parametrize(("role", "sample", "name"), TAKEN)
def test_what_is_torchs_passes_whatever_its_shape(role, sample, name):
    """Torch's own classes, textbook forms in another order of operations, functions and arrays: all are equal."""
    assert verdict(subject(sample, role, name))[:2] == ("equal", None)


def test_who_computes_more_exactly_is_not_blamed():
    """After gradients of 0 and 1 Adam's 1 - β² has lost most of its digits: who computes it by expm1 is as right."""
    exact = cell_of(subject("right", "optim.adam", "ExactAdam"))._replace(dtype="float64")
    problem = Problem([np.zeros(1)], [{}], [Line(1.0, "drop", (np.array([g]),)) for g in (0.0, 1.0)])
    entry(exact).assert_agreement(exact, problem)


def test_bits_are_a_fact_beside_the_verdict():
    """Torch's own class has torch's bits, a textbook form has not, and both are equal."""
    torchs, textbook = subject("right", "optim.sgd", "SGD"), subject("right", "optim.adam", "TextbookAdam")
    assert isolated(lambda: report.bits(torchs, ["float32"])).told == "yes"
    assert isolated(lambda: report.bits(textbook, ["float32"])).told == "no"


def test_what_a_subject_lacks_is_not_run_by_name():
    """A law that asks for an option, a state or a gradient that a subject does not have is not run, and says which."""
    adam, value = subject("right", "optim.adam", "TextbookAdam"), subject("right", "losses.mse", "mse_value")
    assert verdict(adam, test_optim.test_rungs_take_the_same_step_from_any_state)[:2] == (
        "not run",
        "load_state_dict (absent)",
    )
    assert verdict(adam, test_optim.test_maximizing_is_stepping_on_the_negated_gradient)[:2] == (
        "not run",
        "maximize (absent)",
    )
    swapped = test_losses.test_an_error_does_not_know_which_side_is_the_target
    assert verdict(value, swapped)[:2] == ("not run", "gradient (absent)")
    bare, ignored = subject("right", "losses.cross_entropy", "bare_cross_entropy"), "ignore_index (absent)"
    assert verdict(bare, test_losses.test_an_ignored_row_might_as_well_not_be_there)[:2] == ("not run", ignored)
    assert verdict(bare, test_losses.test_one_row_alone_is_a_batch_of_one)[:2] == ("not run", "reduction (absent)")


# ── what is wrong is told what it is ────────────────────────────────────────────────────────────

WRONG = {  # and what it looks like
    ("optim.adam", "EpsilonHat"): "epsilon hat (tensorflow#9047",
    ("optim.adam", "NoDecay"): "no decay (kozistr/pytorch_optimizer#517",
    ("optim.sgd", "averaging_sgd"): "average instead of sum (ml-explore/mlx#87",
    ("losses.mse", "half_mse"): "half (the convention",
    ("losses.mse", "mse_of_rows"): "mean over rows (",
    ("schedules.step_lr", "Early"): "falls one step early (",
    ("data.loader", "last_dropped"): "always drops (",
    ("data.split", "unseeded_split"): "generator ignored (webdataset#347",
    ("init.xavier_uniform", "narrow_xavier"): "bound is the deviation (",
    ("training.clip_grad_norm", "clip_each"): "each tensor by its own norm (huggingface/transformers#614",
    ("training.ema", "slow_ema"): "decay weighs what is new (",
    ("schedules.reduce_lr_on_plateau", "impatient"): "one less patience (pytorch#2545",
    ("nn.sequential", "AlwaysTraining"): "always training (",
}
UNNAMED = [
    ("optim.adamw", "NoDecayByDefault"),
    ("losses.mse", "summed_mse"),
    ("optim.adam", "OneClock"),
    ("optim.asgd", "NeverAverages"),
    ("nn.linear", "Unbiased"),
    ("nn.relu", "TwiceTheGradient"),
    ("schedules.cosine_annealing_lr", "late_cosine"),
    ("data.concat_dataset", "FirstOfAll"),
    ("data.concat_dataset", "ListOfRow"),
    ("data.dataset", "FirstOfSome"),
    ("data.subset", "FirstAskedFor"),
    ("autograd.jacobian", "transposed"),
    ("optim.lbfgs", "Twice"),
]


@functools.cache
def reported(role, name):
    wrong = subject("wrong", role, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "PATIENCE", 0.5)
        return isolated(lambda: report.explain(wrong, ["float64"])).told


@pytest.mark.parametrize(("role", "name"), [*WRONG, *UNNAMED])
def test_what_is_wrong_is_told_what_it_looks_like(role, name):
    """A report names the subject and torch's class, the place, both values, the smallest input and the likely cause."""
    told = reported(role, name)
    assert told.startswith(f"wrong.{name} is not torch.")
    for part in ("first difference", "yours", "torch", "smallest input", "looks like", "reproduce"):
        assert re.search(rf"^  {part} +\S", told, re.MULTILINE), part
    assert WRONG.get((role, name), "") in told


def code_of(told):
    """The lines of a report that are to be pasted."""
    lines = told.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("  reproduce"))
    return "\n".join(line[21:] for line in lines[start:])


@functools.cache
def pasted():
    """What each reproduction prints, one after the other in one fresh process that knows nothing of us."""
    codes = [code_of(reported(*each)) for each in (*WRONG, *UNNAMED)]
    each = "torch.set_default_dtype(torch.float32)\n    exec(code, {})\n    print('----')"  # one of them has set it
    run = f"import sys, torch\nfor code in eval(sys.stdin.read()):\n    {each}"
    return subprocess.run(
        [sys.executable, "-c", run], input=repr(codes), capture_output=True, text=True, cwd=SAMPLES, timeout=300
    )


@pytest.mark.parametrize(("role", "name"), [*WRONG, *UNNAMED])
def test_a_reproduction_shows_the_difference_that_is_reported(role, name):
    """The lines of a report, pasted into a fresh process, print the two values that it gives, first the subject's."""
    printed = pasted().stdout.split("----\n")[[*WRONG, *UNNAMED].index((role, name))].splitlines()
    assert len(printed) == 2, pasted().stderr
    assert printed[0] != printed[1]
    for word, line in zip(("yours", "torch"), printed, strict=True):
        value = re.search(rf"^  {word} +(\S.*)$", reported(role, name), re.MULTILINE)[1]
        assert value in line or not re.fullmatch(r"[-+.e\d]+", value), line  # rows are printed in a form of their own


def test_a_reproduction_shows_what_is_written_into():
    """A reproduction prints the gradient that a subject which writes into it leaves, and torch's, as no parameter may
    show it."""
    writes = subject("hostile", "optim.sgd", "WritesTheGradient")
    code = code_of(isolated(lambda: report.explain(writes, ["float64"])).told)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=SAMPLES, timeout=300)
    assert printed.stdout == "[-2.0] [2.0]\n[-1.0] [1.0]\n", printed


def test_the_page_about_adamw_says_what_a_run_says(tmp_path):
    """Its AdamW has the report that it prints, and as it is mended is torch's."""
    page = (pathlib.Path(__file__).parents[2] / "docs" / "is-my-optimizer-torchs.md").read_text(encoding="utf-8")
    suspect, mend = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mine.py").write_text(suspect, encoding="utf-8")
    mine = parse("optim.adamw=mine.py:AdamW", tmp_path)
    assert (
        isolated(lambda: report.explain(mine, ["float64"])).told
        == re.search(r"```text\n(.*?)\n```", page, re.DOTALL)[1]
    )
    kept = suspect.splitlines(keepends=True)[: -mend.count("\n")]
    (tmp_path / "mended.py").write_text("".join(kept) + mend, encoding="utf-8")
    assert verdict(parse("optim.adamw=mended.py:AdamW", tmp_path))[:2] == ("equal", None)


def test_four_roundings_are_allowed_and_no_more():
    """Three ulps more than correct rounding are a rewriting; ten, more than product and constant may cost, are not."""
    law = test_families.test_rungs_leave_the_same_trace
    right, wrong = (verdict(subject(who, "nn.leaky_relu", "leaky_relu"), law, 100) for who in ("right", "wrong"))
    assert right[:2] == ("equal", None)
    assert "times what rounding allows" in str(wrong.told)


# ── what is hostile does no harm ────────────────────────────────────────────────────────────────

HOSTILE = {
    ("optim.sgd", "Raises"): r"hostile.py:\d+: ZeroDivisionError: not today",
    ("optim.sgd", "Hangs"): r"it did not return within \d+ s",
    ("optim.sgd", "Exits"): r"it ended the process \(exit code 3\)",
    ("optim.sgd", "Quits"): r"hostile.py:\d+: SystemExit: enough",
    ("optim.sgd", "Crashes"): r"it ended the process \(exit code -6\)",
    ("optim.sgd", "ChangesTheDtype"): "it changes torch's default dtype",
    ("optim.sgd", "ChangesTheThreads"): "it changes torch's number of threads",
    ("optim.sgd", "ChangesTheSeed"): "it changes torch's seed",
    ("optim.sgd", "DrawsFromPython"): "it changes the state of Python's generator",
    ("optim.sgd", "DrawsFromNumPy"): "it changes the state of NumPy's generator",
    ("optim.sgd", "WritesTheGradient"): "it writes into what it is given",
    ("optim.sgd", "Poisons"): "nan",
    ("optim.sgd", "Widens"): "float64.*expected float32",
    ("optim.sgd", "Reshapes"): "shape",
    ("losses.mse", "returns_none"): "it returns None",
    ("losses.mse", "returns_another_shape"): "shape",
    ("losses.mse", "returns_another_dtype"): "float16.*expected float32",
    ("losses.mse", "returns_nan"): "nan",
    ("losses.mse", "writes_its_input"): "it writes into what it is given",
    ("losses.mse", "gradient_of_another_shape"): "a gradient is",
}


@pytest.mark.parametrize(("role", "name"), HOSTILE)
def test_what_is_hostile_costs_one_verdict(monkeypatch, role, name):
    """Whatever a subject does, the verdict says it in one line, and the process that asked goes on."""
    monkeypatch.setattr(subjects, "LIMIT", 0.5 if name == "Hangs" else subjects.LIMIT)
    outcome = verdict(subject("hostile", role, name))
    assert outcome.word == "DIFFERENT"
    assert re.search(HOSTILE[role, name], outcome.told), outcome.told


def test_warnings_are_recorded_and_print_is_not_heard(capfd):
    """What a subject warns of is told beside the verdict, and what it prints is nobody's business."""
    outcome = verdict(subject("hostile", "optim.sgd", "Warns"))
    assert (outcome.word, outcome.warned) == ("equal", ("it is late",))
    assert verdict(subject("hostile", "optim.sgd", "Prints")).word == "equal"
    assert capfd.readouterr() == ("", "")


# ── the command line ────────────────────────────────────────────────────────────────────────────

REFUSED = {
    "optim.adamm=right.py:Adam": "no such role 'optim.adamm'; pytest --subjects lists them",
    "optim.adam=right.py": "it is written ROLE=FILE.py:NAME",
    "optim.adam=left.py:Adam": f"there is no file {SAMPLES / 'left.py'}",
    "optim.sgd=wrong.py:SGDW": "wrong.py has no 'SGDW'; it defines _Adam, EpsilonHat, NoCorrection",
}


@pytest.mark.parametrize("given", REFUSED)
def test_bad_input_is_answered_in_one_line(given):
    """A role, a file or a name that does not exist is answered by what there is."""
    with pytest.raises(pytest.UsageError) as refusal:
        parse(given, SAMPLES)
    assert str(refusal.value).startswith(f"--subject {given}: {REFUSED[given]}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("option", ["concept", "rung", "device"])
def test_a_slice_of_the_ladder_is_not_asked_of_a_subject(option):
    """An option that would leave its laws out is refused in one line, never ignored."""
    with pytest.raises(pytest.UsageError, match=f"--{option} with --subject: a subject has a role"):
        Judge(types.SimpleNamespace(getoption={option: ["any"]}.get))


def test_a_law_is_asked_of_a_subject_if_every_rung_must_hold_it():
    """Laws about drop-ins, about one rung, about native alone, and about what is drawn are not asked of a subject."""
    marks = [mark for law in (AGREEMENT, *HEADLINE.values()) for mark in law.pytestmark if mark.name == "cells"]
    assert all(map(about_any_rung, marks))
    for rungs in (DROP_IN, DROP_IN[1:], ALL[:2]):
        assert not about_any_rung(cells("optim", rungs=rungs).mark)
    assert not about_any_rung(cells("optim", of_tables=True).mark)


def test_every_role_says_what_it_needs():
    """--subjects lists every role, what it needs, and what is optional; and why each other concept has none."""
    listed = "\n".join(roles())
    assert set(re.findall(r"^(\S+)\n", listed, re.MULTILINE)) == set(LADDERS)
    for role in RIGHT["right"]:
        assert re.search(rf"^{role}\n    needs +\S.*\n    optional +\S", listed, re.MULTILINE), role


NOT_ASKED = [
    "5 × a law of custom and native alone",
    "4 × a law about what the suite draws",
    "1 × a law of manual and raw alone",
]


def test_a_subject_is_judged_from_another_repository(tmp_path):
    """From a directory with tests of its own, expected failures are strict and stale ones told, and nothing is left."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    shutil.copy(SAMPLES / "wrong.py", tmp_path / "tests" / "mine.py")
    known = 'test_batches_are_the_sampler_cut_into_equal_pieces = "rows repeat"\ntest_of_nothing = "never"\n'
    (tmp_path / "mine.toml").write_text(known, encoding="utf-8")
    root = pathlib.Path(__file__).parents[2]
    laws = [str(root / "tests" / chapter) for chapter in ("data/test_data.py", "test_families.py")]
    plain = "--assert=plain"  # to rewrite asserts takes longer than the laws
    command = [sys.executable, "-m", "pytest", *laws, plain, "-c", str(root / "pyproject.toml")]
    asked = ["--subject", "data.batch_sampler=tests/mine.py:repeated", "--expected-failures", "mine.toml"]
    done = subprocess.run([*command, *asked], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "1 equal · 1 DIFFERENT · 0 inconclusive · 1 expected · 10 not run" in done.stdout
    for left_out in NOT_ASKED:
        assert f"not run: {left_out}" in done.stdout
    assert "mine.repeated is not torch.utils.data.BatchSampler" in done.stdout
    assert "stale: test_of_nothing is expected to fail and was not asked" in done.stdout
    assert "Traceback" not in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.toml", "tests"]
