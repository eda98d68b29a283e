"""The outcome of a run: one table, one file without the host's name, one picture."""

import importlib.metadata
import json
import statistics

import pytest
import threadpoolctl

from benchmarks import plots
from benchmarks.paired import DTYPES
from tests.cells import LADDERS
from tests.engine.verdict import environment as of_laws
from tests.engine.verdict import made

# (concept, contestant, size) and the largest ratio to native that is asked for.  Judged on the run in results/, by eye:
# another machine is another ratio, so nothing fails where it is missed.
TARGETS = {
    ("autograd.tensor", "custom", "mlp-64x256"): 1.00,
    ("data.loader", "custom", "60000x1"): 1 / 80,
    ("data.loader", "custom", "60000x20"): 1 / 40,
    ("data.loader", "custom", "60000x100"): 1 / 25,
    ("data.loader", "custom", "60000x784"): 1 / 7,
    ("optim.adam", "custom", "10x1k"): 0.85,
    ("optim.adam", "custom", "6x39k"): 0.95,
    ("optim.adam", "custom", "100x10k"): 0.95,
    ("training.step", "manual", "mlp-64x16"): 0.40,
    ("training.step", "manual", "mlp-64x256"): 0.95,
    ("training.step", "manual", "regression-80x1"): 0.12,
    ("training.step", "custom", "mlp-64x256"): 1.00,
    ("training.step", "custom", "mlp-512x256"): 1.05,
    ("training.step", "custom", "regression-80x1"): 0.70,
}
# What is measured against another contestant than native: the quotient of the two ratios.
AGAINST = {("optim.adam", "custom+flat"): "native+fused"}
TARGETS |= {
    ("optim.adam", "custom+flat", "10x1k"): 0.25,
    ("optim.adam", "custom+flat", "6x39k"): 0.85,
    ("optim.adam", "custom+flat", "100x10k"): 0.75,
}


class Results:
    def __init__(self, config):
        self.directory, self.races, self.about = made(config, "results"), {}, {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item):
        """Only what passed is kept: a race whose comparison failed was not run at all."""
        report = yield
        told = getattr(getattr(item, "funcargs", {}).get("benchmark"), "extra_info", None)
        if report.when == "call" and report.passed and told:
            self.races.setdefault(told["device"], []).append(dict(told))
            self.about = told["environment"] = environment()  # asked while the races' limit on threads holds
        return report

    def pytest_terminal_summary(self, terminalreporter):
        for device, races in self.races.items():
            terminalreporter.section(f"cost in units of native's, {device}")
            for line in markdown(races, self.about).splitlines():
                terminalreporter.line(line)

    def pytest_sessionfinish(self):
        if not self.directory:
            return
        for device, races in self.races.items():
            text = json.dumps({"environment": self.about, "races": races}, indent=1)
            (self.directory / f"benchmarks-{device}.json").write_text(text + "\n", encoding="utf-8")
            text = f"{markdown(races, self.about)}\n{unraced(races)}"
            (self.directory / f"benchmarks-{device}.md").write_text(text, encoding="utf-8")
            plots.draw(races, self.directory / f"benchmarks-{device}.svg")


def environment():
    pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    about = {name: value for name, value in of_laws().items() if name not in ("hypothesis", "profile")}
    own = {"pytest-benchmark": importlib.metadata.version("pytest-benchmark")}
    return about | own | {"threads": {"torch": about["threads"], **pools}}


# ── what is said ──


def markdown(races, about):
    versions = "\n".join(f"- {key}: {value}" for key, value in about.items())
    clock = "Times on the CPU are CPU time, of one thread; on CUDA the device has finished."
    return f"# Benchmarks\n\n{versions}\n\n{clock} {noise(races)}\n\n{judged(races)}{table(races)}"


def noise(races):
    strays = [abs(race["ratio"]["median"] - 1) for race in races if race["contestant"] == "native"]
    if not strays:
        return "Native was not raced against itself, so the noise floor is not known."
    return (
        f"Noise floor, native against itself {len(strays)} times: the median ratio strays from 1 "
        f"by {statistics.median(strays):.1%} at the median, by {max(strays):.1%} at most."
    )


def judged(races):
    lines, by_name = [], {_name(race): race for race in races if (race["dtype"], race["device"]) == ("float32", "cpu")}
    for name, race in by_name.items():
        other = AGAINST.get(name[:2], "native")
        beside = by_name.get((name[0], other, name[2]))
        if name not in TARGETS or (other != "native" and beside is None):
            continue
        ratio = race["ratio"]["median"] / (1 if other == "native" else beside["ratio"]["median"])
        told = _spread(race) if other == "native" else f"{_figures(ratio)} of {other.replace('+', ', ')}"
        verdict = "met" if ratio <= TARGETS[name] else "MISSED"
        lines.append(f"| {' '.join(name)} | {told} | at most {_figures(TARGETS[name])} | {verdict} |")
    return "\n".join(["| target | ratio | asked | |", "|---|---|---|---|", *lines, "", ""]) if lines else ""


def unraced(races):
    """Concepts without a race of their own, which are parts of what is raced, or compute nothing."""
    names = ", ".join(name for name in LADDERS if name not in {race["concept"] for race in races})
    return f"Not raced on their own in this run: {names}.\n"


def _name(race):
    return race["concept"], race["contestant"], race["size"]["label"]


def table(races):
    lines = ["| case | contestant | ratio, median (quartiles) | µs | native, µs |", "|---|---|---|--:|--:|"]
    for race in races:
        name = f"{race['concept']} {race['size']['label']}"
        if race["dtype"] != DTYPES[0]:
            name += f" {race['dtype']}"
        contestant = "native, again" if race["contestant"] == "native" else race["contestant"].replace("+", ", ")
        own, native = (_figures(race["microseconds"][who]) for who in ("contestant", "native"))
        lines.append(f"| {name} | {contestant} | {_spread(race)} | {own} | {native} |")
    return "\n".join(lines) + "\n"


def _spread(race):
    ratio = race["ratio"]
    return " ".join([_figures(ratio["median"]), f"({_figures(ratio['q1'])} to {_figures(ratio['q3'])})"])


def _figures(x):
    """Three significant figures, and never an exponent."""
    return f"{float(f'{x:.3g}'):,.6g}" if x < 1000 else f"{float(f'{x:.3g}'):,.0f}"
