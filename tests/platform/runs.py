"""The machines that one machine can stand for, and how a run on each is told beside the run on the machine as it is.

A platform is a setting that makes the libraries compute as they do elsewhere, or a checkout as it lies elsewhere.  Its
row says how much of what the reference judges is judged there, and names each cell that is not, with the cause.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter
from typing import NamedTuple

from numpy._core import _multiarray_umath as kernels  # where NumPy says which it has

from tests.cells import LADDERS, LOOKED_AT

ROOT = pathlib.Path(__file__).parents[2]
RECORD = ROOT / "results" / "platforms.json"
REFERENCE = "this-machine"
JUDGED = ("equal", "expected")


class Platform(NamedTuple):
    stands_for: str
    variables: dict[str, str] = {}
    options: tuple[str, ...] = ()
    checkout: tuple[str, ...] = ()  # a folder's name, and options of git clone
    bits: str = ""  # what the variables have to change in the fingerprint, or the processor has no such kernels
    chapters: tuple[str, ...] = ()  # what is run, where it is not all
    families: tuple[str, ...] = ()  # and of which families, where it is not all


PLATFORMS = {
    REFERENCE: Platform("the machine as it is"),
    "aten-default": Platform("a processor without AVX2 or FMA", {"ATEN_CPU_CAPABILITY": "default"}, bits="torch.add"),
    "aten-avx2": Platform("a processor with AVX2", {"ATEN_CPU_CAPABILITY": "avx2"}, bits="cpu capability"),
    "mkl-compatible": Platform("MKL on an old processor", {"MKL_CBWR": "COMPATIBLE"}, bits="torch.mm"),
    "mkl-avx2": Platform("MKL on a processor with AVX2", {"MKL_CBWR": "AVX2"}, bits="torch.mm"),
    "onednn-sse41": Platform("oneDNN with SSE 4.1", {"ONEDNN_MAX_CPU_ISA": "SSE41"}, bits="torch.conv2d"),
    "onednn-avx2": Platform("oneDNN with AVX2", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, bits="torch.gelu"),
    "numpy-baseline": Platform("NumPy without AVX2", {"NPY_DISABLE_CPU_FEATURES": "dispatched"}, bits="np.exp"),
    "openblas-nehalem": Platform("OpenBLAS with SSE 4.2", {"OPENBLAS_CORETYPE": "Nehalem"}, bits="np.matmul"),
    "openblas-haswell": Platform("OpenBLAS with AVX2", {"OPENBLAS_CORETYPE": "Haswell"}, bits="np.matmul"),
    "two-threads": Platform("two threads in every library", options=("--threads", "2")),
    "spawn": Platform("processes started as on macOS and Windows", options=("--start-method", "spawn")),
    "folder-with-spaces": Platform("a folder with spaces in its name", checkout=("a folder, with spaces",)),
    "crlf": Platform("git set to write CRLF", checkout=("crlf", "--config", "core.autocrlf=true")),
}
# the chapters that depend on kernels most
KERNELS = ("fingerprint", "exactness", "families", "rng", "init", "layers", "losses")
PLATFORMS["aarch64"] = Platform(
    "an Arm processor, by qemu-user (tests/platform/aarch64.sh): what hangs on kernels",
    chapters=KERNELS,
    families=("rng", "init", "nn", "losses"),
)
NOT_RUN = {
    "macOS": "no such machine can be had here",
    "Windows": "no such machine can be had here",
    "Python 3.14": "no interpreter of it can be had here",
}


def run(name):
    """Run the suite on a platform, each with a seed of its own, and return its report."""
    platform = PLATFORMS[name]
    with tempfile.TemporaryDirectory() as folder:
        checkout = _checkout(platform, folder) if platform.checkout else ROOT
        report = pathlib.Path(folder, "report")
        seed = f"--hypothesis-seed={[*PLATFORMS].index(name)}"
        command = [sys.executable, "-m", "pytest", "-q", seed, *platform.options, f"--report={report}"]
        done = subprocess.run(command, cwd=checkout, env=os.environ | _variables(platform))
        if not (report / "results.json").exists():
            raise SystemExit(f"{name}: pytest ended with {done.returncode} and wrote no report")
        return json.loads((report / "results.json").read_text(encoding="utf-8"))


def _checkout(platform, folder):
    """The committed tree as another machine would have it."""
    name, *options = platform.checkout
    subprocess.run(["git", "clone", "--quiet", *options, str(ROOT), name], cwd=folder, check=True)
    return pathlib.Path(folder, name)


def _variables(platform):
    """A platform's variables; NumPy's features have other names in each version, so they are looked up."""
    dispatched = [f for f in kernels.__cpu_dispatch__ if kernels.__cpu_features__.get(f)]
    return {key: " ".join(dispatched) if value == "dispatched" else value for key, value in platform.variables.items()}


def row(name, report, reference):
    """What a report says beside the reference's: counts, and every cell that the reference judges and it does not."""
    found, expected = (by_cell(r) for r in (report, reference))
    judged = {c: r for c, r in expected.items() if r["verdict"] in JUDGED and _is_asked(PLATFORMS[name], c)}
    return {
        "platform": name,
        "commit": report["commit"],
        "environment": report["environment"],
        "counts": Counter(r["verdict"] for r in report["results"]),
        "asked": len(judged),
        "judged": sum(found.get(cell, {}).get("verdict") in JUDGED for cell in judged),
        "effect": _effect(PLATFORMS[name], report, reference),
        "otherwise": {cell: said for cell in judged if (said := _otherwise(found.get(cell), judged[cell]))},
    }


