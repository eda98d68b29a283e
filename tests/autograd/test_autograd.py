"""Autograd: a tape of our own records what torch's records, and differentiates it to the same numbers; and where torch
refuses, warns or forgets, so does the tape."""

import gc
import itertools
import shutil
import weakref

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.autograd import refused as pitfalls
from tests.autograd import scripts
from tests.autograd.problems import (
    ACTS,
    BINARY,
    EXACT,
    NAMED_ALIKE,
    PASS_ON,
    SMOOTH,
    UNARY,
    Single,
    factors,
    index_of,
    operands,
    powers,
    programs,
    some,
)
from tests.autograd.tape_run import TapeRun
from tests.autograd.trace import (
    Life,
    exact,
    known_to,
    library,
    observe,
    on_arrays,
    outcome,
    refusal,
    shape_of,
    snapshot,
)
from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import LONGDOUBLE_IS_WIDER, assert_same, bounded
from tests.engine.arrays import lattice
from tests.engine.certificate import certify
from tests.training.formulas import Formulas
from tests.training.test_training import NETS, batches

NUMPY = "NumPy has no device"
OURS = {"rungs": (Rung.CUSTOM,), "dtypes": None, "cpu_because": NUMPY}


def both(cell):
    """Custom and native, also where only one of them was asked for."""
    return [rung for rung in cell.ladder.rungs() if rung in DROP_IN]


# ── derivatives ─────────────────────────────────────────────────────────────────────────────────


def directions(data, dtype):
    """What derivatives are multiplied with: an array of any shape, and not of zeros, which show nothing."""
    drawn = [data.draw(lattice((7,), dtype).filter(np.any), label=label) for label in ("dy", "w")]
    return [lambda shape, a=a: np.resize(a, shape).astype(dtype) for a in drawn]


@cells("autograd.grad", cpu_because=NUMPY)
@given(data=st.data())
def test_an_operation_has_torchs_value_and_gradient(cell, data):
    """One operation: its value and the gradients of its operands are the formula's on every rung."""
    inputs, (dy, _) = data.draw(operands(cell.dtype), label="inputs"), directions(data, cell.dtype)
    for name in data.draw(some(UNARY, BINARY), label="operations"):
        program = Single(name, inputs)
        seed = dy(shape_of(program))
        expected = observe(Rung.CUSTOM, program, seed, lift=lambda a: bounded(a, cell.dtype))
        for rung in cell.implementations:
            assert_same(observe(rung, program, seed), expected, f"{rung}, {name}:")


@cells("autograd.grad", rungs=DROP_IN, dtypes=("float64",), cpu_because=NUMPY)
@given(data=st.data())
def test_an_operation_has_torchs_second_derivative(cell, data):
    """The gradient of an operation's gradient, which is recorded as it is computed, is the formula's."""
    inputs, (dy, w) = data.draw(operands(cell.dtype), label="inputs"), directions(data, cell.dtype)
    for name in data.draw(some(UNARY, BINARY), label="operations"):
        program = Single(name, inputs)
        seed, weights = dy(shape_of(program)), [w(x.shape) for x in inputs]
        expected = observe(Rung.CUSTOM, program, seed, weights, lift=lambda a: bounded(a, cell.dtype))
        for rung in cell.implementations:
            assert_same(observe(rung, program, seed, weights), expected, f"{rung}, {name}:")


@cells("autograd.grad", rungs=DROP_IN, cpu_because=NUMPY)
@given(data=st.data())
def test_where_nothing_rounds_custom_is_native_exactly(cell, data):
    """An operation that does not round has native's value and first and second derivatives, to the last digit."""
    inputs, (dy, w) = data.draw(operands(cell.dtype), label="inputs"), directions(data, cell.dtype)
    for name in data.draw(some(EXACT), label="operations"):
        program = Single(name, inputs)
        seed, weights = dy(shape_of(program)), [w(x.shape) for x in inputs]
        custom, native = (observe(rung, program, seed, weights) for rung in DROP_IN)
        assert_same(custom, exact(native), f"custom, {name}:")


