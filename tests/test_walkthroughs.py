"""The source documents: each runs, from its first listing to its last, every stage takes the step of the one above it,
and what a document prints is reproduced as it prints it."""

import functools
import pathlib
import subprocess
import sys

import pytest
import torch

from impls import custom, native
from impls.walkthroughs import __main__ as command
from impls.walkthroughs import bare_loop, derivatives, digits, regression
from impls.walkthroughs.pages import page
from impls.walkthroughs.stages import images, run, same_bits, same_task
from tests.walkthroughs import share

DOCS = pathlib.Path(__file__).parents[1] / "docs" / "walkthroughs"
COUNT = 150  # steps of each stage: all of the classifiers', the beginning of the others'

STAGES = [(name, line, s) for name, module in command.DOCUMENTS.items() for line in module.LINES for s in line.stages]


def is_first(line, stage):
    return stage is line.stages[0]


def stages(chosen=lambda line, stage: True):
    """Those stages of all documents that are chosen."""
    params = [pytest.param(*row, id=f"{row[0]}-{row[2].__name__}") for row in STAGES if chosen(*row[1:])]
    return pytest.mark.parametrize(("name", "line", "stage"), params)


ERRATA = [
    pytest.param(erratum, id=f"{name}-{erratum.show.__name__}")
    for name, module in command.DOCUMENTS.items()
    for erratum in module.ERRATA
]


@functools.cache
def ran(name, stage, library):
    return run(stage, library, command.DOCUMENTS[name].data(), COUNT)


# ── stages ──────────────────────────────────────────────────────────────────────────────────────


@stages(lambda line, stage: not is_first(line, stage))
def test_a_stage_takes_the_step_of_the_stage_above(name, line, stage):
    """Neighbours start alike, see the same batches, and never differ in a bit unless the stage says why it rounds."""
    above, found = ran(name, line.stages[line.stages.index(stage) - 1], native), ran(name, stage, native)
    assert same_task(above, found)
    assert same_bits(above, found) or stage in line.rounds


@stages(lambda line, stage: line.formula and (is_first(line, stage) or stage in line.rounds))
def test_every_step_of_a_stage_is_certified(name, line, stage):
    """Each step is the formula's from where the stage stands; a stage not listed here has the bits of the one above."""
    share(line.formula, ran(name, stage, native))


@stages()
def test_a_stage_runs_on_our_objects_as_on_torchs(name, line, stage):  # noqa: ARG001 (stages are of lines)
    """Handed the custom library instead of torch's, no stage differs in one bit."""
    assert same_bits(ran(name, stage, custom), ran(name, stage, native))


def test_a_step_that_is_not_the_documents_is_noticed():
    """A run that leaves out a step is not certified, and is not its neighbour's."""
    (line,) = derivatives.LINES
    found = ran("derivatives", line.stages[0], native)
    wrong = found._replace(steps=found.steps[1:])
    with pytest.raises(AssertionError, match="step 1"):
        share(line.formula, wrong)
    assert not same_task(found, wrong)


# ── what is printed ─────────────────────────────────────────────────────────────────────────────


def test_every_number_that_the_document_prints_is_reproduced_or_explained():
    """Document 002's numbers come out of every rung, to the last digit it prints; of the others it is said why not."""
    numbers = list(regression.run(lambda line: None))
    assert [n for n in numbers if not n.because and n.printed != n.found] == []
    assert {n.printed for n in numbers if n.because} == {*regression.UNSEEDED.values(), "[0.6226] [1.4505]"}


@pytest.mark.parametrize("erratum", ERRATA)
def test_a_listing_fails_as_is_said(erratum):
    """What a document prints, or shows to fail, does what the page says of it."""
    assert erratum.show() == erratum.fails


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_tensor_on_the_gpu_is_no_array():
    """numpy() of a CUDA tensor is refused: it has to be brought to the host first."""
    with pytest.raises(TypeError, match="Use Tensor.cpu"):
        torch.ones(1, device="cuda").numpy()


