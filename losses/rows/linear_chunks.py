"""Chunks of tokens: their logits, the gradient of these, and what it adds to hidden and weights.

A chunk's logits are made by a matrix product, its loss and their gradient by the row-wise losses,
and that gradient goes into the hidden states and, summed in float32, into the weights before the
next chunk comes. Dropped tokens are left out before the product. Chunks are as long as memory
allows: each one reads the weights and their gradient once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from losses.rows import chunked
from losses.rows.inner_autograd import recording
from losses.rows.kinds import Rows
from losses.rows.precision import full_precision
from losses.rows.probabilities import compute_dtype

#: Tokens of a chunk: at least this many, so that a matrix product keeps the machine busy …
LEAST_TOKENS = {"cpu": 128, "cuda": 1024}
#: … and as many as this many logits hold: 16 MB of float32 on a CPU, a gigabyte of bf16 on a GPU.
CHUNK_ELEMENTS = {"cpu": 2**22, "cuda": 2**29}


class Linear(NamedTuple):
    """What makes the logits: hidden states (N, H) and weights (V, H) of one or of both sides."""

    student_hidden: Tensor
    student_weight: Tensor
    teacher_hidden: Tensor | None = None
    teacher_weight: Tensor | None = None
    target: Tensor | None = None

    def rows(self, part: Tensor | slice) -> Rows:
        """Return the logits of some tokens."""
        teacher = None
        if self.teacher_hidden is not None and self.teacher_weight is not None:
            teacher = self.teacher_hidden[part] @ self.teacher_weight.T
        target = None if self.target is None else self.target[part]
        return Rows(self.student_hidden[part] @ self.student_weight.T, teacher, target)

    def sides(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield hidden states and weights of each side that there is."""
        yield self.student_hidden, self.student_weight
        if self.teacher_hidden is not None and self.teacher_weight is not None:
            yield self.teacher_hidden, self.teacher_weight


def sweep(
    name: str,
    inputs: Linear,
    parameters: Sequence[float],
    row_weight: Tensor,
    upstream: Tensor,
    needs: Sequence[bool],
    backend: str,
) -> tuple[Tensor, list[Tensor]]:
    """Return the values of all tokens and the four gradients of Σ upstream · values."""
    result = new_values(name, inputs)
    gradients = _Gradients(inputs, needs)
    with full_precision(inputs.student_hidden):
        for part in _chunks(inputs, row_weight):
            rows = inputs.rows(part)
            found, of_logits = _of_logits(
                name, rows, parameters, (row_weight[part], upstream[part]), gradients.sides, backend
            )
            result[part] = found
            del rows
            gradients.add(part, of_logits)
    return result, gradients.found()


def _of_logits(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    weights: tuple[Tensor, Tensor],
    needs: Sequence[bool],
    backend: str,
) -> tuple[Tensor, Sequence[Tensor]]:
    """Return values and the gradients with respect to the logits of a chunk."""
    row_weight, upstream = weights
    if backend == "chunked":
        return chunked.sweep(name, rows, parameters, row_weight, upstream, [*needs, False])
    from losses import fused  # Triton is optional, and takes a while to import

    with recording():
        own = [
            None if logits is None else logits.detach().requires_grad_(need)
            for logits, need in zip(rows[:2], needs, strict=True)
        ]
        assert own[0] is not None
        found = fused.row_values(name, Rows(own[0], own[1], rows.extra), parameters, row_weight)
        wanted = [
            logits for logits, need in zip(own, needs, strict=True) if need and logits is not None
        ]
        asked = iter(torch.autograd.grad(found, wanted, upstream) if wanted else ())
    return found.detach(), [next(asked) if need else found.new_empty(0) for need in needs]


class _Gradients:
    """The gradients of hidden states and weights, as chunks add to them."""

    def __init__(self, inputs: Linear, needs: Sequence[bool]) -> None:
        self._inputs = inputs
        self._needs = needs
        self._hidden = [
            torch.zeros_like(tensor) if need and tensor is not None else None
            for tensor, need in zip(inputs[:4:2], needs[::2], strict=True)
        ]
        # Sums of many chunks in half precision would lose the small ones.
        self._weight = [
            torch.zeros_like(tensor, dtype=compute_dtype(tensor.dtype))
            if need and tensor is not None
            else None
            for tensor, need in zip(inputs[1:4:2], needs[1::2], strict=True)
        ]
        self.sides = [needs[0] or needs[1], needs[2] or needs[3]]

    def add(self, part: Tensor | slice, of_logits: Sequence[Tensor]) -> None:
        """Take in the gradient of a chunk's logits."""
        for (hidden, weight), gradient, of_hidden, of_weight in zip(
            self._inputs.sides(), of_logits, self._hidden, self._weight, strict=False
        ):
            if of_hidden is not None:
                of_hidden[part] = gradient @ weight
            if of_weight is not None:
                _add_product(of_weight, gradient.T, hidden[part])

    def found(self) -> list[Tensor]:
        """Return the four gradients in the inputs' types, empty where not needed."""
        pairs = zip(self._hidden, self._weight, strict=True)
        ordered = [gradient for pair in pairs for gradient in pair]
        return [
            like.new_empty(0) if gradient is None else gradient.to(like.dtype)
            for gradient, tensor in zip(ordered, self._inputs[:4], strict=True)
            for like in [self._inputs.student_hidden if tensor is None else tensor]
        ]


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Add a @ b to ``total``, whose type may be wider."""
    if total.dtype == a.dtype:
        total.addmm_(a, b)
    elif total.device.type == "cuda":
        torch.addmm(total, a, b, out_dtype=total.dtype, out=total)
    else:
        total.addmm_(a.to(total.dtype), b.to(total.dtype))


def _chunks(inputs: Linear, row_weight: Tensor) -> Iterator[Tensor | slice]:
    """Yield the tokens of each chunk: those of a weight other than 0."""
    count, device = len(inputs.student_hidden), inputs.student_hidden.device.type
    fitting = CHUNK_ELEMENTS.get(device, 2**22) // inputs.student_weight.shape[0]
    height = max(LEAST_TOKENS.get(device, 128), fitting)
    kept = row_weight.nonzero().squeeze(-1)
    if len(kept) == count:
        yield from (slice(i, i + height) for i in range(0, count, height))
    else:
        yield from (kept[i : i + height] for i in range(0, len(kept), height))


def new_values(name: str, inputs: Linear) -> Tensor:
    """Return zeros for the values of all tokens, (N,) or (N, k)."""
    hidden = inputs.student_hidden
    columns = chunked.width(name, inputs.teacher_hidden)
    shape = (len(hidden), columns) if columns else (len(hidden),)
    return hidden.new_zeros(shape, dtype=compute_dtype(hidden.dtype))


def empty_gradients(inputs: Linear, needs: Sequence[bool]) -> list[Tensor]:
    """Return what ``sweep`` returns as gradients, without values."""
    hidden = inputs.student_hidden
    return [
        torch.empty_like(tensor) if need and tensor is not None else hidden.new_empty(0)
        for tensor, need in zip(inputs[:4], needs, strict=True)
    ]
