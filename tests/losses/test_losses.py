"""Losses: one number, or one per row, and the direction in which it falls; on every rung the same, to the rounding."""

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, cells, torch_bug
from tests.engine import assert_bitwise, assert_same, bounded
from tests.engine.arrays import lattice
from tests.families import entry, expected, observe, problems, refusal
from tests.nn.problems import BATCHES, logits
from tests.nn.trace import Problem

ERRORS = ("losses.mse", "losses.l1", "losses.smooth_l1", "losses.huber")  # of a difference
BINARY = ("losses.binary_cross_entropy", "losses.binary_cross_entropy_with_logits")
CLASSES = ("losses.nll", "losses.cross_entropy")
LOSSES = (*ERRORS, *BINARY, "losses.kl_div", *CLASSES)


@cells("losses.loss", rungs=(Rung.MANUAL, Rung.RAW), cpu_because="NumPy has no device")
@given(data=st.data())
def test_many_losses_become_one_number(cell, data):
    """Their sum, their mean over a number that is given, or they themselves; and each has its part of the gradient."""
    shape = data.draw(st.sampled_from([(1,), (3,), (2, 3), (2, 3, 2)]), label="shape")
    losses = data.draw(lattice(shape, cell.dtype), label="losses")
    reduction = data.draw(st.sampled_from(["none", "sum", "mean"]), label="reduction")
    n = np.dtype(cell.dtype).type(data.draw(st.integers(1, 9), label="n"))
    pair, leaf = cell.ladder.manual, torch.from_numpy(losses).requires_grad_()
    expected, saved = pair.forward(bounded(losses, cell.dtype), n, reduction)
    (part,) = pair.backward(bounded(np.ones(expected.shape, cell.dtype), cell.dtype), saved)
    loss = cell.ladder.raw(leaf, n.item(), reduction)
    loss.backward(torch.ones_like(loss))
    assert_same([loss.detach().numpy(), leaf.grad.numpy()], [expected, np.broadcast_to(part, losses.shape)], "raw")


@cells("losses.cross_entropy", rungs=DROP_IN, cpu_because="CUDA's kernels are others")
@given(data=st.data())
def test_custom_is_native_bit_for_bit_of_probabilities_too(cell, data):
    """Native has other operations for a target of probabilities, and custom performs those."""
    problem = data.draw(problems(cell, kinds=("probabilities",)), label="problem")
    custom, native = (observe(cell, rung, problem) for rung in DROP_IN)
    assert_same(custom, native, f"{cell.concept} custom")


# ── what a mean counts ──────────────────────────────────────────────────────────────────────────


@st.composite
def with_an_ignored_row(draw, cell):
    """A batch, and the same batch with one row more, all of it ignored; and that row's number."""
    hard = {"kinds": ("classes",)} if cell.concept == "losses.cross_entropy" else {}
    without = draw(problems(cell, contiguous=True, batches=BATCHES, **hard), label="without the row")
    x, target = without.inputs.values()
    i = draw(st.integers(0, len(x)), label="row")
    inputs = {
        "input": np.insert(x, i, draw(logits(x.shape[1:], cell.dtype)), axis=0),
        "target": np.insert(target, i, without.settings["ignore_index"], axis=0),
    }
    dy = np.insert(without.dy, i, 1, axis=0) if without.dy.ndim else without.dy
    return without, without._replace(inputs=inputs, dy=dy), i


@cells(*CLASSES)
@given(data=st.data())
def test_an_ignored_row_might_as_well_not_be_there(cell, data):
    """The loss, and the gradients of the other rows, are those of the batch without it; its own gradient is 0."""
    without, problem, i = data.draw(with_an_ignored_row(cell))
    admitted = expected(cell, without)
    for rung in cell.rungs:
        trace = observe(cell, rung, problem)
        rows = [a for a in (trace["output"], trace["gradient"]["input"]) if a is not None and a.ndim]
        assert not any(np.any(a[i]) for a in rows), f"{rung}: the ignored row"
        assert_same(_without(trace, i), admitted, f"{cell.concept} {rung}")


def _without(x, i):
    if isinstance(x, dict):
        return {key: _without(a, i) for key, a in x.items()}
    return x if x is None or x.ndim == 0 else np.delete(x, i, axis=0)


BATCH_OF_IGNORED = {"input": np.ones((2, 3)), "target": np.full(2, -100)}
NO_ELEMENTS = [
    ({"input": np.ones((0, 3)), "target": np.ones((0, 3))}, {}),
    ({"input": np.ones(0), "target": np.ones(0)}, {}),
]
NOTHING = {
    **dict.fromkeys((*ERRORS, *BINARY), NO_ELEMENTS),
    "losses.kl_div": [*NO_ELEMENTS, (NO_ELEMENTS[0][0], {"reduction": "batchmean"})],
    "losses.nll": [
        ({"input": np.ones((0, 3)), "target": np.zeros(0, np.int64)}, {}),
        (BATCH_OF_IGNORED, {}),
        (BATCH_OF_IGNORED, {"weight": np.ones(3)}),
    ],
    "losses.cross_entropy": [
        ({"input": np.ones((0, 3)), "target": np.zeros(0, np.int64)}, {}),
        ({"input": np.ones((0, 3)), "target": np.ones((0, 3))}, {}),
        (BATCH_OF_IGNORED, {}),
        (BATCH_OF_IGNORED, {"weight": np.ones(3), "label_smoothing": 0.5}),
        ({"input": np.ones((2, 3, 1)), "target": np.full((2, 1), 1)}, {"ignore_index": 1}),
    ],
}


