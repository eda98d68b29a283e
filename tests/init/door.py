"""The door for initializations: a function that fills a tensor, or one that draws for a shape; and for a gain."""

from tests.capabilities import names
from tests.door import Call


def _filled(problem, options, dtype):
    given = ", generator=generator" if problem.generator else ""
    yield f"torch.set_default_dtype(torch.{dtype})"
    yield f"w = torch.full({problem.shape}, torch.nan)"
    yield f"generator = torch.{'Generator().' if problem.generator == 'own' else ''}manual_seed({problem.seed})"
    yield f"f(w{options}{given})"
    yield "seen = {'parameter': w, 'what is drawn next': torch.rand(1, generator=generator)}"


FILL = Call(
    needs="a function NAME(tensor, ...) that fills it and returns it, or NAME(shape, ...) that returns what it draws",
    lines=_filled,
    forms=(
        (
            lambda thing: names(thing, "shape"),
            "lambda w, *given, **options: w.copy_(torch.as_tensor(theirs(tuple(w.shape), *given, **options)))",
        ),
    ),
)


def _asked(problem, options, _dtype):
    yield f"seen = {{'gain': torch.tensor(f({problem.nonlinearity!r}{options}), dtype=torch.float64)}}"


GAIN = Call(needs="a function NAME(nonlinearity, param=None) that returns a number", lines=_asked)
