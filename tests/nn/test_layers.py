"""Layers one by one: each is a formula and the derivative of it, and what it remembers or looks up is part of that."""

import functools
import inspect
import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, cells, torch_bug
from tests.engine import assert_same
from tests.engine.arrays import lattice, snapshot, tensor
from tests.families import entry, expected, observe, problems, refusal
from tests.nn.layer_problems import TAKES_BIAS
from tests.nn.problems import SEEDS
from tests.nn.trace import Problem, initial, outcome, tree
from tests.rng.trace import state_of

SMOOTH = ("nn.gelu", "nn.silu", "nn.sigmoid", "nn.tanh", "nn.softplus", "nn.softmax", "nn.log_softmax")
LAYERS = (
    "nn.identity",
    "nn.flatten",
    "nn.leaky_relu",
    *SMOOTH,
    "nn.embedding",
    "nn.layer_norm",
    "nn.rms_norm",
    "nn.batch_norm1d",
    "nn.max_pool2d",
    "nn.conv2d",
)
ATTENTION = "nn.scaled_dot_product_attention"


@cells("nn.layer_norm", dtypes=("float64",))
def test_a_running_mean_rounds_where_the_mean_does_not(cell):
    """Native's mean of numbers that add up to nothing, which goes from lane to lane, is not 0, and is admissible."""
    x, weight = np.array([4.0, -4.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0, 1 / 256])
    born = {"bias": False, "elementwise_affine": True}
    settings = {"normalized_shape": (5,), "eps": 1e-5}
    problem = Problem({"x": x, "weight": weight}, (True, True), np.ones(5), settings, born=born)
    entry(cell).assert_agreement(cell, problem)


@cells("nn.layer_norm", dtypes=("float32",))
def test_a_number_alone_is_its_own_mean(cell):
    """The running mean of a single number rounds nothing: its variance is 0, whatever the number is."""
    born = {"bias": False, "elementwise_affine": False}
    settings = {"normalized_shape": (1,), "eps": 1e-5}
    x = np.array([[7.5], [2.0**-27]], "float32")
    problem = Problem({"x": x}, (True,), np.ones_like(x), settings, born=born)
    entry(cell).assert_agreement(cell, problem)


@cells("nn.softplus", dtypes=("float32",))
def test_a_gradient_may_underflow_on_its_way(cell):
    """Autograd divides a gradient by beta before it multiplies by beta: what is lost in between is lost beta times."""
    x, dy = np.array([-32.0], "float32"), np.array([3 * 2.0**-12], "float32")
    entry(cell).assert_agreement(cell, Problem({"x": x}, (True,), dy, {"beta": 3.0, "threshold": 20.0}, born={}))


# ── what a layer must not see ───────────────────────────────────────────────────────────────────


@cells("nn.softmax", "nn.log_softmax")
@given(data=st.data())
def test_a_shift_of_a_row_changes_nothing(cell, data):
    """Where adding a constant rounds nothing, the softmax and its gradient are those without it."""
    problem = data.draw(problems(cell), label="problem")
    x = data.draw(lattice(problem.dy.shape, cell.dtype), label="x")
    shift = np.dtype(cell.dtype).type(data.draw(st.sampled_from([1.0, -64.0, 1024.0]), label="shift"))
    before, shifted = (problem._replace(inputs={"x": a}) for a in (x, x + shift))
    entry(cell).assert_agreement(cell, shifted, same=before)


@cells("nn.softmax", "nn.log_softmax")
@given(data=st.data())
def test_rows_are_normalized_one_by_one(cell, data):
    """Each row comes out as if it were alone, whichever dimension the rows lie along."""
    of_rows = problems(cell).filter(lambda problem: problem.inputs["x"].ndim)
    problem = data.draw(of_rows, label="problem")._replace(needs=(True,))
    dim, x = problem.settings["dim"], problem.inputs["x"]
    apart = lambda a: np.moveaxis(a, dim, -1).reshape(-1, a.shape[dim])
    rows = [
        expected(cell, problem._replace(inputs={"x": row}, dy=dy, settings={"dim": 0}))
        for row, dy in zip(apart(x), apart(problem.dy), strict=True)
    ]
    for rung in cell.rungs:
        trace = observe(cell, rung, problem)
        alone = [
            {"output": y, "gradient": {"x": dx}}
            for y, dx in zip(apart(trace["output"]), apart(trace["gradient"]["x"]), strict=True)
        ]
        assert_same(alone, rows, f"{cell.concept} {rung}")


