"""Layers, forward and back: the product is the same on every rung, so what differs is what stands around it."""

import numpy as np
import torch

from benchmarks.paired import Runner, Size, contest, drawn
from benchmarks.passes import Passes
from impls.ladder import Rung
from tests.cells import LADDERS
from tests.engine import assert_bitwise
from tests.engine.arrays import snapshot
from tests.nn.trace import Problem

LINEAR = [
    Size("1x1x1", batch=1, inputs=1, outputs=1, multiplications=1),
    Size("64x128x10", batch=64, inputs=128, outputs=10, multiplications=64 * 128 * 10),
    Size("64x784x256", batch=64, inputs=784, outputs=256, multiplications=64 * 784 * 256),
]
CALLS = [Size(f"{calls}-calls", calls=calls) for calls in (1, 10, 100)]
ACTIVATIONS = {
    "nn.leaky_relu": {},
    "nn.gelu": {},
    "nn.silu": {},
    "nn.sigmoid": {},
    "nn.tanh": {},
    "nn.softplus": {},
    "nn.softmax": {"dim": -1},
    "nn.log_softmax": {"dim": -1},
}
SIZES = [Size(f"64x{width}", batch=64, width=width, elements=64 * width) for width in (16, 256, 4096)]

LENGTHS = [Size(f"8x{n}x32", batch=8, length=n, elements=8 * n * 32) for n in (8, 128)]
IMAGES = [
    Size(f"{n}x{c}x{side}x{side}", images=n, channels=c, side=side, elements=n * c * side * side)
    for n, c, side in [(1, 1, 8), (16, 8, 28)]
]


@Passes
def linear(case):
    batch, inputs, outputs = (case.size[name] for name in ("batch", "inputs", "outputs"))
    given = {
        "x": drawn((batch, inputs), case.dtype, 1),
        "weight": drawn((outputs, inputs), case.dtype, 2),
        "bias": drawn((outputs,), case.dtype, 3),
    }
    born = {"in_features": inputs, "out_features": outputs}
    return Problem(given, (True, True, True), drawn((batch, outputs), case.dtype, 4), {}, born=born)


@Passes
def relu(case):
    shape = case.size["batch"], case.size["width"]
    return Problem({"x": drawn(shape, case.dtype, 1)}, (True,), drawn(shape, case.dtype, 2), {})


@Passes
def dropout(case):
    return relu.problem(case)._replace(settings={"p": 0.5}, seed=42)


@Passes
def activation(case):
    return relu.problem(case)._replace(settings=ACTIVATIONS[case.concept])


@Passes
def normalization(case):
    rows, width = case.size["batch"], case.size["width"]
    given = {
        "x": drawn((rows, width), case.dtype, 1),
        "weight": drawn((width,), case.dtype, 2),
        "bias": drawn((width,), case.dtype, 3),
    }
    if case.concept == "nn.rms_norm":
        del given["bias"]
    settings, born = {"normalized_shape": width}, {}
    if case.concept == "nn.batch_norm1d":
        settings, born = {}, {"num_features": width, "track_running_stats": False}
    return Problem(given, (True,) * len(given), drawn((rows, width), case.dtype, 4), settings, born=born)


@Passes
def embedding(case):
    batch, width = case.size["batch"], case.size["width"]
    given = {"x": np.random.RandomState(1).randint(0, 100, batch), "weight": drawn((100, width), case.dtype, 2)}
    born = {"num_embeddings": 100, "embedding_dim": width}
    return Problem(given, (False, True), drawn((batch, width), case.dtype, 3), {"padding_idx": 0}, born=born)


@Passes
def pooling(case):
    n, c, side = case.size["images"], case.size["channels"], case.size["side"]
    dy = drawn((n, c, side // 2, side // 2), case.dtype, 2)
    return Problem({"x": drawn((n, c, side, side), case.dtype, 1)}, (True,), dy, {"kernel_size": 2})


@Passes
def convolution(case):
    n, c, side = case.size["images"], case.size["channels"], case.size["side"]
    given = {
        "x": drawn((n, c, side, side), case.dtype, 1),
        "weight": drawn((c, c, 3, 3), case.dtype, 2),
        "bias": drawn((c,), case.dtype, 3),
    }
    born = {"in_channels": c, "out_channels": c, "kernel_size": 3}
    return Problem(given, (True,) * 3, drawn((n, c, side, side), case.dtype, 4), {"padding": 1}, born=born)


@Passes
def attention(case):
    names, shape = ("q", "k", "v"), (case.size["batch"], case.size["length"], 32)
    given = {name: drawn(shape, case.dtype, i) for i, name in enumerate(names, 1)}
    return Problem(given, (True,) * 3, drawn(shape, case.dtype, 4), {"is_causal": True})


@contest("nn.linear", LINEAR)
def test_linear(race):
    """A linear layer with all three gradients."""
    race(linear.assert_equivalent, linear.start)


@contest("nn.relu", SIZES)
def test_relu(race):
    """A rectifier."""
    race(relu.assert_equivalent, relu.start)


@contest("nn.dropout", SIZES, devices=("cpu",))
def test_dropout(race):
    """A dropout layer in training, its mask included, which is drawn from one seed on every rung."""
    race(dropout.assert_equivalent, dropout.start)


@contest(ACTIVATIONS, SIZES[:2])
def test_activation(race):
    """An activation, or a softmax over the width."""
    race(activation.assert_equivalent, activation.start)


@contest(("nn.layer_norm", "nn.rms_norm", "nn.batch_norm1d"), SIZES[:2])
def test_normalization(race):
    """A normalization with all its gradients, by the batch where it is one of batches."""
    race(normalization.assert_equivalent, normalization.start)


@contest("nn.conv2d", IMAGES, devices=("cpu",))
def test_conv2d(race):
    """A kernel of nine, from as many channels to as many, with all three gradients."""
    race(convolution.assert_equivalent, convolution.start)


@contest("nn.scaled_dot_product_attention", LENGTHS, (Rung.MANUAL, Rung.RAW, Rung.NATIVE), devices=("cpu",))
def test_scaled_dot_product_attention(race):
    """Causal attention of width 32, with all three gradients."""
    race(attention.assert_equivalent, attention.start)


@contest("nn.max_pool2d", IMAGES)
def test_max_pool2d(race):
    """The largest of four, forward and back."""
    race(pooling.assert_equivalent, pooling.start)


@contest("nn.embedding", SIZES[:2])
def test_embedding(race):
    """A hundred rows, looked up and learned."""
    race(embedding.assert_equivalent, embedding.start)


@contest("nn.identity", CALLS, (Rung.CUSTOM, Rung.NATIVE), devices=("cpu",))
def test_call(race):
    """What it costs to call a module rather than its forward: a chain of modules that do nothing."""
    race(assert_nothing_done, start_calls)


def assert_nothing_done(case):
    runner = start_calls(case)
    runner.step()
    assert_bitwise(runner.look(), drawn((4,), case.dtype), f"{case}")


def start_calls(case):
    modules = [getattr(LADDERS["nn.identity"], case.rung)() for _ in range(case.size["calls"])]
    x, y = torch.from_numpy(drawn((4,), case.dtype)), None

    def step():
        nonlocal y
        y = x
        for module in modules:
            y = module(y)

    return Runner(step, lambda: snapshot(y))
