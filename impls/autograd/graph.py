r"""The graph of a computation, drawn: what a gradient will go through, from the result back to the parameters.

    green  the result          grey  an operation          blue  a parameter, where gradients are added up

An arrow points the way the values went.  What needs no gradient has no box: neither data, nor what was computed with
grad mode off (tests/planted: graph_data_in_a_box).  Only names and edges are read, so torch's graph is drawn as the
tape's is, and the two pictures can be compared as text.

Shapes   any.
Units    none.
Raises   FileNotFoundError: a picture is asked for, and Graphviz is not installed.
Source   torchviz/dot.py (0.0.3), for the conventions; the DOT language of Graphviz.
"""

import subprocess

from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────

STYLE = "node [style=filled shape=box align=left fontsize=10 ranksep=0.1 height=0.2 fontname=monospace]"
RESULT, PARAMETER = "darkolivegreen1", "lightblue"


class Dot(str):
    """A graph in the DOT language."""

    __slots__ = ()

    def svg(self):
        """The picture, by Graphviz."""
        try:
            return subprocess.run(["dot", "-Tsvg"], input=self, capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            raise FileNotFoundError("Graphviz, whose program `dot` draws the picture, is not installed") from None


def make_dot(var, params=None):
    """The graph that leads to `var`; `params` names the parameters, as dict(model.named_parameters()) does."""
    names = {id(p): name for name, p in (params or {}).items()}
    numbers: dict = {}
    lines, stack = [_box("result", _size(var), RESULT)], []

    def visit(node):
        if node not in numbers:
            numbers[node] = len(numbers)
            stack.append(node)
        return numbers[node]

    if var.grad_fn is not None:
        lines.append(f"{visit(var.grad_fn)} -> result")
    while stack:
        node = stack.pop()
        lines.append(_box(numbers[node], node.name().rpartition("::")[2]))
        if hasattr(node, "variable"):
            lines.append(_box(f"p{numbers[node]}", _label(node.variable, names), PARAMETER))
            lines.append(f"p{numbers[node]} -> {numbers[node]}")
        lines += [f"{visit(edge)} -> {numbers[node]}" for edge, _ in node.next_functions if edge is not None]
    return Dot("digraph {\n" + "\n".join([STYLE, *lines]) + "\n}\n")


def _box(name, label, color=None):
    return f'{name} [label="{label}"{f" fillcolor={color}" if color else ""}]'


def _label(parameter, names):
    return f"{names.get(id(parameter), '')}\\n{_size(parameter)}"


def _size(x):
    return str(tuple(x.shape))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand there is no graph: the order of calls is the program's text"),
    Absent("it is the same function: it reads what both graphs have, names and edges"),
    make_dot,
    Absent("torch keeps a graph and does not draw it; torchviz does"),
)
