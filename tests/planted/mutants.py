"""python -m tests.planted.mutants [--every N] [CONCEPT ...]: what mutmut's operators change, and whether a law notices.

Each change is made in the text of the concept's file and planted as a bug is, so that what is decorated, an attribute
of a class or a constant is changed too.  The laws of the concept are asked, and those of each concept that planted bugs
in this file name: a few times first, and as often as in the dev profile where none has noticed.
"""

import argparse
import collections
import contextlib
import difflib
import hashlib
import json
import math
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import time
import tomllib

import libcst
from mutmut.mutation.mutators import mutation_operators

from tests.cells import LADDERS
from tests.engine.verdict import versions
from tests.planted import Bug, bugs, laws, prepare, verdict
from tests.variants import source_of

JSON = pathlib.Path(__file__).parents[2] / "results" / "mutation.json"
WHAT = pathlib.Path(__file__).with_name("survivors.toml")  # what a survivor is: "same: why", "closed: by what" or "hole: of what"
FIRST, THEN = {"calls": 5, "examples": 5}, {"calls": math.inf, "examples": 25}
PATIENCE = (FIRST, 3), (THEN, 60)  # times what the sound concept takes at first: then a mutant is taken to go on for ever
LATE = "it does not end"
SPAWNS = "test_workers_that_are_spawned_do_as_those_forked"  # where a copy of what is handed to them cannot be imported


class Mutations(libcst.CSTVisitor):
    """Every node that an operator changes, with what it becomes; what only says, or is never run, is left."""

    def __init__(self):
        self.found = []

    def on_visit(self, node):
        if isinstance(node, libcst.Annotation | libcst.Decorator) or _says(getattr(node, "value", node)):
            return False
        self.found += [(node, new) for kind, change in mutation_operators if isinstance(node, kind) for new in change(node)]
        return True


def _says(node):
    """Whether a node, or what it assigns, is the ladder or the reason of an absence."""
    return isinstance(node, libcst.Call) and isinstance(node.func, libcst.Name) and node.func.value in ("Absent", "Ladder")


def mutations(concept):
    """The file of a concept, parsed, and all its mutations."""
    module, visitor = libcst.parse_module(source_of(concept)), Mutations()
    module = libcst.MetadataWrapper(module).module  # in which no node stands twice
    module.visit(visitor)
    return module, visitor.found


def chosen(found, every):
    """A sample of every n-th mutation, the same each time."""
    return random.Random(0).sample(found, math.ceil(len(found) / every))


# ── one mutant ──────────────────────────────────────────────────────────────────────────────────


