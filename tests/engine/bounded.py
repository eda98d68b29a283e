"""Numbers that know how far a correct program may land from them.

A `Bounded` array holds, element by element, the exact result of a formula (computed in a wider format)
and a proven bound on the distance of every admissible way of computing it in `format`: sums in any order,
multiply-adds fused or not, library functions within their stated ulps.  It speaks NumPy's protocols, so a
manual rung runs on it unchanged, and the formula of record yields its own bound.

`lattice` is an exponent q such that every value is an integer multiple of 2^q that every rung computes
exactly, so that the bound is 0; None where that is not known.  While all partial results fit the format on
their lattice nothing rounds, in any order on any device, and landing inside the bound means equal to the bit.

Only what manual rungs use is here; any other NumPy function raises TypeError.

Sources  Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3 (gamma_n, any order);
         Johansson 2017, Arb (arithmetic of midpoint and radius).
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol, Self, TypeAlias

import mpmath  # torch requires it, by way of sympy
import numpy as np

from tests.engine.arithmetic import DIGITS, FORMATS, SUBNORMALS, ULPS_OF_CUDA, Format, accuracy, assume

HEADROOM = 2.0**-8  # below the largest number, since a rung may associate (2 * r) / n with the larger part first
SLACK = 1 + 2.0**-30  # for the rounding of the bound's own arithmetic, fewer than 2^20 operations deep


Values: TypeAlias = np.ndarray  # of the wider format; what is of rank 0 NumPy makes a number
Booleans: TypeAlias = np.ndarray | np.bool_
Function: TypeAlias = Callable[..., Any]  # of NumPy's, with what it is called with
Arguments: TypeAlias = tuple[Any, ...]
Settings: TypeAlias = Mapping[str, Any]
Axis: TypeAlias = int | tuple[int, ...] | None
Map: TypeAlias = Callable[[Values], Values]  # of values, and alike of their errors
Combine: TypeAlias = Callable[[int, int], int]  # of the lattices of two operands


class AnotherQuantity(AssertionError):
    """What was taken for the same quantity by another formula lies beyond both bounds."""


class Number(float):
    """A number of Python's that knows an interval, in float64 (tests/engine/known.py)."""

    interval: "Bounded"


class Terms(NamedTuple):
    """What a sum remembers of its terms, so that it may still grow."""

    magnitude: Values  # the sum of their absolute values
    inherited: Values  # the sum of their errors
    roundings: int  # that one of them may undergo, whatever the order
    lattice: int | None  # theirs: the sum of quarters may be whole, and yet not every order is exact


