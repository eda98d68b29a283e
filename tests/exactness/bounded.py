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

import numpy as np

from tests.exactness.formats import FORMATS, ULPS, Format

HEADROOM = 2.0**-8  # below the largest number, since a rung may associate (2 * r) / n with the larger part first
SLACK = 1 + 2.0**-30  # for the rounding of the bound's own arithmetic, fewer than 2^20 operations deep


class Bounded(np.lib.mixins.NDArrayOperatorsMixin):
    def __init__(self, value, error, lattice, format: Format, partial=None):
        self.value, self.error, self.lattice, self.format = value, error, lattice, format
        self.partial = partial  # of a sum that may still grow: (sum of |terms|, inherited error, roundings)

    # ── where they come from ──

    @classmethod
    def exact(cls, data, format: Format):
        """Data that every rung is handed bit for bit."""
        value = np.asarray(data).astype(format.wider)
        if not np.isfinite(value).all():
            return cls(value, np.where(np.isfinite(value), 0, np.inf), None, format)
        return cls(value, np.zeros_like(value), _lattice(value, format.precision), format)

    @classmethod
    def constant(cls, number, format: Format):
        """A setting: a real number that every rung may round once to the format."""
        value = format.wider(number)
        digits = np.ldexp(np.frexp(value)[0], format.precision)
        if digits == np.rint(digits):
            return cls.exact(number, format)
        return cls(value, format.roundoff * abs(value), None, format)

    def _lift(self, other):
        if isinstance(other, Bounded):
            return other
        if isinstance(other, bool | int | float):
            return Bounded.constant(other, self.format)
        array = np.asarray(other)
        if array.dtype.kind == "f" and array.dtype != self.dtype:
            raise TypeError(f"a {array.dtype} array met {self.format.name} numbers")
        return Bounded.exact(array, self.format)

    # ── how a result is bounded ──

    def _rounded(self, value, inherited, lattice, roundings=1, magnitude=None, underflows=0, partial=None):
        """The result `value` of operations that add `roundings` roundings of numbers up to `magnitude`."""
        f = self.format
        magnitude = abs(value) if magnitude is None else magnitude
        top = f.largest * HEADROOM
        if lattice is not None and lattice >= f.emin:
            if np.all(magnitude <= min(top, 2.0 ** min(lattice + f.precision, 1023))):
                return Bounded(value, np.zeros_like(value), _lattice(value, f.precision), f, partial)
        with np.errstate(all="ignore"):
            error = inherited + f.gamma(roundings) * (magnitude + inherited)
            error = error + roundings * f.wider_roundoff * magnitude + underflows * f.tiny
            error = np.where(magnitude + error <= top, error, np.inf)  # NaN too: nothing is known
        return Bounded(value, error, None, f, partial)

    # ── arithmetic ──

    def _add(self, other):
        lattice = _both(min, self, other)
        if self.partial is None and other.partial is None:
            return self._rounded(self.value + other.value, self.error + other.error, lattice)
        # A sum that meets a further term is a longer sum, and may be taken in any order: a bias may go first.
        a, inherited, roundings = (p + q for p, q in zip(_terms(self), _terms(other), strict=True))
        value = self.value + other.value
        return self._rounded(value, inherited, lattice, roundings + 1, a, partial=(a, inherited, roundings + 1))

    def _multiply(self, other):
        inherited = self.error * abs(other.value) + abs(self.value) * other.error + self.error * other.error
        lattice = _both(lambda a, b: a + b, self, other)
        return self._rounded(self.value * other.value, inherited, lattice, underflows=1)

    def _divide(self, other):
        with np.errstate(all="ignore"):
            value = self.value / other.value
            distance = abs(other.value) - other.error  # of the divisor from zero
            inherited = np.where(distance > 0, (self.error + abs(value) * other.error) / distance, np.inf)
        lattice = None
        if self.lattice is not None and np.ndim(other.value) == 0 and not other.error:
            significand, exponent = np.frexp(other.value)
            lattice = self.lattice - (int(exponent) - 1) if abs(significand) == 0.5 else None
        return self._rounded(value, inherited, lattice, underflows=1)

    def _matmul(self, other):
        a, b = self, other
        n = a.value.shape[-1]
        magnitude = abs(a.value) @ abs(b.value)
        inherited = abs(a.value) @ b.error + a.error @ abs(b.value) + a.error @ b.error
        lattice = _both(lambda p, q: p + q, a, b)
        partial = (magnitude, inherited + n * self.format.tiny, n)
        return self._rounded(a.value @ b.value, inherited, lattice, n, magnitude, underflows=n, partial=partial)

    def _maximum(self, other):
        """1-Lipschitz in both arguments; where one is certainly larger, only its own error counts."""
        left, right = self.value - self.error >= other.value + other.error, other.value - other.error >= self.value + self.error
        error = np.where(left, self.error, np.where(right, other.error, np.maximum(self.error, other.error)))
        return Bounded(np.maximum(self.value, other.value), error, _both(min, self, other), self.format)

    def _negative(self):
        return Bounded(-self.value, self.error, self.lattice, self.format)

    def _absolute(self):
        return Bounded(abs(self.value), self.error, self.lattice, self.format)

    def _compare(self, other, relation):
        decided = abs(self.value - other.value) > (self.error + other.error) * SLACK
        decided = decided | ((self.error == 0) & (other.error == 0))
        return Mask(relation(self.value, other.value), ~decided)

    # ── library functions: the inherited error is how far the function moves over the argument's interval ──

    def _exp(self):
        with np.errstate(all="ignore"):
            value = np.exp(self.value)
            inherited = np.where(self.error == 0, 0, value * np.expm1(self.error))
        return self._rounded(value, inherited, None, 2 * ULPS["exp"], underflows=2 * ULPS["exp"])

    def _log(self):
        with np.errstate(all="ignore"):
            inherited = np.where(self.error < self.value, -np.log1p(-self.error / self.value), np.inf)
            return self._rounded(np.log(self.value), inherited, None, 2 * ULPS["log"])

    def _sqrt(self):
        """The square root of a sum of squares: no rung's argument is negative, whatever the bound says."""
        with np.errstate(all="ignore"):
            root = np.sqrt(self.value)
            low, high = np.sqrt(np.maximum(self.value - self.error, 0)), np.sqrt(self.value + self.error)
        return self._rounded(root, np.maximum(root - low, high - root), None, 2 * ULPS["sqrt"])

    # ── reductions and shape ──

    def sum(self, axis=None, keepdims=False):
        total = lambda a: np.asarray(a.sum(axis=axis, keepdims=keepdims))
        value, magnitude, inherited = total(self.value), total(abs(self.value)), total(self.error)
        n = self.value.size // value.size if value.size else 1
        if n == 1:
            return Bounded(value, inherited, self.lattice, self.format)
        partial = (magnitude, inherited, n - 1)
        return self._rounded(value, inherited, self.lattice, n - 1, magnitude, partial=partial)

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total / (self.value.size / total.value.size if total.value.size else 1.0)

    def max(self, axis=None, keepdims=False):
        largest = lambda a: np.asarray(a.max(axis=axis, keepdims=keepdims))
        return Bounded(largest(self.value), largest(self.error), self.lattice, self.format)

    def _map(self, shape_of):
        return Bounded(shape_of(self.value), shape_of(self.error), self.lattice, self.format)

    def reshape(self, *shape):
        return self._map(lambda a: a.reshape(*shape))

    def __getitem__(self, index):
        return self._map(lambda a: np.asarray(a[index]))

    T = property(lambda self: self._map(lambda a: a.T))
    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: np.dtype(self.format.name))

    def __len__(self):
        return len(self.value)

    def __repr__(self):
        return f"Bounded({self.value!r} ± {self.error!r}, {self.format.name})"

    # ── several admissible ways ──

    def union(self, other):
        """Admit what `other`, the same quantity by another formula, admits too."""
        error = np.maximum(self.error, other.error + abs(self.value - other.value))
        return Bounded(self.value, error, self.lattice if not np.any(error) else None, self.format)

    # ── NumPy's protocols ──

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        if method != "__call__" or settings or ufunc not in _UFUNCS:
            return NotImplemented
        return _UFUNCS[ufunc](*(self._lift(x) for x in inputs))

    def __array_function__(self, function, types, args, kwargs):
        if function is not np.where or kwargs:
            return NotImplemented
        condition, yes, no = args
        return _where(condition, self._lift(yes), self._lift(no))


