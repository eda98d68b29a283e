"""Other admissible forms of a formula: the same quantity by other operations, which round otherwise.

Each is a function that is called as the manual rung is, and stands in its family's `admissible.py` because some rung
computes that way: its docstring says which.  What any form may return is admitted, and a form that computes another
quantity is refused: it would widen the bound.
"""

import collections
import contextlib
import functools
import importlib
import importlib.util
import types
from collections.abc import Callable
from typing import Any, TypeVar

from impls.ladder import Pair
from tests.cells import LADDERS
from tests.engine import Bounded, Different
from tests.engine.bounded import AnotherQuantity

__tracebackhide__ = True  # a failure shows the law, and not how it is judged
Form = TypeVar("Form")
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
def formulas_alone():
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
