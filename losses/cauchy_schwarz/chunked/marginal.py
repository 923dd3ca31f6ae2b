"""The divergence between two sets of samples, tile by tile.

With Z the sum of a block of kernel values κᵢⱼ, ∂ log Z / ∂ log κᵢⱼ = κᵢⱼ / Z. The sums come first;
the gradient makes each tile once more, so that no block is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from losses.eager_gradient import Gradients, scalar_with_gradients
from losses.gram_tiles import LogSum, Points, Pull, exponential, log_kernel, points, row_tiles


@dataclass(frozen=True)
class _Block:
    """All pairs of two sets (0: p, 1: q), and the factor of their log sum in the divergence."""

    left: int
    right: int
    factor: float


_BLOCKS = (_Block(0, 0, 1.0), _Block(1, 1, 1.0), _Block(0, 1, -2.0))


def divergence(p_samples: Tensor, q_samples: Tensor, *, bandwidth: float) -> Tensor:
    """Return what ``reference.divergence`` returns."""

    def compute(needs: tuple[bool, bool], p: Tensor, q: Tensor) -> tuple[float, Gradients]:
        centre = q.mean(0)
        sets = (points(p, centre, bandwidth), points(q, centre, bandwidth))
        value = 0.0
        pulls = [Pull(own) if need else None for own, need in zip(sets, needs, strict=True)]
        for block in _BLOCKS:
            left, right = sets[block.left], sets[block.right]
            total = _sum(left, right)
            value += block.factor * (total.value - math.log(len(left) * len(right)))
            _add_gradient(block, left, right, total, pulls)
        return value, tuple(pull.gradient if pull else None for pull in pulls)

    return scalar_with_gradients(compute, p_samples, q_samples)


def _sum(left: Points, right: Points) -> LogSum:
    total = LogSum()
    for rows in row_tiles(len(left), len(right)):
        total.add(exponential(log_kernel(left, right, rows)))
    return total


def _add_gradient(
    block: _Block, left: Points, right: Points, total: LogSum, pulls: list[Pull | None]
) -> None:
    left_pull, right_pull = pulls[block.left], pulls[block.right]
    if left_pull is None and right_pull is None:
        return
    for rows in row_tiles(len(left), len(right)):
        tile = exponential(log_kernel(left, right, rows))
        factor = block.factor * total.share(tile)
        if left_pull is not None:
            left_pull.add_rows(tile.values, rows, right, factor)
        if right_pull is not None:
            right_pull.add_columns(tile.values, rows, left, factor)
