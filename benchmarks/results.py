"""The outcome of a run: one table, one file without the host's name, one picture."""

import importlib.metadata
import json
import pathlib
import platform
import statistics

import numpy as np
import pytest
import threadpoolctl
import torch

import impls
from benchmarks import plots

# (concept, contestant, size) and the largest ratio to native that is asked for.  Judged on the run in results/, by eye:
# another machine is another ratio, so nothing fails where it is missed.
TARGETS = {
    ("training.step", "manual", "mlp-64x256"): 0.95,
    ("training.step", "manual", "regression-80x1"): 0.12,
    ("training.step", "custom", "mlp-64x256"): 1.00,
    ("training.step", "custom", "regression-80x1"): 0.70,
}


class Results:
    def __init__(self, config):
        self.config, self.races = config, []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Only what passed is kept: a race whose comparison failed was not run at all."""
        report = yield
        told = getattr(item.funcargs.get("benchmark"), "extra_info", None) if hasattr(item, "funcargs") else None
        if report.when == "call" and report.passed and told:
            self.races.append(dict(told))
            told["environment"] = self.environment()
        return report

    def pytest_terminal_summary(self, terminalreporter):
        if self.races:
            terminalreporter.section("cost in units of native's")
            for line in self.markdown().splitlines():
                terminalreporter.line(line)

    def pytest_sessionfinish(self):
        directory = self.config.getoption("results")
        if not directory or not self.races:
            return
        path = pathlib.Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        for device in sorted({race["device"] for race in self.races}):
            races = [race for race in self.races if race["device"] == device]
            outcome = {"environment": self.environment(), "races": races}
            (path / f"benchmarks-{device}.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
            plots.draw(races, path / f"benchmarks-{device}.svg")
        (path / "benchmarks.md").write_text(f"# Benchmarks\n\n{self.markdown()}", encoding="utf-8")

    def environment(self):
        pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
        return {
            "samestep": impls.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pytest-benchmark": importlib.metadata.version("pytest-benchmark"),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpu capability": torch.backends.cpu.get_cpu_capability(),
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "threads": {"torch": torch.get_num_threads(), **pools},
        }

    # ── what is said ──

    def markdown(self):
        about = "\n".join(f"- {key}: {value}" for key, value in self.environment().items())
        return f"{about}\n\n{self.noise()}\n\n{self.judged()}{self.table()}"

    def noise(self):
        strays = [abs(race["ratio"]["median"] - 1) for race in self.races if race["contestant"] == "native"]
        if not strays:
            return "Native was not raced against itself, so the noise floor is not known."
        return (
            f"Noise floor, native against itself {len(strays)} times: the median ratio strays from 1 "
            f"by {statistics.median(strays):.1%}, at most by {max(strays):.1%}."
        )

    def judged(self):
        lines = []
        for race in self.races:
            limit = TARGETS.get((race["concept"], race["contestant"], race["size"]["label"]))
            if limit and (race["dtype"], race["device"]) == ("float32", "cpu"):
                verdict = "met" if race["ratio"]["median"] <= limit else "MISSED"
                name = f"{race['concept']} {race['contestant']} {race['size']['label']}"
                lines.append(f"| {name} | {_spread(race)} | ≤ {limit:.2f} | {verdict} |")
        return "\n".join(["| target | ratio | asked | |", "|---|---|---|---|", *lines, "", ""]) if lines else ""

    def table(self):
        lines = ["| case | contestant | ratio to native, median (quartiles) | µs | native, µs |", "|---|---|---|--:|--:|"]
        for race in self.races:
            own, native = race["microseconds"]["contestant"], race["microseconds"]["native"]
            name = f"{race['concept']} {race['size']['label']} {race['dtype']} {race['device']}"
            lines.append(f"| {name} | {_called(race)} | {_spread(race)} | {own:.3g} | {native:.3g} |")
        return "\n".join(lines) + "\n"


def _called(race):
    return "native, again" if race["contestant"] == "native" else race["contestant"]


def _spread(race):
    ratio = race["ratio"]
    return f"{ratio['median']:.3f} ({ratio['q1']:.3f} to {ratio['q3']:.3f})"