@cells("autograd.grad", cpu_because=NUMPY)
@given(data=st.data())
def test_rungs_agree_on_the_gradients_of_programs(cell, data):
    """Each rung has the formula's gradients of a random program, with broadcasting, branches and values used twice."""
    program, (dy, _) = data.draw(programs(cell.dtype), label="program"), directions(data, cell.dtype)
    seed = dy(shape_of(program))
    expected = observe(Rung.CUSTOM, program, seed, lift=lambda a: bounded(a, cell.dtype))
    for rung in cell.implementations:
        assert_same(observe(rung, program, seed), expected, f"{rung}:")


@cells("autograd.grad", rungs=DROP_IN, dtypes=("float64",), cpu_because=NUMPY)
@given(data=st.data())
def test_rungs_agree_on_the_second_derivatives_of_programs(cell, data):
    """A gradient is a program too: its gradient is the formula's on either rung."""
    program, (dy, w) = data.draw(programs(cell.dtype), label="program"), directions(data, cell.dtype)
    seed, weights = dy(shape_of(program)), [w(x.shape) for x in program.inputs]
    expected = observe(Rung.CUSTOM, program, seed, weights, lift=lambda a: bounded(a, cell.dtype))
    for rung in cell.implementations:
        assert_same(observe(rung, program, seed, weights), expected, f"{rung}:")


# ── grad mode ───────────────────────────────────────────────────────────────────────────────────


@cells("autograd.no_grad", "autograd.enable_grad", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
@given(inside=st.lists(st.sampled_from(["no_grad", "enable_grad"]), max_size=3), fails=st.booleans())
def test_a_block_restores_the_mode_that_it_found(cell, inside, fails):
    """The innermost of nested blocks decides; after each block the mode is what it was, also after an exception."""
    blocks = [cell.concept.partition(".")[2], *inside]
    custom, native = ([*recorded(library(rung), blocks, fails)] for rung in both(cell))
    assert custom == native


def recorded(t, blocks, fails):
    """Whether an operation is recorded before, in and after each of the blocks."""
    yield (t.tensor([1.0], requires_grad=True) * 2.0).requires_grad
    if blocks:
        try:
            with getattr(t, blocks[0])():
                yield from recorded(t, blocks[1:], fails)
                if fails:
                    raise KeyError
        except KeyError:
            pass
        yield (t.tensor([1.0], requires_grad=True) * 2.0).requires_grad


# ── functions of functions ──────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not LONGDOUBLE_IS_WIDER, reason="a slope in double is no exacter than the gradient")
@cells("autograd.jvp", rungs=(Rung.MANUAL,), dtypes=("float64",), cpu_because=NUMPY)
@given(data=st.data())
def test_forward_mode_is_the_adjoint_of_reverse_mode(cell, data):
    """<u, J v> = <uJ, v>: numbers with a slope go forward through the tape's own operations, gradients come back."""
    program, (dy, w) = data.draw(programs("float64", SMOOTH), label="program"), directions(data, "float64")
    names = data.draw(some(SMOOTH), label="operations")
    for one in [program, *(Single(name, program.inputs) for name in names)]:
        u, v = dy(shape_of(one)), [w(x.shape) for x in one.inputs]
        wide = [[a.astype(np.longdouble) for a in arrays] for arrays in (one.inputs, v)]
        _, slope = cell.ladder.manual(on_arrays(one), *wide)
        back = observe(Rung.CUSTOM, one, u, lift=lambda a: bounded(a, "float64"))["gradient"]
        there = np.asarray((u * slope).sum()).astype(np.float64)
        assert_same(there, sum((g * a).sum() for g, a in zip(back, v, strict=True) if g is not None), f"{one}: <u, Jv>")


@cells("autograd.vjp", "autograd.jvp", "autograd.jacobian", "autograd.hessian", **OURS)
def test_the_tape_refuses_to_be_strict(cell):
    """strict=True, which native takes, is refused on the tape, where what depends on nothing has the derivative 0."""
    with pytest.raises(NotImplementedError, match="strict or not"):
        cell.ladder.custom(lambda a: a.sum(), library(Rung.CUSTOM).tensor([1.0]), strict=True)


@cells("autograd.jacobian", "autograd.hessian", **OURS)
def test_the_tape_refuses_to_go_forward(cell):
    """The strategy forward-mode, which native takes, is refused on the tape."""
    option = "strategy" if cell.concept == "autograd.jacobian" else "outer_jacobian_strategy"
    with pytest.raises(NotImplementedError, match="row by row"):
        cell.ladder.custom(lambda a: a.sum(), library(Rung.CUSTOM).tensor([1.0]), **{option: "forward-mode"})


OF_BEFORE = {
    "autograd.grad": lambda x: {"inputs": [x], "only_inputs": False},
    "autograd.backward": lambda x: {"grad_variables": [x.detach()]},
}


@cells(*OF_BEFORE, **OURS)
def test_the_tape_refuses_an_argument_of_before(cell):
    """only_inputs=False and grad_variables, which native takes with a warning, are refused on the tape."""
    x = library(Rung.CUSTOM).tensor([1.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match="on the tape gradients go to the inputs only|the old name"):
        cell.ladder.custom([x * 2.0], **OF_BEFORE[cell.concept](x))


@cells("autograd.cat", "autograd.stack", rungs=(Rung.MANUAL, *DROP_IN), cpu_because=NUMPY)
@given(data=st.data())
def test_tensors_are_joined_and_gradients_parted(cell, data):
    """Along any dimension, each part gets its part of the gradient, None where it needs none, to the bit."""
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), label="shape")
    n = data.draw(st.integers(1, 3), label="parts")
    dim = data.draw(st.integers(-2, 1), label="dim")
    arrays = [data.draw(lattice(shape, cell.dtype)) for _ in range(n)]
    if cell.concept == "autograd.cat":  # then they may differ in length
        arrays = [np.repeat(a, 1 + i, axis=dim) for i, a in enumerate(arrays)]
    needs = data.draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(any), label="needs")
    expected = joined(Rung.NATIVE, cell.ladder.native, arrays, needs, dim)
    for rung, impl in cell.implementations.items():
        assert_same(joined(rung, impl, arrays, needs, dim), expected, f"{rung}:")


