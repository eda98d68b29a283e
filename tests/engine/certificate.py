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
from itertools import pairwise

from tests.engine.bounded import bounded
from tests.engine.compare import Different, Inconclusive, assert_bitwise, assert_same, assert_within


def certify(steps, formulas, dtype, certified=None):
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


def _certify_wiring(step):
    """What a layer received is what its neighbour handed on."""
    assert_bitwise(step.nodes[0].x, step.x, "what the first layer received")
    for below, above in pairwise(step.nodes):
        assert_bitwise(above.x, below.y, f"what layer {above.key} received")


def _certify_nodes(step, formulas, dtype, rng):
    """Every layer and the loss, by what they received; return the parameters' gradients, bounded, and the generator."""
    grads, below = {}, None
    for node in step.nodes:
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
        below = node
    target = step.target if step.target.dtype.kind == "i" else bounded(step.target, dtype)
    loss, grad = formulas.loss(bounded(below.y, dtype), target)
    assert_within(step.loss, loss, "loss")
    assert_within(below.dy, grad, "gradient of the loss")
    return grads, rng


def _certify_update(step, grads, formulas, dtype):
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
