"""The ball round the initial weights that projected online gradient descent stays in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.network import ArmNetworks
from tasks.bandit.protocol import Floats, Index


@dataclass
class Ball:
    """‖W − W₀‖_F ≤ radius for each of the two layers.

    A step moves one block of the first layer, unless all weights were moved: so the squared
    distance is kept block by block.
    """

    networks: ArmNetworks
    radius: float
    distances: Floats = field(init=False)

    def __post_init__(self) -> None:
        assert self.networks.start is not None
        streams, arms, units, d = self.networks.blocks.shape
        size = arms * units * d
        self.first = self.networks.start[:, :size].reshape(streams, arms, units, d)
        self.second = self.networks.start[:, size:]
        self.distances = np.zeros((streams, arms), np.float32)
        self._rows = np.arange(streams)

    def project(self, arms: Index | None) -> None:
        """Bring the weights back; ``arms``: the only blocks that moved, ``None`` for all."""
        if arms is None:
            moved = self.networks.blocks - self.first
            self.distances = np.square(moved, out=moved).sum(axis=(2, 3))
        else:
            block = self.networks.blocks[self._rows, arms] - self.first[self._rows, arms]
            self.distances[self._rows, arms] = np.square(block, out=block).sum(axis=(1, 2))
        self._shrink_first()
        self._shrink_second()

    def _shrink_first(self) -> None:
        factor = _factor(self.distances.sum(axis=1), self.radius)
        for stream in np.flatnonzero(factor < 1.0):
            moved = self.networks.blocks[stream] - self.first[stream]
            self.networks.blocks[stream] = self.first[stream] + factor[stream] * moved
            self.distances[stream] *= factor[stream] ** 2

    def _shrink_second(self) -> None:
        moved = self.networks.output - self.second
        factor = _factor(np.square(moved).sum(axis=1), self.radius)
        if (factor < 1.0).any():
            self.networks.output[:] = self.second + factor[:, None] * moved


def _factor(squared: Floats, radius: float) -> Floats:
    """Return what brings a distance back to the radius; 1 within, and for what is no number."""
    distance = np.sqrt(squared)
    return np.asarray(np.where(distance > radius, radius / distance, 1.0), dtype=np.float32)
