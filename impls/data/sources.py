r"""Where the numbers come from: a noisy line, scanned digits, MNIST.

    line    x ~ U[0, 1),  ε ~ N(0, 1),  y = 1 + 2x + ε/10;  100 points, 80 to train on, 20 to validate
    digits  1797 scans of 8 by 8 pixels, pixel/16 in [0, 1]; ten classes
    mnist   60,000 + 10,000 scans of 28 by 28 pixels, pixel/255 in [0, 1]; ten classes

The line's x and y are columns, (100, 1): against a flat target of shape (100,) the difference of a
column and a row is a 100 by 100 table, and the loss is wrong without an error.

Shapes   line: x, y (100, 1); train (80,), val (20,).  digits: x (1797, 64).  mnist: x (n, 784).  Labels (n,).
Units    none; labels are int64, as torch's losses want them.
Raises   RuntimeError if torchvision or the files of MNIST are missing: nothing is ever downloaded.
Source   the line: the first listing of the source document on linear regression, seed 42.
         The digits: Alpaydin and Kaynak 1998, as shipped by scikit-learn.  MNIST: LeCun et al. 1998.
"""

from typing import NamedTuple

import numpy as np

from impls.ladder import Absent, Ladder

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


class Line(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    train: np.ndarray  # the rows to train on
    val: np.ndarray  # the rows to validate on


def line(dtype=np.float64):
    """The 100 points of y = 1 + 2x + noise, and the rows that train and validate."""
    # A generator of its own, seeded as the document seeds NumPy's global one: same numbers, nothing disturbed.
    rng = np.random.RandomState(42)
    x = rng.rand(100, 1)
    y = 1 + 2 * x + 0.1 * rng.randn(100, 1)
    rows = rng.permutation(100)
    return Line(x.astype(dtype), y.astype(dtype), rows[:80], rows[80:])


def digits(dtype=np.float32):
    """Return (x, y), scikit-learn's handwritten digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(dtype), y.astype(np.int64)


def mnist(root, train=True, dtype=np.float32):
    """Return (x, y) from the files that torchvision finds under `root`."""
    try:
        from torchvision.datasets import MNIST

        scans = MNIST(root, train=train, download=False)
    except (ImportError, RuntimeError) as problem:
        raise RuntimeError(
            f"mnist({str(root)!r}) needs torchvision and MNIST's files, and downloads neither ({problem}); "
            "digits() is the default and needs nothing beyond scikit-learn"
        ) from problem
    return scans.data.numpy().reshape(-1, 784).astype(dtype) / 255, scans.targets.numpy()


class Sources(NamedTuple):
    line: object
    digits: object
    mnist: object


sources_manual = Sources(line, digits, mnist)

# ── native ──────────────────────────────────────────────────────────────────────────────────────

SAME_ARRAYS = "the arrays are the same: torch.from_numpy makes them tensors"

LADDER = Ladder(
    sources_manual,
    Absent(SAME_ARRAYS),
    Absent(SAME_ARRAYS),
    Absent("torch ships no data"),
)
