"""The house: every concept is one file with four rungs or a stated absence, and what a rung may use is fixed."""

import ast
import functools
import importlib
import inspect
import io
import pathlib
import re
import tokenize

import pytest
import torch

import impls
from impls.ladder import Absent, Pair, Rung, concepts
from tests.cells import DROP_IN, cells, expand
from tests.planted import functions
from tests.variants import source_of

ROOT = pathlib.Path(impls.__file__).parents[1]
ORDER = [
    "ladder",
    "since",
    "rng",
    "autograd",
    "data",
    "init",
    "nn",
    "losses",
    "optim",
    "schedules",
    "training",
]  # imports point back

CONCEPTS = pytest.mark.parametrize("concept", sorted(concepts()))
SOURCES = pytest.mark.parametrize(
    "path",
    sorted(
        p.relative_to(ROOT).as_posix()
        for part in ("impls", "tests", "benchmarks")
        for p in ROOT.glob(f"{part}/**/*.py")
    ),
)


@CONCEPTS
def test_a_concept_has_four_rungs_or_says_why_not(concept):
    """Every rung of every concept is there, or absent with a reason."""
    for rung, impl in zip(Rung, concepts()[concept], strict=True):
        assert impl is not None, rung
        assert not isinstance(impl, Absent) or len(impl.reason.split()) > 3, rung


def test_every_concept_has_a_law():
    """Each is asked about by name, so that a slice of it judges something."""
    marks = [mark for law in functions() for mark in getattr(law, "pytestmark", ()) if mark.name == "cells"]
    assert set(concepts()) == {cell.concept for mark in marks for cell in expand(mark)}


def test_the_registry_is_the_files():
    """Every file of a family is a concept under its own path, and nothing else is."""
    families = [p for p in (ROOT / "impls").iterdir() if p.name in ORDER and p.is_dir()]
    files = {f"{f.name}.{p.stem}" for f in families for p in f.glob("*.py") if p.stem != "__init__"}
    assert set(concepts()) == files | {"rng"}


@CONCEPTS
def test_a_facade_holds_the_rung_under_torchs_name(concept):
    """Each facade has every concept's rung under native's name, or, where it is a function, that name in lower case."""
    ladder = concepts()[concept]
    for rung, impl in ladder.rungs().items():
        facade = vars(importlib.import_module(f"impls.{rung}"))
        names = [name for name, value in facade.items() if value is impl]
        assert len(names) == 1, f"{concept} is not once in impls.{rung}"
        assert names[0] in _torch_names(concept, ladder, rung), f"{names[0]} is no name of torch's for {concept}"


def _torch_names(concept, ladder, rung):
    original = ladder.custom if isinstance(ladder.native, Absent) else ladder.native
    native = getattr(original, "__name__", concept.rpartition(".")[2])
    if rung in (Rung.CUSTOM, Rung.NATIVE):
        return {native}
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", native).lower()
    functional = {snake, snake.removesuffix("_loss"), native.lower(), native.rstrip("_"), concept.rpartition(".")[2]}
    functional.add(f"{concept.rpartition('.')[2]}_loss")  # l1_loss, of L1Loss
    functional.update(["named_parameters"] if concept == "nn.module" else [])  # all of it that needs no class
    return functional


@pytest.mark.parametrize("rung", Rung)
def test_a_facade_is_imports_only(rung):
    """A facade defines nothing: it is a docstring, imports, and the list of what it offers."""
    tree = ast.parse((ROOT / "impls" / f"{rung}.py").read_text(encoding="utf-8"))
    docstring, *rest = tree.body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(node, ast.ImportFrom) or _is_all(node) for node in rest)


def _is_all(node):
    return isinstance(node, ast.Assign) and [target.id for target in node.targets] == ["__all__"]


@CONCEPTS
def test_customs_signature_is_natives(concept):
    """A drop-in takes native's arguments: same names, same order, same defaults, same kinds."""
    ladder = concepts()[concept]
    if Rung.CUSTOM not in ladder.rungs() or Rung.NATIVE not in ladder.rungs():
        pytest.skip(
            f"{concept} has no drop-in: {ladder.custom if isinstance(ladder.custom, Absent) else ladder.native}"
        )
    if ladder.native in TORCHS_BUILT_IN:
        pytest.skip(f"torch makes {concept} itself and states no signature")
    custom, native = (
        [(p.name, p.kind, p.default) for p in inspect.signature(impl).parameters.values()]
        for impl in (ladder.custom, ladder.native)
    )
    assert custom == native


@cells("data", "nn", "optim", "schedules", "training", rungs=DROP_IN, dtypes=None, cpu_because="nothing is computed")
def test_methods_of_custom_have_natives_defaults(cell):
    """What a method of a drop-in takes where nothing is said is what native's takes."""
    custom, native = (_defaults(impl) for impl in cell.ladder[2:])
    assert {where: native.get(where, default) for where, default in custom.items()} == custom


def _defaults(impl):
    """Of the public methods of a class: the default of each parameter that has one."""
    methods = {n: m for n, m in inspect.getmembers(impl, inspect.isfunction) if isinstance(impl, type) and n[0] != "_"}
    taken = [(name, p) for name, method in methods.items() for p in inspect.signature(method).parameters.values()]
    return {(name, p.name): p.default for name, p in taken if p.default is not p.empty}


