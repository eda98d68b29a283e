r"""The derivative of a function, all of it.

    J[i, j] = ∂yᵢ/∂xⱼ        by rows: one pass backward for each yᵢ;  by columns: one pass forward for each xⱼ

Rows are what the tape and torch take, columns what numbers with a slope take; either is whole, and a function of many
numbers with one result has one row.  The places of y come first, then those of x (tests/planted:
jacobian_turned_round).

Shapes   y's shape and then x's.
Units    [J] = [y] / [x].
Raises   nothing of its own.
Source   torch/autograd/functional.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.grad import as_tuple
from impls.autograd.jvp import jvp_manual, jvp_raw
from impls.autograd.stack import stack
from impls.autograd.vjp import called, handed_back, pulled
from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def jacobian_manual(func, x):
    """By columns."""
    columns = [jvp_manual(func, [x], [unit.reshape(x.shape)])[1] for unit in np.eye(x.size, dtype=x.dtype)]
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *x.shape)


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def jacobian_raw(func, x):
    columns = [jvp_raw(func, [x], [unit.reshape(x.shape)])[1] for unit in torch.eye(x.numel(), dtype=x.dtype)]
    return torch.stack(columns, dim=-1).reshape(*columns[0].shape, *x.shape)


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):  # noqa: ARG001
    """Drop-in for torch.autograd.functional.jacobian, on the tape, row by row."""
    if strategy != "reverse-mode":
        raise NotImplementedError("the tape takes row by row, backward, also where it is told to vectorize")
    leaves, y = called(func, inputs, create_graph, strict)
    blocks = [handed_back(inputs, _rows(out, leaves, create_graph), create_graph) for out in as_tuple(y)]
    return tuple(blocks) if isinstance(y, tuple) else blocks[0]


def _rows(y, leaves, create_graph):
    """One block for each input."""
    rows = [pulled([y.reshape(-1)[i]], leaves, None, create_graph) for i in range(y.numel())]
    return [stack(column).reshape(*y.shape, *column[0].shape) for column in zip(*rows, strict=True)]


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(jacobian_manual, jacobian_raw, jacobian, torch.autograd.functional.jacobian)
