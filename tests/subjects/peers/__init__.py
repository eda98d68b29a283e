"""Peers: libraries that people port from and to, as subjects; where one is known to differ is declared, with a reason
and an example, and the declaration is as strict as an expected failure.

`peers.toml` is the whole declaration.  Of each library it says which function of its adapter, `NAME_peer.py`, has
which role, what has no role, and where it differs.
"""

import importlib.util
import pathlib
import tomllib
from typing import NamedTuple

import numpy as np

from tests.cells import DTYPES
from tests.engine import Different
from tests.nn.trace import Problem as Pass
from tests.optim.trace import Line
from tests.optim.trace import Problem as Script
from tests.schedules.trace import Problem as Rates
from tests.subjects import Subject, cell_of, load
from tests.subjects.report import Search, differences, torchs_name

HERE = pathlib.Path(__file__).parent
LIMIT = 600  # seconds for one law: a busy machine is no difference


class Difference(NamedTuple):
    """A difference that is known of one subject."""

    subject: str  # "ROLE=NAME", as in the library's list
    laws: list[str]  # that show it on what is drawn; there may be none
    reason: str
    example: dict  # a problem on which it shows
    dtypes: list[str] = list(DTYPES)


class Library(NamedTuple):
    name: str
    subjects: list[str]
    unasked: dict[str, str] = {}  # what it has and no role has, and why
    differs: tuple[Difference, ...] = ()

    @property
    def is_there(self):
        return importlib.util.find_spec(self.name) is not None

    def subject(self, given):
        role, _, name = given.partition("=")
        path = HERE / f"{self.name}_peer.py"
        return Subject(role, path, name, f"{role}={path}:{name}")

    def known(self, given):
        """What is declared of one of its subjects, if anything is."""
        return next((d for d in self.differs if d.subject == given), None)


def libraries():
    """Every library by its name, as declared."""
    declared = tomllib.loads((HERE / "peers.toml").read_text(encoding="utf-8"))
    return {
        name: Library(name, **{**rest, "differs": tuple(Difference(**d) for d in rest.get("differs", ()))})
        for name, rest in declared.items()
    }


# ── examples ────────────────────────────────────────────────────────────────────────────────────


def problem(role, example, dtype):
    """What stands in the declaration, as the door takes it."""
    tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in example.get("options", {}).items()}
    family = role.partition(".")[0]
    if family == "schedules":
        return Rates([example["lr"]], example.get("options", {}), example["steps"])
    if family == "optim":
        return _script(example, tuples, dtype)
    inputs = {name: _array(a, dtype) for name, a in example["inputs"].items()}
    needs = tuple(a.dtype.kind == "f" for a in inputs.values())
    return Pass(inputs, needs, _array(example["dy"], dtype), tuples, born=example.get("born", {}))


def _script(example, options, dtype):
    """Of one parameter, and of a second one like it where `also` has its gradients, an empty one being none."""
    every = [example["gradients"], *([example["also"]] if "also" in example else [])]
    lines = [
        Line(lr, "drop", tuple(_array(g, dtype) if g else None for g in grads))
        for lr, *grads in zip(example["lr"], *every, strict=True)
    ]
    return Script([_array(example["w"], dtype) for _ in every], [options for _ in every], lines)


def _array(given, dtype):
    a = np.array(given)
    return a.astype(dtype) if a.dtype.kind == "f" else a


def shown(subject, known, dtype):
    """What the example shows: where, both values, and the lines that show it; nothing where all is the same."""
    search, given = Search(subject, cell_of(subject), dtype), problem(subject.role, known.example, dtype)
    code = list(subject.door.reproduce(subject, load(subject), torchs_name(subject.role), given, dtype))
    try:
        trace = search.trace(given)
    except Different as complaint:
        return [str(complaint), "", "", *code]
    except Exception as raised:
        return [f"it raises {type(raised).__name__}: {' '.join(str(raised).split())}", "", "", *code]
    try:
        native = search.natives(given)
    except Exception as raised:
        return [f"torch raises {type(raised).__name__}: {raised}", str(trace["output"]), "nothing", *code]
    expected = native if "nan" in str(known.example) else search.expected(given)  # of NaN no bound says anything
    for path, yours, torchs, _ in differences(trace, expected, native):
        return [", ".join(map(str, subject.door.where(path, given))), str(yours), str(torchs), *code]
    return []
