r"""The embedding: a table that is looked up, row by row.

    y  = w[i]                                  the row of w for each index of i
    ∂w = Σ ∂y over the places where i is that row;  0 at padding_idx
    at first  w ~ N(0, 1),  and the row at padding_idx is 0

An index that comes twice has the sum of both gradients: written instead of added, one of them is lost (tests/planted:
embedding_last_one_wins).  padding_idx stops a row's gradient and nothing else: whatever the row holds is what comes out
(tests/planted: embedding_pads_with_zeros).  An index below 0 is no row, though NumPy and Python would find one.

Shapes   i any, of integers;  w (rows, k);  y like i, with k behind.
Units    [y] = [w];  i are integers.
Raises   IndexError for an index that is no row;  custom: native's AssertionErrors for padding_idx and _weight.
Source   Bengio et al. 2003; torch/nn/modules/sparse.py, ATen/native/Embedding.cpp (PyTorch 2.13).  max_norm, which
         rewrites w as it is read, scale_grad_by_freq and sparse are on the custom and native rungs alone.
"""

from typing import Any

import numpy as np
import torch

from impls.init.normal import normal_, normal_manual, normal_raw
from impls.ladder import Grads, Ladder, Needs, Pair
from impls.nn.module import Module
from impls.nn.parameter import Parameter, parameter_raw
from impls.rng import State

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def embedding_forward(i: np.ndarray, w: np.ndarray, *, padding_idx: int | None = None) -> tuple[np.ndarray, Any]:
    _check_rows(i, w)
    return w[i], (i, w.shape, padding_idx)


def embedding_backward(dy: np.ndarray, saved: Any, needs_input_grad: Needs = (False, True)) -> Grads:
    """Return (None, dw): an index has no gradient."""
    i, (rows, k), padding_idx = saved
    if not needs_input_grad[1]:
        return None, None
    chosen = np.arange(rows) == i.reshape(i.size, 1)
    if padding_idx is not None:
        chosen = chosen & (np.arange(rows) != padding_idx % rows)
    return None, chosen.T.astype(dy.dtype) @ dy.reshape(i.size, k)


def _check_rows(i, w):
    if ((i < 0) | (i >= w.shape[0])).any():
        raise IndexError("index out of range in self")


def embedding_init(
    rng: State, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, dtype: type = np.float32
) -> tuple[dict[str, np.ndarray], State]:
    """Return ({"weight": w}, rng)."""
    w, rng = normal_manual(rng, (num_embeddings, embedding_dim), dtype=dtype)
    if padding_idx is not None:
        w = np.where((np.arange(num_embeddings) == padding_idx % num_embeddings).reshape(-1, 1), 0.0, w)
    return {"weight": w}, rng


embedding_manual = Pair(embedding_forward, embedding_backward, embedding_init)

# ── raw ─────────────────────────────────────────────────────────────────────────────────────────


def embedding_raw(i: torch.Tensor, weight: torch.Tensor, *, padding_idx: int | None = None) -> torch.Tensor:
    _check_rows(i, weight)
    y = weight[i]
    if padding_idx is None:
        return y
    return torch.where((i == padding_idx % len(weight)).unsqueeze(-1), y.detach(), y)


def embedding_init_raw(
    generator: torch.Generator,
    num_embeddings: int,
    embedding_dim: int,
    padding_idx: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[dict[str, torch.Tensor], torch.Generator]:
    """Return ({"weight": w}, generator), a leaf."""
    w, generator = normal_raw(generator, (num_embeddings, embedding_dim), dtype=dtype)
    if padding_idx is not None:
        w[padding_idx] = 0
    return {"weight": parameter_raw(w)}, generator


embedding_raw.init = embedding_init_raw  # type: ignore[attr-defined]  # where the manual rung has it, in a Pair


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Embedding(Module):
    """Drop-in for torch.nn.Embedding, bit for bit on one CPU thread."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: torch.Tensor | None = None,
        _freeze: bool = False,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < (num_embeddings or 1):
                raise AssertionError("Padding_idx must be within num_embeddings")
            padding_idx = padding_idx + num_embeddings if padding_idx < 0 else padding_idx
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            table = torch.empty((num_embeddings, embedding_dim), device=device, dtype=dtype)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if list(_weight.shape) != [num_embeddings, embedding_dim]:
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        normal_(self.weight)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        # weight[input] would take an index below 0 for a row, and knows neither padding nor norms nor sparsity.
        return torch.nn.functional.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: torch.Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> "Embedding":
        """An embedding whose table is given."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        told = f"{self.num_embeddings}, {self.embedding_dim}"
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        return told + "".join(f", {name}={getattr(self, name)}" for name in usual if getattr(self, name) != usual[name])


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(embedding_manual, embedding_raw, Embedding, torch.nn.Embedding)
