"""What a seed decides: initial weights, split, order of the rows and dropout masks, from one stream, as arrays."""

import numpy as np
import torch

from impls.ladder import Rung
from tests.engine.arrays import snapshot
from tests.rng.trace import state_of
from tests.training.trace import rung_of

WIDTH, P = 5, 0.4


def observe(rung, seed, n, batch, dtype="float32", epochs=2):
    """Play the random part of a training run on n rows, three quarters of them to train on."""
    train = max(n * 3 // 4, 1)
    lengths = [train, n - train] if n > train else [train]
    part = {Rung.MANUAL: _manual, Rung.RAW: _raw}.get(rung, _object)
    return part(rung, seed, n, lengths, batch, dtype, epochs)


def _manual(rung, seed, n, lengths, batch, dtype, epochs):
    loader, dropout = rung_of("data.loader", rung), rung_of("nn.dropout", rung)
    rng = rung_of("rng", rung).seed(seed)
    weights, rng = rung_of("nn.linear", rung).init(rng, 3, WIDTH, dtype=np.dtype(dtype).type)
    parts, rng = rung_of("data.split", rung)(n, lengths, rng)
    told = {"weights": weights, "split": [np.asarray(p) for p in parts], "batches": []}
    for _ in range(epochs):
        cursor, rng = loader.start(rng, len(parts[0]), batch_size=batch, shuffle=True)
        rows, cursor, rng = loader.advance(cursor, rng)
        while rows is not None:
            y, _, rng = dropout.forward(np.ones((len(rows), WIDTH), dtype), rng, p=P)
            told["batches"].append({"rows": parts[0][rows], "mask": y != 0})
            rows, cursor, rng = loader.advance(cursor, rng)
    return told | {"generator": rng._asdict()}


def _raw(rung, seed, n, lengths, batch, dtype, epochs):
    dropout, generator = rung_of("nn.dropout", rung), rung_of("rng", rung).seed(seed)
    weights, _ = rung_of("nn.linear", rung).init(generator, 3, WIDTH, dtype=getattr(torch, dtype))
    parts = rung_of("data.split", rung)(n, lengths, generator)
    told = {"weights": _arrays(weights), "split": [snapshot(p) for p in parts], "batches": []}
    for _ in range(epochs):
        for rows in rung_of("data.loader", rung)(len(parts[0]), batch, shuffle=True, generator=generator):
            y = dropout(torch.ones(len(rows), WIDTH, dtype=getattr(torch, dtype)), p=P, generator=generator)
            told["batches"].append({"rows": snapshot(parts[0][rows]), "mask": snapshot(y != 0)})
    return told | {"generator": state_of(generator)._asdict()}


def _object(rung, seed, n, lengths, batch, dtype, epochs):
    torch.default_generator.manual_seed(seed)
    linear, dropout = rung_of("nn.linear", rung)(3, WIDTH, dtype=getattr(torch, dtype)), rung_of("nn.dropout", rung)(P)
    parts = rung_of("data.split", rung)(rung_of("data.dataset", rung)(torch.arange(n)), lengths)
    told = {"weights": _arrays(linear.state_dict()), "split": [np.array(p.indices) for p in parts], "batches": []}
    loader = rung_of("data.loader", rung)(parts[0], batch, shuffle=True, generator=torch.default_generator)
    for _ in range(epochs):
        for (rows,) in loader:
            y = dropout(torch.ones(len(rows), WIDTH, dtype=getattr(torch, dtype)))
            told["batches"].append({"rows": snapshot(rows), "mask": snapshot(y != 0)})
    return told | {"generator": state_of(torch.default_generator)._asdict()}


def _arrays(weights):
    return {name: snapshot(w) for name, w in weights.items()}
