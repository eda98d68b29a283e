"""Planted bugs: what makes `python -m tests.planted`, which plants them all, worth believing."""

import pathlib
import re

import pytest

import impls
from tests import planted
from tests.planted import Bug, Verdict, __main__, bugs, holes, law_of, verdict
from tests.variants import variant

SOUND = Bug("nothing", "optim.sgd", (), "test_families.test_every_rung_has_natives_defaults", "")
RATE = "state: State = State(),\n    *,\n    lr: float = "
WRONG = SOUND._replace(name="other_default", changes=((f"{RATE}1e-3", f"{RATE}1e-2"),))


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in bugs()])
def test_a_planted_bug_can_still_be_planted(bug):
    """Each text that a bug changes stands once in its file, and the law that is to reject it exists."""
    variant(bug.file or bug.concept, *bug.changes)
    assert law_of(bug.law).__doc__
    assert bug.source


def test_a_planted_bug_that_is_cited_exists():
    """Where a file says `tests/planted: name`, a bug of that name is planted."""
    files = pathlib.Path(impls.__path__[0]).rglob("*.py")
    cited = {name for file in files for name in re.findall(r"tests/planted:\s+(\w+)", file.read_text(encoding="utf-8"))}
    assert cited
    assert cited - {bug.name for bug in bugs()} == set()


ROW = re.compile(r"^\|.*\| `(\w+)` \|$", re.MULTILINE)


def test_a_convention_of_the_page_is_a_planted_bug():
    """Every line of docs/conventions.md names a bug that is planted in the concept of its heading."""
    page = pathlib.Path(impls.__path__[0]).parent / "docs" / "conventions.md"
    _, *sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    planted_in = {bug.name: bug.concept for bug in bugs()}
    named = [(section.partition("\n")[0], row) for section in sections for row in ROW.findall(section)]
    assert named
    assert [planted_in.get(name) for _, name in named] == [concept for concept, _ in named]
    assert len(named) == sum(section.count("\n| ") - 1 for section in sections)


def test_names_of_planted_bugs_are_their_own():
    """No two planted bugs share a name."""
    names = [bug.name for bug in bugs()]
    assert sorted(names) == sorted(set(names))


def test_a_bug_is_rejected_and_the_sound_concept_is_not():
    """The verdict on a wrong variant is a complaint, and on the sound concept, on the same draws, none."""
    assert verdict(SOUND).complaint is None
    assert verdict(WRONG).complaint is not None


def test_a_family_made_anew_is_sound():
    """Where a changed file means a changed family, it is the change that is rejected: without one nothing is."""
    law = "test_autograd.test_the_tape_tells_what_torch_tells"
    assert (
        verdict(
            SOUND._replace(concept="autograd.tensor", law=law, changes=(("import math\n", "import math\n\n"),))
        ).complaint
        is None
    )


def test_a_survivor_is_an_error(monkeypatch, capsys):
    """A bug that its law does not reject is named, and the exit is 1."""
    monkeypatch.setattr(__main__, "bugs", lambda: [SOUND])
    monkeypatch.setattr("sys.argv", ["planted"])
    assert __main__.main() == 1
    assert "SURVIVES  nothing" in capsys.readouterr().out


def test_a_red_baseline_is_an_error(monkeypatch, capsys):
    """A law that rejects the sound concept on the draws on which it rejects a bug is named, and the exit is 1."""
    monkeypatch.setattr(__main__, "bugs", lambda: [WRONG])
    monkeypatch.setattr(__main__, "verdict", lambda bug, *how, seed: Verdict("it does not hold", 1))
    monkeypatch.setattr("sys.argv", ["planted"])
    assert __main__.main() == 1
    assert "RED BASELINE" in capsys.readouterr().out


def test_a_bug_that_is_none_here_is_not_run(monkeypatch, capsys):
    """Where torch rounds a multiply-add twice, a bug that does so is named as not run, with this reason, and is no
    survivor."""
    monkeypatch.setattr(planted, "add_fuses", lambda: False)
    monkeypatch.setattr(__main__, "bugs", lambda: [WRONG, SOUND._replace(name="unfused", fused=True)])
    monkeypatch.setattr("sys.argv", ["planted"])
    assert __main__.main() == 0
    told = capsys.readouterr().out
    assert "not run   unfused" in told
    assert "1 not run: it is no bug where torch rounds a multiply-add twice" in told


@pytest.mark.parametrize("hole", holes.HOLES, ids=lambda hole: hole.name)
def test_a_hole_can_still_be_made(hole):
    """What `python -m tests.planted.holes` changes stands once in its file."""
    holes.changed(hole)


def test_a_hole_is_noticed_by_the_law_it_names():
    """An entry that is deleted from its family's table is missed by name, with the table to edit."""
    assert holes.verdict(holes.HOLES[0]) == "noticed"