class Bounded(np.lib.mixins.NDArrayOperatorsMixin):
    def __init__(self, value: Values, error: Values, lattice: int | None, format: Format, terms: Terms | None = None):
        self.value, self.error, self.lattice, self.format = value, error, lattice, format
        self.terms = terms  # of a sum

    # ── where they come from ──

    @classmethod
    def exact(cls, data: np.typing.ArrayLike, format: Format) -> Self:
        """Data that every rung is handed bit for bit."""
        data = np.asarray(data)
        if np.promote_types(data.dtype, format.name) != format.name:
            raise TypeError(f"{data.dtype} data met {format.name} numbers")
        value = data.astype(format.name).astype(format.wider)
        if not np.isfinite(value).all():
            return cls(value, np.where(np.isfinite(value), 0, np.inf), None, format)
        return cls(value, np.zeros_like(value), _lattice(value, format.precision), format)

    @classmethod
    @functools.cache
    @np.errstate(all="ignore")
    def constant(cls, number: float, format: Format) -> "Bounded":
        """A setting: a real number that every rung may round once to the format."""
        value, rounded = np.asarray(format.wider(number)), np.dtype(format.name).type(number)
        if rounded == value:
            return cls.exact(rounded, format)
        return cls(value, np.zeros_like(value), None, format)._rounded(value, 0, None, underflows=1)

    def _lift(self, other: "Bounded | np.typing.ArrayLike") -> "Bounded":
        if isinstance(other, Bounded):
            if other.format != self.format:
                raise TypeError(f"{other.format.name} numbers met {self.format.name} numbers")
            return other
        if isinstance(other, Number) and np.any(other.interval.error):
            known = other.interval
            return Bounded(known.value, known.error, None, self.format)._rounded(
                known.value, known.error, None, underflows=1
            )
        if isinstance(other, bool | int | float) and not isinstance(other, np.generic):
            return Bounded.constant(float(other), self.format)
        return Bounded.exact(other, self.format)

    # ── how a result is bounded ──

    def _rounded(
        self,
        value: Values,
        inherited: Values | float,
        lattice: int | None,
        roundings: int = 1,
        magnitude: Values | None = None,
        underflows: int = 0,
        terms: Terms | None = None,
    ) -> "Bounded":
        """The result `value` of operations that add `roundings` roundings of numbers up to `magnitude`."""
        f = self.format
        magnitude = abs(value) if magnitude is None else magnitude
        top = f.largest * HEADROOM
        fits = min(top, 2.0 ** min(lattice + f.precision, 1023)) if lattice is not None and lattice >= f.emin else 0
        if (fits or not np.size(value)) and np.all(magnitude < fits):
            return Bounded(value, np.zeros_like(value), _lattice(value, f.precision), f, terms)
        gamma = f.gamma(roundings)
        error = (1 + gamma) * inherited + (gamma + roundings * f.wider_roundoff) * magnitude + underflows * f.tiny
        error = np.where(magnitude + error <= top, error, np.inf)  # NaN too: nothing is known
        return Bounded(value, error, None, f, terms)

    def _summed(self, value: Values, terms: Terms) -> "Bounded":
        return self._rounded(value, terms.inherited, terms.lattice, terms.roundings, terms.magnitude, terms=terms)

    # ── arithmetic ──

    def _add(self, other: "Bounded") -> "Bounded":
        """A sum that meets a further term is a longer sum, and may be taken in any order: a bias may go first."""
        value = self.value + other.value
        a, b = (x.terms or Terms(abs(x.value), x.error, 0, x.lattice) for x in (self, other))
        inherited, lattice = a.inherited + b.inherited, _both(min, a, b)
        if not self.terms and not other.terms:
            return self._rounded(value, inherited, lattice)
        return self._summed(value, Terms(a.magnitude + b.magnitude, inherited, a.roundings + b.roundings + 1, lattice))

    def _multiply(self, other: "Bounded") -> "Bounded":
        value = self.value * other.value
        inherited = self.error * abs(other.value) + (abs(self.value) + self.error) * other.error
        lattice = _both(lambda a, b: a + b, self, other)
        product = self._rounded(value, inherited, lattice, underflows=1)
        if product.lattice is None:  # zero times a number is zero
            product.error = np.where((value == 0) & (inherited == 0), 0, product.error)
        return product

    def _divide(self, other: "Bounded") -> "Bounded":
        value = self.value / other.value
        distance = abs(other.value) - other.error  # of the divisor from zero
        inherited = np.where(distance > 0, (self.error + abs(value) * other.error) / distance, np.inf)
        lattice, roundings = None, 1
        if np.ndim(other.value) == 0:
            significand, exponent = np.frexp(abs(other.value))
            if significand == 0.5 and not other.error:
                lattice = None if self.lattice is None else self.lattice - (int(exponent) - 1)
            else:
                roundings = 2  # CUDA multiplies by a number's reciprocal, rounded, which may underflow besides
                inherited = inherited + (abs(self.value) + self.error) * self.format.tiny
        return self._rounded(value, inherited, lattice, roundings, underflows=1)

    def _matmul(self, other: "Bounded") -> "Bounded":
        assume(DIGITS[self.format.name])
        a, b = self, other
        n = a.value.shape[-1]
        lattice = _both(lambda p, q: p + q, a, b)
        magnitude = abs(a.value) @ abs(b.value)
        inherited = np.full_like(magnitude, n * self.format.tiny)
        if np.any(a.error) or np.any(b.error):  # of exact data, most of a certificate, these products are zero
            inherited = inherited + abs(a.value) @ b.error + a.error @ abs(b.value) + a.error @ b.error
        return self._summed(a.value @ b.value, Terms(magnitude, inherited, n, lattice))

    def _maximum(self, other: "Bounded") -> "Bounded":
        """1-Lipschitz in both arguments; where one is certainly larger, only its own error counts."""
        left = self.value - self.error >= other.value + other.error
        right = other.value - other.error >= self.value + self.error
        error = np.where(left, self.error, np.where(right, other.error, np.maximum(self.error, other.error)))
        return Bounded(np.maximum(self.value, other.value), error, _both(min, self, other), self.format)

    def _negative(self) -> "Bounded":
        return Bounded(-self.value, self.error, self.lattice, self.format, self.terms)

    def _absolute(self) -> "Bounded":
        return Bounded(abs(self.value), self.error, self.lattice, self.format)

    def _compare(self, other: "Bounded", relation: np.ufunc) -> "Mask":
        decided = abs(self.value - other.value) > (self.error + other.error) * SLACK
        decided = decided | ((self.error == 0) & (other.error == 0)) | (self is other)  # a number equals itself
        return Mask(relation(self.value, other.value), ~decided)

    # ── library functions: the inherited error is how far the function moves over the argument's interval ──

    def _evaluated(self, name: str, value: Values, inherited: Values, underflows: bool = True) -> "Bounded":
        known = accuracy(name, self.format.name)
        n = 2 * known.ulps
        return self._rounded(value, inherited + known.absolute, None, n, underflows=n if underflows else 0)

    def _exp(self) -> "Bounded":
        value = np.exp(self.value)
        inherited = np.where(self.error == 0, 0, value * np.expm1(self.error))
        return self._evaluated("exp", value, inherited)

    def _log(self) -> "Bounded":
        inherited = np.where(self.error < self.value, -np.log1p(-self.error / self.value), np.inf)
        return self._evaluated("log", np.log(self.value), inherited, underflows=False)

    def _log1p(self) -> "Bounded":
        inherited = np.where(self.error < 1 + self.value, -np.log1p(-self.error / (1 + self.value)), np.inf)
        return self._evaluated("log1p", np.log1p(self.value), inherited)

    def _tanh(self) -> "Bounded":
        """tanh a - tanh b = sinh(a - b) / (cosh a cosh b), largest towards 0; beyond overflow the slope."""
        nearer, nearest = np.cosh(abs(self.value) - self.error), np.cosh(np.maximum(abs(self.value) - self.error, 0))
        exact, slope = np.sinh(self.error) / np.cosh(self.value) / nearer, self.error / nearest / nearest
        inherited = np.where(self.error == 0, 0, np.fmin(exact, slope))
        return self._evaluated("tanh", np.tanh(self.value), inherited)

    def _erf(self) -> "Bounded":
        return self._evaluated("erf", *self._moved_erf())

    def _moved_erf(self) -> tuple[Values, Values]:
        """No steeper than at the interval's nearest point to 0, and no further than its ends, which may cancel."""
        wider, value = self.format.wider, _erf(self.value)
        nearest = np.maximum(abs(self.value) - self.error, 0)
        slope = 2 / np.sqrt(wider(np.pi)) * np.exp(-nearest * nearest) * self.error
        ends = np.max([abs(_erf(self.value + e) - value) for e in (-self.error, self.error)], axis=0)
        return value, np.minimum(slope, ends + 4 * self.format.wider_roundoff)

    def _sign(self) -> "Bounded":
        """Any of -1, 0 and 1 where the bound leaves it open."""
        value, open_ = np.sign(self.value), (abs(self.value) <= self.error * SLACK) & (self.error != 0)
        return Bounded(value, np.where(open_, 1 + abs(value), 0), None if np.any(open_) else 0, self.format)

    def _cos(self) -> "Bounded":
        """Its slope is the sine, and changes no faster than the argument."""
        slope = np.minimum(abs(np.sin(self.value)) + self.error / 2, 1)
        return self._evaluated("cos", np.cos(self.value), self.error * slope, underflows=False)

    def _sqrt(self) -> "Bounded":
        """The square root of a sum of squares: no rung's argument is negative, whatever the bound says."""
        root, low, high = (np.sqrt(self.value + e) for e in (0, -self.error, self.error))
        inherited = np.where(self.error < self.value, self.error / (root + low), high)  # root - low would cancel
        return self._evaluated("sqrt", root, inherited, underflows=False)

    def _rsqrt(self) -> "Bounded":
        """One over the square root, in one operation; steepest at the interval's lower end."""
        root = 1 / np.sqrt(self.value)
        inherited = np.where(self.error < self.value, 1 / np.sqrt(self.value - self.error) - root, np.inf)
        return self._rounded(root, inherited, None, 2 * ULPS_OF_CUDA["rsqrt"])

    def _normcdf(self) -> "Bounded":
        """(1 + erf) / 2, in one operation, whose tail is known to the digits of erf."""
        value, inherited = self._moved_erf()
        ulps, known = ULPS_OF_CUDA["normcdf"], 4 * self.format.wider_roundoff
        return self._rounded((1 + value) / 2, inherited / 2 + known, None, 2 * ulps, underflows=2 * ulps)

    def _power(self, exponent: "Bounded") -> "Bounded":
        """A power of numbers that no rung has below zero.  A fraction as exponent, 1/3, is known to a rounding only."""
        power, p = self.value**exponent.value, exponent.value
        shift = np.where(p == np.rint(p), 0, self.format.gamma(2) * abs(p)) + exponent.error
        ends = [np.maximum(self.value + e, 0) ** (p + d) for e in (-self.error, self.error) for d in (-shift, shift)]
        inherited = np.max([abs(end - power) for end in ends], axis=0)  # monotonic in the base and in the exponent
        return self._evaluated("power", power, inherited)

    # ── reductions and shape ──

    @np.errstate(all="ignore")
    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Bounded":
        total: Map = lambda a: np.asarray(a.sum(axis=axis, keepdims=keepdims))
        value = total(self.value)
        n = self.value.size // value.size if value.size else 1
        if n == 1:
            return self._map(total)
        return self._summed(value, Terms(total(abs(self.value)), total(self.error), max(n - 1, 0), self.lattice))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Bounded":
        total = self.sum(axis, keepdims)
        average: Bounded = total / (self.value.size / total.value.size if total.value.size else 1.0)
        return average

    def max(self, axis: Axis = None, keepdims: bool = False) -> "Bounded":
        largest: Map = lambda a: np.asarray(a.max(axis=axis, keepdims=keepdims))
        return Bounded(largest(self.value), largest(self.error), self.lattice, self.format)

    def argmax(self, axis: int | None = None) -> np.ndarray | np.intp:
        return self._chosen_by().argmax(axis)

    def _chosen_by(self) -> Values:
        """The very numbers, to choose a place by: where they are not known each rung may choose another."""
        if np.any(self.error):
            raise TypeError("numbers that are not known exactly choose no place")
        return self.value

    def _map(self, shape_of: Map) -> "Bounded":
        t = self.terms
        terms = t and t._replace(magnitude=shape_of(t.magnitude), inherited=shape_of(t.inherited))
        return Bounded(shape_of(self.value), shape_of(self.error), self.lattice, self.format, terms)

    def reshape(self, *shape: int) -> "Bounded":
        return self._map(lambda a: a.reshape(*shape))

    def transpose(self, *axes: int) -> "Bounded":
        return self._map(lambda a: a.transpose(*axes))

    def _join(self, join: Callable[..., np.ndarray], arrays: Sequence[Any], axis: int = 0) -> "Bounded":
        lifted = [self._lift(a) for a in arrays]
        value = join([a.value for a in lifted], axis)
        error = join([np.broadcast_to(a.error, a.shape) for a in lifted], axis)
        return Bounded(value, error, functools.reduce(_lower, [a.lattice for a in lifted]), self.format)

    def __getitem__(self, index: Any) -> "Bounded":
        return self._map(lambda a: np.asarray(a[index]))

    @property
    def T(self) -> "Bounded":  # noqa: N802 (NumPy's name)
        return self._map(lambda a: a.T)

    @property
    def mT(self) -> "Bounded":  # noqa: N802 (NumPy's name)
        return self._map(lambda a: np.swapaxes(a, -2, -1))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.format.name)

    def astype(self, dtype: np.typing.DTypeLike) -> Self:
        if dtype != self.dtype:
            raise TypeError(f"{self.format.name} numbers stay what they are: {dtype} was asked for")
        return self

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> NoReturn:
        raise TypeError("bounded numbers decide no branch")

    def __repr__(self) -> str:
        return f"Bounded({self.value!r} ± {self.error!r}, {self.format.name})"

    # ── several admissible ways ──

    @np.errstate(all="ignore")
    def union(self, other: "Bounded") -> "Bounded":
        """Admit what `other`, the same quantity by another formula, admits too.

        Two that lie further from each other than both bounds together are two quantities, and have no union.
        """
        if np.any(abs(self.value - other.value) > SLACK * (self.error + other.error)):
            raise AnotherQuantity(f"{other!r} is another quantity than {self!r}")
        error = np.maximum(self.error, other.error + abs(self.value - other.value))
        return Bounded(self.value, error, self.lattice if not np.any(error) else None, self.format)

    # ── NumPy's protocols: an error that is infinite needs no warning besides ──

    @np.errstate(all="ignore")
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: object) -> Any:
        rule = _UFUNCS.get(ufunc) or _LIFTED.get(ufunc.__name__)
        if method != "__call__" or settings or rule is None:
            return NotImplemented
        return rule(*(self._lift(x) for x in inputs))

    def __array_function__(self, function: Function, types: object, args: Arguments, kwargs: Settings) -> Any:
        if function is np.broadcast_to and not kwargs:
            array, shape = args
            return array._map(lambda a: np.broadcast_to(a, shape))
        if function in (np.concatenate, np.stack) and not kwargs:
            return self._join(function, *args)
        return _select(function, args, kwargs)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> NoReturn:
        raise TypeError("bounded numbers are no plain array")