def _is_asked(platform, cell):
    """Whether a cell stands in the chapters and the families that a platform is asked."""
    family = cell.partition("[")[2].partition(".")[0]
    elsewhere = family in {concept.partition(".")[0] for concept in LADDERS} - {*platform.families}
    return (not platform.chapters or _chapter(cell) in platform.chapters) and not (platform.families and elsewhere)


def _chapter(cell):
    """The chapter that a cell's law stands in."""
    return pathlib.PurePath(cell.partition("::")[0]).stem.removeprefix("test_")


def by_cell(report):
    """The results of a report by the law and its cell."""
    return {f"{r['law']}[{r['cell']}]": r for r in report["results"]}


def _otherwise(found, expected):
    """How a cell ended that the reference judges, unless it ended alike."""
    if found is None:
        return "not collected"
    alike = found["verdict"] == expected["verdict"] or found["verdict"] == "equal"
    return None if alike else f"{found['verdict']}: {found['reason']}"


def _effect(platform, report, reference):
    """Whether the setting took effect: a digest changed that it has to change."""
    if not platform.bits:
        return True
    key = platform.bits if platform.bits == "cpu capability" else f"bits of {platform.bits}"
    there, here = (r["environment"] | r["fingerprint"] for r in (report, reference))
    return there[key] != here[key]


def record(rows):
    """Keep the rows beside those of other platforms and versions, and write the table."""
    rows = [r for r in rows if r["effect"] and (is_green(r) or not is_declared(r))]
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else []
    merged = {_key(r): r for r in [*kept, *rows]}
    RECORD.write_text(json.dumps([merged[k] for k in sorted(merged)], indent=1) + "\n", encoding="utf-8")
    RECORD.with_suffix(".md").write_text(table(list(merged.values())), encoding="utf-8")


def is_green(row):
    return not {"DIFFERENT", "inconclusive"} & row["counts"].keys()


def is_declared(row):
    """Whether the row's torch is one that pyproject.toml declares: Arm has none with a CPU build."""
    return tuple(map(int, row["environment"]["torch"].split(".")[:2])) in LOOKED_AT


def _key(row):
    return [*PLATFORMS].index(row["platform"]), *(row["environment"][key] for key in VERSIONS)


HEAD = """# Where the suite has been run

Written by `python -m tests.platform --record`: one whole run a row, each with a seed of its own.  *Judged* is the share
of what the reference run judges (the machine as it is, torch 2.13, Python 3.11) that the row judges, too; every cell
that it does not judge, or judges otherwise, is named below the table.

"""
VERSIONS = ["machine", "cpu capability", "torch", "python", "numpy", "hypothesis", "pytest"]
COLUMNS = ["platform", "stands for", *VERSIONS, "commit", "equal", "different", "expected", "not run", "judged"]


def table(rows):
    """All rows as Markdown, and below them by name what is not judged as on the reference."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *[_line(r) for r in sorted(rows, key=_key)]]
    lines += [f"| {name} | not run: {why} |{' |' * (len(COLUMNS) - 2)}" for name, why in NOT_RUN.items()]
    notes = [note for r in sorted(rows, key=_key) if (note := _note(r))]
    return HEAD + "\n".join(lines) + "\n" + "".join(notes)


def _line(row):
    about, counts = row["environment"], row["counts"]
    named = [row["platform"], PLATFORMS[row["platform"]].stands_for]
    versions = [*(about[key] for key in VERSIONS), row["commit"]]
    words = [str(counts.get(word, 0)) for word in ("equal", "DIFFERENT", "expected", "not run")]
    share = f"{row['judged'] / row['asked']:.2%}" if row["effect"] else "no effect here"
    return f"| {' | '.join([*named, *versions, *words, share])} |"


def _note(row):
    if not row["otherwise"]:
        return ""
    about = row["environment"]
    causes = Counter(row["otherwise"].values())
    title = f"\n## {row['platform']}, torch {about['torch']}, Python {about['python']}, NumPy {about['numpy']}\n\n"
    cells = {why: [cell for cell, said in row["otherwise"].items() if said == why] for why in causes}
    return title + "".join(f"- {why}\n" + "".join(f"  - `{cell}`\n" for cell in cells[why]) for why in causes)
