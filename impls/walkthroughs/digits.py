"""A classifier of handwritten digits: 64-32-10 with dropout, cross-entropy and Adam, 40 epochs, on four rungs.

Each rung starts from the same integer and is handed no array by another.  All draw from one stream, in one order: the
initial weights, the split, then for every epoch the loader's base seed and its permutations, and a dropout mask as each
batch comes.  So they train the same network on the same batches, and differ by rounding alone.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from impls import custom, manual, native, raw
from impls.training.evaluation import Evaluation

SEED, TRAIN, TEST, BATCH, P, LR, EPOCHS = 42, 1437, 360, 32, 0.2, 1e-2, 40
ENOUGH = 342  # 95 % of the 360 rows that are kept for the test


class Result(NamedTuple):
    rung: str
    first: str  # the beginning of the initial weights: the seed's mark
    loss: float  # of the last epoch
    test: Evaluation


def run(progress=print, epochs=EPOCHS):
    """Yield a Result for each rung; `progress` is told each epoch's loss."""
    x, y = manual.sources.digits(np.float32)
    for rung, program in {"manual": on_manual, "raw": on_raw, "custom": on_custom, "native": on_native}.items():
        yield Result(rung, *program(x, y, epochs, partial(report, progress, rung)))


def report(progress, rung, epoch, epochs, loss):
    progress(f"{rung}: epoch {epoch} of {epochs}, loss {loss:.4f}")


def on_manual(x, y, epochs, report):
    rng = manual.rng.seed(SEED)
    params = {}
    params["0"], rng = manual.linear.init(rng, 64, 32)
    params["3"], rng = manual.linear.init(rng, 32, 10)
    (train, test), rng = manual.random_split(len(x), [TRAIN, TEST], rng)
    first = mark(params["0"]["weight"])

    layers = {
        "0": manual.Layer(manual.linear, ("weight", "bias")),
        "1": manual.Layer(manual.relu),
        "2": manual.Layer(manual.dropout, settings={"p": P}, random=True),
        "3": manual.Layer(manual.linear, ("weight", "bias")),
    }
    step = partial(manual.train_step, layers=layers, loss=manual.cross_entropy, update=partial(manual.adam, lr=LR))
    history = manual.train(step, params, {}, rng, x[train], y[train], batch_size=BATCH, epochs=epochs)
    for epoch, (loss, params, _, _) in enumerate(history, 1):  # noqa: B007 (the last of them is evaluated)
        report(epoch, epochs, loss)
    scores = manual.evaluate(params, x[test], y[test], layers=layers, loss=manual.cross_entropy, batch_size=BATCH)
    return first, loss, scores


def on_raw(x, y, epochs, report):
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    rng = raw.rng.seed(SEED)
    params = {}
    params["0"], rng = raw.linear.init(rng, 64, 32)
    params["3"], rng = raw.linear.init(rng, 32, 10)
    train, test = raw.random_split(len(x), [TRAIN, TEST], rng)
    first = mark(params["0"]["weight"])

    layers = {
        "0": raw.Layer(raw.linear, ("weight", "bias")),
        "1": raw.Layer(raw.relu),
        "2": raw.Layer(raw.dropout, settings={"p": P}, random=True),
        "3": raw.Layer(raw.linear, ("weight", "bias")),
    }
    update = partial(raw.adam, lr=LR)
    step = partial(raw.train_step, params, {}, rng, layers=layers, loss=raw.cross_entropy, update=update)
    for epoch, loss in enumerate(
        raw.train(step, x[train], y[train], batch_size=BATCH, epochs=epochs, generator=rng), 1
    ):
        report(epoch, epochs, loss)
    scores = raw.evaluate(params, x[test], y[test], layers=layers, loss=raw.cross_entropy, batch_size=BATCH)
    return first, loss, scores


def on_custom(x, y, epochs, report):
    return with_objects(x, y, epochs, report, custom)


def on_native(x, y, epochs, report):
    return with_objects(x, y, epochs, report, native)


def with_objects(x, y, epochs, report, rung):
    """Custom's classes are drop-ins for native's, so that one program is both rungs'."""
    torch.manual_seed(SEED)
    model = rung.Sequential(rung.Linear(64, 32), rung.ReLU(), rung.Dropout(P), rung.Linear(32, 10))
    train, test = rung.random_split(rung.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), [TRAIN, TEST])
    first = mark(model[0].weight)

    loader = rung.DataLoader(train, BATCH, shuffle=True, generator=torch.default_generator)
    loss_fn, optimizer = rung.CrossEntropyLoss(), rung.Adam(model.parameters(), lr=LR)
    step = partial(rung.train_step, model, loss_fn, optimizer)
    for epoch, loss in enumerate(rung.train(step, loader, epochs), 1):
        report(epoch, epochs, loss)
    # A loader draws a base seed even where it does not shuffle: this one draws from a stream of its own.
    scores = rung.evaluate(model, loss_fn, rung.DataLoader(test, BATCH, generator=torch.Generator()))
    return first, loss, scores


def mark(weight):
    return " ".join(f"{w:+.6f}" for w in weight.ravel()[:3].tolist())