@cells("nn.batch_norm1d")
@given(data=st.data())
def test_in_evaluation_a_row_does_not_see_its_neighbours(cell, data):
    """With running statistics a row alone comes out as in the batch, its gradient too, and nothing is remembered."""
    problem = data.draw(problems(cell).filter(lambda p: p.stats is not None), label="problem")
    problem = problem._replace(settings=problem.settings | {"training": False}, needs=(True,) * len(problem.needs))
    first = problem._replace(inputs=problem.inputs | {"x": problem.inputs["x"][:1]}, dy=problem.dy[:1])
    admitted = expected(cell, first)
    for rung in cell.rungs:
        trace = observe(cell, rung, problem)
        assert_same(trace["output"][:1], admitted["output"], f"{rung} output")
        assert_same(trace["gradient"]["x"][:1], admitted["gradient"]["x"], f"{rung} gradient")
        assert_same(trace["stats"], list(problem.stats.values()), f"{rung} stats")


@cells("nn.batch_norm1d", dtypes=None, cpu_because="refusals are words")
@given(data=st.data())
def test_of_one_row_there_is_no_variance(cell, data):
    """In training one value for a feature is refused on every rung, and so it is where nothing is remembered."""
    problem = data.draw(problems(cell), label="problem")
    assume(problem.settings["training"] or problem.stats is None)
    x, dy = (a[:1, :, 0] if a.ndim == 3 else a[:1] for a in (problem.inputs["x"], problem.dy))
    for rung in cell.rungs:
        with refusal(cell, ValueError, match="Expected more than 1 value per channel when training"):
            observe(cell, rung, problem._replace(inputs=problem.inputs | {"x": x}, dy=dy))


@cells("nn.embedding", cpu_because="a kernel of CUDA's asserts, which ends the process")
@given(data=st.data())
def test_what_is_no_row_is_refused(cell, data):
    """An index below 0, which NumPy and Python would take for a row, or beyond the last is refused on every rung."""
    problem = data.draw(problems(cell).filter(lambda p: p.inputs["x"].size), label="problem")
    rows = len(problem.inputs["weight"])
    x = problem.inputs["x"].copy()
    x.flat[data.draw(st.integers(0, x.size - 1))] = data.draw(
        st.sampled_from([-1, -rows, rows, rows + 7]), label="index"
    )
    for rung in cell.rungs:
        with refusal(cell, IndexError, match="index out of range in self"):
            observe(cell, rung, problem._replace(inputs=problem.inputs | {"x": x}))


@cells("nn.embedding", rungs=DROP_IN, cpu_because="CUDA's kernels are others")
@given(data=st.data())
def test_custom_has_natives_options_of_a_table(cell, data):
    """Custom cuts off norms as rows are read, divides gradients by how often a row was, freezes a table and has sparse
    gradients as native does: bit for bit, the table that is left included."""
    problem = data.draw(problems(cell), label="problem")
    options = {
        "max_norm": st.sampled_from([None, 1.0, 0.1]),
        "norm_type": st.sampled_from([2.0, 1.0]),
        "scale_grad_by_freq": st.sampled_from([True, False, True]),
        "_freeze": st.sampled_from([False, True, False, False]),
    }
    drawn = {name: data.draw(values, label=name) for name, values in options.items()}
    is_sparse = data.draw(st.booleans(), label="sparse") and problem.inputs["x"].ndim  # native has none of a number
    drawn["sparse"] = bool(is_sparse) and not drawn["scale_grad_by_freq"]
    left = []
    for cls in cell.ladder[2:]:
        table = torch.from_numpy(problem.inputs["weight"].copy())
        module = cls(*table.shape, problem.settings["padding_idx"], _weight=table, **drawn)
        y = module(torch.from_numpy(problem.inputs["x"]))
        if y.requires_grad:
            y.backward(torch.from_numpy(problem.dy))
        grad = module.weight.grad
        left.append([snapshot(y), snapshot(module.weight), repr(module), grad is not None and grad.is_sparse])
        left[-1].append(snapshot(grad.to_dense() if left[-1][-1] else grad))
    assert_same(*left, "custom embedding")


