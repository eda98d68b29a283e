"""What a layer, a module or a parameter is to refuse."""

import torch

from impls.ladder import Rung
from impls.since import TORCH
from tests.cells import LADDERS


def beside(concept):
    """Another concept's drop-in on the rung of a class."""
    return lambda cls: getattr(LADDERS[concept], Rung.NATIVE if cls.__module__.startswith("torch.") else Rung.CUSTOM)


PARAMETER, DROPOUT = beside("nn.parameter"), beside("nn.dropout")


def unborn(cls):
    """An object of which __init__ was never called."""
    return cls.__new__(cls)


def filled_with(cls, **buffers):
    module = cls()
    for name, value in buffers.items():
        module.register_buffer(name, value)
    return module


def given_to(module, **values):
    for name, value in values.items():
        setattr(module, name, value)
    return module


ONE = torch.ones(1)

TREES = {
    "nn.module": {
        "an argument": lambda cls: cls(1),
        "a keyword": lambda cls: cls(size=1),
        "no forward": lambda cls: cls()(ONE),
        "a parameter before birth": lambda cls: setattr(unborn(cls), "w", PARAMETER(cls)(ONE)),
        "a child before birth": lambda cls: setattr(unborn(cls), "w", cls()),
        "a buffer before birth": lambda cls: unborn(cls).register_buffer("w", ONE),
        "register_parameter before birth": lambda cls: unborn(cls).register_parameter("w", None),
        "an unknown attribute": lambda cls: cls().unknown,
        "deleting the unknown": lambda cls: delattr(cls(), "unknown"),
        "a tensor for a parameter": lambda cls: setattr(given_to(cls(), w=PARAMETER(cls)(ONE)), "w", ONE),
        "a module for a parameter": lambda cls: setattr(given_to(cls(), w=PARAMETER(cls)(ONE)), "w", cls()),
        "a tensor for a child": lambda cls: setattr(given_to(cls(), w=cls()), "w", ONE),
        "a word for a buffer": lambda cls: setattr(filled_with(cls, w=ONE), "w", "word"),
        "a number for a buffer": lambda cls: cls().register_buffer("w", 1.0),
        "a tensor registered as a parameter": lambda cls: cls().register_parameter("w", ONE),
        "a number registered as a parameter": lambda cls: cls().register_parameter("w", 1),
        "a tensor registered as a child": lambda cls: cls().add_module("w", ONE),
        "a number registered as a child": lambda cls: cls().register_module("w", 1),
        "a parameter with a history": lambda cls: cls().register_parameter(
            "w", PARAMETER(cls)(ONE.clone()).requires_grad_().mul_(2)
        ),
        **{
            f"{name!r} as the name of a {kind}": lambda cls, name=name, kind=kind: getattr(cls(), f"register_{kind}")(
                name, None
            )
            for name in ("a.b", "", 1, "forward", "training")
            for kind in ("parameter", "buffer", "module")
        },
        "a buffer where a parameter is": lambda cls: given_to(cls(), w=PARAMETER(cls)(ONE)).register_buffer("w", ONE),
        "a parameter where a buffer is": lambda cls: filled_with(cls, w=ONE).register_parameter("w", None),
        "a mode that is no bool": lambda cls: cls().train("yes"),
        "a state that is a list": lambda cls: cls().load_state_dict([]),
        "a key too many": lambda cls: cls().load_state_dict({"a.w": ONE, "b": ONE}),
        "a key too few": lambda cls: filled_with(cls, v=ONE, w=ONE).load_state_dict({}),
        "too many and too few": lambda cls: filled_with(cls, w=ONE).load_state_dict({"v": ONE}),
        "another shape": lambda cls: filled_with(cls, w=ONE).load_state_dict({"w": torch.ones(2)}),
        "another shape, loosely": lambda cls: filled_with(cls, w=ONE).load_state_dict(
            {"w": torch.ones(2)}, strict=False
        ),
        "another shape and a key too many": lambda cls: filled_with(cls, w=ONE).load_state_dict(
            {"w": torch.ones(2), "v": ONE}
        ),
        "a number for a tensor": lambda cls: filled_with(cls, w=ONE).load_state_dict({"w": 1.0}),
    },
    "nn.parameter": {
        "integers that require a gradient": lambda cls: cls(torch.ones(2, dtype=torch.int64)),
        "a list": lambda cls: cls([1.0]),
        "an unknown argument": lambda cls: cls(ONE, grad=True),
    },
}


def leaf(*shape):
    return torch.ones(shape, requires_grad=True)


