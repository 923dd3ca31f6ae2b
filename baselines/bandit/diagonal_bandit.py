"""What NeuralUCB and NeuralTS share: predictions moved by the width of the diagonal design."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from baselines.bandit.diagonal_design import DiagonalDesign
from tasks.bandit.neural import OutputLearner, Training
from tasks.bandit.protocol import Floats, Index
from tasks.bandit.regression_loss import LossName


@dataclass(frozen=True)
class DiagonalBandit:
    """The settings of both.

    ``exploration``      ν
    ``regularisation``   λ, the start of the diagonal design U
    ``training``         ``online``, the update budget of every method, or the authors' ``replay``
    """

    learning_rate: float = 1.0
    exploration: float = 0.1
    regularisation: float = 0.1
    loss: LossName = "squared"
    training: Training = "online"


@dataclass
class DiagonalLearner(OutputLearner):
    """Plays argmin_a f(x_a) + z_a σ_a, with σ_a² = λ ν Σ_j g_{a,j}² / U_j."""

    exploration: float = field(kw_only=True)
    regularisation: float = field(kw_only=True)
    design: DiagonalDesign = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.design = DiagonalDesign(self.networks, self.regularisation)

    @abstractmethod
    def widths(self) -> Floats | float:
        """Return z_a of this round: how many σ_a are added, (streams, arms) or the same for all."""

    def choose(self, x: Floats, output: Floats) -> Index:
        """Return the arms, whose gradients the design then takes in."""
        variance = self.exploration * self.design.variance(x, self.activations)
        arms: Index = np.argmin(output + self.widths() * np.sqrt(variance), axis=1)
        self.design.add(x, arms, self.activations)
        return arms