# ── attention ───────────────────────────────────────────────────────────────────────────────────


@cells(ATTENTION)
@given(data=st.data())
def test_minus_infinity_hides_what_false_hides(cell, data):
    """A mask of 0 and -∞ is the mask of booleans, to the bit, on every rung and for every gradient."""
    with_booleans = lambda p: p.inputs.get("attn_mask", p.dy).dtype == bool
    problem = data.draw(problems(cell).filter(with_booleans), label="problem")
    told = np.where(problem.inputs["attn_mask"], 0, -np.inf).astype(cell.dtype)
    for rung in cell.rungs:
        traces = [
            observe(cell, rung, problem._replace(inputs=problem.inputs | {"attn_mask": mask}))
            for mask in (told, problem.inputs["attn_mask"])
        ]
        assert_same(*traces, f"{cell.concept} {rung}")


@cells(ATTENTION, rungs=(Rung.MANUAL, Rung.RAW), dtypes=None)
def test_one_mask_is_enough(cell):
    """Where a mask is given and another asked for, nobody guesses which."""
    inputs = {name: np.ones((2, 2)) for name in ("q", "k", "v", "attn_mask")}
    for rung in cell.rungs:
        with refusal(cell, ValueError, match="not to be given with is_causal"):
            observe(cell, rung, Problem(inputs, (False,) * 4, np.ones((2, 2)), {"is_causal": True}))


@torch_bug(
    "of four dimensions the fused kernel is taken, and applies both", raises=pytest.fail.Exception, mended=(2, 14)
)
def test_native_refuses_a_second_mask_of_four_dimensions_too():
    """attn_mask and is_causal together are refused, however many dimensions there are."""
    mask = torch.ones(2, 2)
    for q in (torch.ones(1, 2, 2), torch.ones(1, 1, 2, 2)):
        with pytest.raises(RuntimeError, match="Explicit attn_mask should not be set when is_causal=True"):
            torch.nn.functional.scaled_dot_product_attention(q, q, q, mask, is_causal=True)


@torch_bug("the fused kernel counts the values, and leaves the other keys out", raises=pytest.fail.Exception)
def test_native_refuses_fewer_values_than_keys():
    """A key without a value is refused."""
    for q in (torch.ones(1, 2, 2), torch.ones(1, 1, 2, 2)):
        with pytest.raises(RuntimeError):
            torch.nn.functional.scaled_dot_product_attention(q, q, q[..., :1, :])


# ── windows ─────────────────────────────────────────────────────────────────────────────────────


@cells("nn.max_pool2d")
@given(data=st.data())
def test_the_first_of_the_largest_has_the_gradient(cell, data):
    """The first of several largest has the gradient, of several NaNs the last, and in a window of -∞ a place of its
    own."""
    problem = data.draw(problems(cell), label="problem")._replace(needs=(True,))
    dy = data.draw(lattice(problem.dy.shape, cell.dtype), label="gradient from above")
    problem = problem._replace(inputs={"x": data.draw(tied(problem.inputs["x"]), label="x")}, dy=dy)
    natives = observe(cell, Rung.NATIVE, problem)
    for rung in cell.rungs:
        assert_same(observe(cell, rung, problem), natives, f"{cell.concept} {rung}")


def tied(x):
    """An array like x, of few numbers, some of which are none."""
    of = st.sampled_from([np.nan, -np.inf, -np.inf, np.inf, 0.0, -1.0])
    return st.lists(of, min_size=x.size, max_size=x.size).map(lambda drawn: np.array(drawn, x.dtype).reshape(x.shape))


