"""Layers and the tree that holds them: a layer is a formula with its derivative, and a module knows its parameters
by name; on every rung the same numbers, the same names, the same draws."""

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from impls.ladder import Absent, Pair, Rung
from impls.nn.sequential import Layer
from tests.cells import DROP_IN, LADDERS, cells
from tests.engine import assert_bitwise, assert_same
from tests.engine.arrays import arrays, lattice, shapes, snapshot, tensor
from tests.families import Run, assert_refused_alike, observe, problems
from tests.nn import refused
from tests.nn.problems import SEEDS, TREES, chains, linear, signed_zeros
from tests.nn.trace import initial, outcome, pass_through, told, tree

LAYERS = ("nn.linear", "nn.relu", "nn.dropout")
INDICES = st.integers(-3, 4)
PLACES = st.sampled_from(["a", "b", "c", "a", "b", "c", "forward", "d.e", ""])
AT = st.integers(0, 3)
CUTS = st.sampled_from([slice(None), slice(1, None), slice(None, None, 2), slice(0)])
SLICES = st.builds(slice, st.none() | INDICES, st.none() | INDICES, st.sampled_from([None, 1, 2, -1]))
ITS_OWN_GENERATOR = "CUDA's generator is another one, Philox"

# ── formulas ────────────────────────────────────────────────────────────────────────────────────


@cells("nn.linear")
@given(data=st.data())
def test_rows_do_not_see_each_other(cell, data):
    """Whatever the leading dimensions, and where nothing rounds, each row comes out as if it were alone, and gradients
    add up."""
    problem = data.draw(linear(cell.dtype, kinds=(lattice,), features=st.integers(1, 3)), label="problem")
    rows = list(np.ndindex(problem.dy.shape[:-1]))
    for rung in cell.rungs:
        whole = observe(cell, rung, problem._replace(needs=(True,) * len(problem.needs)))
        total = {name: np.zeros_like(w) for name, w in problem.inputs.items() if name != "x"}
        for row in rows:
            x = problem.inputs | {"x": problem.inputs["x"][row]}
            alone = observe(cell, rung, problem._replace(inputs=x, dy=problem.dy[row], needs=(True,) * len(x)))
            assert np.array_equal(alone["output"], whole["output"][row]), rung
            assert np.array_equal(alone["gradient"]["x"], whole["gradient"]["x"][row]), rung
            total = {name: g + alone["gradient"][name] for name, g in total.items()}
        assert all(np.array_equal(total[name], whole["gradient"][name]) for name in total), rung


@cells("nn.relu")
@given(data=st.data())
def test_the_derivative_at_the_kink_is_zero(cell, data):
    """At 0, of either sign, the gradient stops, as below; above it passes unchanged, as NaN does."""
    problem = data.draw(problems(cell), label="problem")._replace(needs=(True,))
    x = data.draw(signed_zeros(problem.dy.shape, cell.dtype), label="x")
    hole = np.where(data.draw(lattice(x.shape, cell.dtype, largest=1), label="holes") > 0, np.nan, x)
    for rung in cell.rungs:
        gradient = observe(cell, rung, problem._replace(inputs={"x": hole.astype(cell.dtype)}))["gradient"]["x"]
        assert np.array_equal(gradient, np.where(hole <= 0, 0, problem.dy)), rung


# ── draws ───────────────────────────────────────────────────────────────────────────────────────


@cells("nn.dropout", cpu_because=ITS_OWN_GENERATOR)
@given(data=st.data())
def test_where_nothing_is_random_nothing_is_drawn(cell, data):
    """In evaluation, at p = 0 and at p = 1 the generator is left alone; the output is x, and at p = 1 it is 0."""
    problem = data.draw(problems(cell), label="problem")._replace(needs=(True,))
    settings = data.draw(st.sampled_from(CERTAIN), label="settings")
    passes = not settings["training"] or settings["p"] == 0
    for rung in cell.rungs:
        trace = observe(cell, rung, problem._replace(settings=settings))
        assert np.array_equal(trace["output"], problem.inputs["x"] * passes), rung
        assert np.array_equal(trace["gradient"]["x"], problem.dy * passes), rung
        assert_same(trace["generator"], LADDERS["rng"].manual.seed(problem.seed)._asdict(), f"{rung} generator")


