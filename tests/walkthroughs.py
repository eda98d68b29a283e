"""The certificate of a walkthrough's stage: every step is admissible, from where the stage itself stands.

`python -m impls.walkthroughs` finds it beside impls in a checkout: nothing in impls imports a test.
"""

import torch

from tests.cells import LADDERS
from tests.engine import LEDGER, assert_within, bounded
from tests.rng.trace import state_of

DTYPE = "float32"


def share(formula, run):
    """The largest error of any step of `run`, as a share of what rounding allows; raises Different beyond it."""
    LEDGER.clear()
    rng = _generator(run) if any(layer.random for layer in formula.layers.values()) else None
    starts = [run.start, *(step.params for step in run.steps)]
    for number, (before, step) in enumerate(zip(starts, run.steps, strict=False), 1):
        rng = _certify(formula, before, step, rng, f"step {number}")
    return LEDGER.share


def _generator(run):
    generator = torch.Generator()
    generator.set_state(run.generator)
    return state_of(generator)


def _certify(formula, before, step, rng, what):
    """Certify one step, the whole of it at once: its loss, and every parameter after it."""
    params = {key: {n: bounded(w, DTYPE) for n, w in layer.items()} for key, layer in formula.tree(before).items()}
    target = step.y if step.y.dtype.kind == "i" else bounded(step.y.reshape(len(step.y), -1), DTYPE)
    x = bounded(step.x.reshape(len(step.x), -1), DTYPE)
    loss, after, _, rng = LADDERS["training.step"].manual(
        params, {}, rng, x, target, layers=formula.layers, loss=formula.loss, update=formula.update
    )
    assert_within(step.loss, loss, f"{what}: loss")
    for (key, layer), (_, found) in zip(after.items(), formula.tree(step.params).items(), strict=True):
        for name, w in layer.items():
            assert_within(found[name], w, f"{what}: {key}.{name}")
    return rng