def joined(rung, impl, arrays, needs, dim):
    weigh = lambda y: (np.arange(y.size) + 1.0).reshape(y.shape).astype(y.dtype)
    if rung is Rung.MANUAL:
        y, saved = impl.forward(*arrays, dim=dim)
        return [y, list(impl.backward(weigh(y), saved, needs))]
    parts = [known_to(rung)(a).requires_grad_(need) for a, need in zip(arrays, needs, strict=True)]
    y = impl(parts, dim)
    y.backward(known_to(rung)(weigh(snapshot(y))))
    return [snapshot(y), [snapshot(x.grad) for x in parts]]


@cells("autograd.matmul", "autograd.pow", rungs=(Rung.MANUAL, *DROP_IN), cpu_because=NUMPY)
@given(data=st.data())
def test_a_derivative_by_hand_is_the_tapes(cell, data):
    """Each rung has the formula's value of a product or a power of two operands of any dimensions, and the gradients of
    the operands that need one."""
    operands = data.draw(
        factors(cell.dtype) if cell.concept == "autograd.matmul" else powers(cell.dtype), label="operands"
    )
    needs = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]), label="needs")
    dy, _ = directions(data, cell.dtype)
    lifted = [bounded(a, cell.dtype) for a in operands]
    expected = by_hand(cell.ladder.manual, lifted, needs, lambda shape: bounded(dy(shape), cell.dtype))
    for rung, impl in cell.implementations.items():
        found = by_hand(impl, operands, needs, dy) if rung is Rung.MANUAL else by_tape(rung, impl, operands, needs, dy)
        assert_same(found, expected, f"{rung}:")


def by_hand(pair, operands, needs, dy):
    y, saved = pair.forward(*operands)
    return [y, *pair.backward(dy(y.shape), saved, needs)]


def by_tape(rung, impl, operands, needs, dy):
    known = known_to(rung)
    leaves = [known(a).requires_grad_(need) for a, need in zip(operands, needs, strict=True)]
    y = impl(*leaves)
    y.backward(known(dy(tuple(y.shape))))
    return [snapshot(y), *(snapshot(x.grad) for x in leaves)]


