"""The mutual information, tile by tile.

With K, Q the Gram matrices and k, q their row sums, I(x; t) = log Σ KQ + log Σ K + log Σ Q −
2 log Σ kq up to powers of N, so that for the symmetric change of Qᵢⱼ
∂I / ∂Qᵢⱼ = Kᵢⱼ / ΣKQ + 1 / ΣQ − (kᵢ + kⱼ) / Σkq. All sums are means here: near a collapsed t they
tend to 1, where their logs keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from losses.cauchy_schwarz.kinds import SELF_INFORMATION_FLOOR
from losses.eager_gradient import Gradients, scalar_with_gradients
from losses.gram_tiles import Points, Pull, log_kernel, points, row_tiles


def mutual_information(
    x: Tensor, t: Tensor, *, x_bandwidth: float, t_bandwidth: float, normalized: bool
) -> Tensor:
    """Return what ``reference.mutual_information`` returns."""

    def compute(needs: tuple[bool, bool], x: Tensor, t: Tensor) -> tuple[float, Gradients]:
        grams = _Grams(points(x, x.mean(0), x_bandwidth), points(t, t.mean(0), t_bandwidth))
        means = _means(grams, normalized)
        value, slopes = _combine(means, normalized)
        return value, _gradients(grams, means, slopes, needs)

    return scalar_with_gradients(compute, x, t)


class _Grams:
    """K and Q in row tiles: made anew at each iteration, except that a single one is kept."""

    def __init__(self, x: Points, t: Points) -> None:
        self.sets = (x, t)
        self._rows = row_tiles(len(x), len(x))
        self._only = self._tile(self._rows[0]) if len(self._rows) == 1 else None

    def __iter__(self) -> Iterator[tuple[slice, tuple[Tensor, Tensor]]]:
        if self._only is not None:
            return iter((self._only,))
        return map(self._tile, self._rows)

    def _tile(self, rows: slice) -> tuple[slice, tuple[Tensor, Tensor]]:
        x, t = self.sets
        return rows, (log_kernel(x, x, rows).exp_(), log_kernel(t, t, rows).exp_())


@dataclass(frozen=True)
class _Means:
    """Means of products. Index 0 is x, 1 is t.

    ``degrees``  the row means of K and of Q, (N,) each
    ``joint``    [i, j] ↦ mean of kernel i times kernel j
    ``cross``    [i, j] ↦ mean over rows of degree i times degree j
    """

    degrees: tuple[Tensor, Tensor]
    total: tuple[float, float]
    joint: dict[tuple[int, int], float]
    cross: dict[tuple[int, int], float]

    def information(self, i: int, j: int) -> float:
        """Return I between the two."""
        marginals = math.log(self.total[i]) + math.log(self.total[j])
        return math.log(self.joint[i, j]) + marginals - 2 * math.log(self.cross[i, j])


def _means(grams: _Grams, normalized: bool) -> _Means:
    pairs = [(0, 1), (0, 0), (1, 1)] if normalized else [(0, 1)]
    count = len(grams.sets[0])
    degrees: tuple[list[Tensor], list[Tensor]] = ([], [])
    joint = dict.fromkeys(pairs, 0.0)
    for _, kernels in grams:
        for collected, kernel in zip(degrees, kernels, strict=True):
            collected.append(kernel.mean(1))
        for i, j in pairs:
            joint[i, j] += float((kernels[i] * kernels[j]).sum()) / count**2
    whole = (torch.cat(degrees[0]), torch.cat(degrees[1]))
    cross = {(i, j): float((whole[i] * whole[j]).mean()) for i, j in pairs}
    return _Means(whole, (float(whole[0].mean()), float(whole[1].mean())), joint, cross)


@dataclass(frozen=True)
class _Slopes:
    """The derivatives of the value by I(x; t), and by I(x; x) and I(t; t)."""

    shared: float
    own: tuple[float, float]


def _combine(means: _Means, normalized: bool) -> tuple[float, _Slopes]:
    shared = means.information(0, 1)
    if not normalized:
        return shared, _Slopes(1.0, (0.0, 0.0))
    own = [means.information(i, i) for i in (0, 1)]
    held = [max(information, SELF_INFORMATION_FLOOR) for information in own]
    shared_slope = 1 / math.sqrt(held[0] * held[1])
    value = shared * shared_slope
    x_slope, t_slope = (
        -0.5 * value / floor if information == floor else 0.0
        for information, floor in zip(own, held, strict=True)
    )
    return value, _Slopes(shared_slope, (x_slope, t_slope))


def _gradients(
    grams: _Grams, means: _Means, slopes: _Slopes, needs: tuple[bool, bool]
) -> Gradients:
    if not any(needs):
        return (None, None)
    pulls = [Pull(own) if need else None for own, need in zip(grams.sets, needs, strict=True)]
    vectors = [_row_part(means, slopes, own) if need else None for own, need in enumerate(needs)]
    for rows, kernels in grams:
        for own, (pull, vector) in enumerate(zip(pulls, vectors, strict=True)):
            if pull is not None and vector is not None:
                weights = _weights(means, slopes, own, kernels).sub_(vector[rows, None])
                weights = weights.sub_(vector).mul_(kernels[own])
                # Each pair stands in the sum twice; its column's half equals its row's.
                pull.add_rows(weights, rows, grams.sets[own], 2 / len(vector) ** 2)
    return tuple(pull.gradient if pull else None for pull in pulls)


def _weights(means: _Means, slopes: _Slopes, own: int, kernels: tuple[Tensor, Tensor]) -> Tensor:
    weights = kernels[1 - own] * (slopes.shared / means.joint[0, 1])
    if slopes.own[own]:
        weights.add_(kernels[own], alpha=2 * slopes.own[own] / means.joint[own, own])
    return weights


def _row_part(means: _Means, slopes: _Slopes, own: int) -> Tensor:
    """Return e with eᵢ + eⱼ what is left of the derivative after the product of kernels, (N,)."""
    part = means.degrees[1 - own] * (slopes.shared / means.cross[0, 1])
    constant = slopes.shared
    if slopes.own[own]:
        part.add_(means.degrees[own], alpha=2 * slopes.own[own] / means.cross[own, own])
        constant += 2 * slopes.own[own]
    return part.sub_(0.5 * constant / means.total[own])
