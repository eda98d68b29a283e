"""Peers: what is declared of other libraries is well formed, and the table that is published is what is declared."""

import ast
import importlib
import json
import re

import pytest

from tests import subjects
from tests.cells import DTYPES
from tests.subjects.peers import HERE, libraries, problem
from tests.subjects.peers.__main__ import CHAPTERS
from tests.subjects.peers.table import PAGE, RESULTS, complaints, page

LIBRARIES = pytest.mark.parametrize("library", libraries().values(), ids=lambda library: library.name)
TABLE = json.loads(RESULTS.read_text(encoding="utf-8"))


@LIBRARIES
def test_every_subject_is_an_adapter_for_a_role(library):
    """What is asked for a role is written in the library's file, and the role exists."""
    written = ast.parse((HERE / f"{library.name}_peer.py").read_text(encoding="utf-8"))
    names = {node.name for node in written.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = [node for node in ast.walk(written) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    names |= {node.id for node in assigned}
    for given in library.subjects:
        role, _, name = given.partition("=")
        assert role in subjects.roles(), given
        assert name in names, given


@LIBRARIES
def test_every_difference_has_a_reason_and_an_example(library):
    """A declared difference is of a subject, names laws that exist, if any of them shows it on what is drawn, says why,
    and its example is a problem."""
    chapters = [importlib.import_module(path.removesuffix(".py").replace("/", ".")) for path in CHAPTERS]
    for known in library.differs:
        assert known.subject in library.subjects, known
        assert all(any(hasattr(chapter, law) for chapter in chapters) for law in known.laws), known
        assert len(known.reason.split()) > 2, known
        assert set(known.dtypes) <= set(DTYPES), known
        assert all(problem(known.subject.partition("=")[0], known.example, dtype) for dtype in known.dtypes), known


@LIBRARIES
def test_a_difference_is_declared_once(library):
    """Nothing is asked twice, and nothing is declared twice."""
    assert len(set(library.subjects)) == len(library.subjects)
    assert len({known.subject for known in library.differs}) == len(library.differs)


def test_the_table_is_of_what_is_declared():
    """The committed table has every library and every subject, differs where that is declared, and nowhere else."""
    assert list(TABLE) == list(libraries())
    for name, about in TABLE.items():
        if "not run" not in about:
            assert list(about["subjects"]) == libraries()[name].subjects, name
    assert list(complaints(TABLE)) == []


def test_a_difference_that_nobody_declared_is_a_complaint():
    """A law that is broken and not declared, one that is declared and holds, and an example that shows nothing: each is
    complained of by the library's and the subject's name."""
    library, known = next((lib, lib.differs[0]) for lib in libraries().values() if lib.differs and lib.differs[0].laws)
    agreeing = {"laws": dict.fromkeys(known.laws, "equal"), "bits": "no", "example": {known.dtypes[0]: []}}
    fresh = {"laws": {"test_of_something float64": "DIFFERENT: by much"}, "bits": "no"}
    free = next(given for given in library.subjects if not library.known(given))
    told = list(complaints({library.name: {"subjects": {known.subject: agreeing, free: fresh}}}))
    assert len(told) == len(known.laws) + 2
    assert sum(f"{known.subject}: stale" in line for line in told) == len(known.laws) + 1
    assert f"{library.name} {free}: test_of_something is not declared to differ: DIFFERENT: by much" in told


def test_the_page_is_the_table():
    """docs/peers.md is what results/peers.json says, and each library's section names its version."""
    assert PAGE.read_text(encoding="utf-8") == page(TABLE)
    for name, about in TABLE.items():
        if "not run" not in about:
            version = re.escape(f"{name} {about['environment'][name]}")
            assert re.search(rf"^## {name}\n\nSeen with .*\b{version}", page(TABLE), re.MULTILINE)
