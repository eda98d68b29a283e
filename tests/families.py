"""What a family is: the concepts of one folder of impls, each with an entry in the family's table.

An entry says how problems for its concept are drawn, what a caller sees of a rung that is given one, and what is
expected there.  The laws of all families (tests/test_families.py) read nothing else of a concept.  A stranger's class
stands in a cell of its own, with a narrowed copy of the entry: nothing here is changed for it.

A formula may have other admissible forms: the same quantity by other operations, which round otherwise.  Each is a
function that is called as the manual rung is, and stands in its family's `admissible.py` because some rung computes
that way: its docstring says which.  What any form may return is admitted, and a form that computes another quantity is
refused: it would widen the bound.
"""

import abc
import collections
import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np
import pytest
from hypothesis.strategies import SearchStrategy

from impls.ladder import Ladder, Pair, Rung
from tests.cells import DTYPES, LADDERS, Cell
from tests.engine import Different, assert_same
from tests.engine.arithmetic import format_of
from tests.engine.bounded import AnotherQuantity, Bounded
from tests.engine.compare import Level
from tests.engine.known import setting

__tracebackhide__ = True  # a failure shows the law, and not how it is judged
P = TypeVar("P")  # a family's kind of problem
Form = TypeVar("Form")
Trace: TypeAlias = Any  # dictionaries and lists of arrays, numbers and words; of bounded numbers where it is expected
Attempt: TypeAlias = Callable[[Any], Any]  # something that a drop-in is to refuse


class Run(NamedTuple):
    """Who is given a problem, and with which numbers."""

    rung: Rung
    impl: Any
    ladders: Mapping[str, Ladder] = LADDERS  # where a trace looks up whatever else it needs
    lift: Callable[[np.ndarray], Any] = lambda x: x  # an array as the manual rung's numbers: itself, or bounded
    setting: Callable[[Any], Any] = lambda x: x  # and a setting: itself, or with the interval that it is known to
    device: str = "cpu"
    roundings: int = 1  # that one operation of the formula may cost


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry(abc.ABC, Generic[P]):
    """All that the laws know of one concept beside its file."""

    refused: Mapping[str, Attempt] = dataclasses.field(default_factory=dict)  # bad input, by what is bad about it
    asks: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # by a law, of `problems`
    on_cpu: Mapping[str, str] = dataclasses.field(default_factory=dict)  # laws that no device is asked: why
    exempt: Mapping[str, str] = dataclasses.field(default_factory=dict)  # laws of all families that do not hold: why
    lacks: Mapping[str, str] = dataclasses.field(default_factory=dict)  # varieties that none of its problems has: why
    dtypes: tuple[str | None, ...] = DTYPES
    door: Any = None  # the module through which a stranger's piece comes in; None where nobody can have the role

    @abc.abstractmethod
    def problems(self, dtype: str, **ask: Any) -> SearchStrategy[P]:
        """What is drawn, for a law that may ask for problems of a certain kind."""

    @abc.abstractmethod
    def trace(self, run: Run, problem: P) -> Trace:
        """All that a caller sees of a rung that is given a problem."""

    def options(self, problem: P) -> Iterable[tuple[str, Any]]:
        """The options that a problem gives, each with its value: by default it gives none."""
        return ()

    def expected(self, cell: Cell, problem: P) -> Trace:
        """What every rung's trace has to be: by default the formula's, on bounded numbers."""
        return by_formula(self, cell, problem)

    def assert_agreement(self, cell: Cell, problem: P, same: P | None = None) -> None:
        """Every rung leaves the trace that is expected of a problem, or of another that is the same."""
        rung = Rung.MANUAL
        try:
            expected = self.expected(cell, problem if same is None else same)
            for rung in cell.rungs:
                assert_same(observe(cell, rung, problem), expected, f"{cell.concept} {rung}", self.levels)
        except Different as complaint:
            complaint.about = (cell, rung, problem) if same is None else ()
            raise

    def bits(self, run: Run, problem: P) -> Trace:
        """What custom has to share with native to the bit: by default all that a caller sees."""
        return self.trace(run, problem)

    def drawn(self, dtype: str) -> list[SearchStrategy[P]]:
        """Everything that laws draw of it."""
        return [self.problems(dtype, **ask) for ask in ({}, *self.asks.values())]

    varieties: ClassVar[
        Mapping[str, Callable[[Any], bool]]
    ] = {}  # what some problem has to show; whether this one does
    levels: ClassVar[tuple[Level, ...]] = ()  # what the lists of a trace are lists of
    saves: ClassVar[bool] = False  # whether it has a state that one class saves and another loads

    def resumed(self, first: type, second: type, problem: P) -> Trace:
        """What is left when one class goes half of the way, and another loads what it has saved and goes on."""
        raise NotImplementedError(f"{type(self).__name__} saves nothing")

    def narrowed(self, role: str, thing: Any) -> Self:
        """The entry, whose problems a stranger's piece can be given: by default any piece can."""
        return self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """The concepts of a folder: those with an entry, and those that laws of their own judge."""

    name: str
    entries: Mapping[str, Entry[Any]]
    judged_by: Mapping[str, str] = dataclasses.field(default_factory=dict)  # a concept without an entry: its law