@cells("autograd.split", "autograd.unbind", rungs=(Rung.MANUAL, *DROP_IN), cpu_because=NUMPY)
@given(data=st.data())
def test_a_tensor_is_parted_and_gradients_joined(cell, data):
    """Along any dimension, whichever of the parts are used, to the bit."""
    x = data.draw(lattice(data.draw(st.tuples(st.integers(3, 5), st.integers(1, 4)), label="shape"), cell.dtype))
    dim = data.draw(st.integers(-2, 1), label="dim")
    sizes = st.integers(1, x.shape[dim]) | st.integers(0, x.shape[dim]).map(lambda n: [n, x.shape[dim] - n])
    settings = [data.draw(sizes, label="sizes")] if cell.concept == "autograd.split" else []
    used = data.draw(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), label="used")
    expected = parted(Rung.NATIVE, cell.ladder.native, x, settings, dim, used)
    for rung, impl in cell.implementations.items():
        assert_same(parted(rung, impl, x, settings, dim, used), expected, f"{rung}:")


def parted(rung, impl, x, settings, dim, used):
    weigh = lambda part: (np.arange(part.size) + 1.0).reshape(part.shape).astype(part.dtype)
    if rung is Rung.MANUAL:
        parts, saved = impl.forward(x, *settings, dim=dim % x.ndim)
        dxs = [weigh(part) if use else None for part, use in zip(parts, itertools.cycle(used), strict=False)]
        return [list(parts), impl.backward(dxs, saved)[0] if any(dx is not None for dx in dxs) else None]
    leaf, backward = known_to(rung)(x).requires_grad_(), LADDERS["autograd.backward"]
    parts = impl(leaf, *settings, dim=dim)
    kept = [part for part, use in zip(parts, itertools.cycle(used), strict=False) if use]
    if kept:
        getattr(backward, rung)(kept, [known_to(rung)(weigh(snapshot(part))) for part in kept])
    return [[snapshot(part) for part in parts], snapshot(leaf.grad)]


@cells("autograd.max", rungs=(Rung.MANUAL, *DROP_IN), cpu_because=NUMPY)
@given(data=st.data())
def test_the_first_of_the_largest_is_found(cell, data):
    """Along any dimension, values, indices and gradient are native's to the bit, also where several are the largest."""
    x = data.draw(
        lattice(data.draw(st.tuples(st.integers(1, 3), st.integers(1, 4)), label="shape"), cell.dtype, largest=2)
    )
    dim, keepdim = data.draw(st.integers(-2, 1), label="dim"), data.draw(st.booleans(), label="keepdim")
    expected = largest(Rung.NATIVE, cell.ladder.native, x, dim, keepdim)
    for rung, impl in cell.implementations.items():
        assert_same(largest(rung, impl, x, dim, keepdim), expected, f"{rung}:")


def largest(rung, impl, x, dim, keepdim):
    weigh = lambda y: (np.arange(y.size) + 1.0).reshape(y.shape).astype(x.dtype)
    if rung is Rung.MANUAL:
        (values, indices), saved = impl.forward(x, dim % x.ndim, keepdim)
        return [values, indices, *impl.backward(weigh(values), saved)]
    leaf = known_to(rung)(x).requires_grad_()
    values, indices = impl(leaf, dim, keepdim)
    values.backward(known_to(rung)(weigh(snapshot(values))))
    return [snapshot(values), snapshot(indices), snapshot(leaf.grad)]


@cells("autograd.index_put", rungs=(Rung.MANUAL, *DROP_IN), cpu_because=NUMPY)
@given(data=st.data())
def test_what_is_put_where_an_index_points_gets_its_gradient(cell, data):
    """Put or added, by rows, by elements or by a mask, from as many values or from one: native's to the bit."""
    x = data.draw(lattice((3, 2), cell.dtype), label="x")
    index = data.draw(st.sampled_from(INDICES), label="index")
    shape = x[index].shape
    values = data.draw(lattice(data.draw(st.sampled_from([shape, (), shape[-1:]])), cell.dtype), label="values")
    values, accumulate = np.asarray(values), data.draw(st.booleans(), label="accumulate")
    needs = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]), label="needs")
    arguments = x, index, values, accumulate, needs
    expected = put(Rung.NATIVE, cell.ladder.native, *arguments)
    for rung, impl in cell.implementations.items():
        assert_same(put(rung, impl, *arguments), expected, f"{rung}:")


