"""`pytest --subject`: which laws judge a subject, and the verdict on each of them."""

import collections
import tomllib
from pathlib import Path

import hypothesis
import pytest
import torch

from impls.ladder import Rung
from tests import subjects
from tests.cells import DROP_IN, DTYPES, expand, is_left_out, parametrize
from tests.engine import LEDGER
from tests.planted import again, kill_matrix
from tests.subjects.report import bits, explain


class Judge:
    def __init__(self, config):
        for option in ("concept", "rung", "device"):
            if config.getoption(option):
                raise pytest.UsageError(f"--{option} with --subject: a subject has a role, and is judged on the CPU")
        directory, expected = config.invocation_params.dir, config.getoption("expected_failures")
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError("--subject: a subject has a process of its own for every law; leave -n out")
        hypothesis.configuration.set_hypothesis_home_dir(config.rootpath / ".hypothesis")
        self.subjects = [subjects.parse(each, directory) for each in config.getoption("subject")]
        self.expected = _read(Path(directory, expected)) if expected else {}
        self.dtypes = [d for d in DTYPES if d in (config.getoption("dtype") or DTYPES)]
        self.outcomes = {subject: [] for subject in self.subjects}  # of (law, dtype, outcome)
        self.unasked = {subject: collections.Counter() for subject in self.subjects}  # reason -> cells of its role
        self.reports = {}
        config.option.benchmark_storage = f"file://{config.rootpath}/.benchmarks"
        config.option.reportchars = ""

    # ── which laws ──

    def pytest_ignore_collect(self, collection_path):
        return True if collection_path.name == "benchmarks" else None

    def pytest_generate_tests(self, metafunc):
        mark = metafunc.definition.get_closest_marker("cells")
        if mark is None:
            return
        params = []
        for subject in self.subjects:
            for cell in (cell for cell in expand(mark) if cell.concept == subject.role):
                reason = self.why_not(cell, mark)
                self.unasked[subject].update([reason] if reason else [])
                if not reason:
                    name = "-".join([str(subject), *([cell.dtype] if cell.dtype else [])])
                    params.append(pytest.param((subject, cell), id=name))
        parametrize(metafunc, params)

    def why_not(self, cell, mark):
        """Why a cell of its role is not asked of a subject, if it is not."""
        if mark.kwargs["of_tables"]:
            return "a law about what the suite draws"
        if not about_any_rung(mark):
            return f"a law of {' and '.join(mark.kwargs['rungs'])} alone"
        if cell.device != "cpu":
            return f"{cell.device}: a subject is judged on the CPU"
        if cell.dtype not in (None, *self.dtypes):
            return f"{cell.dtype}: --dtype {' '.join(self.dtypes)}"
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        self.profile = hypothesis.settings.get_current_profile_name()
        load_profile()
        of_cells = [item for item in items if getattr(item, "callspec", None) and "cell" in item.callspec.params]
        asked = [item for item in of_cells if not is_left_out(item)]
        self.whole = len(
            {item.nodeid.partition("[")[0] for item in items} - {i.nodeid.partition("[")[0] for i in asked}
        )
        items[:] = asked

    # ── what is said of each ──

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """The law, in a process of its own; a traceback through ours would be of use to nobody."""
        subject, cell = pyfuncitem.callspec.params["cell"]
        others = {k: pyfuncitem.funcargs[k] for k in pyfuncitem._fixtureinfo.argnames if k != "cell"}
        name = pyfuncitem.originalname
        outcome = subjects.judge(subject, named(again(pyfuncitem.obj), name), cell, **others)
        self.outcomes[subject].append((name, cell.dtype, outcome))
        LEDGER.compared(*outcome.ledger)
        if outcome.word == "not run":
            pytest.skip(outcome.told)
        if outcome.word == "equal":
            return True
        if name in self.expected:
            pytest.xfail(self.expected[name])
        law = " ".join(pyfuncitem.obj.__doc__.split())
        pytest.fail(f"{law}\n{outcome.word}: {outcome.told}\n{self.report(subject)}", pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """What a mark skips never comes to be called, and is not run like any other."""
        if call.when == "setup" and call.excinfo is not None:
            subject, cell = item.callspec.params["cell"]
            outcome = subjects.Outcome("not run", str(call.excinfo.value))
            self.outcomes[subject].append((item.originalname, cell.dtype, outcome))
        return (yield)

    def report(self, subject):
        """The report of a difference, made once for each subject."""
        if subject in self.reports:
            return "(the report is above)"
        told = subjects.isolated(lambda: explain(subject, self.dtypes))
        self.reports[subject] = told.told if told.word == "equal" else f"no report: {told.told}"
        return self.reports[subject]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter):
        for subject, outcomes in self.outcomes.items():
            about = [
                f"reference torch {torch.__version__}",
                f"cpu, {' and '.join(self.dtypes)}",
                f"profile {self.profile}",
            ]
            terminalreporter.section("   ".join([subject.given, *about]))
            for line in self.lines(subject, outcomes):
                terminalreporter.line("  " + line)
        terminalreporter.line(f"  not asked of anybody: {self.whole} laws about no one concept")

    def lines(self, subject, outcomes):
        words = collections.Counter(
            "expected" if o.word not in ("equal", "not run") and law in self.expected else o.word
            for law, _, o in outcomes
        )
        absent = self.unasked[subject] + collections.Counter(o.told for _, _, o in outcomes if o.word == "not run")
        yield (
            f"{words['equal']} equal · {words['DIFFERENT']} DIFFERENT · {words['inconclusive']} inconclusive · "
            f"{words['expected']} expected · {absent.total()} not run"
        )
        for reason, n in absent.most_common():
            yield f"not run: {n} × {reason}"
        worst = max((o.ledger[1] for _, _, o in outcomes), default=0)
        yield f"worst error {worst:.0%} of its bound   {power(subject.role, {law for law, _, _ in outcomes})}"
        yield f"torch's to the bit: {self.bits(subject)} (a fact, no verdict)"
        for warned in sorted({w for _, _, o in outcomes for w in o.warned}):
            yield f"it warned: {warned}"
        asked, broken = (
            {law for law, _, _ in outcomes},
            {law for law, _, o in outcomes if o.word not in ("equal", "not run")},
        )
        for law in self.expected:
            if law not in broken:
                yield f"stale: {law} is expected to fail and {'does not' if law in asked else 'was not asked'}"

    def bits(self, subject):
        told = subjects.isolated(lambda: bits(subject, self.dtypes))
        return told.told if told.word == "equal" else "no"


