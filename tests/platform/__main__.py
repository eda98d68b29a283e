"""python -m tests.platform [NAME ...]: run the suite as on other machines, and write results/platforms.md."""

import argparse
import json
import sys

from tests.platform.matrix import PLATFORMS, REFERENCE, ROOT, record, row, run

KEPT = ROOT / "build" / "reference.json"  # the run that every row is told beside


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.platform", description=__doc__)
    help = f"of {', '.join(PLATFORMS)}; all by default"
    parser.add_argument("names", nargs="*", metavar="NAME", help=help)
    parser.add_argument("--record", action="store_true", help="keep the rows in results/platforms.json")
    parser.add_argument("--reference", action="store_true", help="first make the run that every row is told beside")
    names, keep, anew = vars(parser.parse_args()).values()
    if unknown := [name for name in names if name not in PLATFORMS]:
        print(f"no platform {unknown[0]!r}; it is one of {', '.join(PLATFORMS)}", file=sys.stderr)
        return 2
    if anew:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(run(REFERENCE)), encoding="utf-8")
    if not KEPT.exists():
        print("there is no run yet to tell others beside: --reference makes it", file=sys.stderr)
        return 2
    reference = json.loads(KEPT.read_text(encoding="utf-8"))
    rows = [row(name, reference if anew and name == REFERENCE else run(name), reference) for name in names or PLATFORMS]
    for r in rows:
        told = ", ".join(f"{n} {word}" for word, n in r["counts"].items())
        print(f"{r['platform']}: {told}; {r['judged']} of {r['asked']} judged as on {REFERENCE}")
    if keep:
        record(rows)
    return 1 if any(r["counts"].get(word) for r in rows for word in ("DIFFERENT", "inconclusive")) else 0


if __name__ == "__main__":
    sys.exit(main())
