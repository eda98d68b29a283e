"""A line fitted with derivatives by hand, then with autograd, then with an optimizer.

Source document 003 differentiates the mean squared error of ŷ = w x + b by hand, lets autograd do it, and hands the
update to torch.optim.  As printed it does not run: names are undefined, the model computes b + w b, and the parameters
lose their history at the first update; the stages are the programs that it means.
"""

from functools import partial

import numpy as np
import torch

from impls import manual
from impls.walkthroughs import regression
from impls.walkthroughs.stages import Erratum, Formula, Line, outcome

EPOCHS, LR = 500, 0.1


def model(x, w, b):
    return w * x + b


def loss_fn(prediction, y):
    return ((prediction - y) ** 2).mean()


def by_hand(lib, x, y):
    """Derivatives by hand: the chain rule, written out."""
    params = torch.tensor([1.0, 0.0], device=x.device)
    yield params
    for _ in range(EPOCHS):
        prediction = model(x, *params)
        loss = loss_fn(prediction, y)
        dprediction = 2 * (prediction - y) / len(y)
        gradient = torch.stack([(dprediction * x).sum(), dprediction.sum()])
        params = params - LR * gradient
        yield x, y, loss, params


def autograd(lib, x, y):
    """autograd: the loss knows how it was computed."""
    params = torch.tensor([1.0, 0.0], device=x.device, requires_grad=True)
    yield params
    for _ in range(EPOCHS):
        if params.grad is not None:
            params.grad.zero_()
        loss = loss_fn(model(x, *params), y)
        loss.backward()
        with torch.no_grad():
            params -= LR * params.grad
        yield x, y, loss, params


def optimizer(lib, x, y):
    """An optimizer: the update and the clearing are its business."""
    params = torch.tensor([1.0, 0.0], device=x.device, requires_grad=True)
    sgd = lib.SGD([params], lr=LR)
    yield params
    for _ in range(EPOCHS):
        sgd.zero_grad()
        loss = loss_fn(model(x, *params), y)
        loss.backward()
        sgd.step()
        yield x, y, loss, params


def data():
    """Return (x, y), the line of the regression, as two rows of numbers."""
    x, y = regression.data()
    return x[:, 0], y[:, 0]


def tree(params):
    w, b = params[0]
    return {"0": {"weight": np.reshape(w, (1, 1)), "bias": np.reshape(b, 1)}}


LINES = [
    Line(
        "From the chain rule to an optimizer",
        [by_hand, autograd, optimizer],
        Formula(
            {"0": manual.Layer(manual.linear, ("weight", "bias"))},
            manual.mse_loss,
            partial(manual.sgd, lr=LR),
            tree,
        ),
        {optimizer: "SGD computes w - ηg in one operation, rounded once"},
    )
]

# ── errata ──────────────────────────────────────────────────────────────────────────────────────


def weight_for_input():
    """b + w * b: the input is not used."""
    x = torch.tensor([1.0, 2.0, 3.0])
    printed = lambda x, w, b: b + w * b  # noqa: ARG005 (as printed)
    return f"{printed(x, torch.tensor(2.0), torch.tensor(1.0)).item()} for {len(x)} inputs"


def another_name():
    """Defined as d_loss_fn, called as dloss_fn."""

    def d_loss_fn(y_true, y_hat):
        return 2 * (y_hat - y_true) / y_hat.size(0)

    return outcome(lambda: dloss_fn(torch.ones(2), torch.zeros(2)))  # noqa: F821 (as printed)


def prediction_first():
    """Defined for (y_true, y_hat), called with (prediction, target): the gradient points the other way."""

    def d_loss_fn(y_true, y_hat):
        return 2 * (y_hat - y_true) / y_hat.size(0)

    prediction, target = torch.tensor([3.0]), torch.tensor([1.0])
    return f"{d_loss_fn(prediction, target).item()}, where the derivative is {d_loss_fn(target, prediction).item()}"


def names_of_another_listing():
    """The loop is handed x and y, and differentiates at t_u and t_c."""

    def training_loop(params, x, y):
        return params - LR * (t_u - t_c)  # noqa: F821 (as printed)

    return outcome(lambda: training_loop(torch.zeros(2), torch.ones(2), torch.ones(2)))


def history_lost():
    """params = params - lr * params.grad under no_grad makes a tensor without a gradient."""
    params, x = torch.tensor([1.0, 0.0], requires_grad=True), torch.ones(3)

    def twice():
        nonlocal params
        for _ in range(2):
            loss_fn(model(x, *params), x).backward()
            with torch.no_grad():
                params = params - LR * params.grad

    return outcome(twice)


ERRATA = [
    Erratum("def model(x, w, b): return b + w * b", "3.0 for 3 inputs", weight_for_input, "by_hand: w * x + b"),
    Erratum("d_loss_fn is called as dloss_fn", "NameError: name 'dloss_fn' is not defined", another_name, "by_hand"),
    Erratum(
        "d_loss_fn(y_true, y_hat) is called with (t_p, t_c)",
        "-4.0, where the derivative is 4.0",
        prediction_first,
        "by_hand: the prediction comes first everywhere",
    ),
    Erratum(
        "training_loop(..., x, y) uses t_u and t_c",
        "NameError: name 't_u' is not defined",
        names_of_another_listing,
        "by_hand: x and y",
    ),
    Erratum(
        "with torch.no_grad(): params = params - learning_rate * params.grad",
        "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
        history_lost,
        "autograd: params -= ..., in place",
    ),
]
