"""Autograd: what recording costs beside arithmetic; in a long chain of numbers it is all, in a net next to nothing.

Peers are raced where they are installed, and listed as not run where they are not.
"""

import functools
import importlib.util
import shutil

import numpy as np
import pytest

from benchmarks import bench_training
from benchmarks.bench_training import batch_of, net_of
from benchmarks.paired import Runner, Size, contest
from impls.ladder import Rung
from impls.nn.sequential import Layer
from tests.autograd.tape_run import Tape, TapeRun
from tests.autograd.trace import library, snapshot
from tests.cells import LADDERS
from tests.engine import assert_bitwise, assert_same, assert_within, bounded
from tests.engine.certificate import certify
from tests.training.formulas import Formulas
from tests.training.trace import KINDS, rung_of

CHAINS = [Size(f"chain-{n}", operations=n) for n in (100, 1_000, 10_000, 100_000)]
MLP = [Size("mlp-64x256", batch=64, width=256)]
PERCEPTRON = [Size("perceptron-16x16", inputs=16, width=16)]
PEERS = {"custom+HIPS": "autograd", "custom+micrograd": "micrograd", "custom+tinygrad": "tinygrad"}
MICROGRAD_RECURSES = 400  # operations: it follows the graph by calling itself


@contest("autograd.backward", CHAINS, ("custom", "native", *PEERS), devices=("cpu",))
def test_chain(race, case):
    """One number, negated and added to, over and over, and differentiated."""
    _installed(case)
    if case.contestant == "custom+micrograd" and case.size["operations"] > MICROGRAD_RECURSES:
        pytest.skip("micrograd calls itself for every operation, and Python's stack ends there")
    race(assert_chains_equivalent, start_chain)


@contest("autograd.tensor", MLP, ("custom", "native", "custom+HIPS", "custom+tinygrad"), devices=("cpu",))
def test_mlp(race, case):
    """A perceptron with cross entropy, its gradients by the tape and its update by the manual rung's Adam."""
    _installed(case)
    race(assert_steps_equivalent, start_step)


@contest("autograd.backward", PERCEPTRON, ("custom", "native", "custom+HIPS", "custom+micrograd"), devices=("cpu",))
def test_perceptron(race, case):
    """A layer, a rectifier, a number and its square: small enough for whoever knows numbers only, one by one."""
    _installed(case)
    race(assert_perceptrons_equivalent, start_perceptron)


def _installed(case):
    package = PEERS.get(case.contestant)
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{case.contestant.removeprefix('custom+')} is not installed")
    if package == "tinygrad" and shutil.which("clang") is None:
        pytest.skip("tinygrad compiles what it computes with clang, which is not installed")


# ── a chain ──


def start_chain(case):
    n = case.size["operations"] // 2
    differentiate = {
        "custom+HIPS": _hips_chain,
        "custom+micrograd": _micrograd_chain,
        "custom+tinygrad": _tinygrad_chain,
    }.get(case.contestant)
    differentiate = differentiate(n) if differentiate else functools.partial(_chain, library(case.rung), n, case.dtype)

    return Runner.remembering(differentiate, lambda found: np.asarray(found, case.dtype))


def _chain(t, n, dtype):
    w = y = t.tensor(np.ones((), dtype), requires_grad=True)
    for _ in range(n):
        y = y * -1.0 + 1.0
    y.backward()
    return snapshot(w.grad)


def _hips_chain(n):
    import autograd

    def chain(y):
        for _ in range(n):
            y = y * -1.0 + 1.0
        return y

    return functools.partial(autograd.grad(chain), 1.0)


def _micrograd_chain(n):
    from micrograd.engine import Value

    def chain():
        w = y = Value(1.0)
        for _ in range(n):
            y = y * -1.0 + 1.0
        y.backward()
        return w.grad

    return chain


def _tinygrad_chain(n):
    import tinygrad

    def chain():
        w = y = tinygrad.Tensor(np.ones((), np.float32))
        for _ in range(n):
            y = y * -1.0 + 1.0
        return y.gradient(w)[0].numpy()

    return chain


