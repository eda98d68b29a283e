"""Versions of torch: what one changes is told against the record, with the places where differences are stated."""

import inspect
import json

import pytest
import torch

from impls.since import TORCH, since
from tests.platform import versions


def result(law, cell, verdict, reason=None):
    return {"law": law, "cell": cell, "verdict": verdict, "reason": reason}


LBFGS = "optim.lbfgs-custom-native-cpu"
LAWS = "tests/optim/test_lbfgs.py::test_every_rung_has_natives_defaults"
RECORD = {
    "torch": "2.13.0",
    "signatures": {"optim.lbfgs": ["params", "lr=1"], "optim.sgd": ["params"]},
    **versions.summary({"results": [result("tests/nn/test_layers.py::test_a", "", "expected", "seen in torch 2.13")]}),
}


def told(signatures, *results):
    return "\n".join(versions.page(RECORD, "2.14.1", signatures, {"results": list(results)}))


def test_what_has_not_changed_is_one_line_each():
    """The page names no place for a version that changes nothing."""
    page = told(RECORD["signatures"], result("tests/nn/test_layers.py::test_a", "", "expected", "seen in torch 2.13"))
    assert page.count("none has changed") == 2
    assert "stated" not in page


def test_what_has_changed_is_told_with_its_places():
    """Another argument, a law that differs and a failure that is mended each have a line, and the files of both the
    concept and the law are named with what is stated there."""
    page = told(
        {"optim.lbfgs": ["params", "lr=1", "*, maximize=False"], "optim.sgd": ["params"]},
        result("tests/nn/test_layers.py::test_a", "", "equal", "seen in torch 2.13"),
        result(LAWS, LBFGS, "DIFFERENT", "another default"),
    )
    assert "optim.lbfgs: + *, maximize=False" in page
    assert "mended, was expected: tests/nn/test_layers.py::test_a[]" in page
    assert f"DIFFERENT, was equal: {LAWS}[{LBFGS}]\n      another default" in page
    assert '@since((2, 14), "maximize")' in page
    assert "tests/optim/test_lbfgs.py: none so far" in page
    assert "optim/sgd.py" not in page


def test_other_arguments_than_the_record_has_are_stated():
    """Where native takes other arguments than in the record its concept's file says so; the torch is another then."""
    record = json.loads(versions.RECORD.read_text(encoding="utf-8"))
    changed = dict(versions.changed_signatures(record["signatures"], versions.signatures()))
    assert {*versions.places(changed)} <= {path for path, _ in versions.stated()}
    assert not changed or not torch.__version__.startswith(record["torch"].partition("+")[0])


@pytest.mark.parametrize("version", [TORCH, (TORCH[0], TORCH[1] + 1)])
def test_a_keyword_is_taken_since_its_version(version):
    """Before, it is neither taken nor shown."""

    @since(version, "late")
    def function(early, *, late=1):
        return early + late

    takes = version <= TORCH
    assert ("late" in inspect.signature(function).parameters) == takes
    assert function(1) == 2
    if takes:
        assert function(1, late=2) == 3
    else:
        with pytest.raises(TypeError, match="unexpected keyword argument 'late'"):
            function(1, late=2)
