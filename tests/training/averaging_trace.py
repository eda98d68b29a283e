"""Averages of weights on a rung, and the statistics that averaged weights need."""

import inspect

import numpy as np
import torch

from impls.ladder import Rung
from tests.cells import DROP_IN, LADDERS
from tests.engine import assert_same, bounded
from tests.engine.arrays import snapshot, tensor
from tests.families import admitted


def averaged(rung, impl, average, current, settings, n, lift=lambda x: x):
    """The average with `current` in it; the mean is told how many are in it, the moving one how slow it is."""
    told = {"num_averaged": n} if "num_averaged" in inspect.signature(impl).parameters else {}
    if rung is Rung.MANUAL:
        return impl(lift(average), lift(current), **settings, **told)
    a, w = tensor(average), tensor(current)
    if rung is Rung.RAW:
        impl(a, w, **settings, **told)
        return snapshot(a)
    found = snapshot(impl(**settings)(a, w, torch.tensor(n)))
    assert_same(snapshot(w), current, f"{rung} what comes in")
    return found


def reference_of_one(concept, problem, dtype):
    """The formula's average, with as much room as any admissible way may round away."""
    lift = lambda x: bounded(x, dtype)
    formula = LADDERS[concept].manual
    return admitted(concept, formula, lambda form: averaged(Rung.MANUAL, form, *problem, lift=lift))


def followed(rung, impl, script, average, lift=lambda x: x):
    """The averages after each look."""
    concept, settings = average
    one, trace = getattr(LADDERS[concept], rung), []
    if rung in DROP_IN:
        model = layer(rung, script[0]["weight"].dtype)
        averages = impl(model, avg_fn=one(**settings))
        for weights in script:
            load(model, weights)
            averages.update_parameters(model)
            assert_same({name: snapshot(p) for name, p in model.named_parameters()}, weights, f"{rung} model")
            trace.append({name: snapshot(p) for name, p in averages.module.named_parameters()})
        return trace
    told = (lambda a, w, n: one(a, w, n)) if concept == "training.swa" else (lambda a, w, n: one(a, w, **settings))
    n, averages = 0, {name: lift(np.zeros_like(w)) for name, w in script[0].items()}
    leaves = {name: torch.zeros(w.shape, dtype=getattr(torch, str(w.dtype))) for name, w in script[0].items()}
    for weights in script:
        if rung is Rung.MANUAL:
            averages, n = impl(averages, {name: lift(w) for name, w in weights.items()}, n, average=told)
            trace.append(averages)
        else:
            n = impl(list(leaves.values()), [tensor(w) for w in weights.values()], n, average=told)
            trace.append({name: snapshot(a) for name, a in leaves.items()})
    assert n == len(script), rung
    return trace


def layer(rung, dtype):
    return getattr(LADDERS["nn.linear"], rung)(3, 2, dtype=getattr(torch, str(dtype)))


def load(model, weights):
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.from_numpy(weights[name]))


def statistics(rung, impl, batches):
    model = getattr(LADDERS["nn.batch_norm1d"], rung)(3, dtype=getattr(torch, str(batches[0].dtype)))
    model.running_mean.fill_(7.0)
    model.eval()
    impl([[torch.from_numpy(x), "a target"] for x in batches], model)
    assert model.momentum == 0.1
    assert not model.training
    return model.running_mean, model.running_var, int(model.num_batches_tracked)
