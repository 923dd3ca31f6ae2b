"""The diagonal design matrix of NeuralUCB and NeuralTS, on the disjoint encoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.bandit.network import Activations, ArmNetworks
from tasks.bandit.protocol import Floats, Index


@dataclass
class DiagonalDesign:
    """U = λ 1 + Σ g ⊙ g over the gradients g of the arms played, elementwise.

    That is the update of the authors of both methods (uclaml/NeuralUCB and ZeroWeight/NeuralTS,
    ``learner_diag.py``); the copy of NeuralTS that comes with EE-Net adds the scalar g·g / m to
    every entry, which is no design matrix. The gradient of an arm is zero outside its block, where
    it is an outer product, so that g ⊙ g / U sums up as a product of a matrix with x ⊙ x. The
    inverse is kept, because a round changes one block and reads all.
    """

    networks: ArmNetworks
    regularisation: float

    def __post_init__(self) -> None:
        start = 1.0 / self.regularisation
        self.blocks = np.full_like(self.networks.blocks, start)
        self.output = np.full_like(self.networks.output, start)
        self._rows = np.arange(len(self.output))

    def variance(self, x: Floats, activations: Activations) -> Floats:
        """Return λ Σ_j g_{a,j}² / U_j of every arm, (streams, arms)."""
        streams, arms, units, dimension = self.blocks.shape
        squares = self.blocks.reshape(streams, arms * units, dimension) @ (x * x)[:, :, None]
        weight = (self.networks.output * self.networks.scale) ** 2
        inner = squares.reshape(streams, arms, units) * (activations.hidden > 0)
        first = (inner @ weight[:, :, None])[:, :, 0]
        outer = (activations.hidden * self.networks.scale) ** 2
        second = (outer @ self.output[:, :, None])[:, :, 0]
        return np.asarray(self.regularisation * (first + second))

    def add(self, x: Floats, arms: Index, activations: Activations) -> None:
        """Add the squared gradients of the arms played, before the weights move."""
        gradient = self.networks.gradient(activations.hidden[self._rows, arms])
        block = self.blocks[self._rows, arms]
        squared = (gradient.units**2)[:, :, None] * (x * x)[:, None, :]
        self.blocks[self._rows, arms] = block / (1.0 + block * squared)
        self.output /= 1.0 + self.output * gradient.output**2
