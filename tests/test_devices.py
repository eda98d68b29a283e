"""Devices: what a rung makes stands where native's stands, is drawn from the generator of that place, and follows what
it belongs to when that moves.  It is judged on a CUDA device, for which an emulated one will do (tests/platform)."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, LADDERS, cells
from tests.engine import assert_same
from tests.engine.arrays import snapshot
from tests.engine.compare import PARAMETER, STEP
from tests.families import problems
from tests.init.test_init import FILLS, TAKE_A_GENERATOR
from tests.nn.trace import outcome
from tests.optim.trace import in_a_loop
from tests.schedules.trace import rates, schedule_of
from tests.training.test_averaging import WAYS, standing_by, trained

THERE = {"devices": ("cuda",)}
OPTIMIZERS = tuple(c for c in LADDERS if c.startswith("optim.") and c not in ("optim.optimizer", "optim.lbfgs"))
SCHEDULES = tuple(
    c for c in LADDERS if c.startswith("schedules.") and c not in ("schedules.lr_scheduler", "schedules.swalr")
)
LAYERS = {
    "nn.linear": (2, 3),
    "nn.embedding": (4, 3),
    "nn.layer_norm": (2,),
    "nn.rms_norm": (2,),
    "nn.batch_norm1d": (2,),
    "nn.conv2d": (2, 3, 3),
}


def placed(x):
    """What something is and where each of its tensors stands."""
    if isinstance(x, torch.Tensor):
        return [str(x.device), snapshot(x)]
    if isinstance(x, dict):
        return {key: placed(value) for key, value in x.items()}
    return [placed(part) for part in x] if isinstance(x, list | tuple) else x


def seeded(device, seed=0):
    """From here on the CPU's generator and the device's start from one seed; the device's, which is drawn from."""
    torch.manual_seed(seed)
    return torch.Generator(device).manual_seed(seed)


# ── optimizers ──────────────────────────────────────────────────────────────────────────────────


def stepped(cls, device, options=(), steps=3, loaded=None):
    """An optimizer that has stepped a matrix on a device, and the matrix; of native in a loop, as on the CPU."""
    p = torch.linspace(-1, 1, 6).reshape(2, 3).to(device).requires_grad_()
    optimizer = cls([p], **dict(options))
    if loaded:
        optimizer.load_state_dict(loaded)
    for t in range(1, steps + 1):
        p.grad = torch.linspace(1, 2, 6, device=device).reshape(2, 3) ** t
        optimizer.step()
    return optimizer, p


@cells(*OPTIMIZERS, rungs=DROP_IN, dtypes=None, **THERE)
def test_a_state_stands_where_natives_stands(cell):
    """What is like a parameter stands beside it, and counts on the CPU, but for ASGD's: all is native's after three
    steps."""
    found = [placed(stepped(cls, cell.device, in_a_loop(cls, [{}])[0])[0].state_dict()) for cls in cell.ladder[2:]]
    assert_same(*found, "custom state")


@cells(*OPTIMIZERS, rungs=DROP_IN, dtypes=None, **THERE)
def test_a_state_that_was_saved_elsewhere_moves_to_its_parameter(cell):
    """A state of the CPU, loaded beside a parameter on the device, follows it there, and counts stay behind."""
    found = []
    for cls in cell.ladder[2:]:
        saved = stepped(cls, "cpu", in_a_loop(cls, [{}])[0])[0].state_dict()
        optimizer, p = stepped(cls, cell.device, in_a_loop(cls, [{}])[0], steps=2, loaded=copy.deepcopy(saved))
        found.append(placed([p, optimizer.state_dict()]))
    assert_same(*found, "custom state")


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@cells("optim.lbfgs", rungs=DROP_IN, **THERE)
def test_lbfgs_remembers_on_the_device(cell, search):
    """Parameters, memory and the loss that is returned are native's and stand where native's stand, after each step."""
    found = {}
    for rung, impl in cell.implementations.items():
        p = torch.tensor([-1.2, 1.0], dtype=getattr(torch, cell.dtype), device=cell.device, requires_grad=True)
        optimizer, found[rung] = impl([p], line_search_fn=search), []

        def closure():
            p.grad = None
            loss = (1 - p[0]) ** 2 + 3 * (p[1] - p[0] ** 2) ** 2
            loss.backward()
            return loss

        for _ in range(3):
            loss = optimizer.step(closure)
            kept = optimizer.state_dict()["state"][0]
            found[rung].append(placed([p, loss, {key: kept[key] for key in sorted(kept) if key != "al"}]))
    custom, native = found.values()
    assert_same(custom, native, "custom", levels=(STEP, PARAMETER))


