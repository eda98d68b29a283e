"""One classifier in every form that torch has for a model, and at last with torch's optimizers.

Source document 001 trains a network with dropout on MNIST, and changes only how the network is put together: a list
of layers, attributes that are noted when they are set, nn.Module, its named_children(), add_module, ModuleList,
Sequential. The parameters are the same tensors drawn in the same order, so not one bit of the run changes with the
form.  With torch.optim the update is written by somebody else, and another algorithm is one word.

The document's text has lost its listings; these are ours, of what the text describes.
"""

from functools import partial

import torch

from impls import manual
from impls.walkthroughs.stages import Erratum, Formula, Line, images, outcome

SEED, EPOCHS, BATCH, LR, P = 42, 5, 64, 0.3, 0.2


def layer_list(lib, x, y):
    """A list of layers; each one's weight and bias are updated by hand."""
    torch.manual_seed(SEED)
    model = [lib.Linear(x.shape[1], 32), lib.ReLU(), lib.Linear(32, 16), lib.Dropout(P), lib.Linear(16, 10)]
    for layer in model:
        layer.to(x.device)
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
                        layer.bias -= LR * layer.bias.grad
                        layer.bias.grad.zero_()
            yield xb, yb, loss, model


class Noted:
    """A model that notes its layers as they are set, and hands out their parameters."""

    def __init__(self, lib, features):
        self._layers = {}
        self.inner = lib.Linear(features, 32)
        self.relu = lib.ReLU()
        self.hidden = lib.Linear(32, 16)
        self.dropout = lib.Dropout(P)
        self.outer = lib.Linear(16, 10)

    def __setattr__(self, name, value):
        if not name.startswith("_"):
            self._layers[name] = value
        super().__setattr__(name, value)

    def parameters(self):
        for layer in self._layers.values():
            yield from layer.parameters()

    def to(self, device):
        for layer in self._layers.values():
            layer.to(device)
        return self

    def __call__(self, x):
        return self.outer(self.dropout(self.hidden(self.relu(self.inner(x)))))


def noted_attributes(lib, x, y):
    """__setattr__: layers are noted as they are set, and parameters() finds them."""
    torch.manual_seed(SEED)
    model = Noted(lib, x.shape[1]).to(x.device)
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


def network(lib, features):
    """nn.Module does all that Noted does."""

    class Network(lib.Module):
        def __init__(self):
            super().__init__()
            self.inner = lib.Linear(features, 32)
            self.relu = lib.ReLU()
            self.hidden = lib.Linear(32, 16)
            self.dropout = lib.Dropout(P)
            self.outer = lib.Linear(16, 10)

        def forward(self, x):
            return self.outer(self.dropout(self.hidden(self.relu(self.inner(x)))))

    return Network()


def module(lib, x, y):
    """nn.Module: the same, inherited."""
    torch.manual_seed(SEED)
    model = network(lib, x.shape[1]).to(x.device)
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


def named_children(lib, x, y):
    """named_children(): the layers by name, each with its own parameters()."""
    torch.manual_seed(SEED)
    model = network(lib, x.shape[1]).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            with torch.no_grad():
                for _name, layer in model.named_children():
                    for p in layer.parameters():
                        p -= LR * p.grad
                        p.grad.zero_()
            yield xb, yb, loss, model


def layers(lib, features):
    return [lib.Linear(features, 32), lib.ReLU(), lib.Linear(32, 16), lib.Dropout(P), lib.Linear(16, 10)]


def in_a_list(lib, features, register):
    """A model that keeps its layers in a list, which hides them from parameters() unless they are registered."""

    class Network(lib.Module):
        def __init__(self):
            super().__init__()
            self.layers = register(self, layers(lib, features))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    return Network()


def added_one_by_one(model, layers):
    for i, layer in enumerate(layers):
        model.add_module(f"layer{i}", layer)
    return layers


def add_module(lib, x, y):
    """add_module: layers in a plain list, each registered besides."""
    torch.manual_seed(SEED)
    model = in_a_list(lib, x.shape[1], added_one_by_one).to(x.device)
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


def module_list(lib, x, y):
    """ModuleList: a list that registers."""
    torch.manual_seed(SEED)
    model = in_a_list(lib, x.shape[1], lambda _, layers: lib.ModuleList(layers)).to(x.device)
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


def sequential(lib, x, y):
    """Sequential: a list that registers, and runs."""
    torch.manual_seed(SEED)
    model = lib.Sequential(*layers(lib, x.shape[1])).to(x.device)
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


def sgd(lib, x, y):
    """torch.optim.SGD: the update by somebody else, rounded once instead of twice."""
    torch.manual_seed(SEED)
    model = lib.Sequential(*layers(lib, x.shape[1])).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    optimizer = lib.SGD(model.parameters(), lr=LR)
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
    yield model
    for _ in range(EPOCHS):
        for xb, yb in batches:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield xb, yb, loss, model


def adam(lib, x, y):
    """torch.optim.Adam: another algorithm is one word."""
    torch.manual_seed(SEED)
    model = lib.Sequential(*layers(lib, x.shape[1])).to(x.device)
    loss_fn = lib.CrossEntropyLoss()
    optimizer = lib.Adam(model.parameters(), lr=1e-2)
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, generator=torch.Generator())
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
    names = [(key, name) for key in ("0", "2", "4") for name in ("weight", "bias")]
    found = {key: {} for key, _ in names}
    for (key, name), a in zip(names, params, strict=True):
        found[key][name] = a
    return found


LAYERS = {
    "0": manual.Layer(manual.linear, ("weight", "bias")),
    "1": manual.Layer(manual.relu),
    "2": manual.Layer(manual.linear, ("weight", "bias")),
    "3": manual.Layer(manual.dropout, settings={"p": P}, random=True),
    "4": manual.Layer(manual.linear, ("weight", "bias")),
}
LINES = [
    Line(
        "One network in every form",
        [layer_list, noted_attributes, module, named_children, add_module, module_list, sequential, sgd],
        Formula(LAYERS, manual.cross_entropy, partial(manual.sgd, lr=LR), tree),
        {sgd: "SGD computes w - ηg in one operation, rounded once"},
    ),
    Line("Another algorithm", [adam]),
]

# ── errata ──────────────────────────────────────────────────────────────────────────────────────


def hidden_in_a_list():
    """Layers in a plain list are no part of the model."""

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)]

    return outcome(lambda: str(torch.optim.SGD(Hidden().parameters(), lr=LR)))


ERRATA = [
    Erratum(
        "self.layers = [...] in a Module: what the document warns of",
        "ValueError: optimizer got an empty parameter list",
        hidden_in_a_list,
        "add_module and module_list",
    ),
]