INDICES = [
    (np.array([2, 0]),),
    (np.array([0, -1, 1]), np.array([1, 0, 0])),
    (np.array([[True, False], [False, True], [True, True]]),),
    (np.array([False, True, True]),),
]


def put(rung, impl, x, index, values, accumulate, needs):
    weights = (np.arange(x.size) + 1.0).reshape(x.shape).astype(x.dtype)
    if rung is Rung.MANUAL:
        y, saved = impl.forward(x, index, values, accumulate)
        return [y, *impl.backward(weights, saved, needs)]
    known = known_to(rung)
    leaves = [known(a).requires_grad_(need) for a, need in zip((x, values), needs, strict=True)]
    y = impl(leaves[0], tuple(map(known, index)), leaves[1], accumulate)
    y.backward(known(weights))
    return [snapshot(y), *(snapshot(leaf.grad) for leaf in leaves)]


NUMBERS = (True, 2, 2.5)
KINDS = ("bool", "int32", "int64", "float32", "float64")


@pytest.mark.parametrize("first", [*itertools.product(KINDS, ((), (2,)))])
@cells("autograd.result_type", rungs=(Rung.MANUAL, *DROP_IN), dtypes=None, cpu_because=NUMPY)
def test_two_operands_meet_in_natives_dtype(cell, first):
    """The tape promotes any two dtypes, with dimensions or without, and a tensor and a number on either side, to
    native's dtype."""
    one = np.ones(first[1], first[0])
    others = [np.ones(shape, dtype) for dtype in KINDS for shape in ((), (2,))]
    pairs = [(one, x) for x in (*others, *NUMBERS)] + [(x, one) for x in NUMBERS]
    expected = [str(cell.ladder.native(*map(met_by(Rung.NATIVE), pair))).removeprefix("torch.") for pair in pairs]
    for rung, impl in cell.implementations.items():
        found = [str(impl(*map(met_by(rung), pair))).removeprefix("torch.") for pair in pairs]
        assert found == expected, rung


def met_by(rung):
    return lambda x: x if isinstance(x, bool | int | float) or rung is Rung.MANUAL else known_to(rung)(x)


# ── what arrives where ──────────────────────────────────────────────────────────────────────────


@cells("autograd.backward", cpu_because=NUMPY)
@given(data=st.data())
def test_backward_adds_to_each_leaf_what_grad_returns(cell, data):
    """After two passes, of two programs on the same leaves, each leaf's grad is the sum of both gradients."""
    first, (dy, _) = data.draw(programs(cell.dtype), label="program"), directions(data, cell.dtype)
    passes = [first, first._replace(lines=data.draw(programs(cell.dtype), label="second").lines)]
    for rung, impl in cell.implementations.items():
        expected = [observe(rung, p, dy(shape_of(p)))["gradient"] for p in passes]
        leaves, known = inputs_of(rung, first)
        for program in passes:
            if rung is Rung.RAW:
                impl(program(*leaves), leaves, known(dy(shape_of(program))))
            else:
                impl([program(*leaves)], [known(dy(shape_of(program)))])
        for leaf, *parts in zip(leaves, *expected, strict=True):
            parts = [g for g in parts if g is not None]
            assert_same(snapshot(leaf.grad), np.add(*parts) if len(parts) == 2 else [*parts, None][0], f"{rung}: grad")


@torch_bug("what arrives as a view is kept as it is, and two may be views of one gradient (pytorch#34082)")
@cells("autograd.backward", rungs=(Rung.NATIVE,), dtypes=None, cpu_because=NUMPY)
def test_natives_leaves_share_no_gradient(cell):
    """Each leaf that was added as a view has a gradient of its own."""
    a, b = (torch.ones(4, requires_grad=True) for _ in range(2))
    cell.ladder.native([((a.view(2, 2) + b.view(2, 2)) * 3).sum()])
    a.grad.zero_()
    assert b.grad.all()


