"""python -m tests.planted [FAMILY ...]: plant every known bug, and see that the law it names rejects it."""

import argparse
import sys
import time
import warnings

import torch

import conftest  # noqa: F401 (one thread, the hypothesis profiles)
from tests.planted import FAMILIES, bugs, verdict


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("family", nargs="*", metavar="FAMILY", help=f"of {', '.join(FAMILIES)}; all of them by default")
    families = parser.parse_args().family
    unknown = [family for family in families if family not in FAMILIES]
    if unknown:
        print(f"no family {unknown[0]!r}; there are {', '.join(FAMILIES)}", file=sys.stderr)
        return 2
    warnings.simplefilter("error")  # as in the suite: native's warnings are part of what laws compare
    torch.set_warn_always(True)
    start, planted = time.perf_counter(), bugs(*families)

    sound = {(bug.law, bug.concept): bug._replace(changes=(), file=None) for bug in planted}
    red = {where: complaint for where, bug in sound.items() if (complaint := verdict(bug)) is not None}
    for (law, concept), complaint in red.items():
        print(f"RED BASELINE  {law} rejects the sound {concept}: {complaint}")
    if red:
        return 1
    print(f"{len(sound)} laws hold for the sound concepts; planting {len(planted)} bugs\n")

    survivors = 0
    for bug in planted:
        complaint = verdict(bug)
        survivors += complaint is None
        print(f"{'SURVIVES' if complaint is None else 'rejected'}  {bug.name:46} {bug.law.partition('.test_')[2]:58} {bug.source}")
    rejected = len(planted) - survivors
    print(f"\n{rejected} of {len(planted)} rejected by the law they name, in {time.perf_counter() - start:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
