"""The table of who is torch's: kept as results/peers.json, shown as docs/peers.md, held against what is declared."""

import collections
import importlib.metadata
import json
import platform

import torch

import impls
from tests.cells import DTYPES
from tests.subjects.peers import HERE, libraries

ROOT = HERE.parents[2]
RESULTS, PAGE = ROOT / "results" / "peers.json", ROOT / "docs" / "peers.md"
BESIDE = {"optax": ["jax"], "equinox": ["jax"]}  # what a library computes with
WORDS = ("DIFFERENT", "inconclusive", "equal", "not run")  # the first that any law says is said of all


def read():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def updated(table, found, absent):
    """The table with the libraries of this run in it, and the others as they were."""
    every = {name: {"environment": environment(name), "subjects": subjects} for name, subjects in found.items()}
    every |= {library.name: {"not run": f"{library.name} is not installed"} for library in absent}
    every = table | every
    return {name: every[name] for name in libraries() if name in every}


def write(table):
    RESULTS.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(table), encoding="utf-8")


def environment(library):
    names = ["torch", "numpy", library, *BESIDE.get(library, [])]
    return {
        "samestep": impls.__version__,
        **{name: importlib.metadata.version(name) for name in dict.fromkeys(names)},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
    }


# ── held against what is declared ───────────────────────────────────────────────────────────────


def complaints(table):
    """What is not as declared, one line each: differences that nobody declared, and declared ones that are gone."""
    for name, about in table.items():
        for given, found in about.get("subjects", {}).items():
            known, differing = libraries()[name].known(given), _differing(found)
            declared = set(known.laws) if known else set()
            for law in differing.keys() - declared:
                yield f"{name} {given}: {law} is not declared to differ: {differing[law]}"
            for law in declared - differing.keys():
                yield f"{name} {given}: stale: {law} is declared to differ and does not"
            for dtype, told in found.get("example", {}).items():
                if not told:
                    yield f"{name} {given}: stale: the example does not differ in {dtype}"


def _differing(found):
    """The laws that a subject breaks in any dtype, and how."""
    return {law.split()[0]: told for law, told in found["laws"].items() if _word(told) in WORDS[:2]}


def _word(told):
    return told.partition(":")[0]


# ── as it is shown ──────────────────────────────────────────────────────────────────────────────


def verdict(found, dtype):
    """One word for all laws in a dtype, and for those that are asked in none; an example is worth a law."""
    words = {_word(told) for law, told in found["laws"].items() if law.split()[1:] in ([dtype], [])}
    words |= {"DIFFERENT"} if found.get("example", {}).get(dtype) else set()
    return next(word for word in WORDS if word in words or word == "not run")


def page(table):
    parts = [INTRODUCTION, _markdown(["library", "subjects", "equal", "differ", "not run"], _counts(table))]
    for name, about in table.items():
        if "not run" in about:
            parts.append(f"## {name}\n\nNot run: {about['not run']}.")
        else:
            parts += _section(libraries()[name], about)
    return "\n\n".join(parts) + "\n"


def _section(library, about):
    versions = ", ".join(f"{k} {v}" for k, v in about["environment"].items())
    yield f"## {library.name}\n\nSeen with {versions}."
    yield _markdown(["role", "theirs", *DTYPES, "to the bit", "where it differs"], _rows(library, about["subjects"]))
    absent = collections.Counter(
        told.partition(": ")[2]
        for found in about["subjects"].values()
        for told in found["laws"].values()
        if _word(told) == "not run"
    )
    lines = [f"- {reason}: {n} laws" for reason, n in absent.most_common()]
    lines += [f"- {name}: {reason}" for name, reason in library.unasked.items()]
    if lines:
        yield "Not run:\n\n" + "\n".join(lines)
    for known in library.differs:
        yield from _example(known, about["subjects"][known.subject])


def _markdown(head, lines):
    cells = ([cell.replace("|", "\\|") for cell in line] for line in [head, ["---"] * len(head), *lines])
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _counts(table):
    for name, about in table.items():
        words = collections.Counter(
            next(word for word in WORDS if word in {verdict(found, dtype) for dtype in DTYPES})
            for found in about.get("subjects", {}).values()
        )
        differ = words["DIFFERENT"] + words["inconclusive"]
        yield [name, *map(str, (words.total(), words["equal"], differ)), about.get("not run", str(words["not run"]))]


def _rows(library, subjects):
    for given, found in subjects.items():
        role, _, name = given.partition("=")
        known, words = library.known(given), [verdict(found, dtype) for dtype in DTYPES]
        yield [role, f"`{name}`", *words, found["bits"], known.reason if known else ""]


def _example(known, found):
    """What the example shows in the first of its dtypes."""
    for dtype, (where, yours, torchs, *code) in [(d, told) for d, told in found.get("example", {}).items() if told][:1]:
        values = f": {yours}, torch {torchs}" if yours else ""
        lines = "\n".join(code)
        yield f"### {known.subject}\n\n{known.reason}.\n\nIn {dtype}, {where}{values}.\n\n```python\n{lines}\n```"


INTRODUCTION = """# Who equals torch

Optimizers, losses, layers and schedules of other libraries, and torch's own other kernels and functions, judged by the
laws that every rung of the ladder is judged by (`tests/subjects/peers/`). *Equal* is within what rounding allows, of a
machine on which one operation may cost four roundings, on every problem that was drawn; *DIFFERENT* is outside of it on
some. An option that a library lacks is left at torch's default, so a row speaks of the options that both have. Each
difference is declared with its reason and an example, and strict. This page is written by

```sh
python -m tests.subjects.peers             # every library that is installed; tox -e peers installs them
python -m tests.subjects.peers optax       # one of them
```

which fails when a library differs where nothing is declared, and when one has begun to agree where something is. The
same laws judge your own code: `pytest --subject optim.adam=mine.py:Adam`. The lines below each difference run from the
root of this repository with `PYTHONPATH=.:tests/subjects/peers`; the first value is the library's."""
