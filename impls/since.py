"""What differs between versions of torch is written where it differs, with both sides: `TORCH >= (2, 13)`."""

import functools
import inspect

import torch

TORCH = tuple(int(number) for number in torch.__version__.split(".")[:2])


def since(version, name):
    """A keyword that torch's function has since a version: before, ours does not take it, nor show it, either."""

    def decorate(function):
        if version <= TORCH:
            return function

        @functools.wraps(function)
        def older(*args, **kwargs):
            if name in kwargs:
                raise TypeError(f"{function.__qualname__}() got an unexpected keyword argument {name!r}")
            return function(*args, **kwargs)

        signature = inspect.signature(function)
        kept = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        vars(older)["__signature__"] = signature.replace(parameters=kept)
        return older

    return decorate
