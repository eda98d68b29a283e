"""A line through 80 noisy points, from NumPy to every abstraction that torch has for a training loop.

Source document 002, "Understanding PyTorch with an example", fits y = a + b x by gradient descent and replaces one
piece at a time: the derivatives by autograd, the update by an optimizer, the loss, the model by Parameters, by a
nested layer, by Sequential, the step by a function; then the batches by Dataset and DataLoader, the split by
random_split; and at last it evaluates as it trains.  On full batches all stages take one step, and so do all on
mini-batches.

The document starts twice: from NumPy's random numbers in float64, which only the manual rung can follow, and from
torch's in float32, which all four rungs draw from the same seed.  It prints what it ends with, and so does this.
"""

import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from impls import custom, manual, native, raw
from impls.walkthroughs.stages import Erratum, Formula, Line, outcome

SEED, LR, EPOCHS, BATCH = 42, 0.1, 1000, 16

# ── the stages, on full batches ─────────────────────────────────────────────────────────────────


def in_numpy(lib, x, y):
    """NumPy: predict, compare, differentiate by hand, update."""
    torch.manual_seed(SEED)
    a, b = torch.randn(1).numpy(), torch.randn(1).numpy()
    x, y = x.cpu().numpy(), y.cpu().numpy()
    yield a, b
    for _ in range(EPOCHS):
        error = y - (a + b * x)
        loss = (error**2).mean()
        a_grad = -2 * error.mean()
        b_grad = -2 * (x * error).mean()
        a = a - LR * a_grad
        b = b - LR * b_grad
        yield x, y, loss, (a, b)


def autograd(lib, x, y):
    """Autograd: backward() finds the gradients, and no_grad() keeps the update out of the graph."""
    torch.manual_seed(SEED)
    a = torch.randn(1).to(x.device).requires_grad_()
    b = torch.randn(1).to(x.device).requires_grad_()
    yield a, b
    for _ in range(EPOCHS):
        error = y - (a + b * x)
        loss = (error**2).mean()
        loss.backward()
        with torch.no_grad():
            a -= LR * a.grad
            b -= LR * b.grad
        a.grad.zero_()
        b.grad.zero_()
        yield x, y, loss, (a, b)


def optimizer(lib, x, y):
    """Optimizer: step() updates and zero_grad() clears whatever parameters it was given."""
    torch.manual_seed(SEED)
    a = torch.randn(1).to(x.device).requires_grad_()
    b = torch.randn(1).to(x.device).requires_grad_()
    sgd = lib.SGD([a, b], lr=LR)
    yield a, b
    for _ in range(EPOCHS):
        error = y - (a + b * x)
        loss = (error**2).mean()
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        yield x, y, loss, (a, b)


def loss(lib, x, y):
    """Loss: an object that is made once and called with prediction and target."""
    torch.manual_seed(SEED)
    a = torch.randn(1).to(x.device).requires_grad_()
    b = torch.randn(1).to(x.device).requires_grad_()
    sgd = lib.SGD([a, b], lr=LR)
    loss_fn = lib.MSELoss()
    yield a, b
    for _ in range(EPOCHS):
        loss = loss_fn(a + b * x, y)
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        yield x, y, loss, (a, b)


def line_model(lib):
    """A model with two parameters of its own."""

    class Line(lib.Module):
        def __init__(self):
            super().__init__()
            self.a = lib.Parameter(torch.randn(1))
            self.b = lib.Parameter(torch.randn(1))

        def forward(self, x):
            return self.a + self.b * x

    return Line()


def model(lib, x, y):
    """Model: parameters are registered as they are assigned, and the model is called, not its forward."""
    torch.manual_seed(SEED)
    line = line_model(lib).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    loss_fn = lib.MSELoss()
    yield line
    for _ in range(EPOCHS):
        line.train()
        loss = loss_fn(line(x), y)
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        yield x, y, loss, line


def linear(lib):
    """A linear layer that starts where a and b start, its weight being b and its bias a."""
    a, b = torch.randn(1), torch.randn(1)
    layer = lib.Linear(1, 1)
    layer.load_state_dict({"weight": b.reshape(1, 1), "bias": a})
    return layer


