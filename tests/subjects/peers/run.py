"""A plugin of pytest's: beside `--subject`, what a run has found out about the peers is written to a file."""

import importlib
import json
import pathlib

import hypothesis
import pytest
import torch.fx.experimental.symbolic_shapes  # noqa: F401 -- every process would import it at its first backward

from tests import subjects
from tests.subjects.peers import LIMIT

EXAMPLES = 10  # of each law; whole libraries stand behind each of them, and JAX compiles for every shape


def pytest_addoption(parser):
    parser.addoption("--found", metavar="FILE", help="write what is found out about the peers")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """A library is imported before the first process parts, so that it costs its seconds once."""
    dev = hypothesis.settings.get_profile("dev")
    hypothesis.settings.register_profile("peers", parent=dev, max_examples=EXAMPLES, database=None)
    hypothesis.settings.load_profile("peers")
    subjects.LIMIT = LIMIT
    for name in {given.partition("=")[2].partition(":")[0] for given in config.getoption("subject")}:
        importlib.import_module(f"tests.subjects.peers.{pathlib.Path(name).stem}")


def pytest_sessionstart(session):
    """What is declared has an example of its own: nobody looks for another."""
    judge = session.config.pluginmanager.get_plugin("subjects")
    judge.report = lambda subject: ""
    judge.lines = lambda subject, outcomes: ()


def pytest_sessionfinish(session):
    judge, found = session.config.pluginmanager.get_plugin("subjects"), {}
    for subject, outcomes in judge.outcomes.items():
        library = subject.path.stem.removesuffix("_peer")
        found.setdefault(library, {})[f"{subject.role}={subject.name}"] = {
            "laws": {f"{law} {dtype or ''}".strip(): _told(outcome) for law, dtype, outcome in outcomes},
            "bits": judge.bits(subject),
        }
    pathlib.Path(session.config.getoption("found")).write_text(json.dumps(found), encoding="utf-8")


def _told(outcome):
    return f"{outcome.word}: {outcome.told}" if outcome.told else outcome.word