CERTAIN = [
    {"p": p, "training": training}
    for p, training in ((0.5, False), (1.0, False), (0.0, True), (1.0, True), (0, True), (1, True))
]


@cells("nn.dropout", cpu_because=ITS_OWN_GENERATOR)
@given(data=st.data())
def test_what_forward_drops_backward_drops(cell, data):
    """The gradient goes through the mask that the values went through: for dy = x it is y, exactly."""
    problem = data.draw(problems(cell), label="problem")._replace(needs=(True,))
    for rung in cell.rungs:
        trace = observe(cell, rung, problem._replace(dy=problem.inputs["x"]))
        assert np.array_equal(trace["gradient"]["x"], trace["output"]), rung


@cells("nn.dropout", rungs=DROP_IN, dtypes=None, cpu_because=ITS_OWN_GENERATOR)
@given(seed=SEEDS, n=st.integers(1, 3), p=st.sampled_from([0.5, torch.tensor(0.3)]))
def test_every_pass_has_a_mask_of_its_own(cell, seed, n, p):
    """Passes one after the other draw one after the other, evaluation in between or not; p may be a tensor."""
    masks = []
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(seed)
            module = cls(p)
            masks.append([[module.train()(torch.ones(20)), module.eval()(torch.ones(20))] for _ in range(n)])
    assert_same(*masks, "custom mask")


@cells("nn.linear", cpu_because="parameters are drawn on the CPU")
@given(seed=SEEDS, sizes=st.tuples(st.sampled_from([1, 2, 3, 5, 7, 10, 300]), st.integers(1, 9)), bias=st.booleans())
def test_one_seed_is_one_layer_on_every_rung(cell, seed, sizes, bias):
    """Born from one seed, the layers have the same weights to the bit, and leave the generator in the same state."""
    expected = initial(Rung.NATIVE, cell.ladder.native, seed, cell.dtype, *sizes, bias)
    for rung, impl in cell.implementations.items():
        assert_same(initial(rung, impl, seed, cell.dtype, *sizes, bias), expected, f"{cell.concept} {rung}")


@cells("nn.linear", rungs=DROP_IN, cpu_because="parameters are drawn on the CPU")
@given(seed=SEEDS)
def test_a_layer_is_reborn_as_it_was_born(cell, seed):
    """reset_parameters draws what the constructor drew."""
    for cls in cell.ladder[2:]:
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(seed)
            born = cls(3, 2, dtype=getattr(torch, cell.dtype))
            before = [snapshot(p) for p in born.parameters()]
            torch.default_generator.manual_seed(seed)
            born.reset_parameters()
        assert_same([snapshot(p) for p in born.parameters()], before, f"{cls.__module__} parameter")


# ── a chain of layers ───────────────────────────────────────────────────────────────────────────


@cells("nn.sequential", rungs=(Rung.MANUAL,), cpu_because="NumPy has no device")
@given(data=st.data())
def test_the_chain_rule_is_one_layer_after_the_other(cell, data):
    """The chain's gradients are, to the bit, those of its layers, each handed what the one above handed on."""
    chain = data.draw(chains(cell.dtype), label="chain")._replace(needs_x=True)
    saved, x, rng = [], chain.x, LADDERS["rng"].manual.seed(chain.seed)
    for kind, params, settings in chain.layers:
        settings = settings | ({"training": chain.training} if kind == "dropout" else {})
        draws = (rng,) if kind == "dropout" else ()
        x, kept, *left = LADDERS[f"nn.{kind}"].manual.forward(x, *params.values(), *draws, **settings)
        rng, saved = (left or [rng])[0], [*saved, kept]
    dy, gradients = chain.dy, {}
    for i, (kind, params, _) in reversed(list(enumerate(chain.layers))):
        dy, *dw = LADDERS[f"nn.{kind}"].manual.backward(dy, saved[i], (True,) * (1 + len(params)))
        gradients |= {f"{i}.{name}": g for name, g in zip(params, dw, strict=False)}
    trace = pass_through(Run(Rung.MANUAL, cell.ladder.manual), chain)
    assert_same([trace["output"], trace["x"]], [x, dy], "chain")
    assert_same({name: trace["gradient"][name] for name in gradients}, gradients, "chain")


