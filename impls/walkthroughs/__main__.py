"""python -m impls.walkthroughs [NAME]: train in stages, on four rungs, and compare with what a document prints."""

import argparse
import importlib.util
import pathlib
import sys
import time

import numpy as np
import torch

import impls
from impls import custom, native
from impls.walkthroughs import bare_loop, classifier, derivatives, digits, regression, versions
from impls.walkthroughs.pages import page
from impls.walkthroughs.stages import images, listing, run, same_bits, same_task

SUITE = "tests.walkthroughs"  # what certifies a run; it lies beside this package in a checkout, and nowhere else


def walk(module, options):
    """Run one walkthrough; is all as it should be?"""
    if module is digits:
        return run_digits()
    good = run_numbers() if module is regression and options.stage is None else True
    if module in (bare_loop, classifier):
        print(f"  on {images().what}\n")
    return run_stages(module, options) and good


def run_digits():
    """Train the digits on four rungs from one seed."""
    results = list(digits.run(show_progress))
    rows = [
        (r.rung, r.first, f"{r.loss:.6f}", f"{r.test.loss:.6f}", f"{r.test.correct} of {r.test.rows}") for r in results
    ]
    table(("rung", "first weights, from the seed", "training loss", "test loss", "right"), rows)
    print()
    return all(r.test.correct >= digits.ENOUGH for r in results) and len({r.first for r in results}) == 1


def run_numbers():
    """The numbers that document 002 prints."""
    numbers = list(regression.run(show_progress))
    table(("number (a b)", "printed", "here", ""), [(n.what, n.printed, n.found or "-", _said(n)) for n in numbers])
    print()
    return all(n.because or n.printed == n.found for n in numbers)


def _said(number):
    if number.because:
        return f"explained: {number.because}"
    return "reproduced" if number.printed == number.found else "DIFFERENT"


DOCUMENTS = {
    "bare-loop": bare_loop,
    "classifier": classifier,
    "regression": regression,
    "derivatives": derivatives,
    "versions": versions,
}
RUNS = DOCUMENTS | {"digits": digits}

HEAD = "", "stage", "lines", "steps", "parameters reached", "same step as above", "share of the bound"

# ── stages ──────────────────────────────────────────────────────────────────────────────────────


def run_stages(module, options):
    """Run every stage with torch's objects and with ours, and compare it with the stage above it."""
    certify, curves, good, number = certificate(), {}, True, 0
    data = [x.to(options.device) for x in module.data()]
    for line in module.LINES:
        above, share, rows = None, "", []
        for stage in line.stages:
            number += 1
            if options.stage not in (None, number):
                continue
            show_progress(f"stage {number}, {stage.__name__}")
            found, ours = (run(stage, library, data) for library in (native, custom))
            bits = above is not None and same_bits(above, found)
            share = share if bits else certified(certify, line.formula, found, options.device)
            complaint = complain(above, found, ours)
            like = complaint or ("-" if above is None else "to the bit" if bits else judged(share))
            rows.append((number, stage.__name__, len(listing(stage)), len(found.steps), reached(found), like, share))
            curves[f"{number} {stage.__name__}"] = [float(step.loss) for step in found.steps]
            good &= not complaint and not share.startswith("DIFFERENT")
            above = found
        if rows:
            print(f"  {line.title}\n")
            table(HEAD, rows)
            print()
    if options.plot:
        plot(curves, options.plot)
    return good


def complain(above, found, ours):
    """What is wrong with a stage, whatever it rounds."""
    if not same_bits(ours, found):
        return "DIFFERENT: with our objects than with torch's"
    if above is not None and not same_task(above, found):
        return "DIFFERENT: another start, or other batches"
    return ""


def reached(found):
    """The first parameters, after the last step."""
    return " ".join(f"{w:+.6f}" for w in np.concatenate([a.ravel() for a in found.steps[-1].params])[:2])


