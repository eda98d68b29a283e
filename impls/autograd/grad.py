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

import operator

import numpy as np
import torch

from impls.autograd.enable_grad import enable_grad
from impls.autograd.no_grad import no_grad
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
                    part = part.sum_to_size(edge._input_metadata[0].shape)
                    arrived[edge] = arrived[edge] + part if edge in arrived else part
    at = {node.variable: g for node, g in arrived.items()}
    return tuple(at.get(x) for x in inputs)


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
    if not only_inputs or is_grads_batched:
        raise NotImplementedError("the tape has neither only_inputs=False nor batched gradients")
    inputs = as_tuple(inputs)
    edges = [x._edge() for x in inputs]
    if any(edge is None for edge in edges):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = gradients(as_tuple(outputs), as_tuple(grad_outputs), set(edges), retain_graph, create_graph)
    unused = [i for i, edge in enumerate(edges) if edge not in found]
    if unused and not (allow_unused or materialize_grads):
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return tuple(
        found.get(e, x._filled(0.0) if materialize_grads else None) for e, x in zip(edges, inputs, strict=True)
    )


def as_tuple(x):
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def gradients(outputs, seeds, wanted, retain_graph, create_graph):
    """The gradient that arrives at each wanted edge, or, where `wanted` is None, at each leaf."""
    pack, unpack = (_same, _same) if create_graph else (type(outputs[0])._of, operator.attrgetter("_array"))
    retain_graph = create_graph if retain_graph is None else retain_graph
    arrived, kept = {}, {}
    for i, output in enumerate(outputs):
        _arrive(arrived, output._edge(), unpack(_seed(i, output, seeds[i] if len(seeds) > i else None)))
    nodes = _newest_first(arrived)
    useful = nodes if wanted is None else _leading_to(wanted, nodes)
    with enable_grad() if create_graph else no_grad(), np.errstate(all="ignore"):
        for node in nodes:
            if node in arrived:
                g = _hooked(node, arrived.pop(node), pack, unpack)
                if wanted is not None and node in wanted:
                    kept[node] = g
                if node in useful:
                    for edge, part in node.propagate(g, retain_graph, create_graph):
                        _arrive(arrived, edge, part)
        leaves = {leaf: _hooked(leaf, g, pack, unpack) for leaf, g in arrived.items()}
    return {edge: pack(g) for edge, g in (kept | leaves).items()}


def _same(x):
    return x


def _seed(i, output, seed):
    if not output.requires_grad:
        raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
    if seed is None and output.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if seed is not None and seed.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({list(seed.shape)}) and output[{i}] has a "
            f"shape of torch.Size({list(output.shape)})."
        )
    return output._filled(1.0) if seed is None else seed


def _arrive(arrived, edge, part):
    arrived[edge] = arrived[edge] + part if edge in arrived else part


def _hooked(edge, g, pack, unpack):
    """The gradient after the hooks of the tensor whose it is, which may also keep it."""
    if edge.hooks:
        for hook in tuple(edge.hooks.values()):
            new = hook(pack(g))
            g = g if new is None else unpack(new)
    if edge.retained is not None:
        accumulate(edge.retained(), pack(g))
    return g


def accumulate(tensor, g):
    """Add to what a tensor keeps; in place, if there is anything and g itself is not to be differentiated."""
    if tensor is None:
        return
    if tensor._kept is None:
        tensor._kept = g
    elif g.requires_grad:
        tensor._kept = tensor._kept + g
    else:
        with no_grad():
            tensor._kept.add_(g)


def _newest_first(edges):
    found, stack = set(), list(edges)
    while stack:
        edge = stack.pop()
        if edge not in found and edge.edges:
            found.add(edge)
            stack.extend(e for e in edge.edges if e is not None)
    return dict.fromkeys(sorted(found, key=lambda node: -node.serial))


def _leading_to(wanted, nodes):
    """The nodes from which a gradient goes on to one that is wanted."""
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
