"""A bare training loop becomes PyTorch's: Dataset, Sampler and DataLoader, parameters(), Sequential, Optimizer.

Source document 000 starts from a loop that slices its rows and updates its layers by hand, and rebuilds, piece by
piece, what torch offers instead.  Each piece is first written out, then taken from the library; not one bit of the
run changes until the optimizer's last stage, where w - ηg is rounded once instead of twice.
"""

from functools import partial

import torch

from impls import manual
from impls.walkthroughs.stages import Erratum, Formula, Line, images, outcome

SEED, EPOCHS, BATCH, LR = 42, 5, 64, 0.3


def bare_loop(lib, x, y):
    """The bare loop: rows are sliced by hand, and layers are updated one by one."""
    torch.manual_seed(SEED)
    model = [lib.Linear(x.shape[1], 32).to(x.device), lib.ReLU(), lib.Linear(32, 10).to(x.device)]
    loss_fn = lib.CrossEntropyLoss()
    yield model
    for _ in range(EPOCHS):
        for start in range(0, len(x), BATCH):
            xb, yb = x[start : start + BATCH], y[start : start + BATCH]
            prediction = xb
            for layer in model:
                prediction = layer(prediction)
            loss = loss_fn(prediction, yb)
            loss.backward()
            with torch.no_grad():
                for layer in model:
                    if hasattr(layer, "weight"):
                        layer.weight -= LR * layer.weight.grad
                        layer.weight.grad.zero_()
                    if hasattr(layer, "bias"):
                        layer.bias -= LR * layer.bias.grad
                        layer.bias.grad.zero_()
            yield xb, yb, loss, model


class Pairs:
    """A dataset: inputs and targets under one index."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def dataset(lib, x, y):
    """Dataset: inputs and targets under one index."""
    torch.manual_seed(SEED)
    model = [lib.Linear(x.shape[1], 32).to(x.device), lib.ReLU(), lib.Linear(32, 10).to(x.device)]
    loss_fn = lib.CrossEntropyLoss()
    pairs = Pairs(x, y)
    yield model
    for _ in range(EPOCHS):
        for start in range(0, len(pairs), BATCH):
            xb, yb = pairs[start : start + BATCH]
            prediction = xb
            for layer in model:
                prediction = layer(prediction)
            loss = loss_fn(prediction, yb)
            loss.backward()
            with torch.no_grad():
                for layer in model:
                    if hasattr(layer, "weight"):
                        layer.weight -= LR * layer.weight.grad
                        layer.weight.grad.zero_()
                    if hasattr(layer, "bias"):
                        layer.bias -= LR * layer.bias.grad
                        layer.bias.grad.zero_()
            yield xb, yb, loss, model


class Batches:
    """A sampler: the indices of each batch."""

    def __init__(self, n, batch_size, shuffle=False):
        self.n, self.batch_size, self.shuffle = n, batch_size, shuffle

    def __iter__(self):
        order = torch.randperm(self.n) if self.shuffle else torch.arange(self.n)
        yield from order.split(self.batch_size)


class Loader:
    """A loader: the rows of each batch, put together by `collate`."""

    def __init__(self, pairs, sampler, collate):
        self.pairs, self.sampler, self.collate = pairs, sampler, collate

    def __iter__(self):
        for rows in self.sampler:
            yield self.collate([self.pairs[i] for i in rows])


def stack(rows):
    """A collate function: rows of pairs become a pair of batches."""
    x, y = zip(*rows, strict=True)
    return torch.stack(x), torch.stack(y)


def loader(lib, x, y):
    """DataLoader: a sampler chooses rows, a collate function makes them a batch."""
    torch.manual_seed(SEED)
    model = [lib.Linear(x.shape[1], 32).to(x.device), lib.ReLU(), lib.Linear(32, 10).to(x.device)]
    loss_fn = lib.CrossEntropyLoss()
    batches = Loader(Pairs(x, y), Batches(len(x), BATCH), stack)
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            prediction = xb
            for layer in model:
                prediction = layer(prediction)
            loss = loss_fn(prediction, yb)
            loss.backward()
            with torch.no_grad():
                for layer in model:
                    if hasattr(layer, "weight"):
                        layer.weight -= LR * layer.weight.grad
                        layer.weight.grad.zero_()
                    if hasattr(layer, "bias"):
                        layer.bias -= LR * layer.bias.grad
                        layer.bias.grad.zero_()
            yield xb, yb, loss, model


def library_loader(lib, x, y):
    """The library's DataLoader, whose defaults sample in order and stack."""
    torch.manual_seed(SEED)
    model = [lib.Linear(x.shape[1], 32).to(x.device), lib.ReLU(), lib.Linear(32, 10).to(x.device)]
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            prediction = xb
            for layer in model:
                prediction = layer(prediction)
            loss = loss_fn(prediction, yb)
            loss.backward()
            with torch.no_grad():
                for layer in model:
                    if hasattr(layer, "weight"):
                        layer.weight -= LR * layer.weight.grad
                        layer.weight.grad.zero_()
                    if hasattr(layer, "bias"):
                        layer.bias -= LR * layer.bias.grad
                        layer.bias.grad.zero_()
            yield xb, yb, loss, model


class Registry:
    """A model that notes, as they are assigned, the layers it is made of."""

    def __init__(self, lib, features):
        self._layers = {}
        self.hidden = lib.Linear(features, 32)
        self.relu = lib.ReLU()
        self.out = lib.Linear(32, 10)

    def __setattr__(self, name, value):
        if not name.startswith("_"):
            self._layers[name] = value
        super().__setattr__(name, value)

    def to(self, device):
        for layer in self._layers.values():
            layer.to(device)
        return self

    def parameters(self):
        for layer in self._layers.values():
            yield from layer.parameters()

    def __call__(self, x):
        return self.out(self.relu(self.hidden(x)))


