"""python -m tests.planted.holes [NAME ...]: holes in the tests themselves, and that some law notices each.

A hole is a text changed in a copy of the project: an entry deleted from a table, a layout that is no longer drawn, a
door that hands on torch's class for the stranger's.  One law is then asked there, as a reader asks it, and has to fail
with words that say what is missing.
"""

import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
PARTS = ("impls", "tests", "docs", "conftest.py", "pyproject.toml", "README.md", "CONTRIBUTING.md")
FAMILIES, SUBJECTS = "tests/test_families.py", "tests/subjects/test_subjects.py"
EXACTNESS = "tests/engine/test_exactness.py"
IS_DRAWN, CAN_DIFFER = f"{FAMILIES}::test_every_concept_is_drawn", f"{FAMILIES}::test_what_can_differ_is_drawn"
OPTIONS, RAISES = f"{FAMILIES}::test_every_option_is_drawn", f"{FAMILIES}::test_every_refusal_of_natives_constructor_is_asked"
AGREE = f"{FAMILIES}::test_rungs_leave_the_same_trace"
WRONG, RIGHT = f"{SUBJECTS}::test_what_is_wrong_is_told_what_it_looks_like", f"{SUBJECTS}::test_what_is_torchs_passes_whatever_its_shape"
LACKS, BOUND = f"{SUBJECTS}::test_what_a_subject_lacks_is_not_run_by_name", f"{SUBJECTS}::test_four_roundings_are_allowed_and_no_more"
HOSTILE, ASKED = f"{SUBJECTS}::test_what_is_hostile_costs_one_verdict", f"{SUBJECTS}::test_a_law_is_asked_of_a_subject_if_every_rung_must_hold_it"


class Hole(NamedTuple):
    name: str
    file: str
    old: str  # a text that stands once in the file, and what stands there instead
    new: str
    law: str
    about: str = ""  # of its tests the one whose name has this in it
    words: str = ""  # of the law's complaint


