"""The pages of docs/walkthroughs: what a document teaches, the lines that each stage changes, and the errata.

`python -m impls.walkthroughs --pages docs/walkthroughs` writes them from the code and from a run of it.
"""

import difflib
import inspect
import textwrap

import numpy as np

from impls import native
from impls.walkthroughs.stages import listing, run, title


def page(name, module):
    """The page of one walkthrough, as Markdown."""
    parts = [f"# {module.__doc__.splitlines()[0].rstrip('.')}", _rest(module.__doc__), _how(name)]
    data, number = module.data(), 0
    for line in module.LINES:
        parts.append(f"## {line.title}")
        above = None
        for stage in line.stages:
            number += 1
            parts.append(f"**{number}. {title(stage)}** (`{stage.__name__}`)")
            parts.append(_fenced("python", program(stage)) if above is None else _fenced("diff", changes(above, stage)))
            above = stage
        parts.append(results(line, data, number - len(line.stages)))
    parts.append("## Errata\n\nWhat the document prints, or shows to fail; what comes of it; and where it is mended.")
    errata = [(f"`{e.printed}`", f"`{e.fails}`", e.mended) for e in module.ERRATA]
    parts.append(_table(("as printed", "what comes of it", "mended by"), errata))
    return "\n\n".join(parts) + "\n"


def _rest(doc):
    return textwrap.dedent(doc.partition("\n")[2]).strip()


def _how(name):
    file = f"impls/walkthroughs/{name.replace('-', '_')}.py"
    return (
        f"`python -m impls.walkthroughs {name}` runs every stage, with our objects and with torch's, and certifies "
        f"each step. `python -m impls.walkthroughs --pages docs/walkthroughs` makes this page from "
        f"[`{file}`](../../{file})."
    )


def program(stage):
    """What a stage defines besides the stages above it, and then its lines."""
    return [*_definitions(stage), *listing(stage)]


def _definitions(stage):
    """The classes and functions of its own file that a stage uses, directly or not, in the order of the file."""
    module, found, waiting = inspect.getmodule(stage), {}, [stage]
    while waiting:
        for name in _names(waiting.pop()):
            used = vars(module).get(name)
            if name not in found and getattr(used, "__module__", None) == module.__name__ and not _is_stage(used):
                found[name] = used
                waiting.append(used)
    ordered = sorted(found.values(), key=lambda used: inspect.getsourcelines(used)[1])
    return [line for used in ordered for line in inspect.getsource(used).splitlines() if line.strip()]


def _is_stage(definition):
    return inspect.isgeneratorfunction(definition)


def _names(definition):
    """The names that a function or a class refers to."""
    if inspect.isclass(definition):
        return [name for part in vars(definition).values() if inspect.isfunction(part) for name in _names(part)]
    code, names = [definition.__code__], []
    while code:
        block = code.pop()
        names += block.co_names
        code += [constant for constant in block.co_consts if inspect.iscode(constant)]
    return names


def changes(above, stage):
    """The lines that go and the lines that come, and nothing else."""
    old, new, lines = program(above), program(stage), []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            lines += [f"-{line}" for line in old[i:j]] + [f"+{line}" for line in new[k:m]]
        elif lines:
            lines.append(" ...")
    return lines[:-1] if lines and lines[-1] == " ..." else lines


def results(line, data, before):
    rows = []
    for number, stage in enumerate(line.stages, before + 1):
        found = run(stage, native, data)
        reached = " ".join(f"{w:.4f}" for w in np.concatenate([a.ravel() for a in found.steps[-1].params])[:2])
        same = f"certified: {line.rounds[stage]}" if stage in line.rounds else "to the bit"
        above = same if stage is not line.stages[0] else "-"
        rows.append((number, f"`{stage.__name__}`", len(listing(stage)), len(found.steps), reached, above))
    return _table(("", "stage", "lines", "steps", "parameters reached", "same step as above"), rows)


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in lines)


def _fenced(language, lines):
    return "\n".join([f"```{language}", *lines, "```"])
