"""NeuralUCB, diagonal (Zhou, Li and Gu, ICML 2020; released code: uclaml/NeuralUCB)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from baselines.bandit.diagonal_design import DiagonalDesign
from tasks.bandit.neural import NeuralLearner, Training
from tasks.bandit.protocol import Floats, Index, Problem
from tasks.bandit.regression_loss import LossName


@dataclass(frozen=True)
class NeuralUCB:
    """Play argmin_a f(x_a) − σ_a, with σ_a² = λ ν Σ_j g_{a,j}² / U_j.

    f predicts losses, so the bound is a lower one; for rewards 1 − f it is the authors' upper one.
    With the log loss f is the logit of the loss, and the bound is on the logit's scale.

    ``exploration``      ν
    ``regularisation``   λ, the start of the diagonal design U
    ``training``         ``online``, the update budget of every method, or the authors' ``replay``
    """

    learning_rate: float = 1.0
    exploration: float = 0.1
    regularisation: float = 0.1
    loss: LossName = "squared"
    training: Training = "online"

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(
            problem, self.loss, self.learning_rate, self.training, self.exploration,
            self.regularisation,
        )  # fmt: skip


@dataclass
class _Learner(NeuralLearner):
    exploration: float = 0.0
    regularisation: float = 1.0
    design: DiagonalDesign = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.design = DiagonalDesign(self.networks, self.regularisation)

    def choose(self, x: Floats, output: Floats) -> Index:
        variance = self.exploration * self.design.variance(x, self.activations)
        arms: Index = np.argmin(output - np.sqrt(variance), axis=1)
        self.design.add(x, arms, self.activations)
        return arms
