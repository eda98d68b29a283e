"""Averaging: a model whose weights are the mean of another's, or follow them slowly, on every rung the same; and the
statistics of batch normalization, which are of no use for weights that nobody trained with."""

import numpy as np
import pytest
import torch

from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_bitwise, assert_same
from tests.engine.arrays import snapshot
from tests.training.averaging import layer, load

NOTHING = "it computes nothing"


# ── a model of averages ─────────────────────────────────────────────────────────────────────────


WAYS = {
    "by-default": lambda beside: {},
    "mean": lambda beside: {"avg_fn": beside("training.swa", "get_swa_avg_fn")()},
    "moving": lambda beside: {"avg_fn": beside("training.ema", "get_ema_avg_fn")(0.9)},
    "mean-of-many": lambda beside: {"multi_avg_fn": beside("training.swa", "get_swa_multi_avg_fn")()},
    "moving-of-many": lambda beside: {"multi_avg_fn": beside("training.ema", "get_ema_multi_avg_fn")(0.9)},
    "moving-with-buffers": lambda beside: {
        "multi_avg_fn": beside("training.ema", "get_ema_multi_avg_fn")(0.9),
        "use_buffers": True,
    },
    "mean-with-buffers": lambda beside: {"avg_fn": beside("training.swa", "get_swa_avg_fn")(), "use_buffers": True},
}


@pytest.mark.parametrize("way", WAYS)
@cells("training.averaged_model", rungs=DROP_IN, cpu_because="CUDA's default is foreach")
def test_custom_averages_a_model_like_native_bit_for_bit(cell, way):
    """Parameters, buffers and count are native's after each of six looks, and what the averaged model predicts."""
    custom, native = (averaging(rung, cell, WAYS[way])[0] for rung in DROP_IN)
    assert_same(custom, native, "custom: look")


@pytest.mark.parametrize("rungs", [DROP_IN, DROP_IN[::-1]], ids=["custom-to-native", "native-to-custom"])
@cells("training.averaged_model", rungs=DROP_IN, cpu_because="a saved state is the same on any device")
def test_a_saved_average_goes_on_in_the_other(cell, rungs):
    """What one saves after six looks the other loads, and predicts by it and saves it again."""
    way = WAYS["mean-with-buffers"]
    (_, one), (_, other) = (averaging(rung, cell, way, steps) for rung, steps in zip(rungs, (6, 2), strict=True))
    other.load_state_dict(one.state_dict())
    assert_same(state(other), state(one), f"{rungs[1]}")
    assert other.n_averaged == 6


def averaging(rung, cell, way, steps=6):
    """A net that is trained, with a model of averages that looks after each step: its trace, and the model."""
    net, optimizer, (x, y) = trained(rung, cell.dtype)
    averages, trace = getattr(cell.ladder, rung)(net, **way(standing_by(rung))), []
    for _ in range(steps):
        optimizer.zero_grad()
        ((net(x) - y) ** 2).mean().backward()
        optimizer.step()
        averages.update_parameters(net)
        trace.append(state(averages))
    averages.eval()
    return [*trace, snapshot(averages(x))], averages


def standing_by(rung):
    """What finds a function in the file of a rung's concept."""
    return lambda concept, name: getattr(LADDERS[concept], rung).__globals__[name]


def trained(rung, dtype):
    """A small net with batch normalization, its optimizer and its data, the same on each rung."""
    torch.default_generator.manual_seed(3)
    part = lambda concept: getattr(LADDERS[concept], rung)
    net = part("nn.sequential")(part("nn.linear")(3, 4), part("nn.batch_norm1d")(4), part("nn.linear")(4, 2))
    net = net.to(getattr(torch, dtype))
    data = [torch.randn(8, n, dtype=getattr(torch, dtype)) for n in (3, 2)]
    return net, part("optim.sgd")(net.parameters(), lr=0.1), data


def state(model):
    return {name: snapshot(value) for name, value in model.state_dict().items()}


# ── statistics of the averaged ──────────────────────────────────────────────────────────────────


@cells("training.update_bn", rungs=DROP_IN, cpu_because="the layer is compared on CUDA where it stands")
def test_custom_updates_statistics_like_native_bit_for_bit(cell):
    """After training, averaging and a pass over the data, all of the averaged model's state is native's."""
    states = []
    for rung in DROP_IN:
        averages = averaging(rung, cell._replace(concept="training.averaged_model"), WAYS["by-default"])[1]
        averages.train()
        loader = [torch.randn(n, 3, dtype=getattr(torch, cell.dtype)) for n in (8, 5, 2)]
        getattr(cell.ladder, rung)(loader, averages, torch.device("cpu"))
        assert averages.training
        states.append(state(averages))
    assert_same(*states, "custom")


@cells("training.update_bn", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_without_batch_normalization_no_data_is_read(cell):
    """A model that remembers nothing is left alone, in the mode that it was in, and its data unread."""
    for rung in cell.implementations:
        model, loader = layer(rung, "float32"), iter([torch.zeros(2, 3)])
        model.eval()
        getattr(cell.ladder, rung)(loader, model)
        assert len(list(loader)) == 1, rung
        assert not model.training, rung


# ── where torch disagrees with torch ────────────────────────────────────────────────────────────


@torch_bug("the mean of many weighs by 1/(n + 1) in the default dtype, so float64 weights by a float32 number")
@pytest.mark.parametrize("rung", DROP_IN)
@cells("training.averaged_model", rungs=DROP_IN, dtypes=("float64",), cpu_because=NOTHING)
def test_a_mean_is_a_mean_one_by_one_or_many_at_once(cell, rung):
    """The mean of 1, 1 and 4, which is 2, is the same by get_swa_avg_fn and by get_swa_multi_avg_fn, in float64."""
    found = []
    for way in ("mean", "mean-of-many"):
        model = layer(rung, cell.dtype)
        averages = getattr(cell.ladder, rung)(model, **WAYS[way](standing_by(rung)))
        for value in (1.0, 1.0, 4.0):
            load(model, {name: np.full(p.shape, value) for name, p in model.named_parameters()})
            averages.update_parameters(model)
        found.append(snapshot(averages.module.bias))
    assert_bitwise(*found)


@torch_bug("whole numbers, such as batch normalization's count, have no mean", RuntimeError)
@pytest.mark.parametrize("rung", DROP_IN)
@cells("training.averaged_model", rungs=DROP_IN, dtypes=("float32",), cpu_because=NOTHING)
def test_batch_normalization_is_averaged_with_its_buffers(cell, rung):
    """With use_buffers a model with batch normalization has a mean of many, as without."""
    averaging(rung, cell, lambda beside: WAYS["mean-of-many"](beside) | {"use_buffers": True}, steps=2)