@pytest.mark.parametrize("erratum", ERRATA)
def test_an_erratum_is_mended_by_a_stage(erratum):
    """Each erratum names a stage that mends it, or says that there is nothing to mend."""
    names = {stage.__name__ for _, _, stage in STAGES}
    assert names & set(erratum.mended.replace(":", " ").replace(",", " ").split()) or "there is none" in erratum.mended


@pytest.mark.parametrize("name", command.DOCUMENTS)
def test_the_page_of_a_document_is_current(name):
    """docs/walkthroughs says what the code says: `python -m impls.walkthroughs --pages docs/walkthroughs` writes it."""
    if "MNIST" in images().what.partition(":")[0]:
        pytest.skip("the pages are of the digits")
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == page(name, command.DOCUMENTS[name])


# ── whole runs, and the command ─────────────────────────────────────────────────────────────────


def test_every_rung_learns_the_digits_from_one_seed():
    """From one integer all rungs start alike, and after 40 epochs each has at least 95 % of the 360 rows right."""
    results = list(digits.run(lambda line: None))
    assert len({r.first for r in results}) == 1
    assert {r.rung: r.test.correct for r in results if r.test.correct < digits.ENOUGH} == {}
    assert {r.test.rows for r in results} == {360}


def walk(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "impls.walkthroughs", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=DOCS.parents[1],
    )


def test_the_command_runs_and_draws_what_it_ran(tmp_path):
    """`python -m impls.walkthroughs derivatives --plot` tells of each stage, draws its loss and exits with 0."""
    done = walk("derivatives", "--plot", str(tmp_path / "loss.png"))
    assert done.returncode == 0, done.stderr
    assert "all as it should be" in done.stdout
    assert (tmp_path / "loss.png").stat().st_size


WRONG = {
    "an-unknown-name": ["nope"],
    "a-stage-that-is-not-there": ["versions", "--stage", "5"],
    "a-stage-of-nothing": ["--stage", "1"],
    "stages-of-digits": ["digits", "--stage", "1"],
    "an-unknown-device": ["versions", "--device", "tpu"],
    "a-picture-of-no-kind": ["versions", "--plot", "loss.txt"],
    "a-picture-nowhere": ["versions", "--plot", "nowhere/loss.png"],
    "pages-in-a-file": ["--pages", __file__],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_one_clear_line(arguments, monkeypatch, capsys):
    """What cannot be asked for is answered in one line, with a non-zero exit."""
    monkeypatch.setattr(sys, "argv", ["walkthroughs", *arguments])
    assert command.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_number_that_is_not_reproduced_is_an_error(monkeypatch, capsys):
    """When a printed number does not come out, the command names it and exits with 1."""
    monkeypatch.setattr(regression, "EPOCHS", 100)
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "regression"])
    assert command.main() == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_a_stage_that_is_not_certified_is_an_error(monkeypatch, capsys):
    """When a stage's step is not the formula's, the command says at which step and exits with 1."""
    monkeypatch.setattr(bare_loop, "LR", 0.2)
    monkeypatch.setattr(bare_loop, "EPOCHS", 1)
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "bare-loop", "--stage", "1"])
    assert command.main() == 1
    assert "DIFFERENT: step 1" in capsys.readouterr().out


@pytest.mark.parametrize("suite", ["absent.walkthroughs", "tests.walkthroughs"])
def test_outside_of_a_checkout_nothing_is_certified(monkeypatch, capsys, tmp_path, suite):
    """Where no tests are, or somebody else's, not those beside impls, a certificate is not run, for want of them."""
    monkeypatch.setattr(command, "SUITE", suite)
    monkeypatch.setattr(command.impls, "__file__", str(tmp_path / "impls" / "__init__.py"))
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "derivatives", "--stage", "1"])
    assert command.main() == 0
    assert "not run: a certificate needs a checkout, where tests/ is" in capsys.readouterr().out


def test_a_rung_that_does_not_learn_is_an_error(monkeypatch, capsys):
    """When a rung stays below 95 % the command exits with 1."""
    monkeypatch.setattr(digits, "ENOUGH", 360)
    monkeypatch.setattr(digits.run, "__defaults__", (print, 1))
    monkeypatch.setattr(sys, "argv", ["walkthroughs", "digits"])
    assert command.main() == 1
    assert "NOT as it should be" in capsys.readouterr().out