@cells(*SCHEDULES, rungs=DROP_IN, dtypes=None, **THERE)
@given(data=st.data())
def test_a_rate_on_the_device_is_set_there(cell, data):
    """A rate that is a tensor of the device stays the tensor that it is, and holds what native's holds."""
    problem = data.draw(problems(cell), label="problem")
    found = []
    for rung in DROP_IN:
        held = [torch.tensor(lr, device=cell.device) for lr in problem.lrs]
        groups = [{"params": [torch.zeros(1, device=cell.device, requires_grad=True)], "lr": lr} for lr in held]
        momentum = {"momentum": 0.9} if problem.optimizer == "optim.sgd" else {}
        optimizer = getattr(LADDERS[problem.optimizer], rung)(groups, foreach=False, **momentum)
        found.append([outcome(lambda: scheduled(rung, cell.concept, problem, optimizer))])
        found[-1] += [[group["lr"] is lr, placed(lr)] for group, lr in zip(optimizer.param_groups, held, strict=True)]
    assert_same(*found, "custom")


def scheduled(rung, concept, problem, optimizer):
    schedule, trace = schedule_of(rung, concept, problem.settings, optimizer), []
    for t in range(problem.steps):
        optimizer.step()
        schedule.step(*[float(t)] * hasattr(schedule, "patience"))
        trace.append(rates(optimizer))
    return trace


# ── averages ────────────────────────────────────────────────────────────────────────────────────


# Without a function native's average is a lerp on CUDA, and another operation on the CPU.
@pytest.mark.parametrize("way", [way for way in WAYS if way != "by-default"])
@cells("training.averaged_model", rungs=DROP_IN, dtypes=None, **THERE)
def test_averages_are_kept_on_the_device_that_is_asked_for(cell, way):
    """A model of the CPU is averaged on the device, count included: all of it is native's and stands where native's
    stands, and the model stays."""
    found = []
    for rung in DROP_IN:
        net, optimizer, (x, y) = trained(rung, "float32")
        averages = getattr(cell.ladder, rung)(net, device=cell.device, **WAYS[way](standing_by(rung)))
        for _ in range(3):
            optimizer.zero_grad()
            ((net(x) - y) ** 2).mean().backward()
            optimizer.step()
            averages.update_parameters(net)
        found.append(placed([averages.state_dict(), net.state_dict(), averages.eval()(x.to(cell.device))]))
    assert_same(*found, "custom")


@cells("training.update_bn", rungs=DROP_IN, dtypes=None, **THERE)
def test_statistics_are_taken_of_batches_that_are_brought_to_the_device(cell):
    """Batches of the CPU are brought to the device that is told, with a target beside them or not, and what the model
    remembers of them is native's; where none is told they are refused as native refuses them."""
    found = []
    for rung in DROP_IN:
        net = trained(rung, "float32")[0].to(cell.device)
        loader = [torch.linspace(0, k, 12).reshape(4, 3) for k in (1, 2)] + [[torch.ones(2, 3), "a target"]]
        getattr(cell.ladder, rung)(loader, net, cell.device)
        found.append(placed(net.state_dict()))
        with pytest.raises(RuntimeError, match="same device"):
            getattr(cell.ladder, rung)(loader, net)
    assert_same(*found, "custom")


# ── modules ─────────────────────────────────────────────────────────────────────────────────────

MOVES = {
    "to": lambda m, device: m.to(device),
    "to-and-back": lambda m, device: m.to(device).to("cpu"),
    "to-a-type-too": lambda m, device: m.to(device, torch.float64),
    "to-a-tensors": lambda m, device: m.to(torch.zeros(1, device=device)),
    "cuda": lambda m, device: m.cuda(),
    "cuda-and-cpu": lambda m, device: m.cuda().cpu(),
}


