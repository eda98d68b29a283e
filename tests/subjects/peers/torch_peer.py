"""Torch against itself: its other kernels and functional forms, where the ladder has its classes."""

import torch
from torch.optim.adam import adam as adam_function
from torch.optim.sgd import sgd as sgd_function


def _using(cls, **route):
    """The same class by another route."""

    class Routed(cls):
        def __init__(self, params, **options):
            super().__init__(params, **options, **route)

    Routed.__name__ = cls.__name__
    return Routed


# ── optimizers ──────────────────────────────────────────────────────────────────────────────────

sgd_foreach = _using(torch.optim.SGD, foreach=True)
adam_foreach = _using(torch.optim.Adam, foreach=True)
adamw_foreach = _using(torch.optim.AdamW, foreach=True)
rmsprop_foreach = _using(torch.optim.RMSprop, foreach=True)
adagrad_foreach = _using(torch.optim.Adagrad, foreach=True)
adadelta_foreach = _using(torch.optim.Adadelta, foreach=True)
adamax_foreach = _using(torch.optim.Adamax, foreach=True)
nadam_foreach = _using(torch.optim.NAdam, foreach=True)
radam_foreach = _using(torch.optim.RAdam, foreach=True)
asgd_foreach = _using(torch.optim.ASGD, foreach=True)
rprop_foreach = _using(torch.optim.Rprop, foreach=True)
adafactor_foreach = _using(torch.optim.Adafactor, foreach=True)

sgd_fused = _using(torch.optim.SGD, fused=True)
adam_fused = _using(torch.optim.Adam, fused=True)
adamw_fused = _using(torch.optim.AdamW, fused=True)
adagrad_fused = _using(torch.optim.Adagrad, fused=True)


class _Functional:
    """A class in torch's manner around a function of lists; `keeps` are the names of its lists of tensors."""

    def __init__(self, params, lr=1e-3, **options):
        self.params, self.lr, self.options, self.state = params, lr, options, {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                self.call(p, self.state.setdefault(p, self.begin(p)))


class sgd_functional(_Functional):  # noqa: N801
    def begin(self, p):
        return [None]

    def call(self, p, buffers):
        options = dict(weight_decay=0.0, momentum=0.0, dampening=0.0, nesterov=False, maximize=False) | self.options
        sgd_function([p], [p.grad], buffers, lr=self.lr, foreach=False, **options)


class adam_functional(_Functional):  # noqa: N801
    def begin(self, p):
        return [[torch.zeros_like(p)] for _ in range(3)], [torch.tensor(0.0)]

    def call(self, p, state):
        averages, steps = state
        options = dict(eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, betas=(0.9, 0.999)) | self.options
        beta1, beta2 = options.pop("betas")
        adam_function([p], [p.grad], *averages, steps, lr=self.lr, beta1=beta1, beta2=beta2, foreach=False, **options)


# ── layers ──────────────────────────────────────────────────────────────────────────────────────


def linear_functional_call(x, weight, bias=None):
    """A module called with parameters that are not its own."""
    module = torch.nn.Linear(*weight.T.shape, bias is not None, device="meta")
    given = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return torch.func.functional_call(module, given, (x,))