@cells("nn.max_pool2d")
@given(data=st.data())
def test_every_rung_finds_the_same_places(cell, data):
    """Asked for them, a rung returns where each largest stands, counted through its image without padding."""
    problem = data.draw(problems(cell), label="problem")
    x = tensor(data.draw(tied(problem.inputs["x"]), label="x"), cell.device)
    expected = _found(Rung.NATIVE, cell.ladder.native, x, **problem.settings)
    for rung, impl in cell.implementations.items():
        assert_same(_found(rung, impl, x, **problem.settings), expected, f"{cell.concept} {rung}")


def _found(rung, impl, x, **settings):
    if rung is Rung.MANUAL:
        (y, places), _ = impl.forward(snapshot(x), **settings, return_indices=True)
        return [y, places]
    pool = functools.partial(impl, **settings, return_indices=True)
    y, places = pool(x) if rung is Rung.RAW else pool()(x)
    return [snapshot(y), snapshot(places)]


@torch_bug("a window that sees nothing but padding has the place behind the last", raises=AssertionError)
def test_every_place_of_native_lies_in_the_image():
    """An index of the largest is that of a place, so that its gradient has one to go to."""
    pool = torch.nn.MaxPool2d((2, 1), padding=(1, 0), dilation=2, return_indices=True)
    y, indices = pool(torch.ones(1, 1, 2))
    assert (indices < 2).all(), (y, indices)


