"""What a door is: through it a stranger's piece comes onto the ladder, and a report tells where it differs.

A door is a module that has the functions of `Door`, or a `Call`: the door for what is called as torch's is.
"""

import contextlib
import dataclasses
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from hypothesis.strategies import SearchStrategy

from impls.ladder import Rung
from tests.capabilities import left_to, names, refuse_missing, untouched
from tests.cells import LADDERS

OPTIONAL = "every option of torch's that has a default"
Form: TypeAlias = tuple[Callable[[Any], bool], str | None]
Path: TypeAlias = tuple[Any, ...]  # a place in a trace


class Door(Protocol):
    def asks(self, role: str) -> tuple[str, str]:
        """In words: what a stranger's piece has to be, and what it may have beside."""

    def adapt(self, role: str, thing: Any) -> tuple[Rung, Any]:
        """On which rung the piece stands, and as what."""

    def searched(self, entry: Any, dtype: str) -> list[SearchStrategy[Any]]:
        """Where a difference is looked for: in what is easy to tell, and last in everything."""

    def describe(self, problem: Any) -> str:
        """A problem, in one line."""

    def where(self, path: Path, problem: Any) -> Iterable[Any]:
        """A place in a trace, in words."""

    def until(self, path: Path, problem: Any) -> Any:
        """The problem, without what comes after a place in its trace."""

    def reproduce(self, subject: Any, thing: Any, native: str, problem: Any, dtype: str, path: Path) -> Iterator[str]:
        """Lines of code that show the difference, of the stranger's piece first and then of torch's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """The door for what is called as torch's is: a function or a class, or what a form makes one."""

    needs: str
    lines: Callable[[Any, str, str], Iterable[str]]  # of a problem, its options and dtype: calls f and makes `seen`
    forms: tuple[Form, ...] = ()  # by what a form is known, and what makes it torch's
    made_up: tuple[str, ...] = ()  # options that another form does without
    always: tuple[str, ...] = ()  # what is no option, although it has a default
    rung: Rung = Rung.CUSTOM

    def asks(self, role: str) -> tuple[str, str]:
        return self.needs, OPTIONAL

    def adapt(self, role: str, thing: Any) -> tuple[Rung, Any]:
        form = self.form(thing)
        return self.rung, self._called(role, thing, _in_form(form, thing), self.made_up if form else ())

    def form(self, thing: Any) -> str | None:
        """What makes it something that is called as torch's is, if it is not that already."""
        return next((form for is_known, form in self.forms if is_known(thing)), None)

    def _called(self, role: str, thing: Any, call: Any, made_up: tuple[str, ...]) -> Callable[..., Any]:
        """What is called with what torch's is called with, less the options that it has by default."""
        native = LADDERS[role].native
        signature = inspect.signature(native)
        kinds = {name: p.kind for name, p in signature.parameters.items()}
        options = {name for name, p in signature.parameters.items() if p.default is not p.empty} - {*self.always}

        def called(*args: Any, **given: Any) -> Any:
            first: list[Any] = []
            asked: dict[str, Any] = {}
            for name, value in signature.bind(*args, **given).arguments.items():
                if name in options or kinds[name] is inspect.Parameter.VAR_KEYWORD:
                    asked |= {name: value} if name in options else value
                else:
                    first += value if kinds[name] is inspect.Parameter.VAR_POSITIONAL else [value]
            asked = {name: value for name, value in left_to(thing, native, asked).items() if name not in made_up}
            refuse_missing(thing, asked)
            with untouched(*(x for x in first[1:] if isinstance(x, torch.Tensor))), _default_dtype_of(thing, first):
                return call(*first, **asked)

        return called

    # ── a report ──

    def searched(self, entry: Any, dtype: str) -> list[SearchStrategy[Any]]:
        return [entry.problems(dtype)]

    def describe(self, problem: Any) -> str:
        given = problem._asdict()
        settings = given.pop("settings", {})
        return " ".join(f"{k}={_told(v)}" for k, v in (given | settings).items())

    def where(self, path: Path, problem: Any) -> Path:
        return path

    def until(self, path: Path, problem: Any) -> Any:
        return problem

    def reproduce(
        self, subject: Any, thing: Any, native: str, problem: Any, dtype: str, path: Path = ()
    ) -> Iterator[str]:
        """Lines that print what is seen, first of the subject's and then of torch's."""
        spared = left_to(thing, LADDERS[subject.role].native, getattr(problem, "settings", {}))
        form, own = self.form(thing), subject.name
        yield "import torch"
        yield f"from {subject.path.stem} import {subject.name}"
        if form:
            own = "as_torchs"
            yield f"{own} = {form.replace('theirs', subject.name)}"
        yield f"for f in {own}, {native}:"
        for line in self.lines(problem, options(spared), dtype):
            yield f"    {line}"
        yield "    print({name: value.tolist() for name, value in seen.items()})"


def _in_form(form: str | None, thing: Any) -> Any:
    return thing if form is None else eval(form, {"theirs": thing, "torch": torch})


@contextlib.contextmanager
def _default_dtype_of(thing: Any, first: list[Any]) -> Iterator[None]:
    """What draws by a shape alone draws in the dtype of the tensor that is to be filled."""
    before = torch.get_default_dtype()
    filled = names(thing, "shape") and first and isinstance(first[0], torch.Tensor)
    torch.set_default_dtype(first[0].dtype if filled else before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


# ── as it is written ──


def options(settings: Mapping[str, Any]) -> str:
    """Options, as they follow other arguments."""
    written: Callable[[object], str] = lambda v: f"float('{v}')" if v in (math.inf, -math.inf) else repr(v)
    return "".join(f", {k}={written(v)}" for k, v in settings.items())


def tensors(a: Any) -> str:
    """An array, or several of them, as tensors."""
    if a is None or isinstance(a, list | tuple):
        return "None" if a is None else f"[{', '.join(map(tensors, a))}]"
    if isinstance(a, dict):
        return f"{{{', '.join(f'{k!r}: {tensors(v)}' for k, v in a.items())}}}"
    return f"torch.tensor({a.tolist()}, dtype=torch.{a.dtype}){'' if a.size else f'.reshape({a.shape})'}"


def _told(x: Any) -> str:
    if isinstance(x, list | tuple):
        return f"[{', '.join(map(_told, x))}]"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{k}: {_told(v)}' for k, v in x.items())}}}"
    return repr(x.tolist()) if isinstance(x, np.ndarray | np.generic) else repr(x)