LAYERS = {
    "nn.linear": {
        "no sizes": lambda cls: cls(),
        "a negative size": lambda cls: cls(2, -1),
        "a size that is no integer": lambda cls: cls(2, 1.5),
        "no inputs": lambda cls: cls(0, 2),
        "no outputs": lambda cls: cls(2, 0),
        "integers": lambda cls: cls(2, 2, dtype=torch.int64),
        "an unknown argument": lambda cls: cls(2, 2, activation="relu"),
        "other features": lambda cls: cls(2, 3)(torch.ones(4, 3)),
        "another dtype": lambda cls: cls(2, 3)(torch.ones(4, 2).double()),
        "a list": lambda cls: cls(2, 3)([1.0, 2.0]),
    },
    "nn.dropout": {
        "p below 0": lambda cls: cls(-0.1),
        "p above 1": lambda cls: cls(1.1),
        "p a word": lambda cls: cls("half"),
        "p set to 2": lambda cls: given_to(cls(), p=2)(ONE),
        "p set to 2, in evaluation": lambda cls: given_to(cls(), p=2).eval()(ONE),
        "a leaf changed in place": lambda cls: cls(inplace=True)(torch.ones(2, requires_grad=True)),
    },
    "nn.relu": {
        "booleans": lambda cls: cls()(ONE > 0),
        "a leaf changed in place": lambda cls: cls(inplace=True)(torch.ones(2, requires_grad=True)),
        "a list": lambda cls: cls()([1.0]),
    },
    "nn.sequential": {
        "a tensor": lambda cls: cls(ONE),
        "a dictionary": lambda cls: cls({"a": DROPOUT(cls)()}),
        "a list of layers": lambda cls: cls([DROPOUT(cls)()]),
        "past the end": lambda cls: cls()[0],
        "before the start": lambda cls: cls(DROPOUT(cls)())[-2],
        "a word for an index": lambda cls: cls(DROPOUT(cls)())["0"],
        "a tensor put in a layer's place": lambda cls: cls(DROPOUT(cls)()).__setitem__(0, ONE),
        "replacing past the end": lambda cls: cls().__setitem__(0, DROPOUT(cls)()),
        "deleting past the end": lambda cls: cls().__delitem__(0),
        "popping nothing": lambda cls: cls().pop(0),
        "a tensor appended": lambda cls: cls().append(ONE),
        "a tensor inserted": lambda cls: cls().insert(0, ONE),
        "inserted past the end": lambda cls: cls().insert(1, DROPOUT(cls)()),
        "a list added": lambda cls: cls() + [],  # noqa: RUF005
        "a list added in place": lambda cls: cls().__iadd__([]),
        "times a half": lambda cls: cls() * 0.5,
        "times nothing": lambda cls: cls() * 0,
        "times itself": lambda cls: cls().__imul__(-1),
        "two inputs": lambda cls: cls()(ONE, ONE),
    },
    "nn.flatten": {
        "a number": lambda cls: cls()(torch.tensor(1.0)),
        "a dimension too many": lambda cls: cls(0, 3)(leaf(2, 2)),
        "the end before the start": lambda cls: cls(1, 0)(leaf(2, 2)),
    },
    "nn.leaky_relu": {
        "a leaf changed in place": lambda cls: cls(inplace=True)(leaf(2)),
        "in place with a negative slope": lambda cls: cls(-1.0, inplace=True)(leaf(2) * 1).sum().backward(),
    },
    "nn.silu": {
        "a leaf changed in place": lambda cls: cls(inplace=True)(leaf(2)),
        "integers": lambda cls: cls()(leaf(2).long()),
    },
    "nn.gelu": {
        "another approximation": lambda cls: cls("erf")(leaf(2)),
        "integers": lambda cls: cls()(torch.ones(2).long()),
    },
    "nn.softmax": {
        "no dimension": lambda cls: cls()(leaf(2, 3)),
        "no dimension of three": lambda cls: cls()(leaf(2, 3, 4)),
        "a dimension too many": lambda cls: cls(2)(leaf(2, 3)),
        "a word for a dimension": lambda cls: cls("last")(leaf(2, 3)),
        **({"a truth for a dimension": lambda cls: cls(True)} if TORCH >= (2, 14) else {}),
    },
    "nn.log_softmax": {
        "no dimension": lambda cls: cls()(leaf(2)),
        "a word for a dimension": lambda cls: cls("last")(leaf(2)),
        "a dimension too many": lambda cls: cls(-3)(leaf(2, 3)),
    },
    "nn.embedding": {
        "a row too many": lambda cls: cls(2, 3)(torch.tensor([2])),
        "a row below 0": lambda cls: cls(2, 3)(torch.tensor([-1])),
        "an index that is no integer": lambda cls: cls(2, 3)(torch.tensor([0.0])),
        "padding beyond the last": lambda cls: cls(2, 3, 2),
        "padding before the first": lambda cls: cls(2, 3, -3),
        "a table of another shape": lambda cls: cls(2, 3, _weight=torch.ones(3, 2)),
        "a table of one dimension": lambda cls: cls.from_pretrained(torch.ones(3)),
    },
    "nn.layer_norm": {
        "another shape": lambda cls: cls(3)(leaf(2, 2)),
        "too few dimensions": lambda cls: cls((2, 3))(leaf(3)),
        "another dtype": lambda cls: cls(3)(leaf(3).double()),
        "no sizes": lambda cls: cls(),
    },
    "nn.rms_norm": {
        "another shape": lambda cls: cls(3)(leaf(2, 2)),
        "too few dimensions": lambda cls: cls((2, 3))(leaf(3)),
        "a shape of nothing": lambda cls: cls(())(leaf(3)),
        "no sizes": lambda cls: cls(),
    },
    "nn.max_pool2d": {
        "two dimensions": lambda cls: cls(2)(leaf(2, 2)),
        "five dimensions": lambda cls: cls(2)(leaf(1, 1, 1, 2, 2)),
        "no channels": lambda cls: cls(2)(leaf(1, 0, 2, 2)),
        "three sizes": lambda cls: cls((2, 2, 2))(leaf(1, 2, 2)),
        "a size that is no integer": lambda cls: cls(1.5)(leaf(1, 2, 2)),
        "windows of nothing": lambda cls: cls(0)(leaf(1, 2, 2)),
        "windows too large": lambda cls: cls(3)(leaf(1, 2, 2)),
        "no stride": lambda cls: cls(2, 0)(leaf(1, 2, 2)),
        "too much padding": lambda cls: cls(2, padding=2)(leaf(1, 2, 2)),
        "less than no padding": lambda cls: cls(2, padding=-1)(leaf(1, 2, 2)),
        "no dilation": lambda cls: cls(2, dilation=0)(leaf(1, 2, 2)),
        "booleans": lambda cls: cls(1)(leaf(1, 2, 2) > 0),
    },
    "nn.conv2d": {
        "two dimensions": lambda cls: cls(2, 3, 2)(leaf(3, 3)),
        "five dimensions": lambda cls: cls(2, 3, 2)(leaf(1, 1, 2, 3, 3)),
        "other channels": lambda cls: cls(3, 3, 2)(leaf(1, 2, 3, 3)),
        "another dtype": lambda cls: cls(2, 3, 2)(leaf(2, 3, 3).double()),
        "windows too large": lambda cls: cls(2, 3, 5)(leaf(1, 2, 3, 3)),
        "a size that is no integer": lambda cls: cls(2, 2, 1.5),
        "windows of nothing": lambda cls: cls(2, 2, 0),
        "no outputs": lambda cls: cls(2, 0, 2),
        "integers": lambda cls: cls(2, 2, 2, dtype=torch.int64),
        "three strides": lambda cls: cls(2, 2, 2, (1, 2, 3))(leaf(2, 3, 3)),
        "no stride": lambda cls: cls(2, 2, 2, 0)(leaf(2, 3, 3)),
        "less than no padding": lambda cls: cls(2, 2, 2, padding=-1)(leaf(2, 3, 3)),
        "no dilation": lambda cls: cls(2, 2, 2, dilation=0)(leaf(2, 3, 3)),
        "no groups": lambda cls: cls(2, 2, 2, groups=0),
        "inputs that are no groups": lambda cls: cls(3, 2, 2, groups=2),
        "outputs that are no groups": lambda cls: cls(2, 3, 2, groups=2),
        "another word": lambda cls: cls(2, 2, 2, padding="full"),
        "the same with a stride": lambda cls: cls(2, 2, 2, (1, 2), padding="same"),
        "the same of an even kernel": lambda cls: cls(2, 2, 2, padding="same")(leaf(2, 3, 3)),
        "another border": lambda cls: cls(2, 2, 2, padding_mode="mirror"),
        "a mirror too small": lambda cls: cls(2, 2, 2, padding=3, padding_mode="reflect")(leaf(2, 3, 3)),
        "more than once around": lambda cls: cls(2, 2, 2, padding=4, padding_mode="circular")(leaf(2, 3, 3)),
    },
    "nn.batch_norm1d": {
        "one dimension": lambda cls: cls(3)(leaf(3)),
        "four dimensions": lambda cls: cls(3)(leaf(2, 3, 1, 1)),
        "one row": lambda cls: cls(3)(leaf(1, 3)),
        "one row, of which nothing is remembered": lambda cls: cls(3, track_running_stats=False).eval()(leaf(1, 3)),
        "other features": lambda cls: cls(3)(leaf(2, 4)),
        "other features, in evaluation": lambda cls: cls(3).eval()(leaf(2, 4)),
    },
}
