"""Training: the pieces put together still take the same step.  A run is followed step by step and certified, on every
rung; where the operations are the same the bits are, over a thousand steps; and one seed starts them all."""

import copy
import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.data.sources import sources_manual
from impls.ladder import Rung
from impls.nn.sequential import Layer
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_bitwise, assert_same, assert_within, bounded
from tests.engine.arrays import snapshot, tensor
from tests.engine.certificate import certify
from tests.engine.compare import STEP
from tests.families import lifted, observe, problems, run_of
from tests.training.clipping import clipped, clipped_by_value
from tests.training.formulas import Formulas
from tests.training.problems import runs, sets
from tests.training.refused import parameter
from tests.training.trace import Net, rung_of, runner
from tests.training.two_epochs import observe as two_epochs

CLASSIFIER = (("linear", 64, 32), ("relu",), ("dropout", 0.2), ("linear", 32, 10))
NETS = {
    "regression": Net((("linear", 1, 1),), "mse", "optim.sgd", {"lr": 0.1}),
    "digits-adam": Net(CLASSIFIER, "cross_entropy", "optim.adam", {"lr": 1e-2}),
    "digits-sgd": Net(CLASSIFIER, "cross_entropy", "optim.sgd", {"lr": 0.1, "momentum": 0.9}, max_norm=1.0),
}
STEPS = {"regression": 200, "digits-adam": 200, "digits-sgd": 200}
WHOLE = {"regression": 1000, "digits-adam": 1800, "digits-sgd": 1800}  # all 40 epochs, in the thorough profiles


def batches(name, dtype, steps):
    """The regression on all of its line, the classifier on the digits, 32 at a time, in an order of its own."""
    if name == "regression":
        x, y, train, _ = sources_manual.line()
        return [(x[train].astype(dtype), y[train].astype(dtype))] * steps
    x, y = sources_manual.digits(np.dtype(dtype).type)
    order = np.random.RandomState(0).permutation(np.arange(steps * 32) % len(x))
    return [(x[rows], y[rows]) for rows in np.split(order, steps)]


# ── certificates ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NETS)
@cells("training.step")
def test_every_step_of_a_run_is_certified(cell, name):
    """Each step of each rung's own run is admissible: nodes, gradients, update, and nothing changed in between."""
    count, certified = (STEPS if settings().max_examples < 100 else WHOLE)[name], {}
    for rung in cell.implementations:
        run = runner(rung, NETS[name], seed=42, dtype=cell.dtype, device=cell.device)
        steps = (run.step(x, y) for x, y in batches(name, cell.dtype, count))
        assert certify(steps, Formulas(NETS[name], cell.dtype), cell.dtype, certified) == count, rung


@cells("training.step")
@given(data=st.data())
def test_a_few_steps_of_any_small_net_are_certified(cell, data):
    """Whatever the loss, the optimizer, the clipping and the batches, each step of each rung's run is admissible."""
    (net, seed, data_of_steps), certified = data.draw(runs(cell.dtype), label="run"), {}
    for rung in cell.implementations:
        run = runner(rung, net, seed, cell.dtype, cell.device)
        certify((run.step(x, y) for x, y in data_of_steps), Formulas(net, cell.dtype), cell.dtype, certified)


