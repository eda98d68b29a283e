"""What should cost one verdict, and nothing else."""

import os
import random
import time

import numpy as np
import torch


class _SGD:
    def __init__(self, params, lr=1e-3):
        self.params, self.lr = params, lr

    @torch.no_grad()
    def step(self):
        self.before()
        for p in (p for p in self.params if p.grad is not None):
            p -= self.lr * p.grad

    def before(self):
        pass


def _optimizer(act):
    return type("Hostile", (_SGD,), {"before": lambda self: act(self) and None})


def _raises(_):
    raise ZeroDivisionError("not today")


Raises = _optimizer(_raises)
Hangs = _optimizer(lambda self: time.sleep(1000))
Exits = _optimizer(lambda self: os._exit(3))
Quits = _optimizer(lambda self: exit("enough"))
Crashes = _optimizer(lambda self: os.abort())
Prints = _optimizer(lambda self: print("so chatty"))
Warns = _optimizer(lambda self: __import__("warnings").warn("it is late", stacklevel=1))
ChangesTheDtype = _optimizer(lambda self: torch.set_default_dtype(torch.float64))
ChangesTheThreads = _optimizer(lambda self: torch.set_num_threads(2))
ChangesTheSeed = _optimizer(lambda self: torch.manual_seed(12345))
DrawsFromPython = _optimizer(lambda self: random.random())
DrawsFromNumPy = _optimizer(lambda self: np.random.rand())
WritesTheGradient = _optimizer(lambda self: [p.grad.mul_(2) for p in self.params if p.grad is not None])
Poisons = _optimizer(lambda self: [p.mul_(float("nan")) for p in self.params])
Widens = _optimizer(lambda self: [setattr(p, "data", p.data.double()) for p in self.params])
Reshapes = _optimizer(lambda self: [setattr(p, "data", p.data.reshape(1, *p.shape)) for p in self.params])


def returns_none(input, target):
    return None


def returns_a_number(input, target):
    return 1.0


def returns_another_shape(input, target):
    return ((input - target) ** 2).mean().reshape(1)


def returns_another_dtype(input, target):
    return ((input - target) ** 2).mean().half()


def returns_nan(input, target):
    return ((input - target) ** 2).mean() * float("nan")


def writes_its_input(input, target):
    with torch.no_grad():
        input.add_(1)
    return ((input - target) ** 2).mean()


def gradient_of_another_shape(input, target):
    d = np.subtract(input, target)
    return np.mean(d * d, dtype=d.dtype), np.zeros(d.size + 1, d.dtype)
