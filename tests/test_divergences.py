"""Where torch differs from itself: each difference is a law that ought to hold and does not, expected to fail as
long as it is live, and a script in docs/divergences.md that shows it."""

import contextlib
import copy
import io
import pathlib
import re

import pytest
import torch

from impls.since import TORCH
from tests.cells import torch_bug
from tests.platform.kernels import add_fuses

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "divergences.md"
ENTRY = re.compile(
    r"^## (.+?)\n.*?^```python\n(.*?)^```\n\n^```text\n(.*?)^```$"
    r"(?:\n\n^[^\n]* in torch (2\.\d+):\n\n^```text\n(.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
ENTRIES = {title: told for title, *told in ENTRY.findall(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("title", ENTRIES)
def test_a_script_of_the_page_shows_what_the_page_says(title):
    """What a script of docs/divergences.md prints is what stands below it, for this version if it has its own."""
    script, shows, since, shows_since = ENTRIES[title]
    if since and tuple(map(int, since.split("."))) <= TORCH:
        shows = shows_since
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, f"{PAGE.name}: {title}", "exec"), {})
    assert printed.getvalue() == shows


def test_every_entry_of_the_page_has_a_script():
    """No heading of docs/divergences.md stands without a script and its output."""
    assert re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(ENTRIES)


def _parameter(dtype=torch.float32):
    return torch.ones(2, 2, dtype=dtype, requires_grad=True)


@torch_bug("max_eval is 1 by default, and the line search is left with no evaluation (pytorch#135026)")
def test_lbfgs_moves_whatever_max_iter_is():
    """A step of LBFGS with a line search goes down from where the slope is not zero."""
    p = torch.tensor([-1.2, 1.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([p], max_iter=1, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    start = closure().item()
    optimizer.step(closure)
    assert closure().item() < start


@torch_bug("the fused kernel is handed None for a buffer that is not there yet", raises=TypeError)
def test_fused_sgd_takes_a_gradient_that_comes_late():
    """A parameter may receive its first gradient a step after its neighbour."""
    p, q = _parameter(), _parameter()
    optimizer = torch.optim.SGD([p, q], momentum=0.9, fused=True)
    p.grad = torch.ones(2, 2)
    optimizer.step()
    q.grad = torch.ones(2, 2)
    optimizer.step()


@torch_bug("_params is no part of what is copied", raises=AttributeError)
def test_a_copy_of_lbfgs_steps():
    """A copy of an optimizer takes steps."""
    p = _parameter()
    optimizer = copy.deepcopy(torch.optim.LBFGS([p]))
    optimizer.step(lambda: (p**2).sum())


@torch_bug("the line search returns a bracket that it has not made", raises=UnboundLocalError)
def test_lbfgs_with_no_evaluation_left_stands_still():
    """A step that may not ask for the loss again ends where it began, or one step on."""
    p = _parameter()
    p.grad = torch.ones(2, 2)
    torch.optim.LBFGS([p], max_eval=0, line_search_fn="strong_wolfe").step(lambda: torch.tensor(1.0))


def fused(reason):
    """A difference between a multiply-add that is rounded once and one that is rounded twice."""
    return torch_bug(reason, where=add_fuses())


TAIL = "the fused kernel rounds its multiply-add twice in what is left over of a vector"
ORDER = torch_bug("the fused kernel divides and multiplies in another order")


@pytest.mark.parametrize(
    ("name", "n"),
    [
        pytest.param("SGD", 15, marks=fused(TAIL)),
        *[pytest.param(name, 1003, marks=ORDER) for name in ("Adam", "AdamW", "Adagrad")],
    ],
)
def test_fused_is_the_for_loop_bit_for_bit(name, n):
    """fused is a way to run the same step, so it ends on the same bits."""
    ends = []
    for fused in (False, True):
        generator = torch.Generator().manual_seed(0)
        p = torch.randn(n, generator=generator).requires_grad_()
        options = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(torch.optim, name)([p], lr=0.01, fused=fused, **options)
        for _ in range(5):
            p.grad = torch.randn(n, generator=generator)
            optimizer.step()
        ends.append(p.detach())
    assert torch.equal(*ends)


@torch_bug("foreach adds the momentum to the gradient itself (pytorch#92706 mended the others)")
def test_foreach_sgd_leaves_the_gradient_as_it_is():
    """A step writes no gradient."""
    p = _parameter()
    p.grad = torch.ones(2, 2)
    torch.optim.SGD([p], momentum=0.5, nesterov=True, foreach=True).step()
    assert torch.equal(p.grad, torch.ones(2, 2))


@torch_bug("state is cast with .to, which copies nothing where nothing changes")
def test_a_loaded_optimizer_has_a_state_of_its_own():
    """A step of an optimizer does not change the one whose state it has loaded."""
    original, copy = (torch.optim.Adam([_parameter()]) for _ in range(2))
    for optimizer in (original, copy):
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2, 2)
    original.step()
    copy.load_state_dict(original.state_dict())
    copy.step()
    assert original.state_dict()["state"][0]["step"].item() == 1


@torch_bug("the state is made from the default that the optimizer was built with")
def test_adagrad_starts_where_its_group_says():
    """An option of a group counts for the group's parameters."""
    optimizer = torch.optim.Adagrad([{"params": [_parameter()], "initial_accumulator_value": 1.0}])
    assert torch.equal(optimizer.state_dict()["state"][0]["sum"], torch.ones(2, 2))


@torch_bug("the epsilon of the dtype that comes first is kept for the whole group")
def test_adafactors_default_epsilon_is_the_parameters_own():
    """A float64 parameter takes the same step whatever stands before it in the group."""
    ends = []
    for first in (torch.float64, torch.float32):
        q, p = _parameter(first), _parameter(torch.float64)
        q.grad, p.grad = torch.full_like(q, 1e-9), torch.full_like(p, 1e-9)
        torch.optim.Adafactor([q, p]).step()
        ends.append(p)
    assert torch.equal(*ends)


@torch_bug("in bfloat16 no cast copies the buffer before it is divided by its norm", mended=(2, 15))
def test_muon_keeps_the_momentum_that_it_has_gathered():
    """With momentum 0 the buffer is the gradient."""
    p = _parameter(torch.bfloat16)
    p.grad = torch.full_like(p, 4.0)
    optimizer = torch.optim.Muon([p], momentum=0.0, nesterov=False)
    optimizer.step()
    assert torch.equal(optimizer.state_dict()["state"][0]["momentum_buffer"], p.grad)


@torch_bug("v - m * m is rounding alone once both have settled, and has a square root below zero")
def test_centered_rmsprop_stays_finite():
    """A constant gradient moves parameters to finite places."""
    p = torch.zeros(1000, requires_grad=True)
    optimizer = torch.optim.RMSprop([p], alpha=0.9, centered=True)
    for _ in range(400):
        p.grad = torch.linspace(1, 2, 1000)
        optimizer.step()
    assert p.isfinite().all()


@pytest.mark.parametrize(
    "name",
    [
        *[
            pytest.param(n, marks=torch_bug("foreach multiplies and divides in another order"))
            for n in ("NAdam", "RAdam", "ASGD")
        ],
        pytest.param("Adafactor", marks=fused("foreach rounds a multiply-add twice that the for-loop rounds once")),
    ],
)
def test_foreach_is_the_for_loop_bit_for_bit(name):
    """foreach is a way to run the same step, so it ends on the same bits."""
    ends = []
    for foreach in (False, True):
        p = torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(8, 8).requires_grad_()
        optimizer = getattr(torch.optim, name)([p], foreach=foreach)
        for t in range(1, 11):
            p.grad = torch.linspace(1, 2, 64, dtype=torch.float64).reshape(8, 8) ** t
            optimizer.step()
        ends.append(p.detach())
    assert torch.equal(*ends)
