"""The walk of docs/adding-an-optimizer.md: what it adds to a copy of the project is what an optimizer needs."""

import pathlib
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "adding-an-optimizer.md"
BLOCK = re.compile(
    r"`(?P<file>[\w/.]+)`(?:, after the line `(?P<line>[^`]+)`|, a new file):\n\n```python\n(?P<text>.*?)```", re.DOTALL
)
SUITE = ("impls", "tests", "benchmarks", "docs", "conftest.py", "pyproject.toml", "README.md", "results")


class Addition(NamedTuple):
    file: str
    line: str | None  # after which it stands; None where the file is new
    text: str


ADDITIONS = [Addition(*found.groups()) for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def walked(folder, *left_out):
    """A copy of the project with all that the page adds, but for what it adds to some files."""
    for name in SUITE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for addition in ADDITIONS:
        if addition.file not in left_out:
            add(folder / addition.file, addition)
    return folder


def add(path, addition):
    before = path.read_text(encoding="utf-8") if addition.line else ""
    assert before.count(f"{addition.line}\n") == 1 or not addition.line, addition
    text = before.replace(f"{addition.line}\n", f"{addition.line}\n{addition.text}") if addition.line else addition.text
    path.write_text(text, encoding="utf-8")


def run(folder, *command):
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)


LAWS = ("pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", "signsgd")


def test_what_the_page_adds_is_enough(tmp_path):
    """With all that the page adds the laws about the concept hold, and its planted bugs are rejected."""
    folder = walked(tmp_path)
    laws = run(folder, *LAWS, "tests/test_ladder.py", "tests/test_families.py", "tests/optim/test_optim.py")
    assert laws.returncode == 0, laws.stdout
    planted = run(folder, "tests.planted", "optim.signsgd")
    assert planted.returncode == 0, planted.stdout
    assert "3 of 3 rejected" in planted.stdout


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("tests/optim/family.py", "nobody draws optim.signsgd: give it an entry in tests/optim/family.py"),
        ("tests/optim/bugs.py", "plant a bug that test_families.test_rungs_leave_the_same_trace rejects"),
    ],
)
def test_what_the_page_adds_is_needed(tmp_path, file, words):
    """Without its entry, or without its bugs, an optimizer is red, and the law says which table to edit."""
    laws = run(walked(tmp_path, file), *LAWS, "tests/test_families.py")
    assert laws.returncode == 1
    assert words in laws.stdout