@functools.cache
def family_of(concept: str) -> Family:
    """The family whose folder a concept's file stands in."""
    family: Family = importlib.import_module(f"tests.{concept.partition('.')[0]}.family").FAMILY
    return family


def entry(cell: Cell) -> Entry[Any]:
    """The entry that a cell is about: its concept's own, or a narrowed copy."""
    return cell.entry or entry_of(cell.concept)


def entry_of(concept: str) -> Entry[Any]:
    family = family_of(concept)
    if concept not in family.entries:
        raise LookupError(f"nobody draws {concept}: give it an entry in tests/{family.name}/family.py")
    return family.entries[concept]


def with_entry() -> dict[str, Entry[Any]]:
    """Every concept that has an entry, in the order of the ladders."""
    return {c: family_of(c).entries[c] for c in LADDERS if c in family_of(c).entries}


# ── what a law says ─────────────────────────────────────────────────────────────────────────────


def problems(cell: Cell, law: str = "", **ask: Any) -> SearchStrategy[Any]:
    """The problems of a cell, of the kind that a law asks for."""
    return entry(cell).problems(cell.dtype or "float64", **{**entry(cell).asks.get(law, {}), **ask})


def observe(cell: Cell, rung: Rung, problem: Any, impl: Any = None) -> Trace:
    """What is seen of a rung of a cell, or of another implementation on that rung, which is given a problem."""
    return entry(cell).trace(run_of(cell, rung, impl), problem)


def run_of(cell: Cell, rung: Rung, impl: Any = None) -> Run:
    """A rung of a cell, or another implementation on it, which is given something."""
    impl = getattr(cell.ladder, rung) if impl is None else impl
    return Run(rung, impl, cell.ladders, device=cell.device, roundings=cell.roundings)


def bits(cell: Cell, rung: Rung, problem: Any) -> Trace:
    """What is to be the same to the bit on both drop-in rungs of a cell."""
    return entry(cell).bits(run_of(cell, rung), problem)


def expected(cell: Cell, problem: Any) -> Trace:
    """What every rung of a cell has to leave of a problem."""
    return entry(cell).expected(cell, problem)


def by_formula(entry: Entry[P], cell: Cell, problem: P) -> Trace:
    """The manual rung's trace on bounded numbers, widened by its other admissible forms."""
    return admitted(cell.concept, cell.ladder.manual, lambda form: _by(form, entry, cell, problem))


def _by(formula: Any, entry: Entry[P], cell: Cell, problem: P) -> Trace:
    lift = functools.partial(lifted, cell)
    return entry.trace(Run(Rung.MANUAL, formula, cell.ladders, lift, setting), problem)


def lifted(cell: Cell, array: np.ndarray) -> Bounded:
    """An array that every rung of a cell is handed bit for bit, as bounded numbers."""
    return Bounded.exact(array, format_of(cell.dtype or "float64", cell.roundings))


# ── refusals ──


def refusal(cell: Cell, *kinds: Any, match: str | None = None) -> Any:
    """That a rung refuses, in these words unless it has words of its own."""
    return pytest.raises(*kinds, match=None if cell.own_words else match)


def answer(attempt: Attempt, impl: Any) -> tuple[type, str] | None:
    """The class and the words with which an attempt is refused, or warned of; None where it is taken."""
    try:
        attempt(impl)
    except (Exception, Warning) as refusal:
        return type(refusal), plain_words(refusal)
    return None


