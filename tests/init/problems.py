"""How parameters are born: of which shape, from which seed, with which settings."""

from typing import NamedTuple

from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
FIFTEEN = 15  # elements, up to which torch draws a normal one by one


class Birth(NamedTuple):
    shape: tuple[int, ...]
    settings: dict
    seed: int


def _shapes(least, most, largest, smallest=1):
    sides = st.lists(st.integers(smallest, largest), min_size=least, max_size=most)
    return sides.map(tuple)


def _few(least, most):
    """Shapes of up to fifteen elements."""
    return _shapes(least, most, {1: 15, 2: 3, 3: 2, 4: 1}[most])


GAIN = {"gain": st.sampled_from([1.0, 0.5, 5 / 3])}
KAIMING = {
    "a": st.sampled_from([0, 0.2, 5**0.5]),
    "mode": st.sampled_from(["fan_in", "fan_out"]),
    "nonlinearity": st.sampled_from(["leaky_relu", "relu", "tanh", "conv2d"]),
}
BELLS = [  # much of the bell inside, and little: above, below and around its peak
    {},
    {"std": 0.02},
    {"mean": 0.5, "std": 3.0},
    {"a": -0.5, "b": 0.6},
    {"mean": 0.5, "std": 3.0, "a": -0.5, "b": 0.6},
    {"mean": -1.0, "a": -0.5, "b": 0.1},
    {"mean": 1.0, "a": -2.0, "b": -0.5},
]
SETTINGS = {
    "uniform": {"a": st.sampled_from([0.0, -1.0, -0.1]), "b": st.sampled_from([1.0, 0.1])},
    "normal": {"mean": st.sampled_from([0.0, 1.5]), "std": st.sampled_from([1.0, 0.02, 3.0])},
    "constant": {"val": st.sampled_from([0, 1, 0.3, -2.5])},
    "ones": {},
    "zeros": {},
    "eye": {},
    "dirac": {"groups": st.just(1)},
    "xavier_uniform": GAIN,
    "xavier_normal": GAIN,
    "kaiming_uniform": KAIMING,
    "kaiming_normal": KAIMING,
    "trunc_normal": {},
    "sparse": {"sparsity": st.sampled_from([0.1, 0.5, 0.0, 0.9, 1.0]), "std": st.sampled_from([0.01, 1.0])},
    "orthogonal": GAIN,
}
ANY = {"uniform", "normal", "constant", "ones", "zeros", "trunc_normal"}
FANS = {"xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"}


def _of(name, any_, fans, matrix, kernel):
    return any_ if name in ANY else fans if name in FANS else kernel if name == "dirac" else matrix


KERNELS = st.tuples(st.sampled_from([2, 4, 6]), st.integers(1, 4)).flatmap(
    lambda channels: _shapes(1, 3, 4).map(lambda kernel: (*channels, *kernel))
)
MANY = {
    name: _of(
        name,
        _shapes(0, 3, 9, smallest=0),
        _shapes(2, 4, 7),
        st.tuples(st.integers(1, 20), st.integers(1, 9)),
        KERNELS,
    )
    for name in SETTINGS
}
FEW = {
    name: _of(
        name,
        _few(1, 1) | _few(0, 2),
        _few(2, 2) | _few(2, 3) | st.sampled_from([(1, 15), (15, 1), (3, 5), (5, 3), (2, 3, 2)]),
        _few(2, 2) | st.sampled_from([(15, 1), (5, 3), (3, 5), (7, 2)]),
        KERNELS,
    )
    for name in SETTINGS
}
# Few: an acceptance is decided by a logarithm, which NumPy and torch may round apart, on no seed seen so far.
DECIDED = st.integers(0, 31)


@st.composite
def births(draw, concept, shapes):
    """Each setting is left to its default at times."""
    name = concept.partition(".")[2]
    shape, settings = draw(shapes[name], label="shape"), {}
    for setting, values in SETTINGS[name].items():
        if setting in ("val", "sparsity") or draw(st.integers(0, 3), label=f"{setting} is given"):
            settings[setting] = draw(values, label=setting)
    if name == "trunc_normal":
        settings = draw(st.sampled_from(BELLS), label="bell")
    if "groups" in settings:
        settings["groups"] = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]), label="groups")
    return Birth(shape, settings, draw(DECIDED if name == "trunc_normal" else SEEDS, label="seed"))


NAMES = ["linear", "sigmoid", "tanh", "relu", "selu", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "leaky_relu"]
GAINS = [(name,) for name in NAMES] + [("leaky_relu", slope) for slope in (None, 0, 0.2, 5**0.5, 1)]
