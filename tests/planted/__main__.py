"""python -m tests.planted [NAME ...]: plant every known bug, and see that the law it names rejects it; with --full,
every law of its concept is asked, and the kill matrix is written to results/."""

import argparse
import collections
import concurrent.futures
import functools
import multiprocessing
import os
import sys
import time

from tests.planted import FAMILIES, bugs, kill_matrix, not_here, only_on_a_device, prepare, verdict


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    help = f"a family ({', '.join(FAMILIES)}), a concept (optim.adam) or a bug; all bugs by default"
    parser.add_argument("names", nargs="*", metavar="NAME", help=help)
    how = parser.add_mutually_exclusive_group()  # the matrix is of one seed
    how.add_argument("--full", action="store_true", help="the kill matrix, of the bugs that are not in it yet")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of the problems that the laws draw (0)")
    names, full, seed = vars(parser.parse_args()).values()
    unknown = [name for name in names if not bugs(name)]
    if unknown:
        print(f"no family, concept or bug {unknown[0]!r}; families are {', '.join(FAMILIES)}", file=sys.stderr)
        return 2
    prepare()
    start, planted, elsewhere = time.perf_counter(), *asked(*names)
    if full:
        return kill_matrix.fill(planted, bool(names))

    calls, ends = collections.Counter(), collections.Counter()  # how often a law was called before it rejected its last bug
    for bug, said in zip(planted, verdicts(planted, seed), strict=True):
        calls[bug.law, bug.concept] = max(said.calls, calls[bug.law, bug.concept])
        end = "not run" if said.elsewhere else "SURVIVES" if said.complaint is None else "rejected"
        ends[end] += 1
        print(f"{end:8}  {bug.name:46} {bug.law.partition('.test_')[2]:58} {said.elsewhere or bug.source}")

    sound = {(bug.law, bug.concept): bug._replace(changes=(), file=None) for bug in planted}
    baseline = verdicts([*sound.values()], seed, [None] * len(sound), [calls[where] for where in sound])
    red = [(where, said.complaint) for where, said in zip(sound, baseline, strict=True) if said.complaint]
    for (law, concept), complaint in red:
        print(f"RED BASELINE  {law} rejects the sound {concept}: {complaint}")
    for bug in elsewhere:
        print(f"not run   {bug.name:46} {bug.law.partition('.test_')[2]:58} {bug.source}")
    for why, n in collections.Counter(map(not_here, elsewhere)).items():
        print(f"\n{n} not run: {why}")
    print(f"\n{ends['rejected']} of {len(planted)} rejected by the law they name, in {time.perf_counter() - start:.0f} s")
    if ends["not run"]:
        print(f"{ends['not run']} not run: the law rests on a fact that does not hold on this machine")
    print(f"{len(sound) - len(red)} of {len(sound)} laws hold for the sound concepts, on the same draws")
    return 1 if ends["rejected"] < len(planted) or red else 0


def asked(*names):
    """The bugs that are asked for: those that show here, and those that do not."""
    here, elsewhere = [], []
    for bug in bugs(*names):
        (elsewhere if not_here(bug) else here).append(bug)
    return here, elsewhere


def verdicts(bugs, seed, *how):
    """The verdict on each bug, in their order: one process a core, since a planted bug changes what all laws see; what
    only a device shows is left to this process, which has it."""
    judge = functools.partial(verdict, seed=seed)
    on_cpu = [row for row in zip(bugs, *how, strict=True) if not only_on_a_device(row[0])]
    found = (pool().map if len(on_cpu) >= 20 else map)(judge, *zip(*on_cpu, strict=True)) if on_cpu else iter(())
    return (judge(*row) if only_on_a_device(row[0]) else next(found) for row in zip(bugs, *how, strict=True))


@functools.cache
def pool():
    spawn = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(os.cpu_count(), mp_context=spawn, initializer=prepare)


if __name__ == "__main__":
    sys.exit(main())