@cells("nn.conv2d", dtypes=None)
@pytest.mark.parametrize(
    ("mode", "in_numpy"),
    [("zeros", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")],
)
def test_a_border_is_the_image_continued(cell, mode, in_numpy):
    """Beyond the image a window sees what np.pad makes of it, in the mode of another name."""
    x, weight = np.arange(24.0).reshape(1, 2, 3, 4), np.arange(12.0).reshape(1, 2, 2, 3)
    born = {"in_channels": 2, "out_channels": 1, "kernel_size": (2, 3), "bias": False}
    continued = np.pad(x, ((0, 0), (0, 0), (2, 2), (1, 1)), in_numpy)
    expected = np.lib.stride_tricks.sliding_window_view(continued[0], (2, 3), (1, 2))
    expected = (expected * weight[0][:, None, None]).sum(axis=(0, 3, 4))[None, None]
    settings = {"padding": (2, 1), "padding_mode": mode}
    problem = Problem({"x": x, "weight": weight}, (False, False), np.ones_like(expected), settings, born=born)
    for rung in cell.rungs:
        assert_same(observe(cell, rung, problem)["output"], expected, f"{cell.concept} {rung}")


WINDOWS_OF_THREE = {  # further inputs, settings, and what only a class is told
    "nn.max_pool2d": ({}, {"kernel_size": 3}, {}),
    "nn.conv2d": (
        {"weight": np.ones((1, 1, 3, 3))},
        {},
        {"in_channels": 1, "out_channels": 1, "kernel_size": 3, "bias": False},
    ),
}


@cells(*WINDOWS_OF_THREE, dtypes=None, cpu_because="refusals are words")
@pytest.mark.parametrize("sizes", [(2, 5), (5, 2)])
def test_a_window_that_does_not_fit_is_refused(cell, sizes):
    """Where an image has no room for one window no rung returns an empty image."""
    further, settings, born = WINDOWS_OF_THREE[cell.concept]
    inputs = {"x": np.ones((1, 1, *sizes))} | further
    problem = Problem(inputs, (False,) * len(inputs), np.ones((1, 1, 0, 0)), settings, born=born)
    for rung in cell.rungs:
        with refusal(cell, (ValueError, RuntimeError), match="fits in|too small|Kernel size|but size is"):
            observe(cell, rung, problem)


@cells("nn.max_pool2d", rungs=(Rung.MANUAL, Rung.RAW), dtypes=None, cpu_because="refusals are words")
def test_a_window_of_padding_alone_is_refused(cell):
    """Where a window has no largest there is no place to return, and none outside of the image is made up."""
    settings = {"kernel_size": (2, 1), "padding": (1, 0), "dilation": 2}
    for rung in cell.rungs:
        with refusal(cell, ValueError, match="nothing but padding"):
            observe(cell, rung, Problem({"x": np.ones((1, 1, 2))}, (False,), np.ones((1, 1, 2)), settings))


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


def reborn(module):
    module.reset_parameters()
    return module


BORN = {
    "nn.embedding": [
        lambda cls: cls(5, 3),
        lambda cls: cls(5, 3, padding_idx=-2),
        lambda cls: cls(20, 1, 0, 2.0),
        lambda cls: cls.from_pretrained(torch.ones(2, 3)),
        lambda cls: cls.from_pretrained(torch.ones(2, 3), False, 1, 2.0, 1.0, True, True),
    ],
    "nn.layer_norm": [lambda cls: cls(3), lambda cls: cls([2, 3], 0.5, bias=False), lambda cls: cls((4,), 1e-3, False)],
    "nn.rms_norm": [lambda cls: cls(3), lambda cls: cls([2, 3], 0.5), lambda cls: cls((4,), None, False)],
    "nn.batch_norm1d": [
        lambda cls: cls(3),
        lambda cls: cls(3, 0.5, None, False),
        lambda cls: cls(2, track_running_stats=False, **{"bias": False} if TAKES_BIAS else {}),
    ],
    "nn.max_pool2d": [
        lambda cls: cls(2),
        lambda cls: cls((2, 1), None, 1, (1, 2), False, True),
        lambda cls: cls(3, 1, 1, 2, True),
    ],
    "nn.conv2d": [
        lambda cls: cls(2, 4, 3),
        lambda cls: cls(4, 2, (1, 2), 2, (0, 1), (1, 2), 2, False, "circular"),
        lambda cls: cls(2, 1, 2, padding="same"),
        lambda cls: cls(1, 2, 2, padding="valid", padding_mode="reflect", dtype=torch.float64),
        lambda cls: reborn(cls(3, 2, 2).to(memory_format=torch.channels_last)),
    ],
    "nn.leaky_relu": [lambda cls: cls(), lambda cls: cls(0.2, inplace=True)],
    "nn.gelu": [lambda cls: cls(), lambda cls: cls("tanh")],
    "nn.silu": [lambda cls: cls(), lambda cls: cls(inplace=True)],
    "nn.softplus": [lambda cls: cls(), lambda cls: cls(2, 1)],
    "nn.softmax": [lambda cls: cls(), lambda cls: cls(dim=-1)],
    "nn.log_softmax": [lambda cls: cls(), lambda cls: cls(1)],
    "nn.flatten": [lambda cls: cls(), lambda cls: cls(0, -2)],
    "nn.identity": [lambda cls: cls(), lambda cls: cls(54, unused=True)],
    "nn.sigmoid": [lambda cls: cls()],
    "nn.tanh": [lambda cls: cls()],
}


@cells(*BORN, rungs=DROP_IN, dtypes=None, cpu_because="parameters are drawn on the CPU")
@given(seed=SEEDS, data=st.data())
def test_a_layer_is_born_as_natives_is(cell, seed, data):
    """From one seed custom has native's parameters, buffers and representation, and leaves the generator alike."""
    make = data.draw(st.sampled_from(BORN[cell.concept]))
    born = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            generator = torch.default_generator.manual_seed(seed)
            born.append([tree(make(cls)), state_of(generator)._asdict()])
    assert_same(*born, "custom layer")


SIZES = {
    "nn.linear": (2, 3),
    "nn.embedding": (2, 3),
    "nn.layer_norm": (2,),
    "nn.rms_norm": (2,),
    "nn.batch_norm1d": (2,),
}


@cells(*SIZES, rungs=DROP_IN, dtypes=None, cpu_because="the device is one without memory")
def test_a_layer_is_born_where_and_as_it_is_told(cell):
    """Each parameter and buffer is on the device that was asked for, and of the dtype, save what counts."""
    made = (cls(*SIZES[cell.concept], device="meta", dtype=torch.float16) for cls in cell.ladder[2:])
    assert_same(*([[k, str(t.device), str(t.dtype)] for k, t in m.state_dict().items()] for m in made), "custom")


@pytest.mark.parametrize("dimensions", range(5))
@cells("nn.softmax", "nn.log_softmax", rungs=DROP_IN, dtypes=None, cpu_because="a choice is the same on any device")
def test_a_dimension_that_is_not_given_is_natives(cell, dimensions):
    """With a warning, the dimension is the one that torch chose when it was young."""
    x, found = torch.arange(2.0**dimensions).reshape((2,) * dimensions), []
    for cls in cell.ladder[2:]:
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            found.append(snapshot(cls()(x)))
    assert_same(*found, "custom")


@cells("nn.embedding", cpu_because="parameters are drawn on the CPU")
@given(seed=SEEDS, sizes=st.sampled_from([(5, 3), (1, 1), (3, 4), (15, 1), (1, 7)]), data=st.data())
def test_one_seed_is_one_table_on_every_rung(cell, seed, sizes, data):
    """Up to fifteen elements, where a normal draw is the C library's on every rung, no bit of a table differs."""
    padding_idx = data.draw(st.none() | st.integers(-sizes[0], sizes[0] - 1), label="padding_idx")
    expected = initial(Rung.NATIVE, cell.ladder.native, seed, cell.dtype, *sizes, padding_idx)
    for rung, impl in cell.implementations.items():
        assert_same(initial(rung, impl, seed, cell.dtype, *sizes, padding_idx), expected, f"{cell.concept} {rung}")


@cells("nn.conv2d", cpu_because="parameters are drawn on the CPU")
@given(seed=SEEDS, kernel=st.sampled_from([3, (1, 2), 1]), groups=st.sampled_from([1, 2]), bias=st.booleans())
def test_one_seed_is_one_kernel_on_every_rung(cell, seed, kernel, groups, bias):
    """Born from one seed, convolutions have the same weights to the bit, and leave the generator in the same state."""
    sizes, options = (2, 4, kernel), {"groups": groups, "bias": bias}
    expected = initial(Rung.NATIVE, cell.ladder.native, seed, cell.dtype, *sizes, **options)
    for rung, impl in cell.implementations.items():
        assert_same(initial(rung, impl, seed, cell.dtype, *sizes, **options), expected, f"{cell.concept} {rung}")


@cells("nn.dropout", "nn.batch_norm1d", rungs=(Rung.MANUAL, Rung.RAW), dtypes=None, cpu_because="it computes nothing")
def test_a_function_trains_when_nothing_is_said(cell):
    """A function trains when nothing is said, as a module does that has just been made."""
    for rung, impl in cell.implementations.items():
        parameters = inspect.signature(getattr(impl, "forward", impl)).parameters
        assert parameters["training"].default is cell.ladder.native(1).training, rung


@cells("nn.batch_norm1d", rungs=DROP_IN, dtypes=None, cpu_because="a state is the same on any device")
@pytest.mark.parametrize("version", [1, None, 2])
def test_a_state_from_before_batches_were_counted_is_taken(cell, version):
    """A state of layout 1, or of one that it does not tell, may lack the count, and then the module's own stays."""
    for tracked, counted, strict in itertools.product([True, False], repeat=3):
        found = []
        for cls in cell.ladder[2:]:
            module = cls(2, track_running_stats=tracked)
            if tracked:
                module.num_batches_tracked.fill_(5)
            state = cls(2).state_dict()
            state._metadata[""]["version"] = version
            if not counted:
                del state["num_batches_tracked"]
            load = functools.partial(module.load_state_dict, state, strict=strict)
            found.append([outcome(lambda load=load: repr(load())), tree(module)])
        assert_same(*found, f"custom, {tracked=}, {counted=}, {strict=}:")


@cells("nn.identity", "nn.flatten", dtypes=None, cpu_because="it computes nothing")
@given(data=st.data())
def test_nothing_is_copied(cell, data):
    """What only has another shape, or not even that, is the same numbers in the same place."""
    problem = data.draw(problems(cell, contiguous=True).filter(lambda p: p.dy.size and p.dy.ndim), label="problem")
    x = torch.from_numpy(problem.inputs["x"])
    for rung, impl in cell.implementations.items():
        if rung is Rung.MANUAL:
            assert np.shares_memory(impl.forward(problem.inputs["x"], **problem.settings)[0], problem.inputs["x"])
        else:
            y = impl(x, **problem.settings) if rung is Rung.RAW else impl(**problem.settings)(x)
            assert y.data_ptr() == x.data_ptr(), rung
