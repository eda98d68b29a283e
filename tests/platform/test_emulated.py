"""The emulated device: to whoever asks torch it is a card, and whoever reads a report knows that it is none."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import torch

from tests.platform.emulated import NAME, absent

ROOT = pathlib.Path(__file__).parents[2]
QUESTIONS = """
import json, tests.platform.emulated, torch
from tests.engine.verdict import environment

def refusal(act):
    try:
        act()
    except RuntimeError as error:
        return str(error)

there, here = torch.ones(3, device="cuda"), torch.ones(3)
of_the_device, of_the_cpu = torch.Generator("cuda").manual_seed(1), torch.Generator().manual_seed(1)
drawn = torch.rand(3, device="cuda", generator=of_the_device), torch.rand(3, generator=of_the_cpu)
print(json.dumps({
    "a sum of two devices": refusal(lambda: there + here),
    "a generator of the other": refusal(lambda: torch.rand(2, device="cuda", generator=torch.Generator())),
    "a number of the CPU": (there * torch.tensor(2.0)).tolist(),
    "draws": [x.tolist() for x in drawn],
    "bytes of a generator": of_the_device.get_state().numel(),
    "pinned": [here.pin_memory().is_pinned(), here.is_pinned()],
    "a third": (torch.arange(1.0, 99.0, device="cuda") / 3).tolist(),
    "cuda": environment()["cuda"],
}))
"""


def ask(*command, **variables):
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=ROOT, timeout=300, env=os.environ | variables
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told():
    if absent():
        pytest.skip(absent())
    return json.loads(ask("-c", QUESTIONS))


def test_two_devices_do_not_mix(told):
    """A tensor of the device and one of the CPU are refused, and a generator of the other; a number is taken."""
    assert "two devices, cuda:0 and cpu" in told["a sum of two devices"]
    assert "Expected a 'cuda' device type for generator" in told["a generator of the other"]
    assert told["a number of the CPU"] == [2.0, 2.0, 2.0]


def test_its_generator_is_not_the_cpus(told):
    """One seed draws other numbers than on the CPU, and the generator's state is a seed and an offset."""
    on_the_device, on_the_cpu = told["draws"]
    assert on_the_device != on_the_cpu
    assert told["bytes of a generator"] == 16


def test_memory_is_pinned_where_that_is_asked_for(told):
    """Pinned is what pin_memory() returns, and nothing else."""
    assert told["pinned"] == [True, False]


def test_no_report_takes_it_for_a_card(told):
    """In every report the device is called what it is."""
    assert told["cuda"] == NAME == "emulated"


def test_a_hostile_card_rounds_otherwise(told):
    """A hostile card divides by a number's reciprocal, as no plain one does, and is off by no more than that rounds."""
    hostile = json.loads(ask("-c", QUESTIONS, HOSTILE="reciprocal"))["a third"]
    numbers = torch.arange(1.0, 99.0)
    assert told["a third"] == (numbers / 3).tolist()
    assert hostile == (numbers * torch.tensor(3.0).reciprocal()).tolist() != told["a third"]


@pytest.mark.parametrize(
    "command",
    [("pytest", "-p", "tests.platform.emulated", "--device", "cuda"), ("tests.platform.emulated", "tests.planted")],
    ids=lambda command: command[0],
)
def test_where_it_cannot_be_it_is_not_run_and_says_so(command):
    """Without a compiler, or on a torch that has CUDA itself, one line says why, and nothing is run."""
    said = ask("-m", *command, PATH="")
    assert said.startswith("not run: the emulated device is")
    assert said.count("\n") == 1
