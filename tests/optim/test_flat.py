"""Flat Adam, the contestant of the benchmarks that steps one buffer, is Adam: the laws of optim.adam hold for it."""

import numpy as np
import pytest
import torch

from benchmarks.flat import FlatAdam
from impls.ladder import Rung
from tests import test_families
from tests.cells import DTYPES, LADDERS, Cell
from tests.engine import Different, assert_bitwise
from tests.families import entry_of
from tests.optim import door as optim
from tests.optim import test_optim
from tests.optim.trace import Line, Problem
from tests.planted import again

ADAM = "optim.adam"
# Not that parameters do not touch each other to the bit: the kernel's vectors round otherwise than what is left over at
# the end of a tensor, and in one buffer a parameter's end is not the tensor's.
LAWS = (
    test_optim.test_a_zero_learning_rate_moves_nothing,
    test_optim.test_a_missing_gradient_is_not_a_zero_gradient,
    test_optim.test_maximizing_is_stepping_on_the_negated_gradient,
)


def cell_of(cls, dtype):
    """Adam's cell, with a class in the place of custom that keeps its state to itself."""
    ladder = LADDERS[ADAM]._replace(custom=optim.adapt(ADAM, cls)[1])
    return Cell(ADAM, (Rung.CUSTOM,), dtype, ladders=LADDERS | {ADAM: ladder})


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_leaves_the_trace_of_the_formula(dtype):
    """Within the bound of the formula, whatever gradients are missing, by every option of Adam's."""
    again(test_families.test_rungs_leave_the_same_trace)(cell=cell_of(FlatAdam, dtype))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_what_holds_for_adam_holds_for_it(law):
    """The other laws of Adam's steps, each as the chapter of optimizers has it."""
    again(law)(cell=cell_of(FlatAdam, "float64"))


def test_parameters_are_views_of_one_buffer():
    """A parameter is a view before and after a step, and what is written into it is what the next step moves."""
    params = [torch.ones(2, 3, requires_grad=True), torch.ones((), requires_grad=True)]
    optimizer = FlatAdam(params)
    for _ in range(2):
        for p in params:
            p.grad = torch.ones_like(p)
        optimizer.step()
        assert_bitwise(torch.cat([p.detach().reshape(-1) for p in params]), optimizer.flat[0])
        with torch.no_grad():
            params[1].fill_(5.0)
    assert optimizer.flat[0][-1] == 5.0


class Stale(FlatAdam):
    """It forgets to gather: the buffer still holds the gradients of the first step."""

    def step(self):
        gather, self.gathered = not hasattr(self, "gathered"), True
        if gather or not self.together:
            return super().step()
        return self._call([[a] for a in self.flat], self.steps)


class Zeroed(FlatAdam):
    """A missing gradient is a zero gradient."""

    def step(self):
        for p in self.params:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        super().step()


@pytest.mark.parametrize("wrong", [Stale, Zeroed], ids=lambda cls: cls.__name__)
def test_the_laws_can_reject_it(wrong):
    """A buffer that is not gathered again, and a gradient that is made up, leave another trace."""
    one, two = np.array([1.0]), np.array([-2.0])
    script = [Line(0.1, "drop", grads) for grads in ((one, two), (two, one), (one, None))]
    with pytest.raises(Different):
        entry_of(ADAM).assert_agreement(cell_of(wrong, "float64"), Problem([one, two], [{}, {}], script))