def about_any_rung(mark):
    """Whether a law is about torch and all who would equal it, not about drop-ins or the house alone."""
    rungs = mark.kwargs["rungs"]
    return Rung.NATIVE in rungs and set(rungs) - {*DROP_IN} and not mark.kwargs["of_tables"]


def load_profile(**changed):
    """The profile that is loaded, but nothing is shrunk: what is smallest, the report looks for."""
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    laws = hypothesis.settings(database=None, phases=phases, **changed)
    hypothesis.settings.register_profile("subjects", parent=laws)
    hypothesis.settings.load_profile("subjects")


def named(law, name):
    law.__name__ = name
    return law


def _read(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as wrong:
        raise pytest.UsageError(f"--expected-failures {path}: {wrong}") from None


def power(role, laws):
    """How many known wrong variants of a role these laws reject."""
    rows = kill_matrix.read().values() if kill_matrix.JSON.exists() else []
    known = [row["rejected_by"] for row in rows if row["concept"] == role]
    if not known:
        return "what these laws reject: python -m tests.planted --full"
    rejected = sum(bool({law.partition(".")[2] for law in by} & laws) for by in known)
    return f"these laws reject {rejected} of {len(known)} known wrong ones (results/kill-matrix.json)"


def roles():
    for role, door in subjects.roles().items():
        needs, optional = door.asks(role)
        yield f"{role}\n    needs     {needs}\n    optional  {optional}"
    for concept, reason in subjects.without_role().items():
        yield f"{concept}\n    no role   {reason}"


__all__ = ["Judge", "roles"]