@cells(*LOSSES)
def test_a_mean_over_nothing_is_nan_and_moves_nothing(cell):
    """0/0 is NaN, not 0, so that an empty batch, or one in which all is ignored, is noticed; but its gradient is 0."""
    cast = lambda given: {
        k: v.astype(cell.dtype) if np.asarray(v).dtype.kind == "f" and np.ndim(v) else v for k, v in given.items()
    }
    for inputs, settings in NOTHING[cell.concept]:
        problem = Problem(cast(inputs), (True, False), np.ones((), cell.dtype), {"reduction": "mean"} | cast(settings))
        for rung in cell.rungs:
            trace = observe(cell, rung, problem)
            assert_bitwise(trace["output"], np.array(np.nan, cell.dtype), f"{rung} loss")
            assert not trace["gradient"]["input"].any(), rung


@torch_bug("the backward pass of images wants their channels first in memory", RuntimeError)
def test_natives_nll_goes_back_through_images_whose_channels_come_last():
    """How logarithms lie in memory is no matter: the gradient of the loss of images is there."""
    logarithms = torch.zeros(1, 2, 2, 2).to(memory_format=torch.channels_last).requires_grad_()
    torch.nn.functional.nll_loss(logarithms, torch.zeros(1, 2, 2, dtype=torch.int64)).backward()
    assert logarithms.grad.shape == (1, 2, 2, 2)


# ── the same question, asked differently ────────────────────────────────────────────────────────


def axis_of(problem):
    """The axis of the classes."""
    return min(1, problem.inputs["input"].ndim - 1)


def changed(problem, change):
    """The problem with its logits, and with them probabilities, changed."""
    x, target = problem.inputs.values()
    return problem._replace(
        inputs={"input": change(x), "target": change(target) if target.shape == x.shape else target}
    )


@cells("losses.cross_entropy")
@given(data=st.data())
def test_a_shift_of_all_logits_changes_nothing(cell, data):
    """Logits are known up to a constant: where adding it rounds nothing, loss and gradients are those without it."""
    problem = data.draw(problems(cell), label="problem")
    problem.inputs["input"] = data.draw(lattice(problem.inputs["input"].shape, cell.dtype), label="logits")
    shift = np.dtype(cell.dtype).type(data.draw(st.sampled_from([1.0, -64.0, 1024.0, -65536.0]), label="shift"))
    shifted = problem._replace(inputs=problem.inputs | {"input": problem.inputs["input"] + shift})
    entry(cell).assert_agreement(cell, shifted, same=problem)


@cells(*CLASSES)
@given(data=st.data())
def test_the_order_of_the_classes_changes_nothing(cell, data):
    """With classes, weights and targets renumbered the loss is the same, and the gradients are renumbered."""
    problem = data.draw(problems(cell), label="problem")
    axis, (x, target) = axis_of(problem), problem.inputs.values()
    order = np.array(data.draw(st.permutations(range(x.shape[axis])), label="order"))
    renumbered = changed(problem, lambda a: a.take(order, axis))
    if "ignore_index" in problem.settings:  # an ignored class is renumbered too
        number = {int(c): i for i, c in enumerate(order)}
        new = lambda c: number.get(int(c), int(c))
        renumbered.inputs["target"] = np.array([new(c) for c in target.flat], np.int64).reshape(target.shape)
        renumbered = renumbered._replace(
            settings=renumbered.settings | {"ignore_index": new(problem.settings["ignore_index"])}
        )
    if "weight" in problem.settings:
        renumbered = renumbered._replace(settings=renumbered.settings | {"weight": problem.settings["weight"][order]})
    admitted = expected(cell, problem)
    back = np.argsort(order)
    for rung in cell.rungs:
        trace = observe(cell, rung, renumbered)
        trace["gradient"] = {name: g if g is None else g.take(back, axis) for name, g in trace["gradient"].items()}
        assert_same(trace, admitted, f"{cell.concept} {rung}")


@cells("losses.cross_entropy")
@given(data=st.data())
def test_a_certain_target_is_its_class(cell, data):
    """A target that gives one class all probability is that class, where classes have no weights and none ignored."""
    problem = data.draw(problems(cell, kinds=("classes",)), label="problem")
    x, target = problem.inputs.values()
    target = np.clip(target, 0, x.shape[axis_of(problem)] - 1)
    settings = {k: v for k, v in problem.settings.items() if k not in ("weight", "ignore_index")}
    of_classes = problem._replace(inputs={"input": x, "target": target}, settings=settings)
    certain = np.moveaxis(np.eye(x.shape[axis_of(problem)], dtype=cell.dtype)[target], -1, axis_of(problem))
    of_probabilities = of_classes._replace(inputs={"input": x, "target": certain})
    entry(cell).assert_agreement(cell, of_probabilities, same=of_classes)


