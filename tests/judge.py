"""`pytest --subject`: which laws judge a subject, and the verdict on each of them."""

import collections
import json
import pathlib
import tomllib
import types

import pytest
import torch

from impls.ladder import Rung
from tests import subjects
from tests.cells import DROP_IN, expand, on_device
from tests.exactness import LEDGER, Different, Inconclusive

POWER = pathlib.Path(__file__).parents[1] / "results" / "kill-matrix.json"


class Judge:
    def __init__(self, given, expected, directory):
        self.subjects = [subjects.parse(each, directory) for each in given]
        self.expected = _read(pathlib.Path(directory, expected)) if expected else {}
        self.outcomes = collections.defaultdict(list)  # subject -> (law, cell, fact, outcome)

    def pytest_generate_tests(self, metafunc):
        mark = metafunc.definition.get_closest_marker("cells")
        if mark is None:
            return
        cells = [(s, cell) for s in self.subjects for cell in expand(mark) if _asks(mark, s, cell)]
        marks = [on_device(cell).marks for _, cell in cells]
        ids = [f"{s}-{cell.dtype}-{cell.device}" for s, cell in cells]
        rungs = mark.kwargs["rungs"] if mark.kwargs["rungs"] == DROP_IN else (Rung.CUSTOM,)
        params = [
            pytest.param(_Judged(*cell._replace(rungs=rungs), s, rungs == DROP_IN), id=i, marks=m)
            for (s, cell), i, m in zip(cells, ids, marks, strict=True)
        ]
        metafunc.parametrize("cell", params)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if getattr(item, "callspec", None) and "cell" in item.callspec.params]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """The law, in a process of its own; no traceback of ours is anybody's business."""
        cell = pyfuncitem.callspec.params["cell"]
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        outcome = subjects.judge(cell.subject, lambda: pyfuncitem.obj(**arguments), cell.fact)
        law = pyfuncitem.originalname
        self.outcomes[cell.subject].append((law, cell, outcome))
        LEDGER.compared(*outcome.ledger)
        if cell.fact and outcome.word != "equal":
            pytest.skip(f"a fact beside the verdict: {outcome.reason.partition(chr(10))[0]}")
        if outcome.word == "not run":
            pytest.skip(outcome.reason)
        reason = self.expected.get(law)
        if reason and outcome.word != "equal":
            pytest.xfail(reason)
        if outcome.word == "inconclusive":
            raise Inconclusive(outcome.reason)
        if outcome.word == "DIFFERENT":
            pytest.fail(outcome.reason, pytrace=False)
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter):
        for subject, outcomes in self.outcomes.items():
            terminalreporter.section(f"{subject.given}   reference torch {torch.__version__}")
            for line in self.lines(subject, outcomes):
                terminalreporter.line("  " + line)

    def lines(self, subject, outcomes):
        judged = [(law, o) for law, cell, o in outcomes if not cell.fact]
        words = collections.Counter(
            "expected" if o.word != "equal" and o.word != "not run" and law in self.expected else o.word for law, o in judged
        )
        absent = collections.Counter(o.reason for _, o in judged if o.word == "not run")
        told = ", ".join(f"{reason} ×{n}" for reason, n in absent.most_common())
        yield (
            f"{words['equal']} equal · {words['DIFFERENT']} DIFFERENT · {words['inconclusive']} inconclusive · "
            f"{words['expected']} expected · {words['not run']} not run{': ' + told if told else ''}"
        )
        worst = max((o.ledger[1] for _, o in judged), default=0)
        yield f"worst error {worst:.0%} of its bound   {power(subject.role)}"
        bits = [o for law, cell, o in outcomes if cell.fact and "bit_for_bit" in law]
        if bits:
            yield f"bit for bit torch's: {'yes' if all(o.word == 'equal' for o in bits) else 'no'} (a fact, no verdict)"
        for warned in sorted({w for _, o in judged for w in o.warned}):
            yield f"it warned: {warned}"
        fine = {law for law, o in judged} - {law for law, o in judged if o.word != "equal"}
        for law in self.expected:
            if law in fine or law not in {law for law, _ in judged}:
                yield f"stale: {law} is expected to fail and {'does not' if law in fine else 'was not asked'}"


def _asks(mark, subject, cell):
    return cell.concept == subject.role and cell.device == "cpu" and Rung.CUSTOM in mark.kwargs["rungs"]


class _Judged(types.SimpleNamespace):
    def __init__(self, concept, rungs, dtype, device, subject, fact):
        from tests.cells import Cell

        super().__init__(concept=concept, dtype=dtype, device=device, subject=subject, fact=fact)
        self._cell = Cell(concept, rungs, dtype, device)

    def __getattr__(self, name):
        return getattr(self._cell, name)


def _read(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as wrong:
        raise pytest.UsageError(f"--expected-failures {path}: {wrong}") from None


def power(role):
    """How many known wrong variants of a role its laws reject."""
    if not POWER.exists():
        return "how many known wrong ones these laws reject: python -m tests.planted --full"
    known = [b for b in json.loads(POWER.read_text(encoding="utf-8"))["bugs"] if b["concept"] == role]
    rejected = sum(bool(b["rejected_by"]) for b in known)
    return f"these laws reject {rejected} of {len(known)} known wrong ones (results/kill-matrix.json)"


def roles():
    for role, door in subjects.roles().items():
        yield f"{role:24} needs {door.needs}; optional: {door.optional}"


__all__ = ["Judge", "roles"]
