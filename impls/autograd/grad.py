r"""Reverse mode: the gradient of outputs at inputs, from the graph that their computation left behind.

    ∂x = Σ ∂y · ∂y/∂x        over every y that was computed from x; an operation runs when all its ∂y have arrived

Operations run newest first: a result is newer than its operands, so no gradient is passed on before its last part has
arrived.  Depth first, in order of discovery, passes on a part of it where a value is used twice, at different depths
(tests/planted: grad_order_of_discovery).  Nothing recurses: a chain may be as long as memory.

Shapes   each gradient has its input's shape; grad_outputs may be left out where the output is a scalar.
Units    [∂x] = [∂y] [y] / [x].
Raises   RuntimeError: an output that needs no gradient or is no scalar, an input that was not used, a graph run twice.
Source   Linnainmaa 1976, Taylor expansion of the accumulated rounding error; torch/autograd/__init__.py (PyTorch 2.13).
"""

import numpy as np
import torch

from impls.autograd.no_grad import grad_mode
from impls.ladder import Absent, Ladder

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def grad_raw(output, inputs, grad_output):
    """torch's own graph, walked by hand: a node is called with its gradient and returns its operands' gradients."""
    arrived = {output.grad_fn: grad_output}
    for node in _topological_raw(output.grad_fn):
        if node.next_functions and node in arrived:
            parts = node(arrived.pop(node))
            parts = parts if isinstance(parts, tuple) else (parts,)
            for (edge, _), part in zip(node.next_functions, parts, strict=True):
                if edge is not None:
                    arrived[edge] = arrived[edge] + part if edge in arrived else part
    at = {node.variable: g for node, g in arrived.items()}
    return tuple(at[x] for x in inputs)


def _topological_raw(root):
    """Every node before those it leads to."""
    finished, seen, stack = [], set(), [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            finished.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((edge, False) for edge, _ in node.next_functions if edge is not None)
    return finished[::-1]


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """Drop-in for torch.autograd.grad, on the tape."""
    if not only_inputs or is_grads_batched or materialize_grads:
        raise NotImplementedError("the tape has only_inputs=True, and neither batched nor materialized gradients")
    outputs, inputs = _tuple(outputs), _tuple(inputs)
    seeds = _tuple(grad_outputs) if grad_outputs is not None else (None,) * len(outputs)
    at = gradients(outputs, seeds, {edge_of(x) for x in inputs}, retain_graph, create_graph)
    found = tuple(at.get(edge_of(x)) for x in inputs)
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return found


def _tuple(x):
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def edge_of(tensor):
    """Where its gradient arrives: at the operation that computed it, or, of a leaf, at itself."""
    return tensor if tensor.grad_fn is None else tensor.grad_fn


def gradients(outputs, seeds, wanted=None, retain_graph=None, create_graph=False):
    """The gradient that arrives at each wanted edge, or at each leaf."""
    arrived = {}
    for output, seed in zip(outputs, seeds, strict=True):
        _arrive(arrived, edge_of(output), _seed(output, seed))
    retain_graph = create_graph if retain_graph is None else retain_graph
    nodes, kept = _newest_first(arrived), {}
    useful = nodes if wanted is None else _leading_to(wanted, nodes)
    with grad_mode(create_graph):
        for node in nodes:
            g = arrived.pop(node, None)
            if g is None:
                continue
            if wanted is not None and node in wanted:
                kept[node] = g
            if node in useful:
                for edge, part in node.propagate(g, retain_graph):
                    _arrive(arrived, edge, part)
    return kept | arrived


def _seed(output, seed):
    if not output.requires_grad:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    if seed is None and output.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    return type(output)(np.ones(output.shape, output.dtype)) if seed is None else seed


def _arrive(arrived, edge, part):
    arrived[edge] = arrived[edge] + part if edge in arrived else part


def _newest_first(edges):
    found, stack = {}, list(edges)
    while stack:
        edge = stack.pop()
        if edge not in found and hasattr(edge, "edges"):
            found[edge] = True
            stack.extend(e for e in edge.edges if e is not None)
    return dict.fromkeys(sorted(found, key=lambda node: -node.serial))


def _leading_to(wanted, nodes):
    useful = set()
    for node in reversed(nodes):
        if any(e in wanted or e in useful for e in node.edges):
            useful.add(node)
    return useful


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand there is no graph: the backward of each Pair is its derivative"),
    grad_raw,
    grad,
    torch.autograd.grad,
)
