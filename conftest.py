"""Command line, one thread, strict warnings, and the verdict at the end of every run."""

import dataclasses
import difflib
import gc
import multiprocessing
import platform
import re

import hypothesis
import pytest
import threadpoolctl
import torch

from impls.ladder import Rung
from tests.cells import (
    DEVICES,
    DTYPES,
    LADDERS,
    as_option,
    expand,
    is_left_out,
    on_device,
    parametrize,
    unasked,
    why_on_cpu,
)
from tests.engine import Different
from tests.engine.verdict import Verdict
from tests.families import family_of
from tests.planted.causes import looks_like
from tests.subjects.plugin import Judge, roles


def compute_with(threads):
    """The number of threads of torch and of NumPy."""
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)


compute_with(1)

PHASES = [*hypothesis.Phase][:-1]  # but for the last, which explains a failure by the lines of the engine
PROFILES = {
    "dev": {
        "max_examples": 25,
        "backend": "independent",
        "deadline": None,
        "report_multiple_bugs": False,
        "phases": PHASES,
    },
    "ci": {"max_examples": 100, "derandomize": True, "print_blob": True},
    "nightly": {"max_examples": 2000},
    "quick": {"max_examples": 8},
}
for name, chosen in PROFILES.items():
    hypothesis.settings.register_profile(name, **PROFILES["dev"] | chosen)
hypothesis.settings.load_profile("dev")

# Warnings are errors, save these, which say nothing about the code that raised them.
EXPECTED_WARNINGS = [
    ("The given NumPy array is not writable", UserWarning),  # a reference's arrays are read, never written
    ("grad and param do not obey the gradient layout contract", UserWarning),  # where a parameter becomes a view
]
if platform.machine() in ("aarch64", "arm64"):  # its products raise flags that no number has raised (numpy#28687)
    EXPECTED_WARNINGS.append((".* encountered in matmul", RuntimeWarning))


QUICK = ("test_families.test_rungs_leave_the_same_trace", "test_families.test_custom_is_native_bit_for_bit")
CHOICES = {"concept": list(LADDERS), "rung": list(Rung), "dtype": list(DTYPES), "device": list(DEVICES)}


def pytest_addoption(parser):
    group = parser.getgroup("samestep", "the ladder")
    for name, known in CHOICES.items():
        among = "e.g. optim.adam" if name == "concept" else f"of {', '.join(known)}"
        text = f"check this {name} only, {among}; repeatable"
        group.addoption(f"--{name}", action="append", default=[], metavar=name.upper(), help=text)
    text = "judge somebody's implementation by the laws of its role; ROLE=FILE.py:NAME, repeatable"
    group.addoption("--subject", action="append", default=[], metavar="ROLE=FILE.py:NAME", help=text)
    group.addoption("--subjects", action="store_true", help="list the roles that a subject can have")
    group.addoption("--expected-failures", metavar="FILE.toml", help="laws that a subject is known to break: reasons")
    group.addoption("--spec", action="store_true", help="print the laws as Markdown and run nothing")
    group.addoption("--quick", action="store_true", help="of every concept the laws of agreement and of bits alone")
    group.addoption("--threads", type=int, default=1, metavar="N", help="that torch and NumPy compute with (1)")
    methods = multiprocessing.get_all_start_methods()
    group.addoption("--start-method", choices=methods, help="how a loader's workers and launched processes are started")
    group.addoption("--report", metavar="DIR", help="write the verdict to DIR/results.json and DIR/summary.md")


