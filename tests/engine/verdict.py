"""The verdict: equal, different, inconclusive, expected, not run with its reason; printed after every run."""

import collections
import functools
import json
import pathlib
import platform
import subprocess
from collections.abc import Generator, Iterable, Iterator
from typing import Any, TypeAlias

import hypothesis
import numpy as np
import pytest
import torch

import impls
from tests.engine import LEDGER, LONGDOUBLE_IS_WIDER, Inconclusive
from tests.platform.fingerprint import fingerprint

Result: TypeAlias = dict[str, Any]  # of one law in one cell, as it is written to a report
VERDICTS = ("equal", "DIFFERENT", "inconclusive", "expected", "not run")


def made(config: pytest.Config, option: str) -> pathlib.Path | None:
    """The directory that an option names, there before anything is run."""
    given = config.getoption(option)
    if not given:
        return None
    path = pathlib.Path(config.invocation_params.dir, given)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise pytest.UsageError(f"--{option} {given}: {problem.strerror}") from None
    return path


class Verdict:
    def __init__(self, config: pytest.Config):
        self.config, self.directory = config, made(config, "report")
        self.results: list[Result] = []  # one dictionary per law and cell that was asked for
        self.left_out: collections.Counter[str] = collections.Counter()  # by a reason, cells that were not asked

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        LEDGER.clear()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "call" or (report.when == "setup" and not report.passed):
            result = _result(item, call, report)
            vars(report)["verdict"] = result  # goes with the report from a core's process to the first one
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "verdict"):
            self.results.append(report.verdict)

    # ── what is said ──
    def lines(self) -> Iterator[str]:
        counts = collections.Counter(r["verdict"] for r in self.results)
        yield " · ".join(f"{counts[word]} {word}" for word in VERDICTS)
        told = collections.Counter({("not run", reason): n for reason, n in self.left_out.items()})
        told.update((r["verdict"], r["reason"]) for r in self.results if r["verdict"] in ("not run", "expected"))
        told.update(("mended", r["reason"]) for r in self.results if r["verdict"] == "equal" and r["reason"])
        for (word, reason), n in told.most_common():
            yield f"{word}: {n} × {_named(reason, self.results)}"
        judged = [r for r in self.results if r["share"]]
        if judged:
            worst = max(judged, key=lambda r: r["share"])
            yield f"worst error {worst['share']:.1%} of its bound: {worst['cell'] or worst['law']}"
        unknown = sum(r["inconclusive_elements"] for r in self.results if r["verdict"] == "equal")
        if unknown:
            yield f"{unknown} elements had no finite bound, in laws that allow it"
        if not LONGDOUBLE_IS_WIDER:
            yield "longdouble is no wider than double here: float64 bounds are about twice as wide"

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.results or self.config.pluginmanager.has_plugin("subjects"):
            return
        about = environment()
        terminalreporter.section(
            f"samestep {about['samestep']}   reference torch {about['torch']}   profile {about['profile']}"
        )
        for line in self.lines():
            terminalreporter.line("  " + line)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Every core's process leaves the same cells out, unless it died."""
        self.left_out = collections.Counter(getattr(node, "workeroutput", {}).get("left_out", self.left_out))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self.config, "workeroutput"):  # one core's process: the first one has all results
            self.config.workeroutput["left_out"] = dict(self.left_out)
            return
        if session.exitstatus == pytest.ExitCode.OK and any(_is_elsewhere(r["reason"]) for r in self.results):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not self.directory or not self.results:
            return
        report: dict[str, object] = {"commit": commit(), "environment": environment(), "fingerprint": fingerprint()}
        report |= {"left_out": dict(self.left_out), "results": self.results}
        (self.directory / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        (self.directory / "summary.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        about = "\n".join(f"- {key}: {value}" for key, value in environment().items())
        verdict = "\n".join(f"- {line}" for line in self.lines())
        rows = "\n".join(
            f"| {r['law'].partition('::')[2]} | {r['cell']} | {r['verdict']} | {r['share']:.1%} | {r['reason'] or ''} |"
            for r in self.results
        )
        table = "| law | cell | verdict | share of the bound | reason |\n|---|---|---|---|---|\n"
        return f"# Verdict\n\n{verdict}\n\n## Environment\n\n{about}\n\n## Cells\n\n{table}{rows}\n"


def _is_elsewhere(reason: str | None) -> bool:
    return (reason or "").startswith("another platform")


def _named(reason: str | None, results: Iterable[Result]) -> str | None:
    """A reason with the concepts that it keeps from being judged, where the platform is the reason."""
    concepts = {r["cell"].partition("-")[0] for r in results if r["reason"] == reason and r["cell"]}
    return f"{reason} ({', '.join(sorted(concepts))} rest on it)" if concepts and _is_elsewhere(reason) else reason


def _result(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Result:
    """The verdict on one law and cell."""
    word, reason, raised = "equal", None, call.excinfo and call.excinfo.value
    if hasattr(report, "wasxfail") and report.skipped:
        word, reason = "expected", report.wasxfail
    elif hasattr(report, "wasxfail"):  # a failure that is expected in other versions, and did not come
        reason = report.wasxfail
    elif report.skipped:
        word, reason = "not run", str(raised)
    elif report.failed and raised is None:  # an expected failure that did not come
        word, reason = "DIFFERENT", str(report.longrepr)
    elif report.failed:
        word = "inconclusive" if isinstance(raised, Inconclusive) else "DIFFERENT"
        reason = str(raised).splitlines()[0] if str(raised) else type(raised).__name__
    law, _, cell = item.nodeid.partition("[")
    return {
        "law": law,
        "cell": cell.rstrip("]"),
        "verdict": word,
        "reason": reason,
        "elements": LEDGER.elements,
        "share": float(LEDGER.share),
        "inconclusive_elements": LEDGER.inconclusive,
    }


SOURCES = ("impls", "tests", "benchmarks", "conftest.py", "pyproject.toml")


def commit() -> str:
    """The tree that was judged, if git knows it: a short hash, with a plus where its sources have been edited."""
    root = pathlib.Path(__file__).parents[2]
    git = functools.partial(subprocess.run, cwd=root, capture_output=True, text=True)
    try:
        edited = git(["git", "diff", "--quiet", "HEAD", "--", *SOURCES]).returncode
        return git(["git", "rev-parse", "--short", "HEAD"]).stdout.strip() + "+" * edited
    except FileNotFoundError:  # there is no git
        return ""


def environment() -> dict[str, object]:
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "samestep": impls.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "hypothesis": hypothesis.__version__,
        "pytest": pytest.__version__,
        "profile": hypothesis.settings.get_current_profile_name(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": cuda,
        "threads": torch.get_num_threads(),
    }


def versions() -> dict[str, object]:
    """The part of the environment on which a result that is kept depends."""
    about = environment()
    return {key: about[key] for key in ("torch", "numpy", "hypothesis", "python", "cpu capability")}
