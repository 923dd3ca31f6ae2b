"""Gaussian Gram matrices a few rows at a time, their sums, and the gradients through them.

Points are held centred and divided by the bandwidth σ, so that the log kernel of a pair is
−½‖aᵢ − bⱼ‖² and its derivative with respect to the sample of aᵢ is −(aᵢ − bⱼ)/σ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

#: Elements of one tile, chosen by timing: larger tiles leave the processor's cache, smaller ones
#: spend their time in launching operations.
TILE_ELEMENTS = 2**17


def row_tiles(rows: int, columns: int) -> list[slice]:
    """Return slices that cover ``rows`` rows, each of about ``TILE_ELEMENTS`` elements."""
    height = max(1, TILE_ELEMENTS // columns)
    return [slice(start, min(start + height, rows)) for start in range(0, rows, height)]


@dataclass(frozen=True)
class Points:
    """Samples as ``values`` (N, d) around a centre, in units of the ``bandwidth``."""

    values: Tensor
    bandwidth: float

    @cached_property
    def half_norms(self) -> Tensor:
        """½‖valueᵢ‖², (N,)."""
        return self.values.square().sum(1).mul_(0.5)

    def __len__(self) -> int:
        return self.values.shape[0]


def points(samples: Tensor, centre: Tensor, bandwidth: float) -> Points:
    """Return (N, d) samples as points. A near ``centre`` (d,) keeps distances from cancelling."""
    return Points((samples - centre).mul_(1 / bandwidth), bandwidth)


def log_kernel(a: Points, b: Points, rows: slice) -> Tensor:
    """Return the log kernel of some rows of a and all of b, (rows, M): at most 0."""
    left = a.values[rows]
    if left.shape[1] == 1:
        return (left - b.values.T).square_().mul_(-0.5)
    cross = torch.addmm(b.half_norms, left, b.values.T, beta=-1)
    return cross.sub_(a.half_norms[rows, None]).clamp_max_(0)


def add_log_kernel(start: Tensor, a: Points, b: Points, rows: slice) -> Tensor:
    """Return ``start`` (rows, M) plus the log kernel, with one column in fewer operations."""
    if a.values.shape[1] == 1:
        difference = a.values[rows] - b.values.T
        return torch.addcmul(start, difference, difference, value=-0.5)
    return log_kernel(a, b, rows).add_(start)


@dataclass(frozen=True)
class Scaled:
    """A tile of positive numbers, ``values`` · exp(``shift``): the largest never underflow."""

    values: Tensor
    shift: float = 0.0


def exponential(log_values: Tensor) -> Scaled:
    """Return exp of a tile, relative to its largest element. Overwrites ``log_values``."""
    shift = float(log_values.max())
    return Scaled(log_values.sub_(shift).exp_(), shift)


class LogSum:
    """The log of a sum over tiles, kept as a float64 sum relative to the largest shift so far."""

    def __init__(self) -> None:
        self._shift = -math.inf
        self._sum = 0.0

    def add(self, tile: Scaled) -> None:
        """Add all elements of a tile."""
        shift = max(self._shift, tile.shift)
        kept = self._sum * math.exp(self._shift - shift) if self._sum else 0.0
        self._sum = kept + float(tile.values.sum()) * math.exp(tile.shift - shift)
        self._shift = shift

    @property
    def value(self) -> float:
        """The log of the sum."""
        return self._shift + math.log(self._sum)

    def share(self, tile: Scaled) -> float:
        """Return the factor that turns the tile's values into parts of the whole sum."""
        return math.exp(tile.shift - self._shift) / self._sum


def pair_force(weights: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Return Σⱼ weightsᵢⱼ (leftᵢ − rightⱼ), weights (N, M), left (N, d), right (M, d) → (N, d)."""
    return torch.addmm(weights.sum(1, keepdim=True) * left, weights, right, alpha=-1)


class Pull:
    """The gradient with respect to samples, gathered from tiles of ∂ loss / ∂ log kernel."""

    def __init__(self, own: Points) -> None:
        self._own = own
        self._total = torch.zeros_like(own.values)

    @property
    def gradient(self) -> Tensor:
        """The gradient in the units of the samples, (N, d)."""
        return self._total * (1 / self._own.bandwidth)

    def add_rows(self, weights: Tensor, rows: slice, other: Points, factor: float) -> None:
        """Add ``factor`` · weights (rows, M), whose rows belong to these samples."""
        force = pair_force(weights, self._own.values[rows], other.values)
        self._total[rows].sub_(force, alpha=factor)

    def add_columns(self, weights: Tensor, rows: slice, other: Points, factor: float) -> None:
        """Add ``factor`` · weights (rows, N), whose columns belong to these samples."""
        force = pair_force(weights.T, self._own.values, other.values[rows])
        self._total.sub_(force, alpha=factor)

    def add_own(self, weights: Tensor, rows: slice, factor: float) -> None:
        """Add ``factor`` · weights (rows, N), whose rows and columns belong to these samples."""
        if weights.shape[0] == weights.shape[1]:
            self.add_rows(weights + weights.T, rows, self._own, factor)
        else:
            self.add_rows(weights, rows, self._own, factor)
            self.add_columns(weights, rows, self._own, factor)
