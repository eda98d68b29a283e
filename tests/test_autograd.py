"""Autograd: a tape of our own records what torch's records, and differentiates it to the same numbers; and where torch
refuses, warns or forgets, so does the tape."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.cells import DROP_IN, WORDS, cells
from tests.exactness import assert_same, bounded
from tests.observe.autograd import Life, exact, known_to, library, observe, outcome, refusal, seen, shape_of
from tests.strategies import pitfalls, stories
from tests.strategies.arrays import lattice
from tests.strategies.autograd import ACTS, BINARY, EXACT, PASS_ON, UNARY, Single, operands, programs, some

NUMPY = "NumPy has no device"

# ── derivatives ─────────────────────────────────────────────────────────────────────────────────


def directions(data, dtype):
    """What derivatives are multiplied with: an array of any shape."""
    drawn = [data.draw(lattice((7,), dtype), label=label) for label in ("dy", "w")]
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
    """Of a random program, with broadcasting, branches and values used twice, each rung has the formula's gradients."""
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
            assert_same(seen(leaf.grad), np.add(*parts) if len(parts) == 2 else [*parts, None][0], f"{rung}: grad")


@cells("autograd.backward", rungs=DROP_IN, cpu_because=NUMPY)
@given(data=st.data())
def test_a_leafs_gradient_is_its_own(cell, data):
    """Writing to one leaf's grad changes neither another leaf's nor the data."""
    program, (dy, _) = data.draw(programs(cell.dtype, PASS_ON), label="program"), directions(data, cell.dtype)
    for rung, impl in cell.implementations.items():
        leaves, known = inputs_of(rung, program)
        impl([program(*leaves)], [known(dy(shape_of(program)))])
        before, grads = [seen(x) for x in leaves], [x.grad for x in leaves if x.grad is not None]
        for i, g in enumerate(grads):
            others = [seen(h) for h in grads[:i] + grads[i + 1 :]]
            expected = 0 * seen(g) + 1
            g.zero_().add_(1.0)
            assert_same(seen(g), expected, f"{rung}: its own grad")
            assert_same([seen(h) for h in grads[:i] + grads[i + 1 :]], others, f"{rung}: another grad")
        assert_same([seen(x) for x in leaves], before, f"{rung}: data")


def inputs_of(rung, program):
    known = known_to(rung)
    return [known(a.copy()).requires_grad_() for a in program.inputs], known


# ── what is kept, and for how long ──────────────────────────────────────────────────────────────

OURS = {"rungs": (Rung.CUSTOM,), "dtypes": None, "cpu_because": NUMPY}


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
    for rung in cell.implementations:
        w = library(rung).tensor([1.0, 2.0], requires_grad=True)
        y = w * 3.0
        first, ours = y.grad_fn, rung is Rung.CUSTOM
        for _ in range(100_000):
            y = y + 1.0
        y.sum().backward()
        gone = weakref.ref(first) if ours else lambda: None
        del y, first
        assert gone() is None, rung
        grads.append(seen(w.grad))
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


def reached(root):
    """Every node of a graph."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        found.append(node)
        stack += [edge for edge, _ in node.next_functions if edge is not None]
    return found


# ── the surface: what torch tells, and refuses ──────────────────────────────────────────────────


STORIES, PITFALLS = (
    [f for f in vars(module).values() if getattr(f, "__module__", "") == module.__name__ and f.__name__[0] != "_"]
    for module in (stories, pitfalls)
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
def test_the_tape_tells_what_torch_tells(cell, story):
    """Told the same story, tape and torch have the same numbers, flags, versions, nodes and gradients."""
    custom, native = (outcome(story, rung) for rung in cell.implementations)
    assert_same(custom, native, "custom")


@WORDS
@pytest.mark.parametrize("pitfall", PITFALLS, ids=lambda pitfall: pitfall.__name__)
@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
def test_the_tape_refuses_what_torch_refuses_in_its_words(cell, pitfall):
    """Where torch raises or warns, the tape does: the same class, the same words."""
    custom, native = (refusal(pitfall, rung) for rung in cell.implementations)
    assert custom == native


@cells("autograd.tensor", rungs=DROP_IN, dtypes=None, cpu_because=NUMPY)
@given(acts=st.lists(ACTS, min_size=4, max_size=12))
def test_tensors_live_through_the_same_lives_on_tape_and_torch(cell, acts):
    """Whatever is computed, viewed, detached, frozen and written to, with grad mode on or off, after each act all
    tensors are the same, and so are the gradients in the end, or the words with which they are refused."""
    lives = [Life(rung) for rung in cell.implementations]
    for act in [*acts, ("differentiate", 0, 0)]:
        custom, native = (life.act(*act) for life in lives)
        assert_same(custom, native, f"custom, after {act}:")