TORCHS_BUILT_IN = {
    torch.Tensor,
    torch.autograd.graph.Node,
    torch.cat,
    torch.stack,
    torch.unbind,
    torch.result_type,
    torch.index_put,
    torch.matmul,
    torch.max,
    torch.pow,
}

# What a drop-in computes with, whatever its family.
TORCHS_OWN = {torch.Generator, torch.Tensor, torch.no_grad, torch.enable_grad}


# Whose class isinstance is told to be native's, or native's to be its own, so that either works with the other's.
KNOWN_FOR_NATIVE = {"optim.optimizer", "nn.parameter"}


@CONCEPTS
def test_custom_uses_no_class_that_is_a_native_rung(concept):
    """Above the native section no concept names a class of torch's that is some concept's native rung."""
    natives = {ladder.native for ladder in concepts().values() if inspect.isclass(ladder.native)} - TORCHS_OWN
    above = source_of(concept).partition("\nLADDER = ")[0]
    dotted = {ast.unparse(node) for node in ast.walk(ast.parse(above)) if isinstance(node, ast.Attribute)}
    paths = [name.split(".")[1:] for name in dotted if re.fullmatch(r"torch(\.\w+)+", name)]
    used = {functools.reduce(lambda at, name: getattr(at, name, None), path, torch) for path in paths}
    imported = [value for value in vars(importlib.import_module(f"impls.{concept}")).values() if inspect.isclass(value)]
    assert not natives & {value for value in [*used, *imported] if inspect.isclass(value)}
    assert "LADDER.native" not in above or concept in KNOWN_FOR_NATIVE


@CONCEPTS
def test_imports_point_one_way(concept):
    """A concept builds on its own family and on lower ones."""
    family = concept.partition(".")[0]
    for module in imported_by(source_of(concept)):
        if module.startswith("impls."):
            assert ORDER.index(module.split(".")[1]) <= ORDER.index(family), module


def test_nothing_in_impls_knows_a_test():
    """No file of impls imports what checks it."""
    imported = {p: set(imported_by(p.read_text(encoding="utf-8"))) for p in ROOT.glob("impls/**/*.py")}
    assert not [p for p, names in imported.items() if any(re.match("tests|benchmarks|conftest", n) for n in names)]


def imported_by(text):
    """Every module that a file imports, by its whole name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            of_impls = node.module == "impls"
            yield from [f"impls.{alias.name}" for alias in node.names] if of_impls else [node.module or ""]


CONTINUED = re.compile(r"(And|Also|As|But|It|Of|Or|So|Then|They|Too) ")


@pytest.mark.parametrize("law", {law.__name__: law for law in functions() if law.__name__.startswith("test_")}.values())
def test_a_law_states_itself(law):
    """The docstring of a law is a sentence that stands alone: it says whom it is about, and continues no other."""
    assert law.__doc__
    assert not CONTINUED.match(law.__doc__)


@CONCEPTS
def test_a_concept_file_reads_in_ladder_order(concept):
    """Docstring with formula, Shapes, Units, Raises and Source; then the rungs, bottom first; then LADDER."""
    text = source_of(concept)
    doc = ast.get_docstring(ast.parse(text))
    assert re.findall(r"^(Shapes|Units|Raises|Source)\b", doc, re.MULTILINE) == ["Shapes", "Units", "Raises", "Source"]
    sections = re.findall(r"^# ── ([a-z ]+) ─+$", text, re.MULTILINE)
    order = [name for name in ("manual", "raw", "custom", "custom and native", "native") if name in sections]
    assert sections == order
    assert text.rstrip().splitlines()[-1].startswith(("LADDER = ", ")"))


@CONCEPTS
def test_a_manual_rung_is_numpy_alone(concept):
    """The manual section of a file does not name torch."""
    section = re.search(r"# ── manual ─+\n(.*?)(?=\n# ── |\nLADDER)", source_of(concept), re.DOTALL)
    if section is None:
        pytest.skip(f"{concept} has no manual rung: {concepts()[concept].manual.reason}")
    tree = ast.parse(section[1])
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "torch" not in names - ({"torch"} if concept == "rng" else set())  # rng asks this machine for its kernel


NATIVES_OWN = {"impls/data/split.py": {"isclose"}}  # native decides so whether fractions sum to one


@SOURCES
def test_there_is_no_tolerance_to_set(path):
    """No file has a name for a tolerance, or calls a function that takes one."""
    banned = {"rtol", "atol", "allclose", "isclose", "approx", "assert_close", "assert_allclose", "assert_almost_equal"}
    words = {
        t.string
        for t in tokenize.generate_tokens(io.StringIO((ROOT / path).read_text(encoding="utf-8")).readline)
        if t.type == tokenize.NAME
    }
    assert not words & banned - NATIVES_OWN.get(path, set())


@SOURCES
def test_code_is_ascii(path):
    """Outside strings and comments a file is plain ASCII."""
    tokens = tokenize.generate_tokens(io.StringIO((ROOT / path).read_text(encoding="utf-8")).readline)
    assert all(t.string.isascii() for t in tokens if t.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER))


@CONCEPTS
def test_a_derivative_comes_with_its_function(concept):
    """A manual rung with a backward is a Pair, and its backward is told which gradients are needed."""
    manual = concepts()[concept].manual
    if isinstance(manual, Pair):
        assert "needs_input_grad" in inspect.signature(manual.backward).parameters
    elif not isinstance(manual, Absent):
        assert not concept.startswith("losses"), "a loss has a derivative"
