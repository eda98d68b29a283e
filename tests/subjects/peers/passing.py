"""Forward and backward, out of a function and a library's reverse mode."""

import inspect


def passing_by(differentiate):
    """What makes a class of a function; differentiate(call, inputs) is (y, back), back(dy) the inputs' gradients."""

    def passing(function):
        """A class with forward and backward; the options are what `function` takes by keyword alone."""

        class Passing:
            __signature__ = inspect.Signature(
                [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
            )

            def __init__(self, **options):
                self.options = options

            def forward(self, *inputs):
                y, self.back = differentiate(lambda *given: function(*given, **self.options), inputs)
                return y

            def backward(self, dy):
                return self.back(dy)

        Passing.__name__ = function.__name__
        return Passing

    return passing
