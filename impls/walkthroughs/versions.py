"""Four versions of one regression: by hand, with a DataLoader, with a Module, with an optimizer.

Source document 004 fits y = -1 + 3x, with a column of ones for the constant, in mini-batches of 10, and moves first the
data, then the model, then the update into torch's objects.  It shuffles with NumPy at first and with torch later; here
the loader of versions 2 to 4 is handed NumPy's order, a sampler being anything that yields indices, so that all four
versions take the same step.

The document prints nothing that it got, and its listings have lost lines; these are ours, of what remains.
"""

from functools import partial

import numpy as np
import torch

from impls import manual
from impls.walkthroughs.stages import Erratum, Formula, Line, outcome

SEED, SAMPLES, EPOCHS, BATCH, LR = 10, 1000, 10, 10, 0.01


def data():
    """Return (X, Y): ones and a random x, and -1 + 3x."""
    generator = torch.Generator().manual_seed(SEED)
    x = torch.hstack([torch.ones(SAMPLES, 1), torch.randn(SAMPLES, 1, generator=generator)])
    return x, -1 * x[:, 0] + 3 * x[:, 1]


def predict(w, x):
    return (w * x).sum(dim=1)


def mse(prediction, y):
    return ((prediction - y) ** 2).mean()


def version_1(lib, x, y):
    """Version 1: rows are shuffled, split and updated by hand."""
    order = np.random.RandomState(SEED)
    rows = np.arange(len(x))
    w = torch.zeros(2, device=x.device, requires_grad=True)
    yield w
    for _ in range(EPOCHS):
        order.shuffle(rows)
        for batch in np.split(rows, len(rows) // BATCH):
            xb, yb = x[batch], y[batch]
            loss = mse(predict(w, xb), yb)
            loss.backward()
            with torch.no_grad():
                w -= LR * w.grad
            w.grad.zero_()
            yield xb, yb, loss, w


class Shuffled:
    """A sampler with NumPy's order."""

    def __init__(self, n):
        self.rows, self.order = np.arange(n), np.random.RandomState(SEED)

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        self.order.shuffle(self.rows)
        return iter(self.rows.tolist())


class Rows:
    """A dataset: where the rows come from is its business."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


def version_2(lib, x, y):
    """Version 2: Dataset and DataLoader hide where rows come from and how they are batched."""
    batches = lib.DataLoader(Rows(x, y), BATCH, sampler=Shuffled(len(x)), generator=torch.Generator())
    w = torch.zeros(2, device=x.device, requires_grad=True)
    yield w
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = mse(predict(w, xb), yb)
            loss.backward()
            with torch.no_grad():
                w -= LR * w.grad
            w.grad.zero_()
            yield xb, yb, loss, w


def linear_model(lib, device):
    """A model of one vector, which it registers as its parameter."""

    class LinearModel(lib.Module):
        def __init__(self):
            super().__init__()
            self.w = lib.Parameter(torch.zeros(2, device=device))

        def forward(self, x):
            return predict(self.w, x)

    return LinearModel()


def version_3(lib, x, y):
    """Version 3: a Module holds the parameter and the prediction."""
    batches = lib.DataLoader(Rows(x, y), BATCH, sampler=Shuffled(len(x)), generator=torch.Generator())
    model = linear_model(lib, x.device)
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = mse(model(xb), yb)
            loss.backward()
            with torch.no_grad():
                model.w -= LR * model.w.grad
            model.w.grad.zero_()
            yield xb, yb, loss, model


def version_4(lib, x, y):
    """Version 4: an optimizer updates whatever the model registers."""
    batches = lib.DataLoader(Rows(x, y), BATCH, sampler=Shuffled(len(x)), generator=torch.Generator())
    model = linear_model(lib, x.device)
    optimizer = lib.SGD(model.parameters(), lr=LR)
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = mse(model(xb), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield xb, yb, loss, model


def tree(params):
    return {"0": {"weight": np.reshape(params[0], (1, 2))}}


LINES = [
    Line(
        "Four versions",
        [version_1, version_2, version_3, version_4],
        Formula({"0": manual.Layer(manual.linear, ("weight",))}, manual.mse_loss, partial(manual.sgd, lr=LR), tree),
        {version_4: "SGD computes w - ηg in one operation, rounded once"},
    )
]

# ── errata ──────────────────────────────────────────────────────────────────────────────────────


def size_as_a_number():
    """X.size() is a shape."""
    return outcome(lambda: np.arange(torch.ones(3, 2).size()))


class Sized:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return index


def size_as_a_length():
    return outcome(lambda: len(Sized(torch.ones(3, 2).size())))


def hundred_of_ten():
    """np.split(idx, 100) makes 100 pieces, not pieces of 100."""
    pieces = np.split(np.arange(SAMPLES), 100)
    return f"{len(pieces)} batches of {len(pieces[0])}"


def gradient_of_all_time():
    """w.data is replaced and w.grad kept: the next backward adds to it."""
    w = torch.zeros(1, requires_grad=True)
    seen = []
    for _ in range(2):
        (3 * w).sum().backward()
        seen.append(w.grad.item())
    return f"{seen[0]}, then {seen[1]}"


def forward_by_name():
    """model.forward(x) passes by the hooks that model(x) runs."""
    model, seen = torch.nn.Identity(), []
    model.register_forward_hook(lambda *_: seen.append("hook"))
    model.forward(torch.ones(1))
    by_name = len(seen)
    model(torch.ones(1))
    return f"{by_name} hooks by forward(x), {len(seen)} by calling"


ERRATA = [
    Erratum(
        "idx = np.arange(X.size())",
        "TypeError: arange: scalar arguments expected instead of a tuple.",
        size_as_a_number,
        "version_1: np.arange(len(x))",
    ),
    Erratum(
        "def __len__(self): return self.X.size()",
        "TypeError: 'torch.Size' object cannot be interpreted as an integer",
        size_as_a_length,
        "version_2: len(self.x)",
    ),
    Erratum(
        "np.split(idx, 100), said to make batches of 100",
        "100 batches of 10",
        hundred_of_ten,
        "version_1: the number of pieces is len(rows) // BATCH",
    ),
    Erratum(
        "the gradient is to be reset, and the line is missing",
        "3.0, then 6.0",
        gradient_of_all_time,
        "version_1: w.grad.zero_()",
    ),
    Erratum(
        "yhat = model.forward(curX)",
        "0 hooks by forward(x), 1 by calling",
        forward_by_name,
        "version_3: model(xb)",
    ),
]
