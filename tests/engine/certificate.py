"""Certificates: every step of a run is shown to be an admissible step of the formula, from where the run itself stands.

A long run cannot be compared at its end: a legal difference in the last bit grows about threefold a step, and a unit at
a kink may go either way.  So a run is followed in lockstep, and of each step it is shown that

    1  each layer's output and gradients, and the loss, are admissible for what that node itself received,
    2  the update is admissible for the step's own gradients and state,
    3  nothing changed in between: what a node received is what its neighbour handed on, to the bit, a step
       begins with the parameters and the state that the step before it left, and a layer that draws goes on
       where the one before it stopped.

No state is injected.  Two certified runs from one start through the same batches are two pseudo-orbits of one exact
map; that they stay close is neither needed nor claimed.
"""

import hashlib
import pickle
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from tests.engine.bounded import Bounded, bounded
from tests.engine.compare import Different, Inconclusive, assert_bitwise, assert_same, assert_within

Arrays: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]  # by layer and name
States: TypeAlias = Mapping[str, Mapping[str, Mapping[str, object]]]
Gradients: TypeAlias = Mapping[str, Mapping[str, Bounded]]


class Generator(Protocol):
    """The state of a generator, a NamedTuple."""

    def _asdict(self) -> dict[str, object]: ...


class Node(NamedTuple):
    """One layer in one step: what came in and went out, forward and backward."""

    key: str
    rng: Generator | None  # as the layer was entered, where it draws
    x: np.ndarray
    y: np.ndarray
    dy: np.ndarray | None


class Step(NamedTuple):
    """One step of a run: what came in, and what it left."""

    x: np.ndarray
    target: np.ndarray
    before: Arrays  # the parameters
    state_before: States  # what the optimizer remembers of each
    nodes: Sequence[Node]
    loss: np.ndarray
    grads: Arrays  # as the update received them
    after: Arrays
    state_after: States


class Formulas(Protocol):
    """What a run is certified by, in the reference's arithmetic."""

    def layer(
        self, node: Node, x: Bounded, params: Sequence[Bounded], dy: Bounded | None
    ) -> tuple[Bounded, Sequence[Bounded], Generator | None]: ...

    def loss(self, prediction: Bounded, target: np.ndarray | Bounded) -> tuple[Bounded, Bounded]: ...

    def clip(self, grads: Gradients) -> Gradients: ...

    def update(self, w: Bounded, g: Bounded, state: Mapping[str, object]) -> tuple[Bounded, Mapping[str, object]]: ...


def certify(
    steps: Iterable[Step], formulas: Formulas, dtype: str, certified: dict[bytes, Generator | None] | None = None
) -> int:
    """Certify each of `steps` as it comes, by the manual rung's `formulas`; return how many there were.

    `certified` remembers the steps that were: one that another run took before, to the bit, is not certified again.
    """
    count, last, rng, certified = 0, None, None, {} if certified is None else certified
    for count, step in enumerate(steps, 1):
        try:
            if last is not None:
                assert_same(step.before, last.after, "parameters, as the step before left them")
                assert_same(step.state_before, last.state_after, "state, as the step before left it")
            _certify_wiring(step)
            taken = hashlib.sha256(pickle.dumps((step, rng))).digest()
            if taken not in certified:
                grads, rng = _certify_nodes(step, formulas, dtype, rng)
                _certify_update(step, grads, formulas, dtype)
                certified[taken] = rng
            rng = certified[taken]
        except (Different, Inconclusive) as problem:
            raise type(problem)(f"step {count}: {problem}") from None
        last = step
    return count


def _certify_wiring(step: Step) -> None:
    """What a layer received is what its neighbour handed on."""
    assert_bitwise(step.nodes[0].x, step.x, "what the first layer received")
    for below, above in pairwise(step.nodes):
        assert_bitwise(above.x, below.y, f"what layer {above.key} received")


def _certify_nodes(
    step: Step, formulas: Formulas, dtype: str, rng: Generator | None
) -> tuple[Gradients, Generator | None]:
    """Every layer and the loss, by what they received; return the parameters' gradients, bounded, and the generator."""
    grads: dict[str, dict[str, Bounded]] = {}
    for below, node in zip([None, *step.nodes[:-1]], step.nodes, strict=True):
        params = [bounded(w, dtype) for w in step.before.get(node.key, {}).values()]
        if node.rng is not None and rng is not None:
            assert_same(node.rng._asdict(), rng._asdict(), f"generator as layer {node.key} began to draw, its")
        dy = None if node.dy is None else bounded(node.dy, dtype)
        y, (dx, *dw), drawn = formulas.layer(node, bounded(node.x, dtype), params, dy)
        rng = drawn or rng
        assert_within(node.y, y, f"output of layer {node.key}")
        if below is not None and below.dy is not None:
            assert_within(below.dy, dx, f"gradient of the input of layer {node.key}")
        if params:
            grads[node.key] = dict(zip(step.before[node.key], dw, strict=True))
    top = step.nodes[-1]
    target = step.target if step.target.dtype.kind == "i" else bounded(step.target, dtype)
    loss, grad = formulas.loss(bounded(top.y, dtype), target)
    assert_within(step.loss, loss, "loss")
    assert_within(top.dy, grad, "gradient of the loss")
    return grads, rng


def _certify_update(step: Step, grads: Gradients, formulas: Formulas, dtype: str) -> None:
    """Gradients are this batch's, clipped if they are to be; and parameters and state move by the formula."""
    clipped = formulas.clip(grads)
    for key, layer in step.before.items():
        for name in layer:
            what = f"{key}.{name}"
            g = step.grads.get(key, {}).get(name)
            if g is None:
                raise Different(f"{what}: no update")
            assert_within(g, clipped[key][name], f"gradient of {what}")
            state = step.state_before.get(key, {}).get(name, {})
            w, state = formulas.update(bounded(step.before[key][name], dtype), bounded(g, dtype), state)
            assert_within(step.after[key][name], w, f"parameter {what} after the update")
            assert_same(step.state_after[key][name], state, f"state of {what} after the update")
