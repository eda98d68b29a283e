"""A CUDA device where there is none: `python -m pytest -p tests.platform.emulated --device cuda`, and for any other
command `python -m tests.platform.emulated MODULE ...`.

Values and mistakes are a card's: a tensor knows its device, two devices do not mix, the generator is not the CPU's, and
torch's defaults for CUDA apply.  Kernels and times are the CPU's, so nothing that is measured here says how a card
rounds; the variable HOSTILE, of `order`, `wide`, `ulps` and `reciprocal` with commas between, lets the kernels round as
a card's may (hostile.h).

Torch looks for its CUDA hooks once, as it is imported, so this has to come before it.  It is built by g++ for the torch
that is installed, into build/emulated, and only where that torch has been built without CUDA.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
KEPT = HERE.parents[2] / "build" / "emulated"
NAME = "emulated"  # of the device, in every report
SOURCES = (HERE / "device.cpp", HERE / "hostile.h")

# Operators with no deterministic kernel on a card, of those that a loop of training may meet (docs of
# torch.use_deterministic_algorithms).
ALERTING = ["nll_loss2d_forward", "nll_loss2d_forward.output", "put_", "histc", "median.dim_values"]


def folder(package):
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])


def absent():
    """Why there is no such device here, in one line; nothing where there is."""
    about = runpy.run_path(str(folder("torch") / "version.py"))
    if about["cuda"]:
        return (
            f"the {NAME} device is for torch's CPU builds, and this is {about['__version__']} for CUDA {about['cuda']}"
        )
    if not shutil.which("g++"):
        return f"the {NAME} device is built by g++, which is not here"
    return ""


def built():
    """The library, compiled where it was not for this torch and these sources."""
    torch = folder("torch")
    text = b"".join(path.read_bytes() for path in (*SOURCES, torch / "version.py"))
    library = KEPT / f"{hashlib.sha256(text).hexdigest()[:16]}.so"
    if not library.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        new = library.with_suffix(f".{os.getpid()}")
        include = [f"-I{torch / part}" for part in ("include", "include/torch/csrc/api/include")]
        link = [
            f"-L{torch / 'lib'}",
            f"-Wl,-rpath,{torch / 'lib'}",
            "-Wl,--no-as-needed",
            "-ltorch",
            "-ltorch_cpu",
            "-lc10",
        ]
        subprocess.run(
            ["g++", "-std=c++20", "-O1", "-shared", "-fPIC", str(SOURCES[0]), "-o", str(new), *include, *link],
            check=True,
        )
        new.replace(library)
    return library


def unchecked():
    """The operators whose kernels check devices themselves, as torch's own table of operators says: they take a number
    from the CPU."""
    table = (folder("torchgen") / "packaged" / "ATen" / "native" / "native_functions.yaml").read_text(encoding="utf-8")
    entries = re.split(r"^- func: ", table, flags=re.MULTILINE)[1:]
    return [f"aten::{entry.partition('(')[0]}" for entry in entries if "\n  device_check: NoCheck" in entry]


def put_into(torch):
    """Tell torch.cuda, which in a CPU build knows no device, of this one."""
    ours, answers = torch.ops.emulated, {
        "_is_compiled": True, "is_available": True, "is_initialized": True, "device_count": 1, "current_device": 0,
        "get_device_name": NAME, "get_device_capability": (0, 0), "is_current_stream_capturing": False,
        "_exchange_device": 0, "_maybe_exchange_device": 0, "synchronize": None, "_lazy_init": None,
        "set_device": None, "empty_cache": None,
    }  # fmt: skip
    acts = {
        "manual_seed": lambda seed: ours.seed(int(seed) & (2**63 - 1)),
        "initial_seed": ours.initial_seed,
        "get_rng_state": lambda device="cuda": ours.get_state(),
        "set_rng_state": lambda state, device="cuda": ours.set_state(state),
        "get_rng_state_all": lambda: [ours.get_state()],
        "set_rng_state_all": lambda states: ours.set_state(*states),
        "device": contextlib.nullcontext,
        "_DeviceGuard": contextlib.nullcontext,
    }
    acts["manual_seed_all"] = acts["manual_seed"]
    for name, answer in answers.items():
        acts[name] = lambda *_, answer=answer, **__: answer
    for name, act in acts.items():
        for module in (torch.cuda, torch.cuda.random):
            if hasattr(module, name):
                setattr(module, name, act)

    torch._C._cuda_getCurrentRawStream = lambda device: 0  # imported by torch._dynamo wherever there is CUDA

    def copied(storage, device=None):
        whole = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
        return whole.to(device or storage.device, copy=True).untyped_storage()

    torch.UntypedStorage.clone = copied  # which, as loading from a file, asks for memory that a CPU build does not have
    torch.UntypedStorage.to = lambda storage, *, device, non_blocking=False: copied(storage, device)


def load():
    ctypes.CDLL(str(built()))
    import torch

    ways = os.environ.get("HOSTILE", "").split(",")
    torch.ops.emulated.open(unchecked(), [f"aten::{name}" for name in ALERTING], [way for way in ways if way])
    put_into(torch)


ABSENT = absent()
LATE = "torch" in sys.modules  # this is imported to be asked about, and not for the device
if not ABSENT and not LATE:
    load()

# ── as a plugin of pytest ──


def pytest_cmdline_main():
    """Nothing is run where there is no such device."""
    if ABSENT:
        print(f"not run: {ABSENT}")
        return 0
    if LATE:
        raise pytest.UsageError(f"-p {__name__}: torch was imported before it, and has looked for a device")
    return None


def pytest_report_header():
    return f"cuda: {NAME}, the CPU's kernels behind a device's name: nothing here is a card's result"
