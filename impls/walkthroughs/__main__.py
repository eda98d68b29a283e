"""python -m impls.walkthroughs [NAME]: train on four rungs, and compare with what is printed or demanded."""

import argparse
import sys
import time

import numpy as np
import torch

import impls
from impls.walkthroughs import digits, regression


def run_regression(progress):
    """The line of source document 002: every number that it prints, reproduced to the digits it prints."""
    rows = [(what, printed, found, printed == found) for what, printed, found in regression.run(progress)]
    table(
        ("number (a b)", "printed", "here", ""), [(*row[:3], "reproduced" if row[3] else "DIFFERENT") for row in rows]
    )
    return all(row[3] for row in rows)


def run_digits(progress):
    """The digits classifier: 40 epochs from one seed, at least 342 of 360 rows right on every rung."""
    results = list(digits.run(progress))
    rows = [
        (r.rung, r.first, f"{r.loss:.6f}", f"{r.test.loss:.6f}", f"{r.test.correct} of {r.test.rows}") for r in results
    ]
    table(("rung", "first weights, from the seed", "training loss", "test loss", "right"), rows)
    return all(r.test.correct >= digits.ENOUGH for r in results) and len({r.first for r in results}) == 1


RUNS = {"regression": run_regression, "digits": run_digits}


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_progress(line):
    """One line that is written over, on a terminal; nothing where the output is a file."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {line}", end="", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="python -m impls.walkthroughs", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"one of {', '.join(RUNS)}; all of them by default")
    name = parser.parse_args().name
    if name not in (None, *RUNS):
        print(f"no walkthrough {name!r}; there are {', '.join(RUNS)}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    print(f"samestep {impls.__version__}, torch {torch.__version__}, numpy {np.__version__}, float32 on one CPU thread")
    good = True
    for title, run in RUNS.items():
        if name in (None, title):
            print(f"\n{title}: {' '.join(run.__doc__.split())}\n")
            start = time.perf_counter()
            passed = run(show_progress)
            show_progress("")
            said = "all as it should be" if passed else "NOT as it should be"
            print(f"\n  {said} ({time.perf_counter() - start:.0f} s)")
            good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