HOLES = [
    # a concept, an option, a form or an attempt that a table has no longer
    Hole("optimizer_deleted", "tests/optim/family.py", '"optim.radam": optimizer(', '"optim.deleted": optimizer(', IS_DRAWN, "optim.radam-", "nobody draws optim.radam: give it an entry in tests/optim/family.py"),
    Hole("layer_deleted", "tests/nn/family.py", '"nn.silu": layer(', '"nn.deleted": layer(', IS_DRAWN, "nn.silu-", "nobody draws nn.silu: give it an entry in tests/nn/family.py"),
    Hole("loss_deleted", "tests/losses/family.py", '"losses.huber": loss(', '"losses.deleted": loss(', IS_DRAWN, "losses.huber-", "nobody draws losses.huber"),
    Hole("schedule_deleted", "tests/schedules/problems.py", '"schedules.exponential_lr": some({"gamma": GAMMAS}),', "", IS_DRAWN, "schedules.exponential_lr-", "nobody draws schedules.exponential_lr"),
    Hole("module_judged_by_nothing", "tests/nn/family.py", '"nn.buffer": "test_module.test_a_buffer_is_a_plain_tensor_with_a_mark"', '"nn.deleted": "test_module.test_a_buffer_is_a_plain_tensor_with_a_mark"', IS_DRAWN, "nn.buffer-", "nobody draws nn.buffer"),
    Hole("option_deleted", "tests/optim/family.py", "options(betas=BETAS, eps=EPS, weight_decay=DECAY, amsgrad=st.booleans()),", "options(betas=BETAS, eps=EPS, weight_decay=DECAY),", OPTIONS, "optim.adamw-", "manual: amsgrad"),
    Hole("option_of_a_layer_deleted", "tests/nn/layer_problems.py", '"momentum": draw(MOMENTUM, label="momentum"),', '"momentum": 0.1,', OPTIONS, "nn.batch_norm1d-", "momentum"),
    Hole("attempt_deleted", "tests/optim/refused.py", '"alpha below 0": {"alpha": -0.1},', "", RAISES, "optim.rmsprop-", "attempt it in tests/optim/refused.py"),
    Hole("form_of_another_step", "tests/optim/admissible.py", "/ (1 - beta2**t) ** 0.5 + eps\n    return w - lr / (1 - beta1**t) * m / denominator, adam.State", "/ (1 - beta2**t) + eps\n    return w - lr / (1 - beta1**t) * m / denominator, adam.State", AGREE, "optim.adam- and float64-cpu", "adam_by_kernels is no admissible form of optim.adam, tests/optim/admissible.py"),
    Hole("form_of_another_average", "tests/training/admissible.py", "return lerp(average, current, 1 - decay)", "return average + 5 * decay * (current - average)", AGREE, "training.ema- and float64-cpu", "ema_by_lerp is no admissible form of training.ema, tests/training/admissible.py"),
    Hole("union_of_two_quantities", "tests/engine/bounded.py", "SLACK * (self.error + other.error)):", "np.inf):", f"{EXACTNESS}::test_two_quantities_have_no_union"),
    # what can differ, and no longer does
    Hole("never_transposed", "tests/engine/arrays.py", 'st.sampled_from(["contiguous", "transposed", ', 'st.sampled_from(["contiguous", ', CAN_DIFFER, "optim.sgd-", "no problem shows a gradient that is transposed, a parameter that is transposed: draw it in tests/optim/problems.py"),
    Hole("never_strided", "tests/engine/arrays.py", '"contiguous", "strided", "channels last", "offset"])', '"contiguous", "channels last", "offset"])', CAN_DIFFER, "nn.relu-", "an input that is strided"),
    Hole("never_behind_an_offset", "tests/engine/arrays.py", '"channels last", "offset"])', '"channels last"])', CAN_DIFFER, "optim.adam-", "a parameter that is behind an offset"),
    Hole("never_expanded", "tests/engine/arrays.py", "EXPANDED = st.sampled_from([False, False, False, True])", "EXPANDED = st.just(False)", CAN_DIFFER, "optim.adam-", "a gradient that is expanded"),
    Hole("losses_never_expanded", "tests/nn/layers.py", "dy=draw(laid_out(problem.dy, expanded=True))", "dy=draw(laid_out(problem.dy))", CAN_DIFFER, "losses.mse-", "a gradient from above that is expanded"),
    Hole("counts_of_bfloat16", "tests/optim/family.py", "257, 2048, 2049, 9999, 65504, 65505, 2**24 - 2])", "257, 2048])", CAN_DIFFER, "optim.adam-", "a count at the end of float32's, a count beyond float16's, a count beyond float16's range"),
    Hole("one_rate", "tests/optim/problems.py", "LRS = st.sampled_from([1.0, 0.1, 0.01, 1e-3])", "LRS = st.just(0.1)", CAN_DIFFER, "optim.rprop-", "a rate that changes"),
    Hole("every_gradient_is_there", "tests/optim/problems.py", "    if draw(FIFTHS) == 4:\n        return None\n", "", CAN_DIFFER, "optim.sgd-", "a gradient that is missing"),
    Hole("never_restored", "tests/optim/problems.py", "restore=st.booleans() if restore else st.just(False)", "restore=st.just(False)", CAN_DIFFER, "optim.adam-", "a state that is saved and loaded"),
    Hole("never_without_elements", "tests/engine/arrays.py", "empty = empty and max_dims > 0 and draw(TENTHS) == 9", "empty = False", CAN_DIFFER, "losses.mse-", "an input without elements"),
    Hole("sizes_never_coincide", "tests/engine/arrays.py", "return draw(_sides(draw(_whole(max(min_dims, empty), max_dims)), 1 - empty, max_side))", "return draw(_sides(draw(_whole(max(min_dims, empty), max_dims)), 1 - empty, max_side).filter(lambda s: len({*s}) == len(s)))", CAN_DIFFER, "optim.sgd-", "a parameter whose sizes coincide"),
    Hole("everybody_needs_a_gradient", "tests/nn/problems.py", "return st.just((True,) * n) | st.tuples(*[HALVES] * n)", "return st.just((True,) * n)", CAN_DIFFER, "nn.linear-", "nobody who needs a gradient"),
    Hole("groups_with_one_rate", "tests/schedules/problems.py", "RATES = st.lists(LRS, min_size=1, max_size=2) | st.lists(LRS, min_size=2, max_size=2) | ", "RATES = ", CAN_DIFFER, "schedules.step_lr-", "groups with rates of their own"),
    # what is compared, and with what
    Hole("settings_are_exact", "tests/engine/known.py", "return Setting(value) if type(value) is float else value", "return value", f"{SUBJECTS}::test_who_computes_more_exactly_is_not_blamed"),
    Hole("state_of_a_stranger_unseen", "tests/optim/trace.py", "return Opaque(numbers | tensors)", "return Opaque()", WRONG, "NeverAverages"),
    # a door that shows something else than what stands before it
    Hole("every_class_is_torchs", "tests/optim/door.py", "_Stepper(thing, [*map", "_Stepper(native, [*map", WRONG, "EpsilonHat"),
    Hole("every_loss_is_torchs", "tests/nn/door.py", "return _OnArrays.apply(thing(**settings)", "return torch.nn.functional.mse_loss(*inputs) if 1 else _OnArrays.apply(thing(**settings)", WRONG, "mse_of_rows"),
    Hole("state_ignored", "tests/optim/door.py", "state[p].kept if p in state else init(w)", "init(w)", RIGHT, "functional_sgd"),
    Hole("rate_of_the_first_step", "tests/schedules/door.py", "self.t += 1", "self.t += 0", RIGHT, "cosine"),
    Hole("defaults_given", "tests/capabilities.py", "if own(k) or not same(k, v)", "if takes(thing, k) or not same(k, v)", WRONG, "summed_mse"),
    Hole("no_gradient_asked", "tests/nn/door.py", "MANY = 100", "MANY = 0", WRONG, "TwiceTheGradient"),
    Hole("gradient_of_any_shape", "tests/nn/door.py", "if (g.shape, str(g.dtype)) !=", "if () and (g.shape, str(g.dtype)) !=", HOSTILE, "gradient_of_another_shape"),
    Hole("globals_unwatched", "tests/capabilities.py", "if get() != world[name]", "if False", HOSTILE, "ChangesTheDtype"),
    Hole("inputs_unwatched", "tests/capabilities.py", "copies = [_copy(x) for x in inputs]", "inputs, copies = (), []", HOSTILE, "WritesTheGradient"),
    Hole("late_is_equal", "tests/subjects/__init__.py", 'return Outcome("DIFFERENT", f"it did not return', 'return Outcome("equal", f"it did not return', HOSTILE, "Hangs"),
    Hole("a_crash_is_equal", "tests/subjects/__init__.py", 'return Outcome("DIFFERENT", f"it ended', 'return Outcome("equal", f"it ended', HOSTILE, "Exits"),
    Hole("a_raise_is_equal", "tests/subjects/__init__.py", 'return Outcome("DIFFERENT", _words(raised))', 'return Outcome("equal", _words(raised))', HOSTILE, "Raises"),
    Hole("lacking_is_equal", "tests/subjects/__init__.py", 'return Outcome("not run", str(absent))', 'return Outcome("equal", str(absent))', LACKS, ""),
    Hole("bound_too_wide", "tests/subjects/__init__.py", "ROUNDINGS = 4", "ROUNDINGS = 40", BOUND, ""),
    Hole("bound_too_narrow", "tests/subjects/__init__.py", "ROUNDINGS = 4", "ROUNDINGS = 1", BOUND, ""),
    Hole("first_cause_that_comes", "tests/planted/causes.py", "if shows(bug, case, seen + case.agreed[-WITNESSES:], part):", "if True:", WRONG, "averaging_sgd"),
    Hole("every_call_is_torchs", "tests/door.py", "self._called(role, thing, _in_form(form, thing), ", "self._called(role, thing, LADDERS[role].native, ", WRONG, "clip_each"),
    Hole("what_is_moved_is_lost", "tests/training/door.py", "[r is not None]", "[1]", RIGHT, "ema"),
    Hole("measures_unheard", "tests/schedules/door.py", "self._set(measure)", "self._set(0.0)", RIGHT, "plateau"),
    Hole("every_step_admitted", "tests/optim/lbfgs_trace.py", "return str(complaint)", "return ADMITTED", WRONG, "Twice"),
    Hole("drop_ins_alone", "tests/subjects/plugin.py", "return Rung.NATIVE in rungs and set(rungs) - {*DROP_IN} and", "return Rung.NATIVE in rungs and", ASKED, ""),
]  # fmt: skip


