"""Autograd: a tape of our own records what torch's records, and differentiates it to the same numbers; and where torch
refuses, warns or forgets, so does the tape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cells import DROP_IN, cells
from tests.exactness import assert_bitwise, assert_same, bounded
from tests.observe.autograd import observe, shape_of
from tests.strategies.arrays import lattice
from tests.strategies.autograd import BINARY, EXACT, UNARY, Single, operands, programs

# ── derivatives ─────────────────────────────────────────────────────────────────────────────────


def directions(data, program, dtype):
    """What the derivatives of a program are multiplied with, the first and the second."""
    dy = data.draw(lattice(shape_of(program), dtype), label="dy")
    return dy, [data.draw(lattice(x.shape, dtype), label="w") for x in program.inputs]


@cells("autograd.grad", cpu_because="NumPy has no device")
@given(data=st.data())
def test_every_operation_has_torchs_value_and_gradient(cell, data):
    """One operation: its value and the gradients of its operands are the formula's on every rung."""
    inputs = data.draw(operands(cell.dtype), label="inputs")
    for name in [*UNARY, *BINARY]:
        program = Single(name, inputs)
        dy, _ = directions(data, program, cell.dtype)
        expected = observe("custom", program, dy, lift=lambda a: bounded(a, cell.dtype))
        for rung in cell.implementations:
            assert_same(observe(rung, program, dy), expected, f"{rung}, {name}:")
