"""The conditional divergence, tile by tile.

D = log A + log B − 2 log C, where A, B, C are the sums over pairs of the weights times the kernels
of (y, y), (ŷ, ŷ) and (ŷ, y). An element m of a sum Z has ∂ log Z / ∂ log m = m / Z, from which all
gradients follow. The sums come first; where there is more than one tile, the gradient makes each of
them once more, so that no Gram matrix is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from losses.cauchy_schwarz.chunked.weights import PairWeights
from losses.cauchy_schwarz.kinds import Form
from losses.eager_gradient import Gradients, scalar_with_gradients
from losses.gram_tiles import LogSum, Points, Pull, Scaled, add_log_kernel, exponential, points


def conditional_divergence(
    x: Tensor, y: Tensor, prediction: Tensor, *, x_bandwidth: float, y_bandwidth: float, form: Form
) -> Tensor:
    """Return what ``reference.conditional_divergence`` returns."""

    def compute(
        needs: tuple[bool, ...], x: Tensor, y: Tensor, prediction: Tensor
    ) -> tuple[float, Gradients]:
        centre = y.mean(0)
        targets = points(y, centre, y_bandwidth), points(prediction, centre, y_bandwidth)
        tiles = _Tiles(PairWeights(points(x, x.mean(0), x_bandwidth), form), *targets)
        sums = _Sums()
        for tile in tiles:
            sums.add(tile)
        return sums.divergence, _gradients(tiles, sums, needs)

    return scalar_with_gradients(compute, x, y, prediction)


@dataclass(frozen=True)
class _Tile:
    """Some rows of weights times kernels, (rows, N) each."""

    rows: slice
    within_y: Scaled
    within_prediction: Scaled
    across: Scaled


class _Tiles:
    """The tiles of one problem: made anew at each iteration, except that a single one is kept."""

    def __init__(self, weights: PairWeights, y: Points, prediction: Points) -> None:
        self.weights, self.y, self.prediction = weights, y, prediction
        self._only = self._tile(weights.rows[0]) if len(weights.rows) == 1 else None

    def __iter__(self) -> Iterator[_Tile]:
        if self._only is not None:
            return iter((self._only,))
        return map(self._tile, self.weights.rows)

    def _tile(self, rows: slice) -> _Tile:
        log_weights = self.weights.log_weights(rows)
        y, prediction = self.y, self.prediction
        # The diagonal keeps the first two sums from underflowing; only the third needs a shift.
        return _Tile(
            rows,
            Scaled(add_log_kernel(log_weights, y, y, rows).exp_()),
            Scaled(add_log_kernel(log_weights, prediction, prediction, rows).exp_()),
            exponential(add_log_kernel(log_weights, prediction, y, rows)),
        )


@dataclass(frozen=True)
class _Sums:
    """A, B and C, and what each tile's elements are as parts of them."""

    within_y: LogSum = field(default_factory=LogSum)
    within_prediction: LogSum = field(default_factory=LogSum)
    across: LogSum = field(default_factory=LogSum)

    def add(self, tile: _Tile) -> None:
        self.within_y.add(tile.within_y)
        self.within_prediction.add(tile.within_prediction)
        self.across.add(tile.across)

    @property
    def divergence(self) -> float:
        return self.within_y.value + self.within_prediction.value - 2 * self.across.value

    def factors(self, tile: _Tile) -> tuple[float, float, float]:
        """Return ∂D / ∂ log m divided by the tile's stored value, for each of the three."""
        return (
            self.within_y.share(tile.within_y),
            self.within_prediction.share(tile.within_prediction),
            -2 * self.across.share(tile.across),
        )


def _gradients(tiles: _Tiles, sums: _Sums, needs: tuple[bool, ...]) -> Gradients:
    x_pull, y_pull, prediction_pull = (
        Pull(own) if need else None
        for own, need in zip((tiles.weights.x, tiles.y, tiles.prediction), needs, strict=True)
    )
    if x_pull is not None:
        _pull_inputs(x_pull, tiles, sums)
    if y_pull is not None or prediction_pull is not None:
        _pull_targets(y_pull, prediction_pull, tiles, sums)
    pulls = (x_pull, y_pull, prediction_pull)
    return tuple(pull.gradient if pull else None for pull in pulls)


def _pull_targets(
    y_pull: Pull | None, prediction_pull: Pull | None, tiles: _Tiles, sums: _Sums
) -> None:
    for tile in tiles:
        y_factor, prediction_factor, factor = sums.factors(tile)
        if y_pull is not None:
            y_pull.add_own(tile.within_y.values, tile.rows, y_factor)
            y_pull.add_columns(tile.across.values, tile.rows, tiles.prediction, factor)
        if prediction_pull is not None:
            own = tile.within_prediction.values
            prediction_pull.add_own(own, tile.rows, prediction_factor)
            prediction_pull.add_rows(tile.across.values, tile.rows, tiles.y, factor)


def _pull_inputs(pull: Pull, tiles: _Tiles, sums: _Sums) -> None:
    row_sums, column_sums = [], torch.zeros_like(tiles.weights.x.half_norms)
    for tile in tiles:
        parts = (tile.within_y, tile.within_prediction, tile.across)
        scaled = [p.values * f for p, f in zip(parts, sums.factors(tile), strict=True)]
        by_log_weight = scaled[0].add_(scaled[1]).add_(scaled[2])
        pull.add_own(by_log_weight, tile.rows, 1.0)
        row_sums.append(by_log_weight.sum(1))
        column_sums += by_log_weight.sum(0)
    tiles.weights.add_normalizer_pull(pull, torch.cat(row_sums), column_sums)