@cells("training.step", rungs=DROP_IN, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
def test_custom_trains_like_native_bit_for_bit(cell):
    """Over 1,000 steps with dropout, clipping and weight decay, custom and native never differ in one bit."""
    net = Net(CLASSIFIER, "cross_entropy", "optim.adam", {"lr": 1e-2, "weight_decay": 1e-2}, max_norm=0.5)
    traces = []
    for rung in DROP_IN:
        run = runner(rung, net, seed=7, dtype=cell.dtype)
        traces.append([(snapshot(run.take(x, y)), run.parameters()) for x, y in batches("digits", cell.dtype, 1000)])
    assert_same(*traces, "custom", levels=(STEP,))


@cells("training.step", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_a_step_calls_the_model_and_so_its_hooks(cell):
    """The model is called, not its forward: what is registered on it runs, once a step."""
    for rung in cell.implementations:
        model, calls = rung_of("nn.linear", rung)(2, 1), []
        model.register_forward_hook(lambda *_: calls.append("forward"))
        optimizer = rung_of("optim.sgd", rung)(model.parameters())
        rung_of("training.step", rung)(
            model, rung_of("losses.mse", rung)(), optimizer, torch.ones(3, 2), torch.ones(3, 1)
        )
        assert calls == ["forward"], rung


# ── one seed ────────────────────────────────────────────────────────────────────────────────────


@cells("training.loop", dtypes=("float32", "float64"), cpu_because="CUDA has another generator, so other masks")
@given(data=st.data())
def test_one_seed_tells_every_rung_the_same_story(cell, data):
    """From one integer, in one stream, every rung draws the same initial weights, split, shuffles and dropout masks."""
    seed = data.draw(st.integers(0, 2**32 - 1), label="seed")
    n, batch = data.draw(st.integers(2, 40), label="rows"), data.draw(st.integers(1, 16), label="batch")
    expected = two_epochs(Rung.NATIVE, seed, n, batch, cell.dtype)
    for rung in cell.implementations:
        assert_same(two_epochs(rung, seed, n, batch, cell.dtype), expected, f"{rung}, unlike native:")


# ── the loop ────────────────────────────────────────────────────────────────────────────────────


def epochs(rung, losses, n, batch, count):
    """Run a rung's loop with a step that returns whole numbers; return (epoch losses, the rows of every batch)."""
    train, rows, values = rung_of("training.loop", rung), [], iter(losses)

    def step(*args):
        x = args[-2]
        rows.append(snapshot(x).astype(int).tolist())
        loss = next(values)
        return (np.float64(loss), *args[:3]) if rung is Rung.MANUAL else torch.tensor(float(loss))

    x = np.arange(n, dtype=np.float64)
    if rung is Rung.MANUAL:
        state = rung_of("rng", rung).seed(0)
        return [loss for loss, *_ in train(step, {}, {}, state, x, x, batch_size=batch, epochs=count)], rows
    if rung is Rung.RAW:
        generator = torch.Generator().manual_seed(0)
        x = torch.from_numpy(x)
        return list(train(step, x, x, batch_size=batch, epochs=count, generator=generator)), rows
    dataset = rung_of("data.dataset", rung)(torch.from_numpy(x), torch.from_numpy(x))
    loader = rung_of("data.loader", rung)(dataset, batch, shuffle=True, generator=torch.Generator().manual_seed(0))
    return list(train(step, loader, count)), rows


@cells("training.loop", dtypes=None, cpu_because="it computes nothing")
@given(data=st.data())
def test_an_epochs_loss_is_the_mean_over_rows(cell, data):
    """The loss of an epoch weights each batch by its length, exactly."""
    n, batch = data.draw(st.integers(1, 20), label="rows"), data.draw(st.integers(1, 8), label="batch")
    losses = data.draw(st.lists(st.integers(-100, 100), min_size=40, max_size=40), label="losses")
    for rung in cell.implementations:
        found, rows = epochs(rung, losses, n, batch, 2)
        sizes, steps = [len(r) for r in rows], len(rows) // 2
        for epoch, loss in enumerate(found):
            part = slice(epoch * steps, (epoch + 1) * steps)
            total = sum(size * value for size, value in zip(sizes[part], losses[part], strict=True))
            assert loss == float(Fraction(total, n)), rung


@cells("training.loop", dtypes=None, cpu_because="it computes nothing")
@given(data=st.data())
def test_an_epoch_visits_every_row_once(cell, data):
    """Each epoch is a permutation of the rows, and the batches are native's."""
    n, batch = data.draw(st.integers(1, 20), label="rows"), data.draw(st.integers(1, 8), label="batch")
    expected, steps = epochs(Rung.NATIVE, [0] * 60, n, batch, 3)[1], -(-n // batch)
    for rung in cell.implementations:
        rows = epochs(rung, [0] * 60, n, batch, 3)[1]
        assert rows == expected, rung
        for epoch in range(3):
            assert sorted(itertools.chain(*rows[epoch * steps : (epoch + 1) * steps])) == list(range(n))


# ── evaluation ──────────────────────────────────────────────────────────────────────────────────


def layers_of(rung, p=0.5):
    """A linear classifier with dropout in front, for the rungs without objects."""
    dropout, linear = rung_of("nn.dropout", rung), rung_of("nn.linear", rung)
    return {"drop": Layer(dropout, (), {"p": p}, True), "0": Layer(linear, ("weight", "bias"))}


def model_of(rung, params, p=0.5):
    model = rung_of("nn.sequential", rung)(
        rung_of("nn.linear", rung)(*params["0"]["weight"].shape[::-1]), rung_of("nn.dropout", rung)(p)
    )
    model = model.to(getattr(torch, str(params["0"]["weight"].dtype)))
    model.load_state_dict({f"0.{name}": torch.from_numpy(w) for name, w in params["0"].items()})
    return model


def evaluation(rung, x, y, params, batch, model=None):
    evaluate, loss = rung_of("training.evaluation", rung), rung_of("losses.cross_entropy", rung)
    if rung is Rung.MANUAL:
        return evaluate(params, x, y, layers=layers_of(rung), loss=loss, batch_size=batch)
    if rung is Rung.RAW:
        leaves = {"0": {name: torch.from_numpy(w).requires_grad_() for name, w in params["0"].items()}}
        return evaluate(
            leaves, torch.from_numpy(x), torch.from_numpy(y), layers=layers_of(rung), loss=loss, batch_size=batch
        )
    dataset = rung_of("data.dataset", rung)(torch.from_numpy(x), torch.from_numpy(y))
    loader = rung_of("data.loader", rung)(dataset, batch, generator=torch.Generator())
    return evaluate(model or model_of(rung, params), loss(), loader)


@cells("training.evaluation", cpu_because="its parts are compared there")
@given(data=st.data())
def test_evaluation_is_the_mean_over_rows_whatever_the_batch_size(cell, data):
    """The loss is that of all rows at once, with dropout off, within the bound of a mean in any order."""
    x, y, params, batch = data.draw(sets(cell.dtype), label="set")
    lifted = {name: bounded(w, cell.dtype) for name, w in params["0"].items()}
    logits, _ = LADDERS["nn.linear"].manual.forward(bounded(x, cell.dtype), lifted["weight"], lifted["bias"])
    expected, _ = LADDERS["losses.cross_entropy"].manual.forward(logits, y)
    for rung in cell.implementations:
        found = evaluation(rung, x, y, params, batch)
        assert_within(np.asarray(found.loss, cell.dtype), expected, f"{rung} loss")
        assert found.rows == len(x), rung


@cells("training.evaluation", cpu_because="its parts are compared there")
@given(data=st.data())
def test_evaluation_counts_the_rows_that_are_right(cell, data):
    """On data where nothing rounds, the number of right rows is the same integer on every rung."""
    x, y, params, batch = data.draw(sets(cell.dtype), label="set")
    exact = [
        [
            sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, w, strict=True)) + Fraction(float(c))
            for w, c in zip(params["0"]["weight"], params["0"]["bias"], strict=True)
        ]
        for row in x
    ]
    right = sum(scores.index(max(scores)) == target for scores, target in zip(exact, y, strict=True))
    for rung in cell.implementations:
        assert evaluation(rung, x, y, params, batch).correct == right, rung


@cells("training.evaluation", rungs=DROP_IN, cpu_because="it computes nothing")
@given(data=st.data())
def test_evaluation_leaves_the_model_as_it_was(cell, data):
    """Neither any layer's mode, nor parameters, nor gradients, nor the generator are changed by an evaluation."""
    x, y, params, batch = data.draw(sets(cell.dtype), label="set")
    modes = data.draw(st.lists(st.booleans(), min_size=3, max_size=3), label="modes of the model and its two layers")
    for rung in cell.implementations:
        model = model_of(rung, params)
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode
        before, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
        evaluation(rung, x, y, params, batch, model)
        assert [module.training for module in model.modules()] == modes, rung
        assert all(p.grad is None for p in model.parameters()), rung
        assert_bitwise(torch.get_rng_state(), generator, f"{rung} generator")
        for name, w in model.state_dict().items():
            assert_bitwise(w, before[name], f"{rung} {name}")


NOTHING = "it computes nothing"


# ── clipping ────────────────────────────────────────────────────────────────────────────────────


@cells("training.clip_grad_norm")
@given(data=st.data())
def test_a_gradient_that_is_short_enough_is_left_alone(cell, data):
    """Where the norm is well below the bound nothing changes, to the bit."""
    problem = data.draw(problems(cell), label="problem")._replace(bound=2.0**40)
    for rung in cell.implementations:
        assert_same(observe(cell, rung, problem)["gradient"], problem.gradients, f"{rung} gradient")


NO_GRADIENT = {
    "no-gradient": ([None, None], np.inf),
    "no-parameter": ([], np.inf),
    "no-element": ([np.zeros((0, 2), np.float32)], 2.0),
}


@pytest.mark.parametrize("what", NO_GRADIENT)
@cells("training.clip_grad_norm", dtypes=None, cpu_because=NOTHING)
def test_the_norm_of_no_gradients_is_zero(cell, what):
    """Where there is no gradient, or no parameter, or there are no elements, the norm is 0."""
    grads, norm_type = NO_GRADIENT[what]
    for rung in cell.implementations:
        found, total = clipped(run_of(cell, rung), grads, 1.0, norm_type=norm_type)
        assert_same(found, grads, f"{rung} gradient")
        assert total == 0, rung


NAN = float("nan")
SPREADS = {
    "a-nan": ([[NAN, 1.0], [2.0]], NAN, [[NAN, NAN], [NAN]]),
    "an-infinity": ([[np.inf, 1.0], [-2.0]], np.inf, [[NAN, 0.0], [-0.0]]),
}


@pytest.mark.parametrize("norm_type", [2.0, 1.0, np.inf])
@pytest.mark.parametrize("what", SPREADS)
@cells("training.clip_grad_norm")
def test_a_norm_that_is_not_finite_spreads(cell, what, norm_type):
    """A NaN anywhere makes every gradient NaN; an infinity makes itself NaN and everything else 0."""
    grads, norm, expected = SPREADS[what]
    grads, expected = ([np.array(g, cell.dtype) for g in tensors] for tensors in (grads, expected))
    for rung in cell.implementations:
        with np.errstate(invalid="ignore"):
            found, total = clipped(run_of(cell, rung), grads, 1.0, norm_type=norm_type)
        assert_same(found, expected, f"{rung} gradient")
        assert_bitwise(total, np.array(norm, cell.dtype), f"{rung} norm")


FORMS = {"list": list, "tuple": tuple, "generator": iter, "generator-of-its-own": lambda ps: (p for p in ps)}


@pytest.mark.parametrize("form", FORMS)
@cells("training.clip_grad_norm", rungs=(Rung.RAW, *DROP_IN), dtypes=None, cpu_because=NOTHING)
def test_parameters_may_come_in_any_form(cell, form):
    """A list, a tuple and a generator of parameters are clipped alike, one after the other."""
    for rung in cell.implementations:
        params = [torch.zeros(2), torch.zeros(1), torch.zeros(2)]
        params[0].grad, params[2].grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, -4.0])
        assert getattr(cell.ladder, rung)(FORMS[form](params), 0.0) == 5.0, rung
        assert not any(p.grad.any() for p in params[::2]), rung


