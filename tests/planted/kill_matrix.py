"""The kill matrix: each planted bug against every law of its concept.

The law that a bug names is asked as `python -m tests.planted` asks it.  Every other law is called five times: what it
rejects then it rejects at once, and what it would have rejected later is not in the matrix; nor is what a law of
seconds (`SLOW`) would reject, save where a bug names it.
"""

import collections
import json
import pathlib
import signal

from tests.engine.verdict import versions
from tests.planted import Bug, bugs, law_of, laws, name_of, verdict

JSON = pathlib.Path(__file__).parents[2] / "results" / "kill-matrix.json"
CALLS = 5
SLOW = {
    "test_the_digits_classifier_trains_on_the_tape",
    "test_a_chain_may_be_as_long_as_memory",
    "test_an_abandoned_pass_leaves_no_process",
    "test_every_step_of_a_run_is_certified",
    "test_custom_trains_like_native_bit_for_bit",
    "test_workers_give_native_batches_and_leave_the_same_generators",
}
PATIENCE = 20  # seconds of computing after which a law is taken to go on for ever


def fill(planted, anew):
    """Run the bugs that are not in the matrix yet, or all of them anew, and write it after each."""
    known = read() if JSON.exists() else {}
    exist = {bug.name for bug in bugs()}
    rows = {name: row for name, row in known.items() if name in exist and not (anew and name in {b.name for b in planted})}
    sound = set()
    for bug in planted:
        if bug.name in rows:
            continue
        if bug.concept not in sound and (red := rejecting(Bug("sound", bug.concept, (), bug.law, ""))):
            print(f"RED BASELINE  the sound {bug.concept} is rejected by {', '.join(red)}")
            return 1
        sound.add(bug.concept)
        rows[bug.name] = {"name": bug.name, "concept": bug.concept, "law": bug.law, "source": bug.source, "rejected_by": rejecting(bug)}
        print(f"{bug.name:46} {len(rows[bug.name]['rejected_by']):2} laws", flush=True)
        write(rows)
    survivors = [name for name, row in rows.items() if row["law"] not in row["rejected_by"]]
    print(f"{len(rows) - len(survivors)} of {len(rows)} rejected by the law they name; survivors: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


def rejecting(bug):
    """The laws that reject a bug, by name."""
    found, named = [], law_of(bug.law) if bug.changes else None
    for law in laws(bug.concept):
        how = {} if law is named else {"calls": CALLS, "examples": CALLS}
        if (law is named or law.__name__ not in SLOW) and _in_time(bug, law, how):
            found.append(name_of(law))
    return found


def _in_time(bug, law, how):
    def give_up(*_):
        raise TimeoutError(f"it does not end within {PATIENCE} s")

    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        return verdict(bug, law, **how).complaint
    except TimeoutError as late:
        return str(late)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


# ── what is written ─────────────────────────────────────────────────────────────────────────────


def read():
    """The rows of the matrix, by the name of the bug."""
    found = json.loads(JSON.read_text(encoding="utf-8"))
    return {row["name"]: row | {"rejected_by": [found["laws"][i] for i in row["rejected_by"]]} for row in found["bugs"]}


def write(rows):
    names = sorted({law for row in rows.values() for law in row["rejected_by"]})
    number = {law: i for i, law in enumerate(names)}
    kept = [json.dumps(row | {"rejected_by": [number[law] for law in row["rejected_by"]]}) for row in rows.values()]
    head = json.dumps({"versions": versions(), "calls": CALLS, "laws": names}, indent=1)[:-2]
    text = head + ',\n "bugs": [\n  ' + ",\n  ".join(kept) + "\n ]\n}\n"
    JSON.write_text(text, encoding="utf-8")
    JSON.with_suffix(".md").write_text(markdown(rows.values()), encoding="utf-8")


def markdown(rows):
    """A table for each concept: its bugs, and the laws that reject them; the one that a bug names stands first."""
    lines = ["# The kill matrix\n", " ".join(__doc__.partition("\n\n")[2].split()) + " Each concept numbers its laws.\n"]
    twice = sum(len(row["rejected_by"]) > 1 for row in rows)
    lines.append(f"{len(rows)} bugs; {twice} are rejected by more than one law. Written by `python -m tests.planted --full`.\n")
    of = collections.defaultdict(list)
    for row in rows:
        of[row["concept"]].append(row)
    for concept in sorted(of):
        named = sorted({law for row in of[concept] for law in row["rejected_by"]})
        lines.append(f"## {concept}\n")
        lines += [f"{i}. {law.partition('.test_')[2].replace('_', ' ')} ({law.partition('.')[0]})" for i, law in enumerate(named, 1)]
        lines += ["", "| bug | source | rejected by |", "|---|---|---|"]
        for row in of[concept]:
            by = sorted(row["rejected_by"], key=lambda law: (law != row["law"], named.index(law)))
            numbers = ", ".join(str(named.index(law) + 1) for law in by)
            lines.append(f"| {row['name']} | {row['source']} | {numbers} |")
        lines.append("")
    return "\n".join(lines)
