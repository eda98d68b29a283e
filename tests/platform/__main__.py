"""python -m tests.platform [NAME ...]: run the suite as on other machines, and write results/platforms.md."""

import argparse
import json
import pathlib
import sys

from tests.platform.runs import PLATFORMS, REFERENCE, ROOT, is_green, record, row, run

KEPT = ROOT / "build" / "reference.json"  # the run that every row is told beside


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.platform", description=__doc__)
    help = f"of {', '.join(PLATFORMS)} (all that can be run here); NAME=results.json tells of a run made elsewhere"
    parser.add_argument("names", nargs="*", metavar="NAME", help=help)
    parser.add_argument("--record", action="store_true", help="keep the rows in results/platforms.json")
    parser.add_argument("--reference", action="store_true", help="first make the run that every row is told beside")
    names, keep, anew = vars(parser.parse_args()).values()
    told = dict(name.partition("=")[::2] for name in names) or {name: "" for name in PLATFORMS if name != "aarch64"}
    if unknown := [name for name in told if name not in PLATFORMS]:
        print(f"no platform {unknown[0]!r}; it is one of {', '.join(PLATFORMS)}", file=sys.stderr)
        return 2
    if anew:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(run(REFERENCE)), encoding="utf-8")
    if not KEPT.exists():
        print("there is no run yet to tell others beside: --reference makes it", file=sys.stderr)
        return 2
    reference = _read(KEPT)
    rows = []
    for name, file in told.items():
        is_made = anew and name == REFERENCE
        report = _read(pathlib.Path(file)) if file else reference if is_made else run(name)
        rows.append(row(name, report, reference))
        print(_line(rows[-1]), flush=True)
        if keep:
            record(rows[-1:])
    return 0 if all(map(is_green, rows)) else 1


def _line(r):
    counts = ", ".join(f"{n} {word}" for word, n in r["counts"].items())
    effect = "" if r["effect"] else "; the setting has no effect here"
    return f"{r['platform']}: {counts}; {r['judged']} of {r['asked']} judged as on {REFERENCE}{effect}"


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