def assert_chains_equivalent(case):
    timed = start_chain(case)
    timed.step()
    assert_bitwise(timed.look(), np.asarray((-1.0) ** (case.size["operations"] // 2), case.dtype))


# ── a perceptron ──


def start_perceptron(case):
    x, *weights = _whole_numbers(case)
    of = {"custom+HIPS": _hips_perceptron, "custom+micrograd": _micrograd_perceptron}
    if case.contestant in of:
        differentiate = of[case.contestant](x, weights)
    else:
        differentiate = _perceptron(library(case.rung), x, weights)

    return Runner.remembering(differentiate, lambda found: [np.asarray(g, case.dtype) for g in found])


def _whole_numbers(case):
    """The inputs and the weights of both layers, so small that nothing rounds."""
    n, m = case.size["inputs"], case.size["width"]
    rng = np.random.RandomState(0)
    return [rng.randint(-2, 3, shape).astype(case.dtype) for shape in ((1, n), (m, n), (1, m))]


def _perceptron(t, x, weights):
    x, weights = t.tensor(x), [t.tensor(w, requires_grad=True) for w in weights]

    def differentiate():
        first, second = weights
        first.grad = second.grad = None
        y = (x @ first.t()).relu() @ second.t()
        (y * y).sum().backward()
        return [snapshot(w.grad) for w in weights]

    return differentiate


def _hips_perceptron(x, weights):
    import autograd
    import autograd.numpy as anp

    def loss(first, second):
        y = anp.dot(anp.maximum(anp.dot(x, first.T), 0.0), second.T)
        return anp.sum(y * y)

    return functools.partial(autograd.grad(loss, (0, 1)), *weights)


def _micrograd_perceptron(x, weights):
    from micrograd.engine import Value

    x, layers = x[0].tolist(), [[[Value(v) for v in row] for row in w.tolist()] for w in weights]

    def differentiate():
        for w in (w for rows in layers for row in rows for w in row):
            w.grad = 0
        first, second = layers
        hidden = [sum(w * v for w, v in zip(row, x, strict=True)).relu() for row in first]
        y = sum(w * h for w, h in zip(second[0], hidden, strict=True))
        (y * y).backward()
        return [[[w.grad for w in row] for row in rows] for rows in layers]

    return differentiate


def assert_perceptrons_equivalent(case):
    timed = start_perceptron(case)
    timed.step()
    x, first, second = (bounded(a, case.dtype) for a in _whole_numbers(case))
    h = np.maximum(x @ first.T, 0)
    dy = 2 * (h @ second.T)
    assert_same(timed.look(), [np.where(h > 0, dy @ second, 0).T @ x, dy.T @ h], "gradients")


# ── a net ──


def start_step(case):
    if case.contestant == "native":
        return bench_training.start(case._replace(concept="training.step"))
    net, (x, y) = net_of(case), batch_of(case.native)
    tape = Tape(net, bench_training.SEED, case.dtype)
    if case.contestant in STEPS_OF_PEERS:
        return STEPS_OF_PEERS[case.contestant](tape, x, y)
    x, y, loss = tape.tensor(x), tape.tensor(y[:, None]), None

    def step():
        nonlocal loss
        loss = tape.step(x, y)

    return Runner(step, lambda: {"loss": snapshot(loss), "parameters": tape.tree(snapshot)})


def _hips_step(tape, x, y):
    """The same, with HIPS autograd's gradients."""
    import autograd
    import autograd.numpy as anp

    def loss(params):
        h = x
        for key, (kind, _) in tape.net.layers.items():
            h = anp.dot(h, params[key]["weight"].T) + params[key]["bias"] if kind == "linear" else anp.maximum(h, 0.0)
        h = h - anp.max(h, axis=1, keepdims=True)
        log_p = h - anp.log(anp.sum(anp.exp(h), axis=1, keepdims=True))
        return -anp.mean(log_p[anp.arange(len(y)), y])

    differentiate, found = autograd.value_and_grad(loss), None

    def step():
        nonlocal found
        found = differentiate(tape.tree(lambda w: w.detach().numpy()))
        tape.learn(found[1])

    return Runner(step, lambda: {"loss": np.asarray(found[0]), "gradients": found[1]})


def _tinygrad_step(tape, x, y):
    """The same, with tinygrad's, which computes nothing before it is asked for a number."""
    import tinygrad

    x, y, found = tinygrad.Tensor(x), tinygrad.Tensor(y), None

    def step():
        nonlocal found
        params, h = tape.tree(lambda w: tinygrad.Tensor(w.detach().numpy())), x
        for key, (kind, _) in tape.net.layers.items():
            h = h @ params[key]["weight"].T + params[key]["bias"] if kind == "linear" else h.relu()
        loss, flat = h.sparse_categorical_crossentropy(y), [w for layer in params.values() for w in layer.values()]
        grads = iter([loss.numpy(), *(g.numpy() for g in loss.gradient(*flat))])
        found = next(grads), {key: {name: next(grads) for name in layer} for key, layer in params.items()}
        tape.learn(found[1])

    return Runner(step, lambda: {"loss": np.asarray(found[0]), "gradients": found[1]})


STEPS_OF_PEERS = {"custom+HIPS": _hips_step, "custom+tinygrad": _tinygrad_step}


def assert_steps_equivalent(case):
    """The tape's steps are certified, and those that are timed are the same to the bit; a peer's gradients are within
    their bound."""
    if case.contestant == "native":
        return bench_training.assert_equivalent(case._replace(concept="training.step"))
    net, (x, y), timed = net_of(case), batch_of(case.native), start_step(case)
    if case.contestant in STEPS_OF_PEERS:
        timed.step()
        loss, gradients = _gradients(Tape(net, bench_training.SEED, case.dtype).tree(snapshot), net, x, y, case.dtype)
        assert_within(timed.look()["loss"], loss, "loss")
        return assert_same(timed.look()["gradients"], gradients, "gradients")
    run = TapeRun(net, bench_training.SEED, case.dtype)
    steps = [run.step(x, y) for _ in range(bench_training.STEPS)]
    certify(steps, Formulas(net, case.dtype), case.dtype)
    for _ in steps:
        timed.step()
    return assert_same(timed.look(), {"loss": steps[-1].loss, "parameters": steps[-1].after}, f"{case}")


def _gradients(params, net, x, y, dtype):
    """The loss and the gradients by the manual rung, on bounded numbers."""
    lifted = {key: {name: bounded(w, dtype) for name, w in layer.items()} for key, layer in params.items()}
    sequential, loss = LADDERS["nn.sequential"].manual, LADDERS["losses.cross_entropy"].manual
    layers = {key: Layer(rung_of(f"nn.{kind}", Rung.MANUAL), KINDS[kind]) for key, (kind, _) in net.layers.items()}
    logits, saved, _ = sequential.forward(bounded(x, dtype), layers, lifted, training=True)
    value, kept = loss.forward(logits, y)
    dy, _ = loss.backward(1.0, kept, (True, False))
    grads = sequential.backward(dy, saved)[1]
    return value, {key: grads[key] for key in params}
