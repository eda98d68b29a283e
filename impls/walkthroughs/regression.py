"""The regression of source document 002: a line through 80 noisy points, 1,000 steps of gradient descent on all.

The document starts twice: from NumPy's random numbers in float64, which only the manual rung can follow, and from
torch's in float32, which all four rungs draw from the same seed.  It prints what it ends with, and so does this.

Source   "Understanding PyTorch with an example: a step-by-step tutorial", source document 002; its code draws a and b
         with randn, a first, and prints eight digits from NumPy and four from torch.
"""

from functools import partial

import numpy as np
import torch

from impls import custom, manual, native, raw

SEED, LR, EPOCHS = 42, 0.1, 1000


def run(progress=print):
    """Yield (what, printed, found) for every number that the document prints."""
    x, y, train, _ = manual.sources.line()
    x, y = x[train], y[train]

    progress("NumPy's start, manual rung, float64")
    rng = np.random.RandomState(SEED)
    a, b = rng.randn(1), rng.randn(1)
    yield "NumPy listing, before", "[0.49671415] [-0.1382643]", as_numpy(a, b)
    yield "NumPy listing, after", "[1.02354094] [1.96896411]", as_numpy(*by_hand(x, y, a, b))
    yield "closed form, scikit-learn", "[1.02354075] [1.96896447]", as_numpy(*closed_form(x, y))

    x, y = x.astype(np.float32), y.astype(np.float32)
    for rung, program in {"manual": on_manual, "raw": on_raw, "custom": on_custom, "native": on_native}.items():
        progress(f"torch's start, {rung} rung, float32")
        before, after = program(x, y)
        yield f"torch listing, before, {rung}", "[0.3367] [0.1288]", as_torch(*before)
        yield f"torch listing, after, {rung}", "[1.0235] [1.9690]", as_torch(*after)


def as_numpy(a, b):
    """As NumPy prints two arrays of one element, in eight digits without zeros at the end."""
    return f"{a.ravel()} {b.ravel()}"


def as_torch(a, b):
    """As torch prints them, in four digits."""
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