@cells(*CLASSES)
@given(data=st.data())
def test_one_row_alone_is_a_batch_of_one(cell, data):
    """Logits without a batch have the loss and the gradient of a batch of one row."""
    problem = data.draw(problems(cell, batches=st.none()), label="problem")
    batched = problem._replace(inputs={name: a[None] for name, a in problem.inputs.items()})
    batched = batched._replace(dy=problem.dy[None] if problem.settings["reduction"] == "none" else problem.dy)
    admitted = expected(cell, problem)
    for rung in cell.rungs:
        trace = observe(cell, rung, batched)
        if trace["output"].ndim:
            trace["output"] = trace["output"][0]
        trace["gradient"] = {name: g if g is None else g[0] for name, g in trace["gradient"].items()}
        assert_same(trace, admitted, f"{cell.concept} {rung}")


@cells(*ERRORS)
@given(data=st.data())
def test_an_error_does_not_know_which_side_is_the_target(cell, data):
    """With prediction and target swapped the loss is the same and the gradients are swapped, exactly."""
    problem = data.draw(problems(cell, contiguous=True), label="problem")._replace(needs=(True, True))
    x, y = problem.inputs.values()
    for rung in cell.rungs:
        trace = observe(cell, rung, problem)
        swapped = observe(cell, rung, problem._replace(inputs={"input": y, "target": x}))
        assert_bitwise(swapped["output"], trace["output"], f"{rung} loss")
        assert np.array_equal(swapped["gradient"]["input"], trace["gradient"]["target"]), rung
        assert np.array_equal(swapped["gradient"]["target"], trace["gradient"]["input"]), rung


# ── what no rung computes with ──────────────────────────────────────────────────────────────────


@cells(*ERRORS, *BINARY, "losses.kl_div", rungs=(Rung.MANUAL, Rung.RAW), dtypes=None, cpu_because="refusals are words")
@given(data=st.data())
def test_manual_and_raw_refuse_to_broadcast(cell, data):
    """A column minus a row would be a square, and its mean a number that looks like any other: of some losses native
    only warns of that, and of one not even that."""
    problem = data.draw(problems(cell).filter(lambda p: p.inputs["input"].size > 1), label="problem")
    column, row = (a.reshape(shape) for a, shape in zip(problem.inputs.values(), ((-1, 1), (-1,)), strict=True))
    broadcast = problem._replace(inputs={"input": column, "target": row})
    for rung in cell.rungs:
        with refusal(cell, ValueError, match="they would be broadcast"):
            observe(cell, rung, broadcast)


@cells("losses.smooth_l1", "losses.huber", dtypes=None, cpu_because="refusals are words")
@given(data=st.data())
def test_no_cut_is_negative(cell, data):
    """Where the square ends is no negative number, and for Huber's loss not 0: no rung returns one for it."""
    problem = data.draw(problems(cell), label="problem")
    (name,) = {"beta", "delta"} & set(problem.settings)
    cuts = [-1.0, -0.5, -(2.0**-30)] + ([0.0] if name == "delta" else [])
    settings = problem.settings | {name: data.draw(st.sampled_from(cuts), label=name)}
    for rung in cell.rungs:
        with refusal(cell, (ValueError, RuntimeError), match=f"{name}|positive"):
            observe(cell, rung, problem._replace(settings=settings))


@cells(*CLASSES, cpu_because="a kernel of CUDA's asserts, which ends the process")
@given(data=st.data())
def test_what_is_neither_a_class_nor_ignored_is_refused(cell, data):
    """A target below 0 or beyond the last class is no class, however the loss is reduced and whatever is ignored."""
    hard = {"kinds": ("classes",)} if cell.concept == "losses.cross_entropy" else {}
    problem = data.draw(problems(cell, **hard), label="problem")
    assume(problem.inputs["target"].size)
    classes = problem.inputs["input"].shape[axis_of(problem)]
    wrong = data.draw(st.sampled_from([-2, -100, classes, classes + 5]), label="wrong")
    problem.inputs["target"].flat[data.draw(st.integers(0, problem.inputs["target"].size - 1), label="where")] = wrong
    problem = problem._replace(settings=problem.settings | {"ignore_index": -1})
    for rung in cell.rungs:
        with refusal(cell, (IndexError, RuntimeError)):
            observe(cell, rung, problem)


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells("losses.kl_div", rungs=DROP_IN, dtypes=None, cpu_because="it is native's leniency")
def test_custom_broadcasts_a_divergence_in_silence_as_native_does(cell):
    """Native has no word about shapes that differ in this one loss, and custom has none either."""
    custom, native = (cls(reduction="none")(torch.zeros(3, 1), torch.full((2,), 0.5)) for cls in cell.ladder[2:])
    assert_bitwise(custom, native, "custom loss")
