"""What an optimizer is to refuse: bad parameters, bad groups, bad options, and steps that it has not."""

import functools
import inspect

import torch

from impls.since import TORCH


def parameter(*shape, dtype=None):
    return torch.zeros(shape or (2,), dtype=dtype, requires_grad=True)


def stepped(optimizer, gradient):
    optimizer.param_groups[0]["params"][0].grad = gradient
    optimizer.step()


EVERY = {
    "a tensor": lambda cls: cls(parameter()),
    "nothing": lambda cls: cls([]),
    "a number": lambda cls: cls([1.0]),
    "a non-leaf": lambda cls: cls([parameter() * 2]),
    **({"a set": lambda cls: cls({parameter()})} if TORCH >= (2, 15) else {}),
    "a set in a group": lambda cls: cls([{"params": {parameter()}}]),
    "a group that is no dict": lambda cls: cls([parameter()]).add_param_group([parameter()]),
    "one parameter in two groups": lambda cls: (lambda p: cls([{"params": [p]}, {"params": [p]}]))(parameter()),
    "one parameter twice": lambda cls: cls([parameter()] * 2),
    "names for some": lambda cls: cls([("w", parameter()), parameter()]),
    "names in one group only": lambda cls: cls([("w", parameter())]).add_param_group({"params": [parameter()]}),
    "another number of groups": lambda cls: cls([parameter()]).load_state_dict({"state": {}, "param_groups": []}),
    "a group of another size": lambda cls: cls([parameter()]).load_state_dict(
        cls([parameter(), parameter()]).state_dict()
    ),
    "an argument nobody has": lambda cls: cls([parameter()], learning_rate=1.0),
}
OPTIONS = {
    "lr below 0": {"lr": -1.0},
    "lr that is no number": {"lr": float("nan")},
    "lr of two elements": {"lr": torch.ones(2)},
    "lr a word": {"lr": "1e-3"},
    "eps a word": {"eps": "1e-8"},
    "eps below 0": {"eps": -1.0},
    "weight_decay None": {"weight_decay": None},
    "weight_decay below 0": {"weight_decay": -1.0},
    "fused and foreach": {"fused": True, "foreach": True},
    "fused and differentiable": {"fused": True, "differentiable": True},
    "lr a tensor and foreach": {"lr": torch.tensor(0.1), "foreach": True},
    "first beta 1": {"betas": (1.0, 0.9)},
    "second beta below 0": {"betas": (0.9, -0.1)},
    "one beta an integer": {"betas": (0, 0.9)},
    "one beta": {"betas": (0.9,)},
    "betas None": {"betas": None},
    "one beta a tensor": {"betas": (torch.tensor(0.9), 0)},
    "betas tensors and foreach": {"betas": (torch.tensor(0.9), torch.tensor(0.5)), "foreach": True},
    "momentum below 0": {"momentum": -0.1},
    "nesterov without momentum": {"nesterov": True},
    "nesterov and dampening": {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
    "alpha below 0": {"alpha": -0.1},
    "lambd below 0": {"lambd": -0.1},
    "rho below 0": {"rho": -0.1},
    "rho above 1": {"rho": 1.1},
    "lr_decay below 0": {"lr_decay": -0.1},
    "initial_accumulator_value below 0": {"initial_accumulator_value": -0.1},
    "momentum_decay below 0": {"momentum_decay": -0.1},
    "first eta 0": {"etas": (0.0, 1.2)},
    "second eta 1": {"etas": (0.5, 1.0)},
    "lr, eps and weight_decay below 0": {"lr": -1.0, "eps": -1.0, "weight_decay": -1.0},
    "eps below 0 and first beta 1": {"eps": -1.0, "betas": (1.0, 0.9)},
    "first beta 1 and weight_decay below 0": {"betas": (1.0, 0.9), "weight_decay": -1.0},
}
TENSORS = ("lr a tensor and foreach", "one beta an integer", "one beta a tensor", "betas tensors and foreach")


def of(native, *taken):
    """What every optimizer refuses, and every bad option that native has, save those that it takes all the same."""
    options = inspect.signature(native).parameters.keys()
    bad = {name: given for name, given in OPTIONS.items() if given.keys() <= options and name not in taken}
    return EVERY | {name: functools.partial(_built, **given) for name, given in bad.items()}


def _built(cls, **given):
    return cls([parameter()], **given)


OF_A_MATRIX = {
    "an lr below 0": lambda cls: cls([parameter(2, 2)], lr=-1.0),
    "an lr that is no number": lambda cls: cls([parameter(2, 2)], lr=float("nan")),
    "an lr of two elements": lambda cls: cls([parameter(2, 2)], lr=torch.ones(2)),
    "a weight_decay below 0": lambda cls: cls([parameter(2, 2)], weight_decay=-1.0),
    "a complex parameter": lambda cls: stepped(cls([parameter(2, 2, dtype=torch.complex64)]), torch.ones(2, 2) + 0j),
    "a sparse gradient": lambda cls: stepped(cls([parameter(2, 2)]), torch.eye(2).to_sparse()),
    "an argument nobody has": lambda cls: cls([parameter(2, 2)], learning_rate=1.0),
}
ADAFACTOR = OF_A_MATRIX | {
    "a beta2_decay above 0": lambda cls: cls([parameter(2, 2)], beta2_decay=0.1),
    "a first eps below 0": lambda cls: cls([parameter(2, 2)], eps=(-1.0, 1e-3)),
    "a second eps below 0": lambda cls: cls([parameter(2, 2)], eps=(None, -1.0)),
    "a d below 1": lambda cls: cls([parameter(2, 2)], d=0.5),
}
MUON = OF_A_MATRIX | {
    "a momentum below 0": lambda cls: cls([parameter(2, 2)], momentum=-0.1),
    "another ratio": lambda cls: cls([parameter(2, 2)], adjust_lr_fn="spectral"),
    "a vector": lambda cls: cls([parameter(2, 2), parameter(3)]),
    "a stack of matrices": lambda cls: cls([parameter(2, 2, 2)]),
    "a hundred steps": lambda cls: stepped(cls([parameter(2, 2)], ns_steps=100), torch.ones(2, 2)),
    "two coefficients": lambda cls: stepped(cls([parameter(2, 2)], ns_coefficients=(1.0, 2.0)), torch.ones(2, 2)),
}


def along_a_bowl(optimizer):
    """One step of L-BFGS, whose loss is the sum of fourth powers."""

    def closure():
        (p,) = optimizer.param_groups[0]["params"]
        p.grad = 2 * p.detach() ** 3
        return (p.detach() ** 4).sum() / 2

    optimizer.step(closure)


def _one():
    return torch.ones(2, requires_grad=True)


LBFGS = {
    "an lr below 0": lambda cls: cls([parameter()], lr=-1.0),
    "an lr that is no number": lambda cls: cls([parameter()], lr=float("nan")),
    "an lr of two elements": lambda cls: cls([parameter()], lr=torch.ones(2)),
    "two groups": lambda cls: cls([{"params": [parameter()]}, {"params": [parameter()]}]),
    "a group that was added": lambda cls: (lambda o: (o.add_param_group({"params": [_one()]}), along_a_bowl(o)))(
        cls([_one()])
    ),
    "another line search": lambda cls: along_a_bowl(cls([_one()], line_search_fn="armijo")),
    "no closure": lambda cls: cls([parameter()]).step(),
    "an argument nobody has": lambda cls: cls([parameter()], learning_rate=1.0),
}
