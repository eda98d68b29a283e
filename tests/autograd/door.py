"""The doors for functions of functions, which are called as torch's are, without options."""

from impls.ladder import Rung
from tests.door import Call, tensors

PRODUCT = "a function NAME(func, inputs, v) that returns func(*inputs) and the derivative's product with v"
WHOLE = "a function NAME(func, input) that returns every {} derivative of a function of one tensor"


def rows(problem, options, dtype):
    yield f"y, found = f({problem.function}, tuple({tensors(problem.inputs)}), {tensors(problem.v)})"
    yield "seen = {'value': y} | {f'derivative {i}': product for i, product in enumerate(found)}"


def columns(problem, options, dtype):
    yield f"y, found = f({problem.function}, tuple({tensors(problem.inputs)}), tuple({tensors(problem.v)}))"
    yield "seen = {'value': y, 'derivative': found}"


def whole(problem, options, dtype):
    """The lines differentiate by one input at a time, while the others are held."""
    yield f"function, x = {problem.function}, {tensors(problem.inputs)}"
    yield "part = lambda i: lambda a: function(*x[:i], a, *x[i + 1 :])"
    yield "seen = {f'derivative {i}': f(part(i), a) for i, a in enumerate(x)}"


def called(needs, lines):
    return Call(needs=needs, lines=lines, rung=Rung.RAW, always=("v",))


DOORS = {
    "vjp": called(f"{PRODUCT}: inputs is a tuple, v is like the result, and so many products are returned", rows),
    "jvp": called(f"{PRODUCT}: inputs and v are tuples, and the product is like the result", columns),
    "jacobian": called(WHOLE.format("first"), whole),
    "hessian": called(WHOLE.format("second"), whole),
}
