"""One thread, the cases that the command line asks for, and what becomes of the times."""

import gc

import pytest
import threadpoolctl
import torch

from benchmarks.paired import DTYPES, Race
from benchmarks.results import Results
from tests.cells import as_option, on_device, unasked


def pytest_addoption(parser):
    group = parser.getgroup("samestep")
    group.addoption(
        "--results", metavar="DIR", help="write the ratios, their table and the picture of cost against size to DIR"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "contest: the contestants, sizes, dtypes and devices that a benchmark is run on")
    # Where the comparison fails there is no race, and one report of that is enough.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used")
    config.option.benchmark_quiet = True  # its table is of blocks, in seconds; ours follows
    config.pluginmanager.register(Results(config), "results")


def pytest_generate_tests(metafunc):
    """One race per case; what the command line leaves out is noted, as it is for laws."""
    mark = metafunc.definition.get_closest_marker("contest")
    if mark is None:
        return
    asked, verdict, params = metafunc.config.getoption, metafunc.config.pluginmanager.get_plugin("verdict"), []
    for case in mark.kwargs["cases"]:
        reason = _left_out(case, asked)
        if reason:
            verdict.left_out[reason] += 1
            continue
        params.append(on_device(case))
    metafunc.parametrize("case", params)


def _left_out(case, asked):
    """Why a case is not run, if it is not."""
    name = unasked(asked, concept=case.concept, rung=case.rung, dtype=case.dtype, device=case.device)
    if name:
        return as_option(asked, name)
    if case.dtype != DTYPES[0] and not asked("dtype"):
        return f"raced only if asked for: --dtype {case.dtype}"
    return None


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Two pools of threads in one step, NumPy's and torch's, would wait for each other."""
    gc.collect()
    gc.freeze()  # what pytest and torch keep is not searched again during a race
    with threadpoolctl.threadpool_limits(1):
        yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _as_users_run_it():
    """The laws have torch fill fresh memory, so that reading it shows; that is work of which native does the most."""
    torch.set_deterministic_debug_mode("default")
    yield
    torch.set_deterministic_debug_mode("error")


@pytest.fixture
def race(benchmark, case):
    return Race(benchmark, case)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info):
    machine_info.pop("node", None)  # the host's name is nobody's business


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(output_json):
    """The times of single blocks say nothing that the ratios do not say better."""
    for entry in output_json["benchmarks"]:
        entry["stats"].pop("data", None)