def noticed(concept, changes, asked, seconds):
    """The first of the laws that notices, LATE, or None; in a process that it may ruin."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_noticed, args=(concept, changes, asked, seconds, there))
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(120 + 60 * seconds) else LATE
    except EOFError:
        process.join()
        return LATE if process.exitcode == -signal.SIGVTALRM else "it ends the process"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def _noticed(concept, changes, asked, seconds, pipe):
    os.setpgid(0, 0)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for effort, times in PATIENCE:
        signal.setitimer(signal.ITIMER_VIRTUAL, 5 + times * seconds)
        if said := first(concept, changes, asked, effort):
            break
    pipe.send(said)


def first(concept, changes, asked, effort):
    """The first of the laws that notices, or what is raised before one is asked."""
    try:
        for law, of in asked:
            mutant = Bug("mutant", of, changes, "", "", concept if of != concept else None)
            if verdict(mutant, law, **effort).complaint:
                return law.__name__
    except BaseException as raised:  # of what was planted: laws hold for the sound concept
        return type(raised).__name__
    return None


# ── all of a concept ────────────────────────────────────────────────────────────────────────────


def judged(concept, every):
    """What became of the mutants of a concept; None where a law rejects its sound copy."""
    asked, start = asked_about(concept), time.process_time()
    if red := first(concept, (), asked, FIRST):  # in this process, which then has imported what laws import
        print(f"RED BASELINE  a sound copy of {concept} is rejected: {red}", flush=True)
        return None
    seconds = time.process_time() - start
    source, (module, found) = source_of(concept), mutations(concept)
    by, survivors = collections.Counter(), []
    for old, new in chosen(found, every):
        mutant = module.deep_replace(old, new).code
        asked.sort(key=lambda each: -by[each[0].__name__])  # first what noticed most
        said = noticed(concept, ((source, mutant),), asked, seconds)
        if said is None:
            survivors.append(difference(source, mutant))
        else:
            by[said] += 1
    return {"source": digest(concept), "mutants": len(found), "judged": len(survivors) + by.total(), "noticed_by": dict(by.most_common()), "survivors": sorted(survivors)}


def asked_about(concept):
    """The laws of a concept and of what is built on it, each with the concept that it is asked about."""
    users = (bug.concept for bug in bugs() if bug.file == concept)
    every = [(law, of) for of in dict.fromkeys([concept, *users]) for law in laws(of)]
    return [(law, of) for law, of in every if of == concept or law.__name__ != SPAWNS]


def difference(source, mutant):
    """The line where it begins, what stands there and what stood there in its place."""
    lines = list(difflib.unified_diff(source.splitlines(), mutant.splitlines(), n=0, lineterm=""))[2:]
    line = int(lines[0].split()[1].partition(",")[0].removeprefix("-"))
    old, new = (" ".join(text[1:].strip() for text in lines if text[0] == sign) for sign in "-+")
    return [line, old, new]


def digest(concept):
    return hashlib.sha256(source_of(concept).encode()).hexdigest()[:12]


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.planted.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=15, metavar="N", help="a sample, of every n-th mutant (15)")
    parser.add_argument("names", nargs="*", metavar="CONCEPT", help="these alone, anew; else all whose file has changed")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in LADDERS]:
        parser.error(f"no concept {unknown[0]!r}")
    prepare()
    known = json.loads(JSON.read_text(encoding="utf-8"))["concepts"] if JSON.exists() else {}
    rows = {c: row for c, row in known.items() if c in LADDERS and c not in options.names and row["source"] == digest(c)}
    red = False
    for concept in options.names or LADDERS:
        if concept in rows:
            continue
        row = judged(concept, options.every)
        if row is None:
            red = True
            continue
        rows[concept] = row
        print(f"{concept:42} {row['judged']:4} of {row['mutants']:4}, {len(row['survivors']):3} survive", flush=True)
        write(rows)
    return 1 if red else 0


# ── what is written ─────────────────────────────────────────────────────────────────────────────


def write(rows):
    found = {"versions": versions(), "concepts": {c: rows[c] for c in LADDERS if c in rows}}
    JSON.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    JSON.with_suffix(".md").write_text(markdown(found["concepts"]), encoding="utf-8")


def markdown(rows):
    """The score of all and of each concept, and each survivor with what it is."""
    what = tomllib.loads(WHAT.read_text(encoding="utf-8"))
    told = {c: [what.get(c, {}).get(new, "not looked at") for *_, new in row["survivors"]] for c, row in rows.items()}
    words = collections.Counter(each.partition(":")[0] for c in told for each in told[c])
    judged = sum(row["judged"] for row in rows.values())
    noticed = judged - words.total()
    lines = [
        "# Mutants\n",
        f"{' '.join(__doc__.partition(chr(10) * 2)[2].split())}\n",
        f"Of {sum(row['mutants'] for row in rows.values())} mutants {judged} were drawn. **{noticed} are noticed, {noticed / judged:.1%}**; "
        f"{words.total()} survive, of which {words['same']} do the same as what stands there, so that {noticed / (judged - words['same']):.1%} of the others are "
        f"noticed; {words['closed']} were holes in a law that are closed since. Written by `tox -e mutation`.\n",
        "| concept | mutants | drawn | noticed | survive |\n|---|---|---|---|---|",
    ]
    for c, row in rows.items():
        lines.append(f"| {c} | {row['mutants']} | {row['judged']} | {row['judged'] - len(told[c])} | {len(told[c])} |")
    if missing := [c for c in LADDERS if c not in rows]:
        lines.append(f"\nNot judged yet: {', '.join(missing)}.")
    for c, row in rows.items():
        lines += [f"\n## {c}\n"] * bool(told[c])
        for (line, old, new), said in zip(row["survivors"], told[c], strict=True):
            lines.append(f"- line {line}: `` {old} `` becomes `` {new} ``<br>{said}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
