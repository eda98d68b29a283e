"""Optimizers in torch's manner: for each parameter one of a library's, which knows no missing gradient."""

import functools
import inspect


def stepping_by(begin, step):
    """What makes a class of a function that makes an optimizer and has its options' defaults.

    begin(make, p) is what a parameter is stepped with, and step(own, g, lr) what it is then.
    """

    def stepping(make):
        class Stepping:
            def __init__(self, params, lr=1e-3, **options):
                self.params, self.lr, self.make, self.own = params, lr, functools.partial(make, **options), {}

            def step(self):
                for p in self.params:
                    if p.grad is not None:
                        if p not in self.own:
                            self.own[p] = begin(self.make, p)
                        p.data.copy_(step(self.own[p], p.grad, self.lr))

        ours = list(inspect.signature(Stepping).parameters.values())[:2]
        theirs = [p for p in inspect.signature(make).parameters.values() if p.default is not p.empty]
        options = [p.replace(kind=p.KEYWORD_ONLY) for p in theirs]
        Stepping.__signature__, Stepping.__name__ = inspect.Signature([*ours, *options]), make.__name__
        return Stepping

    return stepping
