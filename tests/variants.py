"""A concept with a line changed: how planted bugs, and other admissible ways of rounding, are written down."""

import contextlib
import functools
import importlib
import itertools
import sys
import types

from impls.ladder import Ladder
from tests.cells import LADDERS

Change = tuple[str, str]  # a text that stands once in the file, and what stands there instead

SHARE_STATE = {"autograd"}  # families whose files work on the same objects: a changed file is a changed family

BUILT_ON = {"data.workers": "data.loader"}  # a file whose state another file works on, and that other

NUMBERS = itertools.count()

PLANTED: dict[str, tuple[Change, ...]] = {}  # the changes under which a concept runs at present


def variant(concept: str, *changes: Change, file: str | None = None) -> Ladder:
    """The ladder of `concept` with each change made in its file, or in `file`, a concept it builds on."""
    if file is None:
        return _read(concept, (*PLANTED.get(concept, ()), *changes)).LADDER
    name = f"impls.{file}"
    sound = importlib.import_module(name)
    sys.modules[name] = _read(file, changes)
    try:
        return _read.__wrapped__(concept, PLANTED.get(concept, ())).LADDER
    finally:
        sys.modules[name] = sound


def source_of(concept: str) -> str:
    """The text of a concept's file."""
    with open(importlib.import_module(f"impls.{concept}").__file__, encoding="utf-8") as file:
        return file.read()


@functools.cache
def _read(concept, changes):
    path, source = importlib.import_module(f"impls.{concept}").__file__, source_of(concept)
    for old, new in changes:
        if source.count(old) != 1:
            raise LookupError(f"{concept}: {old!r} stands {source.count(old)} times in the file, not once")
        source = source.replace(old, new)
    module = types.ModuleType(f"variant_{next(NUMBERS)}")
    sys.modules[module.__name__] = module  # where pickle looks for its classes
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def family(name: str, concept: str, *changes: Change) -> dict[str, Ladder]:
    """All ladders of a family whose files share state, made anew with each change made in the file of `concept`."""
    names = [f"impls.{c}" for c in LADDERS if c.startswith(f"{name}.")]
    sound = {module: sys.modules.pop(module) for module in names}
    try:
        changed = _read.__wrapped__(concept, changes)  # what it builds on comes first, and then what builds on it
        sys.modules[f"impls.{concept}"] = changed
        return {module.removeprefix("impls."): importlib.import_module(module).LADDER for module in names}
    finally:
        sys.modules.update(sound)


@contextlib.contextmanager
def planted(concept: str, *changes: Change, file: str | None = None):
    """While this lasts, every law that looks `concept` up finds it with `changes` made."""
    sound = dict(LADDERS)
    where, _, _ = (file or concept).partition(".")
    if where in SHARE_STATE:
        LADDERS.update(family(where, file or concept, *changes))
    else:
        LADDERS[concept] = variant(concept, *changes, file=file)
    if concept in BUILT_ON:
        LADDERS[BUILT_ON[concept]] = variant(BUILT_ON[concept], *changes, file=concept)
    if file and where not in SHARE_STATE:
        LADDERS[file] = variant(file, *changes)
    before = PLANTED.get(concept, ())
    PLANTED[concept] = before if file else (*before, *changes)
    try:
        yield
    finally:
        LADDERS.update(sound)
        PLANTED[concept] = before