@cells("nn.sequential", rungs=(Rung.MANUAL,), dtypes=None, cpu_because="NumPy has no device")
@given(data=st.data())
def test_the_chain_rule_stops_where_nobody_asks_on(cell, data):
    """No layer computes a gradient of its input unless the data's is needed or a parameter lies below."""
    chain = data.draw(chains("float64"), label="chain")
    asked = []

    def spied(kind):
        pair = LADDERS[f"nn.{kind}"].manual
        return pair._replace(backward=lambda dy, saved, needs: asked.append(needs) or pair.backward(dy, saved, needs))

    layers = {
        str(i): Layer(spied(kind), tuple(w), options, kind == "dropout")
        for i, (kind, w, options) in enumerate(chain.layers)
    }
    params = {str(i): w for i, (_, w, _) in enumerate(chain.layers)}
    rng = LADDERS["rng"].manual.seed(chain.seed)
    _, saved, _ = cell.ladder.manual.forward(chain.x, layers, params, rng, chain.training)
    dx, _ = cell.ladder.manual.backward(chain.dy, saved, (chain.needs_x,))
    below = [chain.needs_x or any(w for _, w, _ in chain.layers[:i]) for i in range(len(chain.layers))]
    needed = [(flows, *[True] * len(w)) for flows, (_, w, _) in zip(below, chain.layers, strict=True)]
    assert asked[::-1] == [needs for needs in needed if any(needs)]
    assert (dx is not None) == chain.needs_x