class Decides(Protocol):
    def decide(self, likely: bool, is_open: bool) -> bool:
        """The answer to a comparison that may be open."""


class Mask:
    """A comparison whose answer the bound may leave open."""

    __array_ufunc__ = None  # a Mask selects (np.where) and does nothing else
    way: Decides | None = None  # on which it decides branches, too: tests/engine/branches.py

    def __init__(self, value: Booleans, undecided: Booleans):
        self.value, self.undecided = value, undecided

    def __bool__(self) -> bool:
        if Mask.way is None:
            raise TypeError("a comparison that may be open decides no branch: select with np.where")
        return Mask.way.decide(bool(self.value), bool(self.undecided))

    def __array_function__(self, function: Function, types: object, args: Arguments, kwargs: Settings) -> Any:
        return _select(function, args, kwargs)


@np.errstate(all="ignore")
def _select(function: Function, args: Arguments, kwargs: Settings) -> Any:
    """np.where, one of two: where the condition is undecided a rung may take either, and the bound spans both."""
    numbers = [x for x in args[1:] if isinstance(x, Bounded)]
    if function is not np.where or len(args) != 3 or kwargs or not numbers:
        return NotImplemented
    yes, no = (numbers[0]._lift(x) for x in args[1:])
    condition = args[0] if isinstance(args[0], Mask) else Mask(np.asarray(args[0]), np.False_)
    value = np.where(condition.value, yes.value, no.value)
    error = np.where(condition.value, yes.error, no.error)
    if np.any(condition.undecided):
        other = np.where(condition.value, no.error, yes.error)
        span = np.maximum(error, abs(yes.value - no.value) + other)
        error = np.where(condition.undecided, span, error)
    return Bounded(value, error, _both(min, yes, no) if not np.any(error) else None, yes.format)


