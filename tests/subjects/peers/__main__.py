"""python -m tests.subjects.peers [LIBRARY ...]: every installed peer through the doors, and the table of them all."""

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from tests import subjects
from tests.subjects.peers import HERE, LIMIT, libraries, shown
from tests.subjects.peers.table import complaints, read, updated, write

ROOT = HERE.parents[2]
CHAPTERS = [
    "tests/test_families.py",
    "tests/optim/test_optim.py",
    *(f"tests/nn/test_{name}.py" for name in ("nn", "layers")),
    "tests/losses/test_losses.py",
    "tests/schedules/test_schedules.py",
]


def judged(asked, directory):
    """What a run of pytest finds out about the subjects of some libraries."""
    found = pathlib.Path(directory, "found.json")
    given = [f"--subject={lib.subject(each).given}" for lib in asked for each in lib.subjects]
    between_processes = {
        "JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR", directory),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    plugin = ["-p", "tests.subjects.peers.run", f"--found={found}"]
    always = "--hypothesis-seed=0"  # the same problems in every run, or a declaration could not be strict
    subprocess.run(
        [sys.executable, "-m", "pytest", *CHAPTERS, *plugin, "-q", "--tb=no", "-p", "no:cacheprovider", always, *given],
        cwd=ROOT,
        env=os.environ | between_processes,
        check=False,  # it says that somebody differs
    )
    return json.loads(found.read_text(encoding="utf-8"))


def examples(library):
    """What each declared example shows, by the subject and the dtype."""
    importlib.import_module(f"tests.subjects.peers.{library.name}_peer")
    subjects.LIMIT = LIMIT
    for known in library.differs:
        for dtype in known.dtypes:
            told = subjects.isolated(
                lambda known=known, dtype=dtype: shown(library.subject(known.subject), known, dtype)
            )
            yield known.subject, dtype, told.told if told.word == "equal" else [str(told.told), "", ""]


def main(names):
    declared = libraries()
    unknown = [name for name in names if name not in declared]
    if unknown:
        return f"no such peer: {', '.join(unknown)}; there are {', '.join(declared)}"
    asked = [declared[name] for name in names or declared]
    there = [library for library in asked if library.is_there]
    with tempfile.TemporaryDirectory() as directory:
        found = judged(there, directory)
    for library in there:
        for given, dtype, told in examples(library):
            found[library.name][given].setdefault("example", {})[dtype] = told
    table = updated(read(), found, [library for library in asked if not library.is_there])
    write(table)
    wrong = list(complaints({library.name: table[library.name] for library in there}))
    print("\n".join(wrong or ["as declared: docs/peers.md"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
