"""Types: mypy reads the bodies of the rungs, so that a method that nobody has is an error before anything is run."""

import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed: pip install '.[dev]'")
def test_a_method_that_nobody_has_is_found(tmp_path):
    """A call of a method that no class defines, within an optimizer's step, is an error of mypy's."""
    shutil.copytree(ROOT / "impls", tmp_path / "impls")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / "impls" / "optim" / "sgd.py"
    text = file.read_text(encoding="utf-8")
    first = "    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:\n"
    assert text.count(first) == 1
    file.write_text(text.replace(first, f"{first}        self.no_such_method(1, 2, 3)\n"), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "-p", "impls.optim", f"--cache-dir={ROOT}/.mypy_cache"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "sgd.py:" in found.stdout
    assert '"SGD" has no attribute "no_such_method"' in found.stdout, found.stdout
