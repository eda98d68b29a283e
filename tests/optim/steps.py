"""What is claimed of every optimizer, whether it looks at elements or at a matrix."""

import copy
import inspect

import numpy as np

from impls.ladder import Rung
from tests.associations import reference
from tests.cells import DROP_IN
from tests.engine import assert_bitwise, assert_same
from tests.engine.tensors import seen, tensor
from tests.optim.trace import Problem, grouped, observe


def assert_agreement(cell, problem, form=lambda impl: impl):
    expected = reference(observe, cell.concept, problem, cell.dtype)
    for rung, impl in cell.implementations.items():
        assert_same(observe(rung, form(impl), problem, device=cell.device), expected, f"{cell.concept} {rung}: step")


def assert_foreach_agrees(cell, problem):
    expected = reference(observe, cell.concept, problem, cell.dtype)
    asked = problem._replace(settings=[options | {"foreach": True} for options in problem.settings])
    found = observe(Rung.NATIVE, cell.ladder.native, asked, device=cell.device)
    assert_same(found, expected, f"{cell.concept} native, foreach: step")


def assert_native_bits(cell, problem):
    custom, native = (observe(rung, getattr(cell.ladder, rung), problem, device=cell.device) for rung in DROP_IN)
    assert_same(custom, native, f"{cell.concept} custom: step")


def assert_nothing_moves(cell, problem):
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, problem, device=cell.device):
            for entry, w in zip(line, problem.params, strict=True):
                assert np.array_equal(entry["parameter"], w), rung


def assert_left_alone_without_a_gradient(cell, problem):
    without = problem._replace(script=[line._replace(grads=(None, *line.grads[1:])) for line in problem.script])
    for rung, impl in cell.implementations.items():
        for line in observe(rung, impl, without, device=cell.device):
            assert_bitwise(line[0]["parameter"], problem.params[0], f"{rung} parameter")
            assert (line[0]["gradient"], line[0]["state"]) == (None, {}), rung


def assert_parameters_apart(cell, problem):
    for rung, impl in cell.implementations.items():
        together = observe(rung, impl, problem, device=cell.device)
        for i, w in enumerate(problem.params):
            script = [line._replace(grads=line.grads[i : i + 1]) for line in problem.script]
            alone = observe(rung, impl, Problem([w], problem.settings[i : i + 1], script), device=cell.device)
            assert_same([[line[i]] for line in together], alone, f"{rung} parameter {i}: step")


def assert_elements_apart(cell, problem, places):
    """The one parameter of `problem` moves as its elements do, taken apart by their `places`."""
    cut = lambda x: [None if x is None else x[i] for i in places]
    apart = Problem(
        cut(problem.params[0]),
        problem.settings * len(places),
        [line._replace(grads=tuple(cut(line.grads[0]))) for line in problem.script],
    )
    for rung, impl in cell.implementations.items():
        for whole, parts in zip(observe(rung, impl, problem), observe(rung, impl, apart), strict=True):
            found, expected = [_at(part, ...) for part in parts], [_at(whole[0], i) for i in places]
            assert_same(found, expected, f"{rung}, in parts: part")


def _at(entry, places):
    """What stands at some places of a parameter, of its gradient and of its state; lerp's zeros have any sign."""
    if isinstance(entry, dict):
        return {name: _at(value, places) for name, value in entry.items()}
    return entry[places] + 0 if isinstance(entry, np.ndarray) else entry


def assert_native_defaults(cell):
    native = inspect.signature(cell.ladder.native).parameters
    for impl in cell.ladder[:3]:
        for name, parameter in inspect.signature(impl).parameters.items():
            if name in native and name not in ("params", "state"):
                assert parameter.default == native[name].default, (impl, name)
    kept = [impl([tensor(np.zeros((1, 1))).requires_grad_()]).defaults for impl in cell.ladder[2:]]
    assert kept[0] == kept[1]


def assert_interchangeable(cell, problem):
    custom, native = cell.ladder.custom, cell.ladder.native
    expected = _handed_over(native, native, problem)
    assert_same(_handed_over(custom, native, problem), expected, "custom, then native")
    assert_same(_handed_over(native, custom, problem), expected, "native, then custom")


def _handed_over(first, second, problem):
    """Play half of a script on one class, and the rest on another that has loaded its state."""
    leaves, half = [tensor(w).requires_grad_() for w in problem.params], len(problem.script) // 2
    one = grouped(first, leaves, problem.settings)
    _play(one, leaves, problem.script[:half])
    other = second([{"params": group["params"]} for group in one.param_groups])
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    _play(other, leaves, problem.script[half:])
    return [[seen(p) for p in leaves], plain(other.state_dict())]


def _play(optimizer, leaves, script):
    for line in script:
        for group in optimizer.param_groups:
            group["lr"] = line.lr
        for p, g in zip(leaves, line.grads, strict=True):
            p.grad = None if g is None else tensor(g)
        optimizer.step()


def plain(state_dict):
    """A state_dict with its tensors as arrays."""
    state = {i: {k: seen(v) for k, v in s.items()} for i, s in state_dict["state"].items()}
    return {"state": state, "param_groups": state_dict["param_groups"]}