def _erf(x: Values) -> np.ndarray:
    """erf in the dtype of x, which for a longdouble only mpmath has."""
    if x.dtype == np.float64:
        return np.asarray(np.frompyfunc(math.erf, 1, 1)(x)).astype(x.dtype)
    return np.asarray(np.frompyfunc(_erf_of_one, 1, 1)(x)).astype(x.dtype)


def _erf_of_one(x: np.longdouble) -> np.longdouble:
    if not np.isfinite(x):
        return np.longdouble(math.erf(x))
    with mpmath.workprec(np.finfo(np.longdouble).nmant + 17):
        y = mpmath.erf(mpmath.fsum(_doubles(x)))
        return sum(map(np.longdouble, [*_doubles(y)][::-1]), np.longdouble(0))


def _doubles(x: Any) -> Iterator[float]:
    """The doubles that a wider number is the sum of, the largest first."""
    while high := float(x):
        yield high
        x = x - high


def _lower(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else min(a, b)


def _both(combine: Combine, a: Bounded | Terms, b: Bounded | Terms) -> int | None:
    return None if a.lattice is None or b.lattice is None else combine(a.lattice, b.lattice)


def _lattice(value: Values, precision: int) -> int:
    """The largest q with every value an integer multiple of 2^q."""
    value = value[value != 0]
    if not value.size:
        return 1 << 20
    significand, exponent = np.frexp(value)
    digits = np.rint(np.ldexp(significand, precision)).astype(np.int64)
    lowest = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    return int((exponent - precision + lowest).min())


_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: Bounded._add,
    np.subtract: lambda a, b: a._add(b._negative()),
    np.multiply: Bounded._multiply,
    np.divide: Bounded._divide,
    np.matmul: Bounded._matmul,
    np.negative: Bounded._negative,
    np.absolute: Bounded._absolute,
    np.maximum: Bounded._maximum,
    np.minimum: lambda a, b: a._negative()._maximum(b._negative())._negative(),
    np.exp: Bounded._exp,
    np.log: Bounded._log,
    np.log1p: Bounded._log1p,
    np.tanh: Bounded._tanh,
    np.sign: Bounded._sign,
    np.sqrt: Bounded._sqrt,
    np.cos: Bounded._cos,
    np.power: Bounded._power,
    np.isnan: lambda a: np.isnan(a._chosen_by()),
    np.isinf: lambda a: np.isinf(a._chosen_by()),
    np.less: lambda a, b: a._compare(b, np.less),
    np.greater: lambda a, b: a._compare(b, np.greater),
    np.less_equal: lambda a, b: a._compare(b, np.less_equal),
    np.greater_equal: lambda a, b: b._compare(a, np.less_equal),
}

_LIFTED: dict[str, Callable[[Bounded], Bounded]] = {  # by np.frompyfunc, which makes a ufunc of a Python function
    "erf (vectorized)": Bounded._erf,
    "rsqrt (vectorized)": Bounded._rsqrt,
    "normcdf (vectorized)": Bounded._normcdf,
}


def bounded(data: np.typing.ArrayLike, dtype: object = "float64") -> Bounded:
    """`data` as the numbers of a reference run."""
    assume(SUBNORMALS)
    return Bounded.exact(data, FORMATS[str(dtype)])


# ── functions of CUDA's that are one operation there, for a formula that is written in them ──


def _one_operation(function: Callable[[float], float]) -> np.ufunc:
    return np.frompyfunc(function, 1, 1)


@_one_operation
def rsqrt(x: float) -> float:
    return 1 / math.sqrt(x) if x else math.inf


def lerp(start: Any, end: Any, weight: float) -> Any:
    """(1 - k) start + k end as torch has it, in both of its branches: a step from the nearer end."""
    return start + weight * (end - start) if weight < 0.5 else end - (end - start) * (1 - weight)


@_one_operation
def normcdf(z: float) -> float:
    """The share of the normal distribution that lies below z√2."""
    return math.erfc(-z) / 2
