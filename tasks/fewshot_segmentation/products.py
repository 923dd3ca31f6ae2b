"""Products of every cell's feature with a vector of its task, fast in both directions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def products(vectors: Tensor, cells: Tensor, transposed: Tensor) -> Tensor:
    """Return ⟨cell, vector⟩ (E, M) of vectors (E, C) and cells (E, M, C).

    ``transposed``  the cells as (E, C, M), contiguous. Differentiable in the vectors alone, once.

    A row times a matrix reads memory in order; a matrix times a column does not, and takes several
    times as long on a CPU. With both layouts at hand, the product and its gradient are both of the
    first kind.
    """
    found: Tensor = _Products.apply(vectors, cells, transposed)  # type: ignore[no-untyped-call]
    return found


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, cells: Tensor, transposed: Tensor) -> Tensor:
        ctx.save_for_backward(cells)
        return torch.bmm(vectors.unsqueeze(1), transposed).squeeze(1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (cells,) = ctx.saved_tensors
        return torch.bmm(upstream.unsqueeze(1), cells).squeeze(1), None, None