def parameters(lib, x, y):
    """parameters(): what is assigned is noted, so that one loop updates everything."""
    torch.manual_seed(SEED)
    model = Registry(lib, x.shape[1]).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= LR * p.grad
                    p.grad.zero_()
            yield xb, yb, loss, model


def chain(lib, *layers):
    """Sequential, written out: each layer is registered under its number, and called in turn."""

    class Chain(lib.Module):
        def __init__(self):
            super().__init__()
            for i, layer in enumerate(layers):
                self.add_module(f"{i}", layer)

        def forward(self, x):
            for layer in self.children():
                x = layer(x)
            return x

    return Chain()


def own_sequential(lib, x, y):
    """Sequential: a model that is its layers in a row."""
    torch.manual_seed(SEED)
    model = chain(lib, lib.Linear(x.shape[1], 32), lib.ReLU(), lib.Linear(32, 10)).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= LR * p.grad
                    p.grad.zero_()
            yield xb, yb, loss, model


def library_sequential(lib, x, y):
    """The library's Sequential."""
    torch.manual_seed(SEED)
    model = lib.Sequential(lib.Linear(x.shape[1], 32), lib.ReLU(), lib.Linear(32, 10)).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= LR * p.grad
                    p.grad.zero_()
            yield xb, yb, loss, model


class Descent:
    """An optimizer: it holds the parameters, and knows how to update and how to clear them."""

    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def step(self):
        with torch.no_grad():
            for p in self.params:
                p -= self.lr * p.grad

    def zero_grad(self):
        for p in self.params:
            p.grad.zero_()


def own_optimizer(lib, x, y):
    """Optimizer: the update and the clearing have a name."""
    torch.manual_seed(SEED)
    model = lib.Sequential(lib.Linear(x.shape[1], 32), lib.ReLU(), lib.Linear(32, 10)).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    optimizer = Descent(model.parameters(), lr=LR)
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield xb, yb, loss, model


def library_optimizer(lib, x, y):
    """The library's SGD, which rounds w - ηg once instead of twice."""
    torch.manual_seed(SEED)
    model = lib.Sequential(lib.Linear(x.shape[1], 32), lib.ReLU(), lib.Linear(32, 10)).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    optimizer = lib.SGD(model.parameters(), lr=LR)
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield xb, yb, loss, model


def data():
    """Return (x, y)."""
    _, x, y = images()
    return x, y


def tree(params):
    w, b, v, c = params
    return {"0": {"weight": w, "bias": b}, "2": {"weight": v, "bias": c}}


LAYERS = {
    "0": manual.Layer(manual.linear, ("weight", "bias")),
    "1": manual.Layer(manual.relu),
    "2": manual.Layer(manual.linear, ("weight", "bias")),
}
LINES = [
    Line(
        "From a bare loop to the library's",
        [
            bare_loop,
            dataset,
            loader,
            library_loader,
            parameters,
            own_sequential,
            library_sequential,
            own_optimizer,
            library_optimizer,
        ],
        Formula(LAYERS, manual.cross_entropy, partial(manual.sgd, lr=LR), tree),
        {library_optimizer: "SGD computes w - ηg in one operation, rounded once"},
    )
]

# ── errata ──────────────────────────────────────────────────────────────────────────────────────


def batches_lost():
    """(n - 1) // b batches of b rows."""
    seen = {n: (n - 1) // 64 * 64 for n in (128, 130)}
    return ", ".join(f"{rows} of {n} rows" for n, rows in seen.items())


def layers_of_a_statement():
    """A method that registers and returns nothing, used as if it returned what it registered."""

    class Printed(torch.nn.Module):
        def __init__(self, *layers):
            super().__init__()
            self.layers = self.register(layers)

        def register(self, layers):
            for i, layer in enumerate(layers):
                self.add_module(f"{i}", layer)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    return outcome(lambda: Printed(torch.nn.Identity())(torch.ones(1)))


def forward_without_input():
    class Printed(torch.nn.Module):
        def forward(self):
            return None

    return outcome(lambda: Printed()(torch.ones(1)))


def rate_of_the_module():
    """step() reads the loop's lr, not the one that the optimizer was given."""

    class Printed(Descent):
        def step(self):
            with torch.no_grad():
                for p in self.params:
                    p -= lr * p.grad  # noqa: F821 (as printed)

    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    return outcome(Printed([p], lr=0.5).step)


ERRATA = [
    Erratum(
        "num_batches = (n - 1) // bs",
        "64 of 128 rows, 128 of 130 rows",
        batches_lost,
        "bare_loop: range(0, n, bs) has a last, shorter batch, and loses no whole one where bs divides n",
    ),
    Erratum(
        "self.layers = self.module_list(layers), where module_list returns nothing",
        "TypeError: 'NoneType' object is not iterable",
        layers_of_a_statement,
        "own_sequential: what add_module registers is found by children()",
    ),
    Erratum(
        "def forward(self): of a model that is called with x",
        "TypeError: forward_without_input.<locals>.Printed.forward() takes 1 positional argument but 2 were given",
        forward_without_input,
        "own_sequential: forward(self, x)",
    ),
    Erratum(
        "p -= lr * p.grad in a method of an optimizer that was given self.lr",
        "NameError: name 'lr' is not defined",
        rate_of_the_module,
        "own_optimizer: self.lr; as printed, a second optimizer would use the first one's rate",
    ),
]