def nested_model(lib):
    """A model that is made of another."""

    class Nested(lib.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear(lib)

        def forward(self, x):
            return self.linear(x)

    return Nested()


def nested(lib, x, y):
    """Nested model: parameters() finds those of the layers, too."""
    torch.manual_seed(SEED)
    line = nested_model(lib).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    loss_fn = lib.MSELoss()
    yield line.linear.bias, line.linear.weight
    for _ in range(EPOCHS):
        line.train()
        loss = loss_fn(line(x), y)
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        yield x, y, loss, (line.linear.bias, line.linear.weight)


def sequential(lib, x, y):
    """Sequential: layers in a row need no class."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    loss_fn = lib.MSELoss()
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS):
        line.train()
        loss = loss_fn(line(x), y)
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        yield x, y, loss, (line[0].bias, line[0].weight)


def train_step(lib, x, y):
    """Training step: a function of model, loss and optimizer, and of a batch."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS):
        loss = step(x, y)
        yield x, y, loss, (line[0].bias, line[0].weight)


# ── the stages, on mini-batches ─────────────────────────────────────────────────────────────────


def mini_batches(lib, x, y):
    """Mini-batches: rows drawn by index, sixteen at a time."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    generator = torch.Generator().manual_seed(SEED)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for rows in raw.data_loader(len(x), BATCH, shuffle=True, generator=generator):
            loss = step(x[rows], y[rows])
            yield x[rows], y[rows], loss, (line[0].bias, line[0].weight)


class Points:
    """A dataset: a list of pairs, as far as anybody can tell."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


def dataset(lib, x, y):
    """Dataset and DataLoader: who iterates no longer knows about rows."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    generator = torch.Generator().manual_seed(SEED)
    batches = lib.DataLoader(Points(x, y), BATCH, shuffle=True, generator=generator)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for xb, yb in batches:
            loss = step(xb, yb)
            yield xb, yb, loss, (line[0].bias, line[0].weight)


def tensor_dataset(lib, x, y):
    """TensorDataset: tensors of one length are a dataset already."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    generator = torch.Generator().manual_seed(SEED)
    batches = lib.DataLoader(lib.TensorDataset(x, y), BATCH, shuffle=True, generator=generator)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for xb, yb in batches:
            loss = step(xb, yb)
            yield xb, yb, loss, (line[0].bias, line[0].weight)


# ── the stages, with rows to validate on ────────────────────────────────────────────────────────


def split_by_index(lib, x, y):
    """A split: a permutation cut in two, 64 rows to train on and 16 to validate."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    train, _ = raw.random_split(len(x), [64, 16], torch.Generator().manual_seed(SEED))
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for rows in train.split(BATCH):
            loss = step(x[rows], y[rows])
            yield x[rows], y[rows], loss, (line[0].bias, line[0].weight)


def random_split(lib, x, y):
    """random_split: two datasets out of one, each with a loader of its own."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    step = partial(lib.train_step, line, lib.MSELoss(), sgd)
    parts = lib.random_split(lib.TensorDataset(x, y), [64, 16], torch.Generator().manual_seed(SEED))
    train, _ = (lib.DataLoader(part, BATCH, generator=torch.Generator()) for part in parts)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for xb, yb in train:
            loss = step(xb, yb)
            yield xb, yb, loss, (line[0].bias, line[0].weight)


def evaluation(lib, x, y):
    """Evaluation: in evaluation mode, without gradients, and leaving no trace on the training."""
    torch.manual_seed(SEED)
    line = lib.Sequential(linear(lib)).to(x.device)
    sgd = lib.SGD(line.parameters(), lr=LR)
    loss_fn = lib.MSELoss()
    step = partial(lib.train_step, line, loss_fn, sgd)
    parts = lib.random_split(lib.TensorDataset(x, y), [64, 16], torch.Generator().manual_seed(SEED))
    train, validation = (lib.DataLoader(part, BATCH, generator=torch.Generator()) for part in parts)
    yield line[0].bias, line[0].weight
    for _ in range(EPOCHS // 10):
        for xb, yb in train:
            loss = step(xb, yb)
            yield xb, yb, loss, (line[0].bias, line[0].weight)
        lib.evaluate(line, loss_fn, validation)


def tree(params):
    a, b = params
    return {"0": {"weight": np.reshape(b, (1, 1)), "bias": a}}


FORMULA = Formula(
    {"0": manual.Layer(manual.linear, ("weight", "bias"))}, manual.mse_loss, partial(manual.sgd, lr=LR), tree
)
LINES = [
    Line(
        "Full batches",
        [in_numpy, autograd, optimizer, loss, model, nested, sequential, train_step],
        FORMULA,
        {
            autograd: "NumPy adds in another order than torch",
            optimizer: "SGD computes w - ηg in one operation, rounded once",
            nested: "a linear layer computes a + bx in one operation",
        },
    ),
    Line("Mini-batches", [mini_batches, dataset, tensor_dataset], FORMULA),
    Line("Rows to validate on", [split_by_index, random_split, evaluation], FORMULA),
]


def data():
    """Return (x, y), the rows that the document trains on."""
    x, y, train, _ = manual.sources.line(np.float32)
    return torch.from_numpy(x[train]), torch.from_numpy(y[train])


# ── the numbers that the document prints ────────────────────────────────────────────────────────


class Number(NamedTuple):
    what: str
    printed: str
    found: str
    because: str = ""  # why it is not reproduced, where it cannot be


def run(progress=print):
    """Yield every number that the document prints, beside what is found here."""
    x, y, train, _ = manual.sources.line()
    x, y = x[train], y[train]

    progress("NumPy's start, manual rung, float64")
    rng = np.random.RandomState(SEED)
    a, b = rng.randn(1), rng.randn(1)
    yield Number("NumPy listing, before", "[0.49671415] [-0.1382643]", as_numpy(a, b))
    yield Number("NumPy listing, after", "[1.02354094] [1.96896411]", as_numpy(*by_hand(x, y, a, b)))
    yield Number("closed form, scikit-learn", "[1.02354075] [1.96896447]", as_numpy(*closed_form(x, y)))

    x, y = x.astype(np.float32), y.astype(np.float32)
    for rung, program in {"manual": on_manual, "raw": on_raw, "custom": on_custom, "native": on_native}.items():
        progress(f"torch's start, {rung} rung, float32")
        before, after = program(x, y)
        yield Number(f"torch listing, before, {rung}", "[0.3367] [0.1288]", as_torch(*before))
        yield Number(f"torch listing, after, {rung}", "[1.0235] [1.9690]", as_torch(*after))
    yield from on_cuda(x, y)


CUDA_START = 0.6226, 1.4505  # as the document prints them, after torch.manual_seed(42) on its GPU
UNSEEDED = {"FIRST": "[-0.5531] [-0.7314]", "SECOND": "[0.5158] [0.0246]", "THIRD": "[-0.8915] [0.3616]"}


def on_cuda(x, y):
    """What the document prints from its GPU: its start is taken as printed, and what follows from it is computed."""
    for what, printed in UNSEEDED.items():
        yield Number(f"parameters, {what}", printed, "", "drawn without a seed")
    today, why = "", "not run: no CUDA device here, and CUDA's generator is another than the CPU's"
    if torch.cuda.is_available():
        torch.manual_seed(SEED)
        today = as_torch(torch.randn(1, device="cuda"), torch.randn(1, device="cuda"))
        why = "CUDA's stream of normal numbers has changed since the document was written"
    yield Number("start on the GPU, seed 42", "[0.6226] [1.4505]", today, why)

    start = [np.full(1, w, np.float32) for w in CUDA_START]
    first = one_step_away(torch.from_numpy(x), torch.from_numpy(y), *map(torch.from_numpy, start))
    yield Number("FIRST ATTEMPT, from that start", "[0.7518]", f"[{first.item():.4f}]")
    yield Number("THIRD ATTEMPT, from that start", "[1.0235] [1.9690]", as_torch(*by_hand(x, y, *start)))


def one_step_away(x, y, a, b):
    """The first parameter as the document's first attempt makes it: a - lr * a.grad, which is no leaf."""
    a, b = a.requires_grad_(), b.requires_grad_()
    ((y - (a + b * x)) ** 2).mean().backward()
    return a - LR * a.grad


def as_numpy(a, b):
    """Write two arrays of one element as NumPy prints them, in eight digits without zeros at the end."""
    return f"{a.ravel()} {b.ravel()}"


def as_torch(a, b):
    """Write them as torch prints them, in four digits."""
    return f"[{a.item():.4f}] [{b.item():.4f}]"


def closed_form(x, y):
    """The least-squares line, as scikit-learn's LinearRegression finds it."""
    from sklearn.linear_model import LinearRegression

    line = LinearRegression().fit(x, y)
    return line.intercept_, line.coef_


# The model is y = a + b x: a linear layer with weight b and bias a.


def by_hand(x, y, a, b):
    layers = {"0": manual.Layer(manual.linear, ("weight", "bias"))}
    params, state, rng = {"0": {"weight": b.reshape(1, 1), "bias": a}}, {}, None
    step = partial(manual.train_step, layers=layers, loss=manual.mse_loss, update=partial(manual.sgd, lr=LR))
    for _ in range(EPOCHS):
        _, params, state, rng = step(params, state, rng, x, y)
    return params["0"]["bias"], params["0"]["weight"]


def on_manual(x, y):
    rng = manual.rng.seed(SEED)
    a, rng = manual.rng.normal(rng, (1,))
    b, rng = manual.rng.normal(rng, (1,))
    return (a, b), by_hand(x, y, a, b)


def on_raw(x, y):
    x, y, rng = torch.from_numpy(x), torch.from_numpy(y), raw.rng.seed(SEED)
    a, rng = raw.rng.normal(rng, (1,))
    b, rng = raw.rng.normal(rng, (1,))
    params = {"0": {"weight": raw.parameter(b.reshape(1, 1).clone()), "bias": raw.parameter(a.clone())}}
    layers = {"0": raw.Layer(raw.linear, ("weight", "bias"))}
    state, update = {}, partial(raw.sgd, lr=LR)
    for _ in range(EPOCHS):
        raw.train_step(params, state, rng, x, y, layers=layers, loss=raw.mse_loss, update=update)
    return (a, b), (params["0"]["bias"], params["0"]["weight"])


def on_custom(x, y):
    return with_objects(x, y, custom)


def on_native(x, y):
    return with_objects(x, y, native)


def with_objects(x, y, rung):
    """Custom's classes are drop-ins for native's, so that one program is both rungs'."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    torch.manual_seed(SEED)
    a, b = torch.randn(1), torch.randn(1)
    model = rung.Sequential(rung.Linear(1, 1))
    model.load_state_dict({"0.weight": b.reshape(1, 1), "0.bias": a})
    loss_fn, optimizer = rung.MSELoss(), rung.SGD(model.parameters(), lr=LR)
    for _ in range(EPOCHS):
        rung.train_step(model, loss_fn, optimizer, x, y)
    return (a, b), (model[0].bias, model[0].weight)


# ── errata, and what the document shows by trial ────────────────────────────────────────────────


def two_points():
    """Parameters a and b, and two points to differentiate at."""
    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    return a, b, torch.tensor([1.0, 2.0])


def sent_leaf():
    """A leaf that is sent to another device is no leaf: what arrives is the result of an operation."""
    sent = torch.ones(1, requires_grad=True).to("meta")
    return f"is_leaf={sent.is_leaf}, grad_fn={sent.grad_fn.name()}"


def reassigned():
    """a = a - lr * a.grad makes another tensor, which has no gradient to clear."""
    a, b, x = two_points()
    (a + b * x).sum().backward()
    a = a - LR * a.grad
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns, besides, that a is no leaf
        return outcome(lambda: a.grad.zero_())


def in_place():
    """a -= lr * a.grad writes into a leaf that is being recorded."""
    a, b, x = two_points()
    (a + b * x).sum().backward()

    def update():
        nonlocal a
        a -= LR * a.grad

    return outcome(update)


def accumulated():
    a, b, x = two_points()
    seen = []
    for _ in range(2):
        (a + b * x).sum().backward()
        seen.append(b.grad.item())
    return f"{seen[0]}, then {seen[1]}"


def leaves(node):
    """How many tensors, below a node of the graph, will have a gradient."""
    below = [n for n, _ in node.next_functions if n is not None]
    return hasattr(node, "variable") + sum(map(leaves, below))


def boxes():
    a, b, x = two_points()
    return f"{leaves((a + b * x).grad_fn)} leaves for a, b and x"


def no_gradients():
    a, b, x = two_points()
    return str((a.detach() + b.detach() * x).grad_fn)


def to_numpy():
    return outcome(lambda: torch.ones(1, requires_grad=True).numpy())


def swapped_arguments():
    """Mean squared error does not tell prediction from target; cross entropy does."""
    logits, target = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    mse, ce = torch.nn.functional.mse_loss, torch.nn.functional.cross_entropy
    return (
        f"mean squared error {mse(logits, target):.4f} and {mse(target, logits):.4f}, "
        f"cross entropy {ce(logits, target):.4f} and {ce(target, logits):.4f}"
    )


def left_in_evaluation():
    model = torch.nn.Dropout()
    with torch.no_grad():
        model.eval()
        model(torch.ones(1))
    return f"training={model.training}"


def mean_of_means():
    """Losses of 0, 0, 0 and 4 in batches of three rows and one."""
    losses = torch.tensor([0.0, 0.0, 0.0, 4.0]).split(3)
    means = torch.stack([batch.mean() for batch in losses])
    return f"{means.mean().item()}, where the mean over rows is {torch.cat(losses).mean().item()}"


ERRATA = [
    Erratum(
        "torch.randn(1, requires_grad=True).to(device), shown to fail (SECOND)",
        "is_leaf=False, grad_fn=ToCopyBackward0",
        sent_leaf,
        "autograd: sent first, then requires_grad_(). The document prints CopyBackwards, the node's name of its day",
    ),
    Erratum(
        "a = a - lr * a.grad, shown to fail (FIRST ATTEMPT)",
        "AttributeError: 'NoneType' object has no attribute 'zero_'",
        reassigned,
        "autograd: a -= lr * a.grad under no_grad()",
    ),
    Erratum(
        "a -= lr * a.grad outside no_grad(), shown to fail (SECOND ATTEMPT)",
        "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.",
        in_place,
        "autograd: under no_grad(). The document has the words of its day: has been used",
    ),
    Erratum(
        "backward() twice without zero_()",
        "3.0, then 6.0",
        accumulated,
        "autograd: zero_() after every update",
    ),
    Erratum(
        "a box in the graph for the data x",
        "2 leaves for a, b and x",
        boxes,
        "there is none: x needs no gradient",
    ),
    Erratum(
        "the graph of what needs no gradient",
        "None",
        no_gradients,
        "there is none: no gradients, no graph",
    ),
    Erratum(
        "numpy() of a tensor that needs a gradient",
        "RuntimeError: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
        to_numpy,
        "in_numpy, the other way round: detach() first, and cpu() for what is on a GPU",
    ),
    Erratum(
        "loss_fn(y, yhat): the target first",
        "mean squared error 0.5000 and 0.5000, cross entropy 0.1269 and 0.6265",
        swapped_arguments,
        "loss: the prediction first, which for this loss alone makes no difference",
    ),
    Erratum(
        "model.eval() inside the loop, and no train() after it",
        "training=False",
        left_in_evaluation,
        "evaluation: evaluate() restores the mode; as printed, only the step's own train() does",
    ),
    Erratum(
        "val_losses.append(val_loss.item()), a mean for every batch",
        "2.0, where the mean over rows is 1.0",
        mean_of_means,
        "evaluation: evaluate() weights each batch by its rows",
    ),
]
