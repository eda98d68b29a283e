"""python -m tests.platform.lent DIRECTORY: what a machine with a CUDA device is asked, in ten minutes and seven files.

Into DIRECTORY go the verdict and the fingerprint (laws/), what the walkthroughs print (walkthroughs.txt), the ratios of
the benchmarks (races/), and what every step printed (log.txt).  A step that takes too long is ended; the next is run.
"""

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]


class Step(NamedTuple):
    name: str
    seconds: int  # after which it is ended
    arguments: tuple[str, ...]


def steps(folder, device):
    """The laws, the walkthroughs and the races, each in a process of its own."""
    emulated = device == "emulated"
    module, plugin = (("tests.platform.emulated",), ("-p", "tests.platform.emulated")) if emulated else ((), ())
    device = "cuda" if emulated else device
    cores = ("-n", str(min(8, os.cpu_count() or 1))) if importlib.util.find_spec("xdist") else ()
    pytest = ("pytest", "-q", *plugin, "--device", device)
    return [
        Step("laws", 300, (*pytest, *cores, f"--report={folder}/laws")),
        Step("walkthroughs", 90, (*module, "impls.walkthroughs", "classifier", "--device", device)),
        Step("races", 180, (*pytest, "benchmarks", f"--results={folder}/races")),
    ]


def take(step, folder):
    """Run a step, keep what it prints, and say in one line how it ended."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", *step.arguments], cwd=ROOT, timeout=step.seconds, stdout=-1, stderr=-2, text=True
        )
        printed, end = done.stdout, f"ended with {done.returncode}"
    except subprocess.TimeoutExpired as late:
        printed, end = (late.stdout or b"").decode(), f"was ended after {step.seconds} s"
    with open(folder / "log.txt", "a", encoding="utf-8") as log:
        log.write(f"== {step.name} {end}\n{printed}\n")
    if step.name == "walkthroughs":
        (folder / "walkthroughs.txt").write_text(printed, encoding="utf-8")
    print(f"{step.name} {end}")
    return end == "ended with 0"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.platform.lent", description=__doc__)
    parser.add_argument("directory", type=pathlib.Path, metavar="DIRECTORY", help="where the files go")
    help = "cpu and emulated rehearse (cuda)"
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda", "emulated"), help=help)
    chosen = parser.parse_args()
    folder = chosen.directory.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ended = [take(step, folder) for step in steps(folder, chosen.device)]
    return 0 if all(ended) else 1


if __name__ == "__main__":
    sys.exit(main())
