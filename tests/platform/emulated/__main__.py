"""python -m tests.platform.emulated MODULE [ARGUMENT ...]: run a module as `python -m` does, on the emulated device."""

import runpy
import sys

from tests.platform.emulated import ABSENT

if ABSENT:
    print(f"not run: {ABSENT}")
else:
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
