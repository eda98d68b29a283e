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
from impls.autograd.node import KINDS
from impls.autograd.stack import stack
from impls.ladder import Absent, Ladder
from impls.since import TORCH

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def grad_raw(output, inputs, grad_output):
    """torch's own graph, walked by hand: a node is called with its gradient and returns its operands' gradients."""
    arrived = {(output.grad_fn, output.output_nr): grad_output}
    for node in _topological_raw(output.grad_fn):
        results = {(node, number): like for number, like in enumerate(node._input_metadata)}
        if node.next_functions and any(edge in arrived for edge in results):
            zeros = [torch.zeros(like.shape, dtype=like.dtype, device=like.device) for like in results.values()]
            grads = [arrived.pop(edge, zero) for edge, zero in zip(results, zeros, strict=True)]
            parts = node(*grads) if callable(node) else node.apply(*grads)  # an operation of one's own is not called
            parts = parts if isinstance(parts, tuple) else (parts,)
            for edge, part in zip(node.next_functions, parts, strict=True):
                to, number = edge
                if to is not None and part is not None:
                    part = part.sum_to_size(to._input_metadata[number].shape)
                    arrived[edge] = arrived[edge] + part if edge in arrived else part
    at = {node.variable: g for (node, _), g in arrived.items()}
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
    if not only_inputs:
        raise NotImplementedError("on the tape gradients go to the inputs only; backward is for the others")
    if is_grads_batched:
        settings = create_graph, only_inputs, allow_unused, False, materialize_grads
        return _batched(outputs, inputs, as_tuple(grad_outputs), retain_graph, settings)
    inputs = as_tuple(inputs)
    edges = [x._edge() for x in inputs]
    if not all(x.requires_grad for x in inputs):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = gradients(as_tuple(outputs), as_tuple(grad_outputs), set(edges), retain_graph, create_graph)
    unused = [i for i, edge in enumerate(edges) if edge not in found]
    if unused and not (allow_unused or materialize_grads):
        which = f"The differentiated Tensor at index {unused[0]}"
        raise RuntimeError(
            f"{which if TORCH >= (2, 13) else 'One of the differentiated Tensors'} appears to not have been used in "
            "the graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(
        found.get(e, x._filled(0.0) if materialize_grads else None) for e, x in zip(edges, inputs, strict=True)
    )


def _batched(outputs, inputs, batches, retain_graph, settings):
    """One pass for each row of the batches, side by side."""
    rows = []
    for i in range(len(batches[0])):
        retain = retain_graph if i == len(batches[0]) - 1 else True
        rows.append(grad(outputs, inputs, [batch[i] for batch in batches], retain, *settings))
    return tuple(None if row[0] is None else stack(row) for row in zip(*rows, strict=True))


def as_tuple(x):
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def gradients(outputs, seeds, wanted, retain_graph, create_graph):
    """The gradient that arrives at each wanted edge, or, where `wanted` is None, at each leaf's."""
    pack, unpack = (_same, _same) if create_graph else (type(outputs[0])._of, operator.attrgetter("_array"))
    retain_graph = create_graph if retain_graph is None else retain_graph
    arrived: dict = {}  # by node, those of its results
    kept: dict = {}  # by edge, a node and the number of its result
    for i, output in enumerate(outputs):
        _arrive(arrived, output._edge(), unpack(_seed(i, output, seeds[i] if len(seeds) > i else None)))
    nodes = _newest_first(arrived)
    useful = nodes if wanted is None else _leading_to(wanted, nodes)
    with enable_grad() if create_graph else no_grad(), np.errstate(all="ignore"):
        for node in nodes:
            grads = arrived.pop(node, None)
            if grads is None:
                continue
            _hooked(node, grads, pack, unpack)
            if wanted is not None:
                kept |= {(node, i): g for i, g in enumerate(grads) if (node, i) in wanted and g is not None}
            if node in useful:
                for edge, part in node.propagate(grads, retain_graph, create_graph):
                    _arrive(arrived, edge, part)
        leaves = {(node, 0): _hooked(node, grads, pack, unpack) for node, grads in arrived.items()}
    return {edge: pack(g) for edge, g in kept.items()} | {edge: pack(g) for edge, (g,) in leaves.items()}


def _same(x):
    return x


def _seed(i, output, seed):
    if output._edge() is None:
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
    node, number = edge
    grads = arrived.setdefault(node, [None] * node.results)
    grads[number] = part if grads[number] is None else grads[number] + part


def _hooked(node, grads, pack, unpack):
    """The gradients after the hooks of the tensors whose they are, which may also keep them."""
    if node.hooks:
        for number, hooks in node.hooks.items():
            for hook in tuple(hooks.values()):
                g = grads[number]
                new = hook(g if g is None else pack(g))
                if new is not None:
                    _may_replace(hook, g, new)
                grads[number] = g if new is None else unpack(new)
    if node.retained:
        for number, tensor in node.retained.items():
            if grads[number] is not None:
                _keep(tensor(), pack(grads[number]))
    return grads


def _may_replace(hook, g, new):
    if not hasattr(new, "_array"):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if g is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if new.dtype != g.dtype:
        was, got = KINDS[g.dtype.name], KINDS[new.dtype.name]
        raise RuntimeError(f"hook '{hook.__name__}' has changed the type of value (was {was} got {got})")
    if new.shape != g.shape:
        raise RuntimeError(f"hook '{hook.__name__}' has changed the size of value")


def _keep(tensor, g):
    """Add to what was computed on the way; each time it is another tensor that is kept."""
    if tensor is not None:
        tensor._kept = g.clone() if tensor._kept is None else tensor._kept + g


def accumulate(tensor, g):
    """Add to what a tensor keeps; in place, if there is anything and g itself is not to be differentiated."""
    if tensor._kept is None:
        tensor._kept = g
    elif g.requires_grad:
        tensor._kept = tensor._kept + g
    else:
        with no_grad():
            tensor._kept.add_(g)


def _newest_first(nodes):
    found, stack = set(), list(nodes)
    while stack:
        node = stack.pop()
        if node not in found and node.edges:
            found.add(node)
            stack += [e[0] for e in node.edges if e is not None]
    return dict.fromkeys(sorted(found, key=operator.attrgetter("serial"), reverse=True))


def _leading_to(wanted, nodes):
    """The nodes from which a gradient goes on to one that is wanted."""
    useful = set()
    for node in reversed(nodes):
        if any(e is not None and (e in wanted or e[0] in useful) for e in node.edges):
            useful.add(node)
    return useful


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("by hand there is no graph: the backward of each Pair is its derivative"),
    grad_raw,
    grad,
    torch.autograd.grad,
)
