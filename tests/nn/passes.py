"""What is claimed of everything that goes forward and back: layers and losses."""

from tests.associations import reference
from tests.engine import assert_same
from tests.engine.arrays import lattice
from tests.nn.trace import along, observe


def assert_of_the_formula(cell, problem, same=None):
    """What every rung returns, and its gradients, are the formula's of this problem, or of another that is the same."""
    expected = reference(observe, cell.concept, same or problem, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(observe(rung, impl, problem, device=cell.device), expected, f"{cell.concept} {rung}")


def assert_adjoint(cell, problem, data):
    """<v, J'u> = <Jv, u>, for a direction v of each input that has a derivative."""
    problem = _all_asked(problem)
    real = {name: a for name, a in problem.inputs.items() if a.dtype.kind == "f"}
    directions = {name: data.draw(lattice(a.shape, cell.dtype)) for name, a in real.items()}
    gradients = reference(observe, cell.concept, problem, cell.dtype)["gradient"]
    forth = {name: along(cell.ladder.manual, problem, name, v) for name, v in directions.items()}
    back = {name: (v * gradients[name]).sum() for name, v in directions.items()}
    assert_same(forth, back, f"{cell.concept} <Jv, u>")


def assert_only_what_is_asked(cell, problem):
    """Some of all gradients are those of all, and None in place of the others."""
    for rung, impl in cell.implementations.items():
        some, every = (observe(rung, impl, p, device=cell.device)["gradient"] for p in (problem, _all_asked(problem)))
        expected = {name: g if asked else None for (name, g), asked in zip(every.items(), problem.needs, strict=True)}
        assert_same(some, expected, f"{cell.concept} {rung} gradient")


def _all_asked(problem):
    return problem._replace(needs=tuple(a.dtype.kind == "f" for a in problem.inputs.values()))
