"""python -m tests.planted [NAME ...]: plant every known bug, and see that the law it names rejects it."""

import argparse
import concurrent.futures
import multiprocessing
import os
import sys
import time

from tests.planted import FAMILIES, bugs, prepare, verdict


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    help = f"a family ({', '.join(FAMILIES)}), a concept (optim.adam) or a bug; all bugs by default"
    parser.add_argument("names", nargs="*", metavar="NAME", help=help)
    names = parser.parse_args().names
    unknown = [name for name in names if not bugs(name)]
    if unknown:
        print(f"no family, concept or bug {unknown[0]!r}; families are {', '.join(FAMILIES)}", file=sys.stderr)
        return 2
    prepare()
    start, planted = time.perf_counter(), bugs(*names)

    sound = {(bug.law, bug.concept): bug._replace(changes=(), file=None) for bug in planted}
    red = [(where, complaint) for where, complaint in zip(sound, verdicts(sound.values()), strict=True) if complaint]
    for (law, concept), complaint in red:
        print(f"RED BASELINE  {law} rejects the sound {concept}: {complaint}")
    if red:
        return 1
    print(f"{len(sound)} laws hold for the sound concepts; planting {len(planted)} bugs\n")

    survivors = 0
    for bug, complaint in zip(planted, verdicts(planted), strict=True):
        survivors += complaint is None
        print(f"{'SURVIVES' if complaint is None else 'rejected'}  {bug.name:46} {bug.law.partition('.test_')[2]:58} {bug.source}")
    rejected = len(planted) - survivors
    print(f"\n{rejected} of {len(planted)} rejected by the law they name, in {time.perf_counter() - start:.0f} s")
    return 1 if survivors else 0


def verdicts(bugs):
    """The verdict on each bug, in their order: one process a core, since a planted bug changes what all laws see."""
    jobs = min(os.cpu_count() or 1, len(bugs) // 10)
    if jobs < 2:
        return map(verdict, bugs)
    spawn = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn, initializer=prepare)
    return pool.map(verdict, bugs)


if __name__ == "__main__":
    sys.exit(main())