@cells("training.clip_grad_norm", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_one_tensor_is_a_list_of_one(cell):
    """A parameter by itself is clipped as the only one."""
    for rung in cell.implementations:
        p = torch.zeros(2)
        p.grad = torch.tensor([3.0, 4.0])
        assert getattr(cell.ladder, rung)(p, 0.0) == 5.0, rung
        assert not p.grad.any(), rung


@cells("training.clip_grad_norm", rungs=(Rung.RAW, *DROP_IN), cpu_because="CUDA's default is foreach")
def test_a_gradient_that_is_listed_twice_counts_twice_and_is_scaled_twice(cell):
    """One parameter listed four times has twice its gradient's norm, and its gradient is scaled four times."""
    once = np.array([3.0, 4.0], cell.dtype)
    slightly = 10.0 / (lifted(cell, np.array(10.0, cell.dtype)) + 1e-6)
    for rung in cell.implementations:
        p = torch.zeros(2, dtype=getattr(torch, cell.dtype))
        p.grad = tensor(once)
        assert getattr(cell.ladder, rung)([p] * 4, 10.0) == 10.0, rung
        assert_within(p.grad, lifted(cell, once) * slightly * slightly * slightly * slightly, f"{rung} gradient")


@cells("training.clip_grad_norm", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING)
def test_gradients_that_are_refused_are_left_alone(cell):
    """With error_if_nonfinite a norm that is not finite is refused before anything is scaled."""
    for rung, clip in cell.implementations.items():
        p = parameter(float("inf"), 3.0)
        with pytest.raises(RuntimeError, match="non-finite"):
            clip([p], 1.0, error_if_nonfinite=True)
        assert p.grad.tolist() == [float("inf"), 3.0], rung


# ── clipping by value ───────────────────────────────────────────────────────────────────────────


@cells("training.clip_grad_value", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_clipping_by_value_takes_one_tensor_or_a_generator(cell):
    """A lone tensor and a generator are clipped, and a NaN stays NaN."""
    for rung in cell.implementations:
        clip, p = getattr(cell.ladder, rung), torch.zeros(3)
        p.grad = torch.tensor([float("nan"), float("-inf"), 3.0])
        clip(p, 2)
        assert_same(snapshot(p.grad), np.array([np.nan, -2, 2], np.float32), f"{rung} lone tensor")
        clip((q for q in [p]), 1)
        assert_same(snapshot(p.grad), np.array([np.nan, -1, 1], np.float32), f"{rung} generator")


OURS = (Rung.MANUAL, Rung.RAW, Rung.CUSTOM)


@cells("training.clip_grad_value", rungs=OURS, dtypes=None, cpu_because="it computes nothing")
def test_clipping_no_gradients_by_value_does_nothing(cell):
    """Parameters without a gradient are left alone, one or none."""
    for rung in cell.implementations:
        assert clipped_by_value(run_of(cell, rung), [None], 1.0) == [None], rung
        assert clipped_by_value(run_of(cell, rung), [], 1.0) == [], rung


@torch_bug("an internal check on the grouped gradients fails when there are none", RuntimeError)
@cells("training.clip_grad_value", rungs=(Rung.NATIVE,), dtypes=None, cpu_because="it computes nothing")
def test_native_clips_no_gradients_by_value(cell):
    """Native, too, leaves a parameter without a gradient alone."""
    cell.ladder.native([torch.zeros(1, requires_grad=True)], 1.0)