def changed(hole):
    """The text of a hole's file, with the change made."""
    source = (ROOT / hole.file).read_text(encoding="utf-8")
    if source.count(hole.old) != 1:
        raise LookupError(f"{hole.name}: {hole.old!r} stands {source.count(hole.old)} times in {hole.file}, not once")
    return source.replace(hole.old, hole.new)


def complaint(hole):
    """What the law says in a copy of the project that has the hole; None if it holds there."""
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, pathlib.Path(folder, part))
        pathlib.Path(folder, hole.file).write_text(changed(hole), encoding="utf-8")
        return _asked(hole.law, hole.about, folder)


@functools.cache
def holds(law, about):
    """Whether a law holds here, without a hole."""
    return _asked(law, about, ROOT) is None


def _asked(law, about, folder):
    chosen = ["-k", about] if about else []
    quiet = ["-n0", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    command = [sys.executable, "-m", "pytest", law, *chosen, *quiet]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{law} came to no verdict: {done.stdout}{done.stderr}")
    return done.stdout if done.returncode else None


def verdict(hole):
    """Whether a law that holds without a hole notices it, and in the words that are asked for."""
    said = complaint(hole)
    if said is None:
        return "SURVIVES"
    if not re.search(hole.words, said):
        return "OTHER WORDS"
    return "noticed" if holds(hole.law, hole.about) else "RED BASELINE"


def main():
    known = {hole.name: hole for hole in HOLES}
    if unknown := [name for name in sys.argv[1:] if name not in known]:
        print(f"no hole {unknown[0]!r}; holes are {', '.join(known)}", file=sys.stderr)
        return 2
    chosen, failed = [known[name] for name in sys.argv[1:] or known], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for hole, word in zip(chosen, pool.map(verdict, chosen), strict=True):
            failed += word != "noticed"
            law = hole.law.partition("::test_")[2]
            print(f"{word:12}  {hole.name:32} {law} {hole.about}".rstrip(), flush=True)
    print(f"\n{len(chosen) - failed} of {len(chosen)} holes are noticed by the law they name")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