@cells("autograd.backward", rungs=(Rung.CUSTOM,), cpu_because=NUMPY)
@given(data=st.data())
def test_a_leafs_gradient_is_its_own(cell, data):
    """Writing to one leaf's grad changes neither another leaf's nor the data."""
    program, (dy, _) = data.draw(programs(cell.dtype, PASS_ON), label="program"), directions(data, cell.dtype)
    for rung, impl in cell.implementations.items():
        leaves, known = inputs_of(rung, program)
        impl([program(*leaves)], [known(dy(shape_of(program)))])
        before, grads = [snapshot(x) for x in leaves], [x.grad for x in leaves if x.grad is not None]
        for i, g in enumerate(grads):
            others = [snapshot(h) for h in grads[:i] + grads[i + 1 :]]
            expected = 0 * snapshot(g) + 1
            g.zero_().add_(1.0)
            assert_same(snapshot(g), expected, f"{rung}: its own grad")
            assert_same([snapshot(h) for h in grads[:i] + grads[i + 1 :]], others, f"{rung}: another grad")
        assert_same([snapshot(x) for x in leaves], before, f"{rung}: data")


def inputs_of(rung, program):
    known = known_to(rung)
    return [known(a.copy()).requires_grad_() for a in program.inputs], known


# ── the graph ───────────────────────────────────────────────────────────────────────────────────


