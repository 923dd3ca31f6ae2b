"""From a row-wise loss to one number: which implementation runs, weights, and the reduction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from losses.rows import chunked, definitions
from losses.rows.backends import chosen_backend
from losses.rows.kinds import Backend, Reduction, Rows
from losses.rows.precision import full_precision
from losses.rows.probabilities import compute_dtype


class Weighting(NamedTuple):
    """How the rows of a loss count. ``weight`` (N,) of 0 drops a row, and its cost."""

    weight: Tensor | None
    reduction: Reduction
    denominator: float | Tensor | None


def reduced(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    weighting: Weighting,
    backend: Backend | None,
    shape: torch.Size,
) -> Tensor:
    """Return the named loss of the rows, reduced, or of ``shape`` without reduction."""
    weight = row_weights(weighting, rows.student)
    chosen = chosen_backend(backend, rows.student)
    if weighting.reduction != "none" and chosen == "chunked":
        return chunked.total(name, rows, parameters, weight)
    return weighted(row_values(name, rows, parameters, weight, chosen), weight, weighting, shape)


def weighted(found: Tensor, weight: Tensor, weighting: Weighting, shape: torch.Size) -> Tensor:
    """Return the values (N,) reduced with their factors, or of ``shape`` without reduction."""
    if weighting.reduction == "none":
        return found.reshape(shape) if weighting.weight is None else (found * weight).reshape(shape)
    # Over many rows, float32 would lose the last digits of the mean.
    return (found.double() * weight.double()).sum().to(found.dtype)


def row_values(
    name: str, rows: Rows, parameters: Sequence[float], weight: Tensor, backend: Backend
) -> Tensor:
    """Return the values of all rows, 0 where the weight is 0, from the implementation named."""
    if backend == "reference":
        with full_precision(rows.student):
            return _by_definition(name, rows, parameters, weight)
    if backend == "chunked":
        return chunked.row_values(name, rows, parameters, weight)
    from losses import fused  # Triton is optional, and takes a while to import

    return fused.row_values(name, rows, parameters, weight)


def row_weights(weighting: Weighting, like: Tensor) -> Tensor:
    """Return the factor of each row of ``like``, (N,), with the denominator of a mean in it.

    A mean divides by the sum of weights; where that is 0, by 1, so that nothing is 0 and not NaN.
    """
    dtype = compute_dtype(like.dtype)
    weight = (
        like.new_ones(like.shape[0], dtype=dtype)
        if weighting.weight is None
        else weighting.weight.reshape(-1).to(dtype)
    )
    if weighting.reduction != "mean":
        return weight
    divisor = weighting.denominator
    if divisor is None:
        divisor = weight.sum()
        divisor = torch.where(divisor == 0, 1, divisor)
    return weight / divisor


def _by_definition(name: str, rows: Rows, parameters: Sequence[float], weight: Tensor) -> Tensor:
    dropped = weight == 0
    # What a dropped row holds, NaN perhaps, must not reach its gradient.
    student, teacher = (
        None
        if logits is None
        else logits.masked_fill(dropped.view(-1, *[1] * (logits.ndim - 1)), 0)
        for logits in (rows.student, rows.teacher)
    )
    assert student is not None
    found = definitions.values(name, Rows(student, teacher, rows.extra), parameters)
    return found.masked_fill(dropped.view(-1, *[1] * (found.ndim - 1)), 0)