class Mask:
    """A comparison whose answer the bound may leave open."""

    __array_ufunc__ = None  # a Mask selects (np.where) and does nothing else

    def __init__(self, value, undecided):
        self.value, self.undecided = value, undecided

    def __array_function__(self, function, types, args, kwargs):
        if function is not np.where or kwargs:
            return NotImplemented
        _, yes, no = args
        known = yes if isinstance(yes, Bounded) else no
        return _where(self, known._lift(yes), known._lift(no))


def _where(condition, yes, no):
    """One of two: where the condition is undecided a rung may take either, and the bound spans both."""
    if not isinstance(condition, Mask):
        condition = Mask(condition, np.False_)
    value = np.where(condition.value, yes.value, no.value)
    error = np.where(condition.value, yes.error, no.error)
    if np.any(condition.undecided):
        other = np.where(condition.value, no.error, yes.error)
        span = np.maximum(error, abs(yes.value - no.value) + other)
        error = np.where(condition.undecided, span, error)
    return Bounded(value, error, _both(min, yes, no) if not np.any(error) else None, yes.format)


def _terms(x):
    return x.partial or (abs(x.value), x.error, 0)


def _both(combine, a, b):
    return None if a.lattice is None or b.lattice is None else combine(a.lattice, b.lattice)


def _lattice(value, precision):
    """The largest q with every value an integer multiple of 2^q."""
    value = value[value != 0]
    if not value.size:
        return 1 << 20
    significand, exponent = np.frexp(value)
    digits = np.rint(np.ldexp(significand, precision)).astype(np.int64)
    lowest = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    return int((exponent - precision + lowest).min())


_UFUNCS = {
    np.add: Bounded._add,
    np.subtract: lambda a, b: a._add(b._negative()),
    np.multiply: Bounded._multiply,
    np.divide: Bounded._divide,
    np.matmul: Bounded._matmul,
    np.negative: Bounded._negative,
    np.absolute: Bounded._absolute,
    np.maximum: Bounded._maximum,
    np.exp: Bounded._exp,
    np.log: Bounded._log,
    np.sqrt: Bounded._sqrt,
    np.greater: lambda a, b: a._compare(b, np.greater),
}


def bounded(data, dtype="float64") -> Bounded:
    """`data` as the numbers of a reference run."""
    return Bounded.exact(data, FORMATS[str(dtype)])
