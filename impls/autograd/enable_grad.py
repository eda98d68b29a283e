r"""Recording inside a block in which nothing is recorded: grad mode, turned on again.

    recorded(f, inputs)  =  any input requires grad

What was computed before, without being recorded, stays unrecorded: only what is computed in the block is
(tests/planted: enable_grad_changes_nothing).

Shapes   any.
Units    any.
Raises   nothing.
Source   torch/autograd/grad_mode.py (PyTorch 2.13).
"""

import torch

from impls.autograd.no_grad import Switch
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class enable_grad(Switch):  # noqa: N801 (torch's name)
    """Drop-in for torch.enable_grad, on the tape."""

    enabled = True


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand nothing is recorded unless it is returned"),
    Absent("torch's graph has no switch below torch.enable_grad"),
    enable_grad,
    torch.enable_grad,
)