@cells("nn.sequential", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_and_native_chains_live_through_the_same_lives(cell):
    """Whatever is appended, inserted, put in another's place, cut out, taken, added and multiplied, custom stays
    native."""

    class Life(RuleBasedStateMachine):
        @initialize(n=st.integers(2, 5), cut=CUTS)
        def birth(self, n, cut):
            """A slice keeps its keys, so that there may be gaps from the start."""
            made = [[getattr(LADDERS["nn.dropout"], rung)(i / 10) for i in range(n)] for rung in DROP_IN]
            self.pair = [cls(*layers)[cut] for cls, layers in zip(cell.ladder[2:], made, strict=True)]
            self.born = 0

        def both(self, act):
            self.born += 1
            outcomes = []
            for i, rung in enumerate(DROP_IN):
                made = functools.partial(getattr(LADDERS["nn.dropout"], rung), self.born / 1000)  # a p to know it by
                outcomes.append(outcome(lambda: act(i, made)))
            assert_same(*outcomes, "custom")

        @rule()
        @precondition(lambda self: len(self.pair[1]) < 9)
        def append(self):
            self.both(lambda i, made: self.pair[i].append(made()))

        @rule(index=INDICES)
        @precondition(lambda self: len(self.pair[1]) < 9)
        def insert(self, index):
            self.both(lambda i, made: self.pair[i].insert(index, made()))

        @rule(index=INDICES)
        def replace(self, index):
            self.both(lambda i, made: self.pair[i].__setitem__(index, made()))

        @rule(index=INDICES | SLICES)
        def look(self, index):
            self.both(lambda i, _: self.pair[i][index])

        @rule(index=INDICES | SLICES)
        def delete(self, index):
            self.both(lambda i, _: self.pair[i].__delitem__(index))

        @rule(index=INDICES)
        def pop(self, index):
            self.both(lambda i, _: self.pair[i].pop(index))

        @rule(index=SLICES)
        def go_on_with_a_slice(self, index):
            self.pair = [chain[index] for chain in self.pair]

        @rule(factor=st.integers(-1, 2))
        @precondition(lambda self: len(self.pair[1]) < 9)
        def multiply(self, factor):
            self.both(lambda i, _: self.pair[i] * factor)
            self.both(lambda i, _: self.pair[i].__imul__(factor))

        @rule(other=st.sampled_from(["chain", "itself", "list", "none"]))
        @precondition(lambda self: len(self.pair[1]) < 9)
        def add(self, other):
            others = {
                "chain": lambda i, made: cell.ladder[2 + i](made(), made()),
                "itself": lambda i, _: self.pair[i][:],
            }
            of = others.get(other, lambda *_: [] if other == "list" else None)
            self.both(lambda i, made: self.pair[i] + of(i, made))
            self.both(lambda i, made: self.pair[i].__iadd__(of(i, made)))

        @rule(name=st.sampled_from(["0", "1", "7", "first"]))
        def name_one(self, name):
            self.both(lambda i, made: self.pair[i].add_module(name, made()))

        @invariant()
        def custom_is_native(self):
            assert_same(*(tree(chain) for chain in self.pair), "custom")
            assert_same(*([repr(module) for module in chain] for chain in self.pair), "custom layer")

    run_state_machine_as_test(Life)


# ── the tree ────────────────────────────────────────────────────────────────────────────────────


def module_tree(cls, plan, leaves):
    """A module with a nested dictionary's names: numbers stand for leaves, None for a place that is kept."""
    module = cls()
    for name, value in plan.items():
        if isinstance(value, dict):
            module.add_module(name, module_tree(cls, value, leaves))
        else:
            module.register_parameter(name, None if value is None else leaves[value])
    return module


def plain_tree(plan, leaves):
    """The same as nested dictionaries."""
    return {n: plain_tree(v, leaves) if isinstance(v, dict) else leaves.get(v) for n, v in plan.items()}


@cells("nn.module", dtypes=None, cpu_because="names are the same on any device")
@given(plan=TREES, prefix=st.sampled_from(["", "p", "p.q"]))
def test_every_rung_names_the_same_parameters(cell, plan, prefix):
    """The walk over a nested dictionary gives the names that a module of its shape gives, below any prefix, shared ones
    once, under the first."""
    arrays_ = {i: np.array(float(i)) for i in range(4)}
    found = []
    for rung, impl in cell.implementations.items():
        if rung in DROP_IN:
            parameter = getattr(LADDERS["nn.parameter"], rung)
            leaves = {i: parameter(tensor(a)) for i, a in arrays_.items()}
            named = module_tree(impl, plan, leaves).named_parameters(prefix)
        else:
            leaves = arrays_ if rung is Rung.MANUAL else {i: tensor(a).requires_grad_() for i, a in arrays_.items()}
            named = impl(plain_tree(plan, leaves), prefix)
        found.append([(name, value.item()) for name, value in named])
    assert all(names == found[-1] for names in found), found


def growing(cell):
    """Two trees of modules, custom's and native's, that grow alike."""

    class Trees(RuleBasedStateMachine):
        @initialize(placed=st.permutations(["a", "b", "c"]))
        def birth(self, placed):
            """A child under two names, a parameter here and there, a buffer that is not saved, and an empty place."""
            self.kinds = [type("Node", (cls,), {}) for cls in cell.ladder[2:]]
            self.nodes = [[kind(), kind()] for kind in self.kinds]  # of each rung, the root first
            self.params, self.count = [[], []], 0
            shared, frozen = self.parameter(0), self.parameter(1)
            for (root, child), params in zip(self.nodes, self.params, strict=True):
                setattr(child, placed[0], params[shared])
                child.register_buffer(placed[1], torch.ones(1), persistent=False)
                root.add_module(placed[0], child)
                root.add_module(placed[1], child)
                root.add_module("e", None)
                setattr(root, placed[2], params[shared])
                setattr(child, placed[2], params[frozen].requires_grad_(False))

        def both(self, act):
            assert_same(*(outcome(lambda i=i: act(i, self.nodes[i])) for i in range(2)), "custom")

        def new(self):
            """Something to know a tensor by."""
            self.count += 1
            return float(self.count)

        def parameter(self, which):
            """A new parameter on either rung, or one that is there already."""
            if which >= len(self.params[1]):
                value = self.new()
                for rung, params in zip(DROP_IN, self.params, strict=True):
                    params.append(getattr(LADDERS["nn.parameter"], rung)(torch.full((2,), value)))
            return min(which, len(self.params[1]) - 1)

        @rule(at=AT, name=PLACES, which=st.integers(0, 3), register=st.booleans())
        def give_a_parameter(self, at, name, which, register):
            which = self.parameter(which)
            how = lambda node: node.register_parameter if register else functools.partial(setattr, node)
            self.both(lambda i, nodes: how(nodes[at % len(nodes)])(name, self.params[i][which]))

        @rule(at=AT, name=PLACES, which=st.integers(1, 3), register=st.booleans())
        def give_a_child(self, at, name, which, register):
            if which >= len(self.nodes[1]):
                for kind, nodes in zip(self.kinds, self.nodes, strict=True):
                    nodes.append(kind())
            which = min(which, len(self.nodes[1]) - 1)
            at = at % which  # a parent is older than its child, so that no module is in itself
            how = lambda node: node.add_module if register else functools.partial(setattr, node)
            self.both(lambda i, nodes: how(nodes[at])(name, nodes[which]))

        @invariant()
        def custom_is_native(self):
            for custom, native in zip(*self.nodes, strict=True):
                assert_same(tree(custom), tree(native), "custom")
                assert [hasattr(custom, name) for name in "abc"] == [hasattr(native, name) for name in "abc"]
            assert_same(*map(self.places, range(2)), "custom")

        def places(self, i):
            """Under which names each parameter itself, and no copy of it, stands."""
            named = list(self.nodes[i][0].named_parameters(remove_duplicate=False))
            return [[name for name, p in named if p is parameter] for parameter in self.params[i]]

    return Trees


@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_and_native_modules_register_the_same(cell):
    """Whatever is assigned, registered, shared, nested, put in another's place and deleted, custom stays native."""

    class Registration(growing(cell)):
        @rule(at=AT, name=PLACES, persistent=st.booleans(), empty=st.integers(0, 4))
        def register_a_buffer(self, at, name, persistent, empty):
            value = self.new()
            buffer = lambda: None if empty == 4 else torch.full((1,), value)
            self.both(lambda i, nodes: nodes[at % len(nodes)].register_buffer(name, buffer(), persistent))

        @rule(
            at=AT,
            name=PLACES,
            kind=st.sampled_from(["None", "tensor", "None", "number"]),
            register=st.integers(0, 3).map(lambda i: not i),
        )
        def give_something_else(self, at, name, kind, register):
            value = {"tensor": torch.full((2,), self.new()), "None": None, "number": 1}[kind]
            how = lambda node: node.register_parameter if register else functools.partial(setattr, node)
            self.both(lambda i, nodes: how(nodes[at % len(nodes)])(name, value))

        @rule(at=AT, name=st.sampled_from("abc"))
        def empty(self, at, name):
            self.both(lambda i, nodes: setattr(nodes[at % len(nodes)], name, None))

        @rule(at=AT, name=PLACES)
        def take_away(self, at, name):
            self.both(lambda i, nodes: delattr(nodes[at % len(nodes)], name))

        @rule(at=AT, name=PLACES)
        def look(self, at, name):
            self.both(lambda i, nodes: getattr(nodes[at % len(nodes)], name))

    run_state_machine_as_test(Registration)


@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_custom_and_native_modules_live_through_the_same_lives(cell):
    """Whatever is switched, frozen, converted, differentiated, saved, loaded and copied, custom stays native."""

    class Life(growing(cell)):
        @rule(at=AT, mode=st.booleans())
        def switch(self, at, mode):
            self.both(lambda i, nodes: nodes[at % len(nodes)].train(mode) and None)

        @rule(at=AT, required=st.booleans())
        def freeze(self, at, required):
            self.both(lambda i, nodes: nodes[at % len(nodes)].requires_grad_(required) and None)

        @rule(dtype=st.sampled_from(["float", "double"]))
        def convert(self, dtype):
            self.both(lambda i, nodes: getattr(nodes[0], dtype)() and None)

        @rule(set_to_none=st.booleans())
        def differentiate_and_clear(self, set_to_none):
            def act(_, nodes):
                for p in filter(lambda p: p.requires_grad, nodes[0].parameters()):
                    p.sum().backward()
                grads = [told(p.grad) for p in nodes[0].parameters()]
                nodes[0].zero_grad(set_to_none)
                return grads + [told(p.grad) for p in nodes[0].parameters()]

            self.both(act)

        @rule(
            drop=st.integers(0, 5),
            extra=st.sampled_from([None, "x", "a", "b.a", "c.a", "e.a", "e.a"]),
            strict=st.booleans(),
            assign=st.booleans(),
            crossed=st.booleans(),
        )
        def save_and_load(self, drop, extra, strict, assign, crossed):
            """The state moves to another's copy, with a key missing and a key too many at times."""
            states = [dict(copy.deepcopy(nodes[0].state_dict())) for nodes in self.nodes]
            shift = self.new()
            for state in states:
                for key in list(state)[drop : drop + 1]:
                    del state[key]
                for key, value in state.items():
                    state[key] = value + shift
                if extra:
                    state.setdefault(extra, torch.zeros(3))
            of = states[::-1] if crossed else states
            self.both(lambda i, nodes: nodes[0].load_state_dict(of[i], strict=strict, assign=assign))
            with torch.no_grad():  # what was assigned, and not copied, moves too
                for value in [value for state in of for value in state.values()]:
                    value.add_(1)
            if assign:  # the root has other parameters now
                self.params = [list(nodes[0].parameters()) for nodes in self.nodes]

        @rule()
        def write_through_the_state(self):
            self.both(lambda i, nodes: [value.add_(1) for value in nodes[0].state_dict().values()])

        @rule()
        def copy_all(self):
            copies = [copy.deepcopy((nodes, params)) for nodes, params in zip(self.nodes, self.params, strict=True)]
            self.nodes, self.params = [nodes for nodes, _ in copies], [params for _, params in copies]

    run_state_machine_as_test(Life)


@cells("nn.module", rungs=DROP_IN, cpu_because="custom runs torch's for-loop, CUDA's default is foreach")
@given(data=st.data())
def test_modules_parameters_and_optimizers_of_either_rung_work_together(cell, data):
    """A custom module holds torch's parameters and is stepped by torch's optimizer, and the reverse: the bits are
    native's."""
    w, g = (data.draw(arrays((2, 3), cell.dtype), label=label) for label in ("w", "g"))
    rung = lambda concept: getattr(LADDERS[concept], data.draw(st.sampled_from(DROP_IN), label=concept))

    def stepped(module, parameter, optimizer):
        module.add_module("child", type(module)())
        module.child.w = parameter(tensor(w))
        module.w = module.child.w
        optimizer = optimizer(module.parameters(), lr=0.1, momentum=0.9)
        (module.w * tensor(g)).sum().backward()
        optimizer.step()
        return tree(module) | {"repr": repr(module.w)}

    ours = stepped(rung("nn.module")(), rung("nn.parameter"), rung("optim.sgd"))
    natives = stepped(
        *(
            LADDERS[c].native if c != "nn.module" else LADDERS[c].native()
            for c in ("nn.module", "nn.parameter", "optim.sgd")
        )
    )
    assert_same(ours, natives, "mixed")


def again(cell, how, w):
    """What a chain in which one frozen layer stands twice is, and what is made of it by `how`."""
    for rung in cell.implementations:
        layer = getattr(LADDERS["nn.linear"], rung)(2, 2, bias=False)
        layer.weight = getattr(LADDERS["nn.parameter"], rung)(tensor(w), requires_grad=False)
        chain = getattr(cell.ladder, rung)(layer, getattr(LADDERS["nn.relu"], rung)(), layer).eval()
        yield chain, how(chain)


@cells("nn.sequential", rungs=DROP_IN, cpu_because="a copy is the same on any device")
@given(data=st.data())
def test_copies_keep_what_is_tied_tied(cell, data):
    """A copied chain in which one layer stands twice has it twice, and shares nothing with the first."""
    w, found = data.draw(arrays((2, 2), cell.dtype), label="w"), []
    for chain, other in again(cell, copy.deepcopy, w):
        chain[0].weight.add_(1)
        assert other[0] is other[2]
        assert type(other[0].weight) is type(chain[0].weight)
        found.append(tree(other))
    assert_same(*found, "custom copy")
    assert_bitwise(found[0]["state"]["0.weight"][0], w, "copied weight")


@cells("nn.sequential", rungs=DROP_IN, cpu_because="a pickle is the same on any device")
@given(data=st.data())
def test_pickles_keep_what_is_tied_tied(cell, data):
    """A pickled chain in which one layer stands twice has it twice, and is what it was."""
    w, found = data.draw(arrays((2, 2), cell.dtype), label="w"), []
    for chain, other in again(cell, lambda chain: pickle.loads(pickle.dumps(chain)), w):
        assert other[0] is other[2]
        assert type(other[0].weight) is type(chain[0].weight)
        assert_same(tree(other), tree(chain), "pickle")
        found.append(tree(other))
    assert_same(*found, "custom pickle")


@cells("nn.sequential", rungs=DROP_IN, cpu_because="a state is the same on any device")
@given(data=st.data())
def test_states_are_interchangeable(cell, data):
    """What a chain of one rung saves one of the other loads, and is then the same net."""
    bias, assign, mixed = (data.draw(st.booleans(), label=label) for label in ("bias", "assign", "mixed"))
    w = [data.draw(arrays(shape, cell.dtype), label="w") for shape in ((2, 3), (2,))]
    nets = []
    for rung in DROP_IN:
        linear_, relu_ = getattr(LADDERS["nn.linear"], rung), getattr(LADDERS["nn.relu"], rung)
        nets.append(getattr(cell.ladder, rung)(linear_(3, 2, bias, dtype=getattr(torch, cell.dtype)), relu_()))
    first, second = nets[::-1] if mixed else nets
    with torch.no_grad():
        for p, value in zip(first.parameters(), w, strict=False):
            p.copy_(tensor(value))
    told_of_loading = second.load_state_dict(first.state_dict(), assign=assign)
    assert repr(told_of_loading) == "<All keys matched successfully>"
    assert_same(tree(second), tree(first), "loaded")
    assert (
        all(p.data_ptr() == q.data_ptr() for p, q in zip(first.parameters(), second.parameters(), strict=True))
        == assign
    )


# ── parameters ──────────────────────────────────────────────────────────────────────────────────

DONE_TO_A_PARAMETER = {
    "nothing": lambda w: w,
    "add": lambda w: w + 1,
    "in place": lambda w: w.detach().add_(1),
    "data": lambda w: w.data,
    "detach": lambda w: w.detach(),
    "clone": lambda w: w.clone().detach(),
    "view": lambda w: w.detach().view(-1),
    "deepcopy": copy.deepcopy,
    "deepcopy of a frozen one": lambda w: copy.deepcopy(w.requires_grad_(False)),
    "deepcopy of two of it": lambda w: (lambda two: two[0] if two[0] is two[1] else "two")(copy.deepcopy([w, w])),
    "frozen": lambda w: w.requires_grad_(False),
    "gradient": lambda w: torch.autograd.grad((w * w).sum(), w)[0],
    "numpy": lambda w: torch.from_numpy(w.detach().numpy()),
    "dtype": lambda w: w.double().detach(),
}


@cells("nn.parameter", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
@given(data=st.data())
def test_a_parameter_is_a_leaf_and_what_comes_of_it_a_plain_tensor(cell, data):
    """Whatever is done to a custom parameter gives what native gives: class, text, values, and whether it is a leaf."""
    w, found = data.draw(shapes(max_dims=2).flatmap(lambda shape: arrays(shape, "float32")), label="w"), []
    for cls in cell.ladder[2:]:
        results = {}
        for name, done in DONE_TO_A_PARAMETER.items():
            parameter = cls(tensor(w))
            result = done(parameter)
            of_result = [type(result).__name__, repr(result), told(result), isinstance(result, cls)]
            results[name] = [*of_result, told(parameter), parameter.is_leaf]
        found.append(results)
    assert_same(*found, "custom parameter")


@cells("nn.parameter", rungs=(Rung.RAW, *DROP_IN), dtypes=None, cpu_because="it computes nothing")
@pytest.mark.parametrize("required", [True, False])
def test_a_parameter_shares_its_data_and_not_its_history(cell, required):
    """A parameter made of a tensor with a history is a leaf all the same, and writes where the tensor does."""
    for rung, impl in cell.implementations.items():
        source = torch.ones(2, requires_grad=True) * 2
        parameter = impl(source, required)
        assert (parameter.is_leaf, parameter.requires_grad) == (True, required), rung
        source.detach().zero_()
        assert not parameter.detach().any(), rung


@cells("nn.parameter", rungs=DROP_IN, dtypes=None, cpu_because="it computes nothing")
def test_its_class_makes_a_parameter(cell):
    """A parameter of either rung is one of custom's; a tensor that requires a gradient is none, and a bare one is
    empty."""
    custom, native = (cls() for cls in cell.ladder[2:])
    assert isinstance(custom, cell.ladder.custom)
    assert isinstance(native, cell.ladder.custom)
    assert isinstance(custom, cell.ladder.native)
    assert not isinstance(torch.ones(1, requires_grad=True), cell.ladder.custom)
    assert_same(told(custom), told(native), "empty parameter")


# ── the contract of the drop-in ─────────────────────────────────────────────────────────────────


@cells("nn", dtypes=None, cpu_because="it computes nothing")
def test_every_rung_has_natives_defaults(cell):
    """Whatever an argument is called with when it is not given, it is the same on every rung."""
    if isinstance(cell.ladder.native, Absent):
        pytest.skip(f"{cell.concept} is compared as nn.module: {cell.ladder.native.reason}")
    if inspect.isbuiltin(cell.ladder.native):
        pytest.skip(f"torch makes {cell.concept} itself and states no signature")
    native = inspect.signature(cell.ladder.native).parameters
    for impl in cell.implementations.values():
        init = getattr(impl, "init", None)
        born = init or (impl.forward if isinstance(impl, Pair) else impl)
        other = {"dtype"}  # NumPy's or torch's, and native's depends on a global
        if not init and not isinstance(impl, type):
            other |= {"bias"}  # a function is given the tensor, and a class whether there is one
        for name, parameter in inspect.signature(born).parameters.items():
            if name in native.keys() - other and parameter.default is not parameter.empty:
                assert parameter.default == native[name].default, (impl, name)


@cells(*refused.TREES, rungs=DROP_IN, dtypes=None, cpu_because="refusals are words")
def test_custom_refuses_what_native_refuses_in_its_words(cell):
    """Bad input raises, or warns, with native's class and native's words."""
    assert_refused_alike(cell, refused.TREES[cell.concept])
