r"""Gain: by how much a nonlinearity shrinks what passes it.

    1 for linear, convolutions and sigmoid       5/3 tanh        √2 relu
    √(2/(1 + s²)) leaky_relu, s its slope, 0.01 unless given      3/4 selu

The slope of a leaky_relu is squared in the sum (tests/planted: calculate_gain_slope_not_squared).

Shapes   none.
Units    a pure number.
Raises   ValueError for another nonlinearity, and for a slope that is no number, True for one.
Source   He et al. 2015; torch/nn/init.py (PyTorch 2.13), where tanh's and selu's are found by experiment.
"""

import math

import torch

from impls.ladder import Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def calculate_gain_manual(nonlinearity: str, param: float | None = None) -> float:
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    return GAINS[nonlinearity]


CONVOLUTIONS = [f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)]
GAINS = dict.fromkeys(["linear", *CONVOLUTIONS, "sigmoid"], 1) | {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


calculate_gain_raw = calculate_gain_manual  # a number is a number


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Drop-in for torch.nn.init.calculate_gain."""
    if nonlinearity != "leaky_relu" and nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    if nonlinearity == "leaky_relu" and (isinstance(param, bool) or not isinstance(param, int | float | None)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return calculate_gain_manual(nonlinearity, param)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(calculate_gain_manual, calculate_gain_raw, calculate_gain, torch.nn.init.calculate_gain)