@pytest.mark.parametrize("move", MOVES)
@cells("nn.module", rungs=DROP_IN, dtypes=None, **THERE)
def test_a_module_moves_with_all_that_it_has(cell, move):
    """Parameters, their gradients and buffers, a child's too, go where native's go, and a parameter stays the object
    that it is."""
    found = []
    for rung, cls in zip(DROP_IN, cell.ladder[2:], strict=True):
        module = cls()
        module.child = cls()
        for owner in (module, module.child):
            owner.w = getattr(LADDERS["nn.parameter"], rung)(torch.arange(4.0))
            owner.w.grad = torch.ones(4)
            owner.register_buffer("n", torch.tensor(3))
        before = list(module.parameters())
        same = MOVES[move](module, cell.device) is module
        kept = [a is b for a, b in zip(before, module.parameters(), strict=True)]
        found.append(placed([same, kept, [p.grad for p in module.parameters()], module.state_dict()]))
    assert_same(*found, "custom")


@cells(*LAYERS, rungs=DROP_IN, dtypes=None, **THERE)
def test_a_layer_is_born_on_the_device(cell):
    """Parameters and buffers are made where they are asked for, and drawn from the generator of that place."""
    found = []
    for cls in cell.ladder[2:]:
        seeded(cell.device)
        layer = cls(*LAYERS[cell.concept], device=cell.device)
        found.append(placed([layer.state_dict(), torch.rand(1), torch.rand(1, device=cell.device)]))
    assert_same(*found, "custom")


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 1.0])
@cells("nn.dropout", rungs=DROP_IN, **THERE)
def test_masks_on_the_device_are_natives(cell, p, inplace):
    """What is dropped is drawn from the device's generator, as native draws it, and the CPU's is left alone."""
    found = []
    for cls in cell.ladder[2:]:
        seeded(cell.device)
        w = torch.linspace(-1, 1, 40, dtype=getattr(torch, cell.dtype), device=cell.device).requires_grad_()
        y = cls(p, inplace)(w * 3)
        y.sum().backward()
        found.append(placed([y, w.grad, torch.rand(1), torch.rand(1, device=cell.device)]))
    assert_same(*found, "custom")


# ── batches ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workers", [0, 1])
@cells("data.loader", rungs=DROP_IN, dtypes=None, **THERE)
def test_a_pinned_batch_is_pinned_wherever_it_was_made(cell, workers):
    """With pin_memory a batch is pinned when it arrives, a worker's too, and comes to the device as native's."""
    found = []
    for cls in cell.ladder[2:]:
        batches = list(cls(torch.arange(12.0).reshape(6, 2), 4, pin_memory=True, num_workers=workers))
        found.append([[x.is_pinned(), placed(x.to(cell.device, non_blocking=True))] for x in batches])
    assert_same(*found, "custom")
    assert all(pinned for pinned, _ in found[0])


# ── initialization ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given_one", [False, True], ids=["everybodys-generator", "one-that-is-given"])
@cells(*FILLS, rungs=DROP_IN, **THERE)
@given(data=st.data())
def test_a_parameter_on_the_device_is_drawn_there(cell, data, given_one):
    """From one seed the device's generator, everybody's or one that is given, draws native's parameter for custom, and
    both generators are left where native leaves them."""
    problem = data.draw(problems(cell, many=True), label="problem")
    found = []
    for fill in cell.ladder[2:]:
        generator = seeded(cell.device, problem.seed)
        own = {"generator": generator} if given_one and cell.concept in TAKE_A_GENERATOR else {}
        w = torch.empty(problem.shape, dtype=getattr(torch, cell.dtype), device=cell.device)
        said = outcome(lambda: fill(w, **problem.settings, **own) is w)
        found.append(placed([said, w, generator.get_state(), torch.rand(1), torch.rand(1, device=cell.device)]))
    assert_same(*found, "custom")


@cells(*{*FILLS} - {"init.sparse"}, rungs=(Rung.RAW,), **THERE)  # of which native draws its rows on the CPU
@given(data=st.data())
def test_a_generator_fills_on_its_own_device(cell, data):
    """The raw rung's parameter stands where the generator stands that draws it, and is what that generator draws for
    native."""
    problem = data.draw(problems(cell, many=True), label="problem")
    kind = getattr(torch, cell.dtype)
    raw, _ = cell.ladder.raw(seeded(cell.device, problem.seed), problem.shape, **problem.settings, dtype=kind)
    seeded(cell.device, problem.seed)
    native = torch.empty(problem.shape, dtype=kind, device=cell.device)
    cell.ladder.native(native, **problem.settings)
    assert_same(placed(raw), placed(native), "raw")