def certificate():
    """What certifies a run, if this is a checkout."""
    beside = pathlib.Path(impls.__file__).parents[1].joinpath(*SUITE.split(".")).with_suffix(".py")
    try:
        found = importlib.util.find_spec(SUITE)
    except ModuleNotFoundError:
        return None
    is_beside = found is not None and found.origin == str(beside)  # and not somebody else's tests
    return importlib.import_module(SUITE).share if is_beside else None


def certified(certify, formula, found, device):
    if certify is None:
        return "not run: a certificate needs a checkout, where tests/ is"
    if formula is None:
        return "not run: one stage, of which ours is torch's to the bit"
    if device != "cpu" and any(layer.random for layer in formula.layers.values()):
        return f"not run: masks are drawn by the generator of {device}, and the formula draws the CPU's"
    try:
        return f"{certify(formula, found):.0%}"
    except AssertionError as different:
        return f"DIFFERENT: {different}"


def judged(share):
    """How a stage that rounds otherwise than the one above was found to take its step."""
    return "not judged" if share.startswith("not run") else "by certificate"


def plot(curves, path):
    """Loss against step, a curve for each stage; stages that take the same step lie on one another."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for i, (name, losses) in enumerate(curves.items()):
        axes.plot(range(1, len(losses) + 1), losses, label=name, linewidth=1 + (len(curves) - i) / 2)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend(fontsize="small")
    figure.savefig(path)
    pyplot.close(figure)


# ── what is said ────────────────────────────────────────────────────────────────────────────────


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_progress(line):
    """One line that is written over, on a terminal; nothing where the output is a file."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {line}" if line else "\r\033[K", end="", file=sys.stderr, flush=True)


def write(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for name, module in DOCUMENTS.items():
        (directory / f"{name}.md").write_text(page(name, module), encoding="utf-8")
    return 0


def wrong(options):
    """What cannot be asked for, in one line."""
    if options.name not in (None, *RUNS):
        return f"no walkthrough {options.name!r}; there are {', '.join(RUNS)}"
    if (options.stage is not None or options.plot) and options.name not in DOCUMENTS:
        return f"--stage and --plot are about the stages of one of {', '.join(DOCUMENTS)}"
    if options.stage is not None:
        count = sum(len(line.stages) for line in DOCUMENTS[options.name].LINES)
        if not 1 <= options.stage <= count:
            return f"--stage {options.stage}: {options.name} has stages 1 to {count}"
    if options.device not in ("cpu", "cuda"):
        return f"--device {options.device}: it is one of cpu, cuda"
    if options.device == "cuda" and not torch.cuda.is_available():
        return "--device cuda: no CUDA device here"
    if options.plot:
        path = pathlib.Path(options.plot)
        if path.suffix not in (".png", ".svg") or not path.parent.is_dir():
            return f"--plot {path}: a .png or a .svg, in a directory that is there"
    if options.pages and pathlib.Path(options.pages).is_file():
        return f"--pages {options.pages}: it is no directory"
    return ""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{message}\n")  # one line, and no usage before it


def main():
    parser = Parser(prog="python -m impls.walkthroughs", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"one of {', '.join(RUNS)}; all of them by default")
    parser.add_argument("--stage", type=int, metavar="K", help="this stage only, by its number in the table")
    parser.add_argument("--device", default="cpu", help="where stages are run: cpu or cuda")
    parser.add_argument("--pages", metavar="DIR", help="write the documents' pages to DIR, and do nothing else")
    parser.add_argument("--plot", metavar="FILE", help="draw the loss of every stage of NAME to FILE, a .png or .svg")
    options = parser.parse_args()
    problem = wrong(options)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    if options.pages:
        return write(pathlib.Path(options.pages))
    print(f"samestep {impls.__version__}, torch {torch.__version__}, numpy {np.__version__}, float32 on one CPU thread")
    good = True
    for name, module in RUNS.items():
        if options.name in (None, name):
            print(f"\n{name}: {module.__doc__.splitlines()[0]}\n")
            start = time.perf_counter()
            passed = walk(module, options)
            show_progress("")
            said = "all as it should be" if passed else "NOT as it should be"
            print(f"  {said} ({time.perf_counter() - start:.0f} s)")
            good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