def check_choice(option, value):
    """Refuse, in one line, a value that an option does not have."""
    if value not in CHOICES[option]:
        hint = f"it is one of {', '.join(CHOICES[option])}"
        if option == "concept":  # there are too many for one line
            near = difflib.get_close_matches(value, CHOICES[option], n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "it has a file's name: impls/optim/adam.py is optim.adam"
        raise pytest.UsageError(f"--{option} {value}: no such {option}; {hint}")


def pytest_configure(config):
    for option in CHOICES:
        for value in config.getoption(option):
            check_choice(option, value)
    if config.getoption("subject"):
        config.pluginmanager.register(Judge(config), "subjects")
    elif path := config.getoption("expected_failures"):
        raise pytest.UsageError(f"--expected-failures {path}: it is about a --subject, and none is given")
    for message, category in EXPECTED_WARNINGS:
        config.addinivalue_line("filterwarnings", f"ignore:{message}:{category.__name__}")
    compute_with(config.getoption("threads"))
    multiprocessing.set_start_method(config.getoption("start_method"), force=True)
    torch.set_warn_always(True)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms is this, after seconds of imports
    config.pluginmanager.register(Verdict(config), "verdict")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """--subjects answers before anything is collected; a run of all chapters takes every core (`-n0`: just one)."""
    profile = config.getoption("--hypothesis-profile")
    if config.getoption("quick") and profile is None:
        profile = config.option.hypothesis_profile = "quick"
    if profile not in (None, *PROFILES):
        raise pytest.UsageError(f"--hypothesis-profile {profile}: no such profile; it is one of {', '.join(PROFILES)}")
    if config.getoption("spec"):
        config.option.verbose, config.option.no_header, config.option.no_summary = -3, True, True
    if is_whole(config) and getattr(config.option, "numprocesses", 0) is None:
        config.option.numprocesses, config.option.dist = "auto", "worksteal"
        args = _in_one_word(config.invocation_params.args)
        config.invocation_params = dataclasses.replace(config.invocation_params, args=args)
    if config.getoption("subjects"):
        print("\n".join(roles()))
        return pytest.ExitCode.OK
    return None


def _in_one_word(args, option="--report"):
    """As each core's process is to read them: a directory that is there, in a word of its own, is taken for laws."""
    words = iter(args)
    return tuple(f"{word}={next(words)}" if word == option else word for word in words)


def is_whole(config):
    """Whether all chapters are asked for, and not by such a process: a slice is done before another has started."""
    if hasattr(config, "workerinput"):
        return False
    asked = {config.invocation_params.dir.joinpath(each).resolve() for each in config.args}
    parts = (*CHOICES, "subject", "spec", "keyword", "collectonly", "usepdb")
    return asked == {config.rootpath / "tests"} and not any(config.getoption(part) for part in parts)


def pytest_make_parametrize_id(val):
    """An id can be pasted into a shell: words in it are joined."""
    return "-".join(re.findall(r"[^\s=,()']+", val)) or None if isinstance(val, str) else None


def pytest_generate_tests(metafunc):
    """One test per cell; what the command line leaves out is noted, never dropped in silence."""
    mark = metafunc.definition.get_closest_marker("cells")
    if mark is None or metafunc.config.pluginmanager.has_plugin("subjects"):
        return
    verdict, params = metafunc.config.pluginmanager.get_plugin("verdict"), []
    for cell in expand(mark):
        chosen, reason = _choose(metafunc.config, cell, why_on_cpu(mark, cell.concept))
        if reason:
            verdict.left_out[reason] += 1
        if chosen:
            params.append(on_device(chosen))
    parametrize(metafunc, params)


def _choose(config, cell, cpu_because):
    """The part of a cell that the command line asks for, and why any of it is left out."""
    asked = config.getoption
    name = unasked(asked, concept=cell.concept, dtype=cell.dtype, device=cell.device)
    if name:
        law = f": a CPU law, {cpu_because}" if name == "device" and cpu_because else ""
        return None, as_option(asked, name) + law
    rungs = tuple(r for r in cell.rungs if r in (asked("rung") or cell.rungs))
    reason = None if rungs == cell.rungs else as_option(asked, "rung")
    return (cell._replace(rungs=rungs) if rungs else None), reason


def pytest_collection_modifyitems(config, items):
    """A law that is about no concept is left out when a slice is asked for."""
    rest = [item for item in items if not is_left_out(item)]
    if any(config.getoption(option) for option in ("concept", "rung", "dtype", "device")):
        whole = [item for item in rest if not {"cell", "benchmark"} & set(item.fixturenames)]
        rest = [item for item in rest if item not in whole]
        reason = {"a slice was asked for: laws about the whole": len(whole)} if whole else {}
        config.pluginmanager.get_plugin("verdict").left_out.update(reason)
    if config.getoption("quick"):
        chosen = [item for item in rest if is_quick(item)]
        config.pluginmanager.get_plugin("verdict").left_out["--quick: other laws"] = len(rest) - len(chosen)
        rest = chosen
    items[:] = rest


def is_quick(item):
    """Whether an item is a law of agreement or of bits, or one by which its family says that a concept is judged."""
    law = f"{item.module.__name__.rpartition('.')[2]}.{item.originalname}"
    cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
    return cell is not None and (law in QUICK or law in family_of(cell.concept).judged_by.values())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call):
    """Where a rung has left another trace than the formula, the failure says which planted bug that looks like."""
    complaint = call.excinfo and call.excinfo.value
    if isinstance(complaint, Different) and complaint.about:
        complaint.add_note(looks_like(*complaint.about))


def pytest_collection_finish():
    gc.freeze()  # what was imported and collected stays, and is not looked through again


def pytest_runtestloop(session):
    if session.config.getoption("spec"):
        print(specification(session.items))
        return True
    return None


def specification(items):
    """The laws as Markdown: a chapter's thesis, then what each of its laws states."""
    chapters = {}
    for item in items:
        chapters.setdefault(item.module, {})[item.originalname or item.name] = item.function.__doc__ or ""
    return "\n".join(line for module, laws in chapters.items() for line in _chapter(module, laws))


def _chapter(module, laws):
    yield f"## {' '.join(module.__doc__.split())}\n"
    for name, statement in laws.items():
        yield f"- **{name.removeprefix('test_').replace('_', ' ')}.** {' '.join(statement.split())}"
    yield ""
