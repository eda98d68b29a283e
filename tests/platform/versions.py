"""python -m tests.platform.versions: what a version of torch changes, on one page, and where a difference is stated.

It runs the suite, which takes minutes, or reads with --report DIR what such a run has written, and compares it with
results/versions.json: native's signatures, and every verdict other than equal, of the reference.
"""

import argparse
import collections
import inspect
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import torch

from impls.ladder import Absent, concepts
from tests.engine.verdict import VERDICTS
from tests.platform.runs import by_cell

ROOT = pathlib.Path(__file__).parents[2]
RECORD = ROOT / "results" / "versions.json"
FACT = re.compile(r"TORCH (?:<|>=) \(2, \d+\)|since\(\(2, \d+\)|mended=\(2, \d+\)|^\S.* in torch 2\.\d+:$")
MENDED, NO_DEVICE = "mended", "no CUDA device"


def signatures():
    """What every native rung takes: a parameter a line, without its annotation."""
    return {concept: list(_told(ladder.native)) for concept, ladder in concepts().items()}


def _told(native):
    try:
        parameters = inspect.signature(native).parameters.values()
    except (TypeError, ValueError):  # an absent rung, or one of torch's own that states nothing
        return
    for p in [] if isinstance(native, Absent) else parameters:
        named_only = "*, " if p.kind is p.KEYWORD_ONLY else ""
        yield named_only + re.sub(r" at 0x\w+", "", str(p.replace(annotation=p.empty)))


def summary(report):
    """A run's verdicts: how many there are of each, and the cells of all but equal; what is mended is one of those, and
    what wants a device is no cell of this machine."""
    verdicts = {cell: _verdict(result) for cell, result in by_cell(report).items()}
    elsewhere = {cell for cell, result in by_cell(report).items() if result["reason"] == NO_DEVICE}
    cells = {cell: word for cell, word in verdicts.items() if word != "equal" and cell not in elsewhere}
    counts = collections.Counter(verdicts.values())
    return {"counts": {word: counts[word] for word in (*VERDICTS, MENDED)}, "cells": dict(sorted(cells.items()))}


def _verdict(result):
    return MENDED if result["verdict"] == "equal" and result["reason"] else result["verdict"]


def changed_signatures(before, now):
    """A line for each concept whose native takes other arguments."""
    for concept in now:
        lost, won = (
            [p for p in a.get(concept, []) if p not in b.get(concept, [])] for a, b in ((before, now), (now, before))
        )
        if lost or won:
            yield concept, " ".join([*(f"- {p}" for p in lost), *(f"+ {p}" for p in won)])


def changed_verdicts(before, now, reasons):
    """A line for each cell of which another verdict is recorded."""
    for cell in sorted(before.keys() | now.keys()):
        was, told = before.get(cell, "equal"), now.get(cell, "equal")
        if was != told:
            yield cell, f"{told}, was {was}: {cell}" + (f"\n      {reasons[cell]}" if reasons.get(cell) else "")


def stated():
    """Every difference between versions that is stated: the file, and the line."""
    for path in [
        *sorted(ROOT.glob("impls/**/*.py")),
        *sorted(ROOT.glob("tests/**/*.py")),
        ROOT / "docs/divergences.md",
    ]:
        file = path.relative_to(ROOT)
        if file.stem not in ("since", "versions", "test_versions") and "planted" not in file.parts:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if FACT.search(line):
                    yield file, f"{file}:{number}: {line.strip()}"


def places(changed):
    """The files in which what changed is stated: the concept's own, and the law's."""
    for thing in changed:
        law, _, cell = thing.rpartition("[")
        concept = cell.partition("-")[0].rstrip("]") or thing
        if concept in concepts():
            yield pathlib.Path("impls", *concept.split(".")).with_suffix(".py")
        if law:
            yield pathlib.Path(law.partition("::")[0])


def page(record, torch_now, native, report):
    """What differs from the record, and where it has to be stated."""
    now, reasons = summary(report), {cell: result["reason"] for cell, result in by_cell(report).items()}
    arguments = dict(changed_signatures(record["signatures"], native))
    verdicts = dict(changed_verdicts(record["cells"], now["cells"], reasons))
    yield f"torch {torch_now} against torch {record['torch']}"
    yield "\nSignatures"
    yield from [f"  {concept}: {told}" for concept, told in arguments.items()] or ["  none has changed"]
    for name, counts in (("recorded", record["counts"]), ("now", now["counts"])):
        yield f"\nVerdicts, {name}: " + " · ".join(f"{n} {word}" for word, n in counts.items())
    yield from [f"  {told}" for told in verdicts.values()] or ["  none has changed"]
    if not arguments and not verdicts:
        return
    yield "\nWhere differences are stated"
    facts = collections.defaultdict(list)
    for path, line in stated():
        facts[path].append(line)
    for path in dict.fromkeys(places([*arguments, *verdicts])):
        yield from [f"  {line}" for line in facts.get(path, [f"{path}: none so far"])]
    yield "  and, when all are: LOOKED_AT in tests/cells.py, and the cap in pyproject.toml"


def run(directory):
    """The suite's own report."""
    command = [sys.executable, "-m", "pytest", "-q", f"--report={directory}"]
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    return read(directory)


def read(directory):
    return json.loads((pathlib.Path(directory) / "results.json").read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.platform.versions", description=__doc__.splitlines()[0])
    parser.add_argument("--report", metavar="DIR", help="read this report of pytest's, and run nothing")
    parser.add_argument("--record", action="store_true", help="write results/versions.json anew: this is the reference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = read(options.report) if options.report else run(directory)
    if options.record:
        record = {"torch": torch.__version__, "signatures": signatures(), **summary(report)}
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return 0
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    print("\n".join(page(record, torch.__version__, signatures(), report)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
