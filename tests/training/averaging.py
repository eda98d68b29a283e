"""Averages of weights, and the statistics that averaged weights need: how they are drawn, and what a rung makes of
them."""

import dataclasses
import inspect
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from impls.ladder import Rung
from tests.capabilities import takes
from tests.cells import DROP_IN, LADDERS
from tests.engine import assert_same
from tests.engine.arrays import arrays, graded, shapes, snapshot, tensor
from tests.engine.compare import Level
from tests.families import Entry

# ── one average ──

DECAYS = st.sampled_from([0.999, 0.5, 0.9, 0.0, 1.0])


class Problem(NamedTuple):
    average: np.ndarray
    current: np.ndarray
    n: Any  # how many are in the average: an int, or a tensor as a model holds it
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Average(Entry[Problem]):
    """A step of an average."""

    settings: st.SearchStrategy[dict[str, Any]]

    def problems(self, dtype, held=False):
        """An average, what comes into it, and how many are in it; at times that is held in a tensor."""
        return of_one_shape(self, dtype, held)

    def trace(self, run, problem):
        return {"average": averaged(run, *problem)}

    def bits(self, run, problem):
        """One tensor by itself, and many at once by the function that stands beside it in its file."""
        many = [tensor(problem.average), tensor(problem.current)]
        beside = run.impl.__globals__[run.impl.__name__.replace("_avg", "_multi_avg")]
        beside(**problem.settings)(many, [*map(tensor, (problem.current, problem.average))], problem.n)
        return [averaged(run, *problem), *map(snapshot, many)]

    def options(self, problem):
        return [*problem.settings.items(), ("num_averaged", problem.n)]


@st.composite
def of_one_shape(draw, entry, dtype, held):
    shape, n = draw(shapes(max_side=3), label="shape"), draw(st.integers(1, 9), label="n")
    of = arrays(shape, dtype)
    n = torch.tensor(n) if held and draw(st.booleans(), label="held in a tensor") else n
    return Problem(draw(of, label="average"), draw(of, label="current"), n, draw(entry.settings, label="settings"))


def averaged(run, average, current, n, settings):
    """The average with `current` in it; the mean is told how many are in it, the moving one how slow it is."""
    told = {"num_averaged": n} if "num_averaged" in inspect.signature(run.impl).parameters else {}
    if run.rung is Rung.MANUAL:
        return run.impl(run.lift(average), run.lift(current), **settings, **told)
    a, w = tensor(average), tensor(current)
    if run.rung is Rung.RAW:
        run.impl(a, w, **settings, **told)
    else:
        a = run.impl(**settings)(a, w, n)
    assert_same(snapshot(w), current, "what comes in")
    return snapshot(a)


# ── a model of averages ──


class Looks(NamedTuple):
    weights: list[dict[str, np.ndarray]]  # of a layer, at each look
    average: str  # a concept
    settings: dict[str, Any]


AVERAGES = {"training.ema": {"decay": 0.9}, "training.swa": {}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AveragedModel(Entry[Looks]):
    """Looks at a model, after each of which there is an average."""

    averages: tuple[str, ...] = tuple(AVERAGES)
    levels = (Level("look"),)

    def problems(self, dtype):
        weight, bias = (graded(shape, dtype, exponents=(-8, 4)) for shape in ((2, 3), (2,)))
        look = st.builds(lambda weight, bias: {"weight": weight, "bias": bias}, weight, bias)
        of = lambda concept: st.builds(
            Looks, st.lists(look, min_size=1, max_size=5), st.just(concept), st.just(AVERAGES[concept])
        )
        return st.one_of(*map(of, self.averages))

    def trace(self, run, problem):
        return (_of_objects if run.rung in DROP_IN else _of_functions)(run, problem)

    def narrowed(self, role, thing):
        """Of what takes no function: the average that it is by its options."""
        if takes(thing, "avg_fn"):
            return self
        return dataclasses.replace(self, averages=("training.ema" if takes(thing, "decay") else "training.swa",))


def _of_objects(run, problem):
    """The averages after each look."""
    trace, model = [], layer(run.rung, problem.weights[0]["weight"].dtype, run.ladders)
    average = getattr(run.ladders[problem.average], run.rung)(**problem.settings)
    averages = run.impl(model, avg_fn=average)
    for weights in problem.weights:
        load(model, weights)
        averages.update_parameters(model)
        assert_same({name: snapshot(p) for name, p in model.named_parameters()}, weights, "the model that it looks at")
        trace.append({name: snapshot(p) for name, p in averages.module.named_parameters()})
    return trace


def _of_functions(run, problem):
    one, settings = getattr(run.ladders[problem.average], run.rung), problem.settings
    average = one if problem.average == "training.swa" else lambda a, w, _n: one(a, w, **settings)
    n, averages, trace = 0, {name: run.lift(np.zeros_like(w)) for name, w in problem.weights[0].items()}, []
    leaves = {name: tensor(np.zeros_like(w)) for name, w in problem.weights[0].items()}
    for weights in problem.weights:
        if run.rung is Rung.MANUAL:
            averages, n = run.impl(averages, {name: run.lift(w) for name, w in weights.items()}, n, average=average)
            trace.append(averages)
        else:
            n = run.impl(list(leaves.values()), [*map(tensor, weights.values())], n, average=average)
            trace.append({name: snapshot(a) for name, a in leaves.items()})
    assert n == len(problem.weights), run.rung
    return trace


def layer(rung, dtype, ladders=LADDERS):
    return getattr(ladders["nn.linear"], rung)(3, 2, dtype=getattr(torch, str(dtype)))


def load(model, weights):
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.from_numpy(weights[name]))


# ── statistics of the averaged ──


class Batches(NamedTuple):
    batches: list[np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Statistics(Entry[Batches]):
    """A pass over the data, after which a batch normalization has its statistics; however they began."""

    def problems(self, dtype):
        batch = st.integers(2, 5).flatmap(lambda n: graded((n, 3), dtype, exponents=(-2, 3)))
        return st.builds(Batches, st.lists(batch, min_size=1, max_size=4))

    def trace(self, run, problem):
        if run.rung is Rung.MANUAL:
            found = run.impl([*map(run.lift, problem.batches)])
        elif run.rung is Rung.RAW:
            found = run.impl([*map(tensor, problem.batches)])
        else:
            found = _measured(run, problem.batches)
        return {"mean": snapshot(found[0]), "variance": snapshot(found[1]), "batches": int(found[2])}


def _measured(run, batches):
    kind = getattr(torch, str(batches[0].dtype))
    model = getattr(run.ladders["nn.batch_norm1d"], run.rung)(3, dtype=kind)
    model.running_mean.fill_(7.0)
    model.eval()
    run.impl([[tensor(x), "a target"] for x in batches], model)
    assert model.momentum == 0.1
    assert not model.training
    return model.running_mean, model.running_var, model.num_batches_tracked
