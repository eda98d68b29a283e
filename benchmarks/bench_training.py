"""The whole step: where a batch is small a step is calls, where it is large it is products, and between the two lies
what a rung's own way of putting things together costs."""

import functools

import numpy as np
import torch

from benchmarks.inplace import AdamInPlace, SGDInPlace, TrainingInPlace
from benchmarks.paired import Runner, Size, contest, drawn
from impls.data.sources import sources_manual
from impls.ladder import Rung
from impls.nn.sequential import Layer
from tests.cells import LADDERS
from tests.engine import assert_same, assert_within, bounded
from tests.engine.arrays import snapshot, tensor
from tests.engine.certificate import certify
from tests.training.formulas import Formulas
from tests.training.trace import KINDS, Net, rung_of, runner

SEED, STEPS = 42, 2  # the steps that are certified: the first one, and one that starts from a state
REGRESSION = [Size("regression-80x1", batch=80)]
MLP = [
    *(Size(f"mlp-{batch}x256", batch=batch, width=256) for batch in (1, 8, 64, 512)),
    *(Size(f"mlp-64x{width}", batch=64, width=width) for width in (16, 64)),
]


def mlp(width):
    return ("linear", 784, width), ("relu",), ("linear", width, width // 2), ("relu",), ("linear", width // 2, 10)


def net_of(case):
    if case.size.label.startswith("mlp"):
        return Net(mlp(case.size["width"]), "cross_entropy", "optim.adam", {"lr": 1e-3})
    return Net((("linear", 1, 1),), "mse", "optim.sgd", {"lr": 0.1})


@functools.cache
def batch_of(case):
    """The regression's line; or pixels and labels at random, which take the net long to learn by heart."""
    if case.size.label.startswith("mlp"):
        rows = case.size["batch"]
        return abs(drawn((rows, 784), case.dtype)), np.random.RandomState(1).randint(0, 10, rows)
    x, y, train, _ = sources_manual.line(np.dtype(case.dtype).type)
    return x[train], y[train]


@contest("training.step", REGRESSION, (*Rung, "manual+inplace"))
def test_regression(race):
    """Full-batch linear regression on 80 points, SGD with lr 0.1: nothing but calls."""
    race(assert_equivalent, start)


@contest("training.step", MLP, (*Rung, "native+foreach", "native+fused", "manual+inplace"))
def test_mlp(race):
    """A multi-layer perceptron with cross entropy and Adam."""
    race(assert_equivalent, start)


def assert_equivalent(case):
    """The steps are certified on the rung's spied run, and those that are timed are the same to the bit."""
    net, (x, y) = net_of(case), batch_of(case.native)
    _, _, variant = case.contestant.partition("+")
    spied = net._replace(options=net.options | {variant: True}) if variant in ("foreach", "fused") else net
    run = runner(case.rung, spied, SEED, case.dtype, case.device)
    steps = [run.step(x, y) for _ in range(STEPS)]
    certify(steps, Formulas(net, case.dtype), case.dtype)
    certified = {"loss": steps[-1].loss, "parameters": steps[-1].after}
    assert_same(_after(case), certified, f"{case}")
    if case.contestant == "custom" and case.device == "cpu":
        assert_same(_after(case), _after(case.native), f"{case}")


def _after(case):
    timed = start(case)
    for _ in range(STEPS):
        timed.step()
    return timed.look()


def start(case):
    kind = {"manual": _manual, "manual+inplace": _in_place, "raw": _raw}.get(case.contestant, _object)
    return kind(case, net_of(case), *batch_of(case.native))


def _layers(net, rung):
    return {key: Layer(rung_of(f"nn.{kind}", rung), KINDS[kind]) for key, (kind, _) in net.layers.items()}


def _initial(net, rung, dtype):
    """The parameters with which a run begins, and the generator after them."""
    rng, params = rung_of("rng", rung).seed(SEED), {}
    for key, (kind, sizes) in net.layers.items():
        if KINDS[kind]:
            params[key], rng = rung_of(f"nn.{kind}", rung).init(rng, *sizes, dtype=dtype)
    return params, rng


def _manual(case, net, x, y):
    params, rng = _initial(net, Rung.MANUAL, np.dtype(case.dtype).type)
    state, loss = {}, None
    take = functools.partial(
        LADDERS["training.step"].manual,
        layers=_layers(net, Rung.MANUAL),
        loss=LADDERS[f"losses.{net.loss}"].manual,
        update=functools.partial(LADDERS[net.optimizer].manual, **net.options),
    )

    def step():
        nonlocal loss, params, state, rng
        loss, params, state, rng = take(params, state, rng, x, y)

    return Runner(step, lambda: {"loss": loss, "parameters": params})


def _in_place(case, net, x, y):
    params, _ = _initial(net, Rung.MANUAL, np.dtype(case.dtype).type)
    optimizer = {"optim.sgd": SGDInPlace, "optim.adam": AdamInPlace}[net.optimizer](
        [w for layer in params.values() for w in layer.values()], **net.options
    )
    training, loss = TrainingInPlace(optimizer, LADDERS[f"losses.{net.loss}"].manual, len(x), case.dtype), None

    def step():
        nonlocal loss
        loss = training.step(x, y)

    def look():
        leaves = iter(optimizer.views(optimizer.params))
        return {
            "loss": loss,
            "parameters": {key: {name: next(leaves) for name in layer} for key, layer in params.items()},
        }

    return Runner(step, look)


def _raw(case, net, x, y):
    drawn, generator = _initial(net, Rung.RAW, getattr(torch, case.dtype))
    params = {
        key: {n: w.detach().to(case.device).requires_grad_() for n, w in layer.items()} for key, layer in drawn.items()
    }
    state, loss = {}, None
    batch = tensor(x, case.device), tensor(y, case.device)
    take = functools.partial(
        LADDERS["training.step"].raw,
        layers=_layers(net, Rung.RAW),
        loss=LADDERS[f"losses.{net.loss}"].raw,
        update=functools.partial(LADDERS[net.optimizer].raw, **net.options),
    )

    def step():
        nonlocal loss
        loss = take(params, state, generator, *batch)

    look = lambda: {
        "loss": snapshot(loss),
        "parameters": {k: {n: snapshot(w) for n, w in p.items()} for k, p in params.items()},
    }
    return Runner(step, look)


def _model(case, net):
    torch.manual_seed(SEED)
    modules = [rung_of(f"nn.{kind}", case.rung)(*sizes) for kind, sizes in net.layers.values()]
    return rung_of("nn.sequential", case.rung)(*modules).to(case.device, getattr(torch, case.dtype))


def _object(case, net, x, y):
    model, (_, _, variant) = _model(case, net), case.contestant.partition("+")
    options = net.options | ({variant: True} if variant else {})
    optimizer = rung_of(net.optimizer, case.rung)(model.parameters(), **options)
    take, criterion = rung_of("training.step", case.rung), rung_of(f"losses.{net.loss}", case.rung)()
    batch, loss = (tensor(x, case.device), tensor(y, case.device)), None

    def step():
        nonlocal loss
        loss = take(model, criterion, optimizer, *batch)

    def look():
        params = {}
        for name, p in model.named_parameters():
            key, _, leaf = name.rpartition(".")
            params.setdefault(key, {})[leaf] = snapshot(p)
        return {"loss": snapshot(loss), "parameters": params}

    return Runner(step, look)


# ── evaluation ──────────────────────────────────────────────────────────────────────────────────

WIDTH, BATCH = 64, 64
ROWS = [Size(f"{rows}x784", rows=rows) for rows in (64, 512, 4096)]


@contest("training.evaluation", ROWS, devices=("cpu",))
def test_evaluation(race):
    """The loss over a whole set and the number of right rows, 64 rows at a time, the loader included."""
    race(assert_evaluations_equivalent, start_evaluation)


def assert_evaluations_equivalent(case):
    found, native = (_evaluated(c) for c in (case, case.native))
    assert_within(np.asarray(found.loss, case.dtype), _expected_loss(case.native), f"{case} loss")
    assert_same((found.correct, found.rows), (native.correct, native.rows), f"{case} rows that are right, and rows")
    if case.rung is Rung.CUSTOM:
        assert_same(found.loss, native.loss, f"{case} loss")


def _evaluated(case):
    timed = start_evaluation(case)
    timed.step()
    return timed.look()


@functools.cache
def _expected_loss(case):
    """The loss of all rows at once, on bounded numbers."""
    net, (x, y) = _evaluated_net(), _set(case)
    params, _ = _initial(net, Rung.MANUAL, np.dtype(case.dtype).type)
    lifted = {key: {name: bounded(w, case.dtype) for name, w in layer.items()} for key, layer in params.items()}
    layers = _layers(net, Rung.MANUAL)
    logits, _, _ = LADDERS["nn.sequential"].manual.forward(bounded(x, case.dtype), layers, lifted, training=False)
    loss, _ = LADDERS["losses.cross_entropy"].manual.forward(logits, y)
    return loss


def _evaluated_net():
    return Net(mlp(WIDTH), "cross_entropy", "optim.adam", {"lr": 1e-3})


@functools.cache
def _set(case):
    rows = case.size["rows"]
    return abs(drawn((rows, 784), case.dtype)), np.random.RandomState(1).randint(0, 10, rows)


def start_evaluation(case):
    net, (x, y), rung = _evaluated_net(), _set(case.native), case.rung
    evaluate, criterion = rung_of("training.evaluation", rung), rung_of("losses.cross_entropy", rung)
    if rung in (Rung.MANUAL, Rung.RAW):
        dtype = np.dtype(case.dtype).type if rung is Rung.MANUAL else getattr(torch, case.dtype)
        params, _ = _initial(net, rung, dtype)
        data = (x, y) if rung is Rung.MANUAL else (torch.from_numpy(x), torch.from_numpy(y))
        evaluate = functools.partial(
            evaluate, params, *data, layers=_layers(net, rung), loss=criterion, batch_size=BATCH
        )
    else:
        dataset = rung_of("data.dataset", rung)(torch.from_numpy(x), torch.from_numpy(y))
        loader = rung_of("data.loader", rung)(dataset, BATCH, generator=torch.Generator())
        evaluate = functools.partial(evaluate, _model(case, net), criterion(), loader)
    return Runner.remembering(evaluate)