def assert_refused_alike(cell: Cell, attempts: Mapping[str, Attempt]) -> None:
    """Native refuses, or warns of, each attempt, and custom does so by the same class and in the same words."""
    custom, native = ({name: answer(attempt, impl) for name, attempt in attempts.items()} for impl in cell.ladder[2:])
    assert [name for name, words in native.items() if words is None] == [], "native takes what it is said to refuse"
    assert_same(custom, native, f"custom {cell.concept}, refusal of")


def plain_words(raised: BaseException) -> str:
    """The words without the homes of the classes they name, and those of a set in order."""
    homes = r"(torch\.nn\.(modules\.)?|torch\.utils\.data\.|impls\.(nn|data)\.|variant_\d+\.)(\w+\.)?(?=[A-Z])"
    words = re.sub(homes, "", str(raised))
    return re.sub(r"{('\w+'(?:, '\w+')+)}", lambda found: ", ".join(sorted(found[1].split(", "))), words)


# ── other admissible forms of a formula ─────────────────────────────────────────────────────────


ALONE: list[bool] = []  # not empty while formulas are taken alone
FORMS: dict[str, list[Any]] = collections.defaultdict(list)  # by concept


def admissible(*concepts: str) -> Callable[[Form], Form]:
    """Register a form of the formula of some concepts."""
    if unknown := [concept for concept in concepts if concept not in LADDERS]:
        raise LookupError(f"@admissible({unknown[0]!r}): no such concept")

    def register(form: Form) -> Form:
        for concept in concepts:
            FORMS[concept].append(form)
        return form

    return register


def forms(concept: str) -> list[Any]:
    """The other admissible forms of a concept's formula."""
    _read(concept.partition(".")[0])
    return FORMS[concept]


@functools.cache
def _read(family: str) -> None:
    """Have the family's forms registered, if it has any."""
    name = f"tests.{family}.admissible"
    if importlib.util.find_spec(name):
        importlib.import_module(name)


def admitted(concept: str, formula: Any, evaluate: Callable[[Any], Any]) -> Any:
    """What the formula evaluates to on bounded numbers, and with it what any other admissible form does."""
    trace = evaluate(formula)
    for form in () if ALONE else forms(concept):
        trace = united(trace, evaluate(form), f"{name_of(form)} is no admissible form of {concept}, {file_of(concept)}")
    return trace


@contextlib.contextmanager
def formulas_alone() -> Iterator[None]:
    """While this lasts no other form is admitted: of a formula with a bug in it there are none."""
    ALONE.append(True)
    try:
        yield
    finally:
        ALONE.pop()


def rebound(formula: Any, **helpers: Any) -> Any:
    """The same formula, in whose file some names stand for other helpers."""
    if isinstance(formula, Pair):
        return Pair(rebound(formula.forward, **helpers), rebound(formula.backward, **helpers))
    form = types.FunctionType(
        formula.__code__, formula.__globals__ | helpers, formula.__name__, formula.__defaults__, formula.__closure__
    )
    form.__kwdefaults__ = formula.__kwdefaults__
    form.__name__ = f"{formula.__name__} with {' and '.join(helper.__name__ for helper in helpers.values())}"
    return form


def united(trace: Any, other: Any, complaint: str) -> Any:
    """One trace of bounded numbers that admits what either does; a complaint where they are not the same quantity."""
    if isinstance(trace, Bounded):
        return _union(trace, other, complaint)
    if isinstance(trace, dict):
        return {key: united(trace[key], other[key], complaint) for key in trace}
    if isinstance(trace, list):
        return [united(a, b, complaint) for a, b in zip(trace, other, strict=True)]
    return trace


def _union(a: Bounded, b: Bounded, complaint: str) -> Bounded:
    try:
        return a.union(b)
    except AnotherQuantity as apart:
        raise Different(f"{complaint}: {apart}") from None


def name_of(form: Any) -> str:
    """A form by the name of its function, or of both where it is a pair: either may be the formula's own."""
    return " and ".join(function.__name__ for function in functions_of(form))


def functions_of(form: Any) -> tuple[Callable[..., Any], ...]:
    """The function of a form, or its forward and its backward."""
    return (form.forward, form.backward) if isinstance(form, Pair) else (form,)


def file_of(concept: str) -> str:
    """Where the forms of a concept are registered."""
    return f"tests/{concept.partition('.')[0]}/admissible.py"