@cells("autograd.node", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
@given(data=st.data())
def test_the_recorded_graph_is_torchs(cell, data):
    """The tape records torch's graph of a random program, with branches, values used twice, several results and writes
    in place: the same nodes under the same names, joined in the same order to the same results of one another, where
    all reshapes count as one. Products of batches, which are one node here and several in torch, are not drawn."""
    program = data.draw(programs("float64", (*NAMED_ALIKE, "branch")), label="program")
    for one in [program, *(Single(name, program.inputs) for name in data.draw(some(NAMED_ALIKE), label="operations"))]:
        custom, native = (graph(one(*inputs_of(rung, one)[0]) * 2.0) for rung in both(cell))
        assert custom == native, one


def as_one_reshape(node):
    """The name of a node, and what it leads to.  A reshape is recorded as what it had to be, by how the numbers lie in
    memory; and where operands lie differently, NumPy lays out what it makes of them in another way than torch."""
    name, edges = node.name(), node.next_functions
    if name == "UnsafeViewBackward0" and edges[0][0].name() == "CloneBackward0":
        return "ViewBackward0", edges[0][0].next_functions
    return "ViewBackward0" if name == "ReshapeAliasBackward0" else name, edges


def as_recorded(node):
    return node.name(), node.next_functions


def graph(y, told=as_one_reshape):
    """The graph as text: each node's name and the numbers of the nodes it leads to, as they are come upon, and of which
    of their results."""
    numbers, stack, found = {y.grad_fn: 0}, [y.grad_fn], []
    while stack:
        node = stack.pop()
        name, edges = told(node)
        for edge, _ in edges:
            if edge is not None and edge not in numbers:
                numbers[edge] = len(numbers)
                stack.append(edge)
        where = snapshot(node.variable).tolist() if hasattr(node, "variable") else None
        found.append((numbers[node], name, [(edge and numbers[edge], result) for edge, result in edges], where))
    return found


@cells("autograd.node", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
@pytest.mark.parametrize(
    ("lay", "names"),
    [
        (lambda x: x * 2.0, ["ViewBackward0"]),
        (lambda x: x[:, :1], ["ReshapeAliasBackward0"]),
        (lambda x: x.t(), ["UnsafeViewBackward0", "CloneBackward0"]),
        (lambda x: x[:, index_of(x, [0, -1])], ["ViewBackward0"]),
    ],
    ids=["in-order", "with-gaps", "turned", "taken-by-columns"],
)
def test_a_reshape_is_recorded_as_what_it_had_to_be(cell, lay, names):
    """A view where the numbers lie in order, an alias where they are a step apart, else a view of a copy."""
    for rung in cell.implementations:
        x = known_to(rung)(np.ones((3, 2))).requires_grad_()
        node, found = lay(x).reshape(-1).grad_fn, []
        for _ in names:
            found.append(node.name())
            node = node.next_functions[0][0]
        assert found == names, rung


@cells("autograd.graph", **OURS)
@given(data=st.data())
def test_the_picture_of_the_tapes_graph_is_that_of_torchs(cell, data):
    """Drawn by the same function two graphs that are the same are the same text: green the result, blue each parameter
    under its name, and no box for what needs no gradient."""
    program = data.draw(programs("float64", NAMED_ALIKE), label="program")
    needs = data.draw(st.sampled_from([(True, True), (True, False)]), label="needs")
    pictures, graphs = [], []
    for rung in DROP_IN:
        leaves = [x.requires_grad_(need) for x, need in zip(inputs_of(rung, program)[0], needs, strict=True)]
        y = program(*leaves)
        graphs.append(graph(y, as_recorded) if y.grad_fn else None)
        pictures.append(cell.ladder.custom(y, {"w": leaves[0], "v": leaves[1]}))
        boxes = [line for line in pictures[-1].splitlines() if "lightblue" in line]
        expected = [x for x in (("w", leaves[0]), ("v", leaves[1])) if f"{x[0]}\\n" in pictures[-1]]
        assert len(boxes) == len(expected) <= sum(needs)
        assert pictures[-1].count("darkolivegreen1") == 1
        assert all(x.requires_grad and f"{name}\\n{tuple(x.shape)}" in pictures[-1] for name, x in expected)
    assume(graphs[0] == graphs[1])
    assert pictures[0] == pictures[1]


@cells("autograd.graph", **OURS)
def test_without_a_graph_there_is_a_result_and_nothing_else(cell):
    """What was computed from data alone, or with grad mode off, has one box, its own."""
    t = library(Rung.CUSTOM)
    with t.no_grad():
        y = t.tensor([1.0, 2.0], requires_grad=True) * 2.0
    for x in (y, t.tensor([1.0]) + 1.0):
        picture = cell.ladder.custom(x)
        assert picture.count("label") == 1
        assert "->" not in picture


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@cells("autograd.graph", **OURS)
def test_where_graphviz_is_installed_there_is_a_picture(cell):
    """The text is DOT as Graphviz reads it."""
    w = library(Rung.CUSTOM).tensor([1.0, 2.0], requires_grad=True)
    picture = cell.ladder.custom((w * w).sum(), {"w": w}).svg()
    assert picture.count("<polygon") > 4
    assert "SumBackward0" in picture


@cells("autograd.graph", **OURS)
def test_where_graphviz_is_not_installed_it_says_so(cell, monkeypatch):
    """Where graphviz is not installed the picture says so, and its text is there."""
    picture = cell.ladder.custom(library(Rung.CUSTOM).tensor([1.0]))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="Graphviz"):
        picture.svg()


# ── what is kept, and for how long ──────────────────────────────────────────────────────────────


@pytest.fixture
def without_gc():
    """What is in no cycle goes at once, and nothing else does."""
    gc.disable()
    yield
    gc.enable()


@cells("autograd.backward", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
def test_a_chain_may_be_as_long_as_memory(cell):
    """100,000 operations one after the other neither overflow the stack, forward, backward or when they are forgotten,
    nor stay when they are."""
    grads = []
    for rung in both(cell):
        w = library(rung).tensor([1.0, 2.0], requires_grad=True)
        y = w * 3.0
        first, ours = y.grad_fn, rung is Rung.CUSTOM
        for _ in range(100_000):
            y = y + 1.0
        y.sum().backward()
        gone = weakref.ref(first) if ours else lambda: None
        del y, first
        assert gone() is None, rung
        grads.append(snapshot(w.grad))
    assert_same(*grads, "custom")


@pytest.mark.usefixtures("without_gc")
@cells("autograd.backward", **OURS)
def test_what_was_saved_is_freed_by_backward(cell):
    """After backward an operand that only a derivative needed is gone, though the result is there; not before."""
    t = library(Rung.CUSTOM)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    y = w * 3.0
    operand, z = weakref.ref(y), (y * y).sum()
    del y
    for retain_graph in (True, False):
        assert operand() is not None
        cell.ladder.custom(z, retain_graph=retain_graph)
    assert operand() is None


@pytest.mark.usefixtures("without_gc")
@cells("autograd.tensor", **OURS)
@given(data=st.data())
def test_a_graph_goes_with_the_last_tensor_that_leads_to_it(cell, data):
    """There are no cycles: whether it was run or not, a program's graph is gone with its result."""
    program = data.draw(programs("float64"), label="program")
    y = program(*[cell.ladder.custom(a, requires_grad=True) for a in program.inputs])
    if data.draw(st.booleans(), label="run"):
        (y * 1.0).sum().backward()
    nodes = [weakref.ref(node) for node in reached(y.grad_fn)]
    del y
    assert not any(node() for node in nodes)


@pytest.mark.usefixtures("without_gc")
@cells("autograd.function", **OURS)
def test_what_an_operation_of_ones_own_saves_makes_no_cycle(cell):
    """An operation of one's own makes no cycle by what it saves, its result included, whether it was run or not."""

    class Exp(cell.ladder.custom):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    y = Exp.apply(library(Rung.CUSTOM).tensor([1.0, 2.0], requires_grad=True))
    y.sum().backward(retain_graph=True)
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


def reached(root):
    """Every node of a graph."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        found.append(node)
        stack += [edge for edge, _ in node.next_functions if edge is not None]
    return found


# ── the surface: what torch tells, and refuses ──────────────────────────────────────────────────


SCRIPTS, PITFALLS = (
    [f for f in vars(module).values() if getattr(f, "__module__", "") == module.__name__ and f.__name__[0] != "_"]
    for module in (scripts, pitfalls)
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
def test_the_tape_tells_what_torch_tells(cell, script):
    """Told the same script, tape and torch have the same numbers, flags, versions, nodes and gradients."""
    custom, native = (outcome(script, rung) for rung in both(cell))
    assert_same(custom, native, "custom")


@pytest.mark.parametrize("pitfall", PITFALLS, ids=lambda pitfall: pitfall.__name__)
@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
def test_the_tape_refuses_what_torch_refuses_in_its_words(cell, pitfall):
    """Where torch raises or warns, the tape does: the same class, the same words."""
    custom, native = (refusal(pitfall, rung) for rung in both(cell))
    assert custom == native


@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
@given(acts=st.lists(ACTS, min_size=4, max_size=12))
@example(acts=[("spread", 0, 0), ("first_column", 0, 0), ("add_in_place", 1, 0), ("turn", 0, 0)])
def test_tensors_live_through_the_same_lives_on_tape_and_torch(cell, acts):
    """Whatever is computed, viewed, detached, frozen and written to, with grad mode on or off, after each act all
    tensors are the same, and so are the gradients in the end, or the words with which they are refused."""
    lives = [Life(rung) for rung in both(cell)]
    for act in [*acts, ("differentiate", 0, 0)]:
        custom, native = (life.act(*act) for life in lives)
        assert_same(custom, native, f"custom, after {act}:")


# ── training ────────────────────────────────────────────────────────────────────────────────────


STEPS = {"float32": 80, "float64": 8}  # a certificate in longdouble takes long


@pytest.mark.parametrize("name", ["digits-adam", "digits-sgd"])
@cells("autograd.tensor", rungs=(Rung.CUSTOM,), cpu_because=NUMPY)
def test_the_digits_classifier_trains_on_the_tape(cell, name):
    """With the manual rung's draws and optimizer, each step of the tape is certified, and the loss falls."""
    run, count = TapeRun(NETS[name], seed=42, dtype=cell.dtype), STEPS[cell.dtype]
    steps = [run.step(x, y) for x, y in batches(name, cell.dtype, count)]
    assert certify(steps, Formulas(NETS[name], cell.dtype), cell.dtype) == count
    assert sum(step.loss for step in steps[: count // 4]) > sum(step.loss for step in steps[-count // 4 :])
